"""What a verdict tells: since when, from what to what, whether as last year, and on which events it rests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.verdicts import Evidence
from penchant.drift.likeness import Cube
from penchant.drift.views import ItemViews
from penchant.drift.windows import NOTHING
from penchant.vectors import Rows

_YEAR: Final = 365.25 * 86_400.0
_SEASON: Final = 45 * 86_400.0


def began(foreign: Mapping[int, Cube], *, alarm: bool, blip: bool, confirmation: bool) -> int:
    """The window in which a change began: the last, or the one before where that is foreign too.

    Args:
        foreign: by lag, (1, windows, events) odds that each event is not the member's.
        alarm: whether a lasting change is told.
        blip: whether a passing one is.
        confirmation: whether alarms wait for a second window.
    """
    windows = foreign[0].shape[1]
    if windows < 3:
        return windows - 1
    earlier = float(np.mean(foreign[0][0, -2]))
    return windows - 2 if blip or (alarm and (confirmation or earlier > 0)) else windows - 1


def turn(views: ItemViews, past: NDArray, recent: NDArray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The topics that lost, and those that gained, the largest first."""
    moved = _shares(views, recent) - _shares(views, past)
    order = np.argsort(-moved, kind="stable")
    gained = tuple(views.topic_names[row] for row in order.tolist() if moved[row] > 0.02)[:3]
    lost = tuple(views.topic_names[row] for row in order[::-1].tolist() if moved[row] < -0.02)[:3]
    return lost, gained


def about(views: ItemViews, items: NDArray) -> tuple[str, ...]:
    """The topics that most events are about."""
    share = _shares(views, items)
    return tuple(views.topic_names[row] for row in np.argsort(-share, kind="stable").tolist() if share[row] > 0)[:3]


def is_seasonal(views: ItemViews, items: Rows, at: NDArray[np.float64], since: float, margin: float) -> bool:
    """Whether what is new is like what the member did in last year's same weeks, which lay between other things."""
    vectors = next(iter(views.vectors.values()))
    new = at >= since
    year_ago = np.abs(at - (since + at[-1]) / 2 + _YEAR) <= _SEASON
    just_before = (at < since) & ~year_ago
    if year_ago.sum() < 5 or just_before.sum() < 5:
        return False
    means = [vectors[items[rows]].mean(axis=0) for rows in (new, year_ago, just_before)]
    lengths = [float(np.linalg.norm(mean)) or 1.0 for mean in means]
    like = [float(means[0] @ means[other]) / (lengths[0] * lengths[other]) for other in (1, 2)]
    return like[0] > like[1] + margin


def evidence(
    community: Community,
    items: NDArray,
    foreign: Mapping[int, Cube],
    times: NDArray[np.float64],
    windows: range,
    most: int,
) -> tuple[Evidence, ...]:
    """The events of the changed windows that are least like the past."""
    # The first of them is compared with all before it, those after it with what went before the change.
    begin, end = windows.start, windows.stop
    odds = np.concatenate([foreign[0][0, begin : begin + 1], foreign[1][0, begin + 1 : end]])
    weight = np.where(items[begin:end] != NOTHING, np.maximum(odds, 0), 0).ravel()
    total = float(weight.sum()) or 1.0
    rows, when = items[begin:end].ravel(), times[begin:end].ravel()
    found = []
    for place in np.argsort(-weight, kind="stable")[:most].tolist():
        if weight[place] > 0:
            row = int(rows[place])
            found.append(
                Evidence(
                    share=float(weight[place]) / total,
                    item_id=community.item_ids.id(row),
                    title=community.titles[row],
                    at=moment(when[place]),
                    source="drift",
                )
            )
    return tuple(found)


def _shares(views: ItemViews, items: NDArray) -> NDArray[np.float64]:
    real = items[items != NOTHING]
    return np.asarray(views.topics[real].sum(axis=0) / max(len(real), 1), dtype=np.float64)


def moment(seconds: float) -> datetime:
    """A time of seconds since 1970."""
    return datetime.fromtimestamp(float(seconds), UTC)
