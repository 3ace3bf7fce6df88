"""A discovered tree as a folder and back: arrays in safetensors, the rest as JSON."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from penchant.artifacts import load_artifact, save_artifact
from penchant.interests.clusters import Split
from penchant.interests.discovery import Discovery, DiscoveryConfig
from penchant.interests.found import Found
from penchant.interests.taxonomy import Taxonomy

KIND: Final = "discovery"


def save_discovery(discovery: Discovery, folder: Path) -> None:
    """Write a discovered tree; a folder that holds one is replaced.

    Raises:
        StorageError: the folder cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    splits: list[dict[str, Any]] = []
    for number, (above, split) in enumerate(discovery.split.nodes()):
        arrays |= {
            f"{number}/mean": split.mean,
            f"{number}/axes": split.axes,
            f"{number}/centres": split.centres,
        }
        splits.append(
            {"above": list(above), "least": split.least, "silhouette": split.silhouette, "reference": split.reference}
        )
    row_of = {label: row for row, label in enumerate(discovery.taxonomy.labels)}
    arrays["labels"] = np.array([-1 if label is None else row_of[label] for label in discovery.labels], dtype=np.int32)
    meta = {
        "config": discovery.config.model_dump(mode="json"),
        "encoder": discovery.encoder,
        "namer": discovery.namer,
        "descriptions": discovery.taxonomy.descriptions,
        "found": [asdict(found) for found in discovery.found],
        "splits": splits,
        "paths": [[list(path), label] for path, label in discovery.paths.items()],
        # Lone surrogates, from broken JSON escapes, are no text that a file can hold.
        "texts": [text.encode("utf-8", "replace").decode() for text in discovery.texts],
    }
    save_artifact(folder, KIND, arrays=arrays, meta=meta)


def load_discovery(folder: Path) -> Discovery:
    """Read a discovered tree back.

    Raises:
        ArtifactError: the folder is absent, unfinished, damaged, or of another kind.
    """
    artifact = load_artifact(folder, KIND)
    meta, arrays = artifact.meta, artifact.arrays
    found = tuple(
        Found(**{**each, "words": tuple(each["words"]), "typical": tuple(each["typical"])}) for each in meta["found"]
    )
    taxonomy = Taxonomy([each.label for each in found], descriptions=meta["descriptions"])
    return Discovery(
        config=DiscoveryConfig.model_validate(meta["config"]),
        encoder=meta["encoder"],
        taxonomy=taxonomy,
        found=found,
        texts=tuple(meta["texts"]),
        labels=tuple(None if row < 0 else taxonomy.labels[row] for row in arrays["labels"].tolist()),
        split=_joined(meta["splits"], arrays),
        paths={tuple(path): label for path, label in meta["paths"]},
        namer=meta["namer"],
    )


def _joined(saved: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> Split:
    """The splits inside each other again; they were written from the top down."""
    splits: dict[tuple[int, ...], Split] = {}
    for number, each in enumerate(saved):
        centres = arrays[f"{number}/centres"]
        splits[tuple(each["above"])] = Split(
            mean=arrays[f"{number}/mean"],
            axes=arrays[f"{number}/axes"],
            centres=centres,
            least=each["least"],
            silhouette=each["silhouette"],
            reference=each["reference"],
            children=(None,) * len(centres),
        )
    for path in sorted(splits, key=len, reverse=True):
        if path:
            above = splits[path[:-1]]
            children = [*above.children[: path[-1]], splits[path], *above.children[path[-1] + 1 :]]
            splits[path[:-1]] = replace(above, children=tuple(children))
    return splits[()]
