"""Which column found in a file feeds which of ours, and what to say where one is missing."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from penchant.data.columns import REQUIRED, TABLES, EventKind, TieKind
from penchant.data.mapping import CONFIG_NAME, ColumnSource, ReadConfig
from penchant.errors import ColumnError


@dataclass(frozen=True)
class Plan:
    """Which column found in a file feeds which of ours."""

    table: str
    sources: dict[str, ColumnSource] = field(default_factory=dict)
    """Ours to theirs; columns that the file lacks are not here."""
    attributes: tuple[str, ...] = ()
    """Further columns of members and items, kept under their own names."""
    unread: tuple[str, ...] = ()
    """Columns that are not kept."""
    distinct: bool = False
    """Whether rows that repeat an id are passed over and not rejected."""


_SYNONYMS: Final = {
    "member_id": "user userid uid customer customerid buyer buyerid account visitor visitorid member "
    "用户 用户id 会员 会员id 客户 买家",
    "item_id": "item product productid sku goods goodsid movie movieid film article song track isbn asin stockcode "
    "商品 商品id 物品",
    "title": "name productname itemname description movietitle 标题 名称 商品名 商品名称",
    "kind": "type event eventtype action behavior behaviour behaviortype behaviourtype activity 行为 类型 行为类型",
    "at": "time timestamp date datetime ts createdat eventtime invoicedate when 时间 日期 时间戳",
    "amount": "rating score stars value price quantity 评分 金额 数量",
    "text": "review comment content body description 评论 内容 正文 描述",
    "categories": "category genre genres cat class department 类目 分类 类别",
    "other_id": "friend friendid followee target otherid userid2 好友",
    "labels": "label tag class category 标签",
    "price": "unitprice cost 价格",
    "joined_at": "registered registeredat signup joindate 注册时间",
}
"""Names that others give our columns, in the form of `_plain`: for suggestions only, never taken without asking."""


def resolve(
    table: str, found: Sequence[str], config: ReadConfig, *, file: str, sparse: bool = False, distinct: bool = False
) -> Plan:
    """Match the columns found in a file with those of a table.

    A column is ours where it bears our name, give or take case, spaces, hyphens and underscores, or where the
    configuration maps it.

    Args:
        table: one of the five.
        found: the file's columns.
        config: the mapping.
        file: what to call the file in messages.
        sparse: a column mapped but absent is no mistake unless it is required: in JSON Lines a key may come later.
        distinct: rows may repeat an id, and their further columns tell of something else than members or items.

    Raises:
        ColumnError: a column that is needed or mapped is not there; the message says what is, and what may be meant.
    """
    mapped = config.columns.get(table, {})  # type: ignore[call-overload]
    sources: dict[str, ColumnSource] = {}
    absent: list[str] = []
    for ours, source in mapped.items():
        if source.column is None or source.column in found:
            sources[ours] = source
        elif ours == "kind" and source.column in _kinds(table):
            sources[ours] = source.model_copy(update={"column": None, "value": source.column})
        elif not sparse or ours in REQUIRED[table]:
            absent.append(f"{source.column!r}, mapped to {ours}")
    if absent:
        raise ColumnError(f"{file} has no column {' and no column '.join(absent)}; it has {_listed(found)}")
    by_plain = {_plain(name): name for name in reversed(found)}
    for ours in TABLES[table]:
        if ours not in mapped:
            theirs = ours if ours in found else by_plain.get(_plain(ours))
            if theirs is not None:
                sources[ours] = ColumnSource(column=theirs)
    _require(table, found, sources, file)
    used = {source.column for source in sources.values()}
    further = [name for name in found if name not in used]
    attributed = table in ("members", "items") and not distinct
    # A nameless column is an index that a spreadsheet left; one of a name that is mapped elsewhere must not return.
    kept = [name for name in further if name and name not in mapped] if attributed else []
    return Plan(table, sources, tuple(kept), tuple(name for name in further if name not in kept), distinct)


def _kinds(table: str) -> list[str]:
    return [kind.value for kind in (EventKind if table == "events" else TieKind)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).casefold()


def _listed(names: Sequence[str], most: int = 30) -> str:
    if not names:
        return "none"
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _require(table: str, found: Sequence[str], sources: Mapping[str, ColumnSource], file: str) -> None:
    needed = [*REQUIRED[table]]
    if table == "events" and "text" not in sources:
        needed.append("item_id")
    lacking = [name for name in needed if name not in sources]
    if table == "labels" and "text" not in sources and "item_id" not in sources:
        lacking.append("text")
    lacking.sort(key=list(TABLES[table]).index)
    if not lacking:
        return
    free = [name for name in found if name not in {source.column for source in sources.values()}]
    lines = []
    for name in lacking:
        likely = suggestions(name, free)
        if likely:
            lines.append(f'{name} = "{likely[0]}"')
            free.remove(likely[0])
        elif name == "kind":
            lines.append(f'kind = "{_kinds(table)[1]}"  # the same for all rows: one of {", ".join(_kinds(table))}')
        else:
            lines.append(f'{name} = "…"')
    names = " and no column ".join(map(repr, lacking))
    raise ColumnError(
        f"{file} has no column {names}; it has {_listed(found)}. If other columns of it say the same, name them in "
        f"{CONFIG_NAME} beside the files, such as:\n[columns.{table}]\n" + "\n".join(lines)
    )


def suggestions(wanted: str, found: Sequence[str]) -> list[str]:
    """Columns that may well be meant by one of our names, the likeliest first.

    >>> suggestions("member_id", ["CustomerID", "Country"]), suggestions("title", ["titel"])
    (['CustomerID'], ['titel'])
    """
    known = {_plain(wanted), *_SYNONYMS.get(wanted, "").split()}
    likely = [name for name in found if _plain(name) in known]
    close = difflib.get_close_matches(_plain(wanted), [_plain(name) for name in found], n=3, cutoff=0.7)
    return likely + [name for name in found if _plain(name) in close and name not in likely]
