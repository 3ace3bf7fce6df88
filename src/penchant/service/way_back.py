"""Which builds answered before, so that going back leads to what was there and not to the next lower number."""

import json
from pathlib import Path
from typing import Final

from penchant.artifacts import write_atomically

_MOST: Final = 20


class WayBack:
    """The versions that answered, the latest last, in a file of the workspace.

    Args:
        path: of the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[str]:
        """The versions; none where the file cannot be read."""
        try:
            way = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return []
        return [str(version) for version in way] if isinstance(way, list) else []

    def add(self, version: str) -> None:
        """Remember what answered until now."""
        way = self.read()
        if not way or way[-1] != version:
            self.write([*way, version][-_MOST:])

    def write(self, way: list[str]) -> None:
        """Put other versions in their place."""
        write_atomically(self.path, json.dumps(way).encode())
