"""What a page shows, as plain values in one language, and the HTML made of it inside the console's frame."""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from penchant.language import Lang, Phrase
from penchant.report.page import SAY, Section, Tile, embedded

if TYPE_CHECKING:
    from jinja2 import Environment

WORDS: Final = {
    "skip": Phrase("Skip to the page", "跳到正文"),
    "pages": Phrase("Pages", "页面"),
    "dark": Phrase("Dark", "深色"),
    "light": Phrase("Light", "浅色"),
    "logout": Phrase("Log out", "退出"),
    "user": Phrase("User", "用户名"),
    "password": Phrase("Password", "密码"),
    "login": Phrase("Log in", "登录"),
    "show": Phrase("Show", "查看"),
    "search": Phrase("Search", "搜索"),
    "member": Phrase("Member", "会员"),
    "earlier": Phrase("Previous", "上一页"),
    "later": Phrase("Next", "下一页"),
    "download": Phrase("Download as CSV", "下载 CSV"),
    "nothing": Phrase("Nothing here yet", "暂无内容"),
}


@dataclass(frozen=True)
class Page:
    """One entry of the navigation."""

    path: str
    name: str
    count: int = 0
    """Things that wait there for somebody."""


@dataclass(frozen=True)
class View:
    """A page's contents: sections as in the report, and whatever its own template shows above them."""

    title: str
    lead: str = ""
    template: str = "plain.html.j2"
    sections: tuple[Section, ...] = ()
    tiles: tuple[Tile, ...] = ()
    problem: str = ""
    """What stands in the way of showing more, and what to do about it."""
    data: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    @property
    def drawn(self) -> bool:
        """Whether there is a chart on it."""
        return any(section.charts or section.pictures for section in self.sections)


@cache
def _environment() -> "Environment":
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("penchant.console"), PackageLoader("penchant.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = embedded
    return environment


def render(view: View, lang: Lang, **frame: Any) -> str:
    """A page's HTML.

    Args:
        view: its contents.
        lang: its language.
        frame: what the frame around it shows: `root`, `pages`, `here`, `back`, `place`, `csrf`, `told`, `stamp`.
    """
    return (
        _environment()
        .get_template(view.template)
        .render(
            view=view,
            lang=lang,
            say={name: phrase(lang) for name, phrase in SAY.items()},
            words={name: phrase(lang) for name, phrase in WORDS.items()},
            **frame,
        )
    )


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """The bytes and the media type of a file that pages ask for; None where there is none of that name."""
    own, report = files("penchant.console"), files("penchant.report") / "templates"
    if name == "plotly.js":
        from plotly.offline import get_plotlyjs

        return get_plotlyjs().encode(), "text/javascript"
    if name == "console.css":
        sheets = [report / "report.css", own / "templates" / "console.css"]
        return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets).encode(), "text/css"
    if name == "report.js":
        return (report / "report.js").read_bytes(), "text/javascript"
    if name in ("console.js", "theme.js"):
        return (own / "static" / name).read_bytes(), "text/javascript"
    return None
