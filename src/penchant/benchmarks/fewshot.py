"""`penchant bench fewshot`: labels from a handful of texts each, on the splits of FewCLUE."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from penchant.benchmarks.fewshot_descriptions import DESCRIPTIONS
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, Published, data_name, figures
from penchant.errors import ConfigError, ReadError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.sources import SourcesConfig
from penchant.interests.taxonomy import Taxonomy
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.text.tuning.config import FinetuneConfig
from penchant.training.options import Options

PROTOCOLS: Final = ("frozen", "tuned")
SPLITS: Final = (0, 1, 2, 3, 4)
ALL_SPLITS: Final = ("train_few_all", "dev_few_all")
"""Files that hold the texts of every split."""
TEMPLATES: Final = ((), ("{name}", "这是一条{name}新闻"), ("{name}", "这是一款{name}应用"))
"""Ways to put a label's name; the development texts of each split choose."""
TUNING: Final = FinetuneConfig(mode="full", epochs=8, batch_size=16, max_length=64, probe_first=False)
MAX_TOKENS: Final = 128
OURS: Final = "ours"
NAMES: Final = "names alone"
UNTUNED: Final = "without tuning"
UNDESCRIBED: Final = "without descriptions of labels"
DESCRIBED_NAMES: Final = "names and descriptions alone"

_PAPER: Final = "FewCLUE (arXiv 2107.07498), RoBERTa-wwm-ext"
PUBLISHED: Final[dict[str, dict[str, Published]]] = {
    "tnews": {
        "fine-tuning": Published.model_validate({"source": _PAPER, "accuracy": 0.490}),
        "P-tuning": Published.model_validate({"source": _PAPER, "accuracy": 0.542}),
        "PET": Published.model_validate({"source": _PAPER, "accuracy": 0.545}),
    },
    "iflytek": {
        "fine-tuning": Published.model_validate({"source": _PAPER, "accuracy": 0.328}),
        "P-tuning": Published.model_validate({"source": _PAPER, "accuracy": 0.576}),
        "PET": Published.model_validate({"source": _PAPER, "accuracy": 0.460}),
    },
}

_PLAIN: Final = LabellerConfig(beliefs=BeliefsConfig(rounds=0))
_FROZEN: Final = _PLAIN.model_copy(update={"sources": SourcesConfig(centres=True)})
_TUNED: Final = _FROZEN.model_copy(update={"beliefs": BeliefsConfig(rounds=1, per_class=1_000), "tuned": TUNING})
SYSTEMS: Final[dict[str, LabellerConfig]] = {
    WITHOUT_LANGUAGE_MODEL: _FROZEN.model_copy(update={"names": False, "meaning": False}),
    NAMES: _PLAIN.model_copy(update={"meaning": False, "spelling": False}),
    "frozen vectors + logistic regression": _PLAIN.model_copy(update={"names": False, "spelling": False}),
}
"""What the labeller is measured against, each fitted on the same texts."""


@dataclass(frozen=True)
class FewShotSet:
    """One data set with its splits."""

    folder: Path
    names: Mapping[str, str]
    """What labels are called, where a file says so."""

    @classmethod
    def at(cls, data: str) -> "FewShotSet":
        """A folder with FewCLUE's files, or its name in the folder of public sets.

        Raises:
            ReadError: there is none.
        """
        kept = settings().data
        for folder in [Path(data), *([kept / data, kept / "fewclue" / data] if kept is not None else [])]:
            if cls(folder, {})._has("train_0"):
                found = folder / "label_index2en2zh.json"
                rows = [json.loads(line) for line in found.read_text("utf-8").splitlines()] if found.is_file() else []
                return cls(folder, {str(row["label"]): row["label_zh"] for row in rows})
        raise ReadError(
            f"no few-shot set is at {data!r}; a folder with FewCLUE's files (train_0.json, dev_0.json …) is wanted"
        )

    def labelled(self, part: str) -> LabelledTexts:
        """The texts of one file with their labels' names; texts of one wording are joined."""
        rows = [(row["sentence"], self._name(row)) for row in self._rows(part) if row["sentence"].strip()]
        return LabelledTexts.of([text for text, _ in rows], [label for _, label in rows])

    def unlabelled(self) -> list[str]:
        """Texts without labels; where the folder has none, those of all splits, their labels left aside."""
        parts = ("unlabeled",) if self._has("unlabeled") else tuple(filter(self._has, ALL_SPLITS))
        return [row["sentence"] for part in parts for row in self._rows(part)]

    def tree(self, labels: Iterable[str]) -> Taxonomy:
        """The labels with what is known of their meaning."""
        known = DESCRIPTIONS.get(self.folder.name, {})
        kept = list(labels)
        return Taxonomy(kept, descriptions={label: known[label] for label in kept if label in known})

    def test(self) -> tuple[list[str], list[str]]:
        """Every test text and its label, repeats and all, as the paper counts them."""
        rows = [(row["sentence"], self._name(row)) for row in self._rows("test_public")]
        return [text for text, _ in rows], [label for _, label in rows]

    def _name(self, row: Mapping[str, Any]) -> str:
        label = str(row["label"])
        return self.names.get(label) or str(row.get("label_des") or row.get("label_desc") or label)

    def _has(self, part: str) -> bool:
        return any((self.folder / f"{part}.json{ending}").is_file() for ending in ("", ".gz"))

    def _rows(self, part: str) -> Iterator[dict[str, Any]]:
        path = self.folder / f"{part}.json"
        try:
            packed = path.with_suffix(".json.gz")
            whole = path.read_bytes() if path.is_file() else gzip.decompress(packed.read_bytes())
            # Not by `splitlines`: a text may hold a line separator that JSON leaves as it is.
            yield from (json.loads(line) for line in whole.decode("utf-8").split("\n") if line.strip())
        except (OSError, ValueError) as error:
            raise ReadError(f"{path} (or the same with .gz) cannot be read: {error}") from error


def run(
    data: str,
    *,
    protocol: str | None = None,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
) -> BenchResult:
    """Fit on train_k, choose on dev_k, judge on test_public; the mean of the splits k.

    Protocols: `frozen` blends label names, vectors (drawn to those of unlabelled texts) and spelling; `tuned` adds a
    model tuned on train_k, and lets spelling learn from what the rest says of unlabelled texts. The labels of FewCLUE's
    own sets come with a line each on what they mean, and the same is measured without these. The development texts
    teach the blend and the calibration and pick the wording of the names; the test texts are read once. Where the
    folder has no unlabelled texts, those of the other splits' files serve, without their labels.

    Raises:
        ConfigError: there is no such protocol.
        ReadError: the data are not FewCLUE's.
    """
    protocol = protocol or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(f"the protocols of fewshot are {', '.join(PROTOCOLS)}; there is no {protocol!r}")
    source, splits = FewShotSet.at(data), tuple(SPLITS if seeds is None else seeds)
    described = bool(DESCRIPTIONS.get(source.folder.name))
    more = ([UNTUNED] if protocol == "tuned" else []) + ([UNDESCRIBED, DESCRIBED_NAMES] if described else [])
    systems = (OURS, *more, *SYSTEMS)
    right: dict[str, list[np.ndarray]] = {name: [] for name in systems}
    chosen: list[dict[str, Cell]] = []
    with measured() as cost:
        encoder = encoder or kept_encoder(MAX_TOKENS)
        texts, truth = source.test()
        unlabelled = source.unlabelled()
        for split in splits:
            train, dev = source.labelled(f"train_{split}"), source.labelled(f"dev_{split}")
            options = Options(seed=split)
            seen = {*train.texts, *dev.texts}
            spare = [text for text in unlabelled if text.strip() not in seen]
            tree, plain = source.tree(train.labels), train.taxonomy()
            ours, names = _frozen(train, dev, spare, encoder, options, tree)
            if protocol == "tuned":
                right[UNTUNED].append(_right(ours, texts, truth))
                config = _TUNED.model_copy(update={"templates": names})
                ours = Labeller(config).fit(
                    train, options, encoder=encoder, taxonomy=tree, validation=dev, unlabelled=spare
                )
            right[OURS].append(_right(ours, texts, truth))
            weights = {name: round(weight, 3) for name, weight in ours.judge.blend.weights.items()}
            row: dict[str, Cell] = {"split": split, "wording": " · ".join(names) or "default"}
            row["dev"] = accuracy(ours, dev)
            chosen.append({**row, "test": float(right[OURS][-1].mean()), **weights})
            if described:
                without, _ = _frozen(train, dev, spare, encoder, options, plain)
                right[UNDESCRIBED].append(_right(without, texts, truth))
                told = Labeller(SYSTEMS[NAMES]).fit(train, options, encoder=encoder, taxonomy=tree, validation=dev)
                right[DESCRIBED_NAMES].append(_right(told, texts, truth))
            for name, config in SYSTEMS.items():
                other = Labeller(config).fit(train, options, encoder=encoder, validation=dev)
                right[name].append(_right(other, texts, truth))
    accuracies = {name: figures([{"accuracy": float(hits.mean())} for hits in found]) for name, found in right.items()}
    ours_by_text = np.mean(right[OURS], axis=0)
    return BenchResult(
        name="fewshot",
        data=data_name(source.folder),
        protocol=protocol,
        metrics=accuracies.pop(OURS),
        baselines=accuracies,
        published=PUBLISHED.get(source.folder.name, {}),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(splits),
        differences={
            name: {"accuracy": paired_difference(ours_by_text, np.mean(right[name], axis=0))} for name in accuracies
        },
        tables={"chosen on the development texts": chosen},
    )


def kept_encoder(max_tokens: int) -> Encoder:
    """The default encoder with its vectors kept in the user's cache, so that a second run need not compute them."""
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import load_encoder

    return CachedEncoder(load_encoder(max_tokens=max_tokens), settings().cache / "vectors")


def _frozen(
    train: LabelledTexts,
    dev: LabelledTexts,
    unlabelled: Sequence[str],
    encoder: Encoder,
    options: Options,
    tree: Taxonomy,
) -> tuple[Labeller, tuple[str, ...]]:
    """The labeller without tuning, and the wording of names that is best on the development texts."""
    found: list[tuple[Labeller, tuple[str, ...], float]] = []
    for templates in TEMPLATES:
        config = _FROZEN.model_copy(update={"templates": templates})
        labeller = Labeller(config).fit(
            train, options, encoder=encoder, taxonomy=tree, validation=dev, unlabelled=unlabelled
        )
        found.append((labeller, templates, accuracy(labeller, dev)))
    labeller, wording, _ = max(found, key=lambda each: each[2])
    return labeller, wording


def accuracy(labeller: Labeller, labelled: LabelledTexts) -> float:
    """Share of distinct texts whose likeliest label is among those they were given."""
    said = labeller.label(labelled.texts)
    hits = [said.labels(row) in labelled.given[row] for row in range(len(labelled))]
    return float(np.mean(hits))


def _right(labeller: Labeller, texts: Sequence[str], truth: Sequence[str]) -> np.ndarray:
    """(texts,) 1 where the label is the right one."""
    said = labeller.label(texts)
    return np.array([said.labels(row) == (label,) for row, label in enumerate(truth)], dtype=np.float64)
