"""Labels by their names and descriptions alone: how near a text's vector lies to what a label is called."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from penchant.data.columns import PATH_SEPARATOR
from penchant.interests.taxonomy import Taxonomy
from penchant.language import written_language
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, unit_rows

TEMPLATES: Final = {"zh": ("{name}", "这是关于{name}的内容"), "en": ("{name}", "this is about {name}")}
"""What is encoded for a label, by the language of its name, where the configuration says nothing else."""

SHARPNESS: Final = 24.0
"""Turns centred cosines into logits."""


def name_texts(taxonomy: Taxonomy, labels: Sequence[str], templates: Sequence[str] = ()) -> list[list[str]]:
    """For each label what it is called: each template filled with its levels, and its description where it has one.

    >>> name_texts(Taxonomy(["家电 > 冰箱"], descriptions={"家电 > 冰箱": "冷藏食物"}), ["家电 > 冰箱"], ["{name}"])
    [['家电 冰箱', '冷藏食物']]
    """
    texts = []
    for label in labels:
        name = called_text(label)
        filled = [template.replace("{name}", name) for template in templates or TEMPLATES[written_language(name)]]
        texts.append(filled + ([taxonomy.descriptions[label]] if label in taxonomy.descriptions else []))
    return texts


def called_text(label: str) -> str:
    """A label's levels as a text.

    >>> called_text("家电 > 冰箱")
    '家电 冰箱'
    """
    return label.replace(PATH_SEPARATOR, " ")


def described_text(taxonomy: Taxonomy, label: str) -> str:
    """A label's levels and its description, where it has one, as one text: what spelling learns from.

    >>> described_text(Taxonomy(["家电 > 冰箱"], descriptions={"家电 > 冰箱": "冷藏食物"}), "家电 > 冰箱")
    '家电 冰箱 冷藏食物'
    """
    return " ".join([called_text(label), *([taxonomy.descriptions[label]] if label in taxonomy.descriptions else [])])


def name_vectors(names: Sequence[Sequence[str]], encoder: Encoder, centre: Floats) -> Floats:
    """(labels, width) where each label's names lie, from the texts' centre and from the labels' own.

    Subtracting both centres takes away what all texts and all names share, which fills most of an encoder's vectors.
    """
    flat = unit_rows(encoder.encode([text for texts in names for text in texts]) - centre)
    starts = np.concatenate([[0], np.cumsum([len(texts) for texts in names])[:-1]])
    counts = np.array([len(texts) for texts in names], dtype=np.float32)
    means = np.add.reduceat(flat, starts, axis=0) / counts[:, None]
    return (means - means.mean(0)).astype(np.float32) if len(means) > 1 else means.astype(np.float32)
