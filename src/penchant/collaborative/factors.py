"""Implicit matrix factorisation by alternating least squares."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.itemtoitem import liked_matrix
from penchant.collaborative.recency import Recency, counted_weights
from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.errors import NotFittedError, TooLittleDataError
from penchant.training.options import Options, one_blas_thread
from penchant.vectors import Floats, Rows, chunks

MANY: Final = 64
"""Histories whose vectors are solved with BLAS held to one thread."""


class AlsConfig(ScorerConfig):
    """What the factorisation learns."""

    factors: PositiveInt = 64
    """Length of each item's vector."""
    regularization: PositiveFloat = 20.0
    """Pull of every vector towards zero, in units of one like."""
    confidence: PositiveFloat = 1.0
    """How much more a like of weight one counts than an item never touched (alpha in the paper)."""
    iterations: PositiveInt = 15
    """Rounds of solving for members, then for items."""
    recency: Recency = Recency()
    """How the events of the history being answered fade; the factors are learned from all events alike."""


class Als:
    """Members and items as vectors whose product tells likes from items never touched, each like with a confidence.

    Fitted by `implicit`. A member's vector is never kept: it is solved anew from the history on every question, so a
    stranger is answered like a member. There an event of weight w enters the normal equations w times. Method: Hu,
    Koren and Volinsky, Collaborative Filtering for Implicit Feedback Datasets (ICDM 2008); section 5 gives the exact
    part of each event in a score, which `contributions` returns.
    """

    name = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.config = config or AlsConfig()
        self._item_factors: Floats | None = None
        self._base: NDArray[np.float64] = np.empty((0, 0))
        self._sums: NDArray[np.float64] = np.empty(0)

    @property
    def item_factors(self) -> Floats:
        """(items, factors) learned vectors; rows of zeros for items that nobody likes."""
        if self._item_factors is None:
            raise NotFittedError("the scorer als has learned nothing yet; call fit or load first")
        return self._item_factors

    def fit(self, community: Community, options: Options) -> Self:
        """Learn the item vectors.

        Raises:
            TooLittleDataError: nobody likes anything.
        """
        from implicit.cpu.als import AlternatingLeastSquares

        liked = liked_matrix(community, self.config.event_weights)
        if not liked.nnz:
            raise TooLittleDataError("ALS needs events that say what members like; every weight here is zero or less")
        counts = np.bincount(liked.indices, minlength=liked.shape[1])
        liked.data = 1 + np.float32(self.config.confidence) * liked.data
        # A seed of numpy's old kind: implicit draws its start from it in one thread.
        with one_blas_thread():
            model = AlternatingLeastSquares(
                factors=self.config.factors,
                regularization=self.config.regularization,
                iterations=self.config.iterations,
                num_threads=options.threads or 0,
                random_state=options.seed,
            )
            model.fit(liked, show_progress=False)
        self._take(np.where(counts[:, None] > 0, model.item_factors, 0).astype(np.float32))
        return self

    def score(self, batch: Histories) -> Floats:
        """(batch, items) product of the history's vector with every item's; zeros for an empty history."""
        members = self.members(batch)
        # A matrix times one vector is read through once; BLAS takes longer to see that of a product of matrices.
        return (self.item_factors @ members[0])[None] if len(members) == 1 else members @ self.item_factors.T

    def members(self, batch: Histories) -> Floats:
        """(batch, factors) the vector of each history; zeros for an empty one."""
        factors = self.item_factors
        owners, items, taken = self.config.recency.fade(batch).cells()
        offsets = np.searchsorted(owners, np.arange(len(batch) + 1))
        members = np.zeros((len(batch), factors.shape[1]), dtype=np.float32)
        known = np.flatnonzero(np.diff(offsets))
        # Threads get in each other's way on systems this small; setting their number costs more than a few of them.
        with one_blas_thread() if len(batch) > MANY else nullcontext():
            for part in chunks(len(known), MANY):
                own = [slice(offsets[row], offsets[row + 1]) for row in known[part]]
                members[known[part]] = self._solved([(items[cells], taken[cells]) for cells in own])
        return members

    @property
    def products(self) -> NDArray[np.float64]:
        """(factors, factors) the sum over all items of each vector times itself."""
        return self._base - self.config.regularization * np.eye(len(self._base))

    @property
    def sums(self) -> NDArray[np.float64]:
        """(factors,) the sum of all items' vectors."""
        return self._sums

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) the exact part of each event in each item's score; a row sums to the score."""
        factors = self.item_factors
        faded = self.config.recency.fade(history)
        counted = counted_weights(faded)
        taken = faded.matrix(len(factors))
        towards = np.linalg.solve(self._system(taken.indices, taken.data), factors[items].astype(np.float64).T)
        # Where dislikes leave nothing of a like, the like is not in the score either.
        alive = taken.toarray()[0, history.items] > 0
        likes = (1 + self.config.confidence) * np.where(alive, counted, 0)
        return (likes[:, None] * (factors[history.items] @ towards)).T.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the item vectors and the configuration."""
        arrays = {"item_factors": self.item_factors}
        save_artifact(folder, self.name, arrays=arrays, meta={"config": self.config.as_meta()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        scorer = cls(AlsConfig.model_validate(artifact.meta["config"]))
        scorer._take(artifact.arrays["item_factors"])
        return scorer

    def _take(self, factors: Floats) -> None:
        self._item_factors = factors
        wide = factors.astype(np.float64)
        self._base = wide.T @ wide + self.config.regularization * np.eye(factors.shape[1])
        self._sums = wide.sum(axis=0)

    def _system(self, items: NDArray[np.integer], weights: Floats) -> NDArray[np.float64]:
        """The left side of a history's normal equations: every item once, and the touched ones by their confidence."""
        own = self.item_factors[items].astype(np.float64)
        return self._base + self.config.confidence * (own.T * np.abs(weights)) @ own

    def _solved(self, histories: Sequence[tuple[Rows, Floats]]) -> NDArray[np.float64]:
        """(histories, factors) the vector of each, from its items and weights: all systems are solved in one call."""
        systems = np.stack([self._system(items, weights) for items, weights in histories])
        scale = 1 + self.config.confidence
        wanted = [
            (scale * np.maximum(weights, 0)) @ self.item_factors[items].astype(np.float64)
            for items, weights in histories
        ]
        solved: NDArray[np.float64] = np.asarray(np.linalg.solve(systems, np.stack(wanted)[:, :, None])[:, :, 0])
        return solved
