"""The recommender: sources, their blend, the rules of what may be shown, and a reason for each pick."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.popularity import Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.attention import Attention
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.data.verdicts import Evidence, Pick, Ranking
from penchant.errors import ArtifactError, ConfigError, NotFittedError
from penchant.language import Lang
from penchant.recommend import planned, strategies
from penchant.recommend.beside import Beside
from penchant.recommend.candidates import Candidates, gather
from penchant.recommend.config import RecommendConfig
from penchant.recommend.deeds import are_works
from penchant.recommend.lesson import Lesson
from penchant.recommend.near import Nearby
from penchant.recommend.newitems import NewItems
from penchant.recommend.opinions import POPULARITY, TEXT, Opinions, members_at_once
from penchant.recommend.ordering import Ordering
from penchant.recommend.person import Person, without_each
from penchant.recommend.policy import Policy
from penchant.recommend.propensities import append
from penchant.recommend.ranker import Ranker
from penchant.recommend.reasons import Part, Teller, parts
from penchant.recommend.rules import closed, seen_items
from penchant.recommend.scale import Scale
from penchant.recommend.similarity import TextSimilarity
from penchant.recommend.telling import by_what
from penchant.recommend.verdicts import Given, Verdicts
from penchant.recommend.wished import Wished
from penchant.text.encoder import Encoder
from penchant.text.wishes import Refiner, Wishes
from penchant.vectors import Floats, Rows, chunks

CHECKED: Final = 6
"""Items of a history that are tried as a reason for one pick."""
FEW_ITEMS: Final = 20_000
"""Items, above which one person's answer scores the candidates alone, and a reason is checked among the same ones."""
TURNS: Final = 2
"""Times that what a list's reasons name is tried; after those, all that they might name."""
SURE: Final = 0.005
"""By how much, in spreads of a member's scores, a score must fall for what was taken away to be a reason."""


class Recommender:
    """Ranks items for members and for strangers.

    Every answer is made from a history and the fitted sources alone, so events newer than the fit count at once: hand
    `recommend_for` the events, or make a recommender with `on` for a community that holds them.
    """

    def __init__(
        self,
        community: Community,
        sources: Mapping[str, Scorer],
        weights: Mapping[str, float],
        config: RecommendConfig,
        *,
        cold: NDArray[np.bool_],
        ranker: Ranker | None = None,
        verdicts: Given = None,
        new_items: NewItems | None = None,
    ) -> None:
        if set(sources) != set(weights) or POPULARITY not in sources:
            raise ConfigError(
                f"the sources {', '.join(sources)} and the weights {', '.join(weights)} must name the same, and "
                f"{POPULARITY} among them"
            )
        self.community = community
        self.sources = dict(sources)
        self.weights = dict(weights)
        self.config = config
        self.cold = cold
        """(items,) items that nobody had touched when the sources were fitted."""
        self.ranker = ranker
        """What orders the best candidates; the blend does where there is none."""
        self.verdicts = Verdicts.of(verdicts)
        """What other systems have found of the members, where the ranker reads it."""
        self.new_items = new_items
        """What tells from descriptions what members would do with items that nobody has touched."""
        self._ordering = Ordering(community, self.sources, self.weights, config, ranker=ranker, verdicts=self.verdicts)

    @cached_property
    def closed(self) -> NDArray[np.bool_]:
        """(items,) items that nobody is shown."""
        return closed(self.community, self.config.rules) | self.policy.excluded

    @cached_property
    def policy(self) -> Policy:
        """What turns scores into the list shown; its rule file is read once."""
        text = self.sources.get(TEXT)
        vectors = text.vectors if isinstance(text, TextSimilarity) else None
        return Policy.of(self.config.policy, self.community, vectors)

    def on(self, community: Community) -> "Recommender":
        """The same recommender over a community with the same items, such as one with newer events."""
        _check_items(self.community, community)
        other = Recommender(
            community, self.sources, self.weights, self.config,
            cold=self.cold, ranker=self.ranker, verdicts=self.verdicts, new_items=self.new_items,
        )  # fmt: skip
        other.__dict__["policy"] = self.policy.on(community)
        if "_wished" in self.__dict__ and community.items is self.community.items:
            other.__dict__["_wished"] = self._wished
        return other

    def with_weights(self, weights: Mapping[str, float]) -> "Recommender":
        """The same recommender with other weights, and no ranker, as it was learned over the old ones.

        A source that is not named is left out.
        """
        sources = {name: self.sources[name] for name in weights}
        return Recommender(
            self.community, sources, weights, self.config,
            cold=self.cold, verdicts=self.verdicts, new_items=self.new_items,
        )  # fmt: skip

    def with_ranker(self, ranker: Ranker | None) -> "Recommender":
        """The same recommender with a ranker, or without one.

        Raises:
            ConfigError: the ranker was learned with other features.
        """
        return Recommender(
            self.community, self.sources, self.weights, self.config,
            cold=self.cold, ranker=ranker, verdicts=self.verdicts, new_items=self.new_items,
        )  # fmt: skip

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what a ranker sees of each candidate."""
        return self._ordering.features

    # -- many members, rows only: benchmarks, builds, the ranker --

    def candidates(self, batch: Histories, shut: sp.csr_matrix) -> Candidates:
        """The items worth ranking for each history, with every source's score of each."""
        return gather(
            self.sources, batch, shut,
            closed=self.closed, cold=self.cold, trust=self.config.new_item_trust, new_items=self.new_items,
            per_source=self.config.per_source,
        )  # fmt: skip

    def lesson(self, batch: Histories, shut: sp.csr_matrix, relevant: sp.csr_matrix, members: Rows) -> Lesson:
        """What a ranker learns from: the best candidates of each history, and which of them were chosen later.

        Args:
            batch: the histories.
            shut: (batch, items) nonzero where a member may not be shown an item.
            relevant: (batch, items) nonzero where a held-out item was liked; each member has one at least.
            members: (batch,) the members' rows.
        """
        asked = (
            (self._opinions(own, barred), own, barred)
            for part in chunks(len(batch), members_at_once(len(self.closed)))
            for own, barred in [(batch.rows(part), (shut[part].toarray() > 0) | self.closed)]
        )
        return self._ordering.lesson(asked, relevant, members)

    def rank(self, batch: Histories, shut: sp.csr_matrix, k: int, *, members: Rows | None = None) -> Rows:
        """(batch, min(k, items)) item rows, best first, -1 where nothing is left; a few members at a time.

        Args:
            batch: the histories.
            shut: (batch, items) nonzero where a member may not be shown an item.
            k: length of the lists.
            members: (batch,) the members' rows, for a ranker that reads verdicts; -1 for strangers.
        """
        lists = [np.empty((0, min(k, len(self.closed))), dtype=np.int64)]
        for part in chunks(len(batch), members_at_once(len(self.closed))):
            barred = (shut[part].toarray() > 0) | self.closed
            own = batch.rows(part)
            rows = members[part] if members is not None else None
            blended = self._ordering.scores(self._opinions(own, barred), own, barred, rows)
            blended[barred] = -np.inf
            lists.append(self.policy.rank(blended, barred, k))
        return np.concatenate(lists)

    def first_of(self, batch: Histories, items: Rows, *, members: Rows | None = None) -> Rows:
        """(batch,) the one of some item rows that each history's score is highest for, whatever was seen before.

        Args:
            batch: the histories.
            items: rows of the items among which to choose.
            members: (batch,) the members' rows, for a ranker that reads verdicts.
        """
        found = [np.empty(0, dtype=np.int64)]
        shut = np.ones(len(self.closed), dtype=bool)
        shut[items] = False
        for part in chunks(len(batch), members_at_once(len(self.closed))):
            own = batch.rows(part)
            barred = np.repeat(shut[None], len(own), axis=0)
            rows = members[part] if members is not None else None
            scores = self._ordering.scores(self._opinions(own, barred), own, barred, rows)[:, items]
            found.append(items[scores.argmax(axis=1)])
        return np.concatenate(found)

    # -- one person, with reasons --

    def recommend(
        self,
        member_id: str,
        k: int = 10,
        *,
        lang: Lang = "en",
        text: str | None = None,
        exclude: Collection[str] = (),
        wishes: Wishes | None = None,
        attention: Attention | None = None,
    ) -> Ranking:
        """The k best items for a member, each with its reason.

        Args:
            member_id: of a member of the community.
            k: how many; fewer come back where fewer are left.
            lang: of reasons and strategy.
            text: what the member has just written, if anything.
            exclude: ids of items not wanted this time.
            wishes: what they have asked of items, as `wish` read it.
            attention: how much of the past counts, as a strategy of `drift` chose it; all of it if absent.

        Raises:
            UnknownIdError: there is no such member, or no such item among those to exclude.
            NotFittedError: a text was given and there is no encoder to read it.
        """
        person = Person.member(self.community, member_id, self.config.event_weights)
        return self._answer(person.writing(text).wishing(wishes), k, lang, exclude, attention=attention)

    def recommend_for(
        self,
        items: Sequence[str] = (),
        *,
        events: pl.DataFrame | None = None,
        text: str | None = None,
        k: int = 10,
        lang: Lang = "en",
        exclude: Collection[str] = (),
        member_id: str | None = None,
        wishes: Wishes | None = None,
        attention: Attention | None = None,
    ) -> Ranking:
        """The k best items for a stranger, from items they like, what they did, what they wrote, or nothing.

        Args:
            items: ids of items they like.
            events: columns `item_id`, `kind`, `at`, and `amount` if any.
            text: what they wrote.
            k: how many.
            lang: of reasons and strategy.
            exclude: ids of items not wanted.
            member_id: whose events they are, where they are a member's and newer than the community; they need not
                have been a member when the community was read.
            wishes: what they have asked of items, as `wish` read it.
            attention: how much of their past counts; all of it if absent.

        Raises:
            UnknownIdError: an item is not in the community.
            NotFittedError: a text was given and there is no encoder to read it.
        """
        person = Person.stranger(self.community, self.config.event_weights, items=items, events=events, text=text)
        asking = replace(person, member_id=member_id).wishing(wishes)
        return self.answer(asking, k, lang=lang, exclude=exclude, attention=attention)

    def answer(
        self,
        person: Person,
        k: int = 10,
        *,
        lang: Lang = "en",
        exclude: Collection[str] = (),
        reasons: bool = True,
        attention: Attention | None = None,
    ) -> Ranking:
        """The k best items for a person that was made before, as a service keeps them between questions.

        Args:
            person: as `Person` makes them.
            k: how many.
            lang: of reasons and strategy.
            exclude: ids of items not wanted this time.
            reasons: find out why; without, the same list comes in half the time.
            attention: how much of their past counts, as a strategy of `drift` chose it; all of it if absent.

        Raises:
            UnknownIdError: an item to exclude is not in the community.
            NotFittedError: the person has written something and there is no encoder to read it.
        """
        return self._answer(person, k, lang, exclude, reasons=reasons, attention=attention)

    def wish(self, sentence: str, wishes: Wishes | None = None, *, shown: Ranking | None = None) -> Wishes:
        """What a person asks of items after one more sentence: `lighter, under 100`, `再便宜一点，不要红色`.

        Args:
            sentence: in English, Chinese or both.
            wishes: after the sentences before; none if absent.
            shown: the list that the sentence is about: cheaper than these, more like the second.
        """
        rows = [self.community.item_ids.row(pick.item_id) for pick in shown or ()]
        return self._wished.refiner.read(sentence, wishes, shown=rows)

    # -- one item --

    def similar(self, item_id: str, k: int = 10, *, lang: Lang = "en") -> Ranking:
        """The k items closest to one item: by description where there is text, else by the members they share.

        Raises:
            UnknownIdError: there is no such item.
        """
        return self._beside.similar(self.community.item_ids.row(item_id), k, lang)

    def goes_with(self, item_id: str, k: int = 10, *, lang: Lang = "en") -> Ranking:
        """The k items that go with one item: what the same members like, buy or play close in time to it.

        A tent goes with a sleeping bag, and is similar to another tent. Each reason tells how many members like both.

        Raises:
            UnknownIdError: there is no such item.
            ConfigError: the recommender was trained without the source `cooccurrence`.
        """
        return self._beside.goes_with(self.community.item_ids.row(item_id), k, lang)

    # -- what adds to a score --

    def score(self, person: Person, item: int) -> float:
        """The score of one item row for a person, the blend's as the ranker corrects it, among all items.

        A pick carries the same but for rounding; in a large catalogue also but for its places among the candidates.
        """
        _, blended, _ = self._blended(person, self._barred(person, ()))
        return float(blended[item])

    def explain(self, person: Person, items: Sequence[int]) -> list[list[Part]]:
        """For each item row, what adds to its score for a person, largest first."""
        opinions, _, words = self._blended(person, self._barred(person, ()))
        return parts(self.sources, self.weights, opinions, person, items, words)

    def _answer(
        self,
        person: Person,
        k: int,
        lang: Lang,
        exclude: Collection[str],
        *,
        reasons: bool = True,
        attention: Attention | None = None,
    ) -> Ranking:
        if k < 1:
            raise ConfigError(f"k is {k}; ask for at least 1 item")
        person = planned.attended(person, attention)
        barred = self._barred(person, exclude)
        # Once more among all items where the candidates were too few.
        for near in (k <= self.config.per_source, False):
            opinions, blended, words = self._blended(person, barred, near=near)
            blended = np.where(barred, -np.inf, blended)
            arranged = self.policy.apply(blended, barred, k)
            if len(arranged.items) >= k or opinions.items is None:
                break
        told: Sequence[tuple[str, tuple[Evidence, ...]]] = [("", ())] * len(arranged.items)
        if reasons:
            told = self._reasons(person, opinions, barred, exclude, arranged.items, blended - words, words, lang)
        picks = []
        for slot, (reason, evidence) in zip(arranged.slots, told, strict=True):
            own = slot.reason(lang)
            picks.append(self._pick(slot.item, float(blended[slot.item]), own or reason, () if own else evidence))
        strategy = self._strategy(person, opinions, lang) if picks else self._nothing(person, exclude, lang)
        if path := self.config.policy.log_path:
            append(path, person.member_id, [pick.item_id for pick in picks], arranged)
        strategy = planned.named(strategy, person, attention, lang)
        return Ranking(tuple(picks), arranged.strategy(strategy, lang), person.member_id)

    def _reasons(
        self,
        person: Person,
        opinions: Opinions,
        barred: NDArray[np.bool_],
        exclude: Collection[str],
        chosen: Sequence[int],
        blended: Floats,
        words: Floats,
        lang: Lang,
    ) -> list[tuple[str, tuple[Evidence, ...]]]:
        """For each chosen item a sentence and the evidence that it names, each piece of it tried where that is asked.

        A part is what an event adds as things stand. Without the event, older ones would count for more, and what it
        was measured against would change too; so what a reason names is taken out of the history in earnest, one by
        one, and no more than is named. What turns out to be no reason is named no more, and the next is.
        """
        found = parts(self.sources, self.weights, opinions, person, chosen, words)
        totals = [sum(part.value for part in why) for why in found]
        if not self.config.checked_reasons:
            return self._teller.reasons(person, chosen, found, totals, lang)
        found = [_strongest(why) for why in found]
        true: dict[int, NDArray[np.bool_]] = {}
        for turn in count():
            told = self._teller.reasons(person, chosen, found, totals, lang)
            named = [self._rows_named(evidence) for _, evidence in told]
            asked = set().union(*named)
            if turn >= TURNS:
                asked = {part.item for why in found for part in why if part.item is not None}
            if untried := sorted(asked - true.keys()):
                lowered = self._lowered(person, opinions, barred, exclude, chosen, untried, blended)
                true |= dict(zip(untried, lowered, strict=True))
            if all(true[item][column] for column, items in enumerate(named) for item in items):
                return told
            found = [
                [part for part in why if part.item is None or part.item not in true or true[part.item][column]]
                for column, why in enumerate(found)
            ]
        raise AssertionError("every item of a history was tried")

    def _rows_named(self, evidence: Sequence[Evidence]) -> set[int]:
        return {self.community.item_ids.row(piece.item_id) for piece in evidence if piece.item_id is not None}

    def _lowered(
        self,
        person: Person,
        opinions: Opinions,
        barred: NDArray[np.bool_],
        exclude: Collection[str],
        chosen: Sequence[int],
        items: Sequence[int],
        blended: Floats,
    ) -> NDArray[np.bool_]:
        """(items, chosen) True where the score of what was chosen would be lower, had the person never met the item.

        In a large catalogue the same candidates are asked about, since scoring every item anew would take too long.
        """
        row = self._row_of(person)
        before = blended[chosen]
        if len(barred) > FEW_ITEMS:
            # The whole history stands last, so that like is compared with like.
            histories = without_each(person.history, [*items, -1])
            members = np.full(len(histories), row, dtype=np.int64)
            rows = np.asarray(chosen, dtype=np.int64)
            *each, again = self._ordering.without(opinions, barred, histories, rows, members)
            # What the policy brought up from below those that are put in order has only the score that it was shown by.
            without, before = np.stack(each), np.where(np.isneginf(again), before, again)
        else:
            histories = without_each(person.history, items)
            members = np.full(len(items), row, dtype=np.int64)
            shut = np.repeat(barred[None], len(items), axis=0)
            # Had they never met the item, they might be shown it.
            shut[np.arange(len(items)), items] = self._barred(person.without_events(), exclude)[items]
            without = self._ordering.scores(self._opinions(histories, shut), histories, shut, members)[:, chosen]
        return without < before - SURE

    def _blended(
        self, person: Person, barred: NDArray[np.bool_], *, near: bool = False
    ) -> tuple[Opinions, Floats, Floats]:
        """Opinions of one person, the blended score of each item, and what their own words add to it.

        Args:
            person: whose.
            barred: (items,) True where they may not be shown an item.
            near: of a large catalogue only the candidates are scored, where no words or rules speak of others.
        """
        if near and len(barred) > FEW_ITEMS and not person.words and self.policy.keeps_candidates:
            friends = self._ordering.friends_items(self._row_of(person))
            opinions = self._nearby.opinions(person.history, barred, friends)
        else:
            opinions = self._opinions(person.history, barred[None])
        words = np.zeros(len(barred), dtype=np.float32)
        if person.text:
            text = self.sources.get(TEXT)
            if not isinstance(text, TextSimilarity):
                raise NotFittedError(
                    "this recommender was trained without an encoder, so it cannot read a text; train it with one"
                )
            close = text.score_text(person.text)[None]
            words = self.config.words_weight * Scale.of(close, barred[None]).apply(close)[0]
        if person.wishes:
            words = words + self.config.words_weight * self._wished.lift(person.wishes, barred)
        member = np.array([self._row_of(person)], dtype=np.int64)
        return opinions, self._ordering.scores(opinions, person.history, barred[None], member)[0] + words, words

    @cached_property
    def _nearby(self) -> Nearby:
        return Nearby(
            self.sources,
            closed=self.closed, cold=self.cold, trust=self.config.new_item_trust, new_items=self.new_items,
            per_source=self.config.per_source,
        )  # fmt: skip

    def _row_of(self, person: Person) -> int:
        # Who joined after the community was read has no row, and no verdict, in it.
        row = None if person.member_id is None else self.community.member_ids.row_or_none(person.member_id)
        return -1 if row is None else row

    def _opinions(self, batch: Histories, barred: NDArray[np.bool_]) -> Opinions:
        return Opinions.of(
            self.sources, batch, barred,
            cold=self.cold, trust=self.config.new_item_trust, new_items=self.new_items,
        )  # fmt: skip

    def _barred(self, person: Person, exclude: Collection[str]) -> NDArray[np.bool_]:
        own = np.zeros(len(self.closed), dtype=bool)
        own[seen_items(person.history.items, person.kinds, self.config.rules)] = True
        own[[self.community.item_ids.row(item_id) for item_id in exclude]] = True
        if person.wishes:
            own |= ~self._wished.refiner.fits(person.wishes)
        return own | self.closed

    def _nothing(self, person: Person, exclude: Collection[str], lang: Lang) -> str:
        """Why there is nothing to recommend."""
        if person.wishes:
            allowed = ~self._barred(person.wishing(None), exclude)
            if allowed.any():
                return self._wished.nothing_fits(person.wishes, allowed, lang)
        return strategies.NOTHING_LEFT(lang, items=len(self.closed))

    def _strategy(self, person: Person, opinions: Opinions, lang: Lang) -> str:
        """How an answer came about, with the wishes that it meets."""
        told = by_what(person, opinions, ranked=self.ranker is not None, lang=lang)
        return strategies.WISHED(lang, rest=told, wishes=person.wishes.meant(lang)) if person.wishes else told

    def _pick(self, item: int, score: float, reason: str, evidence: tuple[Evidence, ...]) -> Pick:
        return Pick(self.community.item_ids.id(item), self.community.titles[item], score, reason, evidence)

    @cached_property
    def _wished(self) -> Wished:
        return Wished(Refiner(self.community.items), self.sources, self.community.item_ids)

    @cached_property
    def _beside(self) -> Beside:
        return Beside(self.community, self.sources, self.closed, self._teller, self.config.event_weights)

    @cached_property
    def _teller(self) -> Teller:
        popularity = self.sources[POPULARITY]
        assert isinstance(popularity, Popularity)
        return Teller(self.community.titles, self.community.item_ids, popularity, are_works(self.community))

    def save(self, folder: Path | str) -> None:
        """Write all but the community, the encoder and the verdicts."""
        from penchant.recommend.saving import save_recommender

        save_recommender(self, Path(folder))

    @classmethod
    def load(
        cls,
        folder: Path | str,
        community: Community,
        *,
        encoder: Encoder | None = None,
        home: Path | None = None,
        verdicts: Given = None,
    ) -> "Recommender":
        """Read back what `save` wrote; answers are identical.

        Args:
            folder: that `save` wrote.
            community: with the same items in the same order; its events are the members' histories.
            encoder: the one it was trained with, if texts that people write are to be read.
            home: the folder that the policy's files start from; where the program runs if absent.
            verdicts: those it was trained with, if it was; others are left aside.

        Raises:
            ArtifactError: the folder is damaged, of another kind or version, or was trained on other items.
            ConfigError: it was trained with verdicts and none are given.
        """
        from penchant.recommend.saving import load_recommender

        return load_recommender(Path(folder), community, encoder=encoder, home=home, verdicts=verdicts)


def _strongest(found: Sequence[Part]) -> list[Part]:
    """The parts, and of items of a history the first few."""
    own = 0
    kept = []
    for part in found:
        own += part.item is not None
        if part.item is None or own <= CHECKED:
            kept.append(part)
    return kept


def _check_items(ours: Community, theirs: Community) -> None:
    if not ours.item_ids.ids.equals(theirs.item_ids.ids):
        raise ArtifactError("the community has other items than the recommender was trained on; train again")
