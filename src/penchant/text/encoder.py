"""The contract of a text encoder."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from penchant.vectors import Floats


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors of unit length.

    `name` tells encoders with different vectors apart (it keys the cache, so a fine-tuned encoder has another name);
    an empty text has a vector like any other.
    """

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm, in the order of the texts."""
        ...
