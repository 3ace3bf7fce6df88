"""One build in memory, and all that it can answer; histories and new items come from outside, fresh."""

import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from penchant.builds import Build
from penchant.data.columns import ITEMS
from penchant.data.community import Community, conform
from penchant.data.strata import MemberInterests
from penchant.data.verdicts import Ranking
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang
from penchant.recommend.person import Person

if TYPE_CHECKING:
    from penchant.interests import Interests
    from penchant.recommend import Recommender
    from penchant.search import Filters, Searcher
    from penchant.text.encoder import Encoder

_LOG = logging.getLogger("penchant.service")

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
        self._people: OrderedDict[str, tuple[object, Person]] = OrderedDict()
        self._people_kept = people_kept
        self._lock = Lock()

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
        """
        known = self.recommender.community.item_ids
        shut = [item for item in {*exclude, *self.closed} if item in known]
        if member_id is None or items:
            mine = self._known(events)
            liked = [item for item in items if item in known]
            return self.recommender.recommend_for(
                liked, events=mine, text=text, k=k, lang=lang, exclude=shut, member_id=member_id
            )
        person = self._person(member_id, version, events)
        asking = person.writing(text) if text else person
        return self.recommender.answer(asking, k, lang=lang, exclude=shut, reasons=reasons)

    def fresh_interests(self, member_id: str, history: pl.DataFrame) -> MemberInterests:
        """A member's tiers from their events up to this moment.

        Raises:
            NotBuiltError: the build has no interests.
        """
        self.require("interests")
        assert self.interests is not None
        return self.interests.fresh(self.community.items, member_id, history)

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
        one = self._alone(member_id, events)
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
            self._people.clear()

    def remove_items(self, item_ids: Sequence[str]) -> None:
        """Show items no more, from the next answer on."""
        with self._lock:
            self.closed |= set(item_ids)
        if self.searcher is not None:
            there = [item for item in item_ids if self.searcher.catalogue.row(item) is not None]
            self.searcher.remove(there)

    def forget(self, member_id: str) -> None:
        """Keep nothing of a member ready."""
        with self._lock:
            self._people.pop(member_id, None)

    # -- inside --

    def _known(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events with items that the recommender knows."""
        known = self.recommender.community.item_ids
        return events.filter(
            pl.Series([item is not None and item in known for item in events["item_id"]], dtype=pl.Boolean)
        )

    def _person(self, member_id: str, version: object, events: pl.DataFrame) -> Person:
        stamp = (version, id(self.recommender))
        with self._lock:
            kept = self._people.get(member_id)
            if version is not None and kept is not None and kept[0] == stamp:
                self._people.move_to_end(member_id)
                return kept[1]
        recommender = self.recommender
        person = Person.of_events(
            recommender.community, recommender.config.event_weights, self._known(events), member_id=member_id
        )
        with self._lock:
            self._people[member_id] = (stamp, person)
            while len(self._people) > self._people_kept:
                self._people.popitem(last=False)
        return person

    def _alone(self, member_id: str, events: pl.DataFrame) -> Community:
        """A community of one member and all items, for what reads a taste from one."""
        from penchant.data.columns import EVENTS, LABELS, TIES

        whole = self.recommender.community
        known = self._known(events)
        rows = pl.Series("item", [whole.item_ids.row(item) for item in known["item_id"]], dtype=pl.UInt32)
        own = known.select(
            pl.lit(0, dtype=pl.UInt32).alias("member"),
            rows,
            *(name for name in EVENTS if name not in ("member_id", "item_id")),
        )
        one = Community(
            pl.DataFrame({"member_id": [member_id]}), whole.items, own, pl.DataFrame(schema=TIES),
            pl.DataFrame(schema=LABELS),
        )  # fmt: skip
        one.__dict__["item_ids"] = whole.item_ids
        return one

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
