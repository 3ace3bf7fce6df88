"""What is searched: the items in rows that stay, whatever is added, changed or taken away."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.artifacts import storage_errors
from penchant.data.columns import EVENTS, ITEMS
from penchant.data.community import Community, conform
from penchant.errors import UnknownIdError
from penchant.vectors import Rows

FILE: Final = "items.arrow"
_KEPT: Final = ("item_id", "title", "text", "categories", "tags", "price", "available")
_ALIVE: Final = "alive"


class Catalogue:
    """Items as a table; a row belongs to one item for good, also after the item was taken away.

    >>> shelf = Catalogue.of(pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"]}))
    >>> shelf.put(pl.DataFrame({"item_id": ["p2", "p1"], "title": ["Pan", "Steel kettle"]})).tolist()
    [1, 0]
    >>> shelf.titles.to_list(), shelf.remove(["p2"]).tolist(), shelf.alive.tolist()
    (['Steel kettle', 'Pan'], [1], [True, False])
    """

    def __init__(self, items: pl.DataFrame, alive: NDArray[np.bool_]) -> None:
        self.items = items
        self.alive = alive
        """(rows,) False where the item was taken away."""

    @classmethod
    def of(cls, items: pl.DataFrame) -> Self:
        """The items of a community, or any table with `item_id` and `title`.

        Raises:
            ColumnError: a column is missing or of the wrong type.
            InputError: an id stands twice.
        """
        return cls(_checked(items), np.ones(len(items), dtype=bool))

    def __len__(self) -> int:
        """Rows, those of items that were taken away counted too."""
        return len(self.items)

    @property
    def titles(self) -> pl.Series:
        """Title of each row."""
        return self.items["title"]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.items["item_id"])}

    @cached_property
    def id_rank(self) -> Rows:
        """(rows,) the place of each row's id among the sorted ids: the tie rule of every ranking."""
        rank = np.empty(len(self), dtype=np.int64)
        rank[self.items["item_id"].arg_sort().to_numpy()] = np.arange(len(self))
        return rank

    def row(self, item_id: str) -> int | None:
        """The row of an item that is there; None for any other id."""
        row = self._rows.get(item_id)
        return row if row is not None and self.alive[row] else None

    def put(self, items: pl.DataFrame) -> Rows:
        """Add items, or change those whose id is here already; the row of each, in the order given.

        Raises:
            ColumnError: a column is missing or of the wrong type.
            InputError: an id stands twice.
        """
        items = _checked(items)
        rows, known = [], len(self)
        for item_id in items["item_id"]:
            rows.append(self._rows.setdefault(item_id, len(self._rows)))
        placed = np.array(rows, dtype=np.int64)
        order = np.arange(len(self._rows))
        order[placed] = known + np.arange(len(placed))
        self.items = pl.concat([self.items, items])[order]
        self.__dict__.pop("id_rank", None)
        self.alive = np.concatenate([self.alive, np.ones(len(order) - known, dtype=bool)])
        self.alive[placed] = True
        return placed

    def remove(self, item_ids: Sequence[str]) -> Rows:
        """Take items away; the rows they had.

        Raises:
            UnknownIdError: an id is not here; then nothing is taken away.
        """
        rows = [self.row(item_id) for item_id in item_ids]
        for item_id, row in zip(item_ids, rows, strict=True):
            if row is None:
                raise UnknownIdError(f"no item has the id {item_id!r}, so it cannot be taken out of the search")
        gone = np.array(rows, dtype=np.int64)
        self.alive[gone] = False
        return gone

    def texts(self, rows: Rows | None = None) -> list[str]:
        """What each row is about, for an encoder: title, categories, tags and description."""
        items = self.items if rows is None else self.items[rows]
        return Community.from_tables(items, pl.DataFrame(schema=EVENTS)).item_texts

    def save(self, folder: Path) -> list[str]:
        """Write the table for `load`; the names of its files."""
        with storage_errors(folder):
            self.items.with_columns(pl.Series(_ALIVE, self.alive)).write_ipc(folder / FILE, compression="uncompressed")
        return [FILE]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote."""
        items = pl.read_ipc(folder / FILE)
        return cls(items.drop(_ALIVE), items[_ALIVE].to_numpy().copy())


def _checked(items: pl.DataFrame) -> pl.DataFrame:
    items = conform(items, "items").select(_KEPT).cast({name: ITEMS[name] for name in _KEPT})
    # The community's own check: every id there, and once.
    Community.from_tables(items, pl.DataFrame(schema=EVENTS))
    return items
