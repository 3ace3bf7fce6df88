"""A ranker at work: the blend's scores of the best candidates, corrected."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.errors import ConfigError
from penchant.recommend.candidates import Candidates
from penchant.recommend.config import RecommendConfig
from penchant.recommend.features import ItemFacts, feature_names, places, table
from penchant.recommend.lesson import Lesson
from penchant.recommend.opinions import POPULARITY, TEXT, Opinions
from penchant.recommend.ranker import Ranker
from penchant.recommend.similarity import TextSimilarity
from penchant.recommend.verdicts import Told, Verdicts
from penchant.recommend.without import opinions_of_few
from penchant.vectors import Floats, Rows


class Ordering:
    """The blend of the sources' opinions, and a ranker over it where there is one."""

    def __init__(
        self,
        community: Community,
        sources: Mapping[str, Scorer],
        weights: Mapping[str, float],
        config: RecommendConfig,
        *,
        ranker: Ranker | None = None,
        verdicts: Verdicts | None = None,
    ) -> None:
        text = sources.get(TEXT)
        self._community = community
        self._vectors = text.vectors if isinstance(text, TextSimilarity) else None
        self._sources = sources
        self._weights = weights
        self._config = config
        self._ranker = ranker
        self._verdicts = verdicts or Verdicts()
        self.features = feature_names(tuple(sources), text=self._vectors is not None, told=self._verdicts.names)
        """The names of what a ranker sees of each candidate."""
        if ranker is not None and ranker.features != self.features:
            lacking = sorted(set(ranker.features) ^ set(self.features))
            raise ConfigError(
                f"the ranker was learned with other features ({', '.join(lacking) or 'in another order'}); hand in the "
                "verdicts it was learned with, and the same sources"
            )

    @cached_property
    def _facts(self) -> ItemFacts:
        return ItemFacts.of(self._community, self._config.event_weights, self._vectors)

    @cached_property
    def _told(self) -> Told | None:
        if not self._verdicts.names:
            return None
        return Told(self._verdicts, self._community, self._config.event_weights, self._facts)

    def scores(self, opinions: Opinions, batch: Histories, barred: NDArray[np.bool_], members: Rows | None) -> Floats:
        """(members, items) the blend, as the ranker corrects it where it is used and the sources tell items apart.

        Args:
            opinions: of the members.
            batch: their histories.
            barred: (members, items) True where a member may not be shown an item.
            members: their rows, for a ranker that reads verdicts; -1 for strangers.
        """
        blended = opinions.blend(self._weights)
        if self._ranker is None:
            return blended
        owners, items, rows = self._entries(opinions, blended, batch, barred, members)
        added = self._ranker.correct(rows)
        # Items below the candidates are taken for the worst of them.
        least = np.zeros(len(blended), dtype=np.float32)
        np.minimum.at(least, owners, added)
        corrected = blended + least[:, None]
        corrected[owners, items] = blended[owners, items] + added
        known = np.any([scale.speaks for name, scale in opinions.scales.items() if name != POPULARITY], axis=0)
        return np.where(known, corrected, blended)

    def without(
        self, opinions: Opinions, barred: NDArray[np.bool_], histories: Histories, chosen: Rows, members: Rows
    ) -> Floats:
        """(histories, chosen) the scores that some items would have under other histories of the same person.

        The candidates are those of the history as it is; an item that would no longer be put in order among them is
        worth nothing (minus infinity).

        Args:
            opinions: of the person as they are.
            barred: (items,) True where they may not be shown an item.
            histories: what their history would be.
            chosen: rows of the items asked about.
            members: (histories,) the person's own row each time.
        """
        items = np.union1d(self._candidates(opinions, barred[None], members).items, chosen)
        said = opinions_of_few(self._sources, histories, barred, items, opinions)
        blended = said.blend(self._weights)
        at = np.searchsorted(items, chosen)
        if self._ranker is None:
            return blended[:, at]
        ranks = np.stack([_places(scores, at) for scores in (*said.scores.values(), blended)], axis=2)
        best = (ranks[:, :, -1] < self._config.ranker.depth) | self._liked_by_friends(members[:1], [chosen])[0]
        best &= ~barred[chosen]
        asked = Candidates(
            tuple(said.scores),
            np.arange(len(histories) + 1) * len(chosen),
            np.tile(chosen, len(histories)),
            np.stack([scores[:, at].ravel() for scores in said.scores.values()], axis=1),
        )
        rows = table(
            asked, blended[:, at].ravel(), histories, self._facts, kept=best.ravel(),
            told=self._told.table if self._told is not None else None, members=members,
            ranks=ranks.reshape(-1, ranks.shape[2]),
        )  # fmt: skip
        found = np.full(best.shape, -np.inf, dtype=np.float32)
        found[best] = blended[:, at][best] + (self._ranker.correct(rows) if len(rows) else 0)
        speaks = np.any([scale.speaks for name, scale in said.scales.items() if name != POPULARITY], axis=0)
        return np.where(speaks, found, blended[:, at])

    def lesson(
        self,
        asked: Iterable[tuple[Opinions, Histories, NDArray[np.bool_]]],
        relevant: sp.csr_matrix,
        members: Rows,
    ) -> Lesson:
        """What a ranker learns from: the best candidates of each history, and which of them were chosen later.

        Args:
            asked: opinions, histories and what may not be shown, a few members at a time.
            relevant: (members, items) nonzero where a held-out item was liked; each member has one at least.
            members: their rows.
        """
        lengths, items, rows = [], [], []
        start = 0
        for opinions, batch, barred in asked:
            blended = opinions.blend(self._weights)
            own = members[start : start + len(batch)]
            start += len(batch)
            owners, found, features = self._entries(opinions, blended, batch, barred, own)
            lengths.append(np.bincount(owners, minlength=len(batch)))
            items.append(found)
            rows.append(features)
        of_each, table_rows = np.concatenate(lengths), np.concatenate(rows)
        owners = np.repeat(np.arange(len(members)), of_each)
        liked = np.asarray(relevant[owners, np.concatenate(items)]).ravel()
        return Lesson(
            rows=table_rows,
            blended=table_rows[:, self.features.index("blend")],
            chosen=(liked > 0).astype(np.float32),
            lengths=of_each,
            relevant=np.diff(relevant.indptr),
            members=members,
        )

    def friends_items(self, member: int) -> Rows:
        """Rows of the items that a member's friends have lately liked most, which take part whatever sources say."""
        return np.empty(0, dtype=np.int64) if self._told is None else self._told.friends_items(member)

    def _liked_by_friends(self, members: Rows | None, items: Sequence[Rows]) -> list[NDArray[np.bool_]]:
        """For each member, which of some items are among those that their friends have lately liked most."""
        if self._told is None or members is None:
            return [np.zeros(len(own), dtype=bool) for own in items]
        return [np.isin(own, self._told.friends_items(int(member))) for member, own in zip(members, items, strict=True)]

    def _candidates(self, opinions: Opinions, barred: NDArray[np.bool_], members: Rows | None) -> Candidates:
        """Found once for one person's answer, which asks for them again when it checks its reasons."""
        kept = opinions.__dict__.get("_candidates")
        if kept is not None:
            return kept
        further = None
        if self._told is not None and members is not None:
            further = [self._told.friends_items(int(member)) for member in members[: len(barred)]]
        found = Candidates.of(opinions, barred, self._config.per_source, further=further)
        if len(barred) == 1:
            opinions.__dict__["_candidates"] = found
        return found

    def _entries(
        self, opinions: Opinions, blended: Floats, batch: Histories, barred: NDArray[np.bool_], members: Rows | None
    ) -> tuple[Rows, Rows, Floats]:
        """Owners, items and features of the candidates that a ranker puts in order."""
        found = self._candidates(opinions, barred, members)
        owners = found.owners
        scores = blended[owners, found.items]
        best = places(found, scores) < self._config.ranker.depth
        best |= np.concatenate([best[:0], *self._liked_by_friends(members, np.split(found.items, found.offsets[1:-1]))])
        told = self._told.table if self._told is not None else None
        rows = table(found, scores, batch, self._facts, kept=best, told=told, members=members)
        return owners[best], found.items[best], rows


def _places(scores: Floats, at: Rows) -> Floats:
    """(histories, asked) how many columns of its row are above each asked one: its place from zero, best first."""
    ordered = np.sort(scores, axis=1)
    above = [len(row) - np.searchsorted(row, own[at], side="right") for row, own in zip(ordered, scores, strict=True)]
    return np.stack(above).astype(np.float32)
