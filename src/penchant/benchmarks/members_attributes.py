"""`penchant bench members --protocol attributes`: what members are, from what they do, five-fold by member."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.evaluation.bootstrap import Difference, statistic_difference
from penchant.evaluation.classification import evaluate_classes
from penchant.evaluation.cost import measured
from penchant.members.activity import common_categories
from penchant.members.attributes import attribute_of
from penchant.members.classifier import ClassifierConfig, MemberClassifier, mean_auc
from penchant.settings import settings
from penchant.text.cache import CachedEncoder
from penchant.text.encoder import Encoder
from penchant.text.transformer import load_encoder
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

SEEDS: Final = (0, 1, 2)
FOLDS: Final = 5
ATTRIBUTES: Final[dict[str, tuple[str, tuple[float, ...] | None]]] = {
    "gender": ("gender", None),
    "age_band": ("age", (25, 35, 45)),
}
"""What is predicted, of which column and in which bands."""
SHARES: Final = "logistic regression on category shares"
MAJORITY: Final = "majority"


def run_attributes(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Predict gender and age band of members in folds; nothing is learned from the members judged.

    Baselines: the most frequent class; a logistic regression on the shares of categories among a member's events, which
    are standardised, with its penalty picked by cross-validation within the training members; and ours without any
    text.

    Args:
        data: a community with the attributes, such as ml-100k.
        seeds: of the folds.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    rows: list[dict[str, float]] = []
    others: dict[str, list[dict[str, float]]] = {SHARES: [], MAJORITY: [], WITHOUT_LANGUAGE_MODEL: []}
    table: list[dict[str, Cell]] = []
    differences: dict[str, dict[str, Difference]] = {SHARES: {}, WITHOUT_LANGUAGE_MODEL: {}}
    with measured() as cost:
        community = load(data)
        encoder = _encoder()
        given = {key: one for key, one in ATTRIBUTES.items() if one[0] in community.members.columns}
        for seed in seeds:
            found: dict[str, dict[str, float]] = {name: {} for name in ("", *others)}
            for key, (column, bands) in given.items():
                config = ClassifierConfig(bands=bands, allow_sensitive=(column,))
                attribute = attribute_of(community, column, bands=bands, allowed=(column,))
                known, codes = attribute.known, attribute.codes[attribute.known]
                parts = _folds(codes, seed)
                ours, coverage, unsure = _ours(community, column, config, encoder, known, codes, parts, seed)
                silent, *_ = _ours(
                    community, column, config.model_copy(update={"sources": ("items", "profile")}), encoder, known,
                    codes, parts, seed
                )  # fmt: skip
                shares = _baseline(_shares(community)[known], codes, parts, seed)
                common = np.zeros_like(ours)
                common[:, np.bincount(codes).argmax()] = 1
                for name, probabilities in (
                    ("", ours),
                    (SHARES, shares),
                    (MAJORITY, common),
                    (WITHOUT_LANGUAGE_MODEL, silent),
                ):
                    found[name] |= _figures(key, codes, probabilities, attribute.classes)
                found[""][f"{key}_coverage"], found[""][f"{key}_unsure"] = coverage, unsure
                if seed == seeds[0]:
                    for name, theirs in ((SHARES, shares), (WITHOUT_LANGUAGE_MODEL, silent)):
                        differences[name] |= _differences(key, codes, ours, theirs)
                    metrics = evaluate_classes(codes, ours.argmax(axis=1), attribute.classes)
                    table += [
                        {"attribute": key, "class": one.name, "precision": one.precision, "recall": one.recall, "f1":
                        one.f1, "members": one.support} for one in metrics.per_class
                    ]  # fmt: skip
            found[""]["attribute_auc"] = float(np.mean([found[""][f"{key}_auc"] for key in given]))
            rows.append(found[""])
            for name, each in others.items():
                each.append(found[name])
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="attributes",
        metrics=figures(rows),
        baselines={name: figures(each) for name, each in others.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences=differences,
        tables={"by class": table},
    )


def _encoder() -> Encoder:
    encoder = load_encoder("e5-small", options=Options(progress=False))
    return CachedEncoder(encoder, settings().cache / "vectors", shown=False)


def _folds(codes: Rows, seed: int) -> list[Rows]:
    from sklearn.model_selection import StratifiedKFold

    split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(codes)), codes)
    return [part for _, part in split]


def _ours(
    community: Community, column: str, config: ClassifierConfig, encoder: Encoder, known: Rows, codes: Rows,
    parts: list[Rows], seed: int,
) -> tuple[Floats, float, float]:  # fmt: skip
    """(known members, classes) of members never learned from; how often the truth was named, and how often unsure."""
    found: Floats | None = None
    named, unsure = np.zeros(len(known), dtype=bool), np.zeros(len(known), dtype=bool)
    for part in parts:
        rest = np.setdiff1d(known, known[part])
        model = MemberClassifier(config).fit(
            community, column, Options(seed=seed, progress=False), encoder=encoder, rows=rest
        )
        told = model.predict(community, known[part])
        if found is None:
            found = np.zeros((len(known), len(told.classes)), dtype=np.float32)
        found[part] = told.probabilities
        named[part] = told.possible[np.arange(len(part)), codes[part]]
        unsure[part] = told.unsure
    assert found is not None
    return found, float(named.mean()), float(unsure.mean())


def _shares(community: Community) -> Floats:
    """(members, categories) shares of each category among a member's events."""
    names = common_categories(community, most=1_000)
    column = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(community.items), len(names)), dtype=np.float32)
    for row, paths in enumerate(community.items["categories"].to_list()):
        for path in paths or []:
            place = column.get(path.split(" > ")[0])
            if place is not None:
                table[row, place] = 1
    acted = community.events.filter(pl.col("item").is_not_null())
    total = np.zeros((len(community.members), len(names)), dtype=np.float32)
    np.add.at(total, acted["member"].to_numpy(), table[acted["item"].to_numpy()])
    return total / np.maximum(total.sum(axis=1, keepdims=True), 1)


def _baseline(features: Floats, codes: Rows, parts: list[Rows], seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = np.zeros((len(codes), int(codes.max()) + 1), dtype=np.float32)
    for part in parts:
        rest = np.setdiff1d(np.arange(len(codes)), part)
        model = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(
                Cs=[0.01, 0.1, 1.0, 10.0], l1_ratios=(0,), cv=4, max_iter=1_000, scoring="neg_log_loss",
                use_legacy_attributes=False,
            ),
        )  # fmt: skip
        found[part] = model.fit(features[rest], codes[rest]).predict_proba(features[part])
    return found


def _figures(key: str, codes: Rows, probabilities: Floats, classes: Sequence[str]) -> dict[str, float]:
    metrics = evaluate_classes(codes, probabilities.argmax(axis=1), classes)
    return {
        f"{key}_auc": mean_auc(codes, probabilities),
        f"{key}_accuracy": metrics.accuracy,
        f"{key}_macro_f1": metrics.macro_f1,
    }


def _differences(key: str, codes: Rows, ours: Floats, theirs: Floats) -> dict[str, Difference]:
    def by(statistic: Callable[[Rows, Floats], float]) -> Difference:
        return statistic_difference(
            lambda code, one, other: statistic(code, one) - statistic(code, other), codes, ours, theirs, draws=500
        )

    def macro(code: Rows, probabilities: Floats) -> float:
        names = [str(number) for number in range(probabilities.shape[1])]
        return evaluate_classes(code, probabilities.argmax(axis=1), names).macro_f1

    return {f"{key}_auc": by(mean_auc), f"{key}_macro_f1": by(macro)}
