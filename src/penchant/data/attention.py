"""How much of a member's past the next recommendation rests on: what `drift` chooses and `recommend` takes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from penchant.language import Lang, Phrase
from penchant.vectors import Floats


class Plan(StrEnum):
    """How much of the past counts.

    `regular` all of it, as ever; `decay` less the older it is; `recent` the last window alone; `bridge` half of what
    all of it says and half of what the last window says, while it is not sure that the member has changed.
    """

    REGULAR = "regular"
    DECAY = "decay"
    RECENT = "recent"
    BRIDGE = "bridge"


PLANS: Final = tuple(Plan)
PLAN_NAMES: Final[dict[Plan, Phrase]] = {
    Plan.REGULAR: Phrase("as ever: all of the past counts", "照常：全部历史都计入"),
    Plan.DECAY: Phrase("the older, the less it counts", "越早的行为权重越低"),
    Plan.RECENT: Phrase("anew, from the last window alone", "重新推荐：只看最近一个窗口"),
    Plan.BRIDGE: Phrase("a bridge: half from all, half from the last window", "过渡：一半看全部，一半看最近窗口"),
}


@dataclass(frozen=True)
class Attention:
    """A plan with its lengths: what each event of a history counts.

    >>> Attention(Plan.RECENT, window=2).shares(4).tolist()
    [0.0, 0.0, 1.0, 1.0]
    >>> Attention(Plan.DECAY, window=2, half_life=1.0).shares(4).tolist()
    [0.5, 0.5, 1.0, 1.0]
    """

    plan: Plan
    window: int = 10
    """Events of a window."""
    half_life: float = 2.0
    """Windows after which an event counts half under `decay`."""

    def shares(self, count: int) -> Floats:
        """(count,) how much each of so many events counts, the oldest first and the last one whole."""
        age = np.arange(count)[::-1] // self.window
        shares = np.ones(count, dtype=np.float32)
        if self.plan == Plan.DECAY:
            shares = np.exp2(-age / self.half_life)
        elif self.plan == Plan.RECENT:
            shares = (age == 0).astype(np.float32)
        elif self.plan == Plan.BRIDGE:
            # The mean of all and the mean of the last window, added.
            shares = np.where(age == 0, 1.0, self.window / (self.window + count))
        return shares.astype(np.float32)

    def told(self, lang: Lang = "en") -> str:
        """What counts, in words."""
        return PLAN_NAMES[self.plan](lang)
