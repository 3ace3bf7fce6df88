"""Topics that one can be asked about: tags, and groups of items that the same members like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from penchant.social.cells import scaled
from penchant.social.mixture import Mixture, MixtureConfig
from penchant.vectors import Floats, Rows

EXAMPLES: Final = 3
"""Items that a group is named by."""
STRONG: Final = 0.5
"""Of the weight of an item's strongest tag, below which a tag says little of the item."""


class TopicsConfig(BaseModel):
    """What topics there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: NonNegativeInt = 60
    """Tags at most, those that most of what members like carries."""
    groups: tuple[PositiveInt, ...] = (2, 3, 4, 6, 8, 12, 16, 24)
    """Groups that the items are cut into, one cut after the other, from broad to narrow."""
    cuts: PositiveInt = 2
    """How often each cut is made, from another start."""
    least_fond: float = Field(default=0.05, gt=0, lt=0.5)
    """Share of members that must be fond of a topic, and must not, for it to be asked about."""
    same: float = Field(default=0.7, gt=0, le=1)
    """Of two topics whose fond members overlap this much (Jaccard), one is left out: people would hear one question."""


@dataclass(frozen=True, eq=False)
class Topics:
    """Topics over items. A member is fond of one where it holds more of their likes than of most members'."""

    items: sp.csr_matrix
    """(items, topics) one where the item is of the topic."""
    usual: Floats
    """(topics,) share of a member's likes that is of the topic, on average: who has as much is fond of it."""
    tags: tuple[tuple[str, ...], ...]
    """For each topic, its tag; of a group, up to two tags that mark it, perhaps none."""
    examples: tuple[tuple[int, ...], ...]
    """For each topic that is a group, columns of the items it is named by; none for a tag."""

    @classmethod
    def of(
        cls,
        likes: sp.csr_matrix,
        tags: sp.csr_matrix,
        tag_names: Sequence[str],
        config: TopicsConfig,
        rng: np.random.Generator,
    ) -> Self:
        """The topics of a community.

        Args:
            likes: (members, items) ones.
            tags: (items, tags) how much a tag says of an item.
            tag_names: of the columns of `tags`.
            config: what topics there are.
            rng: where each cut starts.
        """
        strong = _strong(tags)
        share = np.asarray(_shares(likes, strong).mean(axis=0)).ravel()
        top = np.argsort(-share, kind="stable")[: config.tags]
        top = top[share[top] > 0]
        parts = [strong[:, top]]
        names: list[tuple[str, ...]] = [(tag_names[tag],) for tag in top]
        examples: list[tuple[int, ...]] = [() for _ in top]
        counts = np.asarray(likes.sum(axis=0)).ravel()
        for kinds in config.groups:
            for _ in range(config.cuts if kinds * MixtureConfig().members_each <= likes.shape[0] else 0):
                mixture = Mixture.fit(likes, MixtureConfig(kinds=kinds), rng)
                group = mixture.groups()
                cells = (np.ones(len(group), dtype=np.float32), (np.arange(len(group)), group))
                parts.append(sp.csr_matrix(cells, shape=(len(group), len(mixture.share))))
                for kind in range(len(mixture.share)):
                    own = group == kind
                    names.append(_marks(own, strong, counts, tag_names))
                    examples.append(_named_by(own, mixture, kind))
        whole = sp.hstack(parts, format="csr", dtype=np.float32)
        kept = _worth_asking(_shares(likes, whole), config, names, examples)
        usual = _shares(likes, whole[:, kept]).mean(axis=0)
        return cls(
            whole[:, kept],
            np.asarray(usual, dtype=np.float32).ravel(),
            tuple(names[topic] for topic in kept),
            tuple(examples[topic] for topic in kept),
        )

    def __len__(self) -> int:
        return len(self.usual)

    def fond(self, likes: sp.csr_matrix) -> Floats:
        """(members, topics) one where a topic holds at least as much of a member's likes as it usually does."""
        return (_shares(likes, self.items) >= np.maximum(self.usual, 1e-6)).astype(np.float32)

    def meta(self) -> dict[str, Any]:
        """What is not an array, as JSON can hold it."""
        return {"tags": [list(tags) for tags in self.tags], "examples": [list(shown) for shown in self.examples]}

    @classmethod
    def from_saved(cls, items: sp.csr_matrix, usual: Floats, meta: dict[str, Any]) -> Self:
        """The topics that `meta` and two arrays tell of."""
        tags, examples = meta["tags"], meta["examples"]
        return cls(items, usual, tuple(map(tuple, tags)), tuple(map(tuple, examples)))


def _strong(tags: sp.csr_matrix) -> sp.csr_matrix:
    """(items, tags) one where a tag is among the strong ones of an item."""
    most = np.asarray(tags.max(axis=1).todense()).ravel() if tags.shape[1] else np.zeros(tags.shape[0])
    kept = tags.data >= STRONG * np.repeat(most, np.diff(tags.indptr))
    cells = tags.tocoo()
    return sp.csr_matrix((np.ones(kept.sum(), dtype=np.float32), (cells.row[kept], cells.col[kept])), shape=tags.shape)


def _shares(likes: sp.csr_matrix, topics: sp.csr_matrix) -> Floats:
    """(members, topics) share of each member's likes that is of each topic."""
    counts = np.maximum(np.diff(likes.indptr), 1)
    return np.asarray(scaled((likes @ topics).tocsr(), rows=1 / counts).toarray(), dtype=np.float32)


def _worth_asking(
    shares: Floats, config: TopicsConfig, names: Sequence[tuple[str, ...]], examples: Sequence[tuple[int, ...]]
) -> Rows:
    """Topics that tell members apart, and none that sounds like another or says what another has said."""
    fond = shares >= np.maximum(shares.mean(axis=0), 1e-6)
    part = fond.mean(axis=0)
    kept: list[int] = []
    for topic in np.flatnonzero((part > config.least_fond) & (part < 1 - config.least_fond)).tolist():
        if not names[topic] and not examples[topic]:
            continue
        if any(len(set(examples[topic]) & set(examples[other])) > 1 for other in kept):
            continue
        both = (fond[:, kept] & fond[:, [topic]]).sum(axis=0)
        either = (fond[:, kept] | fond[:, [topic]]).sum(axis=0)
        if not len(both) or (both / np.maximum(either, 1)).max() < config.same:
            kept.append(topic)
    return np.array(kept, dtype=np.int64)


def _marks(own: np.ndarray, strong: sp.csr_matrix, counts: Floats, names: Sequence[str]) -> tuple[str, ...]:
    """Up to two tags that far more of a group's likes carry than of all likes."""
    if not strong.shape[1]:
        return ()
    inside = np.asarray((counts * own) @ strong).ravel() / max(float((counts * own).sum()), 1)
    overall = np.asarray(counts @ strong).ravel() / max(float(counts.sum()), 1)
    weight = inside * np.log(np.maximum(inside, 1e-9) / np.maximum(overall, 1e-9))
    best = np.argsort(-weight, kind="stable")[:2]
    return tuple(names[tag] for tag in best if weight[tag] > 0.05)


def _named_by(own: np.ndarray, mixture: Mixture, kind: int) -> tuple[int, ...]:
    """The items of a group that its kind likes most, and others less."""
    chance = mixture.chance[kind]
    weight = np.where(own, chance * np.log(np.maximum(chance / np.maximum(mixture.overall, 1e-9), 1e-9)), -np.inf)
    best = np.argsort(-weight, kind="stable")[:EXAMPLES]
    return tuple(int(item) for item in best if np.isfinite(weight[item]) and weight[item] > 0)
