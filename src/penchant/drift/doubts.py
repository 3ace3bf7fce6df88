"""When nothing may be said of a member: too few events, a long silence, more than a person does, a broken clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.data.drift import TooLittle
from penchant.data.interactions import DAY
from penchant.language import Phrase
from penchant.vectors import Rows

FEW: Final = Phrase(
    "too little to tell: {found} events make {windows} windows, {wanted} are wanted",
    "依据太少，暂不判断：{found} 次行为构成 {windows} 个窗口，至少需要 {wanted} 个",
)
SILENT: Final = Phrase(
    "too little to tell: only {windows} windows since a silence of {days:,.0f} days, {wanted} are wanted",
    "依据太少，暂不判断：沉寂 {days:,.0f} 天之后只有 {windows} 个窗口，至少需要 {wanted} 个",
)
FLOOD: Final = Phrase(
    "too little to tell: {found:,} events on one day are more than a person's {most:,}",
    "依据不可靠，暂不判断：一天内有 {found:,} 次行为，超出个人正常的 {most:,} 次",
)
INSTANT: Final = Phrase(
    "too little to tell: all {found} events are of one instant, so none came before another",
    "依据太少，暂不判断：全部 {found} 次行为发生在同一时刻，无法区分先后",
)
CLOCK: Final = Phrase(
    "too little to tell: {found} events came with a time before that of an earlier one",
    "依据不可靠，暂不判断：有 {found} 次行为的时间早于先前的行为",
)
UNKNOWN: Final = Phrase(
    "too little to tell: nothing is known of {share:.0%} of the items in the last window, neither text nor company",
    "依据太少，暂不判断：最近窗口中 {share:.0%} 的物品既无文本也无行为信息",
)


class DoubtConfig(BaseModel):
    """What is too little.

    >>> DoubtConfig().windows
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: int = Field(default=3, ge=2)
    """Windows that a member must have, the judged one included."""
    silence_days: PositiveFloat = 730.0
    """After so long without an event a member is judged by what came later alone."""
    most_a_day: PositiveInt = 2_000
    """More events on one day are not a person's."""
    unknown: float = Field(default=0.5, gt=0, le=1)
    """Share of a window's items of which nothing is known, from which it says nothing."""


@dataclass(frozen=True)
class History:
    """What of a member's events may be read."""

    begin: int
    """Place of the first event that counts."""
    doubt: TooLittle | None
    """Why the member is not judged; None where they may be."""


def readable(
    at: NDArray[np.float64], items: Rows, known: NDArray[np.bool_], window: int, config: DoubtConfig
) -> History:
    """Look through one member's events, in the order in which they came.

    Args:
        at: (events,) seconds since 1970.
        items: (events,) item rows.
        known: (items,) whether anything is known of each.
        window: events of a window.
        config: what is too little.

    >>> readable(np.array([1.0, 2.0]), np.array([0, 1]), np.ones(2, bool), 10, DoubtConfig()).doubt.told()
    'too little to tell: 2 events make 0 windows, 3 are wanted'
    """
    backwards = int((np.diff(at) < 0).sum())
    if backwards:
        return History(0, TooLittle(CLOCK, {"found": backwards}))
    wanted = config.windows * window
    if len(at) < wanted:
        return History(0, few(len(at), len(at) // window, config))
    if at[0] == at[-1]:
        return History(0, TooLittle(INSTANT, {"found": len(at)}))
    busiest = int(np.unique(at // DAY, return_counts=True)[1].max())
    if busiest > config.most_a_day:
        return History(0, TooLittle(FLOOD, {"found": busiest, "most": config.most_a_day}))
    silences = np.flatnonzero(np.diff(at) > config.silence_days * DAY)
    begin = int(silences[-1]) + 1 if len(silences) else 0
    if len(at) - begin < wanted:
        days = float(at[begin] - at[begin - 1]) / DAY
        since: dict[str, object] = {"windows": (len(at) - begin) // window, "days": days, "wanted": config.windows}
        return History(begin, TooLittle(SILENT, since))
    share = 1 - float(known[items[-window:]].mean())
    if share >= config.unknown:
        return History(begin, TooLittle(UNKNOWN, {"share": share}))
    return History(begin, None)


def few(events: int, windows: int, config: DoubtConfig) -> TooLittle:
    """That there are too few windows."""
    return TooLittle(FEW, {"found": events, "windows": windows, "wanted": config.windows})


def told(doubts: Sequence[TooLittle | None]) -> dict[str, int]:
    """How many members each reason keeps from being judged, by its English beginning."""
    found: dict[str, int] = {}
    for doubt in doubts:
        if doubt is not None:
            found[doubt.why.en] = found.get(doubt.why.en, 0) + 1
    return found
