"""What a labeller learned elsewhere is worth here: the protocol `transfer` of `interests`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.labelled import PathTexts
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.simulated.texts import reviews
from penchant.data.simulated.wares import interests
from penchant.errors import TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows

PRAISE: Final = "正面"
BLAME: Final = "负面"
TRAIN: Final = 60
"""Texts of each category and polarity to learn from."""
TEST: Final = 60
"""Texts of each category and polarity to judge by; which of the two a text is for, each seed draws anew."""
OTHER: Final = 250
"""Reviews of each language and polarity in the other domain."""
LABELS: Final = (20, 100, 600)
"""Labels of each community, where two learn together and apart."""
MAX_TOKENS: Final = 64
OURS: Final = "ours"
VECTORS: Final = "vectors alone"

Answers = NDArray[np.str_]


@dataclass(frozen=True)
class _Domain:
    """Texts with their polarity."""

    texts: list[str]
    polarity: Answers

    def part(self, rows: Rows) -> "_Domain":
        return _Domain([self.texts[row] for row in rows], self.polarity[rows])

    def judged(self, labeller: Labeller) -> float:
        """The mean of the shares of praise and of blame that are told as such; half by chance."""
        said = np.array(labeller.taxonomy.labels)[labeller.probabilities(self.texts).argmax(axis=1)]
        return float(np.mean([(said == name)[self.polarity == name].mean() for name in np.unique(self.polarity)]))


def transfer(
    data: str,
    *,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
    config: LabellerConfig | None = None,
) -> BenchResult:
    """Praise or blame, learned from Chinese reviews of some goods, judged on other goods, another shop and in English.

    Trained on 60 praising and 60 blaming reviews of each category; judged by the mean of the recall of both (.5 by
    chance) on other reviews of the same categories, `same`; on each category, learned from all others, `left_out`; on
    Chinese reviews as the simulated bazaar writes them, `other_domain`; and on its English ones, `english`, with no
    English label seen. Five stars are praise there and one is blame. `together_gain@N`: two communities, every second
    category each, with N labels each; a labeller trained on both less one trained on a community's own labels.

    Baselines: the vectors alone without label names and spelling, and spelling alone: without the language model.

    Args:
        data: with labels `category > 正面` and `category > 负面`.
        seeds: of the draws; 0, 1 and 2 if None.
        encoder: of the texts; the usual one if None.
        config: of our labeller.

    Raises:
        TooLittleDataError: fewer than two categories have enough of both polarities.
    """
    chosen, ours = list(range(3) if seeds is None else seeds), config or LabellerConfig(beliefs=BeliefsConfig(rounds=0))
    systems = {
        OURS: ours,
        VECTORS: ours.model_copy(update={"names": False, "spelling": False}),
        WITHOUT_LANGUAGE_MODEL: ours.model_copy(update={"names": False, "meaning": False, "tuned": None}),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    left_out: list[dict[str, Cell]] = []
    with measured() as cost:
        written = PathTexts.of(data)
        encoder = encoder or kept_encoder(MAX_TOKENS)
        bazaar = _bazaar()
        for seed in chosen:
            shops = _shops(written, seed, data)
            for name, system in systems.items():
                trainer = _Trainer(system, encoder, seed)
                everything = trainer.fit([train for train, _ in shops.values()])
                told = {"same": float(np.mean([test.judged(everything) for _, test in shops.values()]))}
                told |= {key: domain.judged(everything) for key, domain in bazaar.items()}
                apart = {
                    shop: test.judged(trainer.fit([train for other, (train, _) in shops.items() if other != shop]))
                    for shop, (_, test) in shops.items()
                }
                left_out += [
                    {"seed": seed, "system": name, "category": shop, "left_out": apart[shop]} for shop in apart
                ]
                told["left_out"] = float(np.mean(list(apart.values())))
                found[name].append(told | _together(shops, trainer))
    summed = {name: figures(rows) for name, rows in found.items()}
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="transfer",
        metrics=summed.pop(OURS),
        baselines=summed,
        tables={
            "one domain to another": _transferred(found, bazaar),
            "each category, learned from the others": _by_category(left_out, systems),
            "two communities": _communities(found),
        },
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=chosen,
    )


class _Trainer:
    """Fits one system on the texts of several domains."""

    def __init__(self, config: LabellerConfig, encoder: Encoder, seed: int) -> None:
        self.config, self.encoder, self.seed = config, encoder, seed

    def fit(self, domains: Sequence[_Domain]) -> Labeller:
        texts = [text for domain in domains for text in domain.texts]
        labels = [polarity for domain in domains for polarity in domain.polarity.tolist()]
        given = LabelledTexts.of(texts, labels)
        return Labeller(self.config).fit(given, Options(seed=self.seed), encoder=self.encoder)


def _shops(source: PathTexts, seed: int, data: str) -> dict[str, tuple[_Domain, _Domain]]:
    """Of each category texts to learn from and texts to judge by, both polarities in equal numbers where they last."""
    rng, shops = np.random.default_rng(seed), {}
    for top in np.unique(source.tops).tolist():
        parts: tuple[list[Rows], list[Rows]] = ([], [])
        for polarity in (PRAISE, BLAME):
            written = np.flatnonzero((source.tops == top) & (source.lows == polarity))[: TRAIN + TEST]
            rows = rng.permutation(written)
            train = min(TRAIN, len(rows) * TRAIN // (TRAIN + TEST))
            parts[0].append(rows[:train])
            parts[1].append(rows[train:])
        if min(len(rows) for part in parts for rows in part) >= 10:
            whole = _Domain(source.texts, source.lows)
            shops[top] = (whole.part(rng.permutation(np.concatenate(parts[0]))), whole.part(np.concatenate(parts[1])))
    if len(shops) < 2:
        raise TooLittleDataError(
            f"{len(shops)} categories of {data} have enough texts labelled {PRAISE} and {BLAME}; 2 at least are needed"
        )
    return shops


def _bazaar() -> dict[str, _Domain]:
    """Distinct reviews as the simulated bazaar writes them, by language: of all its goods, as much praise as blame."""
    rng, goods = np.random.default_rng(0), len(interests())
    domains = {}
    for language, name in enumerate(("other_domain", "english")):
        written: dict[str, str] = {}
        for polarity, stars in ((PRAISE, 5), (BLAME, 1)):
            drawn = (rng.integers(0, goods, 3 * OTHER), np.full(3 * OTHER, language), rng.integers(0, 5, 3 * OTHER))
            distinct = list(dict.fromkeys(reviews(*drawn, np.full(3 * OTHER, stars), rng)))
            written |= dict.fromkeys(distinct[:OTHER], polarity)
        domains[name] = _Domain(list(written), np.array(list(written.values())))
    return domains


def _together(shops: Mapping[str, tuple[_Domain, _Domain]], trainer: _Trainer) -> dict[str, float]:
    """Two communities of every second category, trained apart and together."""
    names = list(shops)
    sides = [[shops[name] for name in names[start::2]] for start in (0, 1)]
    found: dict[str, float] = {}
    for count in LABELS:
        learned = [
            [train.part(np.arange(len(train.texts))[: -(-count // len(side))]) for train, _ in side] for side in sides
        ]
        both = trainer.fit([*learned[0], *learned[1]])
        pairs = []
        for side, own in zip(sides, learned, strict=True):
            alone = trainer.fit(own)
            pairs.append([np.mean([test.judged(each) for _, test in side]) for each in (alone, both)])
        apart, together = np.mean(pairs, axis=0)
        found |= {f"apart@{count}": float(apart), f"together@{count}": float(together)}
        found[f"together_gain@{count}"] = float(together - apart)
    return found


def _mean(rows: Sequence[Mapping[str, float]], key: str) -> float:
    return round(float(np.mean([row[key] for row in rows])), 4)


def _transferred(found: Mapping[str, list[dict[str, float]]], bazaar: Mapping[str, _Domain]) -> list[dict[str, Cell]]:
    counts = {key: len(domain.texts) for key, domain in bazaar.items()}
    return [
        {"judged on": key, "texts": counts.get(key), **{name: _mean(rows, key) for name, rows in found.items()}}
        for key in ("same", "left_out", *bazaar)
    ]


def _by_category(rows: Sequence[Mapping[str, Cell]], systems: Mapping[str, LabellerConfig]) -> list[dict[str, Cell]]:
    table = pl.DataFrame(rows).group_by("category", "system", maintain_order=True).agg(pl.col("left_out").mean())
    wide = table.pivot("system", index="category", values="left_out").select("category", *systems)
    return wide.with_columns(pl.col(*systems).round(4)).to_dicts()


def _communities(found: Mapping[str, list[dict[str, float]]]) -> list[dict[str, Cell]]:
    return [
        {
            "labels of each": count,
            "system": name,
            **{key: _mean(rows, f"{key}@{count}") for key in ("apart", "together", "together_gain")},
        }
        for count in LABELS
        for name, rows in found.items()
    ]
