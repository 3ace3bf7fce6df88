"""Finding a member: by the start of an id, or among the most active."""

from typing import Final
from urllib.parse import urlencode

import polars as pl

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.language import Lang, Phrase

TITLE: Final = Phrase("Members", "会员")
ASK: Final = Phrase("Begins with", "会员编号开头")
LEAD: Final = Phrase("The most active first, as of build {version}.", "按活跃度排序（截至构建 {version}）。")
NONE: Final = Phrase("No member's id begins with “{q}”.", "没有编号以「{q}」开头的会员。")
NOBODY: Final = Phrase("The workspace has no members yet.", "工作区还没有会员。")
SHOWN: Final = Phrase("{first:,}–{last:,} of {count:,}", "第 {first:,}–{last:,} 位，共 {count:,} 位")
HEADINGS: Final = (Phrase("member", "会员"), Phrase("events", "行为数"), Phrase("last event", "最近行为"))
_PER_PAGE: Final = 50


def members(desk: Desk, lang: Lang, *, q: str = "", page: int = 1) -> View:
    """A page of members.

    Args:
        desk: the workspace.
        lang: the language.
        q: how the id begins.
        page: from 1.
    """
    table = desk.kept("activity", lambda build: _activity(build.community.members, build.community.events))
    found = table.filter(pl.col("member_id").str.starts_with(q)) if q else table
    first = min(max(page - 1, 0) * _PER_PAGE, max(0, (len(found) - 1) // _PER_PAGE * _PER_PAGE))
    shown = found[first : first + _PER_PAGE]

    def link(number: int) -> str:
        return "?" + urlencode({"q": q, "page": number})

    here = first // _PER_PAGE + 1
    return View(
        TITLE(lang),
        LEAD(lang, version=desk.loaded.version),
        "members.html.j2",
        data={
            "ask": ASK(lang),
            "q": q,
            "headings": [heading(lang) for heading in HEADINGS],
            "rows": [
                {
                    "id": row["member_id"],
                    "cells": [f"{row['events']:,}", f"{row['last']:%Y-%m-%d}" if row["last"] else "–"],
                }
                for row in shown.iter_rows(named=True)
            ],
            "shown": SHOWN(lang, first=first + 1, last=first + len(shown), count=len(found)),
            "earlier": link(here - 1) if first else "",
            "later": link(here + 1) if first + len(shown) < len(found) else "",
            "none": NONE(lang, q=q) if q else NOBODY(lang),
        },
    )


def _activity(table: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """member_id, events and last of each member, the busiest first."""
    counted = events.group_by("member").agg(pl.len().alias("events"), pl.col("at").max().alias("last"))
    return (
        table.select("member_id")
        .with_row_index("member")
        .with_columns(pl.col("member").cast(pl.UInt32))
        .join(counted, on="member", how="left")
        .with_columns(pl.col("events").fill_null(0))
        .sort(["events", "member_id"], descending=[True, False])
    )
