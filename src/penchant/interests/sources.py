"""Where evidence for a label comes from: its name, texts like it in meaning, its spelling, and a tuned model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from penchant.errors import ConfigError
from penchant.interests.centres import Centres, fit_centres
from penchant.interests.linear import Linear, Loss, fit_linear, log_softmax
from penchant.interests.rows import TextRows
from penchant.interests.zero_shot import SHARPNESS
from penchant.vectors import Floats, chunks

if TYPE_CHECKING:
    from penchant.text.encoder import Encoder
    from penchant.text.finetune import FinetuneConfig, TunedModel
    from penchant.text.transformer import TransformerEncoder
    from penchant.text.tuning.place import Place
    from penchant.training.options import Options

_AT_ONCE: Final = 512
NEAREST_POWER: Final = 4
"""Of a neighbour's cosine: how fast its say fades with distance."""
DOUBT: Final = 0.5**NEAREST_POWER
VECTOR_LENGTH: Final = 3.0
"""Centred unit vectors are stretched so long before a linear model sees them: the scale its penalty is meant for."""


class SourcesConfig(BaseModel):
    """How strongly each linear source believes its texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning_inverse_penalty: PositiveFloat = 3.0
    """C of the linear model over centred vectors."""
    spelling_inverse_penalty: PositiveFloat = 30.0
    """C of the linear model over character n-grams."""
    name_weight: NonNegativeFloat = 1.0
    """How much a class's name counts against one labelled text where spelling is learned; 0 leaves names out of it."""
    centres: bool = False
    """Where labels shut each other out, ask also how near a text's n-grams lie to the mean of each class's; worth it
    with many classes of a few texts each."""
    nearest: NonNegativeInt = 30
    """Labelled texts nearest in meaning that are asked for their labels; 0 asks none."""
    nearest_from: PositiveInt = 2_000
    """With fewer labelled texts than this none is asked: too few of a text's kind lie near it."""


class Source(Protocol):
    """One kind of evidence, fitted: logits for any texts."""

    def logits(self, rows: TextRows) -> Floats:
        """(texts, classes) logarithms of odds, or of probabilities where classes shut each other out."""
        ...


@dataclass(frozen=True, eq=False)
class Names:
    """How near a text lies to what each class is called; learns nothing."""

    vectors: Floats
    """(classes, width), centred."""
    exclusive: bool

    def logits(self, rows: TextRows) -> Floats:
        assert rows.vectors is not None
        logs = log_softmax(SHARPNESS * (rows.vectors @ self.vectors.T))
        return logs if self.exclusive else _log_odds(logs)


@dataclass(frozen=True, eq=False)
class Meaning:
    """A linear model over centred vectors."""

    linear: Linear
    exclusive: bool

    def logits(self, rows: TextRows) -> Floats:
        assert rows.vectors is not None
        scores = self.linear.scores(rows.vectors * VECTOR_LENGTH)
        return log_softmax(scores) if self.exclusive else scores


@dataclass(frozen=True, eq=False)
class Nearest:
    """What the labelled texts nearest in meaning were labelled, where these are many (Cover and Hart, 1967).

    A linear model draws one border a class; neighbours follow a class that lies in several places.
    """

    vectors: NDArray[np.float16]
    """(labelled texts, width) centred, of unit length."""
    targets: NDArray[np.float16]
    """(labelled texts, classes) their labels, and how much each text counts."""
    neighbours: int
    """How many are asked."""
    exclusive: bool

    def logits(self, rows: TextRows) -> Floats:
        assert rows.vectors is not None
        shares = np.empty((len(rows), self.targets.shape[1]), dtype=np.float32)
        labelled, count = self.vectors.astype(np.float32), min(self.neighbours, len(self.vectors))
        for part in chunks(len(rows), _AT_ONCE):
            cosines = rows.vectors[part] @ labelled.T
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            weights = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0) ** NEAREST_POWER
            shares[part] = np.einsum("tn,tnc->tc", weights, self.targets[nearest].astype(np.float32))
            # As if one text of cosine 0.5 had each label: no label is impossible for want of a neighbour.
            shares[part] = (shares[part] + DOUBT) / (weights.sum(1, keepdims=True) + DOUBT * shares.shape[1])
        logs = np.log(shares)
        return log_softmax(logs) if self.exclusive else (logs - np.log1p(-np.minimum(shares, 1 - 1e-6)))


@dataclass(frozen=True, eq=False)
class Spelling:
    """A linear model over character n-grams."""

    linear: Linear
    exclusive: bool

    def logits(self, rows: TextRows) -> Floats:
        assert rows.words is not None
        scores = self.linear.scores(rows.words)
        return log_softmax(scores) if self.exclusive else scores


@dataclass(frozen=True, eq=False)
class Tuned:
    """A fine-tuned language model."""

    model: "TunedModel"
    columns: tuple[int, ...]
    """The class of each of the model's labels; classes it never saw get its least probability."""
    classes: int
    exclusive: bool

    def logits(self, rows: TextRows) -> Floats:
        said = np.clip(self.model.predict(rows.texts), 1e-6, 1 - 1e-6)
        logits = np.log(said) if self.exclusive else np.log(said) - np.log1p(-said)
        every = np.repeat(logits.min(1, keepdims=True) if len(logits) else logits[:, :1], self.classes, axis=1)
        every[:, list(self.columns)] = logits
        return log_softmax(every) if self.exclusive else every.astype(np.float32)


def fit_sources(
    rows: TextRows,
    targets: Floats,
    weights: Floats,
    *,
    exclusive: bool,
    config: SourcesConfig,
    names: Floats | None,
    name_words: sp.csr_matrix | None = None,
) -> dict[str, Source]:
    """The sources that take seconds: all but the tuned model, as far as the rows and names at hand allow.

    Args:
        rows: labelled texts.
        targets: (texts, classes) 0 to 1.
        weights: (texts,) how much each counts.
        exclusive: whether classes shut each other out.
        config: of the linear models.
        names: (classes, width) vectors of the classes' names; None to leave names out.
        name_words: (classes, n-grams) of the names, from which spelling learns as from a text of each class.
    """
    loss: Loss = "softmax" if exclusive else "sigmoid"
    sources: dict[str, Source] = {}
    if names is not None:
        sources["names"] = Names(names, exclusive)
    encoded = rows.encoded
    if rows.vectors is not None and len(encoded):
        linear = fit_linear(
            rows.vectors[encoded] * VECTOR_LENGTH,
            targets[encoded],
            weights[encoded],
            inverse_penalty=config.meaning_inverse_penalty,
            loss=loss,
        )
        sources["meaning"] = Meaning(linear, exclusive)
        if config.nearest:
            own = (targets[encoded] * weights[encoded, None]).astype(np.float16)
            sources["nearest"] = Nearest(rows.vectors[encoded].astype(np.float16), own, config.nearest, exclusive)
    if rows.words is not None and len(rows):
        words = rows.words
        if config.centres and exclusive:
            sources["centres"] = fit_centres(words, targets, weights, name_words if config.name_weight else None)
        if name_words is not None and config.name_weight:
            words = sp.vstack([words, name_words], format="csr")
            targets = np.vstack([targets, np.eye(targets.shape[1], dtype=np.float32)])
            weights = np.concatenate([weights, np.full(len(targets) - len(weights), config.name_weight)])
        linear = fit_linear(words, targets, weights, inverse_penalty=config.spelling_inverse_penalty, loss=loss)
        sources["spelling"] = Spelling(linear, exclusive)
    return sources


def fit_tuned(
    texts: Sequence[str],
    targets: Floats,
    weights: Floats,
    *,
    exclusive: bool,
    config: "FinetuneConfig",
    encoder: "TransformerEncoder",
    options: "Options",
    place: "Place | None" = None,
) -> Tuned:
    """Tune a language model on the texts; its class names are row numbers, so that any label will do.

    Raises:
        TooLittleDataError: fewer than two classes have a text.
    """
    from penchant.text.finetune import Example, TaskConfig, finetune

    seen = np.flatnonzero(targets.max(0) > 0)
    names = tuple(str(column) for column in seen)
    task = TaskConfig(name="interest", kind="multi-class" if exclusive else "multi-label", labels=names)
    examples = [
        Example(text, {str(column): float(row[column]) for column in np.flatnonzero(row)}, weight=float(weight))
        for text, row, weight in zip(texts, targets, weights, strict=True)
    ]
    model = finetune(encoder, examples, config.changed(tasks=(task,)), options, place=place)
    return Tuned(model, tuple(int(column) for column in seen), targets.shape[1], exclusive)


def opinions(sources: Mapping[str, Source], rows: TextRows) -> dict[str, Floats]:
    """(texts, classes) logits by source."""
    return {name: source.logits(rows) for name, source in sources.items()}


def arrays_of(sources: Mapping[str, Source]) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """What the quick sources learned, as named arrays."""
    for name, source in sources.items():
        if isinstance(source, Names):
            yield f"{name}/vectors", source.vectors
        elif isinstance(source, Centres):
            yield f"{name}/means", source.means
        elif isinstance(source, Nearest):
            yield f"{name}/vectors", source.vectors
            yield f"{name}/targets", source.targets
        elif isinstance(source, Meaning | Spelling):
            yield f"{name}/weights", source.linear.weights
            yield f"{name}/bias", source.linear.bias


def from_arrays(
    names: Sequence[str], arrays: Mapping[str, NDArray[Any]], exclusive: bool, config: SourcesConfig
) -> dict[str, Source]:
    """The quick sources again."""
    sources: dict[str, Source] = {}
    for name in names:
        if name == "names":
            sources[name] = Names(arrays["names/vectors"], exclusive)
        elif name == "centres":
            sources[name] = Centres(arrays["centres/means"])
        elif name == "nearest":
            sources[name] = Nearest(arrays["nearest/vectors"], arrays["nearest/targets"], config.nearest, exclusive)
        elif name in ("meaning", "spelling"):
            linear = Linear(arrays[f"{name}/weights"], arrays[f"{name}/bias"])
            sources[name] = (Meaning if name == "meaning" else Spelling)(linear, exclusive)
    return sources


def _log_odds(logs: Floats) -> Floats:
    probability = np.clip(np.exp(logs), 1e-6, 1 - 1e-6)
    return (np.log(probability) - np.log1p(-probability)).astype(np.float32)


def transformer_of(encoder: "Encoder | None") -> "TransformerEncoder":
    """The transformer inside an encoder, which a cache may stand around.

    Raises:
        ConfigError: there is none, so there is nothing to tune.
    """
    from penchant.text.transformer import TransformerEncoder

    found = getattr(encoder, "encoder", encoder)
    if not isinstance(found, TransformerEncoder):
        raise ConfigError(f"tuning needs a transformer's encoder; {type(found).__name__} cannot be tuned")
    return found
