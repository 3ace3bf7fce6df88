"""What goes out about the service itself: what a change reached, builds, trials, alerts, the audit log, health."""

from datetime import datetime
from typing import Any, Literal

from penchant.service.shapes.fields import Told


class ChangedOut(Told):
    """How many rows a change reached."""

    changed: int


class StageOut(Told):
    name: str
    made_in: str
    seconds: float
    peak_rss_mb: float


class BuildOut(Told):
    """A finished build."""

    version: str
    current: bool
    finished_at: datetime
    penchant: str
    stages: list[StageOut]


class TrialOut(Told):
    name: str
    version: str
    against: str
    share: float
    started_at: datetime


class BuildsOut(Told):
    """The builds, the newest first, and the trial if there is one."""

    current: str | None
    problem: str | None
    builds: list[BuildOut]
    next: str | None = None
    trial: TrialOut | None = None


class ArmOut(Told):
    arm: str
    members: int
    successes: int
    rate: float


class TrialResultOut(Told):
    """What a trial shows so far."""

    trial: str
    goals: list[str]
    arms: list[ArmOut]
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: str


class AlertOut(Told):
    number: int
    at: datetime
    rule: str
    severity: str
    message: str
    state: str
    member_id: str | None
    settled_at: datetime | None
    settled_by: str | None
    note: str | None


class AlertsOut(Told):
    """Alerts, the newest first."""

    alerts: list[AlertOut]
    next: int | None = None


class EntryOut(Told):
    place: int
    at: datetime
    who: str
    action: str
    about: str
    details: dict[str, Any]
    digest: str


class AuditOut(Told):
    """Entries of the audit log, the newest first."""

    entries: list[EntryOut]
    next: int | None = None


class HealthOut(Told):
    """The process is alive."""

    status: Literal["alive"] = "alive"
    version: str


class ReadyOut(Told):
    """Whether it can answer."""

    status: Literal["ready", "not ready"]
    build: str | None
    problems: list[str]
