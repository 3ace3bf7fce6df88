"""Everything a running service holds: `request.app.state.penchant` in every route, the console's too."""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
from sqlalchemy import select

from penchant.data.attention import Attention, Plan
from penchant.data.community import Community
from penchant.data.corrections import Corrections
from penchant.data.store import Store
from penchant.data.verdicts import Ranking
from penchant.errors import StorageError
from penchant.language import Lang
from penchant.members.privacy import privacy_config
from penchant.service import tables
from penchant.service.alerts import Alerts
from penchant.service.builds import Builds, Chosen
from penchant.service.changes import Changes
from penchant.service.following import Follower
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

PlanAsked = Literal["auto", "off", "regular", "decay", "recent", "bridge"]
"""How much of a member's past counts: as the build's strategy says, all of it, or as a plan says."""

_NEWS_SECONDS: Final = 0.5
"""How long a request whose key was good a moment ago waits for the keys to be read again."""


class State:
    """What routes and pages read and change.

    Attributes:
        workspace: the folder that is served.
        settings: how.
        store: the community, durable. Its calls block, so in `async` code go through `reading`.
        live: every member's history in memory, up to the last acknowledged event: `live.history(member_id)`.
        changes: `changes.tell("ties")` after a change that other workers are to hear of.
        builds: `builds.current` is the build that answers everybody, `builds.of(member_id).loaded` the one that answers
            a member (a trial may give them another); a `Loaded` has `recommend`, `fresh_interests`, `search`,
            `similar`, `classify`, and the models themselves: `recommender`, `interests`, `searcher`, `community`.
        writer: `await writer.write(Incoming.of(events, …))` makes events durable and known to the next answer.
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
        self.per_key = Buckets(limits.per_key, 5 * limits.per_key)
        self.per_address = Buckets(limits.per_address, 5 * limits.per_address)
        self.failures = Buckets(limits.failures_per_minute / 60, limits.failures_per_minute)
        consent = privacy_config(workspace.config).consent
        self.live = Live(self.store, shared=settings.workers > 1, consent=consent)
        self.exposures = Exposures(database, tenant, is_known=self.live.__contains__)
        self.changes = Changes(database, tenant, shared=settings.workers > 1)
        self.builds = Builds(workspace, people_kept=settings.people_kept)
        lane = partial(
            Lane, most=limits.waiting_answers, seconds=limits.answer_seconds, patience=limits.waiting_seconds
        )
        self.answers = lane("answers", threads=settings.answer_threads)
        self.reading = lane("reading", threads=4)
        self.writer = Writer(self.store, self.live, most=limits.waiting_batches, seconds=limits.store_seconds)
        self.changing = Lock()
        """Held by whoever changes items or builds, so that no two changes cross."""
        self.corrections = Corrections()
        """What people said of the builds' verdicts, as of the last look at the store."""
        self.systems = Systems(self)
        self._refreshing: asyncio.Task[None] | None = None
        """The look at the keys that is under way."""
        self.started_at = datetime.now(UTC)
        self.encoder: Encoder | None = None
        self.encoder_problem: str | None = None
        self.store_problem: str | None = None
        """Why the store took no look a moment ago; None where it did."""
        self._stopping = False
        self._threads: list[Thread] = []
        self.follower = Follower(self)
        """Looks at what other processes change."""
        self.on_loaded: Callable[[], object] = lambda: None
        """Called when a build was loaded and answers."""
        self.watch = self._rules()

    # -- life --

    def start(self) -> None:
        """Read the histories, load the build, and begin to follow what changes outside.

        Raises:
            StorageError: the store is out of reach.
        """
        self.follower.begin()
        community = self.store.read()
        self.live.load(community)
        self.builds.load(community)
        self.keys.refresh()
        self.read_corrections()
        if self.builds.problem:
            _LOG.error("no build answers", extra={"told": {"why": self.builds.problem}})
        self._threads = [Thread(target=self.follower.run, name="penchant-follow", daemon=True)]
        if self.settings.language_model:
            self._threads.append(Thread(target=self._read_encoder, name="penchant-encoder", daemon=True))
        for thread in self._threads:
            thread.start()
        self.on_loaded()

    def stop(self) -> None:
        """Finish what has begun, write what waits, and let go of everything."""
        self._stopping = True
        self.follower.stop()
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
        """The key that a text stands for; those that are known count while a store that hangs is asked for news."""
        if self.keys.is_stale(text):
            known = self.keys.known(text) is not None
            under_way = self._refreshing is not None and not self._refreshing.done()
            if self._refreshing is None or not under_way:
                self._refreshing = asyncio.create_task(asyncio.to_thread(self.keys.refresh))
            if not (known and under_way):
                seconds = _NEWS_SECONDS if known else self.settings.limits.store_seconds
                await asyncio.wait([self._refreshing], timeout=seconds)
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
        plan: PlanAsked = "auto",
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
            plan: how much of their past counts: `auto` as the build's strategy for those who have changed says, where
                it learned one; `off` all of it; or a plan by name.

        Raises:
            NotBuiltError: there is no build.
        """
        chosen = self.builds.of(member_id)
        # Before the events: what is newer than its version is made once more, and nothing is kept that is older.
        version: object = self.live.caught_up(member_id)
        events = self.live.usable_events(member_id, again=False)
        if also is not None:
            events, version = pl.concat([events, also.select(events.columns)]).sort("at", maintain_order=True), None
        attention = self._attention(chosen.loaded, member_id, version, events, plan)
        ranking = chosen.loaded.recommend(
            events, k, lang=lang, member_id=member_id if member_id in self.live else None, version=version, text=text,
            exclude=exclude, reasons=reasons, attention=attention,
        )  # fmt: skip
        if also is None:
            self.metrics.show(ranking)
            if chosen.arm is not None and self.builds.trial is not None:
                self.exposures.note(self.builds.trial.name, member_id, chosen.arm)
        return ranking, chosen

    def reviews_of(self, member_id: str) -> list[dict[str, object]]:
        """What people answered in the console to questions about a member."""
        columns = tables.reviews.c
        query = select(columns.at, columns.kind, columns.decision, columns.said).where(
            columns.tenant == self.store.tenant, columns.member_id == member_id
        )
        with self.store.database.reading() as connection:
            return [{**row._mapping, "at": tables.moment(row.at)} for row in connection.execute(query)]

    def read_corrections(self) -> None:
        """Look up once more what people said of the builds' verdicts.

        Raises:
            StorageError: the store is out of reach.
        """
        self.corrections = Corrections.read(self.store)

    def whole(self) -> Community:
        """All that the store holds at this moment; slow."""
        return self.store.read()

    # -- inside --

    def _attention(
        self, loaded: Loaded, member_id: str, version: object, events: pl.DataFrame, plan: PlanAsked
    ) -> Attention | None:
        """How much of a member's past the next answer rests on; None for all of it."""
        drift = loaded.drift
        if plan == "off":
            return None
        if plan != "auto":
            return Attention(Plan(plan)) if drift is None else drift.following(Plan(plan))
        if drift is None or drift.acting is None or not len(events):
            return None
        said = loaded.drift_verdict(member_id, version, events.with_columns(member_id=pl.lit(member_id)))
        return said.attention if said is not None else None

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
                if self.builds.is_ready and not self._stopping:
                    self.builds.catch_up(self.whole())
            self.encoder = encoder
            _LOG.info("language model", extra={"told": {"name": name}})
        except Exception as error:
            self.encoder_problem = str(error)
            _LOG.error("no language model", extra={"told": {"why": str(error)}})
