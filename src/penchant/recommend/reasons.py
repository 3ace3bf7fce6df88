"""Why an item was picked: the events that carried its score, and a sentence that names them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from penchant.collaborative.popularity import Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.columns import EventKind
from penchant.data.verdicts import Evidence
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang, Phrase
from penchant.recommend.deeds import ANY_DEED, DEEDS, Frequency
from penchant.recommend.opinions import POPULARITY, TEXT, Opinions
from penchant.recommend.person import Person
from penchant.vectors import Floats

NAMED: Final = 2
"""Items of a history that one sentence names at most."""
RECENT: Final = timedelta(days=14)
OFTEN: Final = 3
COMPARABLE: Final = 0.5
"""A second item is named where it carries at least this part of what the first does."""
WEIGHTY: Final = 1 / 3
"""An item may be named in place of the strongest where it carries at least this part of what that does."""
FURTHER: Final = 0.1
"""Beside what carries most of a list, further things are named that carry at least this part of it."""
WRITTEN: Final = "words"
"""The source of what a person's own words add."""
SLIGHT: Final = 0.1
"""Below this share of the score, the items named are told as part of a whole."""
LONGEST_QUOTE: Final = 40

BECAUSE: Final = Phrase("Because you {deeds}.", "因为你{deeds}。")
ABOVE_ALL: Final = Phrase(
    "Because of all that you have {verb}, above all {titles}.", "综合你{of}内容，尤其是{titles}。"
)
AMONG_ALL: Final = Phrase(
    "Because of all that you have {verb}, {titles} among it.", "综合你{of}内容，其中包括{titles}。"
)
RESEMBLES: Final = Phrase("Its description is close to {titles}, which you {verb}.", "内容与你{of}{titles}相近。")
WORDS: Final = Phrase("Its description is close to what you wrote: “{text}”.", "内容与你写的“{text}”相近。")
WISHES: Final = Phrase("It comes close to what you asked for: {wishes}.", "更符合你的要求：{wishes}。")
POPULAR: Final = Phrase("Popular: {n:,} members like it.", "热门：有 {n:,} 位会员喜欢。")
LIKED_ONCE: Final = Phrase("One member likes it.", "有 1 位会员喜欢。")
UNTRIED: Final = Phrase("New here: nobody has tried it yet.", "新上架：还没有会员尝试过。")
ANYWAY: Final = Phrase("Chosen from what is left: {n:,} members like it.", "从剩余内容中选出：有 {n:,} 位会员喜欢。")


@dataclass(frozen=True)
class Part:
    """What one item of a history, or something else, adds to a score."""

    value: float
    source: str
    """The source that it moved most."""
    item: int | None = None
    """Row of the item of the history; None for popularity and for words."""


def parts(
    sources: Mapping[str, Scorer],
    weights: Mapping[str, float],
    opinions: Opinions,
    person: Person,
    items: Sequence[int],
    words: Floats,
) -> list[list[Part]]:
    """What adds to each item's blended score, largest first; only what is above zero.

    Args:
        sources: the scorers by name.
        weights: of the blend.
        opinions: of this person alone.
        person: whose scores they are.
        items: rows of the items.
        words: (all items,) what the person's own words add to the score of each.
    """
    rows = np.asarray(items, dtype=np.int64)
    ours = {name: np.full(len(rows), weight[0, 0]) for name, weight in opinions.weights(weights).items()}
    cold, behaviour = opinions.cold[rows], np.zeros(len(rows))
    if opinions.trust:
        behaviour = np.where(cold, opinions.trust * sum(own for name, own in ours.items() if name != TEXT), 0)
        ours = {name: np.where(cold, 0, weight) if name != TEXT else weight for name, weight in ours.items()}
        if opinions.new_items is None:
            ours[TEXT] = ours[TEXT] + behaviour
    touched, place = np.unique(person.history.items, return_inverse=True)
    speaking = [name for name in ours if name != POPULARITY and opinions.scales[name].speaks[0, 0] and ours[name].any()]
    table = np.zeros((len(speaking), len(rows), len(touched)))
    for layer, name in enumerate(speaking):
        added = sources[name].contributions(person.history, rows) / float(opinions.scales[name].spread[0, 0])
        np.add.at(table[layer].T, place, (added * ours[name][:, None]).T)
    if opinions.new_items is not None and behaviour.any():
        told = np.zeros((len(rows), len(place)))
        told[cold] = opinions.new_items.contributions(person.history, rows[cold])
        added_by = np.zeros((1, *table.shape[1:]))
        np.add.at(added_by[0].T, place, (told * behaviour[:, None]).T)
        table = np.concatenate([table, added_by])
        speaking.append(opinions.new_items.name)
    values = table.sum(axis=0)
    found: list[list[Part]] = []
    liked = opinions.scores[POPULARITY][0, opinions.columns(rows)]
    for column, item in enumerate(rows.tolist()):
        strongest = values[column].argsort(kind="stable")[::-1]
        own = [
            Part(float(values[column, at]), speaking[int(table[:, column, at].argmax())], int(touched[at]))
            for at in strongest
            if values[column, at] > 0
        ]
        popular = float(ours.get(POPULARITY, np.zeros(len(rows)))[column] * liked[column])
        others = [Part(popular, POPULARITY), Part(float(words[item]), WRITTEN)]
        found.append(sorted([*own, *(part for part in others if part.value > 0)], key=lambda part: -part.value))
    return found


@dataclass(frozen=True)
class Teller:
    """Puts reasons into words."""

    titles: Sequence[str]
    item_ids: Vocabulary
    popularity: Popularity
    works: bool
    """Whether items are works (films, books, songs), whose titles Chinese puts between 《 and 》."""

    def reasons(
        self, person: Person, items: Sequence[int], found: Sequence[Sequence[Part]], totals: Sequence[float], lang: Lang
    ) -> list[tuple[str, tuple[Evidence, ...]]]:
        """As `reason`, of each item of a list, so that they do not all name the same."""
        told = []
        named: Counter[str] = Counter()
        for item, why, total in zip(items, found, totals, strict=True):
            told.append(self.reason(person, item, why, total, lang, named_before=named))
            named.update(piece.item_id for piece in told[-1][1] if piece.item_id is not None)
        return told

    def reason(
        self,
        person: Person,
        item: int,
        found: Sequence[Part],
        total: float,
        lang: Lang,
        *,
        named_before: Mapping[str, int] | None = None,
    ) -> tuple[str, tuple[Evidence, ...]]:
        """A sentence and the evidence it names.

        What the person did comes first, since it is theirs; popularity is the reason only where nothing else is. Where
        several things they did carry about as much, those that the list has named least are named, so that ten items
        do not come with one and the same reason.

        Args:
            person: to whom the item is shown.
            item: row of the item.
            found: what may be named, largest first.
            total: of all that adds to the score, of which the evidence tells its share.
            lang: of the sentence.
            named_before: ids of items to how many reasons of the same list have named them.
        """
        own = [part for part in found if part.item is not None]
        spoken = [part for part in found if part.source == WRITTEN]
        if spoken and (not own or spoken[0].value >= own[0].value):
            share = spoken[0].value / total
            if not person.words:
                # Wishes without words of their own: rather red, like the second.
                assert person.wishes is not None
                return WISHES(lang, wishes=person.wishes.meant(lang)), (Evidence(share=share, source=WRITTEN),)
            return WORDS(lang, text=_cut(person.words)), (Evidence(share=share, text=person.words, source=TEXT),)
        if own:
            named = self._worth_naming(person, own, SLIGHT * total, named_before or {})
            evidence = tuple(self._evidence(person, part, part.value / total) for part in named)
            if sum(piece.share for piece in evidence) < SLIGHT:
                sentence = ABOVE_ALL if named[0].value == own[0].value else AMONG_ALL
                return self._of_all(sentence, person, named, lang), evidence
            if named[0].source == TEXT:
                return self._resembles(person, named[0], lang), evidence[:1]
            return BECAUSE(lang, deeds=self._deeds(person, named, lang)), evidence
        likers = int(self.popularity.likers[item])
        popular = [part for part in found if part.source == POPULARITY]
        if not likers:
            return UNTRIED(lang), ()
        sentence = LIKED_ONCE if likers == 1 else POPULAR if popular else ANYWAY
        evidence = tuple(Evidence(share=part.value / total, source=POPULARITY) for part in popular)
        return sentence(lang, n=likers), evidence

    def quoted(self, items: Sequence[int], lang: Lang) -> str:
        """Titles between quotation marks, joined by and."""
        marks = "《{}》" if lang == "zh" and self.works else "“{}”"
        return {"en": " and ", "zh": "和"}[lang].join(marks.format(self.titles[item]) for item in items)

    def _worth_naming(
        self, person: Person, own: Sequence[Part], slight: float, named_before: Mapping[str, int]
    ) -> list[Part]:
        """One or two of the strongest, each time less of those that the list has named, stronger first.

        Reasons are shared out as seats are by highest averages (D'Hondt): a part's value is divided by one more than
        the times it was named. What the person rated below their own mean is passed over where there is other, and what
        carries a slight part where something carries more. Where one thing carries most of a whole list, each further
        reason names beside it the next that the list has not named yet, so that they are not one and the same.
        """
        enjoyed = [part for part in own if part.item not in person.low_rated] or list(own)
        strongest = enjoyed[0].value
        bound = max(WEIGHTY * strongest, slight if strongest >= slight else 0)
        weighty = [part for part in enjoyed if part.value >= bound]
        times = [self._named(part, named_before) for part in weighty]
        turn = sorted(range(len(weighty)), key=lambda place: -weighty[place].value / (1 + times[place]))
        first = turn[0]
        least = COMPARABLE * weighty[first].value
        named = [place for place in turn if times[place] <= times[first] and weighty[place].value >= least][:NAMED]
        found = [weighty[place] for place in sorted(named)]
        if len(found) == 1 and times[first]:
            fresh = (part for part in enjoyed if part.value >= FURTHER * strongest and part is not found[0])
            beside = next((part for part in fresh if not self._named(part, named_before)), None)
            found += [beside] if beside is not None else []
        return sorted(found, key=lambda part: -part.value)

    def _named(self, part: Part, named_before: Mapping[str, int]) -> int:
        return named_before.get(self.item_ids.id(part.item), 0) if part.item is not None else 0

    def _evidence(self, person: Person, part: Part, share: float) -> Evidence:
        assert part.item is not None
        event = person.event_of(part.item)
        return Evidence(
            share=share,
            item_id=self.item_ids.id(part.item),
            title=self.titles[part.item],
            kind=event["kind"],
            at=event["at"],
            source=part.source,
        )

    def _resembles(self, person: Person, part: Part, lang: Lang) -> str:
        assert part.item is not None
        deed = DEEDS[EventKind(person.event_of(part.item)["kind"])]
        return RESEMBLES(lang, titles=self.quoted([part.item], lang), verb=deed.bare, of=deed.of)

    def _of_all(self, sentence: Phrase, person: Person, named: Sequence[Part], lang: Lang) -> str:
        items = [part.item for part in named if part.item is not None]
        kinds = {EventKind(person.event_of(item)["kind"]) for item in items}
        deed = DEEDS[kinds.pop()] if len(kinds) == 1 else ANY_DEED
        return sentence(lang, titles=self.quoted(items, lang), verb=deed.perfect, of=deed.of)

    def _deeds(self, person: Person, named: Sequence[Part], lang: Lang) -> str:
        told: dict[tuple[EventKind, Frequency, float | None], list[int]] = {}
        for part in named:
            assert part.item is not None
            event = person.event_of(part.item)
            kind = EventKind(event["kind"])
            amount = event["amount"] if kind == EventKind.RATE else None
            told.setdefault((kind, _frequency(person, part.item, event), amount), []).append(part.item)
        deeds = [
            DEEDS[kind].tell(lang, self.quoted(items, lang), frequency, amount)
            for (kind, frequency, amount), items in told.items()
        ]
        return {"en": " and ", "zh": "，"}[lang].join(deeds)


def _frequency(person: Person, item: int, event: Mapping[str, Any]) -> Frequency:
    if person.times(item, event["kind"]) >= OFTEN:
        return "often"
    return "recently" if person.now - event["at"] <= RECENT else "once"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_QUOTE else flat[:LONGEST_QUOTE] + "…"
