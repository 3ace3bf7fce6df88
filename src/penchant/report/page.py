"""What stands on the page, as plain values in one language, and the HTML made of it: one file that needs no network."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from penchant.language import Lang, Phrase
from penchant.report.charts import Chart

SAY: Final = {
    "skip": Phrase("Skip to the report", "跳到正文"),
    "contents": Phrase("Contents", "目录"),
    "dark": Phrase("Dark", "深色"),
    "light": Phrase("Light", "浅色"),
    "as_table": Phrase("Show as a table", "以表格查看"),
    "member": Phrase("Member", "会员"),
    "tastes": Phrase("Tastes", "偏好"),
    "recommended": Phrase("Recommended now, with the reason", "当前推荐与理由"),
    "evidence": Phrase("Evidence", "依据"),
    "rests_on": Phrase("What each rests on, and how far", "各兴趣的依据及其占比"),
    "for": Phrase("speaks for it", "支持"),
    "against": Phrase("speaks against it", "反对"),
    "glossary": Phrase("How to read the numbers", "指标说明"),
}


@dataclass(frozen=True)
class Tile:
    """A large number and what it counts."""

    value: str
    label: str
    accent: bool = False


@dataclass(frozen=True)
class TableCard:
    """A card with a table; the first `text_columns` columns are words, the others numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    text_columns: int = 1
    strong: int | None = None
    """The row that is Penchant's own."""
    wide: bool = False


@dataclass(frozen=True)
class PickLine:
    """An item of a list, its category, the reason it stands there and what the reason rests on."""

    title: str
    category: str = ""
    reason: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListCard:
    """A card with a ranking."""

    title: str
    picks: tuple[PickLine, ...]
    note: str = ""
    strategy: str = ""
    wide: bool = False


@dataclass(frozen=True)
class EventLine:
    """An event of a history."""

    title: str
    when: str
    what: str


@dataclass(frozen=True)
class TierChip:
    """A tier with its colour, and what is said beside it: what the tier means, or which interests are in it."""

    tier: str
    tone: str
    text: str


@dataclass(frozen=True)
class TierLine:
    """An interest in its tier's colour, and what it rests on, the strongest first."""

    label: str
    tier: str
    tone: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class TierPicture:
    """A member's interests, drawn; without a chart there is nothing to draw, and `facts` says why."""

    id: str
    why: str
    facts: str
    chart: Chart | None
    lines: tuple[TierLine, ...]
    latent: TierChip | None
    """What is predicted, with no bar of its own."""


@dataclass(frozen=True)
class MarkedPiece:
    """A piece of a text; `strength` from 0 to 5 is how strongly it speaks for a label, or against it."""

    text: str
    strength: int = 0
    against: bool = False


@dataclass(frozen=True)
class MarkedText:
    """A text with the pieces marked that made a labeller say what it says."""

    label: str
    said: str
    pieces: tuple[MarkedPiece, ...]


@dataclass(frozen=True)
class MemberCard:
    """A member: who, what they did, what they get and why."""

    id: str
    why: str
    facts: str
    tastes: tuple[tuple[str, str], ...]
    interests: tuple["TierChip", ...]
    """Stand in place of the tastes where tiers are known."""
    history_heading: str
    history: tuple[EventLine, ...]
    picks: tuple[PickLine, ...]
    strategy: str


@dataclass(frozen=True)
class Section:
    """A part of the page with its place in the contents."""

    anchor: str
    short: str
    heading: str
    lead: str
    key: tuple[TierChip, ...] = ()
    """What the colours of the section mean."""
    charts: tuple[Chart, ...] = ()
    tables: tuple[TableCard, ...] = ()
    members: tuple[MemberCard, ...] = ()
    lists: tuple[ListCard, ...] = ()
    pictures: tuple[TierPicture, ...] = ()
    pictures_heading: str = ""
    marked: tuple[MarkedText, ...] = ()
    marked_heading: str = ""
    marked_note: str = ""


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    glossary: tuple[tuple[str, str], ...]
    made: str
    made_with: str


def render(page: Page, lang: Lang) -> str:
    """The page as one HTML file with its styles, its script and plotly.js inside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("penchant.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = embedded
    templates = files("penchant.report") / "templates"
    return environment.get_template("report.html.j2").render(
        page=page,
        lang=lang,
        say={name: phrase(lang) for name, phrase in SAY.items()},
        css=(templates / "report.css").read_text(encoding="utf-8"),
        js=(templates / "report.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
    )


def embedded(value: Any) -> Any:
    """JSON that may stand inside a script element, whatever text is in it.

    >>> str(embedded({"title": "</script>"}))
    '{"title": "\\\\u003c/script\\\\u003e"}'
    """
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
