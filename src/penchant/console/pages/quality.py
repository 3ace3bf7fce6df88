"""Data quality: what the door refused, row by row, and how good the build that answers is on held-out events."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.data.rejections import REASONS, Reason
from penchant.language import Lang, Phrase
from penchant.report.page import Section
from penchant.report.quality_section import quality_section
from penchant.report.reading_section import reading_section
from penchant.report.words import TABLE_NAMES, clipped

TITLE: Final = Phrase("Quality", "质量")
HEADINGS: Final = (
    Phrase("table", "表"),
    Phrase("file", "文件"),
    Phrase("line", "行号"),
    Phrase("reason", "原因"),
    Phrase("row", "内容"),
)
NONE: Final = Phrase("No row was refused at the last reading.", "最近一次读取没有拒绝任何行。")
SHOWN: Final = Phrase("Rejected rows {first:,}–{last:,}", "被拒绝的行 {first:,}–{last:,}")
_PER_PAGE: Final = 25


def quality(desk: Desk, lang: Lang, *, page: int = 1) -> View:
    """The last reading, its rejected rows, and the figures of the build.

    Args:
        desk: the workspace.
        lang: the language.
        page: of the rejected rows, from 1.
    """
    sections: list[Section | None] = []
    if desk.workspace.reading.is_file():
        sections.append(reading_section(json.loads(desk.workspace.reading.read_bytes()), lang))
    if desk.build is not None:
        sections.append(quality_section(desk.build.quality, lang))
    first = (max(page, 1) - 1) * _PER_PAGE
    rows = list(_rejected(desk.workspace.rejected, first, _PER_PAGE + 1))
    return View(
        TITLE(lang),
        template="table.html.j2",
        sections=tuple(section for section in sections if section is not None),
        data={
            "headings": [heading(lang) for heading in HEADINGS],
            "rows": [_row(row, lang) for row in rows[:_PER_PAGE]],
            "shown": SHOWN(lang, first=first + 1, last=first + min(len(rows), _PER_PAGE)),
            "earlier": f"?page={page - 1}" if page > 1 else "",
            "later": f"?page={page + 1}" if len(rows) > _PER_PAGE else "",
            "none": NONE(lang),
        },
    )


def _rejected(path: Path, first: int, count: int) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= first + count:
                return
            if number >= first:
                yield json.loads(line)


def _row(row: dict[str, Any], lang: Lang) -> tuple[str, ...]:
    known = {reason.value for reason in Reason}
    reason = REASONS[Reason(row["reason"])](lang) if row.get("reason") in known else str(row.get("reason", ""))
    table = TABLE_NAMES[row["table"]](lang) if row.get("table") in TABLE_NAMES else str(row.get("table", ""))
    content = row.get("row") or ""
    if isinstance(content, dict):
        # Fields that were left empty tell nothing, and would push out what was wrong.
        content = ", ".join(f"{name}: {value}" for name, value in content.items() if value is not None)
    return table, Path(str(row.get("file", ""))).name, str(row.get("line", "")), reason, clipped(str(content), 120)
