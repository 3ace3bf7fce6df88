"""`penchant bench drift --protocol continual-labels`: a labeller brought up to new labels, and what it still knows."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.labelled import PathTexts
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, data_name, figures
from penchant.errors import TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.updating import update
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows

SEEDS: Final = (0, 1, 2)
OLD: Final = 2_000
"""Texts of the old labels to learn from."""
NEW: Final = 400
"""Texts of the new labels that come in."""
TEST: Final = 1_000
"""Texts of either to judge by."""


def run_labels(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Learn two thirds of the labels; then texts of the others come in, and the labeller is updated with rehearsal.

    Beside it: trained anew on everything, updated without rehearsal, and left alone.

    Raises:
        TooLittleDataError: the labels are fewer than three, or their texts too few.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    with measured() as cost:
        texts, encoder = PathTexts.of(data), kept_encoder(64)
        for seed in seeds:
            for name, one in _compared(texts, seed, encoder).items():
                found.setdefault(name, []).append(one)
            found.setdefault(WITHOUT_LANGUAGE_MODEL, []).append(_compared(texts, seed, None)["penchant"])
    ours = found.pop("penchant")
    for place, mine in enumerate(ours):
        anew, before = found["trained anew"][place], found["left alone"][place]
        mine["new_against_anew"] = mine["new_accuracy"] / max(anew["new_accuracy"], 1e-9)
        mine["time_against_anew"] = mine["seconds"] / anew["seconds"]
        mine["old_against_before"] = mine["old_accuracy"] / max(before["old_accuracy"], 1e-9)
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol="continual-labels",
        metrics=figures(ours),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
    )


def _compared(texts: PathTexts, seed: int, encoder: Encoder | None) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.unique(texts.tops))
    first = labels[: max(1, len(labels) * 2 // 3)]
    is_old = np.isin(texts.tops, first)
    old, new = rng.permutation(np.flatnonzero(is_old)), rng.permutation(np.flatnonzero(~is_old))
    if len(labels) < 3 or len(old) < 300 or len(new) < 100:
        raise TooLittleDataError(f"{len(labels)} labels with {len(old)} and {len(new)} texts are too few to part")
    tests = [part[: min(TEST, len(part) // 3)] for part in (old, new)]
    old, new = old[len(tests[0]) :][:OLD], new[len(tests[1]) :][:NEW]
    options = Options(seed=seed, threads=1, progress=False)
    config = LabellerConfig(names=encoder is not None, meaning=encoder is not None)
    told = {name: _labelled(texts, rows) for name, rows in (("old", old), ("new", new), ("all", np.union1d(old, new)))}

    started = time.perf_counter()
    before = Labeller(config).fit(told["old"], options, encoder=encoder)
    moments = [started, time.perf_counter()]
    models = {"left alone": before}
    for name in ("penchant", "without rehearsal", "trained anew"):
        if name == "trained anew":
            models[name] = Labeller(config).fit(told["all"], options, encoder=encoder)
        else:
            rehearsal = 1.0 if name == "penchant" else 0.0
            models[name] = update(before, told["old"], told["new"], options, encoder=encoder, rehearsal=rehearsal)
        moments.append(time.perf_counter())
    seconds = np.diff(moments)
    return {
        name: {
            "old_accuracy": _accuracy(model, texts, tests[0]),
            "new_accuracy": _accuracy(model, texts, tests[1]),
            "seconds": float(spent),
        }
        for (name, model), spent in zip(models.items(), seconds, strict=True)
    }


def _labelled(texts: PathTexts, rows: Rows) -> LabelledTexts:
    return LabelledTexts.of(texts.some(rows), texts.tops[rows].tolist())


def _accuracy(model: Labeller, texts: PathTexts, rows: Rows) -> float:
    """Share of texts whose likeliest label is theirs."""
    said = model.label(texts.some(rows))
    names = np.array(said.taxonomy.labels)[said.probabilities.argmax(axis=1)]
    return float((names == texts.tops[rows]).mean())
