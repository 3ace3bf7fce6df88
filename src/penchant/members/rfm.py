"""Recency, frequency and money: the classical cells and tiers of members who buy."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.language import Phrase
from penchant.members.profiles import Profiles
from penchant.vectors import Floats

FIFTHS: Final = 5
TIERS: Final[dict[str, Phrase]] = {
    "champion": Phrase("champions", "核心客户"),
    "loyal": Phrase("loyal", "忠诚客户"),
    "promising": Phrase("promising newcomers", "潜力新客"),
    "at_risk": Phrase("at risk", "流失风险客户"),
    "hibernating": Phrase("asleep", "沉睡客户"),
    "no_purchase": Phrase("never bought", "未购买"),
}
"""From the most to the least that can be expected, as shops call them."""


@dataclass(frozen=True, eq=False)
class Rfm:
    """Each member's fifths, 1 the least and 5 the most; zeros for members who never bought."""

    recency: NDArray[np.int8]
    frequency: NDArray[np.int8]
    money: NDArray[np.int8]

    @property
    def cells(self) -> list[str]:
        """The three digits that shops write: 555 bought lately, often and much; an empty text for who never bought."""
        digits = zip(self.recency.tolist(), self.frequency.tolist(), self.money.tolist(), strict=True)
        return [f"{r}{f}{m}" if r else "" for r, f, m in digits]

    @property
    def tiers(self) -> list[str]:
        """The tier of each member, by recency and by the mean of frequency and money."""
        worth = (self.frequency + self.money) / 2
        tiers = np.where(
            self.recency >= 4,
            np.where(worth >= 4, "champion", np.where(worth >= 2.5, "loyal", "promising")),
            np.where(self.recency == 3, np.where(worth >= 2.5, "loyal", "hibernating"), "hibernating"),
        )
        tiers = np.where((self.recency <= 2) & (worth >= 3), "at_risk", tiers)
        return np.where(self.recency == 0, "no_purchase", tiers).tolist()


def rfm(made: Profiles) -> Rfm:
    """The fifths of members who bought, among themselves; equal numbers share a fifth.

    Args:
        made: profiles.
    """
    bought = made.column("orders") > 0
    return Rfm(
        _fifths(-made.column("order_recency_days"), bought),
        _fifths(made.column("orders"), bought),
        _fifths(made.column("spend"), bought),
    )


def _fifths(values: Floats, chosen: NDArray[np.bool_]) -> NDArray[np.int8]:
    from scipy.stats import rankdata

    fifths = np.zeros(len(values), dtype=np.int8)
    if chosen.any():
        place = (rankdata(values[chosen], method="average") - 0.5) / chosen.sum()
        fifths[chosen] = np.minimum(np.floor(place * FIFTHS), FIFTHS - 1).astype(np.int8) + 1
    return fifths
