"""Where evidence for a label comes from: its name, texts like it in meaning, its spelling, and a tuned model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveFloat

from penchant.errors import ConfigError
from penchant.interests.linear import Linear, Loss, fit_linear, log_softmax
from penchant.interests.rows import TextRows
from penchant.interests.zero_shot import SHARPNESS
from penchant.vectors import Floats

if TYPE_CHECKING:
    from penchant.text.encoder import Encoder
    from penchant.text.finetune import FinetuneConfig, TunedModel
    from penchant.text.transformer import TransformerEncoder
    from penchant.training.options import Options

VECTOR_LENGTH: Final = 3.0
"""Centred unit vectors are stretched so long before a linear model sees them: the scale its penalty is meant for."""


class SourcesConfig(BaseModel):
    """How strongly each linear source believes its texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning_inverse_penalty: PositiveFloat = 3.0
    """C of the linear model over centred vectors."""
    spelling_inverse_penalty: PositiveFloat = 30.0
    """C of the linear model over character n-grams."""


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
) -> dict[str, Source]:
    """The sources that take seconds: names, meaning and spelling, as far as the rows and names at hand allow.

    Args:
        rows: labelled texts.
        targets: (texts, classes) 0 to 1.
        weights: (texts,) how much each counts.
        exclusive: whether classes shut each other out.
        config: of the linear models.
        names: (classes, width) vectors of the classes' names; None to leave names out.
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
    if rows.words is not None and len(rows):
        linear = fit_linear(rows.words, targets, weights, inverse_penalty=config.spelling_inverse_penalty, loss=loss)
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
    model = finetune(encoder, examples, config.changed(tasks=(task,)), options)
    return Tuned(model, tuple(int(column) for column in seen), targets.shape[1], exclusive)


def opinions(sources: Mapping[str, Source], rows: TextRows) -> dict[str, Floats]:
    """(texts, classes) logits by source."""
    return {name: source.logits(rows) for name, source in sources.items()}


def arrays_of(sources: Mapping[str, Source]) -> Iterator[tuple[str, Floats]]:
    """What the quick sources learned, as named arrays."""
    for name, source in sources.items():
        if isinstance(source, Names):
            yield f"{name}/vectors", source.vectors
        elif isinstance(source, Meaning | Spelling):
            yield f"{name}/weights", source.linear.weights
            yield f"{name}/bias", source.linear.bias


def from_arrays(names: Sequence[str], arrays: Mapping[str, Floats], exclusive: bool) -> dict[str, Source]:
    """The quick sources again."""
    sources: dict[str, Source] = {}
    for name in names:
        if name == "names":
            sources[name] = Names(arrays["names/vectors"], exclusive)
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
