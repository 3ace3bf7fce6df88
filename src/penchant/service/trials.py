"""What a trial shows: who got which build's answers, what they did then, and whether that is beyond chance."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
import polars as pl
from sqlalchemy import Connection, ScalarSelect, delete, func, select

from penchant.data import schema
from penchant.data.columns import EventKind
from penchant.data.database import Database
from penchant.service import tables

GOALS: Final = (EventKind.BUY, EventKind.LIKE, EventKind.SAVE, EventKind.CART, EventKind.PLAY, EventKind.READ)
"""What counts as a success of an answer, unless the asker names others."""
BEGUN: Final = "begin trial"
ENDED: Final = "end trial"
"""What the audit log calls the end of one."""
_CONFIDENCE: Final = 0.95
_NORMAL: Final = 1.959964


@dataclass(frozen=True)
class ArmResult:
    """One side of a trial."""

    arm: str
    members: int
    """Who got an answer."""
    successes: int
    """Those of them who then did what counts, once at least."""
    rate: float


@dataclass(frozen=True)
class TrialResult:
    """Both sides, and their difference."""

    trial: str
    goals: tuple[str, ...]
    arms: tuple[ArmResult, ...]
    difference: float | None = None
    """Rate of the treatment less that of the control."""
    low: float | None = None
    high: float | None = None
    """The interval of the difference, at 95%."""
    p_value: float | None = None
    verdict: str = "too few members"
    """`better`, `worse`, `no difference seen`, or `too few members`."""


class Exposures:
    """First answers by trial and member, kept in memory for a moment and written together."""

    def __init__(
        self, database: Database, tenant: str, *, is_known: Callable[[str], bool] = lambda member_id: True
    ) -> None:
        self.database = database
        self.tenant = tenant
        self._is_known = is_known
        self._lock = Lock()
        self._on_disk = Lock()
        """Held while rows are written or taken out, so that nobody forgotten is written after all."""
        self._trial = ""
        self._known: set[str] = set()
        """Members who got an answer in that trial."""
        self._waiting: deque[dict[str, object]] = deque()

    def note(self, trial: str, member_id: str, arm: str) -> None:
        """A member got an answer in a trial; only their first counts."""
        with self._lock:
            if trial != self._trial:
                self._trial, self._known = trial, set()
            if member_id in self._known:
                return
            self._known.add(member_id)
            row = {"tenant": self.tenant, "trial": trial, "member_id": member_id, "arm": arm, "at": tables.micros()}
            self._waiting.append(row)

    def write(self) -> None:
        """Put what waits on disk.

        Raises:
            StorageError: the database is out of reach; what waits goes on waiting.
        """
        with self._on_disk:
            with self._lock:
                # Whoever is no member, or was forgotten meanwhile, leaves nothing on disk.
                gone = {row["member_id"] for row in self._waiting if not self._is_known(str(row["member_id"]))}
                self._waiting = deque(row for row in self._waiting if row["member_id"] not in gone)
                self._known -= {str(member) for member in gone}
                rows = list(self._waiting)
            if not rows:
                return
            frame = pl.DataFrame(rows)
            with self.database.writing() as connection:
                self.database.insert(connection, "service_exposures", frame, once=True)
            with self._lock:
                for _ in rows:
                    self._waiting.popleft()

    def names(self) -> set[str]:
        """The trials that anybody got an answer in.

        Raises:
            StorageError: the database is out of reach.
        """
        self.write()
        columns = tables.exposures.c
        query = select(columns.trial).where(columns.tenant == self.tenant).distinct()
        with self.database.reading() as connection:
            return set(connection.scalars(query))

    def forget(self, member_id: str) -> None:
        """Take out all exposures of a member."""
        columns = tables.exposures.c
        with self._on_disk, self.database.writing() as connection:
            with self._lock:
                self._known.discard(member_id)
                self._waiting = deque(row for row in self._waiting if row["member_id"] != member_id)
            mine = (columns.tenant == self.tenant) & (columns.member_id == member_id)
            connection.execute(delete(tables.exposures).where(mine))

    def of(self, member_id: str) -> list[dict[str, object]]:
        """The trials that a member was in."""
        columns = tables.exposures.c
        query = select(columns.trial, columns.arm, columns.at).where(
            columns.tenant == self.tenant, columns.member_id == member_id
        )
        with self.database.reading() as connection:
            return [
                {"trial": row.trial, "arm": row.arm, "at": tables.moment(row.at)} for row in connection.execute(query)
            ]

    def result(self, trial: str, goals: Collection[EventKind] = GOALS) -> TrialResult:
        """What became of a trial so far, or up to its end.

        The unit is the member, as members were divided and not answers. The two shares are compared by the score test
        with pooled variance, and the interval of their difference is Newcombe's hybrid of two Wilson intervals
        (Newcombe, 1998), which keeps its level at small numbers.

        Args:
            trial: its name.
            goals: the kinds of event that count as success, after the member's first answer.
        """
        self.write()
        shown = tables.exposures.c
        counts = {"control": [0, 0], "treatment": [0, 0]}
        with self.database.reading() as connection:
            end = self._end(connection, trial)
            query = select(shown.arm, _reached(self.tenant, goals, end).label("reached"))
            for row in connection.execute(query.where(shown.tenant == self.tenant, shown.trial == trial)):
                counts[row.arm][0] += 1
                counts[row.arm][1] += row.reached > 0
        return compare(trial, tuple(sorted(kind.value for kind in goals)), counts["control"], counts["treatment"])

    def _end(self, connection: Connection, trial: str) -> int | None:
        """When a trial ended, as the audit log tells; None while it runs, begun anew perhaps."""
        log = tables.audit.c
        last = select(func.max(log.place)).where(log.tenant == self.tenant, log.about == trial)
        ended = connection.scalar(last.where(log.action == ENDED))
        if ended is None or ended < (connection.scalar(last.where(log.action == BEGUN)) or 0):
            return None
        return connection.scalar(select(log.at).where(log.tenant == self.tenant, log.place == ended))


def _reached(tenant: str, goals: Collection[EventKind], end: int | None) -> ScalarSelect[int]:
    """How often the member of an exposure then did what counts, while the trial ran."""
    shown, events, members, tenants = tables.exposures.c, schema.events.c, schema.members.c, schema.tenants.c
    joined = schema.events.join(schema.members, events.member == members.key).join(
        schema.tenants, members.tenant == tenants.key
    )
    counted = select(func.count()).select_from(joined)
    counted = counted.where(
        tenants.name == tenant,
        members.member_id == shown.member_id,
        events.at > shown.at,
        events.kind.in_([kind.value for kind in goals]),
    )
    if end is not None:
        counted = counted.where(events.at <= end)
    return counted.correlate(tables.exposures).scalar_subquery()


def compare(trial: str, goals: tuple[str, ...], control: Collection[int], treatment: Collection[int]) -> TrialResult:
    """Compare two shares, each given as members and successes.

    >>> [compare("t", ("buy",), (1000, 100), (1000, successes)).verdict for successes in (160, 104)]
    ['better', 'no difference seen']
    """
    (n0, s0), (n1, s1) = control, treatment
    arms = tuple(
        ArmResult(arm, members, successes, successes / members if members else 0.0)
        for arm, (members, successes) in (("control", (n0, s0)), ("treatment", (n1, s1)))
    )
    if min(n0, n1) < 2:
        return TrialResult(trial, goals, arms)
    difference = s1 / n1 - s0 / n0
    pooled = (s0 + s1) / (n0 + n1)
    spread = float(np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1)))
    p_value = _two_sided(difference / spread) if spread > 0 else 1.0
    (l0, u0), (l1, u1) = _wilson(s0, n0), _wilson(s1, n1)
    low = difference - float(np.hypot(s1 / n1 - l1, u0 - s0 / n0))
    high = difference + float(np.hypot(u1 - s1 / n1, s0 / n0 - l0))
    verdict = "no difference seen"
    if p_value < 1 - _CONFIDENCE:
        verdict = "better" if difference > 0 else "worse"
    return TrialResult(trial, goals, arms, difference, low, high, p_value, verdict)


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def _wilson(successes: int, members: int) -> tuple[float, float]:
    share, z2 = successes / members, _NORMAL**2
    middle = (share + z2 / (2 * members)) / (1 + z2 / members)
    half = _NORMAL * float(np.sqrt(share * (1 - share) / members + z2 / (4 * members**2))) / (1 + z2 / members)
    return middle - half, middle + half
