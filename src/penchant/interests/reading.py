"""What a labeller reads before it learns: n-grams, the centre of the vectors, the crowd of unlabelled texts, names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.sparse as sp

from penchant.interests.classes import Classes
from penchant.interests.rows import Crowd, TextReader
from penchant.interests.words import Words
from penchant.interests.zero_shot import described_text, name_texts, name_vectors
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, unit_rows

if TYPE_CHECKING:
    from penchant.interests.labeller import LabellerConfig

FEWEST_IN_CROWD: Final = 500
"""Fewer unlabelled texts than this hold no neighbours worth the name."""
_LINEAR_PARAMETERS: Final = 6_000_000
"""Bound on n-grams times classes, so that a tree of a thousand labels fits in memory."""


def text_reader(
    config: "LabellerConfig",
    classes: Classes,
    texts: Sequence[list[str]],
    encoded: Rows,
    encoder: Encoder | None,
) -> TextReader:
    """What is learned from texts without their labels.

    Args:
        config: which sources there are.
        classes: whose names are texts too.
        texts: the labelled ones, those of the validation, and the unlabelled.
        encoded: rows of the labelled texts that are encoded.
        encoder: of vectors, where there are any.
    """
    labelled, known, spare = texts
    words = None
    if config.spelling and any(texts):
        bound = max(1000, _LINEAR_PARAMETERS // len(classes))
        called = [described_text(classes.taxonomy, label) for label in classes.labels] if config.names else []
        words = Words(config.words).fit(labelled + known + spare + called, most=bound)
    if encoder is None or not (config.names or config.meaning):
        return TextReader(encoder, None, words)
    seen = [labelled[row] for row in encoded] + known + spare
    if not seen:
        seen = [text for names in name_texts(classes.taxonomy, classes.labels) for text in names]
    vectors = encoder.encode(seen)
    centre = vectors.mean(0)
    crowd = None
    if config.neighbours and len(spare) >= FEWEST_IN_CROWD:
        around = unit_rows(vectors[len(seen) - len(spare) :] - centre).astype(np.float16)
        crowd = Crowd(around, config.neighbours, config.neighbours_share)
    return TextReader(encoder, centre, words, crowd)


def names_read(
    config: "LabellerConfig", classes: Classes, reader: TextReader
) -> tuple[Floats | None, sp.csr_matrix | None]:
    """(classes, width) vectors and (classes, n-grams) of what the classes are called, as far as they are used."""
    vectors, words = None, None
    if config.names and reader.encoder is not None and reader.centre is not None:
        texts = name_texts(classes.taxonomy, classes.labels, config.templates)
        vectors = name_vectors(texts, reader.encoder, reader.centre)
    if config.names and reader.words is not None:
        words = reader.words.rows([described_text(classes.taxonomy, label) for label in classes.labels])
    return vectors, words
