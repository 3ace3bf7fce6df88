"""Public names of a package that are imported when they are first used."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def late(
    package: str, homes: Mapping[str, str], others: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """A package's `__getattr__`, `__dir__` and `__all__` (PEP 562), so that importing it brings in nothing large.

    Args:
        package: its name, as `__name__` says it.
        homes: by public name the module that holds it; a module of the name itself, where the two end alike.
        others: public names that the package has already.

    >>> find, _, names = late("penchant.training", {"Options": "penchant.training.options"})
    >>> find("Options").__name__, names
    ('Options', ['Options'])
    """
    public = sorted([*homes, *others])

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"{package} has no public name {name!r}; it has {', '.join(public)}")
        home = importlib.import_module(homes[name])
        value = home if homes[name] == f"{package}.{name}" else getattr(home, name)
        setattr(sys.modules[package], name, value)
        return value

    return find, lambda: public, public
