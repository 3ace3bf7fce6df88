"""What items are, in the ways windows are compared by: their texts, who else touches them, what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.data.community import Community
from penchant.drift.topics import category_topics
from penchant.errors import InputError
from penchant.vectors import Floats, Rows, unit_rows

TEXT: Final = "text"
BEHAVIOUR: Final = "behaviour"
TASTE: Final = "taste"
TOPICS: Final = "topics"


class ViewConfig(BaseModel):
    """How many numbers an item is told by.

    >>> ViewConfig().width
    64
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: PositiveInt = 64
    """Directions kept of the texts' vectors: those in which what members touch differs most."""
    behaviour: PositiveInt = 64
    """Directions kept of who touches what."""
    topics: PositiveInt = 24
    """Subjects that items without categories are put into by likeness."""


@dataclass(frozen=True, eq=False)
class ItemViews:
    """For each way of telling items, a vector for each: zero where nothing is known."""

    vectors: Mapping[str, Floats]
    """By name, (items, width) rows of length one or zero."""
    topics: Floats
    """(items, topics) rows that add up to one, or zero."""
    topic_names: tuple[str, ...]
    numbers: Floats
    """(items, 2) the logarithm of how often members touch it, and of its price; spreads of one, zero where unknown."""

    # Each of these reads all items, so it is made once and not for every member who is judged.
    @cached_property
    def known(self) -> np.ndarray:
        """(items,) whether anything is known of an item."""
        return np.any([np.any(part != 0, axis=1) for part in (*self.vectors.values(), self.topics)], axis=0)

    @cached_property
    def usual(self) -> Mapping[str, Floats]:
        """By view, (items,) how like each item is to what is touched, on average over the popular."""
        popularity = self.numbers[:, 0]
        weight = np.exp(popularity - popularity.max(initial=0))
        total = max(weight.sum(), 1e-9)
        means = {name: (part * weight[:, None]).sum(axis=0) / total for name, part in self.vectors.items()}
        return {name: np.asarray(self.vectors[name] @ mean, dtype=np.float32) for name, mean in means.items()}

    @cached_property
    def topic_shares(self) -> Floats:
        """(topics,) the share of each in what is touched; they add up to one."""
        mass = (self.topics * np.exp(self.numbers[:, 0])[:, None]).sum(axis=0) + 1e-3
        return np.asarray(mass / mass.sum(), dtype=np.float32)

    def without(self, *names: str) -> "ItemViews":
        """The views but some."""
        return ItemViews(
            {name: part for name, part in self.vectors.items() if name not in names},
            self.topics, self.topic_names, self.numbers,
        )  # fmt: skip

    def as_arrays(self) -> dict[str, np.ndarray]:
        """What `of_arrays` makes the same views from, beside the names of the topics."""
        views = {f"view/{name}": part for name, part in self.vectors.items()}
        return {**views, "topics": self.topics, "numbers": self.numbers}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], topic_names: tuple[str, ...]) -> Self:
        """The views that `as_arrays` told of."""
        views = {name.removeprefix("view/"): arrays[name] for name in sorted(arrays) if name.startswith("view/")}
        return cls(views, arrays["topics"], topic_names, arrays["numbers"])


def fit_views(
    community: Community,
    touched: sp.csr_matrix,
    config: ViewConfig | None = None,
    *,
    text: Floats | None = None,
    subjects: tuple[Floats, tuple[str, ...]] | None = None,
) -> ItemViews:
    """Learn how to tell items from what some members touch.

    Args:
        community: the items.
        touched: (members, items) one where one of the members to learn from touched the item.
        config: how many numbers.
        text: (items, any width) vectors of the items' texts; without them items are told by behaviour and categories.
        subjects: what `item_subjects` gave, where it is known already.
    """
    config = config or ViewConfig()
    if touched.shape[1] != len(community.items):
        raise InputError(f"{touched.shape[1]} columns for {len(community.items)} items; give a column for each")
    counts = np.asarray((touched > 0).sum(axis=0)).ravel().astype(np.float64)
    views: dict[str, Floats] = {}
    if text is not None:
        views[TEXT] = _principal(np.asarray(text, dtype=np.float32), counts, config.width)
    views[BEHAVIOUR] = _together(touched, counts, config.behaviour)
    views[TASTE] = _together(touched, counts, max(8, config.behaviour // 4))
    topics, names = subjects or item_subjects(community, views, counts, config)
    views[TOPICS] = unit_rows(_uncommon(topics, counts))
    return ItemViews(views, topics, names, _numbers(community, counts))


def item_subjects(
    community: Community, views: Mapping[str, Floats], counts: np.ndarray, config: ViewConfig
) -> tuple[Floats, tuple[str, ...]]:
    """What items are about: their categories' first levels, or groups of like items named by their commonest titles."""
    told_share = community.items.select((pl.col("categories").list.len().fill_null(0) > 0).mean()).item()
    if told_share is not None and told_share > 0.5:
        matrix, names = category_topics(community)
        return np.asarray(matrix.todense(), dtype=np.float32), names
    from sklearn.cluster import KMeans

    source = views.get(TEXT, views[BEHAVIOUR])
    told = np.flatnonzero(np.any(source != 0, axis=1))
    groups = min(config.topics, max(1, len(told) // 5))
    topics = np.zeros((len(source), max(groups, 1)), dtype=np.float32)
    if len(told) <= groups:
        return topics, ("",) * topics.shape[1]
    model = KMeans(groups, n_init=1, random_state=0).fit(source[told], sample_weight=np.sqrt(counts[told] + 1))
    topics[told, model.labels_] = 1
    titles = []
    for group in range(groups):
        inside = told[model.labels_ == group]
        titles.append(community.titles[int(inside[np.argmax(counts[inside])])])
    return topics, tuple(titles)


def touched_by(items: Rows, owners: Rows, members: Rows, item_count: int) -> sp.csr_matrix:
    """(members, items) one where a member touched an item, of the events `items` owned by the member rows `owners`."""
    place = np.full(int(max(owners.max(initial=0), np.max(members, initial=0))) + 1, -1)
    place[members] = np.arange(len(members))
    row = place[owners]
    inside = row >= 0
    matrix = sp.csr_matrix(
        (np.ones(int(inside.sum()), np.float32), (row[inside], items[inside])), shape=(len(members), item_count)
    )
    matrix.data[:] = 1
    return matrix


def _principal(vectors: Floats, counts: np.ndarray, width: int) -> Floats:
    """Unit vectors in the directions in which items, as often as they are touched, differ most from their mean."""
    weight = np.sqrt(counts + 0.1).astype(np.float32)
    centred = vectors - np.average(vectors, axis=0, weights=weight)
    scatter = (centred * weight[:, None]).T @ centred
    _, directions = np.linalg.eigh(scatter.astype(np.float64))
    return unit_rows((centred @ directions[:, ::-1][:, :width]).astype(np.float32))


def _together(touched: sp.csr_matrix, counts: np.ndarray, width: int) -> Floats:
    """Unit vectors whose products tell how much oftener than by chance the same members touch two items.

    Singular vectors of the matrix scaled to equal members and items, without the first, which is popularity (Dhillon,
    2001); a little is added to the counts, so that an item of one member is near nothing.
    """
    from scipy.sparse.linalg import svds

    sizes = np.asarray(touched.sum(axis=1)).ravel()
    scaled = sp.diags_array(1 / np.sqrt(sizes + 5)) @ touched @ sp.diags_array(1 / np.sqrt(counts + 5))
    width = min(width + 1, min(scaled.shape) - 1)
    if width < 2:
        return np.zeros((touched.shape[1], 1), dtype=np.float32)
    _, values, right = svds(sp.csr_matrix(scaled), k=width, v0=np.ones(min(scaled.shape)), random_state=0)
    order = np.argsort(-values)[1:]
    vectors = (right[order].T * values[order] / np.sqrt(counts + 5)[:, None]).astype(np.float32)
    vectors -= np.average(vectors, axis=0, weights=counts + 1e-9).astype(np.float32)
    return unit_rows((vectors * (counts > 0)[:, None]).astype(np.float32))


def _uncommon(topics: Floats, counts: np.ndarray) -> Floats:
    """Topics weighed by how rare they are among what is touched (as inverse document frequency)."""
    share = (topics * counts[:, None]).sum(axis=0) / max(counts.sum(), 1)
    return np.asarray(topics * np.sqrt(-np.log(np.clip(share, 1e-3, 0.9))), dtype=np.float32)


def _numbers(community: Community, counts: np.ndarray) -> Floats:
    columns = [np.log1p(counts)]
    price = community.items["price"].to_numpy().astype(np.float64)
    columns.append(np.log(np.where(price > 0, price, np.nan)))
    scaled = []
    for column in columns:
        told = np.isfinite(column)
        spread = column[told].std() if told.any() else 0.0
        middle = column[told].mean() if told.any() else 0.0
        scaled.append(np.where(told, (column - middle) / spread if spread > 0 else 0.0, 0.0))
    return np.stack(scaled, axis=1).astype(np.float32)
