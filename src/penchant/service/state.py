"""Everything a running service holds: `request.app.state.penchant` in every route, the console's too."""

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

import polars as pl

from penchant.data.community import Community
from penchant.data.store import Store
from penchant.data.verdicts import Ranking
from penchant.errors import PenchantError, StorageError
from penchant.language import Lang
from penchant.members.privacy import privacy_config
from penchant.service.alerts import Alerts
from penchant.service.builds import Builds, Chosen
from penchant.service.live import Live
from penchant.service.loaded import Loaded
from penchant.service.migrations import upgrade
from penchant.service.pressure import Lane
from penchant.service.running.metrics import Metrics
from penchant.service.running.rules import AlertRules, Watch
from penchant.service.security.audit import Audit
from penchant.service.security.keys import Key, Keyring
from penchant.service.security.limits import Buckets
from penchant.service.security.sessions import Sessions
from penchant.service.settings import ServiceSettings
from penchant.service.systems import Systems
from penchant.service.trials import Exposures
from penchant.service.writing import Writer
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.text.encoder import Encoder

_LOG = logging.getLogger("penchant.service")

ITEM_CHANGES: Final = ("change items", "delete item")
"""What the audit log calls changes of the catalogue."""
_TOLD_SECONDS: Final = 10.0
"""How often slow figures are worked out again."""


class State:
    """What routes and pages read and change.

    Attributes:
        workspace: the folder that is served.
        settings: how.
        store: the community, durable. Its calls block, so in `async` code go through `reading`.
        live: every member's history in memory, up to the last acknowledged event: `live.history(member_id)`.
        builds: `builds.current` is the build that answers everybody, `builds.of(member_id).loaded` the one that answers
            a member (a trial may give them another); a `Loaded` has `recommend`, `fresh_interests`, `search`,
            `similar`, `classify`, and the models themselves: `recommender`, `interests`, `searcher`, `community`.
        writer: `await writer.write(Batch(events, key))` makes events durable and known to the next answer.
        keys, sessions: API keys, and users of the console with their logins.
        audit: `audit.add(who, action, …)` before or with every change; `audit.entries()`, `audit.check()`.
        alerts: `alerts.list()`, `alerts.settle(number, by, note)`, `alerts.add(rule, Phrase(…))`.
        exposures: who got which build's answers in a trial, and what came of it.
        systems: friends, the questionnaire, and what other systems say of a member.
        metrics: figures for Prometheus.
        answers, reading: lanes for work that must not block the loop: `await state.reading.run(work, …)`; the first for
            rankings, quick and in order, the second for whatever is slower or asks the database.

    `recommend(member_id, k, lang, …)` is the ranking that the API gives; `also` are events that a member might do next,
    and change nothing.
    """

    def __init__(self, workspace: Workspace, settings: ServiceSettings) -> None:
        self.workspace = workspace
        self.settings = settings
        limits = settings.limits
        self.store: Store = workspace.store()
        upgrade(self.store.database)
        tenant, database = workspace.config.store.tenant, self.store.database
        self.metrics = Metrics()
        self.keys = Keyring(database, tenant, fresh_seconds=2 * settings.poll_seconds)
        self.sessions = Sessions(database, tenant, hours=settings.session_hours, secure=settings.speaks_tls)
        self.audit = Audit(database, tenant)
        self.alerts = Alerts(database, tenant)
        self.exposures = Exposures(database, tenant)
        self.per_key = Buckets(limits.per_key, 5 * limits.per_key)
        self.per_address = Buckets(limits.per_address, 5 * limits.per_address)
        self.failures = Buckets(limits.failures_per_minute / 60, limits.failures_per_minute)
        consent = privacy_config(workspace.config).consent
        self.live = Live(self.store, shared=settings.workers > 1, consent=consent)
        self.builds = Builds(workspace, people_kept=settings.people_kept)
        self.answers = Lane(
            "answers", threads=settings.answer_threads, most=limits.waiting_answers, seconds=limits.answer_seconds
        )
        self.reading = Lane("reading", threads=4, most=limits.waiting_answers, seconds=limits.answer_seconds)
        self.writer = Writer(self.store, self.live, most=limits.waiting_batches, seconds=limits.answer_seconds)
        self.changing = Lock()
        """Held by whoever changes items or builds, so that no two changes cross."""
        self.ties_version = 0
        """Changes whenever ties do."""
        self.systems = Systems(self)
        self.own_changes: set[int] = set()
        """Places in the audit log of the changes of items that this process made itself."""
        self._heard = 0
        """The last place in the audit log that was looked at for changes that others made."""
        self.started_at = datetime.now(UTC)
        self.encoder: Encoder | None = None
        self.encoder_problem: str | None = None
        self.store_problem: str | None = None
        """Why the store took no look a moment ago; None where it did."""
        self._stop = Event()
        self._threads: list[Thread] = []
        self._told_at = 0.0
        self._told_of: Loaded | None = None
        """The build whose alarms are in the queue."""
        self.watch = self._rules()

    # -- life --

    def start(self) -> None:
        """Read the histories, load the build, and begin to follow what changes outside.

        Raises:
            StorageError: the store is out of reach.
        """
        self._heard = next((entry.place for entry in self.audit.entries(limit=1)), 0)
        community = self.store.read()
        self.live.load(community)
        self.builds.load(community)
        self.keys.refresh()
        if self.builds.problem:
            _LOG.error("no build answers", extra={"told": {"why": self.builds.problem}})
        self._threads = [Thread(target=self._follow, name="penchant-follow", daemon=True)]
        if self.settings.language_model:
            self._threads.append(Thread(target=self._read_encoder, name="penchant-encoder", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what has begun, write what waits, and let go of everything."""
        self._stop.set()
        self.writer.stop()
        self.answers.stop()
        self.reading.stop()
        for thread in self._threads:
            if thread.name == "penchant-follow":
                thread.join(timeout=5)
        try:
            self.exposures.write()
        except StorageError as error:
            _LOG.warning("exposures not written", extra={"told": {"why": str(error)}})
        self.store.close()

    @property
    def problems(self) -> list[str]:
        """What keeps the service from being ready."""
        found = [self.store_problem] if self.store_problem else []
        if not self.builds.is_ready:
            found.append(self.builds.problem or "no build yet; run `penchant build`")
        return found

    # -- for routes --

    async def keys_check(self, text: str) -> Key | None:
        """The key that a text stands for."""
        if self.keys.is_stale(text):
            await asyncio.to_thread(self.keys.refresh)
        return self.keys.known(text)

    def recommend(
        self,
        member_id: str,
        k: int = 10,
        *,
        lang: Lang = "en",
        text: str | None = None,
        exclude: Collection[str] = (),
        also: pl.DataFrame | None = None,
        reasons: bool = True,
    ) -> tuple[Ranking, Chosen]:
        """What to show a member now, and the build that said so; to be run in the lane `answers`.

        Args:
            member_id: who may have come a second ago, or never.
            k: how many.
            lang: of the reasons.
            text: what they have just written.
            exclude: ids of items not wanted.
            also: what they might do next, with the columns of `EVENTS`.
            reasons: find out why; the same list comes in half the time without.

        Raises:
            NotBuiltError: there is no build.
        """
        chosen = self.builds.of(member_id)
        version: object = self.live.version(member_id)
        events = self.live.usable_events(member_id)
        if self.live.shared:
            version = self.live.version(member_id)
        if also is not None:
            events, version = pl.concat([events, also.select(events.columns)]).sort("at", maintain_order=True), None
        ranking = chosen.loaded.recommend(
            events, k, lang=lang, member_id=member_id if member_id in self.live else None, version=version, text=text,
            exclude=exclude, reasons=reasons,
        )  # fmt: skip
        if also is None:
            self.metrics.show(ranking)
            if chosen.arm is not None and self.builds.trial is not None:
                self.exposures.note(self.builds.trial.name, member_id, chosen.arm)
        return ranking, chosen

    def whole(self) -> Community:
        """All that the store holds at this moment; slow."""
        return self.store.read()

    # -- inside --

    def _follow(self) -> None:
        """Look every so often at what other processes may have changed."""
        while not self._stop.wait(self.settings.poll_seconds):
            for look in (self._look_at_store, self._look_at_builds, self._tell):
                try:
                    look()
                except PenchantError as error:
                    _LOG.warning("not looked at", extra={"told": {"what": look.__name__, "why": str(error)}})
                except Exception:
                    _LOG.exception("not looked at")

    def _look_at_store(self) -> None:
        try:
            self.keys.read()
            self.exposures.write()
        except StorageError as error:
            if self.store_problem is None:
                _LOG.error("store out of reach", extra={"told": {"why": str(error)}})
            self.store_problem = str(error)
            return
        if self.store_problem is not None:
            _LOG.info("store is back")
        self.store_problem = None
        if self.live.shared:
            self._hear_of_items()

    def _hear_of_items(self) -> None:
        """Take over the items that another worker has changed, as the audit log tells."""
        news = self.audit.since(self._heard)
        if not news:
            return
        self._heard = news[-1].place
        mine = {entry.place for entry in news} & self.own_changes
        self.own_changes -= mine
        if any(entry.action in ITEM_CHANGES and entry.place not in mine for entry in news):
            with self.changing:
                self.builds.catch_up(self.whole())

    def _look_at_builds(self) -> None:
        if not self.settings.follow_builds:
            return
        read: list[Community] = []

        def whole() -> Community:
            read.append(self.whole())
            return read[0]

        with self.changing:
            if self.builds.follow(whole):
                if read:
                    # A build often follows new data, which came into the store past this service.
                    self.live.load(self.whole())
                _LOG.info("build", extra={"told": {"build": self.builds.current.version}})

    def _tell(self) -> None:
        metrics = self.metrics
        metrics.ready.set(not self.problems)
        metrics.waiting.labels("answers").set(self.answers.waiting)
        metrics.waiting.labels("reading").set(self.reading.waiting)
        metrics.waiting.labels("writing").set(self.writer.waiting)
        if self.builds.is_ready:
            record = self.builds.current.build.record
            metrics.build_age.set((datetime.now(UTC) - record.finished_at).total_seconds())
            metrics.build.set(int(record.version))
            if self.builds.current is not self._told_of and self.store_problem is None:
                self._told_of = self.builds.current
                self.systems.tell_alarms(self._told_of)
        if time.monotonic() - self._told_at < _TOLD_SECONDS:
            return
        self._told_at = time.monotonic()
        metrics.members.set(len(self.live))
        if self.builds.is_ready:
            metrics.tell_shown(int((~self.builds.current.recommender.closed).sum()))
        if self.store_problem is None:
            metrics.alerts.set(self.alerts.count_open())
            if self.watch is not None:
                self.watch.look(time.monotonic())

    def _rules(self) -> Watch | None:
        path = self.settings.alert_rules or self.workspace.path / "alerts.yaml"
        if self.settings.alert_rules is None and not path.is_file():
            return None
        return Watch(AlertRules.read(path), self.metrics, self.alerts)

    def _read_encoder(self) -> None:
        """Load the language model after everything else, since answers can do without it for a few seconds."""
        try:
            from penchant.text import load_encoder
            from penchant.training.options import Options

            name = self.workspace.config.build.encoder
            encoder = load_encoder(name, options=Options(progress=False, threads=1))
            with self.changing:
                self.builds.give(encoder)
                # Items that came before the model did can be read now.
                if self.builds.is_ready and not self._stop.is_set():
                    self.builds.catch_up(self.whole())
            self.encoder = encoder
            _LOG.info("language model", extra={"told": {"name": name}})
        except Exception as error:
            self.encoder_problem = str(error)
            _LOG.error("no language model", extra={"told": {"why": str(error)}})
