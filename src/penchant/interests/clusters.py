"""Vectors of texts as clusters inside clusters: how many there are is read off the vectors, not asked for.

Each split looks at its own principal components, so that what tells two kinds of fruit apart is not drowned by what
tells fruit from hotels. Their scale is square-rooted, which keeps one loud component (whether a review is happy, say)
from being all there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from penchant.errors import ConfigError
from penchant.evaluation.clustering import silhouette
from penchant.vectors import Floats, Rows, unit_rows

_STARTS: Final = 5
"""Runs of k-means, of which the tightest counts."""
_SILHOUETTE_SAMPLE: Final = 2000
_FLAT: Final = 1e-4
"""A component this much smaller than the largest is rounding."""
_TO_DEVIATIONS: Final = 1.4826
"""Median absolute deviations to standard deviations, for normal values."""


class ClustersConfig(BaseModel):
    """How vectors are grouped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_top: tuple[int, int] = (2, 20)
    """Fewest and most clusters at the top; the silhouette picks the number in between."""
    below: tuple[int, int] = (2, 6)
    """Fewest and most clusters inside another."""
    least_size: int = Field(default=20, ge=2)
    """A cluster has at least so many distinct texts of those clustered."""
    dimensions: PositiveInt = 24
    """Principal components that a split looks at."""
    least_gain: float = Field(default=0.03, ge=0, lt=1)
    """A split stands only if its silhouette is so much above that of normal values of the same spread."""
    reach: PositiveFloat = 2.5
    """A text is left out if it is less similar to its cluster than the median text by so many deviations."""
    most_left_out: float = Field(default=0.2, ge=0, lt=1)
    """At most this share of the texts clustered is left out, the farthest first."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name, (fewest, most) in (("at_top", self.at_top), ("below", self.below)):
            if not 2 <= fewest <= most:
                raise ConfigError(f"{name} is ({fewest}, {most}); give two numbers, the first 2 or more, in order")
        return self


@dataclass(frozen=True, eq=False)
class Split:
    """Where vectors part into clusters, and how each of these parts again."""

    mean: Floats
    axes: Floats
    """(width, dimensions) principal components, divided by the square root of their spread."""
    centres: Floats
    """(clusters, dimensions) unit rows."""
    least: float
    """Similarity to every centre below which a text is left out."""
    silhouette: float
    """Of these clusters; nought where there is one alone."""
    reference: float
    """Of as many clusters of normal values of the same spread."""
    children: "tuple[Split | None, ...]"

    def rows(self, vectors: Floats) -> Floats:
        """(texts, dimensions) unit rows, in which centres are compared."""
        return unit_rows(np.matmul(vectors - self.mean, self.axes, dtype=np.float32))

    def paths(self, vectors: Floats, depths: int) -> Rows:
        """(texts, depths) the cluster of each text at each depth, -1 where there is none."""
        found = np.full((len(vectors), depths), -1, dtype=np.int64)
        similar = self.rows(vectors) @ self.centres.T
        found[:, 0] = np.where(similar.max(1, initial=-1) >= self.least, similar.argmax(1), -1)
        for cluster, child in enumerate(self.children):
            inside = found[:, 0] == cluster
            if child is not None and inside.any():
                found[inside, 1:] = child.paths(vectors[inside], depths - 1)
        return found

    def nodes(self, above: tuple[int, ...] = ()) -> "Iterator[tuple[tuple[int, ...], Split]]":
        """This split and those below it, each with its path."""
        yield above, self
        for cluster, child in enumerate(self.children):
            if child is not None:
                yield from child.nodes((*above, cluster))


def cluster_tree(vectors: Floats, config: ClustersConfig, depths: int, seed: int) -> Split:
    """Split vectors into clusters, and those again, as deep as asked for and as there are any.

    The number of clusters is that of the best mean silhouette (Rousseeuw, 1987) within the bounds, in which texts left
    out count nought. A split stands if it beats k-means on one normal cloud of the same spread along the same
    components, the reference of SigClust (Liu et al., 2008). Far texts are trimmed before centres are taken (trimmed
    k-means: Cuesta-Albertos et al., 1997).

    Args:
        vectors: (texts, width) of distinct texts; silhouettes are taken of a bounded sample of them.
        config: bounds.
        depths: levels of clusters, 1 or more.
        seed: the same one gives the same tree.
    """
    # One thread: sums in another order would make another tree.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        top = _split(vectors, config, config.at_top, seed, trim=True)
        return _deepened(top or _whole(vectors), vectors, config, depths, seed)


def _deepened(split: Split, vectors: Floats, config: ClustersConfig, depths: int, seed: int) -> Split:
    if depths == 1:
        return split
    inside = split.paths(vectors, 1)[:, 0]
    children = []
    for cluster in range(len(split.centres)):
        own = vectors[inside == cluster]
        # One label alone that could not be split cannot be split below either.
        child = _split(own, config, config.below, seed, trim=False) if len(split.centres) > 1 else None
        children.append(child and _deepened(child, own, config, depths - 1, seed))
    return replace(split, children=tuple(children))


def _whole(vectors: Floats) -> Split:
    """One cluster of everything."""
    width = vectors.shape[1]
    nothing = np.zeros((width, 1), dtype=np.float32)
    return Split(vectors.mean(0), nothing, np.zeros((1, 1), dtype=np.float32), -1.0, 0.0, 0.0, (None,))


def _split(vectors: Floats, config: ClustersConfig, bounds: tuple[int, int], seed: int, *, trim: bool) -> Split | None:
    """The best split; None where there is none."""
    # Equal vectors of unlike texts are one place to k-means.
    most = min(bounds[1], len(vectors) // config.least_size, len(np.unique(vectors, axis=0)))
    if most < bounds[0]:
        return None
    mean = vectors.mean(0)
    axes = _axes(vectors - mean, config.dimensions)
    if not axes.shape[1]:
        return None
    rows = unit_rows((vectors - mean) @ axes)
    tried = [_grouped(rows, count, config, seed, trim=trim) for count in range(bounds[0], most + 1)]
    found = [each for each in tried if each is not None and len(each.centres) >= bounds[0]]
    if not found:
        return None
    best = max(found, key=lambda each: each.silhouette)
    reference = _reference((vectors - mean) @ axes, len(best.centres), config, seed, trim=trim)
    if best.silhouette < reference + config.least_gain:
        return None
    return Split(mean, axes, best.centres, best.least, best.silhouette, reference, (None,) * len(best.centres))


def _reference(scores: Floats, count: int, config: ClustersConfig, seed: int, *, trim: bool) -> float:
    """The silhouette of so many clusters in one normal cloud with the spread of these scores."""
    if scores.shape[1] == 1:
        # On a line all directions are two, and a cloud would look like two groups.
        return 0.0
    cloud = np.random.default_rng(seed).normal(size=scores.shape) * scores.std(0)
    found = _grouped(unit_rows(cloud.astype(np.float32)), count, config, seed, trim=trim)
    return found.silhouette if found is not None else 0.0


def _axes(centred: Floats, most: int) -> Floats:
    """(width, dimensions) the largest principal components, each divided by the square root of its deviation."""
    spread, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(centred))
    deviations = np.sqrt(np.maximum(spread[::-1], 0))
    count = min(most, int((deviations > max(_FLAT * deviations[0], _FLAT)).sum()))
    return (directions[:, ::-1][:, :count] / np.sqrt(deviations[:count])).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Grouped:
    centres: Floats
    least: float
    silhouette: float


def _grouped(rows: Floats, count: int, config: ClustersConfig, seed: int, *, trim: bool) -> _Grouped | None:
    """K-means on the sphere, the far texts trimmed, clusters that are then too small dissolved."""
    from sklearn.cluster import KMeans

    centres = unit_rows(KMeans(count, n_init=_STARTS, random_state=seed).fit(rows).cluster_centers_)
    for _ in range(2):
        similar = rows @ centres.T
        nearest, least = similar.argmax(1), _least(similar.max(1), config) if trim else -1.0
        kept = similar.max(1) >= least
        sizes = np.bincount(nearest[kept], minlength=len(centres))
        if (sizes >= config.least_size).sum() < 2:
            return None
        chosen = centres[sizes >= config.least_size]
        nearest = (rows @ chosen.T).argmax(1)
        centres = unit_rows(
            np.stack([rows[kept & (nearest == cluster)].sum(0) for cluster in range(len(chosen))]).astype(np.float32)
        )
    similar = rows @ centres.T
    least = _least(similar.max(1), config) if trim else -1.0
    cluster = np.where(similar.max(1) >= least, similar.argmax(1), -1)
    if np.bincount(cluster[cluster >= 0], minlength=len(centres)).min() < config.least_size:
        return None
    # A text left out counts nought: else a whole group left out would look like a good split of the others.
    held = float((cluster >= 0).mean())
    return _Grouped(centres, least, held * silhouette(rows, cluster, sample=_SILHOUETTE_SAMPLE, seed=seed))


def _least(similar: Floats, config: ClustersConfig) -> float:
    """The similarity that a text needs so as not to be left out."""
    middle = float(np.median(similar))
    deviation = _TO_DEVIATIONS * float(np.median(np.abs(similar - middle)))
    # Rounded down, so that the farthest text that stays does so on every machine.
    return min(middle - config.reach * deviation, float(np.quantile(similar, config.most_left_out))) - 1e-6
