"""Settings: what the workspace's file says, with secrets left out, and who may use the service."""

import re
from typing import Final

from penchant import __version__
from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.language import Lang, Phrase

TITLE: Final = Phrase("Settings", "设置")
LEAD: Final = Phrase(
    "Penchant {version}. This is penchant.toml, shown without secrets; edit the file on the server, then build.",
    "Penchant {version}。以下为 penchant.toml（隐去密钥）；请在服务器上修改文件后重新构建。",
)
_SECRET: Final = re.compile(r"(?i)^(\s*[\w-]*(?:password|secret|token|key)[\w-]*\s*=\s*).+$", re.MULTILINE)
_ADDRESS: Final = re.compile(r"(://[^:/@\s]+:)[^@\s]+(@)")


def settings(desk: Desk, lang: Lang) -> View:
    """The settings as they stand in the file."""
    text = desk.workspace.config_path.read_text(encoding="utf-8-sig")
    return View(
        TITLE(lang),
        LEAD(lang, version=__version__),
        "table.html.j2",
        data={"text": without_secrets(text), "rows": [], "none": ""},
    )


def without_secrets(text: str) -> str:
    """A settings file with what looks like a secret replaced by dots.

    >>> without_secrets('url = "postgresql://shop:hunter2@localhost/shop"')
    'url = "postgresql://shop:•••@localhost/shop"'
    >>> without_secrets('api_key = "abc"')
    'api_key = "•••"'
    """
    return _ADDRESS.sub(r"\1•••\2", _SECRET.sub(r'\1"•••"', text))
