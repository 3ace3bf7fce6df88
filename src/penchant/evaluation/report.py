"""Figures as tables for people, on a terminal or in a log; in English or Chinese."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from penchant.evaluation.bootstrap import Difference, Interval
from penchant.language import Lang, Phrase

if TYPE_CHECKING:
    from rich.table import Table

SYSTEM: Final = Phrase("system", "系统")
AGAINST: Final = Phrase("against", "对比对象")
METRIC: Final = Phrase("metric", "指标")
DIFFERENCE: Final = Phrase("difference", "差值")
BOUNDS: Final = Phrase("95% interval", "95% 置信区间")
P_VALUE: Final = Phrase("p", "p 值")

WIDTH: Final = 80
"""Characters a line: metrics that do not fit beside the systems' names make a second table, as a log and a terminal of
usual width would break the names apart."""
_NAME: Final = 28
"""Characters that a system's name may take before it is folded."""
_GAP: Final = 2


def written(value: float, sd: float | None = None) -> str:
    """A figure for people: three decimals for fractions, fewer for larger numbers.

    >>> written(0.33871, 0.00161), written(1234.5), written(52.25)
    ('0.339 ±0.002', '1,234', '52.2')
    """
    size = abs(value)
    decimals = 3 if size < 10 else 1 if size < 1000 else 0
    spread = f" ±{sd:,.{decimals}f}" if sd is not None else ""
    return f"{value:,.{decimals}f}{spread}"


def comparison_tables(
    rows: Mapping[str, Mapping[str, str]], *, lang: Lang = "en", title: str | None = None, bold: Sequence[str] = ()
) -> "Iterator[Table]":
    """Systems below one another, metrics side by side; a dash where a system has no such figure.

    Args:
        rows: for each system the written figures by metric; metrics come in the order they are first met.
        lang: of the headings.
        title: above the first table.
        bold: the systems to stand out.

    >>> [table] = comparison_tables({"ours": {"mrr": "0.412"}, "popular": {"mrr": "0.2", "hit@10": "0.5"}})
    >>> [column.header for column in table.columns], table.row_count
    (['system', 'mrr', 'hit@10'], 2)
    """
    from rich.table import Table
    from rich.text import Text

    keys = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    for part in _side_by_side(keys, rows):
        table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold")
        title = None
        table.add_column(SYSTEM(lang), overflow="fold", min_width=_name_width(rows))
        for key in part:
            table.add_column(key, justify="right", no_wrap=True)
        for system, figures in rows.items():
            if any(key in figures for key in part):
                style = "bold" if system in bold else ""
                table.add_row(Text(system, style=style), *(Text(figures.get(key, "–"), style=style) for key in part))
        yield table


def _name_width(rows: Mapping[str, Mapping[str, str]]) -> int:
    from rich.cells import cell_len

    return min(_NAME, max(map(cell_len, rows), default=0))


def _side_by_side(keys: Sequence[str], rows: Mapping[str, Mapping[str, str]]) -> Iterator[list[str]]:
    """The metrics of each table: as many as a line holds, and at least one."""
    from rich.cells import cell_len

    room = WIDTH - _name_width(rows) - _GAP
    part: list[str] = []
    taken = 0
    for key in keys:
        wide = max(cell_len(key), *(cell_len(figures.get(key, "")) for figures in rows.values())) + _GAP
        if part and taken + wide > room:
            yield part
            part, taken = [], 0
        part.append(key)
        taken += wide
    if part:
        yield part


def difference_table(
    differences: Mapping[str, Mapping[str, Difference]], *, lang: Lang = "en", title: str | None = None
) -> "Table":
    """A row for each system compared with and metric: the difference, its bounds and its p-value.

    >>> difference_table({"EASE": {"ndcg@10": Difference(0.0123, 0.004, 0.021, 0.004)}}).row_count
    1
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold")
    for heading in (AGAINST, METRIC):
        table.add_column(heading(lang), overflow="fold")
    for heading in (DIFFERENCE, BOUNDS, P_VALUE):
        table.add_column(heading(lang), justify="right", no_wrap=True)
    for system, by_metric in differences.items():
        for metric, found in by_metric.items():
            cells = (system, metric, f"{found.value:+.3f}", written_bounds(found), f"{found.p_value:.3f}")
            table.add_row(*(Text(cell) for cell in cells))
    return table


def written_bounds(found: Interval) -> str:
    """The bounds of an interval for people.

    >>> written_bounds(Interval(0.31, 0.2512, 0.372))
    '[+0.251, +0.372]'
    """
    return f"[{found.low:+.3f}, {found.high:+.3f}]"
