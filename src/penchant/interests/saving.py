"""A labeller as a folder and back: arrays in safetensors, the rest as JSON, a tuned model in a folder of its own."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.errors import ArtifactError
from penchant.interests.answers import LabellerReport
from penchant.interests.blend import Blend
from penchant.interests.calibration import Calibration
from penchant.interests.classes import Classes
from penchant.interests.judge import Judge
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.rows import Crowd, TextReader
from penchant.interests.selective import SelectiveRule
from penchant.interests.sources import Tuned, arrays_of, from_arrays, transformer_of
from penchant.interests.taxonomy import Taxonomy
from penchant.interests.words import Words
from penchant.text.encoder import Encoder
from penchant.training.options import Options

if TYPE_CHECKING:
    from penchant.text.transformer import Role

KIND: Final = "labeller"
_TUNED: Final = "tuned"


def save_labeller(labeller: Labeller, folder: Path) -> None:
    """Write a fitted labeller; a folder that holds one is replaced.

    Raises:
        StorageError: the folder cannot be written.
    """
    reader, judge = labeller.reader, labeller.judge
    arrays: dict[str, np.ndarray] = {f"source/{name}": array for name, array in arrays_of(labeller.sources)}
    arrays |= {"thresholds": judge.thresholds, "curves": judge.calibration.curves, "blank": labeller.blank}
    if reader.centre is not None:
        arrays["centre"] = reader.centre
    if reader.crowd is not None:
        arrays["crowd"] = reader.crowd.vectors
    if reader.words is not None:
        arrays |= {"words/kept": reader.words.kept, "words/rarity": reader.words.rarity}
    files = []
    tuned = labeller.sources.get(_TUNED)
    if isinstance(tuned, Tuned):
        tuned.model.save(folder / _TUNED)
        # The manifest of the tuned model checks its other files.
        files = [f"{_TUNED}/{MANIFEST}"]
    meta: dict[str, Any] = {
        "config": labeller.config.model_dump(mode="json"),
        "labels": list(labeller.taxonomy.labels),
        "descriptions": labeller.taxonomy.descriptions,
        "classes": list(labeller.classes.labels),
        "exclusive": labeller.classes.exclusive,
        "sources": list(labeller.sources),
        "tuned_columns": list(tuned.columns) if isinstance(tuned, Tuned) else [],
        "blend": dict(judge.blend.weights),
        "bias": list(judge.blend.bias),
        "calibration": judge.calibration.kind,
        "temperature": judge.calibration.temperature,
        "rules": [asdict(rule) for rule in judge.rules],
        "encoder": reader.encoder.name if reader.encoder is not None else None,
        "report": asdict(labeller.report),
    }
    save_artifact(folder, KIND, arrays=arrays, meta=meta, files=files)


def load_labeller(folder: Path, encoder: Encoder | None, options: Options) -> Labeller:
    """Read a labeller back.

    Raises:
        ArtifactError: the folder is damaged, or the encoder is not the one it was fitted with.
        WeightsError: no encoder was handed in, and the one it was fitted with cannot be found.
    """
    artifact = load_artifact(folder, KIND)
    meta, arrays = artifact.meta, artifact.arrays
    labeller = Labeller(LabellerConfig.model_validate(meta["config"]))
    if meta["encoder"] is not None:
        encoder = encoder or _encoder_named(meta["encoder"], options)
        if encoder.name != meta["encoder"]:
            raise ArtifactError(
                f"{folder} was fitted with the encoder {meta['encoder']}; {encoder.name} gives other vectors: pass "
                "the right encoder, or fit again"
            )
    taxonomy = Taxonomy(meta["labels"], descriptions=meta["descriptions"])
    labeller.classes = Classes(taxonomy, tuple(meta["classes"]), meta["exclusive"])
    words = None
    if "words/kept" in arrays:
        words = Words(labeller.config.words)
        words.kept, words.rarity = arrays["words/kept"], arrays["words/rarity"]
    config, crowd = labeller.config, arrays.get("crowd")
    around = None if crowd is None else Crowd(crowd, config.neighbours, config.neighbours_share)
    labeller.reader = TextReader(encoder, arrays.get("centre"), words, around)
    learned = {name.removeprefix("source/"): array for name, array in arrays.items() if name.startswith("source/")}
    labeller.sources = from_arrays(meta["sources"], learned, meta["exclusive"], labeller.config.sources)
    if _TUNED in meta["sources"]:
        from penchant.text.finetune import TunedModel

        model = TunedModel.load(folder / _TUNED, transformer_of(encoder), options=options)
        columns = tuple(meta["tuned_columns"])
        labeller.sources[_TUNED] = Tuned(model, columns, len(meta["classes"]), meta["exclusive"])
    labeller.judge = Judge(
        labeller.classes,
        Blend(meta["blend"], meta["exclusive"], tuple(meta["bias"])),
        Calibration(meta["calibration"], meta["exclusive"], meta["temperature"], arrays["curves"]),
        arrays["thresholds"],
        tuple(SelectiveRule(**rule) for rule in meta["rules"]),
    )
    labeller.blank = arrays["blank"]
    report = meta["report"] | {"without_texts": tuple(meta["report"]["without_texts"])}
    labeller.report = LabellerReport(**report)
    return labeller


def _encoder_named(name: str, options: Options) -> Encoder:
    """The encoder of a saved name, which holds weights, role and bound on tokens."""
    from penchant.text.transformer import load_encoder

    weights, _, rest = name.rpartition("@")
    parts = rest.split("/")
    if len(parts) < 3 or not parts[2].isdecimal():
        raise ArtifactError(f"the labeller was fitted with the encoder {name!r}, which has to be passed to load it")
    role: Role = "query" if parts[1] == "query" else "passage"
    return load_encoder(weights, options=options, role=role, max_tokens=int(parts[2]))
