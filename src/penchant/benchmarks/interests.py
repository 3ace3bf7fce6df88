"""`penchant bench interests`: labels of texts from 8 examples a class to all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, data_name, figures
from penchant.data.columns import PATH_SEPARATOR
from penchant.data.public import load
from penchant.errors import ConfigError, TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.classification import calibration, evaluate_classes, hierarchy_violations
from penchant.evaluation.cost import measured
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.text.encoder import Encoder
from penchant.training.options import Options

PROTOCOLS: Final = ("all", "few", "planted", "latent", "learning", "transfer", "explain", "discovery")
DRAWS: Final = (0, 1, 2, 3, 4)
SHOTS: Final = (8, 16, 64)
TEST: Final = 8_000
"""Texts to judge by, or a fifth of all where that is fewer; drawn once, with seed 0."""
UNLABELLED: Final = 2_000
"""Training texts that the few-shot labellers may read without their labels."""
MAX_TOKENS: Final = 64
FEW: Final = LabellerConfig(beliefs=BeliefsConfig(rounds=1))
"""The labeller where labelled texts are few: it learns from unlabelled ones too."""
FULL: Final = LabellerConfig(encoded_texts=60_000)
"""The labeller where they are many."""
OURS: Final = "ours"
NAMES: Final = "names alone"
FROZEN: Final = "frozen vectors + logistic regression"
SVM: Final = "char TF-IDF + SVM"


@dataclass(frozen=True)
class _Parts:
    """Texts with one top label each, cut into those to learn from and those to judge by."""

    texts: list[str]
    tops: np.ndarray
    """(texts,) the top level of each text's label."""
    paths: np.ndarray
    """(texts,) the whole label."""
    train: np.ndarray
    test: np.ndarray

    def labelled(self, rows: np.ndarray, *, whole: bool = False) -> LabelledTexts:
        labels = (self.paths if whole else self.tops)[rows]
        return LabelledTexts.of([self.texts[row] for row in rows], labels.tolist())

    def draw(self, shots: int, seed: int, *, whole: bool = False) -> np.ndarray:
        """Training rows, `shots` of each label; the draw for more shots holds that for fewer."""
        labels = (self.paths if whole else self.tops)[self.train]
        order = np.random.default_rng(seed).permutation(len(self.train))
        chosen = [order[labels[order] == label][:shots] for label in np.unique(labels)]
        return self.train[np.concatenate(chosen)]


def run(
    data: str,
    *,
    protocol: str | None = None,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
    config: LabellerConfig | None = None,
) -> BenchResult:
    """Learn the top labels of a community's texts from few and from all, and judge on texts apart.

    Protocols: `all` draws 8, 16 and 64 texts a class for each seed and then takes every training text; `few` leaves
    the last out. Few-shot labellers may read 2,000 training texts without their labels. The whole paths, such as
    category and sentiment, are learned too, from 64 texts each, to see that no child stands above its parent. The
    other protocols are told in modules of their own: `planted` in strata, `latent`, `learning`, `transfer`,
    `explain` in explanations, and `discovery` in subjects.

    Raises:
        ConfigError: there is no such protocol.
        TooLittleDataError: the community has too few labelled texts.
    """
    protocol = protocol or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(f"the protocols of interests are {', '.join(PROTOCOLS)}; there is no {protocol!r}")
    if protocol not in ("all", "few"):
        return _further(protocol, data, seeds, encoder, config)
    few, full = _systems(config or FEW), _systems(config or FULL)
    parts, seeds = _parts(data), tuple(DRAWS if seeds is None else seeds)
    truth = parts.tops[parts.test]
    metrics: dict[str, list[dict[str, float]]] = {name: [] for name in (*few, SVM)}
    right: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in (*few, SVM)}
    with measured() as cost:
        encoder = encoder or kept_encoder(MAX_TOKENS)
        for seed in seeds:
            rows_of = {f"{shots}": parts.draw(shots, seed) for shots in SHOTS}
            spare = np.setdiff1d(parts.train[:UNLABELLED], rows_of["64"])
            for name in (*few, SVM):
                found: dict[str, float] = {}
                for key, rows in rows_of.items():
                    labels, confidence = _said(name, few, parts, rows, spare, encoder, seed)
                    found |= _judged(labels, confidence, truth, key)
                    right[name].setdefault(f"accuracy@{key}", []).append(labels == truth)
                metrics[name].append(found)
        if protocol == "all":
            everything, none = parts.train, parts.train[:0]
            for name in (*full, SVM):
                labels, confidence = _said(name, full, parts, everything, none, encoder, 0)
                judged = _judged(labels, confidence, truth, "full")
                right[name]["accuracy@full"] = [labels == truth]
                metrics[name] = [row | judged for row in metrics[name]]
        violations = _violations(few[OURS], parts, encoder)
    for row in metrics[OURS]:
        row["hierarchy_violations"] = float(violations)
    summed = {name: figures(rows) for name, rows in metrics.items()}
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol=protocol,
        metrics=summed.pop(OURS),
        baselines=summed,
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {
                key: paired_difference(np.mean(ours, axis=0), np.mean(right[name][key], axis=0))
                for key, ours in right[OURS].items()
            }
            for name in summed
        },
    )


def _further(
    protocol: str,
    data: str,
    seeds: Sequence[int] | None,
    encoder: Encoder | None,
    config: LabellerConfig | None,
) -> BenchResult:
    """A protocol of another module, loaded when it is asked for."""
    if protocol == "planted":
        from penchant.benchmarks.strata import planted

        return planted(data, seeds=seeds)
    if protocol == "latent":
        from penchant.benchmarks.latent import latent

        return latent(data)
    if protocol == "learning":
        from penchant.benchmarks.learning import learning

        return learning(data, seeds=seeds, encoder=encoder)
    if protocol == "transfer":
        from penchant.benchmarks.transfer import transfer

        return transfer(data, seeds=seeds, encoder=encoder, config=config)
    if protocol == "discovery":
        from penchant.benchmarks.subjects import discovery

        return discovery(data, seeds=seeds, encoder=encoder)
    from penchant.benchmarks.explanations import explained

    return explained(data, seeds=seeds, encoder=encoder, config=config)


def _systems(config: LabellerConfig) -> dict[str, LabellerConfig]:
    """Ours; two plain ones that its parts are known by; and ours without the language model."""
    plain = config.model_copy(
        update={
            "tuned": None,
            "neighbours": 0,
            "label_shift": False,
            "beliefs": BeliefsConfig(rounds=0),
            "sources": config.sources.model_copy(update={"nearest": 0}),
        }
    )
    return {
        OURS: config,
        NAMES: plain.model_copy(update={"meaning": False, "spelling": False}),
        FROZEN: plain.model_copy(update={"names": False, "spelling": False}),
        WITHOUT_LANGUAGE_MODEL: config.model_copy(update={"names": False, "meaning": False, "tuned": None}),
    }


def _parts(data: str) -> _Parts:
    labels = load(data).labels
    found = list(labels.select("text", "labels").drop_nulls().iter_rows())
    # Drawn before any text is left out, so that the test stays the same whatever is left out.
    drawn = (found[row] for row in np.random.default_rng(0).permutation(len(found)))
    rows = [
        (text.strip(), given[0])
        for text, given in drawn
        if text.strip() and len({label.split(PATH_SEPARATOR)[0] for label in given}) == 1
    ]
    if len(rows) < 100:
        raise TooLittleDataError(f"{data} has {len(rows)} texts with one label; 100 at least are needed to judge by")
    paths = np.array([path for _, path in rows])
    tops = np.array([path.split(PATH_SEPARATOR)[0] for path in paths])
    order, held = np.arange(len(rows)), min(TEST, len(rows) // 5)
    return _Parts([text for text, _ in rows], tops, paths, order[held:], order[:held])


def _said(
    name: str,
    configs: Mapping[str, LabellerConfig],
    parts: _Parts,
    rows: np.ndarray,
    spare: np.ndarray,
    encoder: Encoder,
    seed: int,
) -> tuple[np.ndarray, np.ndarray | None]:
    """A system's label for each test text and, where it has one, its confidence."""
    test = [parts.texts[row] for row in parts.test]
    if name == SVM:
        return _svm([parts.texts[row] for row in rows], parts.tops[rows], test), None
    labeller = Labeller(configs[name]).fit(
        parts.labelled(rows),
        Options(seed=seed),
        encoder=encoder,
        unlabelled=[parts.texts[row] for row in spare],
    )
    probabilities = labeller.probabilities(test)
    return np.array(labeller.taxonomy.labels)[probabilities.argmax(1)], probabilities.max(1)


def _svm(texts: Sequence[str], labels: np.ndarray, test: Sequence[str]) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=1 + (len(texts) > 1000))
    return LinearSVC().fit(vectorizer.fit_transform(texts), labels).predict(vectorizer.transform(test))


def _judged(labels: np.ndarray, confidence: np.ndarray | None, truth: np.ndarray, key: str) -> dict[str, float]:
    names, numbers = np.unique(np.concatenate([truth, labels]), return_inverse=True)
    judged = evaluate_classes(numbers[: len(truth)], numbers[len(truth) :], names.tolist())
    found = {f"accuracy@{key}": judged.accuracy, f"macro_f1@{key}": judged.macro_f1}
    if confidence is not None:
        found[f"ece@{key}"] = calibration(labels == truth, np.clip(confidence, 0, 1)).ece
    return found


def _violations(config: LabellerConfig, parts: _Parts, encoder: Encoder) -> int:
    """How often a child stands above its parent, where the whole paths are learned."""
    labeller = Labeller(config).fit(parts.labelled(parts.draw(64, 0, whole=True), whole=True), encoder=encoder)
    probabilities = labeller.probabilities([parts.texts[row] for row in parts.test])
    return hierarchy_violations(labeller.taxonomy.labels, probabilities)
