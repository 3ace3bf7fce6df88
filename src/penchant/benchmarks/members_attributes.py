"""`penchant bench members --protocol attributes`: what members are, from what they do, five-fold by member."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from penchant.members.attribute_answers import mean_auc
from penchant.members.attributes import Attribute, attribute_of
from penchant.members.classifier import ClassifierConfig, MemberClassifier
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
FEW: Final = 5
"""Events from which newcomers are judged."""
OURS: Final = "penchant"
SHARES: Final = "logistic regression on category shares"
MAJORITY: Final = "majority"


@dataclass(frozen=True)
class _Answers:
    """What a system says of members from whom it has learned nothing."""

    whole: Floats
    """(members, classes) probabilities from all they did."""
    few: Floats
    """(members, classes) the same from their first `FEW` events."""
    coverage: float = 0.0
    """How often the truth was among the classes named."""
    unsure: float = 0.0


def run_attributes(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Predict gender and age band of members in folds; nothing is learned from the members judged.

    Baselines: the most frequent class; a logistic regression on the shares of categories among a member's events, which
    are standardised, with its penalty picked by cross-validation within the training members; and ours without any
    text. `@5` is from the first five events of those judged, as of newcomers.

    Args:
        data: a community with the attributes, such as ml-100k.
        seeds: of the folds.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    rows: dict[str, list[dict[str, float]]] = {}
    tables: list[dict[str, Cell]] = []
    differences: dict[str, dict[str, Difference]] = {SHARES: {}, WITHOUT_LANGUAGE_MODEL: {}}
    with measured() as cost:
        community = load(data)
        encoder = _encoder()
        given = {key: one for key, one in ATTRIBUTES.items() if one[0] in community.members.columns}
        for seed in seeds:
            found: dict[str, dict[str, float]] = {}
            for key, (column, bands) in given.items():
                attribute = attribute_of(community, column, bands=bands, allowed=(column,))
                codes = attribute.codes[attribute.known]
                answers = _answers(community, attribute, bands, encoder, seed)
                for name, one in answers.items():
                    figures_of = found.setdefault(name, {})
                    figures_of |= _figures(key, codes, one.whole, attribute.classes)
                    figures_of[f"{key}_auc@{FEW}"] = mean_auc(codes, one.few)
                found[OURS][f"{key}_coverage"] = answers[OURS].coverage
                found[OURS][f"{key}_unsure"] = answers[OURS].unsure
                if seed == seeds[0]:
                    for name, theirs in differences.items():
                        theirs |= _differences(key, codes, answers[OURS], answers[name])
                    tables += _by_class(key, codes, answers[OURS].whole, attribute.classes)
            found[OURS]["attribute_auc"] = float(np.mean([found[OURS][f"{key}_auc"] for key in given]))
            for name, each in found.items():
                rows.setdefault(name, []).append(each)
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="attributes",
        metrics=figures(rows.pop(OURS)),
        baselines={name: figures(each) for name, each in rows.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences=differences,
        tables={"by class": tables},
    )


def _answers(
    community: Community, attribute: Attribute, bands: tuple[float, ...] | None, encoder: Encoder, seed: int
) -> dict[str, _Answers]:
    """What every system says of every member whose class is known."""
    config = ClassifierConfig(bands=bands, allow_sensitive=(attribute.name,))
    silent = config.model_copy(update={"sources": ("items", "profile")})
    codes = attribute.codes[attribute.known]
    parts = _folds(codes, seed)
    first = pl.int_range(pl.len()).over("member") < FEW
    few = community.with_events(community.events.filter(first))
    common = np.zeros((len(codes), len(attribute.classes)), dtype=np.float32)
    common[:, np.bincount(codes).argmax()] = 1
    return {
        OURS: _ours(community, few, attribute, config, encoder, parts, seed),
        WITHOUT_LANGUAGE_MODEL: _ours(community, few, attribute, silent, encoder, parts, seed),
        SHARES: _from_shares(community, few, attribute, parts),
        MAJORITY: _Answers(common, common),
    }


def _encoder() -> Encoder:
    encoder = load_encoder("e5-small", options=Options(progress=False))
    return CachedEncoder(encoder, settings().cache / "vectors", shown=False)


def _folds(codes: Rows, seed: int) -> list[Rows]:
    from sklearn.model_selection import StratifiedKFold

    split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(codes)), codes)
    return [part for _, part in split]


def _ours(
    community: Community, few: Community, attribute: Attribute, config: ClassifierConfig, encoder: Encoder,
    parts: list[Rows], seed: int,
) -> _Answers:  # fmt: skip
    known, codes = attribute.known, attribute.codes[attribute.known]
    whole, from_few = (np.zeros((len(known), len(attribute.classes)), dtype=np.float32) for _ in range(2))
    named, unsure = np.zeros(len(known), dtype=bool), np.zeros(len(known), dtype=bool)
    for part in parts:
        rest = np.setdiff1d(known, known[part])
        options = Options(seed=seed, progress=False)
        model = MemberClassifier(config).fit(community, attribute.name, options, encoder=encoder, rows=rest)
        told = model.predict(community, known[part])
        whole[part], from_few[part] = told.probabilities, model.predict(few, known[part]).probabilities
        named[part] = told.possible[np.arange(len(part)), codes[part]]
        unsure[part] = told.unsure
    return _Answers(whole, from_few, float(named.mean()), float(unsure.mean()))


def _shares(community: Community, names: Sequence[str]) -> Floats:
    """(members, categories) shares of each category among a member's events."""
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


def _from_shares(community: Community, few: Community, attribute: Attribute, parts: list[Rows]) -> _Answers:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    codes, names = attribute.codes[attribute.known], common_categories(community, most=1_000)
    features, of_few = (_shares(one, names)[attribute.known] for one in (community, few))
    whole, from_few = (np.zeros((len(codes), len(attribute.classes)), dtype=np.float32) for _ in range(2))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(codes)), part)
        model = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(
                Cs=[0.01, 0.1, 1.0, 10.0], l1_ratios=(0,), cv=4, max_iter=1_000, scoring="neg_log_loss",
                use_legacy_attributes=False,
            ),
        )  # fmt: skip
        model.fit(features[rest], codes[rest])
        whole[part], from_few[part] = model.predict_proba(features[part]), model.predict_proba(of_few[part])
    return _Answers(whole, from_few)


def _figures(key: str, codes: Rows, probabilities: Floats, classes: Sequence[str]) -> dict[str, float]:
    metrics = evaluate_classes(codes, probabilities.argmax(axis=1), classes)
    return {
        f"{key}_auc": mean_auc(codes, probabilities),
        f"{key}_accuracy": metrics.accuracy,
        f"{key}_macro_f1": metrics.macro_f1,
    }


def _by_class(key: str, codes: Rows, probabilities: Floats, classes: Sequence[str]) -> list[dict[str, Cell]]:
    metrics = evaluate_classes(codes, probabilities.argmax(axis=1), classes)
    return [
        {
            "attribute": key, "class": one.name, "precision": one.precision, "recall": one.recall, "f1": one.f1,
            "members": one.support,
        }
        for one in metrics.per_class
    ]  # fmt: skip


def _differences(key: str, codes: Rows, ours: _Answers, theirs: _Answers) -> dict[str, Difference]:
    def by(statistic: Callable[[Rows, Floats], float], one: Floats, other: Floats) -> Difference:
        return statistic_difference(
            lambda code, first, second: statistic(code, first) - statistic(code, second), codes, one, other, draws=500
        )

    def macro(code: Rows, probabilities: Floats) -> float:
        names = [str(number) for number in range(probabilities.shape[1])]
        return evaluate_classes(code, probabilities.argmax(axis=1), names).macro_f1

    return {
        f"{key}_auc": by(mean_auc, ours.whole, theirs.whole),
        f"{key}_macro_f1": by(macro, ours.whole, theirs.whole),
        f"{key}_auc@{FEW}": by(mean_auc, ours.few, theirs.few),
    }
