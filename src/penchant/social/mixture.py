"""Kinds of members: a mixture of likings, learned from who likes what."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.vectors import Floats

_LEAST, _MOST = 1e-6, 0.98
_WARM_UP = 8
"""Rounds in which the first guess, which is chance, is not yet believed in full."""


class MixtureConfig(BaseModel):
    """How many kinds of members are told apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: PositiveInt = 96
    """Kinds of members; fewer in a community of few."""
    members_each: PositiveInt = 12
    """Members that a kind has at least, on average."""
    rounds: PositiveInt = 30
    """Rounds of learning."""
    prior: PositiveFloat = 4.0
    """Members like everyone together that each kind is thought to hold beside its own."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A member is of one kind, and each kind likes each item with a chance of its own (latent class analysis).

    Learned by expectation and maximisation, Dempster, Laird and Rubin, 1977.

    >>> likes = sp.csr_matrix(np.kron(np.eye(2), np.ones((30, 3))).astype(np.float32))
    >>> two = Mixture.fit(likes, MixtureConfig(kinds=2), np.random.default_rng(0))
    >>> two.kinds_of(likes)[[0, 59]].argmax(axis=1).tolist() in ([0, 1], [1, 0])
    True
    """

    share: Floats
    """(kinds,) how many members are of each kind, as a share."""
    chance: Floats
    """(kinds, items) chance that a member of a kind likes an item."""

    @classmethod
    def fit(cls, likes: sp.csr_matrix, config: MixtureConfig, rng: np.random.Generator) -> Self:
        """The kinds of the members of a (members, items) matrix of ones."""
        members = likes.shape[0]
        kinds = max(1, min(config.kinds, members // config.members_each))
        overall = np.asarray(likes.sum(axis=0), dtype=np.float32).ravel() / max(members, 1)
        belief = rng.dirichlet(np.full(kinds, 0.2), members).astype(np.float32)
        found = cls._given(likes, belief, overall, config.prior)
        for turn in range(config.rounds):
            belief = found.kinds_of(likes, trust=min(1.0, (turn + 1) / _WARM_UP))
            found = cls._given(likes, belief, overall, config.prior)
        return found

    @classmethod
    def _given(cls, likes: sp.csr_matrix, belief: Floats, overall: Floats, prior: float) -> Self:
        size = belief.sum(axis=0)
        counts = np.asarray((likes.T @ belief).T, dtype=np.float32)
        chance = np.clip((counts + prior * overall) / (size[:, None] + prior), _LEAST, _MOST)
        return cls((size / max(size.sum(), 1)).astype(np.float32), chance.astype(np.float32))

    @property
    def overall(self) -> Floats:
        """(items,) chance that any member likes an item."""
        return self.share @ self.chance

    def kinds_of(self, likes: sp.csr_matrix, *, trust: float = 1.0) -> Floats:
        """(members, kinds) how likely each member is of each kind.

        Args:
            likes: (members, items) ones.
            trust: how much of what the likes say is believed.
        """
        odds, without = self._logs
        said = likes @ odds + without + np.log(self.share + 1e-9)
        said = trust * (said - said.max(axis=1, keepdims=True))
        belief = np.exp(said)
        return (belief / belief.sum(axis=1, keepdims=True)).astype(np.float32)

    @cached_property
    def _logs(self) -> tuple[Floats, Floats]:
        """(items, kinds) log odds of a like, and (kinds,) log chance of liking nothing."""
        log_not = np.log1p(-self.chance)
        return np.ascontiguousarray((np.log(self.chance) - log_not).T), log_not.sum(axis=1)

    def groups(self) -> np.ndarray:
        """(items,) the kind that likes each item most beyond what everyone does."""
        return (self.chance / np.maximum(self.overall, _LEAST)).argmax(axis=0)
