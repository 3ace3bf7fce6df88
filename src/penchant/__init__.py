"""Penchant learns what a community's members like, notices when that changes, and recommends and searches accordingly.

The public names below are imported when they are first used, so that `import penchant` is quick and brings in neither
torch nor any other large library.
"""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late

if TYPE_CHECKING:
    from penchant import drift as drift
    from penchant import errors as errors
    from penchant import interests as interests
    from penchant import members as members
    from penchant import recommend as recommend
    from penchant import search as search
    from penchant import social as social
    from penchant.data.community import Community as Community
    from penchant.data.mapping import ReadConfig as ReadConfig
    from penchant.data.readers import BatchReader as BatchReader
    from penchant.data.readers import Reading as Reading
    from penchant.data.readers import read as read
    from penchant.data.readers import read_community as read_community
    from penchant.data.store import Store as Store
    from penchant.errors import PenchantError as PenchantError
    from penchant.pipeline import build as build
    from penchant.training.options import Options as Options
    from penchant.workspace import Workspace as Workspace

__version__: Final = "0.1.0"

_HOMES: Final = {
    "BatchReader": "penchant.data.readers",
    "Community": "penchant.data.community",
    "Options": "penchant.training.options",
    "PenchantError": "penchant.errors",
    "ReadConfig": "penchant.data.mapping",
    "Reading": "penchant.data.readers",
    "Store": "penchant.data.store",
    "Workspace": "penchant.workspace",
    "build": "penchant.pipeline",
    "read": "penchant.data.readers",
    "read_community": "penchant.data.readers",
}
_MODULES: Final = ("drift", "errors", "interests", "members", "recommend", "search", "social")
_EVERY_HOME: Final = _HOMES | {name: f"penchant.{name}" for name in _MODULES}

__getattr__, __dir__, __all__ = late(__name__, _EVERY_HOME, ["__version__"])
