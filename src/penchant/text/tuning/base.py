"""The pretrained model a run starts from, loaded in float32 and apart from the encoder that was handed in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from tokenizers import Tokenizer
from torch import Tensor

from penchant.errors import ArtifactError, ConfigError
from penchant.text.adapters import Body, TaskType, attach
from penchant.text.tokens import TextTokenizer
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.text.tuning.batches import JointTokenizer
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.generation import MODES as CAUSAL_MODES
from penchant.text.tuning.generation import (
    CausalModel,
    CausalNetwork,
    PromptTokenizer,
    answers_of,
    causal_body,
    causal_config,
)
from penchant.text.tuning.network import Network, new_network, set_dropout
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
    causal: bool = False
    """Whether it answers in words."""
    pretraining_losses: tuple[float, ...] = ()
    """Loss of each batch of that pretraining."""

    @classmethod
    def of(cls, encoder: TransformerEncoder | CausalModel) -> Self:
        """The model of an encoder, or a causal one."""
        if isinstance(encoder, CausalModel):
            return cls(encoder.weights, "", encoder.max_tokens, encoder.pieces, causal=True)
        pieces = encoder.tokenizer._tokenizer
        return cls(encoder.weights, encoder.tokenizer.prompt, encoder.max_tokens, pieces)

    @classmethod
    def found(
        cls, saved: Mapping[str, Any], changes: Mapping[str, Tensor], encoder: TransformerEncoder | CausalModel | None
    ) -> Self:
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
        if encoder is None and saved["causal"]:
            encoder = CausalModel(weights)
        if isinstance(encoder, CausalModel):
            pieces = encoder.pieces
        elif encoder is not None:
            pieces = encoder.tokenizer._tokenizer
        else:
            # As an encoder reads it: the file's own padding and truncation would change what the model sees.
            pieces = TextTokenizer.from_folder(weights.folder, saved["max_tokens"])._tokenizer
        return cls(weights, saved["prompt"], saved["max_tokens"], pieces, changes, saved["causal"])

    def to_json(self) -> dict[str, Any]:
        """What finds the model again, as JSON can hold it."""
        return {
            "source": self.source,
            "fingerprint": self.weights.fingerprint,
            "prompt": self.prompt,
            "max_tokens": self.max_tokens,
            "causal": self.causal,
        }

    @property
    def source(self) -> str:
        """What finds the weights again: a packaged or hub name, else the folder."""
        named = self.weights.name in PACKAGED or "/" in self.weights.name
        return self.weights.name if named else str(self.weights.folder.resolve())

    def body(self) -> Body:
        """The model, in float32, as training needs it."""
        body = causal_body(self.weights) if self.causal else load_model(self.weights.folder, torch.float32)
        if self.changes:
            body.load_state_dict(dict(self.changes), strict=False)
        return body

    def attached(self, config: FinetuneConfig, *, steps: int, seed: int = 0) -> Body:
        """The model, frozen and extended as the mode says.

        Raises:
            ConfigError: the mode does not fit the model.
        """
        if self.causal and config.mode not in CAUSAL_MODES:
            raise ConfigError(f"mode {config.mode!r} is for encoders; a causal model takes {', '.join(CAUSAL_MODES)}")
        task_type: TaskType = "CAUSAL_LM" if self.causal else "FEATURE_EXTRACTION"
        return attach(self.body(), config, steps=steps, task_type=task_type, seed=seed)

    def network(self, body: Body, tasks: tuple[Task, ...], config: FinetuneConfig, dtype: torch.dtype) -> Network:
        """What is trained and what answers: the body with heads, or saying labels in words.

        Raises:
            ConfigError: a causal model is given several tasks, or one that is not answered in words.
        """
        if not self.causal:
            return new_network(body, tasks, config, dtype)
        if len(tasks) != 1:
            raise ConfigError(f"a causal model answers one task; found {len(tasks)}")
        set_dropout(body, config)
        return CausalNetwork(body, tasks[0], answers_of(tasks[0], self.pieces, self._end), dtype=dtype)

    @property
    def _end(self) -> int | None:
        """What a causal model says last, so that a label is told from one that begins like it."""
        end = causal_config(self.weights).eos_token_id
        return end[0] if isinstance(end, list) else end

    def tokenizer(self, config: FinetuneConfig, tasks: tuple[Task, ...]) -> JointTokenizer:
        """The tokenizer, cutting where the configuration says, or where the model's positions end."""
        learned = config.adapter.virtual_tokens if config.mode in ("prefix", "prompt", "p-tuning") else 0
        bound = min(config.max_length, self.max_tokens - learned)
        if bound < 3:
            raise ConfigError(
                f"{self.weights.name} reads {self.max_tokens} tokens, of which {learned} are to be learned ones; "
                "no text fits: learn fewer virtual tokens"
            )
        if self.causal:
            room = max(map(len, answers_of(tasks[0], self.pieces, self._end)))
            return PromptTokenizer(self.pieces, bound, tasks[0].config.template, room, 0)
        settings = json.loads((self.weights.folder / "config.json").read_bytes())
        return JointTokenizer(self.pieces, bound, self.prompt, settings.get("pad_token_id") or 0)
