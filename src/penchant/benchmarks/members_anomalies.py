"""`penchant bench members --protocol anomalies`: five kinds of anomaly planted in one member of a hundred."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.evaluation.cost import measured
from penchant.members.alarms import Oddity
from penchant.members.anomalies import AnomalyConfig, find_anomalies

SEEDS: Final = (0, 1, 2)
SHARE: Final = 0.01
"""Of members, planted with an anomaly."""
_ACTIVE: Final = 10
"""Active days, before anything is planted, of whoever is chosen: one without a past cannot leave it."""


@dataclass(frozen=True, eq=False)
class PlantedAnomalies:
    """A community with odd members, and what was planted."""

    community: Community
    kinds: dict[str, Oddity]
    """By member id."""
    events: dict[str, frozenset[tuple[str, float, str]]]
    """The planted events of each, by kind of event, time in seconds, and item."""


def run_anomalies(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Plant, find, and judge member by member.

    A member is found where an alarm of the planted kind names them; a false alarm is any alarm on a member in whom
    nothing was planted. Evidence is right where it names planted events. The baseline alarms on members whose day has
    more events than the mean and three standard deviations of all days; and on the same number of members as ours
    wrongly does.

    Args:
        data: the community to plant in; its own oddities, if any, count as false alarms.
        seeds: of the planting.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    rows: list[dict[str, float]] = []
    baseline: list[dict[str, float]] = []
    by_kind: dict[Oddity, list[tuple[bool, float]]] = {kind: [] for kind in Oddity}
    with measured() as cost:
        for seed in seeds:
            planted = plant(_community(data, seed), seed)
            found = find_anomalies(planted.community, AnomalyConfig())
            rows.append(_judged(planted, found.alarms, by_kind))
            baseline.append(_by_count(planted))
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="anomalies",
        metrics=figures(rows),
        baselines={"three standard deviations": figures(baseline)},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"by kind": [_kind_row(kind, found) for kind, found in by_kind.items() if found]},
    )


def plant(community: Community, seed: int, share: float = SHARE) -> PlantedAnomalies:
    """Plant the five kinds in a share of the members, as many of each; a ring is at least four members."""
    rng = np.random.default_rng(seed)
    events = community.with_ids("events")
    last = community.now
    assert last is not None
    past = events.filter(pl.col("at") < last - timedelta(days=80))
    counts = past.group_by("member_id").agg(pl.col("at").dt.date().n_unique().alias("days"))
    counts = counts.filter(pl.col("days") >= _ACTIVE).sort("member_id")
    wanted = max(5, round(share * len(community.members)))
    chosen = rng.permutation(counts["member_id"].to_numpy())[: max(wanted, 8)].tolist()
    ring = [chosen.pop() for _ in range(max(4, wanted // 5))]
    kinds: dict[str, Oddity] = dict.fromkeys(ring, Oddity.COPIES)
    others = (Oddity.BURST, Oddity.HOURS, Oddity.CHANGE, Oddity.REFUNDS)
    for place, member in enumerate(chosen[: max(4, wanted - len(ring))]):
        kinds[member] = others[place % 4]
    planters: dict[Oddity, Callable[..., pl.DataFrame]] = {
        Oddity.BURST: _flood, Oddity.HOURS: _night, Oddity.CHANGE: _takeover, Oddity.REFUNDS: _refunds,
    }  # fmt: skip
    parts, marked = [], {}
    onset = last - timedelta(days=float(rng.uniform(40, 60)))
    written = _ring_texts(len(ring), rng)
    praised = community.items["item_id"][int(rng.integers(len(community.items)))]
    for member, kind in kinds.items():
        own = events.filter(pl.col("member_id") == member).sort("at")
        acted = own.filter(pl.col("item_id").is_not_null())
        begin = last - timedelta(days=float(rng.uniform(20, 80)))
        if kind is Oddity.COPIES:
            at = onset + timedelta(days=float(rng.uniform(0, 6)))
            row = {
                "member_id": member,
                "item_id": praised,
                "kind": "review",
                "at": at,
                "amount": 5.0,
                "text": written.pop(),
            }
            added = _frame([row], events)
            kept = own
        else:
            added = planters[kind](acted, community, begin, rng)
            kept = own.filter(pl.col("at") < begin) if kind is Oddity.CHANGE else own
        parts.append(pl.concat([kept, added]))
        marked[member] = frozenset(
            (str(event_kind), at.timestamp(), item or "")
            for event_kind, at, item in added.select("kind", "at", "item_id").iter_rows()
        )
    rest = events.filter(~pl.col("member_id").is_in(list(kinds)))
    whole = pl.concat([rest, *parts]).filter(pl.col("at") <= last)
    return PlantedAnomalies(Community.from_tables(community.items, whole, community.members), kinds, marked)


def _community(data: str, seed: int) -> Community:
    name, _, count = data.partition(":")
    if name == "simulated":
        return simulate(SimulatedConfig(events=int(count or 30_000), anomaly_share=0, seed=1_000 + seed)).community
    return load(data)


def _frame(rows: list[dict[str, object]], like: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        [{name: row.get(name) for name in like.columns} for row in rows], schema=like.schema, orient="row"
    )


def _flood(own: pl.DataFrame, community: Community, begin: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """A script: within a few hours of a day two to four times as many events as all but one day in a thousand have."""
    start = begin.replace(hour=9, minute=0)
    ids, most = community.items["item_id"], max(40.0, _busy_day(community))
    rows = [
        {
            "member_id": own["member_id"][0],
            "item_id": ids[int(rng.integers(len(ids)))],
            "kind": "view",
            "at": start + timedelta(seconds=float(second)),
        }
        for second in np.sort(rng.uniform(0, 4 * 3600, int(rng.uniform(2, 4) * most)))
    ]
    return _frame(rows, own)


def _busy_day(community: Community) -> float:
    """Events of a member's day that one day in a thousand has more of."""
    days = community.events.group_by("member", pl.col("at").dt.date()).len()["len"]
    return float(np.quantile(days.to_numpy(), 0.999))


def _night(own: pl.DataFrame, community: Community, begin: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Twelve visits, as many as the member makes at once, at the hours when the community sleeps."""
    hours = np.bincount(community.events["at"].dt.hour().to_numpy(), minlength=24)
    quiet = np.argsort(hours)[:4]
    rows = []
    for day in np.sort(rng.choice(14, 10, replace=False)):
        hour = int(quiet[int(rng.integers(4))])
        start = (begin + timedelta(days=int(day))).replace(hour=hour, minute=int(rng.integers(40)))
        for turn in range(int(rng.integers(1, 4))):
            like = own.row(int(rng.integers(len(own))), named=True)
            rows.append(like | {"at": start + timedelta(minutes=turn), "text": None, "kind": "view", "amount": None})
    return _frame(rows, own)


def _takeover(own: pl.DataFrame, community: Community, begin: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Three weeks of a stranger in the account: other categories, and sums beyond any that the member ever spent."""
    most = float(own["amount"].fill_null(0).max() or 0) or 10.0  # type: ignore[arg-type]
    most = max(most, float(own.join(community.items, on="item_id")["price"].fill_null(0).max() or 0))  # type: ignore[arg-type]
    items = community.items.with_columns(pl.col("categories").list.first().str.split(" > ").list.first().alias("top"))
    usual = own.join(items.select("item_id", "top"), on="item_id")["top"].value_counts(sort=True)["top"].drop_nulls()
    strange = items.filter(~pl.col("top").is_in(usual.head(3).to_list()) & (pl.col("price").fill_null(1) > 0))
    if not len(strange):
        strange = items
    dear = strange.sort(pl.col("price").fill_null(0), descending=True).head(max(10, len(strange) // 5))
    rows = []
    for day in np.sort(rng.choice(21, 12, replace=False)):
        for _ in range(int(rng.integers(1, 4))):
            item = dear.row(int(rng.integers(len(dear))), named=True)
            at = begin + timedelta(days=int(day), minutes=float(rng.uniform(-60, 60)))
            amount = most * float(rng.uniform(2, 8))
            rows.append(
                {
                    "member_id": own["member_id"][0],
                    "item_id": item["item_id"],
                    "kind": "buy",
                    "at": at,
                    "amount": amount,
                }
            )
    return _frame(rows, own)


def _refunds(own: pl.DataFrame, community: Community, begin: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Ten purchases within three weeks, or more where busy days have more, of which nine in ten come back in days."""
    rows = []
    for turn in range(max(10, round(_busy_day(community) / 4))):
        like = own.row(int(rng.integers(len(own))), named=True)
        at = begin + timedelta(days=float(rng.uniform(0, 18)))
        bought = like | {"at": at, "kind": "buy", "amount": 20.0, "text": None}
        rows.append(bought)
        if turn % 10:
            rows.append(bought | {"at": at + timedelta(days=float(rng.uniform(0.2, 2))), "kind": "return"})
    return _frame(rows, own)


def _ring_texts(count: int, rng: np.random.Generator) -> list[str]:
    """One review that was bought, with a word changed here and there."""
    words = ["客服", "物流", "包装", "做工", "手感", "味道", "价格", "颜色"]
    base = "第二次回购了，全家都夸，{}没得挑，强烈推荐给身边的朋友们，真的是良心商家"
    return [base.format(words[int(rng.integers(len(words)))]) for _ in range(count)]


def _judged(
    planted: PlantedAnomalies, alarms: Sequence[object], by_kind: dict[Oddity, list[tuple[bool, float]]]
) -> dict[str, float]:
    from penchant.members.alarms import Alarm

    events = planted.community.with_ids("events")
    hit: dict[str, list[float]] = {}
    any_alarm: set[str] = set()
    false: set[str] = set()
    for alarm in alarms:
        assert isinstance(alarm, Alarm)
        kind = planted.kinds.get(alarm.member_id)
        if kind is None:
            false.add(alarm.member_id)
            continue
        any_alarm.add(alarm.member_id)
        if kind is alarm.kind:
            rows = events[list(alarm.events)].select("kind", "at", "item_id").iter_rows()
            named = [
                (str(event_kind), at.timestamp(), item or "") in planted.events[alarm.member_id]
                for event_kind, at, item in rows
            ]
            hit.setdefault(alarm.member_id, []).append(float(np.mean(named)) if named else 0.0)
    for member, kind in planted.kinds.items():
        by_kind[kind].append((member in hit, max(hit.get(member, [0.0]))))
    normal = len(planted.community.members) - len(planted.kinds)
    return {
        "anomaly_recall": len(hit) / len(planted.kinds),
        "anomaly_recall_any_kind": len(any_alarm) / len(planted.kinds),
        "false_alarm_rate": len(false) / normal,
        "evidence_precision": float(np.mean([max(shares) for shares in hit.values()])) if hit else 0.0,
    }


def _by_count(planted: PlantedAnomalies) -> dict[str, float]:
    days = planted.community.with_ids("events").group_by("member_id", pl.col("at").dt.date()).len()
    counts = days["len"].to_numpy()
    limit = float(counts.mean() + 3 * counts.std())
    most = days.group_by("member_id").agg(pl.col("len").max())
    named = set(most.filter(pl.col("len") > limit)["member_id"])
    normal = len(planted.community.members) - len(planted.kinds)
    return {
        "anomaly_recall": len(named & set(planted.kinds)) / len(planted.kinds),
        "false_alarm_rate": len(named - set(planted.kinds)) / normal,
    }


def _kind_row(kind: Oddity, found: Sequence[tuple[bool, float]]) -> dict[str, Cell]:
    shares = [share for was_hit, share in found if was_hit]
    return {
        "kind": kind.value,
        "planted": len(found),
        "recall": float(np.mean([was_hit for was_hit, _ in found])),
        "evidence planted": float(np.mean(shares)) if shares else None,
    }
