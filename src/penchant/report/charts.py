"""The report's charts as Plotly figures: plain dictionaries whose colours are names of CSS variables.

The page's script looks the colours up when it draws, so one figure serves light, dark and print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from penchant.report.words import clipped

LONGEST_LABEL: Final = 32
SERIES: Final = tuple(f"--series-{place}" for place in range(1, 9))


@dataclass(frozen=True)
class Chart:
    """One figure: what it shows, how to draw it, and its numbers as a table for whoever cannot see it."""

    name: str
    title: str
    takeaway: str
    figure: dict[str, Any]
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text_columns: int = 1
    """Columns of the table that hold words; the others hold numbers."""
    height: int = 300
    wide: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar with its label, its value and, where it was estimated, the ends of its interval."""

    label: str
    value: float
    interval: tuple[float, float] | None = None
    shown: str = ""
    tone: str = SERIES[0]
    note: str = ""


def horizontal_bars(bars: Sequence[Bar]) -> dict[str, Any]:
    """Bars from the top down, each with its value written at its end, or beside its label where it has an interval."""
    ordered = list(reversed(bars))
    trace: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": [bar.value for bar in ordered],
        # Numbers and not labels, so that two labels that are shown alike stay two bars.
        "y": list(range(len(ordered))),
        "text": [bar.shown for bar in ordered],
        "customdata": [escape(bar.label) for bar in ordered],
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
        "marker": {"color": [bar.tone for bar in ordered]},
        "textposition": "outside",
        "cliponaxis": False,
    }
    ticks = [escape(clipped(bar.label, LONGEST_LABEL)) for bar in ordered]
    largest = max((bar.value for bar in bars), default=1.0)
    if any(bar.interval for bar in bars):
        ends = [bar.interval or (bar.value, bar.value) for bar in ordered]
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - bar.value for bar, (_, high) in zip(ordered, ends, strict=True)],
            "arrayminus": [bar.value - low for bar, (low, _) in zip(ordered, ends, strict=True)],
            "color": "--ink",
            "thickness": 1.4,
            "width": 4,
        }
        # Beside an interval the value would be struck through, so it stands with the label.
        trace["textposition"] = "none"
        ticks = [f"{tick}  <b>{bar.shown}</b>" for tick, bar in zip(ticks, ordered, strict=True)]
        largest = max(high for _, high in ends)
    layout = {
        "xaxis": {"range": [0, largest * 1.2], "visible": False},
        "yaxis": {
            "automargin": True,
            "tickvals": trace["y"],
            "ticktext": [f"{tick}\u00a0" for tick in ticks],
            "showgrid": False,
            "showline": False,
            "zeroline": False,
        },
        "bargap": 0.32,
    }
    return {"data": [trace], "layout": layout}


def bars_height(bars: int) -> int:
    """Pixels that so many bars need, one under the other."""
    return 40 + 32 * max(bars, 3)
