"""Ids are strings outside and row numbers inside; a vocabulary goes both ways."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from penchant.errors import InputError, UnknownIdError
from penchant.vectors import Rows

_SHOWN: Final = 3


class Vocabulary:
    """The ids of one table in row order.

    Raises:
        InputError: where an id is missing or stands twice.

    >>> films = Vocabulary(["heat", "alien"], name="item")
    >>> films.row("alien"), films.id(0), films.row_or_none("up"), len(films)
    (1, 'heat', None, 2)
    """

    def __init__(self, ids: Sequence[str] | pl.Series, *, name: str) -> None:
        self.name = name
        self.ids: pl.Series = pl.Series(name, ids, dtype=pl.String)
        if self.ids.null_count():
            raise InputError(f"{self.ids.null_count()} rows have no {name} id; give every row an id")
        if self.ids.n_unique() != len(self.ids):
            doubled = self.ids.filter(self.ids.is_duplicated()).unique(maintain_order=True)[:_SHOWN]
            raise InputError(f"{name} ids must be unique; found twice: {', '.join(map(repr, doubled))}")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._row_of

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {identifier: row for row, identifier in enumerate(self.ids)}

    @cached_property
    def id_rank(self) -> Rows:
        """(n,) the place of each row's id among the sorted ids: the tie rule of every ranking."""
        rank = np.empty(len(self), dtype=np.int64)
        rank[self.ids.arg_sort().to_numpy()] = np.arange(len(self))
        return rank

    def id(self, row: int) -> str:
        """The id at a row."""
        return str(self.ids[row])

    def row(self, identifier: str) -> int:
        """The row of an id.

        Raises:
            UnknownIdError: where the id is not here.
        """
        try:
            return self._row_of[identifier]
        except KeyError:
            raise UnknownIdError(
                f"no {self.name} has the id {identifier!r}; this community has {len(self)} {self.name}s"
            ) from None

    def row_or_none(self, identifier: str) -> int | None:
        """The row of an id, or None where the id is not here."""
        return self._row_of.get(identifier)

    def encode(self, ids: pl.Series) -> pl.Series:
        """Row numbers (UInt32) of many ids; null where an id is null or not here."""
        frame = pl.DataFrame({"id": ids.cast(pl.String)})
        known = pl.DataFrame({"id": self.ids}).with_row_index("row")
        return frame.join(known, on="id", how="left", maintain_order="left")["row"].alias(ids.name)

    def decode(self, rows: pl.Series | Rows | Sequence[int]) -> pl.Series:
        """Ids of many rows; null where a row is null."""
        return self.ids.gather(pl.Series(rows, dtype=pl.UInt32))
