"""One build in memory, and all that it can answer; histories and new items come from outside, fresh."""

import logging
from collections.abc import Callable, Collection, Sequence
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from penchant.builds import Build
from penchant.data.columns import ITEMS
from penchant.data.community import Community, conform
from penchant.data.strata import MemberInterests
from penchant.data.verdicts import Ranking
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang
from penchant.service.people import People, alone, known

if TYPE_CHECKING:
    from penchant.data.attention import Attention
    from penchant.data.drift import DriftVerdict
    from penchant.drift import Drift
    from penchant.interests import Interests
    from penchant.recommend import Recommender
    from penchant.search import Filters, Searcher
    from penchant.text.encoder import Encoder

_LOG = logging.getLogger("penchant.service")

Part = TypeVar("Part")

SYSTEMS: Final = ("interests", "members", "social", "drift", "recommend", "search")


class Loaded:
    """What a build answers with, read once.

    Args:
        build: checked by whoever asks for it to be loaded.
        people_kept: members whose history is kept ready for ranking.
    """

    def __init__(self, build: Build, *, people_kept: int = 20_000) -> None:
        self.build = build
        self.version = build.version
        self.community: Community = build.community
        self.recommender: Recommender = build.recommender()
        self._fitted = self.recommender
        self.interests: Interests | None = build.interests() if "interests" in build.stages else None
        self.searcher: Searcher | None = build.searcher() if "search" in build.stages else None
        self.encoder: Encoder | None = None
        self.closed: set[str] = set()
        """Ids of items that were taken away since the build was made."""
        self._put: dict[str, dict[str, Any]] = {}
        """Items that came or changed since, by id."""
        self.people = People(people_kept)
        self._lock = Lock()
        self._parts: dict[str, Any] = {}
        self._making: dict[str, RLock] = {}
        """One for each part, so that an answer waits for no chart of the console."""

    def give(self, encoder: "Encoder") -> None:
        """From now on, read queries, texts and new items with the language model."""
        from penchant.recommend.similarity import TextSimilarity
        from penchant.search.dense import for_queries

        self.encoder = encoder
        for source in self.recommender.sources.values():
            if isinstance(source, TextSimilarity):
                source.encoder = encoder
        if self.searcher is not None and self.searcher.dense is not None:
            self.searcher.encoder, self.searcher.query_encoder = encoder, for_queries(encoder)
        if self.interests is not None and "interests" in self.build.stages:
            from penchant.interests import Interests

            # The labeller takes its encoder when it is loaded, so it is asked for anew.
            self.interests = Interests.load(self.build.folder("interests"), encoder=encoder)
        if self._put:
            # What came before the language model did can be read now.
            self._grow(pl.DataFrame(list(self._put.values()), schema=ITEMS))

    def require(self, system: str) -> None:
        """Make sure that the build has a system.

        Raises:
            NotBuiltError: it has not.
        """
        self.build.folder(system)

    def part(self, name: str, make: "Callable[[Build], Part]") -> Part:
        """Something made of the build when it is first asked for, and kept as long as the build is."""
        if name not in self._parts:
            with self._lock:
                making = self._making.setdefault(name, RLock())
            with making:
                if name not in self._parts:
                    self._parts[name] = make(self.build)
        return self._parts[name]

    # -- answers --

    def recommend(
        self,
        events: pl.DataFrame,
        k: int,
        *,
        lang: Lang,
        member_id: str | None = None,
        version: object = None,
        items: Sequence[str] = (),
        text: str | None = None,
        exclude: Collection[str] = (),
        reasons: bool = True,
        attention: "Attention | None" = None,
    ) -> Ranking:
        """What to show somebody now, from what they did up to this moment.

        Args:
            events: theirs; those with items that the build has never seen say nothing.
            k: how many.
            lang: of the reasons.
            member_id: who they are, where they are a member.
            version: of the member's history: equal versions, equal events, so that nothing is read twice.
            items: further items they like.
            text: what they have just written.
            exclude: ids of items not wanted; those that are not known are passed over.
            reasons: find out why; a member's list comes in half the time without.
            attention: how much of their past counts; all of it if absent.
        """
        ids = self.recommender.community.item_ids
        shut = [item for item in {*exclude, *self.closed} if item in ids]
        if member_id is None or items:
            liked = [item for item in items if item in ids]
            return self.recommender.recommend_for(
                liked, events=known(events, ids), text=text, k=k, lang=lang, exclude=shut, member_id=member_id,
                attention=attention,
            )  # fmt: skip
        person = self.people.person(self.recommender, member_id, version, events)
        asking = person.writing(text) if text else person
        return self.recommender.answer(asking, k, lang=lang, exclude=shut, reasons=reasons, attention=attention)

    def drift_verdict(self, member_id: str, version: object, history: pl.DataFrame) -> "DriftVerdict | None":
        """Whether a member has changed, and what their recommendations should rest on; None where nobody is judged.

        Args:
            member_id: who.
            version: of the history, as for `recommend`.
            history: theirs, with the columns of `EVENTS`.
        """
        drift = self.drift
        return self.people.verdict(drift, member_id, version, history) if drift is not None and drift.judge else None

    @property
    def drift(self) -> "Drift | None":
        """Who has changed, as the build found; None where it has no such stage."""
        return self.part("drift", lambda build: build.drift()) if "drift" in self.build.stages else None

    def fresh_interests(self, member_id: str, history: pl.DataFrame, *, version: object = None) -> MemberInterests:
        """A member's tiers from their events up to this moment; what they have turned to emerges.

        Raises:
            NotBuiltError: the build has no interests.
        """
        self.require("interests")
        assert self.interests is not None
        verdict = self.drift_verdict(member_id, version, history)
        return self.interests.fresh(self.community.items, member_id, history, verdict=verdict)

    def search(
        self, query: str, k: int, *, lang: Lang | None, filters: "Filters", member_id: str | None, events: pl.DataFrame
    ) -> Ranking:
        """The items that answer a query, for a member if one is named.

        Raises:
            NotBuiltError: the build has no search.
        """
        self.require("search")
        assert self.searcher is not None
        if member_id is None:
            return self.searcher.search(query, k, filters=filters, lang=lang)
        one = alone(self.recommender.community, member_id, events)
        return self.searcher.on(one).search(query, k, member_id=member_id, filters=filters, lang=lang)

    def suggest(self, begun: str, k: int) -> list[str]:
        """How a query may go on.

        Raises:
            NotBuiltError: the build has no search.
        """
        self.require("search")
        assert self.searcher is not None
        return self.searcher.suggest(begun, k)

    def similar(self, item_id: str, k: int, *, lang: Lang) -> Ranking:
        """The items closest to one."""
        return self._without_closed(self.recommender.similar(item_id, k + len(self.closed), lang=lang), k)

    def goes_with(self, item_id: str, k: int, *, lang: Lang) -> Ranking:
        """The items that go with one."""
        return self._without_closed(self.recommender.goes_with(item_id, k + len(self.closed), lang=lang), k)

    def classify(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """The labels of texts, with probabilities, the likeliest first.

        Raises:
            NotBuiltError: the build has no labeller.
        """
        self.require("interests")
        assert self.interests is not None
        labeller = self.interests.labeller if self.interests.has_labeller else None
        if labeller is None:
            raise NotBuiltError(
                f"build {self.version} has no labeller, since {self.interests.source.why()} Label some texts with "
                "`penchant interests label`, and build again"
            )
        said = labeller.label(list(texts))
        answers = []
        for row in range(len(texts)):
            chosen = np.flatnonzero(said.given[row])
            best = chosen[np.argsort(-said.probabilities[row][chosen], kind="stable")]
            answers.append(
                {
                    "labels": [
                        {
                            "label": said.taxonomy.labels[label],
                            "probability": round(float(said.probabilities[row, label]), 6),
                            "sure": bool(said.sure[row, label]),
                        }
                        for label in best
                    ],
                    "unsure": bool(said.unsure[row]),
                }
            )
        return answers

    # -- items that came, changed or went since the build --

    def catch_up(self, items: pl.DataFrame) -> None:
        """Take over all items as the store has them now, where they differ from the build's."""
        theirs = conform(items.select([name for name in items.columns if name in ITEMS]), "items")
        ours = self.community.items.select(list(ITEMS))
        gone = (set(ours["item_id"]) | set(self._put)) - set(theirs["item_id"]) - self.closed
        same = theirs.hash_rows(seed=7)
        known = dict(zip(ours["item_id"], ours.hash_rows(seed=7), strict=True))
        changed = [known.get(item) != row for item, row in zip(theirs["item_id"], same, strict=True)]
        if any(changed):
            self.put_items(theirs.filter(pl.Series(changed)))
        if gone:
            self.remove_items(sorted(gone))

    def put_items(self, items: pl.DataFrame) -> None:
        """Know items that are new, or have changed, from the next answer on."""
        table = conform(items.select([name for name in items.columns if name in ITEMS]), "items")
        self._put |= {row["item_id"]: row for row in table.iter_rows(named=True)}
        self._grow(table)

    def _grow(self, table: pl.DataFrame) -> None:
        from penchant.recommend.growing import grown

        if self.searcher is not None:
            if self.searcher.dense is not None and self.encoder is None:
                _LOG.warning("new items are found once the language model is loaded")
            else:
                self.searcher.put(table)
        whole = pl.DataFrame(list(self._put.values()), schema=ITEMS)
        # From what was fitted, so that the text of an item that changed twice is read as it is now.
        wider = grown(self._fitted, whole, encoder=self.encoder)
        with self._lock:
            self.recommender = wider
            self.closed -= set(table["item_id"])
        self.people.clear()

    def remove_items(self, item_ids: Sequence[str]) -> None:
        """Show items no more, from the next answer on."""
        with self._lock:
            self.closed |= set(item_ids)
        if self.searcher is not None:
            there = [item for item in item_ids if self.searcher.catalogue.row(item) is not None]
            self.searcher.remove(there)

    # -- inside --

    def _without_closed(self, ranking: Ranking, k: int) -> Ranking:
        picks = tuple(pick for pick in ranking if pick.item_id not in self.closed)[:k]
        return Ranking(picks, ranking.strategy, ranking.member_id)


def known_items(loaded: Loaded, item_ids: Sequence[str]) -> None:
    """Make sure that a build knows items.

    Raises:
        UnknownIdError: one of them is not there.
    """
    for item in item_ids:
        if item in loaded.closed or item not in loaded.recommender.community.item_ids:
            raise UnknownIdError(f"no item has the id {item!r}")
