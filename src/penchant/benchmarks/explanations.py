"""Whether the words that explain a label carry it: a protocol of `interests`."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.columns import PATH_SEPARATOR
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.interests.attributions import Attribution, AttributionConfig, Piece, attribute
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.deletion import Deletion, agreement, deletion
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.text.cache import CachedEncoder
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats

DRAWS: Final = (0, 1, 2)
SHOTS: Final = 64
TEST: Final = 200
"""Texts whose labels are explained, or a fifth of all where that is fewer; drawn once, with seed 0."""
MAX_TOKENS: Final = 64
SHARE: Final = 0.2
OURS: Final = "gradients"
OCCLUSION: Final = "occlusion"
RANDOM: Final = "random words"


def explained(
    data: str,
    *,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
    config: LabellerConfig | None = None,
) -> BenchResult:
    """Learn top labels from 64 texts each, explain the labels of texts apart, and delete what explains them.

    `ratio` is how many times further the label's probability falls without the top 20% of a text's words than without
    as many random ones; `fall` is the former. Ours are integrated gradients; beside them stand occlusion, which asks
    the labeller once a word and so is the harder mark to reach, random shares, and the gradients of a labeller by
    spelling alone. `agreement` is the rank correlation of gradients with occlusion.

    Args:
        data: a community with labelled texts.
        seeds: of the draws of texts to learn from; 0, 1 and 2 if None.
        encoder: a transformer's; the default one if None.
        config: of the labeller; without self-training if None.

    Raises:
        TooLittleDataError: the community has too few texts with one label.
    """
    config = config or LabellerConfig(beliefs=BeliefsConfig(rounds=0))
    spelling = config.model_copy(update={"names": False, "meaning": False, "tuned": None})
    texts, labels = _labelled(data)
    held, seeds = min(TEST, len(texts) // 5), tuple(DRAWS if seeds is None else seeds)
    test = texts[:held]
    metrics: dict[str, list[dict[str, float]]] = {}
    falls: dict[str, list[Deletion]] = {}
    rows: list[dict[str, Cell]] = []
    with measured() as cost:
        remembered = _Remembered(encoder or kept_encoder(MAX_TOKENS))
        for seed in seeds:
            drawn = _draw(labels[held:], seed) + held
            given = LabelledTexts.of([texts[row] for row in drawn], labels[drawn].tolist())
            full = Labeller(config).fit(given, Options(seed=seed), encoder=remembered)
            alone = Labeller(spelling).fit(given, Options(seed=seed))
            by_gradients = attribute(full, test)
            by_occlusion = attribute(full, test, config=AttributionConfig(method="occlusion"))
            systems = {
                OURS: (full, by_gradients),
                OCCLUSION: (full, by_occlusion),
                RANDOM: (full, _shuffled(by_gradients, seed)),
                WITHOUT_LANGUAGE_MODEL: (alone, attribute(alone, test)),
            }
            for name, (labeller, found) in systems.items():
                deleted = deletion(labeller, test, found, SHARE, np.random.default_rng(seed))
                ratio = deleted.ratio
                falls.setdefault(name, []).append(deleted)
                own = {"ratio": ratio.value, "fall": float(deleted.top.mean())}
                extra = {"random_fall": float(deleted.random.mean())} if name != RANDOM else {}
                metrics.setdefault(name, []).append(own | extra)
                rows.append({"seed": seed, "by": name, "ratio": ratio.value, "low": ratio.low, "high": ratio.high})
            metrics[OURS][-1]["agreement"] = agreement(by_gradients, by_occlusion)
    summed = {name: figures(found) for name, found in metrics.items()}
    top = {name: np.mean([deleted.top for deleted in found], axis=0) for name, found in falls.items()}
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="explain",
        metrics=summed.pop(OURS),
        baselines=summed,
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        # Falls of another labeller's probability are no like thing.
        differences={name: {"fall": paired_difference(top[OURS], top[name])} for name in (OCCLUSION, RANDOM)},
        tables={"ratios with 95% intervals over texts": rows},
    )


class _Remembered:
    """An encoder that keeps its vectors for the run: each seed leaves the same words out of the same texts."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder.encoder if isinstance(encoder, CachedEncoder) else encoder
        self._vectors: dict[str, Floats] = {}

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def width(self) -> int:
        return self.encoder.width

    def encode(self, texts: Sequence[str]) -> Floats:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors |= zip(fresh, self.encoder.encode(fresh), strict=True)
        return np.stack([self._vectors[text] for text in texts]) if len(texts) else self.encoder.encode([])


def _labelled(data: str) -> tuple[list[str], np.ndarray]:
    """Distinct texts with one top label each, in a random order that no seed of a run changes."""
    found = list(load(data).labels.select("text", "labels").drop_nulls().iter_rows())
    label_of = {
        text.strip(): given[0].split(PATH_SEPARATOR)[0]
        for text, given in (found[row] for row in np.random.default_rng(0).permutation(len(found)))
        if text.strip() and len({label.split(PATH_SEPARATOR)[0] for label in given}) == 1
    }
    if len(label_of) < 100:
        raise TooLittleDataError(f"{data} has {len(label_of)} texts with a label; 100 at least are needed to judge by")
    return list(label_of), np.array(list(label_of.values()))


def _draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """Rows of 64 texts of each label."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:SHOTS] for label in np.unique(labels)])


def _shuffled(found: Sequence[Attribution], seed: int) -> list[Attribution]:
    """Random shares for the same words of the same texts."""
    rng = np.random.default_rng((seed, 1))
    return [
        Attribution(
            each.text,
            each.label,
            each.probability,
            each.log_odds,
            tuple(Piece(piece.text, piece.start, piece.end, float(rng.normal()), piece.word) for piece in each.pieces),
        )
        for each in found
    ]
