"""Static vectors: each token of a transformer's vocabulary passed through it once, and texts as means of those.

Some hundred times as fast as the transformer, and coarser: word order is lost. The method is Model2Vec's (Tulkens and
van Dongen, 2024): principal components of the tokens' vectors, then frequent tokens weighted down (SIF: Arora et al.,
2017). Folders are those of the package model2vec, which comes with the extra `static`; its own models can be read too.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from penchant.artifacts import file_sha256, folder_written_atomically
from penchant.errors import ArtifactError, MissingExtraError, TooLittleDataError
from penchant.language import Phrase
from penchant.text.progress import progress
from penchant.text.tokens import padded, storable
from penchant.vectors import Floats, chunks, unit_rows

if TYPE_CHECKING:
    from penchant.text.transformer import TransformerEncoder

DISTILLING: Final = Phrase("Distilling tokens", "词元蒸馏")
_TOKENS_AT_ONCE: Final = 256
_CHARACTERS: Final = 8192


class StaticConfig(BaseModel):
    """How to distil."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=256, ge=8)
    """Columns of a vector; at most as many as the transformer has."""
    frequency_weight: float = Field(default=1e-3, gt=0, lt=1)
    """A token of share p in the texts weighs w / (w + p): the smaller w, the less frequent tokens count."""


def distil(
    encoder: "TransformerEncoder", folder: Path | str, texts: Sequence[str], *, config: StaticConfig | None = None
) -> "StaticEncoder":
    """Make static vectors of the tokens that these texts hold, and write them to `folder`.

    Args:
        encoder: the transformer to learn from.
        folder: replaced if it is there.
        texts: such as the texts to be encoded later; tokens that none of them holds will count for nothing.
        config: width and weights.

    Raises:
        MissingExtraError: model2vec is not installed.
        TooLittleDataError: the texts hold too few different tokens for vectors of that width.
        StorageError: the folder cannot be written.
    """
    static_model = _model2vec()
    from tokenizers import Tokenizer

    config = config or StaticConfig()
    tokenizer = Tokenizer.from_file(str(encoder.weights.folder / "tokenizer.json"))
    counts = _token_counts(tokenizer, texts)
    seen = np.flatnonzero(counts)
    width = min(config.width, encoder.width)
    if len(seen) <= width:
        raise TooLittleDataError(
            f"the texts hold {len(seen)} different tokens; static vectors of width {width} need more than that"
        )
    vectors = _principal(_token_vectors(encoder, tokenizer, seen), width)
    shares = counts[seen] / counts.sum()
    vectors *= (config.frequency_weight / (config.frequency_weight + shares))[:, None]
    # Row 0 is zero, and stands for all tokens that the texts do not hold.
    rows = np.zeros((len(seen) + 1, width), dtype=np.float32)
    rows[1:] = vectors
    mapping = np.zeros(len(counts), dtype=np.int64)
    mapping[seen] = np.arange(1, len(rows))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    settings = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "hidden_dim": width}
    model = static_model(rows, tokenizer, config=settings, normalize=True, token_mapping=mapping)
    folder = Path(folder)
    with folder_written_atomically(folder) as scratch:
        model.save_pretrained(scratch, model_name=f"{encoder.weights.name}-static")
    return StaticEncoder.load(folder)


class StaticEncoder:
    """An encoder that looks up the vectors of a text's tokens and takes their mean."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._name = name
        # A text without any known token: as near to one text as to another.
        self._of_nothing = np.full(self.width, self.width**-0.5, dtype=np.float32)

    @classmethod
    def load(cls, folder: Path | str) -> "StaticEncoder":
        """Read a folder that `distil`, or model2vec, has written.

        Raises:
            MissingExtraError: model2vec is not installed.
            ArtifactError: the folder holds no static model.
        """
        static_model = _model2vec()
        folder = Path(folder)
        if not (folder / "model.safetensors").is_file():
            raise ArtifactError(f"{folder} holds no static model (no model.safetensors); distil it again")
        try:
            model = static_model.from_pretrained(folder)
            fingerprint = file_sha256(folder / "model.safetensors")[:12]
        except Exception as error:
            raise ArtifactError(
                f"{folder} cannot be read ({type(error).__name__}: {error}); distil it again"
            ) from error
        return cls(model, f"static-{folder.resolve().name}@{fingerprint}")

    @property
    def name(self) -> str:
        """The folder's name and a fingerprint of the vectors."""
        return self._name

    @property
    def width(self) -> int:
        """Columns of a vector."""
        return int(self._model.dim)

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm, in the order of the texts."""
        if not len(texts):
            return np.zeros((0, self.width), dtype=np.float32)
        found = self._model.encode([storable(text)[:_CHARACTERS] for text in texts], use_multiprocessing=False)
        vectors = unit_rows(found.astype(np.float32))
        vectors[~vectors.any(axis=1)] = self._of_nothing
        return vectors


def _token_counts(tokenizer: Any, texts: Sequence[str]) -> NDArray[np.int64]:
    """(vocabulary,) how often each token occurs in the texts."""
    counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    tokenizer.enable_truncation(512)
    for part in chunks(len(texts), 1 << 14):
        encodings = tokenizer.encode_batch_fast(
            [storable(text)[:8192] for text in texts[part]], add_special_tokens=False
        )
        numbers = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), dtype=np.int64)
        counts += np.bincount(numbers, minlength=len(counts))
    unknown = tokenizer.token_to_id("<unk>") or tokenizer.token_to_id("[UNK]")
    if unknown is not None:
        # model2vec drops unknown tokens when it encodes.
        counts[unknown] = 0
    return counts


def _token_vectors(encoder: "TransformerEncoder", tokenizer: Any, tokens: NDArray[np.int64]) -> Floats:
    """(tokens, width) what the transformer makes of each token alone between its special ones."""
    around = tokenizer.encode("a")
    first = around.special_tokens_mask.index(0)
    last = len(around.ids) - around.special_tokens_mask[::-1].index(0)
    before, after = around.ids[:first], around.ids[last:]
    parts = []
    with progress(DISTILLING, len(tokens), shown=encoder.options.progress) as advance:
        for part in chunks(len(tokens), _TOKENS_AT_ONCE):
            numbers, mask = padded([[*before, int(token), *after] for token in tokens[part]], encoder.pad)
            parts.append(encoder.run(numbers, mask))
            advance(len(parts[-1]))
    return np.concatenate(parts)


def _principal(vectors: Floats, width: int) -> Floats:
    """(tokens, width) the vectors' coordinates along their first principal components, about their mean."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(centred, rowvar=False))
    coordinates = centred @ axes[:, ::-1][:, :width].astype(np.float32)
    # An axis may point either way; the largest coordinate is made positive, so that the same texts give the same.
    largest = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(width)]
    return coordinates * np.where(largest < 0, -1, 1).astype(np.float32)


def _model2vec() -> Any:
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise MissingExtraError("model2vec", "static") from error
    return StaticModel
