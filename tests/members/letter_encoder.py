"""Encoders for tests: hashed pairs of letters, which need no weights, and a random BERT that can be tuned."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows
from tiny_bert import tiny_bert


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


def tiny_transformer(folder: Path, texts: Sequence[str], options: Options) -> TransformerEncoder:
    """A random BERT of one layer whose words are the letters of some texts, written to the folder."""
    from tokenizers import Regex, pre_tokenizers

    letters = sorted({letter for text in texts for letter in text})
    splitter = pre_tokenizers.Split(Regex("."), "isolated")
    return load_encoder(tiny_bert(folder, letters, splitter, positions=160), options=options)
