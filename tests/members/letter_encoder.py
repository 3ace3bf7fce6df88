"""An encoder that needs no weights: hashed pairs of letters, so that texts with like words have like vectors."""

import zlib
from collections.abc import Sequence

import numpy as np

from penchant.vectors import Floats, unit_rows


class LetterEncoder:
    """(texts, 64) unit vectors."""

    name = "letters"
    width = 64

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for at in range(len(text) - 1):
                vectors[row, zlib.crc32(text[at : at + 2].encode()) % self.width] += 1
        return unit_rows(vectors)
