"""What a service does beside answering: it follows what other processes change, and tells figures and alerts."""

import logging
import time
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Final

from penchant.data.community import Community
from penchant.errors import PenchantError, StorageError
from penchant.service.changes import What
from penchant.service.loaded import Loaded

if TYPE_CHECKING:
    from penchant.service.state import State

_LOG = logging.getLogger("penchant.service")

_FOLLOWED: Final[tuple[What, ...]] = ("items", "forgotten")
"""What is looked at every so often; ties are asked about when somebody wants them."""
_TOLD_SECONDS: Final = 10.0
"""How often slow figures are worked out again."""


class Follower:
    """Looks around for a service, in a thread of its own."""

    def __init__(self, state: "State") -> None:
        self.state = state
        self._stop = Event()
        self._told_at = 0.0
        self._told_of: Loaded | None = None
        """The build whose alarms are in the queue."""
        self._heard: dict[What, int] = {}
        """How often others had changed something when that was taken over last."""

    def begin(self) -> None:
        """Know what others have changed before anything is read."""
        self._heard = {what: self.state.changes.of_others(what) for what in _FOLLOWED}

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def run(self) -> None:
        """Look every so often, until told to stop."""
        while not self._stop.wait(self.state.settings.poll_seconds):
            for look in (self.look_at_store, self.look_at_builds, self.tell):
                try:
                    look()
                except PenchantError as error:
                    _LOG.warning("not looked at", extra={"told": {"what": look.__name__, "why": str(error)}})
                except Exception:
                    _LOG.exception("not looked at")

    def look_at_store(self) -> None:
        """See whether the store is there, and write and read what waits for it."""
        try:
            self.state.keys.read()
            if self.state.live.shared:
                # First, so that nothing is written of whom another worker has forgotten.
                self.hear()
            self.state.exposures.write()
        except StorageError as error:
            if self.state.store_problem is None:
                _LOG.error("store out of reach", extra={"told": {"why": str(error)}})
            self.state.store_problem = str(error)
            return
        if self.state.store_problem is not None:
            _LOG.info("store is back")
        self.state.store_problem = None

    def hear(self) -> None:
        """Take over the items that another worker has changed, and know no more whom it has forgotten."""
        told = {what: self.state.changes.of_others(what) for what in _FOLLOWED}
        news = {what for what in _FOLLOWED if told[what] != self._heard[what]}
        if not news:
            return
        with self.state.changing:
            if "forgotten" in news:
                # Who it was is told nowhere, so everything is read again, without them.
                whole = self.state.whole()
                self.state.live.load_again(lambda: whole)
                self.state.builds.read_again(whole)
            else:
                self.state.builds.catch_up(self.state.whole())
        # Last, so that what could not be read is tried again.
        self._heard = told

    def look_at_builds(self) -> None:
        """Switch to a build that was finished."""
        if not self.state.settings.follow_builds:
            return
        read: list[Community] = []

        def whole() -> Community:
            read.append(self.state.whole())
            return read[0]

        with self.state.changing:
            if self.state.builds.follow(whole):
                if read:
                    # A build often follows new data, which came into the store past this service.
                    self.state.live.load_again(self.state.whole)
                _LOG.info("build", extra={"told": {"build": self.state.builds.current.version}})

    def tell(self) -> None:
        """Bring figures and alerts up to date."""
        metrics = self.state.metrics
        metrics.ready.set(not self.state.problems)
        metrics.waiting.labels("answers").set(self.state.answers.waiting)
        metrics.waiting.labels("reading").set(self.state.reading.waiting)
        metrics.waiting.labels("writing").set(self.state.writer.waiting)
        if self.state.builds.is_ready:
            record = self.state.builds.current.build.record
            metrics.build_age.set((datetime.now(UTC) - record.finished_at).total_seconds())
            metrics.build.set(int(record.version))
            if self.state.builds.current is not self._told_of and self.state.store_problem is None:
                self._told_of = self.state.builds.current
                self.state.systems.tell_alarms(self._told_of)
                self.state.on_loaded()
        if time.monotonic() - self._told_at < _TOLD_SECONDS:
            return
        self._told_at = time.monotonic()
        metrics.members.set(len(self.state.live))
        if self.state.store_problem is None:
            self.state.read_corrections()
        if self.state.builds.is_ready:
            metrics.tell_shown(int((~self.state.builds.current.recommender.closed).sum()))
        if self.state.store_problem is None:
            metrics.alerts.set(self.state.alerts.count_open())
            if self.state.watch is not None:
                self.state.watch.look(time.monotonic())
