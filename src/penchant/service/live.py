"""Members' histories in memory, as the store has them: read once, added to with every acknowledged batch."""

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, Final

import numpy as np
import polars as pl

from penchant.data.columns import EVENTS
from penchant.data.community import Community
from penchant.data.consent import Consent, agreed
from penchant.data.store import Store
from penchant.errors import StorageError, UnknownIdError

_OWN: Final = {name: dtype for name, dtype in EVENTS.items() if name != "member_id"}
_NOTHING: Final = pl.DataFrame(schema=_OWN)
_TRIES: Final = 5
"""Times that a history is read again at most, where it grows while it is read."""
_PACKED: Final = 64
"""Events of a member that wait as rows until they become a table: a row takes 250 bytes and a table 5,000 at least."""
_READY: Final = 1_000
"""Members whose history is kept put together."""


class Live:
    """What every member did, up to the last acknowledged event; the next answer reads it here and not in the store.

    Args:
        store: read again for members whose events came twice, and where others write to it too.
        shared: other processes write to the store, so that a history is asked of it each time; what is in memory
            answers while it is out of reach.
        consent: whether the data of members who were not asked may be used.
    """

    def __init__(self, store: Store, *, shared: bool = False, consent: Consent = "unless_refused") -> None:
        self.store = store
        self.shared = shared
        self.consent = consent
        self._refused: frozenset[str] = frozenset()
        self._lock = Lock()
        self._base = _NOTHING
        self._bounds: np.ndarray = np.zeros(1, dtype=np.int64)
        self._rows: dict[str, int] = {}
        self._tables: dict[str, pl.DataFrame] = {}
        """What members did since `_base` was read, where that is much."""
        self._whole: set[str] = set()
        """Members whose table is their whole history, read from the store; what is in the base counts no more."""
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}
        self._ready: dict[str, tuple[tuple[int, int], pl.DataFrame]] = {}
        """Histories put together, each with its version; the oldest first."""
        self._versions: dict[str, int] = {}
        self._epoch = 0
        self._added_to: set[str] | None = None
        """Members with new events since all histories began to be read again; None while they are not."""

    def load(self, community: Community) -> None:
        """Take over all histories of a community, as the store holds it at this moment."""
        events = community.events.sort("member", maintain_order=True)
        bounds = np.searchsorted(events["member"].to_numpy(), np.arange(len(community.member_ids) + 1))
        base = events.select(
            community.item_ids.decode(events["item"]).alias("item_id"), *(name for name in _OWN if name != "item_id")
        )
        rows = {member: row for row, member in enumerate(community.member_ids.ids)}
        may = agreed(community.members["consent"], self.consent)
        refused = frozenset(community.members["member_id"].filter(~may))
        with self._lock:
            self._base, self._bounds, self._rows, self._refused = base, bounds, rows, refused
            self._tables, self._waiting, self._ready, self._whole = {}, {}, {}, set()
            self._epoch += 1

    def load_again(self, read: Callable[[], Community]) -> None:
        """Take over all histories once more; what is acknowledged while they are read is kept.

        Args:
            read: gives what the store holds.
        """
        with self._lock:
            self._added_to = set()
        try:
            self.load(read())
        finally:
            with self._lock:
                missed, self._added_to = self._added_to or set(), None
            for member in missed:
                self.read_again(member)

    def __contains__(self, member_id: str) -> bool:
        """Whether a member is known."""
        return member_id in self._rows or member_id in self._tables or member_id in self._waiting

    def __len__(self) -> int:
        """How many members are known."""
        return len(self._rows) + sum(1 for member in {*self._tables, *self._waiting} if member not in self._rows)

    def version(self, member_id: str) -> tuple[int, int]:
        """Changes whenever the member's history does, as far as this process has heard."""
        return self._epoch, self._versions.get(member_id, 0)

    def caught_up(self, member_id: str) -> tuple[int, int]:
        """`version`, after the store was asked for what other processes wrote; events read next are of it or newer."""
        if self.shared:
            self.read_again(member_id)
        return self.version(member_id)

    def history(self, member_id: str, *, again: bool = True) -> pl.DataFrame:
        """A member's events in order of time, with the columns of `EVENTS`, as `Store.history` gives them.

        Args:
            member_id: of whom.
            again: ask the store for what other processes wrote; not needed after `caught_up`.

        Raises:
            UnknownIdError: there is no such member.
        """
        if self.shared and again:
            self.read_again(member_id)
        return self._own(member_id).select(pl.lit(member_id).alias("member_id"), pl.all())

    def events(self, member_id: str, *, again: bool = True) -> pl.DataFrame:
        """The same without the member's id; empty where nothing is known of them."""
        if self.shared and again:
            self.read_again(member_id)
        return self._own(member_id) if member_id in self else _NOTHING

    def agrees(self, member_id: str) -> bool:
        """Whether what a member did may be used for answers to them; to see what is held is theirs anyway."""
        if member_id in self._refused:
            return False
        return self.consent == "unless_refused" or member_id in self._rows

    def usable_events(self, member_id: str, *, again: bool = True) -> pl.DataFrame:
        """`events`, and none where the member's data may not be used: answers then know nobody."""
        return self.events(member_id, again=again) if self.agrees(member_id) else _NOTHING

    def usable_history(self, member_id: str, *, again: bool = True) -> pl.DataFrame:
        """`history`, and no events at all where the member's data may not be used.

        Raises:
            UnknownIdError: there is no such member.
        """
        history = self.history(member_id, again=again)
        return history if self.agrees(member_id) else history.clear()

    def append(self, events: pl.DataFrame) -> None:
        """Add events that the store has taken, with the columns of `EVENTS`."""
        with self._lock:
            for member, *rest in events.select("member_id", *_OWN).iter_rows():
                self._waiting.setdefault(member, []).append(tuple(rest))
                self._versions[member] = self._versions.get(member, 0) + 1
                if self._added_to is not None:
                    self._added_to.add(member)
                if len(self._waiting[member]) >= _PACKED:
                    self._pack(member)

    def add_members(self, member_ids: Iterator[str] | list[str]) -> None:
        """Know members who have done nothing yet."""
        with self._lock:
            for member in member_ids:
                self._waiting.setdefault(member, [])
                if self._added_to is not None:
                    self._added_to.add(member)

    def read_again(self, member_id: str) -> None:
        """Take a member's history from the store once more; where it is out of reach, what is known stays."""
        for _ in range(_TRIES):
            version = self.version(member_id)
            try:
                found = self.store.history(member_id).select(*_OWN)
            except UnknownIdError:
                # Forgotten by another process.
                if member_id in self:
                    self.forget(member_id)
                return
            except StorageError:
                return
            with self._lock:
                if self.version(member_id) != version:
                    # Something was added meanwhile that may not have been read.
                    continue
                if member_id in self and len(self._own_locked(member_id)) == len(found):
                    return
                self._whole.add(member_id)
                self._tables[member_id] = found
                self._waiting.pop(member_id, None)
                self._versions[member_id] = self._versions.get(member_id, 0) + 1
                return

    def forget(self, member_id: str) -> None:
        """Know a member no more."""
        with self._lock:
            row = self._rows.pop(member_id, None)
            self._tables.pop(member_id, None)
            self._waiting.pop(member_id, None)
            self._whole.discard(member_id)
            self._ready.pop(member_id, None)
            self._versions[member_id] = self._versions.get(member_id, 0) + 1
            if row is not None:
                # Their events leave the memory too, not only the way to them.
                start, end = int(self._bounds[row]), int(self._bounds[row + 1])
                self._base = pl.concat([self._base[:start], self._base[end:]]).rechunk()
                bounds = self._bounds.copy()
                bounds[row + 1 :] -= end - start
                self._bounds = bounds

    def drop_item(self, item_id: str) -> None:
        """Forget what was done with an item that is gone, as the store does."""
        with self._lock:
            kept = (self._base["item_id"] != item_id).fill_null(True)
            counts = np.concatenate([[0], np.cumsum(kept.to_numpy())])
            self._base, self._bounds = self._base.filter(kept), counts[self._bounds]
            place = list(_OWN).index("item_id")
            for member, rows in self._waiting.items():
                self._waiting[member] = [row for row in rows if row[place] != item_id]
            for member, table in self._tables.items():
                self._tables[member] = table.filter((pl.col("item_id") != item_id).fill_null(True))
            self._epoch += 1

    def _own(self, member_id: str) -> pl.DataFrame:
        with self._lock:
            return self._own_locked(member_id)

    def _own_locked(self, member_id: str) -> pl.DataFrame:
        row, table, waiting = self._rows.get(member_id), self._tables.get(member_id), self._waiting.get(member_id)
        if row is None and table is None and waiting is None:
            raise UnknownIdError(f"no member has the id {member_id!r}; {len(self):,} are known")
        base = _NOTHING
        if row is not None and member_id not in self._whole:
            base = self._base[int(self._bounds[row]) : int(self._bounds[row + 1])]
        if not waiting and (table is None or not len(base)):
            return base if table is None else table
        version = self.version(member_id)
        kept = self._ready.pop(member_id, None)
        if kept is None or kept[0] != version:
            parts = [base, *([] if table is None else [table]), _table(waiting or [])]
            kept = version, pl.concat(parts).sort("at", maintain_order=True).rechunk()
        # Put together for the members asked about last; for all, it would hold everything twice.
        self._ready[member_id] = kept
        if len(self._ready) > _READY:
            del self._ready[next(iter(self._ready))]
        return kept[1]

    def _pack(self, member_id: str) -> None:
        """Turn what waits into a table, which takes less memory than many rows."""
        fresh, table = _table(self._waiting[member_id]), self._tables.get(member_id)
        if table is not None:
            fresh = pl.concat([table, fresh]).sort("at", maintain_order=True)
        self._tables[member_id] = fresh.rechunk()
        self._waiting[member_id] = []


def _table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Rows as a table, in order of time."""
    return pl.DataFrame(rows, schema=_OWN, orient="row").sort("at", maintain_order=True)
