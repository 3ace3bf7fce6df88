"""Whether a member has changed: the verdict that `drift` gives and every other system may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from penchant.data.attention import Attention
from penchant.data.verdicts import Evidence
from penchant.language import Lang, Phrase


class Change(StrEnum):
    """How a member has changed.

    `abrupt` and `gradual` are lasting; a `blip` has passed; a `seasonal` change returns to what the member did at the
    same time last year.
    """

    NONE = "none"
    ABRUPT = "abrupt"
    GRADUAL = "gradual"
    BLIP = "blip"
    SEASONAL = "seasonal"


CHANGE_NAMES: Final[dict[Change, Phrase]] = {
    Change.NONE: Phrase("no change", "没有变化"),
    Change.ABRUPT: Phrase("abrupt change", "突变"),
    Change.GRADUAL: Phrase("gradual change", "渐变"),
    Change.BLIP: Phrase("passing blip", "短暂波动"),
    Change.SEASONAL: Phrase("seasonal change", "季节性变化"),
}

CHANGED: Final = Phrase(
    "{kind} since {since:%Y-%m-%d}: from {old} to {new}", "{kind}，始于 {since:%Y-%m-%d}：由 {old} 转向 {new}"
)
PASSED: Final = Phrase(
    "{kind} on {since:%Y-%m-%d}: {new} for a while, then {old} again",
    "{kind}，{since:%Y-%m-%d}：一度转向 {new}，随后回到 {old}",
)
STEADY: Final = Phrase("no change: still {old}", "没有变化：仍以 {old} 为主")
SURE: Final = Phrase("{verdict} (probability {probability:.0%})", "{verdict}（概率 {probability:.0%}）")
OF_LITTLE: Final = Phrase("things of many kinds", "多种内容")


@dataclass(frozen=True)
class TooLittle:
    """Why nothing is said of a member."""

    why: Phrase
    fields: Mapping[str, object] = field(default_factory=dict)

    def told(self, lang: Lang = "en") -> str:
        """In a sentence."""
        return self.why(lang, **self.fields)


@dataclass(frozen=True)
class DriftVerdict:
    """What is said of one member at one window, with what it rests on."""

    member_id: str
    change: Change | None
    """None where there is too little to tell."""
    probability: float | None = None
    """That a change has begun within the last two windows; None where there is too little to tell."""
    alarm: bool = False
    """Whether the change is told: its score lies above the threshold, and within the budget of all members."""
    began: datetime | None = None
    """The first event of the window in which the change, or the blip, began."""
    judged_at: datetime | None = None
    """The last event that was read."""
    before: tuple[str, ...] = ()
    """What the member turned from, the largest loss first."""
    after: tuple[str, ...] = ()
    """What the member turned to, the largest gain first."""
    evidence: tuple[Evidence, ...] = ()
    """The events that are least like the member's past, of the windows that changed."""
    p_value: float | None = None
    """How often a member without change has so large a score."""
    too_little: TooLittle | None = None
    attention: Attention | None = None
    """What the next recommendation should rest on; None where no strategy was learned."""

    def told(self, lang: Lang = "en") -> str:
        """In a sentence."""
        if self.change is None:
            return self.too_little.told(lang) if self.too_little else ""
        joint = "、" if lang == "zh" else " and "
        old, new = (joint.join(names[:2]) or OF_LITTLE(lang) for names in (self.before, self.after))
        kind = CHANGE_NAMES[self.change](lang)
        if self.change == Change.NONE or self.began is None:
            said = STEADY(lang, old=old)
        else:
            phrase = PASSED if self.change == Change.BLIP else CHANGED
            said = phrase(lang, kind=kind, since=self.began, old=old, new=new)
        if self.probability is None:
            return said
        return SURE(lang, verdict=said, probability=self.probability)
