"""What became of verdicts: later ratings, hides, returns and purchases by which members confirm or contradict them."""

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.drift import DriftVerdict

if TYPE_CHECKING:
    from penchant.drift.whole import Drift

Outcome = tuple[float, bool]
"""Log odds of a change in what was said of a member, and whether the member went on with what was new."""

FOR: Final = ("like", "save", "cart", "buy", "share", "rate")
AGAINST: Final = ("hide", "return")
"""Kinds of events that say something outright; a view or a click says nothing here."""
FEWEST: Final = 5
"""Such events after a verdict from which it counts as answered."""
MOST: Final = 2_000
"""Verdicts that are remembered, the latest."""


def outcomes(held: "Drift", community: Community) -> tuple[Outcome, ...]:
    """How the alarms of an earlier build came out, of nobody by name.

    A verdict is confirmed where what the member asks for afterwards is about the new subjects as often as since the
    change rather than as before it: likes, purchases and the like count for what they are about, and hides, returns and
    low ratings of what is new against it.

    Args:
        held: what the earlier build said.
        community: the events of this moment.
    """
    if held.judge is None or community.fingerprint("events") == held.community.fingerprint("events"):
        return ()
    # As the scan judged: no language model reads along, and nobody asks what follows.
    judge, floor, found = held.judge.without_reader(), _low_rating(community), []
    alarms = held.table.filter("alarm").select("member_id", "probability").head(MOST)
    for member_id, probability in alarms.iter_rows():
        if member_id in community.member_ids and (said := judge.verdict(held.community, member_id)).alarm:
            answer = _answer(held, community, said, floor)
            if answer is not None:
                # What the judge learned of earlier answers is undone: the next one learns from all of them anew.
                found.append((float(judge.calibration.before(probability)), answer))
    return tuple(found)


def _answer(held: "Drift", community: Community, said: DriftVerdict, floor: float) -> bool | None:
    """Whether a member went on with what was new; None where what came later does not tell."""
    assert held.judge is not None
    if not said.after:
        return None
    views = held.judge.learned.views
    new = views.topics[:, [name in said.after for name in views.topic_names]].sum(axis=1)
    read = held.community.events_of(held.community.member_ids.row(said.member_id))
    read = read.filter(pl.col("item").is_not_null())
    since = (read["at"] >= said.began).to_numpy()
    known = new[read["item"].to_numpy()]
    later = community.events_of(community.member_ids.row(said.member_id)).filter(pl.col("at") > said.judged_at)
    for_, against = _told(held, community, later, floor)
    if len(for_) + len(against) < FEWEST or since.all() or not since.any():
        return None
    if not len(for_) and not new[against].any():
        # Only what is old was hidden or sent back.
        return None
    share = (new[for_].sum() - new[against].sum()) / max(len(for_), 1)
    return bool(share > (known[since].mean() + known[~since].mean()) / 2)


def _told(
    held: "Drift", community: Community, later: pl.DataFrame, floor: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows, in the earlier build, of the items that events speak for, and of those that they speak against."""
    rows: dict[bool, list[int]] = {True: [], False: []}
    columns = (later["item"].to_list(), later["kind"].cast(pl.String).to_list(), later["amount"].to_list())
    for item, kind, amount in zip(*columns, strict=True):
        row = None if item is None else held.community.item_ids.row_or_none(community.item_ids.id(item))
        # Of what came after the build, its views say nothing.
        if row is not None and kind in FOR + AGAINST:
            low = kind == EventKind.RATE and amount is not None and amount < floor
            rows[kind in FOR and not low].append(row)
    return np.array(rows[True], dtype=np.int64), np.array(rows[False], dtype=np.int64)


def _low_rating(community: Community) -> float:
    """Ratings below this speak against an item: the middle between the lowest and the highest that are given."""
    given = community.events.filter(pl.col("kind").cast(pl.String) == EventKind.RATE.value)["amount"].drop_nulls()
    ratings = given.to_numpy()
    return float(ratings.min() + ratings.max()) / 2 if len(ratings) else -np.inf
