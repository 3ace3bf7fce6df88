"""How near two members are in the network of ties: neighbours in common, and random walks from one to the other."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.social.cells import scaled
from penchant.social.graph import normalised
from penchant.vectors import Floats, Rows


class WalkConfig(BaseModel):
    """The walks of personalised PageRank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    restart: float = Field(default=0.15, gt=0, lt=1)
    """Chance of going back to the start before each step."""
    steps: PositiveInt = 6
    """Steps after which a walk is given up; what is left of it by then is small."""


@dataclass(frozen=True, eq=False)
class Proximity:
    """Measures of nearness, for a few members at a time against everyone.

    A tie counts the same in both directions here; `directed` keeps the direction where it matters. All are sparse
    products over the rows asked for, so a hub of a hundred thousand ties costs its own row and not a square of it.

    >>> path = sp.csr_matrix(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32))
    >>> near = Proximity.of(path)
    >>> near.common_neighbours(np.array([0])).toarray().tolist()
    [[1.0, 0.0, 1.0]]
    """

    ties: sp.csr_matrix
    """(members, members) one where either looks to the other."""
    directed: sp.csr_matrix
    """(members, members) one where the row's member looks to the column's."""

    @classmethod
    def of(cls, ties: sp.csr_matrix) -> Self:
        """The measures over ties, whatever they weigh."""
        directed = sp.csr_matrix((np.ones(ties.nnz, dtype=np.float32), ties.indices, ties.indptr), shape=ties.shape)
        return cls(directed.maximum(directed.T).tocsr(), directed)

    @cached_property
    def degrees(self) -> Floats:
        """(members,) how many members each is tied with."""
        return np.diff(self.ties.indptr).astype(np.float32)

    @cached_property
    def followers(self) -> sp.csr_matrix:
        """(members, members) one where the column's member looks to the row's."""
        return self.directed.T.tocsr()

    @cached_property
    def is_mutual(self) -> bool:
        """Whether every tie goes both ways."""
        return self.ties.nnz == self.directed.nnz

    def common_neighbours(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) how many members both are tied with."""
        return (self.ties[rows] @ self.ties).tocsr()

    def adamic_adar(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) neighbours in common, each counted 1 / log of its own ties (Adamic and Adar, 2003).

        A friend in common who knows everybody says less than one who knows few.
        """
        return (scaled(self.ties[rows], columns=self._rarity) @ self.ties).tocsr()

    def resource_allocation(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) neighbours in common, each counted 1 / its own ties (Zhou, Lü and Zhang, 2009)."""
        share = (1 / np.maximum(self.degrees, 1)).astype(np.float32)
        return (scaled(self.ties[rows], columns=share) @ self.ties).tocsr()

    def pagerank(self, rows: Rows, config: WalkConfig) -> Floats:
        """(rows, members) where walks that keep returning to a member are found (Page and others, 1999).

        Each step goes to one of the ties with equal chance; a walk that has nowhere to go ends there.
        """
        share = (1 / np.maximum(self.degrees, 1)).astype(np.float32)
        start = (np.ones(len(rows), dtype=np.float32), (np.arange(len(rows)), rows))
        walk: sp.csr_matrix = sp.csr_matrix(start, shape=(len(rows), self.ties.shape[0]))
        found = config.restart * walk.toarray()
        walk = (1 - config.restart) * (scaled(walk, columns=share) @ self.ties)
        # After two steps a walk may be nearly anywhere, and a dense row is the quicker.
        spread: Floats = walk.toarray()
        for _ in range(config.steps - 1):
            found += config.restart * spread
            spread = (1 - config.restart) * ((spread * share) @ self.ties)
        return np.asarray(found + config.restart * spread, dtype=np.float32)

    def paths_of_three(self, rows: Rows) -> Floats:
        """(rows, members) paths over two others, each step counted 1 / root of the ties at both its ends.

        Katz (1953) counts paths of all lengths; those of one step are known, and those of two are counted above.
        """
        return (self._normalised[rows] @ self._normalised).toarray() @ self._normalised

    def followed_by_followed(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) whom those look to that a member looks to, counted as in `adamic_adar`."""
        return (scaled(self.directed[rows], columns=self._rarity) @ self.directed).tocsr()

    def follow_the_same(self, rows: Rows) -> sp.csr_matrix:
        """(rows, members) members who look to the same people, counted as in `adamic_adar`."""
        return (scaled(self.directed[rows], columns=self._rarity) @ self.followers).tocsr()

    @cached_property
    def _normalised(self) -> sp.csr_matrix:
        return normalised(self.ties)

    @cached_property
    def _rarity(self) -> Floats:
        return (1 / np.log(np.maximum(self.degrees, 2))).astype(np.float32)


def pair_values(matrix: sp.csr_matrix | Floats, rows: Rows, columns: Rows) -> Floats:
    """(pairs,) the cells of a matrix at some pairs.

    >>> pair_values(sp.csr_matrix(np.eye(2, dtype=np.float32)), np.array([0, 0]), np.array([0, 1])).tolist()
    [1.0, 0.0]
    """
    if not len(rows):
        return np.zeros(0, dtype=np.float32)
    return np.asarray(matrix[rows, columns], dtype=np.float32).ravel()
