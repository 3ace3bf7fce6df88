"""A list as the policy arranged it: how each item got its place, and what to say of it."""

from dataclasses import dataclass
from typing import Final, Literal

from penchant.language import Lang, Phrase

Strategy = Literal["score", "pin", "thompson"]
"""How an item got its place: by score (and difference), by a rule, or to try it."""

PINNED: Final = Phrase("{n:,} pinned", "置顶 {n:,} 个")
NOT_PINNED: Final = Phrase("{n:,} left unpinned, as none of its items may be shown", "{n:,} 条置顶无可展示内容，未执行")
BOOSTED: Final = Phrase("{n:,} boosted", "加权 {n:,} 个")
BURIED: Final = Phrase("{n:,} buried", "降权 {n:,} 个")
EXCLUDED: Final = Phrase("{n:,} excluded by rule", "按规则排除 {n:,} 个内容")
HELD_BACK: Final = Phrase("{n:,} held back by caps", "因数量上限移出 {n:,} 个")
SPREAD: Final = Phrase(
    "spread by {method} over {over} (relevance {trade_off:g})", "按{over}用 {method} 打散（相关性 {trade_off:g}）"
)
NOT_SPREAD: Final = Phrase(
    "not spread, as items have neither texts read nor categories", "内容既无已读文本也无类目，未能打散"
)
EXPLORED: Final = Phrase("{n:,} new tried", "试推新品 {n:,} 个")
NOT_EXPLORED: Final = Phrase("nothing tried, as no new item may be shown", "无可展示的新品，未试推")
CAPS_TOO_TIGHT: Final = Phrase(
    "only {n:,} of {k:,} places filled: the caps leave no more", "仅填满 {n:,}/{k:,} 位：受数量上限所限"
)
NO_MORE: Final = Phrase(
    "only {n:,} of {k:,} places filled: no more items may be shown", "仅填满 {n:,}/{k:,} 位：再无可展示的内容"
)
OVER: Final = {"text": Phrase("texts", "文本"), "categories": Phrase("categories", "类目")}
AND_POLICY: Final = Phrase("{rest}; policy: {notes}", "{rest}；策略：{notes}")
PIN_REASON: Final = Phrase("Chosen by the editors.", "编辑推荐。")
TRY_REASON: Final = Phrase("New: few members have seen it yet.", "新品：看过的会员还不多。")
_REASONS: Final[dict[Strategy, Phrase]] = {"pin": PIN_REASON, "thompson": TRY_REASON}


@dataclass(frozen=True)
class Slot:
    """One place of a list."""

    item: int
    """Row of the item."""
    strategy: Strategy
    propensity: float = 1.0
    """The probability with which it got this place, given the places decided before."""

    def reason(self, lang: Lang) -> str | None:
        """Why it stands there, where the member's score is not why."""
        phrase = _REASONS.get(self.strategy)
        return phrase(lang) if phrase else None


@dataclass(frozen=True)
class Note:
    """One thing that the policy did or could not do."""

    phrase: Phrase
    fields: tuple[tuple[str, object], ...] = ()

    def told(self, lang: Lang) -> str:
        """In words."""
        fields = {name: value(lang) if isinstance(value, Phrase) else value for name, value in self.fields}
        return self.phrase(lang, **fields)


@dataclass(frozen=True)
class Arrangement:
    """A list, best first, and what the policy did to it."""

    slots: tuple[Slot, ...]
    notes: tuple[Note, ...] = ()

    @property
    def items(self) -> list[int]:
        """Rows of the items."""
        return [slot.item for slot in self.slots]

    def strategy(self, rest: str, lang: Lang) -> str:
        """The strategy that made the scores, and what the policy did."""
        if not self.notes:
            return rest
        comma = {"en": ", ", "zh": "，"}[lang]
        return AND_POLICY(lang, rest=rest, notes=comma.join(note.told(lang) for note in self.notes))
