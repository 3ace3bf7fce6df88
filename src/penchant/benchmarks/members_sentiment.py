"""`penchant bench members --protocol sentiment`: praise or blame, from texts of known polarity to texts held out."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.labelled import PathTexts
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, data_name, figures
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import Difference, statistic_difference
from penchant.evaluation.cost import measured
from penchant.feelings import BLAME, PRAISE, teach
from penchant.interests.examples import LabelledTexts
from penchant.interests.sentiment import Sentiment, polarity
from penchant.text.tuning.config import FinetuneConfig
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

SEEDS: Final = (0,)
TRAIN: Final = 1_000
TEST: Final = 3_000
MAX_TOKENS: Final = 128
TUNED: Final = FinetuneConfig(mode="upper", epochs=2)
"""As `penchant members sentiment` tunes."""
OURS: Final = "penchant"
VECTORS: Final = "language model as it is, not tuned"
TFIDF: Final = "TF-IDF and logistic regression"


def run_sentiment(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Learn from 1,000 texts whose label ends in praise or blame, and judge 3,000 others.

    The texts to judge by are the same for every seed; those to learn from are drawn from the rest. Baselines: character
    TF-IDF with a logistic regression whose penalty is picked by cross-validation; ours without tuning; and ours from
    spelling alone, without the language model.

    Args:
        data: with labels such as `category > 正面` and `category > 负面`: reviews-zh.
        seeds: of the draw and of tuning.

    Raises:
        TooLittleDataError: the data holds too few such texts.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    differences: dict[str, dict[str, Difference]] = {}
    with measured() as cost:
        written = PathTexts.of(data)
        signs = np.array([polarity(low) for low in written.lows])
        rows = np.flatnonzero(signs)
        if len(rows) < TRAIN + TEST:
            raise TooLittleDataError(f"{data} has {len(rows)} texts of known polarity; {TRAIN + TEST} are wanted")
        test, rest = rows[:TEST], rows[TEST:]
        truth = signs[test] > 0
        for seed in seeds:
            train = np.random.default_rng(seed).permutation(rest)[:TRAIN]
            told = _answers(written, signs, train, test, seed)
            for name, praise in told.items():
                found.setdefault(name, []).append(_judged(truth, praise))
            if seed == seeds[0]:
                differences = {
                    name: _differences(truth, told[OURS], praise) for name, praise in told.items() if name != OURS
                }
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="sentiment",
        metrics=figures(found.pop(OURS)),
        baselines={name: figures(each) for name, each in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences=differences,
    )


def _answers(written: PathTexts, signs: NDArray[np.int64], train: Rows, test: Rows, seed: int) -> dict[str, Floats]:
    """(texts,) the chance of praise that each system gives each text to judge."""
    texts, labels = written.some(train), [PRAISE if signs[row] > 0 else BLAME for row in train]
    asked = written.some(test)
    known, options, encoder = LabelledTexts.of(texts, labels), Options(seed=seed), kept_encoder(MAX_TOKENS)
    return {
        OURS: _praise(teach(known, encoder, tuned=TUNED, options=options), asked),
        VECTORS: _praise(teach(known, encoder, options=options), asked),
        WITHOUT_LANGUAGE_MODEL: _praise(teach(known, None, options=options), asked),
        TFIDF: _tfidf(texts, labels, asked),
    }


def _praise(sentiment: Sentiment, texts: Sequence[str]) -> Floats:
    words = sentiment.words
    assert words is not None
    return words.probabilities(texts)[:, list(words.taxonomy.labels).index(PRAISE)]


def _tfidf(texts: Sequence[str], labels: Sequence[str], asked: Sequence[str]) -> Floats:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LogisticRegression(max_iter=1_000)
    )
    picked = GridSearchCV(model, {"logisticregression__C": [1.0, 10.0, 100.0]}, scoring="roc_auc", cv=5)
    picked.fit(texts, labels)
    return np.asarray(picked.predict_proba(asked)[:, list(picked.classes_).index(PRAISE)], dtype=np.float32)


def _judged(truth: NDArray[np.bool_], praise: Floats) -> dict[str, float]:
    return {
        "sentiment_auc": float(roc_auc_score(truth, praise)),
        "sentiment_accuracy": float(((praise >= 0.5) == truth).mean()),
    }


def _differences(truth: NDArray[np.bool_], ours: Floats, theirs: Floats) -> dict[str, Difference]:
    def auc(truth: NDArray[np.bool_], ours: Floats, theirs: Floats) -> float:
        return float(roc_auc_score(truth, ours) - roc_auc_score(truth, theirs))

    def accuracy(truth: NDArray[np.bool_], ours: Floats, theirs: Floats) -> float:
        return float(((ours >= 0.5) == truth).mean() - ((theirs >= 0.5) == truth).mean())

    return {
        "sentiment_auc": statistic_difference(auc, truth, ours, theirs),
        "sentiment_accuracy": statistic_difference(accuracy, truth, ours, theirs),
    }
