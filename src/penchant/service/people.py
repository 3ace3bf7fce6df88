"""Members as answers need them: their history weighed, their drift judged, kept as long as nothing new is known."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from penchant.data.columns import EVENTS, LABELS, TIES
from penchant.data.community import Community
from penchant.data.vocabulary import Vocabulary
from penchant.recommend.person import Person

if TYPE_CHECKING:
    from penchant.data.drift import DriftVerdict
    from penchant.drift import Drift
    from penchant.recommend import Recommender

Made = TypeVar("Made")


class People:
    """What was made of members' histories.

    Args:
        most: members kept; the one asked about longest ago goes first.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[object, Any]] = OrderedDict()

    def person(self, recommender: "Recommender", member_id: str, version: object, events: pl.DataFrame) -> Person:
        """A member as the ranking takes them.

        Args:
            recommender: that will be asked.
            member_id: who.
            version: of the history: equal versions, equal events; None where it is nobody else's to see.
            events: theirs.
        """
        community, weights = recommender.community, recommender.config.event_weights

        def make() -> Person:
            return Person.of_events(community, weights, known(events, community.item_ids), member_id=member_id)

        stamp = None if version is None else (version, id(recommender))
        return self._once(("person", member_id), stamp, make)

    def verdict(self, drift: "Drift", member_id: str, version: object, history: pl.DataFrame) -> "DriftVerdict":
        """Whether a member has changed, and what their recommendations should rest on.

        Args:
            drift: with a judge.
            member_id: who.
            version: as for `person`.
            history: theirs, with the columns of `EVENTS`.
        """
        return self._once(("verdict", member_id), version, lambda: drift.verdict(member_id, history))

    def forget(self, member_id: str) -> None:
        """Keep nothing of a member."""
        with self._lock:
            for name in ("person", "verdict"):
                self._kept.pop((name, member_id), None)

    def clear(self) -> None:
        """Keep nothing of anybody."""
        with self._lock:
            self._kept.clear()

    def _once(self, name: tuple[str, str], stamp: object, make: Callable[[], Made]) -> Made:
        with self._lock:
            kept = self._kept.get(name)
            if stamp is not None and kept is not None and kept[0] == stamp:
                self._kept.move_to_end(name)
                found: Made = kept[1]
                return found
        made = make()
        if stamp is None:
            return made
        with self._lock:
            self._kept[name] = (stamp, made)
            while len(self._kept) > 2 * self.most:
                self._kept.popitem(last=False)
        return made


def known(events: pl.DataFrame, item_ids: Vocabulary) -> pl.DataFrame:
    """Events with items that a model knows; those with others say nothing to it."""
    there = [item is not None and item in item_ids for item in events["item_id"]]
    return events if all(there) else events.filter(pl.Series(there, dtype=pl.Boolean))


def alone(community: Community, member_id: str, events: pl.DataFrame) -> Community:
    """A community of one member and all items, for what reads a taste from one."""
    ids = community.item_ids
    mine = known(events, ids)
    rows = pl.Series("item", [ids.row(item) for item in mine["item_id"]], dtype=pl.UInt32)
    others = (name for name in EVENTS if name not in ("member_id", "item_id"))
    own = mine.select(pl.lit(0, dtype=pl.UInt32).alias("member"), rows, *others)
    members, ties, labels = (
        pl.DataFrame({"member_id": [member_id]}),
        pl.DataFrame(schema=TIES),
        pl.DataFrame(schema=LABELS),
    )
    one = Community(members, community.items, own, ties, labels)
    # The ids of many items are not put in order anew for one question.
    one.__dict__["item_ids"] = ids
    return one
