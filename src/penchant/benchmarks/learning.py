"""Texts picked for labelling against texts drawn at random: the protocol `learning` of `interests`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.labelled import PathTexts
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.interests.learning import SuggestConfig, fit_predict, suggest
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, unit_rows

POOL: Final = 10_000
"""Texts that may be labelled."""
TEST: Final = 2_000
"""Texts to judge by, or a third of all where that is fewer."""
START: Final = 20
"""Labels to begin with, drawn at random."""
STEP: Final = 20
LAST: Final = 400
MAX_TOKENS: Final = 64
WIDTH: Final = 384
"""Of the vectors without a language model, the encoder's own."""
RANDOM: Final = "random"
RANDOM_WITHOUT: Final = "random, without language model"
OURS: Final = "ours"

Curve = NDArray[np.float64]


def learning(
    data: str,
    *,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
    config: SuggestConfig | None = None,
    last: int = LAST,
) -> BenchResult:
    """How many labels reach the accuracy that 400 drawn at random do, if a text is picked for what it would teach.

    Each seed begins with 20 random labels and adds 20 at a time, up to 400; the linear model that picks them gives
    every text of the pool its top label, and is judged on texts apart. `labels_needed` is the first number of labels
    with which our mean accuracy over the seeds reaches the random draws' at the end; `labels_needed_by_seed` asks it of
    each seed's own curve against the same mark.

    Baselines: `random`, the same model on labels drawn at random, and both on TF-IDF of character n-grams, its
    dimensions reduced to those of the encoder, in place of the language model.

    Args:
        data: with labelled texts.
        seeds: of the first labels; 0 to 4 if None.
        encoder: of the texts; the usual one if None.
        config: how texts are picked.
        last: labels at the end.

    Raises:
        TooLittleDataError: there are too few labelled texts.
    """
    chosen, config = list(range(5) if seeds is None else seeds), config or SuggestConfig()
    drawn = config.model_copy(update={"method": "random"})
    with measured() as cost:
        found = PathTexts.of(data)
        test = min(TEST, len(found.texts) // 3)
        count = min(len(found.texts), test + POOL)
        names, labels = np.unique(found.tops[:count], return_inverse=True)
        texts = found.texts[:count]
        encoder = encoder or kept_encoder(MAX_TOKENS)
        spaces = {OURS: encoder.encode(texts), WITHOUT_LANGUAGE_MODEL: _spelled(texts, test)}
        curves: dict[str, Curve] = {}
        for (space, vectors), other in zip(spaces.items(), (RANDOM, RANDOM_WITHOUT), strict=True):
            centred = vectors - vectors[test:].mean(axis=0)
            for name, how in ((space, config), (other, drawn)):
                curves[name] = np.array([_curve(centred, labels, test, len(names), how, last, seed) for seed in chosen])
    counts = np.arange(START, last + 1, STEP)
    summed = {name: figures([_figures(curve, counts, last) for curve in curves[name]]) for name in curves}
    metrics = summed.pop(OURS)
    mark = float(curves[RANDOM][:, -1].mean())
    metrics |= figures([_needed("labels_needed", curves[OURS].mean(axis=0), counts, mark)])
    metrics |= figures([_needed("labels_needed_by_seed", curve, counts, mark) for curve in curves[OURS]])
    lexical = float(curves[RANDOM_WITHOUT][:, -1].mean())
    own = figures([_needed("labels_needed", curves[WITHOUT_LANGUAGE_MODEL].mean(axis=0), counts, lexical)])
    summed[WITHOUT_LANGUAGE_MODEL] |= own
    differences = {}
    if len(chosen) > 1:
        differences[RANDOM] = {f"accuracy@{last}": paired_difference(curves[OURS][:, -1], curves[RANDOM][:, -1])}
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="learning",
        metrics=metrics,
        baselines=summed,
        differences=differences,
        tables={"curves": _rows(curves, counts)},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=chosen,
    )


def _curve(
    vectors: Floats, labels: NDArray[np.int64], test: int, classes: int, config: SuggestConfig, last: int, seed: int
) -> Curve:
    """Accuracy on the first texts with 20, 40 … labels among the others."""
    rng = np.random.default_rng(seed)
    labelled = test + rng.permutation(len(labels) - test)[:START]
    accuracies = []
    while True:
        said = fit_predict(vectors, labelled, labels[labelled], classes, config)
        accuracies.append(float((said[:test].argmax(1) == labels[:test]).mean()))
        if len(labelled) >= last:
            return np.array(accuracies)
        more = suggest(said[test:], vectors[test:], labelled - test, STEP, config, rng=rng)
        labelled = np.concatenate([labelled, test + more])


def _spelled(texts: Sequence[str], test: int) -> Floats:
    """(texts, width) TF-IDF of character n-grams, reduced (latent semantic analysis, fitted on the pool)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    pool = vectorizer.fit_transform(texts[test:])
    reduced = TruncatedSVD(min(WIDTH, min(pool.shape) - 1), random_state=0).fit(pool)
    return unit_rows(reduced.transform(vectorizer.transform(texts)).astype(np.float32))


def _figures(curve: Curve, counts: NDArray[np.int64], last: int) -> dict[str, float]:
    wanted = (100, 200, last)
    return {f"accuracy@{count}": float(curve[counts == count][0]) for count in wanted if count in counts}


def _needed(key: str, curve: Curve, counts: NDArray[np.int64], mark: float) -> dict[str, float]:
    """The first count at which the mark is reached, if it is."""
    reached = np.flatnonzero(curve >= mark)
    return {key: float(counts[reached[0]])} if len(reached) else {}


def _rows(curves: dict[str, Curve], counts: NDArray[np.int64]) -> list[dict[str, Cell]]:
    """Mean accuracy of each system by the number of labels."""
    means = {name: curve.mean(axis=0) for name, curve in curves.items()}
    return [
        {"labels": int(count), **{name: round(float(mean[place]), 4) for name, mean in means.items()}}
        for place, count in enumerate(counts)
    ]
