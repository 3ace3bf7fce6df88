"""What a `penchant.toml` may say, and which column then feeds which."""

import re
import tomllib

import pytest

from penchant.data.mapping import ColumnSource, ReadConfig
from penchant.data.matching import resolve, suggestions
from penchant.errors import ColumnError, ConfigError

EVENTS = ["member_id", "item_id", "kind", "at"]


def write(folder, content):
    path = folder / "penchant.toml"
    path.write_text(content, encoding="utf-8-sig")
    return path


def test_a_whole_file_is_understood_and_others_sections_are_left_alone(tmp_path):
    config = ReadConfig.load(
        write(
            tmp_path,
            """
            [workspace]
            anything = 1
            [read]
            unknown_ids = "add"
            time_zone = "Asia/Shanghai"
            encoding = "GBK"
            missing = ["", "-"]
            [tables]
            events = "log-*.csv"
            items = {source = "things.txt", separator = "\t", header = false, encoding = "cp1252"}
            [columns.events]
            member_id = "uid"
            kind = {column = "action", values = {purchase = "buy"}}
            at = {column = "ts", unit = "ms"}
            amount = {value = 1}
            [columns.items]
            categories = {column = "cat", separator = ";", levels = "/"}
            colour = "Farbe"
            """,
        )
    )
    assert (config.unknown_ids, config.time_zone, config.encoding, config.missing) == (
        "add",
        "Asia/Shanghai",
        "gbk",
        ("", "-"),
    )
    assert config.tables["events"].source == "log-*.csv"
    assert config.tables["items"].header is False
    assert config.columns["events"]["member_id"] == ColumnSource(column="uid")
    assert config.columns["events"]["amount"].value == 1
    assert config.columns["items"]["categories"].levels == "/"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[read]\nunknown_ids = 'drop'", "read.unknown_ids|unknown_ids: Input should be 'reject', 'add' or 'error'"),
        ("[read]\nunknown = 1", "unknown: Extra inputs are not permitted"),
        ("read = 1", r"a section \[read\] was wanted"),
        ("[read]\ntime_zone = 'Mars/Crater'", "there is no time zone 'Mars/Crater'; write one such as"),
        ("[read]\nencoding = 'klingon'", "there is no encoding 'klingon'; write one such as"),
        ("[read]\nseparator = ', '", "separator: String should have at most 1 character"),
        ("[tables]\norders = 'x'", "tables.orders"),
        ("[columns.orders]\nat = 'x'", "columns.orders"),
        (
            "[columns.events]\nuser = 'x'",
            "columns.events: there is no column 'user'; it has member_id, item_id",
        ),
        (
            "[columns.events]\nkind = {values = {a = 'buy'}}",
            "needs either `column`, a foreign column's name",
        ),
        ("[columns.events]\nkind = {column = 'a', value = 'buy'}", "needs either `column`"),
        ("[columns.events]\nat = {column = 'a', unit = 'days'}", "Input should be 's', 'ms', 'us' or 'ns'"),
        ("[columns.events\n", "cannot be read as TOML"),
    ],
)
def test_a_setting_without_meaning_is_named(tmp_path, content, match):
    with pytest.raises(ConfigError, match=match) as caught:
        ReadConfig.load(write(tmp_path, content))
    assert "penchant.toml" in str(caught.value)
    assert "Value error" not in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="there is no file"):
        ReadConfig.load(tmp_path / "penchant.toml")


def test_a_configuration_comes_from_a_mapping_a_path_or_is_one_already(tmp_path):
    expected = ReadConfig(columns={"events": {"member_id": ColumnSource(column="uid")}})
    assert ReadConfig.of({"events": {"member_id": "uid"}}) == expected
    assert ReadConfig.of(write(tmp_path, "[columns.events]\nmember_id = 'uid'")) == expected
    assert ReadConfig.of(expected) is expected
    assert ReadConfig.of(None) == ReadConfig()


def plan(table, found, columns=None, **options):
    return resolve(table, found, ReadConfig.of(columns or {}), file="x.csv", **options)


def test_names_are_ours_give_or_take_case_spaces_and_marks():
    found = plan("events", ["Member ID", "itemId", "KIND", "at", "Amount"])
    assert {ours: source.column for ours, source in found.sources.items()} == {
        "member_id": "Member ID", "item_id": "itemId", "kind": "KIND", "at": "at", "amount": "Amount",
    }  # fmt: skip


def test_an_exact_name_comes_before_one_that_is_nearly_ours():
    found = plan("items", ["Title", "title", "item_id"])
    assert found.sources["title"].column == "title"
    assert found.attributes == ("Title",)


def test_what_is_not_ours_is_an_attribute_of_members_and_items_and_unread_elsewhere():
    assert plan("items", ["item_id", "title", "colour", ""]).attributes == ("colour",)
    events = plan("events", [*EVENTS, "device"])
    assert (events.attributes, events.unread) == ((), ("device",))


def test_a_mapped_name_takes_the_place_of_a_column_that_bears_it():
    found = plan("members", ["member_id", "uid", "city"], {"members": {"member_id": "uid"}})
    assert found.sources["member_id"].column == "uid"
    assert (found.attributes, found.unread) == (("city",), ("member_id",))


def test_one_column_may_feed_two_of_ours_and_an_attribute_may_be_renamed():
    found = plan(
        "items", ["id", "name"], {"items": {"item_id": "id", "title": "name", "text": "name", "label": "name"}}
    )
    assert [found.sources[name].column for name in ("title", "text", "label")] == ["name"] * 3


def test_a_bare_kind_is_a_constant_unless_a_column_bears_its_name():
    columns = {"events": {"kind": "buy"}}
    assert plan("events", ["member_id", "item_id", "at"], columns).sources["kind"].value == "buy"
    assert plan("events", ["member_id", "item_id", "at", "buy"], columns).sources["kind"].column == "buy"
    with pytest.raises(ColumnError, match="no column 'action', mapped to kind"):
        plan("events", ["member_id", "item_id", "at"], {"events": {"kind": "action"}})


def test_a_mapped_column_that_is_absent_is_an_error_but_not_where_keys_may_come_later():
    columns = {"events": {"amount": "total"}}
    with pytest.raises(ColumnError, match=r"x\.csv has no column 'total', mapped to amount; it has 'member_id'"):
        plan("events", EVENTS, columns)
    assert "amount" not in plan("events", EVENTS, columns, sparse=True).sources
    with pytest.raises(ColumnError, match="no column 'uid', mapped to member_id"):
        plan("events", EVENTS, {"events": {"member_id": "uid"}}, sparse=True)


@pytest.mark.parametrize(
    ("table", "found", "lacking", "proposals"),
    [
        ("events", ["userId", "movieId", "rating", "timestamp"], ["member_id", "item_id", "kind", "at"],
         ['member_id = "userId"', 'item_id = "movieId"', 'at = "timestamp"', 'kind = "view"']),
        ("items", ["商品ID", "标题"], ["item_id", "title"], ['item_id = "商品ID"', 'title = "标题"']),
        ("items", ["item_id", "titel"], ["title"], ['title = "titel"']),
        ("members", [], ["member_id"], ['member_id = "…"']),
        ("ties", ["member_id", "friend_id", "kind"], ["other_id"], ['other_id = "friend_id"']),
        ("labels", ["labels", "comment"], ["text"], ['text = "comment"']),
    ],
)  # fmt: skip
def test_a_missing_column_is_answered_with_what_may_be_meant(table, found, lacking, proposals):
    with pytest.raises(ColumnError) as caught:
        plan(table, found)
    message = str(caught.value)
    assert re.findall(r"no column '(\w+)'", message) == lacking
    assert f"[columns.{table}]" in message
    for proposal in proposals:
        assert proposal in message


def test_an_event_needs_an_item_unless_it_may_have_a_text():
    with pytest.raises(ColumnError, match="no column 'item_id'"):
        plan("events", ["member_id", "kind", "at"])
    assert "item_id" not in plan("events", ["member_id", "kind", "at", "text"]).sources


def test_suggestions_put_known_names_before_similar_ones():
    assert suggestions("member_id", ["member_idd", "uid", "x"]) == ["uid", "member_idd"]
    assert suggestions("at", ["x", "y"]) == []


def test_the_configuration_in_the_docs_is_one(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "data-formats.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert examples
    for example in examples:
        config = ReadConfig.from_document(tomllib.loads(example))
        assert config.columns["events"]["at"].format == "%d/%m/%Y %H:%M"
