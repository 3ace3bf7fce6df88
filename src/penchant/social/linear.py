"""EASE and ALS that learn from tags too: a tag is one more row beside the members, liking the items it is about."""

from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.errors import TooLittleDataError, TrainingError
from penchant.social.cells import scaled
from penchant.social.graph import Graph
from penchant.social.people import People
from penchant.training.options import Options, one_blas_thread
from penchant.vectors import Floats, Rows

MOST_TAGS: Final = 2_000
"""Tags that become rows: those of the most items."""


class EaseSettings(BaseModel):
    """What EASE learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regularization: PositiveFloat = 100.0
    """Added to every item's own count, in units of one like."""
    tag_weight: NonNegativeFloat = 0.5
    """How much a tag's row weighs; 0 leaves tags out."""
    max_items: PositiveInt = 6_000
    """Only so many of the items most liked, then most tagged: the matrix is dense."""


class AlsSettings(BaseModel):
    """What ALS learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: PositiveInt = 64
    """Length of each item's vector."""
    regularization: PositiveFloat = 10.0
    """Pull of every vector towards zero, in units of one like."""
    confidence: PositiveFloat = 1.0
    """How much more a like counts than an item never touched."""
    tag_weight: NonNegativeFloat = 0.5
    """How much a tag's row weighs; 0 leaves tags out."""
    iterations: PositiveInt = 15
    """Rounds of solving for members and tags, then for items."""


class TaggedEase:
    """EASE (Steck, WWW 2019) over members and tags together.

    Adding rows of side information to the regression is collective EASE (Jeunen, Van Balen and Goethals, RecSys 2020).
    """

    name = "ease"

    def __init__(self, settings: EaseSettings, weights: Floats, columns: Rows, item_count: int, unit: float) -> None:
        self.settings = settings
        self.weights = weights
        self.columns = columns
        self.item_count = item_count
        self.unit = unit

    @classmethod
    def fit(cls, graph: Graph, settings: EaseSettings, options: Options) -> Self:
        """Learn what each item adds to each other one.

        Raises:
            TooLittleDataError: nobody likes anything.
            TrainingError: the system cannot be solved.
        """
        from scipy.linalg import lapack

        rows, unit = stacked(graph, settings.tag_weight)
        liked, tagged = (np.bincount(found.indices, minlength=graph.item_count) for found in (graph.events, rows))
        known = np.flatnonzero(tagged)
        columns = np.sort(known[np.lexsort((known, -tagged[known], -liked[known]))][: settings.max_items])
        used = rows[:, columns]
        gram = np.asarray((used.T @ used).todense(), dtype=np.float32)
        gram[np.diag_indices_from(gram)] += settings.regularization
        # The transpose is the same matrix in the order of memory that LAPACK works in, so nothing is copied.
        factor, failed = lapack.spotrf(gram.T, lower=False, overwrite_a=True)
        inverse, failed = lapack.spotri(factor, lower=False, overwrite_c=True) if not failed else (factor, failed)
        if failed:
            raise TrainingError("EASE's system cannot be solved in single precision; raise its regularization")
        inverse = np.triu(inverse)
        inverse += np.triu(inverse, 1).T
        inverse /= -np.diag(inverse)
        inverse[np.diag_indices_from(inverse)] = 0
        return cls(settings, inverse.astype(np.float32), columns, graph.item_count, unit)

    def score(self, people: People) -> Floats:
        """(people, items) what each one's items add to each item."""
        scores = np.zeros((len(people), self.item_count), dtype=np.float32)
        scores[:, self.columns] = (people.events[:, self.columns] * np.float32(1 / self.unit)) @ self.weights
        return scores

    def widened(self, item_count: int) -> Self:
        """The same weights for a catalogue with more items, of which nothing was learned."""
        return type(self)(self.settings, self.weights, self.columns, item_count, self.unit)

    def save(self, folder: Path) -> None:
        """Write the weights."""
        save_artifact(
            folder,
            f"social-{self.name}",
            arrays={"weights": self.weights, "columns": self.columns},
            meta={"settings": self.settings.model_dump(), "item_count": self.item_count, "unit": self.unit},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        found = load_artifact(folder, f"social-{cls.name}")
        meta: dict[str, Any] = found.meta
        settings = EaseSettings.model_validate(meta["settings"])
        return cls(settings, found.arrays["weights"], found.arrays["columns"], meta["item_count"], meta["unit"])


class TaggedAls:
    """Implicit matrix factorisation (Hu, Koren and Volinsky, ICDM 2008) over members and tags together.

    A person's vector is solved from their events when they are asked about.
    """

    name = "als"

    def __init__(self, settings: AlsSettings, item_factors: Floats, unit: float) -> None:
        self.settings = settings
        self.item_factors = item_factors
        self.unit = unit
        wide = item_factors.astype(np.float64)
        self._base = wide.T @ wide + settings.regularization * np.eye(wide.shape[1])

    @classmethod
    def fit(cls, graph: Graph, settings: AlsSettings, options: Options) -> Self:
        """Learn the items' vectors.

        Raises:
            TooLittleDataError: nobody likes anything.
        """
        from implicit.cpu.als import AlternatingLeastSquares

        rows, unit = stacked(graph, settings.tag_weight)
        touched = np.bincount(rows.indices, minlength=graph.item_count) > 0
        rows.data = 1 + np.float32(settings.confidence) * rows.data
        # A seed of numpy's old kind: implicit draws its start from it in one thread.
        with one_blas_thread():
            model = AlternatingLeastSquares(
                factors=settings.factors,
                regularization=settings.regularization,
                iterations=settings.iterations,
                num_threads=options.threads or 0,
                random_state=options.seed,
            )
            model.fit(rows, show_progress=False)
        return cls(settings, np.where(touched[:, None], model.item_factors, 0).astype(np.float32), unit)

    def vectors(self, people: People) -> Floats:
        """(people, factors) solved from their events; zeros for those without any."""
        events, confidence = people.events, self.settings.confidence
        found = np.zeros((len(people), self.item_factors.shape[1]), dtype=np.float32)
        for row in np.flatnonzero(np.diff(events.indptr)):
            cells = slice(events.indptr[row], events.indptr[row + 1])
            own = self.item_factors[events.indices[cells]].astype(np.float64)
            weights = confidence * events.data[cells] / self.unit
            system = self._base + (own.T * weights) @ own
            found[row] = np.linalg.solve(system, own.T @ (1 + weights))
        return found

    def score(self, people: People) -> Floats:
        """(people, items) products of the people's vectors with every item's."""
        return self.vectors(people) @ self.item_factors.T

    def widened(self, item_count: int) -> Self:
        """The same vectors for a catalogue with more items, of which nothing was learned."""
        new = np.zeros((item_count - len(self.item_factors), self.item_factors.shape[1]), dtype=np.float32)
        return type(self)(self.settings, np.concatenate([self.item_factors, new]), self.unit)

    def save(self, folder: Path) -> None:
        """Write the items' vectors."""
        save_artifact(
            folder,
            f"social-{self.name}",
            arrays={"item_factors": self.item_factors},
            meta={"settings": self.settings.model_dump(), "unit": self.unit},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        found = load_artifact(folder, f"social-{cls.name}")
        settings = AlsSettings.model_validate(found.meta["settings"])
        return cls(settings, found.arrays["item_factors"], found.meta["unit"])


def stacked(graph: Graph, tag_weight: float) -> tuple[sp.csr_matrix, float]:
    """(members and tags, items) likes in units of the heaviest, then tags times their weight; and that unit.

    Raises:
        TooLittleDataError: nobody likes anything.
    """
    if not graph.events.nnz:
        raise TooLittleDataError("no event says what anybody likes; every weight here is zero or less")
    unit = float(graph.events.data.max())
    rows = scaled(graph.events) * np.float32(1 / unit)
    if not tag_weight or not graph.tags.nnz:
        return rows.tocsr(), unit
    tags = graph.tags.T.tocsr()
    largest = np.sort(np.argsort(-np.diff(tags.indptr), kind="stable")[:MOST_TAGS])
    return sp.vstack([rows, tags[largest] * np.float32(tag_weight)]).tocsr(), unit
