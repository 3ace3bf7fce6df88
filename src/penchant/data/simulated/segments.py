"""The planted segments: who comes to the bazaar, what draws them, when, and how they buy."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penchant.data.simulated.wares import interests, top_of, tops
from penchant.language import Phrase

AGE_BANDS: Final = ("18-24", "25-34", "35-44", "45-59", "60+")
BUYER_KINDS: Final = ("browser", "regular", "bargain")
"""Who looks and seldom buys, who buys and stays, who waits for a low price."""

LEVEL_OF_BUYER: Final = np.array([[0.3, 0.45, 0.25], [0.15, 0.5, 0.35], [0.75, 0.2, 0.05]])
"""(buyer kind, price level) what each kind of buyer prefers."""


class Segment(NamedTuple):
    """One kind of people."""

    name: Phrase
    share: float
    """Of all members."""
    draws: dict[str, float]
    """How strongly each first level (by its English name) draws them."""
    ages: tuple[float, ...]
    """Shares of `AGE_BANDS`."""
    buyers: tuple[float, ...]
    """Shares of `BUYER_KINDS`."""
    activity: float
    """Visits, against the average."""
    hours: tuple[float, float]
    """The two hours of the day they come at."""
    weekend: float
    """Visits on a day of the weekend, against a working day."""


SEGMENTS: Final = (
    Segment(
        Phrase("young parents", "新手父母"),
        0.2,
        {"Baby": 8, "Food": 1.5, "Home": 1.5, "Beauty": 0.5},
        (0.05, 0.6, 0.3, 0.04, 0.01),
        (0.15, 0.65, 0.2),
        1.2,
        (13, 21.5),
        0.9,
    ),
    Segment(
        Phrase("gadget fans", "数码玩家"),
        0.18,
        {"Electronics": 6, "Computers": 6, "Films and music": 1},
        (0.4, 0.4, 0.15, 0.04, 0.01),
        (0.55, 0.3, 0.15),
        1.1,
        (12.5, 23),
        1.2,
    ),
    Segment(
        Phrase("followers of fashion", "时尚一族"),
        0.2,
        {"Clothing": 6, "Beauty": 6, "Food": 0.5},
        (0.45, 0.4, 0.1, 0.04, 0.01),
        (0.25, 0.25, 0.5),
        1.3,
        (12, 22),
        1.4,
    ),
    Segment(
        Phrase("home makers", "居家达人"),
        0.18,
        {"Appliances": 4, "Home": 6, "Food": 2, "Pets": 1.5},
        (0.02, 0.18, 0.45, 0.3, 0.05),
        (0.15, 0.5, 0.35),
        0.9,
        (10, 20),
        1.0,
    ),
    Segment(
        Phrase("outdoor people", "户外爱好者"),
        0.12,
        {"Sports": 8, "Electronics": 1, "Food": 0.7, "Clothing": 0.5},
        (0.2, 0.4, 0.3, 0.09, 0.01),
        (0.35, 0.5, 0.15),
        0.8,
        (7, 19),
        2.0,
    ),
    Segment(
        Phrase("readers and tea drinkers", "书茶雅客"),
        0.12,
        {"Books": 6, "Films and music": 4, "Food": 2, "Pets": 2},
        (0.05, 0.1, 0.2, 0.4, 0.25),
        (0.3, 0.6, 0.1),
        0.7,
        (9, 20.5),
        1.1,
    ),
)

_ELSEWHERE: Final = 0.15
"""How strongly a first level draws a segment that does not name it."""


def draws() -> NDArray[np.float64]:
    """(segments, interests) how likely each interest is a member's own, by segment; rows add up to one."""
    names = [top.en for top in tops()]
    by_top = np.array([[segment.draws.get(name, _ELSEWHERE) for name in names] for segment in SEGMENTS])
    spread = by_top[:, top_of()] / np.bincount(top_of())[top_of()]
    return spread / spread.sum(axis=1, keepdims=True)


def crowd() -> NDArray[np.float64]:
    """(interests,) where the crowd goes: the shares of the background, uneven as fashions are."""
    ranks = (np.arange(len(interests())) * 7) % len(interests())
    shares = 1 / (ranks + 4.0)
    return shares / shares.sum()
