"""Weights of the sources, picked on validation data."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.social.config import BlendConfig
from penchant.social.opinions import Candidates
from penchant.vectors import Floats


def pick_weights(
    candidates: Candidates, relevant: sp.csr_matrix, config: BlendConfig, rng: np.random.Generator
) -> dict[str, float]:
    """Weights of zero or more, adding up to one, that rank held-out items high.

    First the likeliest under a conditional logit of each member's choices among their candidates (McFadden, 1974); then
    weights near them by NDCG itself, the best of which are averaged, since NDCG is flat near its top and noisy.

    Args:
        candidates: of the members, in spreads.
        relevant: (members, items) nonzero where a held-out item was liked; equal weights where nobody has any.
        config: how to search.
        rng: draws the weights tried.
    """
    table = _Table.of(candidates, relevant, config.cutoff)
    count = len(candidates.sources)
    weights = np.full(count, 1 / count)
    if table.chosen.any():
        weights = table.likeliest(config.pull)
        tried = np.concatenate([weights[None], rng.dirichlet(0.3 + 60 * weights, config.tried)])
        quality = np.array([table.ndcg(one.astype(np.float32)) for one in tried])
        weights = tried[np.argsort(-quality, kind="stable")[: config.averaged]].mean(axis=0)
    return {name: float(weight) for name, weight in zip(candidates.sources, weights, strict=True)}


@dataclass(frozen=True, eq=False)
class _Table:
    """Candidates of the members who have something to find, padded to one length."""

    scores: Floats
    """(members, candidates, sources)"""
    missing: NDArray[np.bool_]
    chosen: Floats
    """(members, candidates) one where the candidate was liked."""
    best: NDArray[np.float64]
    """(members,) the discounted gain of a perfect list."""
    cutoff: int

    @classmethod
    def of(cls, candidates: Candidates, relevant: sp.csr_matrix, cutoff: int) -> "_Table":
        counts, lengths = np.diff(relevant.indptr), np.diff(candidates.offsets)
        members = np.flatnonzero((counts > 0) & (lengths > 0))
        counts, lengths = counts[members], lengths[members]
        longest = int(lengths.max(initial=1))
        missing = np.arange(longest) >= lengths[:, None]
        place = np.where(missing, 0, candidates.offsets[members][:, None] + np.arange(longest))
        if not len(members):
            empty = np.zeros((0, longest), dtype=np.float32)
            none = np.zeros((0, longest, len(candidates.sources)), dtype=np.float32)
            return cls(none, missing, empty, np.zeros(0), cutoff)
        liked = np.asarray(relevant[np.repeat(members, longest), candidates.items[place].ravel()]).reshape(place.shape)
        best = np.cumsum(1 / np.log2(np.arange(2, cutoff + 2)))[np.minimum(counts, cutoff) - 1]
        chosen = np.where(missing, 0, liked > 0).astype(np.float32)
        return cls(candidates.scores[place], missing, chosen, best, cutoff)

    def likeliest(self, pull: float) -> NDArray[np.float64]:
        """(sources,) the weights under which members choose what they did with the greatest probability."""
        from scipy.optimize import minimize

        found = self.chosen.sum(axis=1) > 0
        count = self.scores.shape[2]
        scores, shares = self.scores[found], self.chosen[found] / self.chosen[found].sum(axis=1, keepdims=True)
        padding = np.where(self.missing[found], -np.inf, 0).astype(np.float32)

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            logits = scores @ weights.astype(np.float32) + padding
            logits -= logits.max(axis=1, keepdims=True)
            odds = np.exp(logits)
            total = odds.sum(axis=1, keepdims=True)
            likelihood = (np.where(shares > 0, logits - np.log(total), 0) * shares).sum(axis=1).mean()
            gradient = (shares - odds / total).reshape(-1) @ scores.reshape(-1, count) / len(scores)
            return float(pull * weights @ weights - likelihood), 2 * pull * weights - gradient.astype(np.float64)

        bounds = [(0, None)] * count
        weights: NDArray[np.float64] = minimize(loss, np.full(count, 0.1), jac=True, method="L-BFGS-B", bounds=bounds).x
        return weights / weights.sum() if weights.any() else np.full(count, 1 / count)

    def ndcg(self, weights: Floats) -> float:
        """Mean NDCG of the lists that some weights give."""
        total = np.where(self.missing, -np.inf, self.scores @ weights)
        k = min(self.cutoff, total.shape[1])
        top = np.argpartition(-total, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(total, top, 1), axis=1, kind="stable")
        gains = np.take_along_axis(self.chosen, np.take_along_axis(top, order, 1), 1)
        return float(((gains / np.log2(np.arange(2, k + 2))).sum(axis=1) / self.best).mean())
