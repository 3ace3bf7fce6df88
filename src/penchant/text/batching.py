"""Texts through a network: each distinct text once, texts of like length together, progress on the way."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from penchant.language import Phrase
from penchant.text.progress import progress
from penchant.text.tokens import TextTokenizer, Tokens, batches, padded
from penchant.vectors import Floats, chunks

ENCODING: Final = Phrase("Encoding texts", "文本编码")
_TEXTS_AT_ONCE: Final = 1 << 14
"""Texts whose tokens are held at once, and sorted by length among each other."""


def encode_in_batches(
    texts: Sequence[str],
    tokenizer: TextTokenizer,
    run: Callable[[Tokens, Tokens], Floats],
    width: int,
    *,
    token_budget: int,
    pad: int,
    shown: bool,
) -> Floats:
    """(texts, width) what `run` makes of each text, in the order of the texts.

    Args:
        texts: may repeat; equal texts are run once and get equal rows.
        tokenizer: turns them into token numbers.
        run: from token numbers and mask, both (batch, longest), to (batch, width).
        width: of a row.
        token_budget: tokens in a batch, padding included.
        pad: the token number that fills short rows.
        shown: whether to show progress.
    """
    if isinstance(texts, str):
        raise TypeError("texts is one string, whose letters would be encoded one by one; give a list of texts")
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    distinct = list(rows)
    vectors = np.empty((len(distinct), width), dtype=np.float32)
    with progress(ENCODING, len(distinct), shown=shown) as advance:
        for part in chunks(len(distinct), _TEXTS_AT_ONCE):
            tokens = tokenizer(distinct[part])
            for batch in batches([len(numbers) for numbers in tokens], token_budget):
                vectors[part.start + batch] = run(*padded([tokens[row] for row in batch], pad))
                advance(len(batch))
    return vectors[[rows[text] for text in texts]] if len(distinct) < len(texts) else vectors
