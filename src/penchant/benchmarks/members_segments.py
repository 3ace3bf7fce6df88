"""`penchant bench members`, protocols `segments`, `planted` and `scale`: how firm segments stand, what they tell."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.evaluation.cost import measured
from penchant.members.anomalies import find_anomalies
from penchant.members.naming import title_words
from penchant.members.profiles import Profiles
from penchant.members.profiling import profiles
from penchant.members.refreshing import refreshed
from penchant.members.rfm import rfm
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.settings import settings
from penchant.training.options import Options
from penchant.vectors import Floats

SEEDS: Final = (0, 1, 2)
TOPICS: Final = 20
"""Groups of items by their texts, which stand for categories where items have none."""
RFM: Final = "RFM cells, as many"
_PRIOR: Final = 1.0


def run_segments(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Segments of a community: stability under resampling, sizes, and what they tell of tastes that were held out.

    Each member's events are parted in two at random: segments are made of one half, and each segment's mixture of
    categories must foresee the other half of its members' events (log-likelihood an event, of members who were not
    counted into the mixture). RFM cells, as many and grouped from the same half, are the baseline. Where items have no
    categories, groups of their texts stand for them, the same for all systems.
    """
    from penchant.text import CachedEncoder, load_encoder

    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    table: list[dict[str, Cell]] = []
    with measured() as cost:
        community = load(data)
        vectors = CachedEncoder(load_encoder(), settings().cache / "vectors").encode(community.item_texts)
        for seed in seeds:
            segmenter = _fitted(community, vectors, seed)
            assert segmenter.segments is not None
            if not table:
                table = _told(segmenter)
            ours = _against(community, vectors, seed)
            sizes = [segment.share for segment in segmenter.segments]
            ours["penchant"] |= {
                "segment_ari": segmenter.segments.stability,
                "segments": float(len(sizes)),
                "largest": max(sizes),
                "smallest": min(sizes),
                "segment_gain": ours["penchant"]["likelihood"] - ours[RFM]["likelihood"],
            }
            for name, one in ours.items():
                found.setdefault(name, []).append(one)
    mine = found.pop("penchant")
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="segments",
        metrics=figures(mine),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"segments": table},
    )


def run_planted(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Segments planted in simulated communities: adjusted Rand index against them; 200 events a member.

    The naive baseline is k-means over RFM with the right number of groups; the oracle knows the true mixtures of
    categories and hours of each segment, and gives each member the likeliest.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {"penchant": [], "naive: k-means over RFM": [], "oracle": []}
    with measured() as cost:
        for seed in seeds:
            simulated = simulate(SimulatedConfig(events=160_000, members=800, seed=seed, language="zh", drift_share=0))
            truth = simulated.answers.members["segment"].to_numpy()
            made = profiles(simulated.community)
            segments = Segmenter(SegmentConfig(least=4)).fit(made, Options(seed=seed)).segments
            assert segments is not None
            known = segments.of_member >= 0
            cells = np.stack([rfm(made).recency, rfm(made).frequency, rfm(made).money], axis=1)
            naive = KMeans(len(np.unique(truth)), n_init=10, random_state=seed).fit_predict(cells)
            for name, groups in (
                ("penchant", segments.of_member[known]),
                ("naive: k-means over RFM", naive[known]),
                ("oracle", _oracle(made, truth)[known]),
            ):
                score = float(adjusted_rand_score(truth[known], groups))
                found[name].append({"segment_ari": score, "segments": float(len(np.unique(groups)))})
    mine = found.pop("penchant")
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="planted",
        metrics=figures(mine),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
    )


def run_scale(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Seconds of profiles, segments and anomalies: of `simulated:1000000`, ten events a member, or of any community.

    `refresh_s` is for profiles that go on after the last thousandth of the events came; `anomalies_s` for every day.
    """
    with measured() as cost:
        name, _, events = data.partition(":")
        community = (
            simulate(SimulatedConfig(events=int(events), members=int(events) // 10)).community
            if name == "simulated" and events
            else load(data)
        )
        found = {}
        started = time.perf_counter()
        made = profiles(community)
        found["profiles_s"] = time.perf_counter() - started
        earlier = community.with_events(community.events.head(len(community.events) * 999 // 1_000))
        before = profiles(earlier, shares=made.shares)
        late = community.member_ids.decode(community.events["member"][len(earlier.events) :].unique()).to_list()
        started = time.perf_counter()
        refreshed(before, community, late)
        found |= {"refresh_s": time.perf_counter() - started, "refreshed": float(len(late))}
        started = time.perf_counter()
        Segmenter().fit(made, Options(seed=0))
        found["segments_s"] = time.perf_counter() - started
        with measured() as own:
            days = find_anomalies(community).days
        found |= {"anomalies_s": own.seconds, "anomalies_peak_mb": own.peak_rss_mb, "anomaly_days": float(days)}
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="scale",
        metrics=figures([found | {"members": float(len(made))}]),
        baselines={},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[0],
    )


def _fitted(community: Community, vectors: Floats | None, seed: int) -> Segmenter:
    made = profiles(community, item_vectors=vectors)
    known = community.events.drop_nulls("item")
    content = title_words(
        community.titles,
        known["member"].to_numpy().astype(np.int64),
        known["item"].to_numpy().astype(np.int64),
        len(made),
    )
    return Segmenter().fit(made, Options(seed=seed), content=content)


def _told(segmenter: Segmenter) -> list[dict[str, Cell]]:
    assert segmenter.segments is not None
    return [
        {
            "name": segment.name.en,
            "名称": segment.name.zh,
            "members": segment.size,
            "mean spend": round(segment.spend, 2),
            "share of spend": round(segment.spend_share, 3),
            "what sets it apart": segment.told.en,
        }
        for segment in segmenter.segments
    ]


def _against(community: Community, vectors: Floats, seed: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    events = community.events.filter(pl.col("item").is_not_null())
    first = rng.random(len(events)) < 0.5
    half = community.with_events(events.filter(first))
    topics = KMeans(TOPICS, n_init=3, random_state=0).fit_predict(vectors)
    counts = [_counted(part, topics, len(community.members)) for part in (events.filter(first), events.filter(~first))]
    segmenter = _fitted(half, vectors, seed)
    without = _fitted(half, None, seed)
    assert segmenter.segments is not None
    assert without.segments is not None
    cells = rfm(profiles(half))
    numbers = np.stack([cells.recency, cells.frequency, cells.money], axis=1)
    known = segmenter.segments.of_member >= 0
    as_many = np.full(len(known), -1)
    many = KMeans(max(len(segmenter.segments), 2), n_init=10, random_state=seed).fit_predict(numbers[known])
    as_many[known] = many
    groups = {
        "penchant": segmenter.segments.of_member,
        WITHOUT_LANGUAGE_MODEL: without.segments.of_member,
        RFM: as_many,
    }
    return {name: {"likelihood": _likelihood(group, counts[0], counts[1], rng)} for name, group in groups.items()}


def _counted(events: pl.DataFrame, topics: NDArray[np.int64], members: int) -> NDArray[np.float64]:
    counts = np.zeros((members, TOPICS))
    np.add.at(counts, (events["member"].to_numpy(), topics[events["item"].to_numpy()]), 1.0)
    return counts


def _likelihood(
    groups: NDArray[np.int64] | NDArray[np.int32],
    seen: NDArray[np.float64],
    held_out: NDArray[np.float64],
    rng: np.random.Generator,
) -> float:
    """Mean log-likelihood of a held-out event under the mixture of the others of its member's group, in five folds."""
    fold = rng.integers(5, size=len(groups))
    total = count = 0.0
    for turn in range(5):
        for group in np.unique(groups[groups >= 0]):
            mixture = seen[(groups == group) & (fold != turn)].sum(axis=0) + _PRIOR
            asked = held_out[(groups == group) & (fold == turn)].sum(axis=0)
            total += float((asked * np.log(mixture / mixture.sum())).sum())
            count += float(asked.sum())
    return total / max(count, 1.0)


def _oracle(made: Profiles, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """The likeliest segment of each member, by the true mixtures of categories and of hours."""
    events = np.nan_to_num(made.column("events").astype(np.float64))[:, None]
    days = np.nan_to_num(made.column("active_days").astype(np.float64))[:, None]
    total = np.log(np.bincount(truth) / len(truth))[None, :].repeat(len(truth), axis=0)
    # Visits keep to an interest, so that their events are worth a few independent looks, and not as many as they are.
    for prefix, weight in (("share:", 0.1 * events), ("hour:", days)):
        names = [name for name in made.names if name.startswith(prefix)]
        counts = np.nan_to_num(np.stack([made.column(name) for name in names], axis=1).astype(np.float64)) * weight
        mixtures = np.stack([counts[truth == segment].sum(axis=0) + 1 for segment in range(truth.max() + 1)])
        total = total + counts @ np.log(mixtures / mixtures.sum(axis=1, keepdims=True)).T
    return total.argmax(axis=1)
