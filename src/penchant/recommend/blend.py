"""Weights of the sources, picked on validation data."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from penchant.recommend.candidates import Candidates
from penchant.vectors import Floats


class BlendConfig(BaseModel):
    """How the weights of the sources are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cutoff: PositiveInt = 10
    """Length of the lists whose NDCG decides."""
    random_points: NonNegativeInt = 400
    """Points of the simplex that are tried, beside its corners and its centre."""
    averaged: PositiveInt = 20
    """How many of the best points are averaged; one would take the luckiest and rest on few members."""


def pick_weights(
    candidates: Candidates, relevant: sp.csr_matrix, config: BlendConfig, rng: np.random.Generator
) -> dict[str, float]:
    """Weights of the sources, adding up to one, that rank held-out items high by NDCG.

    Random search over the simplex; the weights are the mean of the best points, which does better on held-out members
    than the best point, since NDCG is flat near its top and noisy.

    Args:
        candidates: scores on the common scale.
        relevant: (members, items) nonzero where a held-out item was liked; where nobody has any, all weights are equal.
        config: how to search.
        rng: for the random points.
    """
    count = len(candidates.sources)
    table = _Table.of(candidates, relevant, config.cutoff)
    points = np.concatenate([np.eye(count), np.full((1, count), 1 / count), _simplex(count, config.random_points, rng)])
    if len(table.best):
        quality = np.array([table.ndcg(point.astype(np.float32)) for point in points])
        weights = points[np.argsort(-quality, kind="stable")[: config.averaged]].mean(axis=0)
    else:
        weights = points[count]
    return {name: float(weight) for name, weight in zip(candidates.sources, weights, strict=True)}


def _simplex(count: int, points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.dirichlet(np.ones(count), points)


@dataclass(frozen=True, eq=False)
class _Table:
    """Candidates of the members who have something to find, padded to one length."""

    scores: Floats
    """(members, candidates, sources)"""
    missing: NDArray[np.bool_]
    """(members, candidates) True where a member has no such candidate."""
    gains: Floats
    """(members, candidates) one where the candidate was liked."""
    best: NDArray[np.float64]
    """(members,) the discounted gain of a perfect list."""
    cutoff: int

    @classmethod
    def of(cls, candidates: Candidates, relevant: sp.csr_matrix, cutoff: int) -> "_Table":
        counts = np.diff(relevant.indptr)
        lengths = np.diff(candidates.offsets)
        members = np.flatnonzero((counts > 0) & (lengths > 0))
        counts, lengths = counts[members], lengths[members]
        longest = int(lengths.max(initial=0))
        missing = np.arange(longest) >= lengths[:, None]
        place = np.where(missing, 0, candidates.offsets[members][:, None] + np.arange(longest))
        liked = sp.csr_matrix(relevant[members], copy=True)
        liked.data[:] = 1
        owners = np.repeat(np.arange(len(members)), longest)
        if len(members):
            gains = np.asarray(liked[owners, candidates.items[place].ravel()]).reshape(missing.shape)
        else:
            gains = np.zeros(missing.shape)
        discounts = np.cumsum(1 / np.log2(np.arange(2, cutoff + 2)))
        best = discounts[np.minimum(counts, cutoff) - 1]
        return cls(candidates.scores[place], missing, np.where(missing, 0, gains).astype(np.float32), best, cutoff)

    def ndcg(self, weights: Floats) -> float:
        """Mean NDCG of the lists that some weights give."""
        blended = np.where(self.missing, -np.inf, self.scores @ weights)
        k = min(self.cutoff, blended.shape[1])
        top = np.argpartition(-blended, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(blended, top, 1), axis=1, kind="stable")
        gains = np.take_along_axis(self.gains, np.take_along_axis(top, order, 1), 1)
        return float(((gains / np.log2(np.arange(2, k + 2))).sum(axis=1) / self.best).mean())
