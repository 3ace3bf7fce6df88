"""Texts as token numbers, fast and safe for any string: long texts are cut first, lone surrogates replaced."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from penchant.errors import WeightsError

Tokens = NDArray[np.int64]

CHARACTERS_PER_TOKEN: Final = 16
"""No language needs this many characters for a token on average, so a cut there changes no vector."""


class TextTokenizer:
    """A folder's tokenizer with a bound on tokens and a prompt in front of each text."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, prompt: str = "") -> None:
        self.max_tokens = max_tokens
        self.prompt = prompt
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    @classmethod
    def from_folder(cls, folder: Path, max_tokens: int, prompt: str = "") -> "TextTokenizer":
        """Read `tokenizer.json`.

        Raises:
            WeightsError: it is missing or damaged.
        """
        path = folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise WeightsError(f"{path} cannot be read as a tokenizer ({error}); save the model with one") from error
        return cls(tokenizer, max_tokens, prompt)

    def with_prompt(self, prompt: str) -> "TextTokenizer":
        """The same tokenizer with another prompt."""
        return TextTokenizer(self._tokenizer, self.max_tokens, prompt)

    def save(self, path: Path) -> None:
        """Write the tokenizer as a `tokenizer.json`; the prompt and the bound are not part of it."""
        self._tokenizer.save(str(path), pretty=False)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, specials included, at most `max_tokens` of them."""
        ready = [self.prompt + storable(text)[: self.max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(ready)]


def storable(text: str) -> str:
    """The text without leading space, lone surrogates (from broken JSON escapes) replaced by U+FFFD.

    >>> storable(" 连衣裙"), storable("a\\ud83d").encode()
    ('连衣裙', b'a\\xef\\xbf\\xbd')
    """
    text = text.lstrip()
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def batches(lengths: Sequence[int], token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Rows of texts in batches of like length, longest first, each of at most `token_budget` tokens with padding.

    Longest first, so that a machine too small for the work says so at once.

    >>> [rows.tolist() for rows in batches([2, 5, 4, 1], 10)]
    [[1, 2], [0, 3]]
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    start = 0
    while start < len(order):
        size = max(1, token_budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def padded(tokens: Sequence[Sequence[int]], pad: int) -> tuple[Tokens, Tokens]:
    """(texts, longest) token numbers and the mask that is 1 where a token is real.

    >>> padded([[5, 6], [7]], 0)[0].tolist()
    [[5, 6], [7, 0]]
    """
    longest = max(map(len, tokens))
    numbers = np.full((len(tokens), longest), pad, dtype=np.int64)
    mask = np.zeros((len(tokens), longest), dtype=np.int64)
    for row, ids in enumerate(tokens):
        numbers[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return numbers, mask
