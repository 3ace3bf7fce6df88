"""What sets each segment apart, and what to call it, in both languages."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.data.segments import Segment, Segments, Trait
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang, Phrase
from penchant.members.features import told
from penchant.members.profiles import Profiles
from penchant.members.space import HABITS, Numbers, logged

_TRAITS: Final = 6
_TASTES: Final = 5
_TYPICAL: Final = 5
_MARKED: Final = 0.45
"""Standard deviations from the community's mean, from which a trait goes into a name."""
_TOLD: Final = 0.2
"""Share of the members of whom a trait must be known at all: a few cannot speak for the others."""
_LONGEST: Final = 60
"""Characters of a name that a language model may give."""
_LIFT: Final = 1.3
"""How many times as common a taste must be for a name."""

WORDS: Final[dict[str, tuple[Phrase, Phrase]]] = {
    "spend": (Phrase("big spenders", "高消费"), Phrase("small spenders", "低消费")),
    "spend_per_order": (Phrase("large baskets", "大单"), Phrase("small baskets", "小单")),
    "orders": (Phrase("frequent buyers", "常购"), Phrase("rare buyers", "少购")),
    "active_days": (Phrase("steady visitors", "常客"), Phrase("rare visitors", "稀客")),
    "events": (Phrase("very active", "高活跃"), Phrase("hardly active", "低活跃")),
    "recency_days": (Phrase("away for long", "久未光顾"), Phrase("here lately", "近期活跃")),
    "gap_days": (Phrase("long gaps", "间隔长"), Phrase("short gaps", "间隔短")),
    "price_level": (Phrase("dear items", "偏好高价"), Phrase("cheap items", "偏好低价")),
    "variety": (Phrase("many interests", "兴趣广泛"), Phrase("one interest", "兴趣专一")),
    "repeats": (Phrase("creatures of habit", "爱回购"), Phrase("explorers", "爱尝新")),
    "rating": (Phrase("generous raters", "评分宽松"), Phrase("strict raters", "评分严格")),
    "night": (Phrase("night owls", "夜猫子"), Phrase("asleep at night", "夜间不活跃")),
    "morning": (Phrase("mornings", "上午活跃"), Phrase("not in the morning", "上午不活跃")),
    "evening": (Phrase("evenings", "晚间活跃"), Phrase("not in the evening", "晚间不活跃")),
    "weekend": (Phrase("weekends", "周末活跃"), Phrase("working days", "工作日活跃")),
    "sentiment": (Phrase("full of praise", "好评为主"), Phrase("critical", "差评较多")),
    "sentiment_trend": (Phrase("ever happier", "评价转好"), Phrase("ever unhappier", "评价转差")),
    "core_interests": (Phrase("firm interests", "兴趣明确"), Phrase("no firm interest", "兴趣未定")),
    "regular_interests": (Phrase("many sidelines", "兼顾多种兴趣"), Phrase("few sidelines", "少有旁骛")),
    "emerging_interests": (Phrase("new interests", "兴趣扩展中"), Phrase("nothing new", "无新兴趣")),
    "fading_interests": (Phrase("losing interests", "兴趣消退"), Phrase("nothing fading", "兴趣稳定")),
    "latent_interests": (Phrase("much to discover", "潜在兴趣多"), Phrase("little to discover", "潜在兴趣少")),
}
"""What members far above, and far below, the others in a habit are called."""

PLAIN: Final = Phrase("everyday members", "普通会员")
LIKES: Final = Phrase("Likes {tastes}. ", "偏好{tastes}。")
STANDS_OUT: Final = Phrase("Stands out by {traits}.", "突出特点：{traits}。")
HIGH: Final = Phrase("{feature}: higher ({value} against {usual})", "{feature}较高（{value}，整体 {usual}）")
LOW: Final = Phrase("{feature}: lower ({value} against {usual})", "{feature}较低（{value}，整体 {usual}）")
UNMARKED: Final = Phrase("Much like everybody else.", "与整体相近。")


@dataclass(frozen=True, eq=False)
class Content:
    """Words of what members met; where items have no categories, they tell what a segment likes."""

    counts: sp.csr_matrix
    """(members, words) how often."""
    words: tuple[str, ...]


@dataclass(frozen=True)
class Marked:
    """What sets a segment that has no name yet apart."""

    words: tuple[Phrase, ...]
    """Its tastes and habits, the strongest first."""
    told: Phrase


SegmentNamer = Callable[[Sequence[Marked]], Sequence[Phrase | None]]
"""Names segments, each in both languages; None where it has no name to give, and words stand in."""


def described(
    made: Profiles,
    ids: Vocabulary,
    of_member: NDArray[np.int32],
    points: Numbers,
    middles: Numbers,
    numbers: NDArray[np.int32],
    *,
    before: Segments | None,
    content: Content | None,
    stability: float,
    flows: tuple[tuple[int, int, int], ...],
    namer: SegmentNamer | None = None,
) -> Segments:
    """The segments with names and all else that people read."""
    spend = np.nan_to_num(made.column("spend").astype(np.float64)) if "spend" in made.names else np.zeros(len(made))
    total = float(np.maximum(spend, 0).sum())
    inside = of_member >= 0
    found = []
    for place, number in enumerate(numbers.tolist()):
        mine = of_member == number
        apart = np.square(points[mine] - middles[place]).sum(axis=1)
        typical = np.flatnonzero(mine)[np.argsort(apart, kind="stable")[:_TYPICAL]]
        found.append(
            {
                "number": number,
                "size": int(mine.sum()),
                "share": float(mine.sum() / max(inside.sum(), 1)),
                "spend": float(spend[mine].mean()) if mine.any() else 0.0,
                "spend_share": float(np.maximum(spend[mine], 0).sum() / total) if total > 0 else 0.0,
                "traits": _traits(made, mine, inside),
                "tastes": _tastes(made, mine, inside, content),
                "typical": tuple(ids.id(row) for row in typical.tolist()),
            }
        )
    found.sort(key=lambda one: (-one["size"], one["number"]))
    names = _names(found, before, namer)
    segments = tuple(
        Segment(**one, name=name, told=_story(one["traits"], one["tastes"]))
        for one, name in zip(found, names, strict=True)
    )
    return Segments(ids, of_member, segments, stability, flows)


def _traits(made: Profiles, mine: NDArray[np.bool_], inside: NDArray[np.bool_]) -> tuple[Trait, ...]:
    traits = []
    for name in (*HABITS, "negative_share"):
        if name not in made.names:
            continue
        values = made.column(name)
        numbers = logged(name, values)
        usual, spread = _middle(numbers[inside])
        own, _ = _middle(numbers[mine])
        if spread < 1e-9 or np.isnan(own) or min(_known(values[mine]), _known(values[inside])) < _TOLD:
            continue
        traits.append(Trait(name, _middle(values[mine])[0], _middle(values[inside])[0], (own - usual) / spread))
    return tuple(sorted(traits, key=lambda trait: (-abs(trait.strength), trait.feature))[:_TRAITS])


def _known(values: NDArray[np.floating]) -> float:
    return float((~np.isnan(values)).mean()) if len(values) else 0.0


def _middle(values: NDArray[np.floating]) -> tuple[float, float]:
    """Mean and standard deviation of what is not missing; NaN and 0 where all is."""
    there = values[~np.isnan(values)].astype(np.float64)
    return (float(there.mean()), float(there.std())) if len(there) else (float("nan"), 0.0)


def _tastes(
    made: Profiles, mine: NDArray[np.bool_], inside: NDArray[np.bool_], content: Content | None
) -> tuple[tuple[str, float], ...]:
    """Categories, or else words, that are far more common here, those that also carry weight first."""
    shares = [name for name in made.names if name.startswith("share:")]
    if shares:
        rows = []
        for name in shares:
            values = np.nan_to_num(made.column(name).astype(np.float64))
            own, usual = float(values[mine].mean()), float(values[inside].mean())
            rows.append((name.partition(":")[2], own, own / max(usual, 1e-6)))
    elif content is not None:
        own_counts = np.asarray(content.counts[np.flatnonzero(mine)].sum(axis=0)).ravel()
        all_counts = np.asarray(content.counts[np.flatnonzero(inside)].sum(axis=0)).ravel()
        own_share = own_counts / max(own_counts.sum(), 1)
        # Words are drawn towards the usual, or every rare one would look typical for somebody.
        lift = (own_share + 1e-4) / (all_counts / max(all_counts.sum(), 1) + 1e-4)
        rows = list(zip(content.words, own_share.tolist(), lift.tolist(), strict=True))
    else:
        return ()
    marked = [(name, share, lift) for name, share, lift in rows if lift > 1.05 and share > 0]
    marked.sort(key=lambda row: (-row[1] * np.log(row[2]), row[0]))
    return tuple((name, round(float(lift), 3)) for name, _, lift in marked[:_TASTES])


def _names(found: list[dict], before: Segments | None, namer: SegmentNamer | None) -> list[Phrase]:
    """A name for each segment: an old one keeps its own, a new one gets the namer's, or words that single it out."""
    names: list[Phrase | None] = []
    for one in found:
        old = before.of(one["number"]) if before is not None else None
        names.append(old.name if old is not None else None)
    taken = {name.en for name in names if name is not None}
    unnamed = [place for place, name in enumerate(names) if name is None]
    if namer is not None and unnamed:
        asked = [
            Marked(
                tuple(
                    [Phrase(name, name) for name, _ in found[place]["tastes"]]
                    + [WORDS[trait.feature][trait.strength < 0] for trait in _marked(found[place]["traits"])]
                ),
                _story(found[place]["traits"], found[place]["tastes"]),
            )
            for place in unnamed
        ]
        for place, said in zip(unnamed, namer(asked), strict=True):
            if said is not None and _fits(said) and said.en not in taken:
                names[place] = said
                taken.add(said.en)
    for place, one in enumerate(found):
        if names[place] is not None:
            continue
        chosen = PLAIN
        for words in range(2, 8):
            chosen = _name(one["traits"], one["tastes"], words)
            if chosen.en not in taken:
                break
        if chosen.en in taken:
            chosen = Phrase(f"{chosen.en} ({one['number']})", f"{chosen.zh}（{one['number']}）")
        names[place] = chosen
        taken.add(chosen.en)
    return [name for name in names if name is not None]


def _fits(name: Phrase) -> bool:
    """Whether what somebody said is a name: one short line in each language."""
    return all(0 < len(text.strip()) <= _LONGEST and "\n" not in text for text in name)


def _marked(traits: tuple[Trait, ...]) -> list[Trait]:
    return [trait for trait in traits if abs(trait.strength) >= _MARKED and trait.feature in WORDS]


def _name(traits: tuple[Trait, ...], tastes: tuple[tuple[str, float], ...], words: int) -> Phrase:
    marked = _marked(traits)
    # One taste beside habits, and two where no habit tells the segment apart.
    liked = [name for name, lift in tastes if lift >= _LIFT][: max(1 if marked else 2, words // 2)]
    habits = [WORDS[trait.feature][trait.strength < 0] for trait in marked[: words - min(len(liked), 1)]]
    if not liked and not habits:
        return PLAIN
    first = " & ".join(liked), "与".join(liked)
    rest = ", ".join(habit.en for habit in habits), "、".join(habit.zh for habit in habits)
    english = f"{first[0]}: {rest[0]}" if liked and habits else first[0] or rest[0]
    chinese = f"{first[1]}：{rest[1]}" if liked and habits else first[1] or rest[1]
    return Phrase(english[:1].upper() + english[1:], chinese)


def _story(traits: tuple[Trait, ...], tastes: tuple[tuple[str, float], ...]) -> Phrase:
    joints: tuple[tuple[Lang, str], ...] = (("en", ", "), ("zh", "、"))
    both = []
    for lang, joint in joints:
        liked = joint.join(f"{name} (×{lift:.1f})" for name, lift in tastes[:3] if lift >= _LIFT)
        said = joint.join(_said(trait, lang) for trait in traits[:3] if abs(trait.strength) >= _MARKED)
        text = (LIKES(lang, tastes=liked) if liked else "") + (STANDS_OUT(lang, traits=said) if said else "")
        both.append(text.strip() or UNMARKED(lang))
    return Phrase(*both)


def _said(trait: Trait, lang: Lang) -> str:
    phrase = HIGH if trait.strength > 0 else LOW
    return phrase(lang, feature=told(trait.feature, lang), value=_number(trait.value), usual=_number(trait.usual))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def title_words(titles: list[str], member: NDArray[np.int64], item: NDArray[np.int64], members: int) -> Content:
    """The words of the titles that members met, by how often.

    Args:
        titles: (items,) what items are called.
        member: (events,) member rows.
        item: (events,) item rows.
        members: how many there are.
    """
    from penchant.text.words import segment

    counted = [Counter(word for word in segment(title) if len(word) > 1) for title in titles]
    common = Counter(word for one in counted for word in one)
    kept = sorted(word for word, count in common.items() if count >= 3 and count < 0.2 * max(len(titles), 1))
    column = {word: place for place, word in enumerate(kept)}
    rows = [(row, column[word]) for row, one in enumerate(counted) for word in one if word in column]
    ones = np.ones(len(rows), np.float32)
    places = np.array(rows, dtype=np.int64).reshape(-1, 2)
    of_item = sp.csr_matrix((ones, (places[:, 0], places[:, 1])), shape=(len(titles), len(kept)))
    met = sp.csr_matrix((np.ones(len(item), np.float32), (member, item)), shape=(members, len(titles)))
    return Content(sp.csr_matrix(met @ of_item), tuple(kept))
