"""`penchant bench drift --protocol scale`: how long a scan of very many members takes, and one verdict.

Verdicts are asked one by one as an answer of the service asks them: with the plan that follows for those of whom a
lasting change is told.
"""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import BenchResult, Cell, figures
from penchant.benchmarks.scale import events_wanted, step
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.drift.acting import learn_acting
from penchant.drift.recipe import train
from penchant.drift.whole import Drift, DriftConfig
from penchant.evaluation.cost import measured
from penchant.training.options import Options
from penchant.vectors import Rows

EVENTS_A_MEMBER: Final = 100
SUBJECTS: Final = 40
ITEMS_A_SUBJECT: Final = 500
LEARNED_FROM: Final = 400
"""Members whom the judge learns from."""
CHANGED: Final = 0.02
"""Share of the members who change, two windows before their last event."""
OWN: Final = 0.8
"""Share of a member's events within their own subject."""
ASKED: Final = 50
"""Members of either kind, changed and not, judged one by one."""
_START: Final = 1_735_689_600


def run_scale(data: str, seeds: Sequence[int] | None) -> BenchResult:
    """Learn a judge from some members of a simulated community, and scan all of them.

    Args:
        data: `simulated:N` with the number of events, a hundred a member.
        seeds: the first is used.

    Raises:
        ConfigError: the data is not of that form.
    """
    events = events_wanted(data, 10_000_000)
    seed = seeds[0] if seeds else 0
    stages: list[dict[str, Cell]] = []
    with measured() as cost:
        with measured() as making:
            community, changed = wandering(events // EVENTS_A_MEMBER, seed)
        stages.append(step("community", making))
        options = Options(seed=seed, threads=1, progress=False)
        some = community.with_events(community.events.filter(pl.col("member") < LEARNED_FROM))
        with measured() as learning:
            judge = train(some, options=options)
        stages.append(step("judge", learning))
        with measured() as trying:
            acting = learn_acting(some, judge, DriftConfig().strategy, options)
        stages.append(step("plans", trying))
        with measured() as scanning:
            scan = judge.scan(community)
        stages.append(step("scan", scanning))
        drift = Drift(DriftConfig(), community, judge, pl.DataFrame(), acting=acting)
        steady = np.setdiff1d(scan.members[-3 * ASKED :], changed)
        times = {name: _milliseconds(drift, rows[-ASKED:]) for name, rows in (("", steady), ("_changed", changed))}
    hits = int(scan.alarms[changed].sum())
    alarms = int(scan.alarms.sum())
    ours = {
        "scan_seconds": scanning.seconds,
        "events_a_second": len(community.events) / scanning.seconds,
        "peak_rss_mb": scanning.peak_rss_mb,
        **{f"verdict_ms{name}": ms for name, ms in times.items()},
        "recall": hits / max(len(changed), 1),
        "false_discoveries": (alarms - hits) / max(alarms, 1),
    }
    return BenchResult(
        name="drift",
        data=data,
        protocol="scale",
        metrics=figures([ours]),
        baselines={
            "alarm always": figures([{"recall": 1.0, "false_discoveries": 1 - len(changed) / len(scan.alarms)}])
        },
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[seed],
        tables={"stages": stages, "size": [{"members": len(scan.members), "events": len(community.events)}]},
    )


def _milliseconds(drift: Drift, rows: Rows) -> float:
    """What a verdict on one member takes, the median of some."""
    # Whoever is asked first waits for what is made once.
    drift.verdict(drift.community.member_ids.id(0))
    times = []
    for row in rows.tolist():
        began = time.perf_counter()
        drift.verdict(drift.community.member_ids.id(row))
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


def wandering(members: int, seed: int) -> tuple[Community, np.ndarray]:
    """A community whose members keep to a subject each, and rows of the few who have lately turned to another."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(members, dtype=np.uint32), EVENTS_A_MEMBER)
    place = np.tile(np.arange(EVENTS_A_MEMBER), members)
    subject = owner % SUBJECTS
    changed = rng.random(members) < CHANGED
    late = changed[owner] & (place >= EVENTS_A_MEMBER - 20)
    subject = np.where(late, (subject + 1 + owner // SUBJECTS % (SUBJECTS - 1)) % SUBJECTS, subject)
    subject = np.where(rng.random(len(owner)) < OWN, subject, rng.integers(SUBJECTS, size=len(owner)))
    fame = 1 / np.arange(1, ITEMS_A_SUBJECT + 1) ** 0.7
    item = subject * ITEMS_A_SUBJECT + rng.choice(ITEMS_A_SUBJECT, len(owner), p=fame / fame.sum())
    count = SUBJECTS * ITEMS_A_SUBJECT
    names = pl.Series([f"i{row}" for row in range(count)])
    ids = pl.Series([f"m{row:06}" for row in range(members)])
    at = pl.Series((_START + place.astype(np.int64) * 86_400) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    community = Community.from_tables(
        pl.DataFrame(
            {
                "item_id": names,
                "title": names,
                "categories": [[f"s{row // ITEMS_A_SUBJECT:02}"] for row in range(count)],
            }
        ),
        pl.DataFrame({"member_id": ids.gather(owner), "item_id": names.gather(item), "at": at}).with_columns(
            kind=pl.lit(EventKind.VIEW.value)
        ),
        pl.DataFrame({"member_id": ids}),
    )
    return community, np.flatnonzero(changed)
