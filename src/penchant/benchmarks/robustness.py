"""What tuned labellers withstand: typos, synonyms, dropped words, wrong labels in training, and a domain never seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.public import load
from penchant.errors import ConfigError, TooLittleDataError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import measured

if TYPE_CHECKING:
    from penchant.text.transformer import TransformerEncoder

ENCODER: Final = "e5-small"
TEXTS: Final = 150
"""Training texts, unless the protocol says otherwise."""

_TEST: Final = 800
_LENGTH: Final = 64
"""Tokens of a text that are read; so five ways to train, twice each, end within ten minutes on one core."""
_TYPOS, _SYNONYMS, _DROPPED, _WRONG = 0.1, 0.3, 0.3, 0.2

DEFENCES: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "fgm": {"adversarial": {"method": "fgm"}},
    "pgd": {"adversarial": {"method": "pgd"}},
    "r-drop": {"r_drop": 1.0, "dropout": 0.1},
    "augmented": {"augmentation": {"copies": 1}},
}
"""What is added to plain LoRA tuning."""

Predict = Callable[[Sequence[str]], np.ndarray]
Fit = Callable[[list[str], list[str]], Predict]


@dataclass(frozen=True)
class Task:
    """Texts with their sentiment: of some categories to train and test on, and of the others for a foreign domain."""

    texts: list[str]
    labels: list[str]
    test_texts: list[str]
    test_labels: list[str]
    foreign_texts: list[str]
    foreign_labels: list[str]


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Tune with LoRA on the second level of the labels (such as the sentiment), plainly and with each defence.

    Half of the first level's categories are the foreign domain: nothing of them is seen in training. Each accuracy is
    of the same test texts, changed in one way; `wrong_labels` is of a model trained with a fifth of its labels wrong.

    Args:
        data: as for `penchant.data.public.load`; its labels need two levels.
        protocol: how many texts to train on; 150 if None.
        seeds: of the choice of texts, the changes and training; 0 if None.

    Raises:
        ConfigError: the protocol is no number, or the labels have one level.
        TooLittleDataError: there are too few labelled texts.
    """
    from penchant.text.transformer import load_encoder
    from penchant.training.options import Options

    if protocol is not None and not protocol.isdigit():
        raise ConfigError(f"the protocol of robustness is a number of texts; found {protocol!r}")
    count, seeds = int(protocol or TEXTS), list(seeds or [0])
    labels = load(data).labels
    encoder = load_encoder(ENCODER, options=Options(progress=False))
    right: dict[str, dict[str, list[np.ndarray]]] = {}
    with measured() as cost:
        for seed in seeds:
            task = drawn(labels, count, seed)
            for name, fit in fits(encoder, seed).items():
                for key, hits in answered(task, fit, changed_tests(task, encoder, seed), seed).items():
                    right.setdefault(name, {}).setdefault(key, []).append(hits)
    means = {
        name: figures([{key: float(runs[at].mean()) for key, runs in keys.items()} for at in range(len(seeds))])
        for name, keys in right.items()
    }
    plain = right["plain"]
    return BenchResult(
        name="robustness",
        data=data_name(data),
        protocol=protocol or str(TEXTS),
        metrics=means.pop("plain"),
        baselines=means,
        differences={name: _differences(plain, keys) for name, keys in right.items() if name != "plain"},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=seeds,
        tables={"defences": [_row(name, keys) for name, keys in right.items()]},
    )


def _row(name: str, keys: dict[str, list[np.ndarray]]) -> dict[str, Cell]:
    return {"defence": name, **{key: round(float(np.mean(np.concatenate(runs))), 4) for key, runs in keys.items()}}


def _differences(plain: dict[str, list[np.ndarray]], other: dict[str, list[np.ndarray]]) -> dict[str, Difference]:
    """Plain minus another, text by text: what the other buys shows as a negative number."""
    return {
        key: paired_difference(np.concatenate(plain[key]).astype(float), np.concatenate(other[key]).astype(float))
        for key in plain
    }


def drawn(labels: pl.DataFrame, count: int, seed: int) -> Task:
    """So many texts to train on, and 800 each to test on, of the same categories and of the others.

    Raises:
        ConfigError: the labels have one level.
        TooLittleDataError: there are not enough texts.
    """
    single = labels.filter(pl.col("labels").list.len() == 1).select(
        "text", pl.col("labels").list.first().alias("label")
    )
    levels = single.select("text", pl.col("label").str.split(" > ").alias("path")).filter(pl.col("path").list.len() > 1)
    if levels.is_empty():
        raise ConfigError("robustness wants labels of two levels, such as category and sentiment; found one")
    known = levels.select("text", pl.col("path").list.get(0).alias("domain"), pl.col("path").list.get(1).alias("label"))
    domains = np.random.default_rng(seed).permutation(known["domain"].unique().sort().to_numpy())
    home = known.filter(pl.col("domain").is_in(domains[: max(1, len(domains) // 2)].tolist()))
    foreign = known.filter(pl.col("domain").is_in(domains[max(1, len(domains) // 2) :].tolist()))
    if len(home) < 2 * count:
        raise TooLittleDataError(
            f"{len(home)} texts are of the chosen categories; {2 * count} are wanted: ask for fewer"
        )
    mixed = home.sample(fraction=1.0, shuffle=True, seed=seed)
    test = mixed.slice(count, _TEST)
    away = foreign.sample(min(_TEST, len(foreign)), shuffle=True, seed=seed)
    return Task(
        mixed["text"].head(count).to_list(),
        mixed["label"].head(count).to_list(),
        test["text"].to_list(),
        test["label"].to_list(),
        away["text"].to_list(),
        away["label"].to_list(),
    )


def fits(encoder: "TransformerEncoder", seed: int) -> dict[str, Fit]:
    """Each way to learn, by name: LoRA with each defence, and no language model."""
    from penchant.text.finetune import Example, FinetuneConfig, finetune
    from penchant.training.options import Options

    def tuned(fields: dict[str, Any]) -> Fit:
        def fit(texts: list[str], labels: list[str]) -> Predict:
            examples = [Example(text, label) for text, label in zip(texts, labels, strict=True)]
            options = Options(seed=seed, progress=False)
            config = FinetuneConfig.model_validate({"mode": "lora", "max_length": _LENGTH, **fields})
            model = finetune(encoder, examples, config, options)
            return lambda texts: np.array(model.labels)[model.predict(texts).argmax(1)]

        return fit

    return {name: tuned(fields) for name, fields in DEFENCES.items()} | {WITHOUT_LANGUAGE_MODEL: _tfidf}


def _tfidf(texts: list[str], labels: list[str]) -> Predict:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC())
    return model.fit(texts, labels).predict


def changed_tests(task: Task, encoder: "TransformerEncoder", seed: int) -> dict[str, list[str]]:
    """The test texts, changed in each way."""
    from penchant.text.tuning.augment import Augmenter, nearest_words
    from penchant.text.tuning.config import AugmentationConfig

    nearest = nearest_words(task.test_texts, encoder, similarity=0.85)
    rng = np.random.default_rng(seed)

    def change(**fields: float) -> list[str]:
        config = AugmentationConfig.model_validate({"word_dropout": 0, "swap": 0, "synonyms": 0, **fields})
        return list(map(Augmenter(config, nearest, seed), task.test_texts))

    return {
        "clean": task.test_texts,
        "typos": [typos(text, _TYPOS, rng) for text in task.test_texts],
        "synonyms": change(synonyms=_SYNONYMS),
        "dropped_words": change(word_dropout=_DROPPED),
    }


def typos(text: str, share: float, rng: np.random.Generator) -> str:
    """The text with a share of its characters left out, doubled, swapped with the next, or replaced by another of it.

    >>> len(typos("非常好用的手机", 0.0, np.random.default_rng(0)))
    7
    """
    written: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        if rng.random() >= share:
            written.append(character)
        else:
            kind = rng.integers(4)
            if kind == 1:
                written.append(character * 2)
            elif kind == 2 and at + 1 < len(text):
                written.append(text[at + 1] + character)
                at += 1
            elif kind == 3:
                written.append(text[rng.integers(len(text))])
        at += 1
    return "".join(written) or text


def wrong_labels(labels: Sequence[str], share: float, seed: int) -> list[str]:
    """The labels with a share of them replaced by another label, drawn evenly from the others.

    >>> sum(a != b for a, b in zip(wrong_labels(["a", "b"] * 50, 0.2, 0), ["a", "b"] * 50))
    20
    """
    rng = np.random.default_rng(seed)
    names = sorted(set(labels))
    changed = list(labels)
    for row in rng.choice(len(labels), round(share * len(labels)), replace=False):
        changed[row] = str(rng.choice([name for name in names if name != labels[row]]))
    return changed


def answered(task: Task, fit: Fit, tests: dict[str, list[str]], seed: int) -> dict[str, np.ndarray]:
    """For each way of changing things, which texts were answered rightly."""
    predict = fit(task.texts, task.labels)
    wanted = np.array(task.test_labels)
    right = {f"accuracy@{name}": predict(texts) == wanted for name, texts in tests.items()}
    right["accuracy@foreign"] = predict(task.foreign_texts) == np.array(task.foreign_labels)
    misled = fit(task.texts, wrong_labels(task.labels, _WRONG, seed))
    right["accuracy@wrong_labels"] = misled(task.test_texts) == wanted
    return right
