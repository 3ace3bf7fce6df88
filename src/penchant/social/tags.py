"""Tags of the items: those their rows name, the levels of their categories, and how many members wrote each."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community

_BETWEEN: Final = re.compile(r"[,，、;；|\n]+")
"""What stands between the tags of a text that is a list of them."""
ROWS_AT_ONCE: Final = 200_000


@dataclass(frozen=True, eq=False)
class Tags:
    """Items and their tags, in lower case, in alphabetical order.

    A cell is log(1 + n), n being one for the item's own row and one for every member who wrote the tag, as it stands
    between commas, in a text about the item. So ten members' "post-punk" says more than one's, and not ten times more.
    """

    matrix: sp.csr_matrix
    """(items, tags)"""
    names: tuple[str, ...]

    @classmethod
    def of(cls, community: Community, *, fewest: int = 2) -> Self:
        """The tags that at least so many items have."""
        named = _named(community.items)
        written = _written(community, named["tag"].unique())
        counted = pl.concat([named.with_columns(n=pl.lit(1, dtype=pl.UInt32)), written])
        counted = counted.group_by("item", "tag").agg(pl.col("n").sum())
        spread = counted.group_by("tag").len().filter(pl.col("len") >= fewest).select("tag").sort("tag")
        names = spread["tag"].to_list()
        cells = counted.join(spread.with_row_index("column"), on="tag")
        shape = (len(community.items), len(names))
        values = np.log1p(cells["n"].to_numpy().astype(np.float32))
        matrix = sp.csr_matrix((values, (cells["item"].to_numpy(), cells["column"].to_numpy())), shape=shape)
        matrix.sort_indices()
        return cls(matrix.astype(np.float32), tuple(names))


def _named(items: pl.DataFrame) -> pl.DataFrame:
    """Columns `item` (row) and `tag`, each pair once."""
    rows = items.select("tags", "categories").with_row_index("item")
    tags = rows.select("item", tag=pl.col("tags")).explode("tag", empty_as_null=True).drop_nulls()
    paths = rows.select("item", path=pl.col("categories")).explode("path", empty_as_null=True).drop_nulls()
    levels = pl.DataFrame(
        [
            (item, PATH_SEPARATOR.join(path.split(PATH_SEPARATOR)[:depth]))
            for item, path in paths.iter_rows()
            for depth in range(1, path.count(PATH_SEPARATOR) + 2)
        ],
        schema={"item": pl.UInt32, "tag": pl.String},
        orient="row",
    )
    found = pl.concat([tags, levels]).with_columns(pl.col("tag").str.strip_chars().str.to_lowercase())
    return found.filter(pl.col("tag") != "").unique(maintain_order=True)


def _written(community: Community, known: pl.Series) -> pl.DataFrame:
    """Columns `item`, `tag` and `n`, the members who wrote it of the item."""
    vocabulary = set(known.to_list())
    writers: Counter[tuple[int, str]] = Counter()
    if vocabulary:
        texts = community.events.filter(pl.col("text").is_not_null() & pl.col("item").is_not_null())
        spoken: set[tuple[int, int, str]] = set()
        for part in texts.select("member", "item", "text").iter_slices(ROWS_AT_ONCE):
            for member, item, text in part.iter_rows():
                spoken.update((member, item, tag) for tag in listed(text) if tag in vocabulary)
        writers.update((item, tag) for _, item, tag in spoken)
    rows = [(item, tag, count) for (item, tag), count in writers.items()]
    return pl.DataFrame(rows, schema={"item": pl.UInt32, "tag": pl.String, "n": pl.UInt32}, orient="row")


def listed(text: str) -> list[str]:
    """The parts of a text between commas, in lower case.

    >>> listed("Post-punk, 80s,, wave")
    ['post-punk', '80s', 'wave']
    """
    parts = (part.strip().lower() for part in _BETWEEN.split(text))
    return [part for part in parts if part]
