"""A benchmark's result for people: ours, the baselines, what others published, and what the run cost."""

from typing import TYPE_CHECKING, Final

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, Figure
from penchant.evaluation.report import comparison_tables, difference_table, written
from penchant.language import Lang, Phrase

if TYPE_CHECKING:
    from rich.console import Console

OURS: Final = "penchant"
ABOUT: Final = Phrase(
    "{name} on {data}, {protocol}, seeds {seeds}",
    "{name}，数据 {data}，{protocol}，随机种子 {seeds}",
)
PROTOCOL: Final = Phrase("protocol {protocol}", "协议 {protocol}")
NO_PROTOCOL: Final = Phrase("one protocol", "默认协议")
WITHOUT: Final = Phrase("without the language model", "不使用语言模型")
PUBLISHED: Final = Phrase("{name} (published)", "{name}（已发表）")
SOURCE: Final = Phrase("{name}: {source}", "{name}：{source}")
DIFFERENCES: Final = Phrase(
    "Differences: penchant minus the system named, by member", "差值：penchant 减去对比系统，按用户配对"
)
COST: Final = Phrase(
    "{seconds:,.1f} s, at most {peak_rss_mb:,.0f} MB, on {cores} cores of {cpu}",
    "耗时 {seconds:,.1f} 秒，内存峰值 {peak_rss_mb:,.0f} MB，{cores} 核 {cpu}",
)


def show(result: BenchResult, console: "Console", lang: Lang = "en") -> None:
    """Print a result: a table of systems, one of differences with intervals, the benchmark's own tables, the cost."""
    from rich.text import Text

    rows = {OURS: _written(result.metrics)}
    for name, figures in result.baselines.items():
        rows[WITHOUT(lang) if name == WITHOUT_LANGUAGE_MODEL else name] = _written(figures)
    for name, published in result.published.items():
        rows[PUBLISHED(lang, name=name)] = {key: written(value) for key, value in published.figures.items()}
    protocol = PROTOCOL(lang, protocol=result.protocol) if result.protocol else NO_PROTOCOL(lang)
    seeds = ", ".join(map(str, result.seeds))
    console.print(Text(ABOUT(lang, name=result.name, data=result.data, protocol=protocol, seeds=seeds), style="bold"))
    for table in comparison_tables(rows, lang=lang, bold=[OURS]):
        console.print(table)
    if result.differences:
        console.print(difference_table(result.differences, lang=lang, title=DIFFERENCES(lang)))
    for title, cells in result.tables.items():
        console.print(_own_table(title, cells))
    for name, published in result.published.items():
        console.print(Text(SOURCE(lang, name=name, source=published.source), style="dim"))
    cost = COST(
        lang, seconds=result.seconds, peak_rss_mb=result.peak_rss_mb, cores=result.machine.cores, cpu=result.machine.cpu
    )
    console.print(Text(cost, style="dim"))


def _written(figures: dict[str, Figure]) -> dict[str, str]:
    return {key: written(figure.mean, figure.sd or None) for key, figure in figures.items()}


def _own_table(title: str, rows: list[dict[str, Cell]]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    for key in keys:
        numeric = all(isinstance(row.get(key), int | float | None) for row in rows)
        table.add_column(key, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(key))) for key in keys))
    return table


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return written(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
