"""What the service measures of itself, for Prometheus."""

import os
from collections import Counter as Tally
from collections import deque
from threading import Lock
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from penchant.data.verdicts import Ranking
from penchant.language import Phrase
from penchant.recommend import strategies

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SHOWN_KEPT: Final = 20_000
"""Items last shown, from which coverage and popularity are told."""

_KINDS: Final[tuple[tuple[str, tuple[Phrase, ...]], ...]] = (
    ("popular", (strategies.NO_EVENTS, strategies.NOTHING_KNOWN, strategies.SAYS_NOTHING)),
    ("words", (strategies.BY_WORDS, strategies.WORDS_AND)),
    ("text", (strategies.BY_TEXT, strategies.BY_DESCRIPTION)),
    ("nothing", (strategies.NOTHING_LEFT, strategies.NO_COMPANIONS, strategies.NO_NEIGHBOURS)),
    ("blend", (strategies.BLEND,)),
    ("behaviour", (strategies.BEHAVIOUR, strategies.BY_MEMBERS, strategies.BY_TOGETHER)),
)
_BEGINNINGS: Final = tuple(
    (text.partition("{")[0], name) for name, phrases in _KINDS for phrase in phrases for text in phrase
)
"""What stands before the first thing filled in."""


def strategy_name(strategy: str) -> str:
    """The kind of a strategy's sentence, few enough to count by.

    >>> strategy_name(strategies.NO_EVENTS("zh")), strategy_name("pins: 2; behaviour: 3 events")
    ('popular', 'other')
    """
    return next((name for begin, name in _BEGINNINGS if begin and strategy.startswith(begin)), "other")


class Metrics:
    """Counters, gauges and histograms of one service.

    With several workers, each adds to files in the folder that `PROMETHEUS_MULTIPROC_DIR` names, and any of them tells
    of all.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        live = {**own, "multiprocess_mode": "livesum"}
        newest = {**own, "multiprocess_mode": "livemax"}
        self.seconds = Histogram(
            "penchant_request_seconds", "Time of requests", ["route", "strategy"], buckets=SECONDS, **own
        )
        self.requests = Counter("penchant_requests", "Requests", ["route", "status"], **own)
        self.events = Counter("penchant_events", "Events acknowledged", ["outcome"], **own)
        self.waiting = Gauge("penchant_waiting", "Requests that wait or are worked on", ["lane"], **live)
        self.build_age = Gauge("penchant_build_age_seconds", "Age of the build that answers", **newest)
        self.build = Gauge("penchant_build_version", "Version of the build that answers", **newest)
        self.ready = Gauge("penchant_ready", "Whether a build answers and the store takes writes", **live)
        self.alerts = Gauge("penchant_alerts_open", "Alerts that nobody has settled", **newest)
        self.drifting = Gauge("penchant_drifting_members", "Members whose interest has changed", **newest)
        self.members = Gauge("penchant_members", "Members known", **newest)
        self.coverage = Gauge("penchant_shown_coverage", "Share of the catalogue among the items last shown", **newest)
        self.popularity = Gauge(
            "penchant_shown_popularity", "Share of the tenth most shown items among all items last shown", **newest
        )
        self._shown: deque[str] = deque(maxlen=_SHOWN_KEPT)
        self._lock = Lock()

    def show(self, ranking: Ranking) -> None:
        """Remember what was shown, for coverage and popularity."""
        with self._lock:
            self._shown.extend(pick.item_id for pick in ranking)

    def tell_shown(self, catalogue: int) -> None:
        """Work out coverage and popularity of what was shown lately.

        Args:
            catalogue: how many items may be shown.
        """
        with self._lock:
            tally = Tally(self._shown)
        if not tally:
            return
        counts = sorted(tally.values(), reverse=True)
        top = counts[: max(1, len(counts) // 10)]
        self.coverage.set(len(counts) / max(catalogue, 1))
        self.popularity.set(sum(top) / sum(counts))

    def text(self) -> bytes:
        """All figures in the format that Prometheus reads."""
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = CollectorRegistry()
            MultiProcessCollector(registry)
            return generate_latest(registry)
        return generate_latest(self.registry)

    def value(self, name: str) -> float | None:
        """The sum of a metric over its labels, for alert rules; None where there is none of that name."""
        found = [sample.value for metric in self.registry.collect() for sample in metric.samples if sample.name == name]
        return sum(found) if found else None
