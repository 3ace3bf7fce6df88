"""`penchant bench social --protocol scale`: an epoch of the network over sampled neighbours on a large community."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import BenchResult, Cell, figures
from penchant.benchmarks.scale import events_wanted, step
from penchant.data.community import Community
from penchant.evaluation.cost import measured
from penchant.social.config import NetworkConfig
from penchant.social.fitting import fit_network
from penchant.social.graph import Graph
from penchant.social.people import People
from penchant.social.texts import TextVectors
from penchant.training.options import Options

EVENTS_A_MEMBER: Final = 25
TIES_A_MEMBER: Final = 10
MEMBERS_AN_ITEM: Final = 4
TAGS: Final = 200
ALIKE: Final = 0.7
"""Share of events and ties within a member's own group."""
LATE: Final = 100
"""One event and one tie in so many come after the graph has been made, and the graph grows by them."""
JUDGED: Final = 500
"""Members whose best items are looked at, to see that an epoch has taught anything."""


def run_scale(data: str, seeds: Sequence[int]) -> BenchResult:
    """Train one epoch on a simulated community of so many events.

    Args:
        data: `simulated:N` with the number of events; 25 events and 10 ties a member, four members an item.
        seeds: the first is used.

    Raises:
        ConfigError: the data is not of that form.
    """
    events = events_wanted(data, 5_000_000)
    seed = seeds[0] if seeds else 0
    stages: list[dict[str, Cell]] = []
    with measured() as cost:
        with measured() as making:
            community = grouped(events // EVENTS_A_MEMBER, seed)
        stages.append(step("community", making))
        with measured() as building:
            graph = Graph.of(community)
        stages.append(step("graph", building))
        late = len(community.events) // LATE, len(community.ties) // LATE
        before = Graph.of(_without_last(community, *late))
        with measured() as growing:
            before.extended(community, events=community.events.tail(late[0]), ties=community.ties.tail(late[1]))
        stages.append(step("graph grown by a hundredth", growing))
        del before
        with measured() as epoch:
            config = NetworkConfig(sampling=True, epochs=1, candidates=2_000, members_at_once=1_024, hidden_ids=0)
            network = fit_network(graph, TextVectors.none(graph), config, Options(seed=seed))
        stages.append(step("epoch", epoch))
        rows = np.sort(np.random.default_rng(seed).choice(graph.member_count, JUDGED, replace=False))
        scores = network.score(People.members(graph, rows, TextVectors.none(graph).said))
        best = np.argpartition(-scores, 10, axis=1)[:, :10]
        share = float((best % TAGS == (rows % TAGS)[:, None]).mean())
    return BenchResult(
        name="social",
        data=data,
        protocol="scale",
        metrics=figures(
            [{"epoch_seconds": epoch.seconds, "epoch_peak_rss_mb": epoch.peak_rss_mb, "share_of_own_group@10": share}]
        ),
        baselines={"chance": figures([{"share_of_own_group@10": 1 / TAGS}])},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[seed],
        tables={
            "stages": stages,
            "size": [
                {
                    "members": graph.member_count,
                    "items": graph.item_count,
                    "events": len(community.events),
                    "ties": len(community.ties),
                }
            ],
        },
    )


def grouped(members: int, seed: int) -> Community:
    """A large community of groups: most events and ties stay within a member's own, popular items and hubs abound."""
    rng = np.random.default_rng(seed)
    items = max(TAGS, members // MEMBERS_AN_ITEM)
    fame = 1 / np.arange(1, items // TAGS + 1) ** 0.7
    fame /= fame.sum()
    owner = np.repeat(np.arange(members), EVENTS_A_MEMBER)
    group = np.where(rng.random(len(owner)) < ALIKE, owner % TAGS, rng.integers(TAGS, size=len(owner)))
    item = rng.choice(len(fame), len(owner), p=fame) * TAGS + group
    first = np.repeat(np.arange(members), TIES_A_MEMBER)
    near = rng.integers(max(members // TAGS, 1), size=len(first)) * TAGS + first % TAGS
    anyone = rng.integers(members, size=len(first))
    other = np.where(rng.random(len(first)) < ALIKE, np.minimum(near, members - 1), anyone)
    # One tie in a thousand leads to the first member of all, a hub.
    other[rng.random(len(first)) < 1e-3] = 0
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sizes = {"m": members, "i": items}
    names = {kind: pl.Series([f"{kind}{row}" for row in range(count)]) for kind, count in sizes.items()}
    return Community.from_tables(
        pl.DataFrame(
            {"item_id": names["i"], "title": names["i"], "tags": [[f"t{row % TAGS}"] for row in range(items)]}
        ),
        pl.DataFrame({"member_id": names["m"].gather(owner), "item_id": names["i"].gather(item)}).with_columns(
            kind=pl.lit("like"), at=pl.lit(start)
        ),
        pl.DataFrame({"member_id": names["m"]}),
        pl.DataFrame({"member_id": names["m"].gather(first), "other_id": names["m"].gather(other)}).with_columns(
            kind=pl.lit("follow")
        ),
    )


def _without_last(community: Community, events: int, ties: int) -> Community:
    return replace(community, events=community.events.head(-events), ties=community.ties.head(-ties))
