"""Damaged text files: every damaged row is rejected with its line, and every sound one beside it is taken."""

import pytest

HEADER = "member_id,item_id,kind,at,text\n"
GOOD = "m1,p1,buy,2026-01-05,\n"


def test_each_damaged_row_is_rejected_for_its_reason_and_at_its_line(read_files):
    rows = [
        (b"m1,p1,buy,2026-01-05", "field_count"),
        (b"m1,p1,buy,2026-01-05,x,y", "field_count"),
        (b"m1,p1,hug,2026-01-05,", "unknown_kind"),
        (b"m1,p1,buy,soon,", "bad_time"),
        (b"m1,p1,buy,1969-12-31,", "time_out_of_range"),
        (b"m1,p1,buy,3026-01-05,", "time_out_of_range"),
        (b",p1,buy,2026-01-05,", "missing_value"),
        (b"m1,,buy,2026-01-05,", "missing_value"),
        (b"m1,p1,,2026-01-05,", "missing_value"),
        (b"m1,p1,buy,NULL,", "missing_value"),
        (b"m1,,search,2026-01-05,", "missing_value"),
        (b"m1,p9,buy,2026-01-05,", "unknown_item"),
        (b"m\x00,p1,buy,2026-01-05,", "nul_byte"),
        (b"m1,p1,buy,2026-01-05,caf\xe9", "encoding"),
        (b'm1,p1,buy,2026-01-05,"never closed', "unclosed_quote"),
        (b'm1,p1,buy,2026-01-05,"closed" early', "unclosed_quote"),
        (b"m" * 600 + b",p1,buy,2026-01-05,", "bad_id"),
        (b"m\x07,p1,buy,2026-01-05,", "bad_id"),
    ]
    content = HEADER.encode() + b"".join(row + b"\n" + GOOD.encode() for row, _ in rows)
    got = read_files({"events.csv": content})
    assert got.reasons() == [(2 + 2 * place, reason) for place, (_, reason) in enumerate(rows)]
    assert len(got.community.events) == len(rows)
    assert all(row["detail"] for row in got.rejected)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("NaN", "not_finite"), ("inf", "not_finite"), ("-Infinity", "not_finite"), ("1e999", "not_finite"),
     ("many", "bad_number"), ("1,5", "bad_number")],
)  # fmt: skip
def test_amounts_that_are_no_finite_numbers_are_rejected(read_files, cell, reason):
    header = "member_id,item_id,kind,at,amount\n"
    got = read_files({"events.csv": f'{header}m1,p1,buy,2026-01-05,2.5\nm1,p1,buy,2026-01-05,"{cell}"\n'})
    assert got.reasons() == [(3, reason)]
    assert got.column("amount") == [2.5]


CHINESE = HEADER + "会员,p1,review,2026-01-05,“很好”，再来\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_every_usual_encoding_gives_the_same_text(read_files, encoding):
    got = read_files({"events.csv": CHINESE.encode(encoding)})
    assert got.column("text") == ["“很好”，再来"]
    assert got.column("member_id") == ["会员"]


def test_a_file_put_together_from_several_encodings_is_read_line_by_line(read_files):
    lines = [line.encode(codec) for codec in ("gb18030", "utf-8", "gbk") for line in [CHINESE.split("\n")[1]]]
    got = read_files({"events.csv": b"\n".join([HEADER.strip().encode(), *lines])})
    assert got.column("text") == ["“很好”，再来"] * 3
    assert got.summary.encodings == {"events.csv": "utf-8, 2 lines as gb18030"}


def test_western_text_is_not_taken_for_chinese_and_can_be_named(read_files):
    content = (HEADER + "m1,p1,review,2026-01-05,les cafés, hélas\n".replace("cafés,", "cafés")).encode("cp1252")
    assert read_files({"events.csv": content + GOOD.encode()}).reasons() == [(2, "encoding")]
    got = read_files({"events.csv": content + GOOD.encode(), "penchant.toml": '[read]\nencoding = "cp1252"\n'})
    assert got.column("text") == ["les cafés hélas", None]


def test_half_a_character_in_utf16_costs_its_line_alone(read_files):
    good, bad = "m1,p1,buy,2026-01-05,x\n".encode("utf-16-le"), "m1,p1,buy,2026-01-05,".encode("utf-16-le")
    content = b"\xff\xfe" + HEADER.encode("utf-16-le") + good + bad + b"\x00\xd8\n\x00" + good + good[:-3]
    got = read_files({"events.csv": content})
    assert got.reasons() == [(3, "encoding"), (5, "encoding")]
    assert len(got.community.events) == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends_of_every_system(read_files, ending):
    rows = [HEADER.strip(), "m1,p1,buy,2026-01-05,x", "", "m1,p9,buy,2026-01-05,", 'm2,p1,buy,2026-01-06,"y"']
    got = read_files({"events.csv": ending.join(rows)})
    assert got.column("text") == ["x", "y"]
    assert [reason for _, reason in got.reasons()] == ["unknown_item"]


def test_quoted_fields_hold_separators_quotation_marks_and_line_ends(read_files):
    text = 'He said ""no""\r\n\r\n1,2,3,4,5\nand, left'
    got = read_files({"events.csv": HEADER + f'm1,p1,review,2026-01-05,"{text}"\nm1,p9,buy,2026-01-05,\n'})
    assert got.column("text") == ['He said "no"\n\n1,2,3,4,5\nand, left']
    # Lines are those of the file, not of the records.
    assert got.reasons() == [(6, "unknown_item")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_told_from_the_header(read_files, separator):
    got = read_files({"events.csv": (HEADER + "m1,p1,review,2026-01-05,a b\n").replace(",", separator)})
    assert got.column("text") == ["a b"]


def test_excels_line_about_the_separator_is_understood(read_files):
    got = read_files({"events.csv": "sep=;\n" + (HEADER + GOOD).replace(",", ";") + "m1;p9;buy;2026-01-05;\n"})
    assert got.reasons() == [(4, "unknown_item")]


def test_a_file_cut_in_the_middle_loses_the_last_row_alone(read_files):
    content = HEADER + GOOD * 3 + 'm1,p1,review,2026-01-05,"it was go'
    got = read_files({"events.csv": content})
    assert (len(got.community.events), got.reasons()) == (3, [(5, "unclosed_quote")])
    got = read_files({"events.csv": HEADER + GOOD * 3 + "m1,p1,bu"})
    assert (len(got.community.events), got.reasons()) == (3, [(5, "field_count")])
    json_line = '{"member_id":"m1","item_id":"p1","kind":"buy","at":"2026-01-05"}\n'
    got = read_files({"events.jsonl": json_line * 2 + json_line[:-9]})
    assert (len(got.community.events), got.reasons()) == (2, [(3, "bad_json")])


def test_an_unclosed_quotation_mark_does_not_swallow_the_rows_after_it(read_files):
    """By the letter of RFC 4180 the field would go on to the next quotation mark, a hundred good rows later."""
    broken = 'm2,p1,review,2026-01-06,"\n'
    got = read_files({"events.csv": HEADER + GOOD + broken + GOOD * 100 + broken + GOOD})
    assert got.reasons() == [(3, "unclosed_quote"), (104, "unclosed_quote")]
    assert len(got.community.events) == 102


def test_quotation_marks_inside_unquoted_fields_are_just_characters(read_files):
    rows = ['m1,p1,review,2026-01-05,a 5" pipe\n', 'm1,p1,review,2026-01-05,"quoted, ""well"""\n'] * 50
    got = read_files({"events.csv": HEADER + "".join(rows)})
    assert got.column("text") == ['a 5" pipe', 'quoted, "well"'] * 50


def test_ids_may_hold_spaces_slashes_and_emoji_and_texts_may_be_long(read_files):
    long = "很好😀 " * 12_500
    events = HEADER + f'a b/c😀,"x/1, ""y""",review,2026-01-05,"{long}"\n'
    got = read_files({"items.csv": 'item_id,title\n"x/1, ""y""",Kettle\n', "events.csv": events})
    assert got.column("member_id") == ["a b/c😀"]
    assert got.column("item_id") == ['x/1, "y"']
    assert got.column("text") == [long.strip()]


def test_long_cells_of_rejected_rows_are_shortened_in_the_log(read_files):
    got = read_files({"events.csv": HEADER + GOOD + f"m1,p9,review,2026-01-05,{'x' * 100_000}\n"})
    assert got.rejected[0]["row"]["text"].endswith("… (100000 characters)")
    assert len(got.rejected[0]["row"]["text"]) < 2100


def test_characters_that_some_take_for_line_ends_end_no_line_of_the_log(read_files):
    got = read_files({"events.csv": HEADER + GOOD + "m1,p9,review,2026-01-05,a\x85b\u2028c\u2029d\n"})
    # The fixture splits the log at all of them.
    assert got.rejected[0]["row"]["text"] == "a\x85b\u2028c\u2029d"


def test_a_line_without_end_is_rejected_and_not_held_in_memory(read_files, monkeypatch):
    monkeypatch.setattr("penchant.data.blocks.BLOCK_BYTES", 1000)
    monkeypatch.setattr("penchant.data.blocks.LONGEST_LINE", 5000)
    got = read_files({"events.csv": HEADER + GOOD + "m" * 50_000 + "\n" + GOOD})
    assert got.reasons() == [(3, "too_long")]
    assert len(got.community.events) == 2


@pytest.mark.parametrize("block_bytes", [64, 100, 1000])
def test_blocks_of_any_size_give_the_same_rows(read_files, monkeypatch, block_bytes):
    rows = [
        'm1,p1,review,2026-01-05,"two\nlines, 会员"\n',
        "m2,p1,buy,2026-01-06,\r\n",
        "m3,p1,buy\n",
        'm4,p1,"b"uy,x,\n',
    ] * 9
    content = HEADER + "".join(rows)
    whole = read_files({"events.csv": content})
    monkeypatch.setattr("penchant.data.blocks.BLOCK_BYTES", block_bytes)
    parts = read_files({"events.csv": content})
    assert parts.rejected == whole.rejected
    assert parts.community.fingerprint() == whole.community.fingerprint()
    assert len(whole.community.events) == 18
    assert {line for line, _ in whole.reasons()} == {5 + 5 * turn + extra for turn in range(9) for extra in (0, 1)}


def test_json_escapes_that_no_text_can_hold_are_rejected(read_files):
    row = '{"member_id":"m1","item_id":"p1","kind":"review","at":"2026-01-05","text":"%s"}\n'
    lines = [
        row % r"a\u00e9b",
        row % r"\ud800",
        row % r"a\u0000b",
        row % r"\ud83d\ude00",
        "[" * 100_000 + "\n",
        '"x"\n',
    ]
    got = read_files({"events.jsonl": "".join(lines)})
    assert got.column("text") == ["aéb", "😀"]
    assert got.reasons() == [(2, "bad_json"), (3, "nul_byte"), (5, "bad_json"), (6, "bad_json")]


def test_the_summary_tells_every_reason_in_both_languages(read_files):
    got = read_files({"events.csv": HEADER + GOOD + "m1,p1,buy,soon,\n" * 3})
    assert "3 × the time cannot be understood (events.csv, line 3: at soon)" in got.summary.text("en")
    assert "3 × 无法识别时间" in got.summary.text("zh")
    assert got.summary.as_json()["tables"]["events"] == {
        "rows": 4,
        "accepted": 1,
        "rejected": {"bad_time": 3},
        "repeated": 0,
        "added": 0,
    }
