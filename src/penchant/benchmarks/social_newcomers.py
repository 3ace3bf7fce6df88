"""`penchant bench social --protocol newcomers`: members held out whole, asked, and shown something."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.benchmarks.social_split import WEIGHTS, retagged
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import measured
from penchant.settings import settings
from penchant.social.graph import Graph, GraphConfig
from penchant.social.known import Known, NewcomersConfig
from penchant.social.newcomer_tuning import tuned
from penchant.social.newcomers import Newcomers
from penchant.social.rehearsal import (
    INFORMATIVE,
    POPULAR,
    RANDOM,
    Interview,
    StandIns,
    columns_of,
    interview,
    ndcg,
    without_members,
)
from penchant.social.taste import Taste
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

SHARE: Final = 0.2
"""Of the members, held out."""
STEPS: Final = 8
JUDGED_AT: Final = (3, 5)
"""Answers after which the figures are taken."""
FEWEST: Final = 20
DESCRIBED: Final = 3
"""Tags that a line about oneself names."""
ITEMS_ALONE: Final = "adaptive, items alone"
RANDOM_TOPICS: Final = "random topics"
POPULARITY: Final = "popularity"

_ASKED: Final = {
    INFORMATIVE: (INFORMATIVE, "all"),
    ITEMS_ALONE: (INFORMATIVE, "items"),
    POPULAR: (POPULAR, "items"),
    RANDOM: (RANDOM, "items"),
    RANDOM_TOPICS: (RANDOM, "topics"),
}
"""Ways of asking: what decides the next question, and what it may be about."""


@dataclass
class _Values:
    """NDCG@10 by system, one value for each newcomer of each seed."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.found.setdefault(name, []).append(value)

    def mean(self, name: str) -> float:
        return float(np.nanmean(self.found[name]))

    def ratio(self, name: str, base: str) -> float:
        return self.mean(name) / max(self.mean(base), 1e-9)


def run_newcomers(data: str, seeds: Sequence[int]) -> BenchResult:
    """Hold a fifth of the members out whole, and meet them as newcomers.

    Half of what a newcomer likes answers the questions, with `like` or `don't know` and never `dislike`, and speaks for
    them where they describe themselves; the other half is judged, by NDCG@10 over the whole catalogue. After n answers,
    the items that any way of asking has asked about by then are neither shown nor judged, for any system, popularity
    too, so that all are compared on the same items. `newcomer_ratio@n` is the questionnaire's NDCG over popularity's;
    `own_ratio@n` the same where only what the questionnaire itself has asked about is left out.

    Nothing of a newcomer is known to what is learned: not their likes, not their ties, and tags that members wrote are
    counted without theirs. What ties and kinds weigh is found with other members who stand in for newcomers.

    Args:
        data: with likes, and ties if any.
        seeds: a repetition for each.

    Raises:
        TooLittleDataError: there are too few members to hold out.
    """
    per_seed: list[_Values] = []
    latencies: list[float] = []
    table: list[dict[str, Cell]] = []
    with measured() as cost:
        community = load(data)
        encoder = _encoder()
        for seed in seeds:
            values, config, seconds = _seed(community, seed, encoder)
            per_seed.append(values)
            latencies.append(seconds)
            table.append(
                {
                    "seed": seed,
                    "newcomers": len(values.found[f"{POPULARITY} 0"]),
                    "kind weight": config.kind_weight,
                    "tie weight": config.tie_weight,
                    "tie prior": config.tie_prior,
                    "answer ms": round(1000 * seconds, 2),
                }
            )
    return BenchResult(
        name="social",
        data=data_name(data),
        protocol="newcomers",
        metrics=figures([_metrics(values) for values in per_seed]),
        baselines={name: figures([_baseline(values, name) for values in per_seed]) for name in _BASELINES},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {f"ndcg@10 after {steps}": _difference(per_seed, steps, name) for steps in JUDGED_AT}
            for name in _BASELINES
            if name != WITHOUT_LANGUAGE_MODEL
        },
        tables={
            "ratio to popularity after each answer": _curve(per_seed),
            "known from the start": _known_table(per_seed),
            "settings": table,
        },
    )


_BASELINES: Final = (POPULARITY, ITEMS_ALONE, POPULAR, RANDOM, RANDOM_TOPICS, WITHOUT_LANGUAGE_MODEL)


def _metrics(values: _Values) -> dict[str, float]:
    found = _ratios(values, INFORMATIVE)
    for name in ("ties", "words"):
        found[f"newcomer_ratio@{name}"] = values.ratio(f"known {name}", f"base {name}")
    for steps in JUDGED_AT:
        found[f"own_ratio@{steps}"] = values.ratio(f"{INFORMATIVE} own {steps}", f"{POPULARITY} own {steps}")
    return found


def _baseline(values: _Values, name: str) -> dict[str, float]:
    """The same keys for another way of asking; without the language model words say nothing, all else is the same."""
    if name == WITHOUT_LANGUAGE_MODEL:
        return {key: value for key, value in _metrics(values).items() if not key.endswith("words")}
    return _ratios(values, name)


def _ratios(values: _Values, name: str) -> dict[str, float]:
    return {f"newcomer_ratio@{steps}": values.ratio(f"{name} {steps}", f"{POPULARITY} {steps}") for steps in JUDGED_AT}


def _curve(per_seed: Sequence[_Values]) -> list[dict[str, Cell]]:
    return [
        {
            "answers": steps,
            **{
                name: round(
                    float(np.mean([values.ratio(f"{name} {steps}", f"{POPULARITY} {steps}") for values in per_seed])), 3
                )
                for name in _ASKED
            },
        }
        for steps in range(STEPS + 1)
    ]


def _known_table(per_seed: Sequence[_Values]) -> list[dict[str, Cell]]:
    names = [name.removeprefix("known ") for name in per_seed[0].found if name.startswith("known ")]
    return [
        {
            "known": name,
            "ndcg@10": round(float(np.mean([values.mean(f"known {name}") for values in per_seed])), 4),
            "ratio to popularity": round(
                float(np.mean([values.ratio(f"known {name}", f"base {name}") for values in per_seed])), 3
            ),
        }
        for name in names
    ]


def _difference(per_seed: Sequence[_Values], steps: int, name: str) -> Difference:
    ours = np.concatenate([values.found[f"{INFORMATIVE} {steps}"] for values in per_seed])
    theirs = np.concatenate([values.found[f"{name} {steps}"] for values in per_seed])
    judged = np.isfinite(ours) & np.isfinite(theirs)
    return paired_difference(ours[judged], theirs[judged])


def _seed(community: Community, seed: int, encoder: Encoder) -> tuple[_Values, NewcomersConfig, float]:
    options = Options(seed=seed)
    everyone = Graph.of(community, GraphConfig(event_weights=WEIGHTS))
    if not everyone.events.nnz:
        everyone = Graph.of(community)
    stand_ins = StandIns.drawn(everyone.events, everyone.ties, SHARE, np.random.default_rng((seed, 1)))
    if len(stand_ins) < FEWEST:
        raise TooLittleDataError(f"{len(stand_ins)} members can be held out as newcomers; at least {FEWEST} are needed")
    rest_of = _without_words(community, stand_ins.rows)
    rest = without_members(Graph.of(rest_of, everyone.config), stand_ins.rows)
    config = tuned(rest, NewcomersConfig(), options)
    newcomers = Newcomers.fit(rest, config, options)
    texts = TextVectors.read(rest_of, rest, encoder)
    said = _described(rest, stand_ins, encoder, texts)
    values = _Values()
    for place in range(len(stand_ins)):
        _meet(newcomers, stand_ins, place, newcomers.nearness(texts.items, said[place]), values, seed)
    return values, config, _latency(newcomers, stand_ins)


def _without_words(community: Community, members: Rows) -> Community:
    """The community without anything that some members did or wrote; tags that members wrote are counted anew."""
    left = community.events.filter(~pl.col("member").is_in(members.astype(np.uint32).tolist()))
    texts = left.filter(pl.col("kind") == EventKind.REVIEW.value)
    return replace(community, items=retagged(community, texts)).with_events(left)


def _described(graph: Graph, stand_ins: StandIns, encoder: Encoder, texts: TextVectors) -> Floats:
    """(stand-ins, width) what each would say of themselves: the tags that mark the half of their likes that speaks."""
    taste = Taste.of(stand_ins.speaks, graph.tags)
    lines = []
    for place in range(len(stand_ins)):
        own = taste.tags[place]
        best = own.indices[np.argsort(-own.data, kind="stable")[:DESCRIBED]]
        lines.append(", ".join(graph.tag_names[tag] for tag in best))
    distinct = sorted({line for line in lines if line})
    vectors = {line: texts.of_words(encoder, [line]) for line in distinct}
    nothing = np.zeros(texts.width, dtype=np.float32)
    return np.stack([vectors.get(line, nothing) for line in lines])


def _meet(
    newcomers: Newcomers, stand_ins: StandIns, place: int, nearness: Floats | None, values: _Values, seed: int
) -> None:
    speaks = stand_ins.speaks[place][:, newcomers.items].tocsr()
    judged = columns_of(newcomers, stand_ins.judged, place)
    met = {
        name: interview(
            newcomers, speaks, Known(), STEPS, strategy=strategy, about=about,
            rng=np.random.default_rng((seed, place)),
        )
        for name, (strategy, about) in _ASKED.items()
    }  # fmt: skip
    for steps in range(STEPS + 1):
        shut = np.unique(np.concatenate([one.asked(newcomers, steps) for one in met.values()])).astype(np.int64)
        values.add(f"{POPULARITY} {steps}", ndcg(newcomers.overall, judged, shut))
        for name, one in met.items():
            values.add(f"{name} {steps}", ndcg(newcomers.scores(_after(one, steps)), judged, shut))
    for steps in JUDGED_AT:
        own = met[INFORMATIVE].asked(newcomers, steps)
        values.add(f"{POPULARITY} own {steps}", ndcg(newcomers.overall, judged, own))
        scores = newcomers.scores(_after(met[INFORMATIVE], steps))
        values.add(f"{INFORMATIVE} own {steps}", ndcg(scores, judged, own))
    friends = stand_ins.friends(place)
    for name, known, steps in (
        ("ties", Known(friends=friends), 0),
        ("words", Known(nearness=nearness), 0),
        ("ties and words", Known(friends=friends, nearness=nearness), 0),
        ("ties and 3 answers", Known(friends=friends), 3),
        ("ties and 5 answers", Known(friends=friends), 5),
        ("all", Known(friends=friends, nearness=nearness), 5),
    ):
        asked = interview(newcomers, speaks, known, steps).known[-1]
        shut = newcomers.asked_items(asked)
        values.add(f"known {name}", ndcg(newcomers.scores(asked), judged, shut))
        values.add(f"base {name}", ndcg(newcomers.overall, judged, shut))


def _after(one: Interview, steps: int) -> Known:
    return one.known[min(steps, len(one.known) - 1)]


def _latency(newcomers: Newcomers, stand_ins: StandIns) -> float:
    """Seconds to the first question and the first list of somebody with ties: the median over some newcomers."""
    taken = []
    for place in range(min(50, len(stand_ins))):
        with measured() as cost:
            known = Known(friends=stand_ins.friends(place))
            newcomers.next_question(known)
            newcomers.scores(known)
        taken.append(cost.seconds)
    return float(np.median(taken))


def _encoder() -> Encoder:
    from penchant.text import CachedEncoder, load_encoder

    return CachedEncoder(load_encoder(), settings().cache / "vectors")
