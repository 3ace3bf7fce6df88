"""What was handed in: rows read, taken and rejected, with the reason."""

from collections.abc import Mapping
from typing import Any, Final

from penchant.data.columns import TABLES
from penchant.data.rejections import REASONS, Reason
from penchant.language import Lang, Phrase
from penchant.report.page import Section, TableCard
from penchant.report.words import TABLE_NAMES

_COLUMNS: Final = (Phrase("table", "表"), Phrase("read", "读取"), Phrase("taken", "接受"), Phrase("rejected", "拒绝"))


def reading_section(reading: Mapping[str, Any], lang: Lang) -> Section | None:
    """The quality of the data, from the summary that `penchant read` keeps in the workspace.

    Args:
        reading: as `ReadSummary.as_json` gives it.
        lang: the language.

    Returns:
        The section; None where the summary has no rows.
    """
    tables = {name: reading["tables"][name] for name in TABLES if reading["tables"].get(name, {}).get("rows")}
    if not tables:
        return None
    rows = sum(table["rows"] for table in tables.values())
    rejected = {
        (name, reason): count for name, table in tables.items() for reason, count in table["rejected"].items() if count
    }
    rejects = {name: sum(table["rejected"].values()) for name, table in tables.items()}
    total = sum(rejects.values())
    lead = (
        Phrase(
            "{total:,} of {rows:,} rows were rejected ({share:.2%}); each is kept with its file, line and reason in "
            "rejected.jsonl.",
            "共 {rows:,} 行，其中 {total:,} 行被拒绝（{share:.2%}）；各行的文件、行号和原因见 rejected.jsonl。",
        )
        if total
        else Phrase("All {rows:,} rows passed the checks at the door.", "全部 {rows:,} 行均通过检查。")
    )(lang, total=total, rows=rows, share=total / rows)
    accepted = TableCard(
        Phrase("Rows by table", "各表行数")(lang),
        tuple(phrase(lang) for phrase in _COLUMNS),
        tuple(
            (TABLE_NAMES[name](lang), *(f"{count:,}" for count in (table["rows"], table["accepted"], rejects[name])))
            for name, table in tables.items()
        ),
        wide=not total,
    )
    cards = [accepted]
    if rejected:
        ordered = sorted(rejected.items(), key=lambda pair: -pair[1])
        cards.append(
            TableCard(
                Phrase("Rejected rows by reason", "拒绝原因")(lang),
                (Phrase("reason", "原因")(lang), Phrase("table", "表")(lang), Phrase("rows", "行数")(lang)),
                tuple(
                    (REASONS[Reason(reason)](lang), TABLE_NAMES[name](lang), f"{count:,}")
                    for (name, reason), count in ordered
                ),
                text_columns=2,
            )
        )
    return Section(
        "data",
        Phrase("Data", "数据")(lang),
        Phrase("Quality of the data", "数据质量")(lang),
        lead,
        tables=tuple(cards),
    )
