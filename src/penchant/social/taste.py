"""How alike two members are in what they like: items in common, tags in common, and what their names are."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import scipy.sparse as sp

from penchant.social.cells import scaled
from penchant.vectors import Floats, Rows, chunks

CROWDED: Final = 5_000
"""An item that more members like is left out when members of the same taste are looked for: it tells nobody apart."""
PAIRS_AT_ONCE: Final = 16_384
"""Pairs whose likeness is counted together."""
LEAST_SHARE: Final = 0.05
"""Of a member's likes that carry a tag, below which it is no interest of theirs to speak of."""


@dataclass(frozen=True, eq=False)
class Taste:
    """Members by what they like, each row of unit length.

    An item that few like counts more than one that all like, and so does a tag (Salton and Buckley, 1988).
    """

    items: sp.csr_matrix
    """(members, items)"""
    tags: sp.csr_matrix
    """(members, tags)"""
    tag_shares: sp.csr_matrix
    """(members, tags) share of a member's likes that carry a tag."""
    lift: Floats
    """(tags,) how much it tells of a member to have the tag."""

    @classmethod
    def of(cls, events: sp.csr_matrix, tags: sp.csr_matrix) -> Self:
        """The taste of members.

        Args:
            events: (members, items) positive where a member likes an item.
            tags: (items, tags) positive where an item carries a tag.
        """
        likes = _ones(events)
        carried = _ones(tags)
        counts = np.diff(likes.indptr)
        shares = scaled((likes @ carried).tocsr(), rows=1 / np.maximum(counts, 1))
        lift = _rarity(shares)
        return cls(_unit(scaled(likes, columns=_rarity(likes))), _unit(scaled(shares, columns=lift)), shares, lift)

    def alike(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) cosine of what members like, by items that do not have half the world behind them."""
        return self.alike_to(self.items[rows])

    def alike_to(self, liked: sp.csr_matrix) -> sp.csr_matrix:
        """(rows, members) product of rows over items with what each member likes, by the same items."""
        return (scaled(liked, columns=self._quiet) @ self._by_item).tocsr()

    @cached_property
    def _by_item(self) -> sp.csr_matrix:
        return self.items.T.tocsr()

    @cached_property
    def _quiet(self) -> Floats:
        return (np.bincount(self.items.indices, minlength=self.items.shape[1]) <= CROWDED).astype(np.float32)

    def of_items(self, first: Rows, second: Rows) -> Floats:
        """(pairs,) cosine of what two members like."""
        return _rowwise(self.items, self.items, first, second)

    def of_tags(self, first: Rows, second: Rows) -> Floats:
        """(pairs,) cosine of the tags of what two members like."""
        return _rowwise(self.tags, self.tags, first, second)

    def shared_items(self, first: int, second: int) -> Rows:
        """Items that both like, the one fewest like first."""
        both = self.items[first].multiply(self.items[second]).tocsr()
        return both.indices[np.argsort(-both.data, kind="stable")].astype(np.int64)

    def shared_tags(self, first: int, second: int) -> Rows:
        """Tags that say something of both members, the most telling first."""
        both = self.tag_shares[first].minimum(self.tag_shares[second]).tocsr()
        kept = both.data >= LEAST_SHARE
        columns, values = both.indices[kept], both.data[kept]
        return columns[np.argsort(-values * self.lift[columns], kind="stable")].astype(np.int64)


def _ones(matrix: sp.csr_matrix) -> sp.csr_matrix:
    kept = sp.csr_matrix(matrix, copy=True)
    kept.data = (kept.data > 0).astype(np.float32)
    kept.eliminate_zeros()
    return kept


def _rarity(matrix: sp.csr_matrix) -> Floats:
    """(columns,) log of how many rows there are for each that has the column."""
    spread = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.log1p(matrix.shape[0] / np.maximum(spread, 1)).astype(np.float32) - np.float32(np.log(2))


def _unit(matrix: sp.csr_matrix) -> sp.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel())
    return scaled(matrix, rows=(1 / np.where(lengths > 0, lengths, 1)).astype(np.float32))


def _rowwise(first: sp.csr_matrix, second: sp.csr_matrix, left: Rows, right: Rows) -> Floats:
    """(pairs,) products of rows, a part of the pairs at a time."""
    found = [
        np.asarray(first[left[part]].multiply(second[right[part]]).sum(axis=1), dtype=np.float32).ravel()
        for part in chunks(len(left), PAIRS_AT_ONCE)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
