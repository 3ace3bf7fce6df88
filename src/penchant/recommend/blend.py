"""Weights of the sources, picked on validation data."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.recommend.candidates import Candidates
from penchant.vectors import Floats


class BlendConfig(BaseModel):
    """How the weights of the sources are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cutoff: PositiveInt = 10
    """Length of the lists whose NDCG decides."""
    pull: PositiveFloat = 0.2
    """How strongly the likeliest weights are drawn towards zero, and so towards one another."""
    points: PositiveInt = 100
    """Weights near the likeliest that are tried too."""
    nearness: PositiveFloat = 100.0
    """How near the likeliest they lie: with 100, a weight of .2 strays by about .04."""
    averaged: PositiveInt = 20
    """How many of the best are averaged; one would be the luckiest and rest on few members."""


def pick_weights(
    candidates: Candidates, relevant: sp.csr_matrix, config: BlendConfig, rng: np.random.Generator
) -> dict[str, float]:
    """Weights of the sources, adding up to one, that rank held-out items high by NDCG.

    First the likeliest weights: those under which members choose what they did among their candidates with the greatest
    probability (a conditional logit with weights of zero or more, drawn a little together). Every held-out item counts
    there, also one far down a list, so they hardly change from sample to sample. Then weights near them are tried by
    NDCG itself, and the best averaged, since NDCG is flat near its top and noisy: the best over all the simplex would
    be the luckiest.

    Args:
        candidates: scores on the common scale.
        relevant: (members, items) nonzero where a held-out item was liked; where nobody has any, all weights are equal.
        config: how to search.
        rng: for the weights tried.
    """
    table = _Table.of(candidates, relevant, config.cutoff)
    likeliest = table.likeliest(config.pull)
    if len(table.best) and len(likeliest) > 1:
        tried = np.concatenate([likeliest[None], rng.dirichlet(1 + config.nearness * likeliest, config.points)])
        quality = np.array([table.ndcg(weights.astype(np.float32)) for weights in tried])
        weights = tried[np.argsort(-quality, kind="stable")[: config.averaged]].mean(axis=0)
    else:
        weights = likeliest
    return {name: float(weight) for name, weight in zip(candidates.sources, weights, strict=True)}


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

    def likeliest(self, pull: float) -> NDArray[np.float64]:
        """(sources,) the weights, adding up to one, that make the choices of all members likeliest; equal if none do.

        Args:
            pull: of the penalty, `pull` times the sum of squares, beside the mean log-likelihood of a member.
        """
        from scipy.optimize import minimize

        count = self.scores.shape[2]
        found = self.gains.sum(axis=1) > 0
        if not found.any():
            return np.full(count, 1 / count)
        scores, chosen = self.scores[found], self.gains[found]
        shares = chosen / chosen.sum(axis=1, keepdims=True)
        padding = np.where(self.missing[found], -np.inf, 0).astype(np.float32)

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            blended = scores @ weights.astype(np.float32) + padding
            blended -= blended.max(axis=1, keepdims=True)
            odds = np.exp(blended)
            total = odds.sum(axis=1, keepdims=True)
            likelihood = (np.where(shares > 0, blended - np.log(total), 0) * shares).sum(axis=1)
            surplus = shares - odds / total
            gradient = surplus.reshape(-1) @ scores.reshape(-1, count) / len(scores)
            value = -float(likelihood.mean()) + pull * float(weights @ weights)
            return value, 2 * pull * weights - gradient.astype(np.float64)

        start = np.full(count, 0.1)
        weights: NDArray[np.float64] = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * count).x
        return weights / weights.sum() if weights.any() else np.full(count, 1 / count)

    def ndcg(self, weights: Floats) -> float:
        """Mean NDCG of the lists that some weights give."""
        blended = np.where(self.missing, -np.inf, self.scores @ weights)
        k = min(self.cutoff, blended.shape[1])
        top = np.argpartition(-blended, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(blended, top, 1), axis=1, kind="stable")
        gains = np.take_along_axis(self.gains, np.take_along_axis(top, order, 1), 1)
        return float(((gains / np.log2(np.arange(2, k + 2))).sum(axis=1) / self.best).mean())
