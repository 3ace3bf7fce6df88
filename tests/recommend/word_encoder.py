"""An encoder that needs no weights: texts that share words are close."""

import zlib
from collections.abc import Sequence

import numpy as np

from penchant.vectors import Floats, unit_rows


class WordEncoder:
    """Each word stands for a random direction of its own; a text is the sum of its words."""

    width = 64

    def __init__(self, name: str = "words") -> None:
        self.name = name
        self.calls: list[int] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.calls.append(len(texts))
        return unit_rows(np.stack([self._text(text) for text in texts]).astype(np.float32))

    def _text(self, text: str) -> np.ndarray:
        words = text.lower().replace(".", " ").replace(",", " ").split() or [""]
        return np.sum(
            [np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.width) for word in words], axis=0
        )
