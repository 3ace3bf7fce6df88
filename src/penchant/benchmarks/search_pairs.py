"""The part of `penchant bench search` that grades pairs of query and title, as QBQTC has them."""

import gzip
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Published, figures
from penchant.errors import ReadError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.classification import auc, evaluate_classes
from penchant.evaluation.cost import measured
from penchant.search.grader import Grader
from penchant.search.grades import GraderConfig, pair_tuning
from penchant.search.lexical import Lexical
from penchant.search.pairs import Pair
from penchant.search.words import analyse
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats

BM25, FROZEN, FUSION = "bm25", "frozen e5-small", "plain fusion"
TUNED_ROWS: Final = 1_000
"""Pairs that a pair encoder is fine-tuned on, three times: minutes on two cores, where all would take hours."""
CUTS: Final = 40
"""Places between which the bounds of the grades are sought, where a system says a number and no grade."""
LEARNED, JUDGED = "dev", "test_public"
PUBLISHED: Final = {
    "qbqtc": {
        "BERT-base, on nine times the data": Published.model_validate(
            {"source": "CLUEbenchmark/QBQTC", "macro_f1": 0.641}
        )
    }
}
"""By the name of the data."""


def has_pairs(folder: Path) -> bool:
    """Whether a folder holds graded pairs and not judgements over a catalogue."""
    return all(_file(folder, name) is not None for name in (LEARNED, JUDGED))


def run_pairs(
    folder: Path,
    encoder: Encoder,
    query_encoder: Encoder,
    seeds: Sequence[int],
    *,
    tuned: bool,
    config: GraderConfig | None = None,
) -> BenchResult:
    """Grade the pairs of `test_public` after learning from `dev`.

    `pair_auc` is the chance that of two pairs of different grades the better one has the higher score. Systems that
    say a number take the bounds between grades that had the best macro-F1 on `dev`.

    Args:
        folder: holds the files of both parts, a JSON object a line: query, title, label.
        encoder: reads titles.
        query_encoder: reads queries.
        seeds: of what is learned.
        tuned: whether a pair encoder is fine-tuned too.
        config: of the grader; with few folds and few pairs to fine-tune on where a pair encoder is, if absent.
    """
    config = config or (
        GraderConfig(tuned=pair_tuning(epochs=2), tuned_rows=TUNED_ROWS, folds=2) if tuned else GraderConfig()
    )
    with measured() as cost:
        (pairs, grades), (asked, truth) = (read_pairs(folder, name) for name in (LEARNED, JUDGED))
        scores = _plain(pairs, asked, encoder, query_encoder)
        said = {name: _cut(*both, grades) for name, both in scores.items()}
        values = {name: both[1] for name, both in scores.items()}
        per_seed = []
        for seed in seeds:
            options = Options(seed=seed, progress=False)
            ours = Grader(config, encoder=encoder, query_encoder=query_encoder).fit(pairs, grades, options)
            wordy = config.model_copy(update={"meaning": False, "tuned": None})
            without = Grader(wordy).fit(pairs, grades, options)
            for name, grader in (("penchant", ours), (WITHOUT_LANGUAGE_MODEL, without)):
                said[name], values[name] = grader.predict(asked), grader.score(asked)
            found = {name: _metrics(said[name], values[name], truth) for name in said}
            found["penchant"]["gain_over_frozen"] = found["penchant"]["pair_auc"] - found[FROZEN]["pair_auc"]
            per_seed.append(found)
    metrics = {name: figures([found[name] for found in per_seed]) for name in per_seed[0]}
    return BenchResult(
        name="search",
        data=folder.name,
        protocol="pairs-tuned" if tuned else "pairs",
        metrics=metrics.pop("penchant"),
        baselines=metrics,
        published=PUBLISHED.get(folder.name, {}),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={name: {"accuracy": _difference(said["penchant"], said[name], truth)} for name in metrics},
    )


def read_pairs(folder: Path, name: str) -> tuple[list[Pair], list[int]]:
    """The pairs of a file and their grades.

    Raises:
        ReadError: there is no such file, or a line of it is no graded pair.
    """
    path = _file(folder, name)
    if path is None:
        raise ReadError(f"{folder} has no file {name}.json; pairs need {LEARNED} and {JUDGED}")
    pairs, grades = [], []
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                row = json.loads(line)
                pairs.append((str(row["query"]), str(row["title"])))
                grades.append(int(row["label"]))
            except (ValueError, KeyError, TypeError) as error:
                raise ReadError(f"{path}, line {number}: no pair with query, title and label ({error})") from error
    return pairs, grades


def pair_auc(scores: Floats, truth: Sequence[int]) -> float:
    """The chance that of two rows of different grades the better one has the higher score, a tie counting half.

    >>> round(pair_auc(np.array([0.1, 0.5, 0.4, 0.9]), [0, 1, 1, 2]), 3), pair_auc(np.array([2.0, 1.0]), [0, 1])
    (1.0, 0.0)
    """
    grades, total, right = np.asarray(truth), 0, 0.0
    for low, high in combinations(sorted(set(grades.tolist())), 2):
        chosen = (grades == low) | (grades == high)
        count = int((grades == low).sum()) * int((grades == high).sum())
        total += count
        right += count * auc(grades[chosen] == high, scores[chosen])
    return right / total


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.json", folder / f"{name}.json.gz") if path.is_file()), None)


def _plain(
    pairs: Sequence[Pair], asked: Sequence[Pair], encoder: Encoder, query_encoder: Encoder
) -> dict[str, tuple[Floats, Floats]]:
    """What each simple system says of the pairs to learn from and of those to judge by."""
    both = [*pairs, *asked]
    index = Lexical().fit(analyse(title) for _, title in both)
    words = np.array([sum(index.parts(analyse(query), row).values()) for row, (query, _) in enumerate(both)])
    queries = query_encoder.encode([query for query, _ in both])
    cosines = np.einsum("ij,ij->i", queries, encoder.encode([title for _, title in both]))
    fused = _places(words) + _places(cosines)
    return {
        name: (score[: len(pairs)].astype(np.float32), score[len(pairs) :].astype(np.float32))
        for name, score in ((BM25, words), (FROZEN, cosines), (FUSION, fused))
    }


def _places(scores: np.ndarray) -> np.ndarray:
    """The share of scores that are no higher."""
    return np.searchsorted(np.sort(scores), scores, side="right") / len(scores)


def _cut(known: Floats, scores: Floats, grades: Sequence[int]) -> np.ndarray:
    """Grades by bounds on a score, the bounds those with the best macro-F1 where the grades are known."""
    names, truth = np.unique(np.asarray(grades), return_inverse=True)
    places = np.unique(np.quantile(known, np.linspace(0, 1, CUTS)))
    labels = [str(name) for name in names]
    best = max(
        combinations(places, len(names) - 1),
        key=lambda bounds: evaluate_classes(truth, np.searchsorted(bounds, known, side="right"), labels).macro_f1,
    )
    return names[np.searchsorted(best, scores, side="right")]


def _metrics(said: np.ndarray, scores: Floats, truth: Sequence[int]) -> dict[str, float]:
    names, numbers = np.unique(np.concatenate([truth, said]), return_inverse=True)
    judged = evaluate_classes(numbers[: len(truth)], numbers[len(truth) :], [str(name) for name in names])
    return {"macro_f1": judged.macro_f1, "accuracy": judged.accuracy, "pair_auc": pair_auc(scores, truth)}


def _difference(ours: np.ndarray, theirs: np.ndarray, truth: Sequence[int]) -> Difference:
    grades = np.asarray(truth)
    return paired_difference((ours == grades).astype(float), (theirs == grades).astype(float))
