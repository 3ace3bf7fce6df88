"""`penchant bench social --protocol newcomers`: members held out whole, asked, and shown something."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.benchmarks.social_newcomer_figures import (
    ASKED,
    BASELINES,
    BY_INFORMATION,
    JUDGED_AT,
    POPULARITY,
    STEPS,
    Values,
    baseline,
    curve,
    difference,
    known_table,
    metrics,
)
from penchant.benchmarks.social_split import WEIGHTS, retagged
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.settings import settings
from penchant.social.graph import Graph, GraphConfig
from penchant.social.known import Known, NewcomersConfig
from penchant.social.newcomer_tuning import tuned
from penchant.social.newcomers import Newcomers
from penchant.social.rehearsal import (
    INFORMATIVE,
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
FEWEST: Final = 20
DESCRIBED: Final = 3
"""Tags that a line about oneself names."""


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
    per_seed: list[Values] = []
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
        metrics=figures([metrics(values) for values in per_seed]),
        baselines={name: figures([baseline(values, name) for values in per_seed]) for name in BASELINES},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {f"ndcg@10 after {steps}": difference(per_seed, steps, name) for steps in JUDGED_AT}
            for name in BASELINES
            if name not in (BY_INFORMATION, WITHOUT_LANGUAGE_MODEL)
        },
        tables={
            "ratio to popularity after each answer": curve(per_seed),
            "known from the start": known_table(per_seed),
            "settings": table,
        },
    )


def _seed(community: Community, seed: int, encoder: Encoder) -> tuple[Values, NewcomersConfig, float]:
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
    values = Values()
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
    newcomers: Newcomers, stand_ins: StandIns, place: int, nearness: Floats | None, values: Values, seed: int
) -> None:
    speaks = stand_ins.speaks[place][:, newcomers.items].tocsr()
    judged = columns_of(newcomers, stand_ins.judged, place)
    met = {
        name: interview(
            newcomers, speaks, Known(), STEPS, strategy=strategy, about=about,
            rng=np.random.default_rng((seed, place)),
        )
        for name, (strategy, about) in ASKED.items()
    }  # fmt: skip
    for steps in range(STEPS + 1):
        shut = np.unique(np.concatenate([one.asked(newcomers, steps) for one in met.values()])).astype(np.int64)
        values.add(f"{POPULARITY} {steps}", ndcg(newcomers.overall, judged, shut))
        for name, one in met.items():
            values.add(f"{name} {steps}", ndcg(newcomers.scores(_after(one, steps)), judged, shut))
    telling = newcomers.configured(newcomers.config.model_copy(update={"asked_by": "information"}))
    for name, one in (
        (INFORMATIVE, met[INFORMATIVE]),
        (BY_INFORMATION, interview(telling, speaks, Known(), max(JUDGED_AT))),
    ):
        for steps in JUDGED_AT:
            own = one.asked(newcomers, steps)
            values.add(f"{POPULARITY} beside {name} {steps}", ndcg(newcomers.overall, judged, own))
            values.add(f"{name} own {steps}", ndcg(newcomers.scores(_after(one, steps)), judged, own))
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
