"""The pretrained model a run starts from, loaded in float32 and apart from the encoder that was handed in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from tokenizers import Tokenizer
from torch import Tensor

from penchant.errors import ArtifactError, ConfigError
from penchant.text.adapters import Body
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.text.tuning.batches import JointTokenizer
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.weights import PACKAGED, Weights, resolve


@dataclass(frozen=True)
class Base:
    """Where a pretrained model comes from, and what has been changed in it before tuning."""

    weights: Weights
    prompt: str
    """What stands in front of each text."""
    max_tokens: int
    """Tokens the model can read."""
    pieces: Tokenizer = field(repr=False, compare=False)
    """The tokenizer, shared with the encoder."""
    changes: Mapping[str, Tensor] = field(default_factory=dict)
    """Parameters that domain pretraining moved, by name; empty where there was none."""
    pretraining_losses: tuple[float, ...] = ()
    """Loss of each batch of that pretraining."""

    @classmethod
    def of(cls, encoder: TransformerEncoder) -> Self:
        """The model of an encoder."""
        pieces = encoder.tokenizer._tokenizer
        return cls(encoder.weights, encoder.tokenizer.prompt, encoder.max_tokens, pieces)

    @classmethod
    def found(cls, saved: Mapping[str, Any], changes: Mapping[str, Tensor], encoder: TransformerEncoder | None) -> Self:
        """The model that `to_json` remembered: the encoder's where one is handed in, else found by name.

        Raises:
            ArtifactError: the weights are not those that were tuned.
            WeightsError: there are none.
        """
        weights = encoder.weights if encoder is not None else resolve(saved["source"])
        if weights.fingerprint != saved["fingerprint"]:
            raise ArtifactError(
                f"the saved model was tuned from {saved['source']!r} with fingerprint {saved['fingerprint']}; "
                f"{weights.name!r} has {weights.fingerprint}: pass the right encoder, or tune again"
            )
        if encoder is not None:
            pieces = encoder.tokenizer._tokenizer
        else:
            pieces = Tokenizer.from_file(str(weights.folder / "tokenizer.json"))
        return cls(weights, saved["prompt"], saved["max_tokens"], pieces, changes)

    def to_json(self) -> dict[str, Any]:
        """What finds the model again, as JSON can hold it."""
        return {
            "source": self.source,
            "fingerprint": self.weights.fingerprint,
            "prompt": self.prompt,
            "max_tokens": self.max_tokens,
        }

    @property
    def source(self) -> str:
        """What finds the weights again: a packaged or hub name, else the folder."""
        named = self.weights.name in PACKAGED or "/" in self.weights.name
        return self.weights.name if named else str(self.weights.folder.resolve())

    def body(self) -> Body:
        """The model, in float32, as training needs it."""
        body = load_model(self.weights.folder, torch.float32)
        if self.changes:
            body.load_state_dict(dict(self.changes), strict=False)
        return body

    def tokenizer(self, config: FinetuneConfig) -> JointTokenizer:
        """The tokenizer, cutting where the configuration says, or where the model's positions end."""
        learned = config.adapter.virtual_tokens if config.mode in ("prefix", "prompt", "p-tuning") else 0
        bound = min(config.max_length, self.max_tokens - learned)
        if bound < 3:
            raise ConfigError(
                f"{self.weights.name} reads {self.max_tokens} tokens, of which {learned} are to be learned ones; "
                "no text fits: learn fewer virtual tokens"
            )
        settings = json.loads((self.weights.folder / "config.json").read_bytes())
        return JointTokenizer(self.pieces, bound, self.prompt, settings.get("pad_token_id") or 0)
