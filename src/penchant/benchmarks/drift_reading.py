"""What a language model that reads the windows adds to the statistics: `penchant bench drift --protocol reading`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.interactions import histories
from penchant.data.public import load
from penchant.drift.calibration import blend
from penchant.drift.injection import InjectionConfig, Streams, inject, parts
from penchant.drift.learning import HELD, NEAR, LearnConfig, Learned, learn
from penchant.drift.reading import Reader, ReadingConfig
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import statistic_difference
from penchant.evaluation.classification import auc
from penchant.evaluation.cost import measured
from penchant.text.transformer import load_encoder
from penchant.training.options import Options
from penchant.vectors import Floats

SEEDS: Final = (0,)
ASKED: Final = 1_200
"""Windows of the validation and of the test part that are read, as many changed as not."""
READER: Final = "reader alone"


def run_reading(
    data: str, config: InjectionConfig, seeds: Sequence[int] | None = None, reading: ReadingConfig | None = None
) -> BenchResult:
    """AUC of trees on statistics without any text, of a tuned reader, and of their blend, on the same test windows.

    The reader is tuned on streams of the training members, with the levels of shift and surprise that trees gave which
    had not seen the member; the blend's weights come from validation windows.
    """
    chosen = tuple(SEEDS if seeds is None else seeds)
    systems: dict[str, list[dict[str, float]]] = {}
    rows: list[dict[str, Cell]] = []
    answers: list[tuple[NDArray[np.bool_], Floats, Floats, NDArray[np.int64]]] = []
    with measured() as cost:
        community = load(data)
        seen = histories(community)
        encoder = load_encoder()
        for seed in chosen:
            options = Options(seed=seed, threads=1)
            train, validation, test = parts(np.arange(len(seen)), seed)
            learned = learn(
                community, seen, train, LearnConfig(streams=config.model_copy(update={"draws": 2})), options,
                questions=(NEAR, HELD),
            )  # fmt: skip
            streams = learned.held_out
            if streams is None:
                raise TooLittleDataError("the streams learned from were not kept")
            inputs = np.stack([learned.held_out_odds[HELD], _surprise(learned.held_out_surprise)], axis=2)
            reader = Reader(community, reading)
            asked = (streams.near | streams.quiet) & ~np.isnan(inputs).any(axis=2)
            reader.fit(encoder, streams.items, streams.near, asked, inputs, options)
            topics = sp.csr_matrix(learned.views.topics)
            rng = np.random.default_rng(seed)
            told = []
            for salt, part in ((1, validation), (2, test)):
                planted = inject(seen, part, config, seed=seed * 31 + salt, item_topics=topics)
                told.append(_read(learned, reader, planted, rng))
            (yes, trees, read, _), (asked_yes, asked_trees, asked_read, owners) = told
            offset, first, second = blend(trees, read, yes)
            both = offset + first * asked_trees + second * asked_read
            for name, scores in (
                ("penchant", both), (WITHOUT_LANGUAGE_MODEL, asked_trees), (READER, asked_read),
            ):  # fmt: skip
                systems.setdefault(name, []).append({"auc": auc(asked_yes, scores)})
            rows.append({"seed": seed, "weight of the statistics": first, "weight of the reader": second})
            answers.append((asked_yes, both.astype(np.float32), asked_trees, owners + 1_000_000 * seed))
    yes_all, both_all, trees_all, owner_all = (np.concatenate(column) for column in zip(*answers, strict=True))
    difference = statistic_difference(
        lambda answer, one, two: auc(answer, one) - auc(answer, two), yes_all, both_all, trees_all,
        groups=owner_all, draws=500,
    )  # fmt: skip
    ours = systems.pop("penchant")
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol="reading",
        metrics=figures(ours),
        baselines={name: figures(found) for name, found in systems.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(chosen),
        differences={WITHOUT_LANGUAGE_MODEL: {"auc": difference}},
        tables={"weights of the blend": rows},
    )


def _read(
    learned: Learned, reader: Reader, streams: Streams, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats, Floats, NDArray[np.int64]]:
    """Answers, odds of the trees and of the reader, and members, of windows drawn at random."""
    table, *_ = learned.table(streams.items)
    near, held = learned.odds(table, NEAR), learned.odds(table, HELD)
    known = (streams.near | streams.quiet) & ~np.isnan(near)
    chosen = np.zeros_like(known)
    for answer in (True, False):
        places = np.flatnonzero((known & (streams.near == answer)).ravel())
        chosen.ravel()[rng.choice(places, min(len(places), ASKED // 2), replace=False)] = True
    texts = reader.texts(streams.items, chosen, np.stack([held, _surprise(learned.surprise_of(table))], axis=2))
    owners = np.broadcast_to(streams.members[:, None], chosen.shape)[chosen]
    return streams.near[chosen], near[chosen], reader.odds(texts), owners


def _surprise(found: Floats | None) -> Floats:
    assert found is not None
    return np.nan_to_num(found)
