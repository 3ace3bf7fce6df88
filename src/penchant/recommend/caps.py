"""Caps: at most so many items of a kind in one list."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.recommend.business import Cap


class Caps:
    """Groups of items, and how many of each one list may hold.

    >>> caps = Caps(sp.csr_matrix([[1], [1], [0]], dtype=bool), np.array([1]))
    >>> counted = caps.start()
    >>> counted.take(0)
    >>> counted.open.tolist()
    [False, False, True]
    """

    def __init__(self, groups: sp.csr_matrix, most: NDArray[np.int64]) -> None:
        self.groups = groups
        """(items, groups) True where an item counts for a group."""
        self.members = groups.tocsc()
        self.most = most
        """(groups,) how many of each at most."""

    @classmethod
    def of(cls, rules: Sequence[Cap], community: Community) -> "Caps":
        """The groups that rules make of a community's items."""
        parts = [_groups(rule, community) for rule in rules]
        most = [np.full(part.shape[1], rule.most, dtype=np.int64) for part, rule in zip(parts, rules, strict=True)]
        if not parts:
            return cls(sp.csr_matrix((len(community.items), 0), dtype=bool), np.empty(0, dtype=np.int64))
        return cls(sp.hstack(parts, format="csr"), np.concatenate(most))

    def start(self) -> "Counted":
        """The count of an empty list."""
        return Counted(self)


class Counted:
    """How full the groups of one list are."""

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.counts = np.zeros(len(caps.most), dtype=np.int64)
        self.open = np.ones(caps.groups.shape[0], dtype=np.bool_)
        """(items,) True where no cap stands against one more item."""

    def take(self, item: int) -> None:
        """Count an item that stands in the list."""
        for group in self.caps.groups.indices[self.caps.groups.indptr[item] : self.caps.groups.indptr[item + 1]]:
            self.counts[group] += 1
            if self.counts[group] >= self.caps.most[group]:
                bounds = self.caps.members.indptr[group : group + 2]
                self.open[self.caps.members.indices[bounds[0] : bounds[1]]] = False


def _groups(rule: Cap, community: Community) -> sp.csr_matrix:
    """(items, groups) the groups of one rule: one, or one for each category or seller."""
    meant = rule.items.mask(community) if rule.items else np.ones(len(community.items), dtype=np.bool_)
    if rule.per is None:
        return sp.csr_matrix(meant[:, None])
    named = community.items.select(
        pl.int_range(pl.len()).alias("row"), pl.col("categories" if rule.per == "category" else "seller").alias("name")
    )
    if rule.per == "category":
        named = named.explode("name")
        if rule.level is not None:
            levels = pl.col("name").str.split(PATH_SEPARATOR).list.head(rule.level)
            named = named.with_columns(levels.list.join(PATH_SEPARATOR).alias("name"))
    named = named.drop_nulls("name").unique(maintain_order=True)
    group = named["name"].rank("dense").to_numpy().astype(np.int64) - 1
    rows = named["row"].to_numpy()
    shape = (len(meant), int(group.max()) + 1 if len(group) else 0)
    counted = meant[rows]
    cells = (np.ones(int(counted.sum()), dtype=np.bool_), (rows[counted], group[counted]))
    return sp.csr_matrix(cells, shape=shape)
