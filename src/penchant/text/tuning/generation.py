"""A causal language model as a labeller: how likely it is to say each label's words after a prompt."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from torch.nn import functional

from penchant.errors import ConfigError, WeightsError
from penchant.text.adapters import Body, is_peft, learns_tokens
from penchant.text.tuning.batches import JointTokenizer
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.network import Batch, Network
from penchant.text.weights import Weights, resolve
from penchant.training.options import Options

MODES: Final = ("full", "lora", "adalora", "ia3", "prefix", "prompt", "p-tuning", "bottleneck", "frozen")
"""What can be tuned of a causal model; `frozen` answers from what it knows already."""

_LOGIT_BYTES: Final = 1 << 28


class CausalModel:
    """A causal language model by name, to be handed to `finetune` in place of an encoder.

    Args:
        weights: where it lies.
        options: device, precision, progress.
    """

    def __init__(self, weights: Weights, *, options: Options | None = None) -> None:
        self.weights, self.options = weights, options or Options()
        self.pieces = _pieces(weights)
        config = causal_config(weights)
        self.max_tokens = int(getattr(config, "max_position_embeddings", 2048))

    @classmethod
    def load(cls, name: str | Path, *, options: Options | None = None) -> "CausalModel":
        """Find a causal model: a local folder, a packaged or a hub name.

        Raises:
            WeightsError: there is none of this name, or it is damaged.
        """
        return cls(resolve(name), options=options)


def causal_config(weights: Weights) -> Any:
    """The configuration of a causal model's folder."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(weights.folder, local_files_only=True, **_packed(weights))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{weights.folder} cannot be read as a model ({error})") from error


def causal_body(weights: Weights) -> Body:
    """The model with its last layer, in float32.

    Raises:
        WeightsError: the folder holds no causal language model.
    """
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            weights.folder, dtype=torch.float32, local_files_only=True, **_packed(weights)
        )
    except (OSError, ValueError) as error:
        raise WeightsError(f"{weights.folder} cannot be loaded as a causal language model ({error})") from error


def _pieces(weights: Weights) -> Tokenizer:
    path = weights.folder / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(weights.folder, local_files_only=True, **_packed(weights))
    return tokenizer.backend_tokenizer


def _packed(weights: Weights) -> dict[str, Any]:
    """What transformers has to be told of weights in the GGUF format.

    Raises:
        WeightsError: the package that reads it is not installed.
    """
    if not weights.gguf:
        return {}
    if importlib.util.find_spec("gguf") is None:
        raise WeightsError(
            f"{weights.name} is in the GGUF format, and the package that reads it is not installed: pip install gguf"
        )
    return {"gguf_file": weights.gguf}


class PromptTokenizer(JointTokenizer):
    """Texts inside a task's template; a long text is cut, the words around it stay."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, template: str, room: int, pad: int) -> None:
        super().__init__(tokenizer, max_tokens, "", pad)
        before, found, after = template.partition("{text}")
        if not found:
            raise ConfigError(f"a template holds {{text}} where the text goes; found {template!r}")
        start = tokenizer.encode("").ids
        # Of what the tokenizer puts around a text only the sign of the beginning belongs in front of a prompt.
        self.before = start[:1] + tokenizer.encode(before, add_special_tokens=False).ids
        self.after = tokenizer.encode(after, add_special_tokens=False).ids
        self.room = max_tokens - room - len(self.before) - len(self.after)
        if self.room < 1:
            raise ConfigError(f"the template leaves no room for a text in {max_tokens} tokens; shorten it")

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each prompt."""
        return [self.before + encoding.ids[: self.room] + self.after for encoding in self._pieces(texts, "")]

    def joint(self, texts: Sequence[str], seconds: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Two texts in one prompt, on two lines."""
        found: list[tuple[list[int], list[int]]] = []
        for first, second in zip(
            self._pieces(texts, ""), self._pieces([f"\n{text}" for text in seconds], ""), strict=True
        ):
            self._cut(first, second)
            found.append((self.before + first.ids + second.ids + self.after, []))
        return found

    def _cut(self, first: Encoding, second: Encoding) -> None:
        kept = max(self.room - len(second), self.room // 2)
        first.truncate(min(len(first), kept))
        second.truncate(self.room - len(first))


def answers_of(task: Task, pieces: Tokenizer, end: int | None) -> list[list[int]]:
    """Token numbers of what the model says for each label of a task.

    Raises:
        ConfigError: the task is of a kind that is not answered in words, or two labels are said the same way.
    """
    if task.config.kind not in ("multi-class", "binary"):
        raise ConfigError(
            f"a causal model says one label of several; the task {task.config.name!r} is {task.config.kind}"
        )
    words = task.config.words or {}
    said = [
        pieces.encode(words.get(label, label), add_special_tokens=False).ids + ([end] if end is not None else [])
        for label in task.labels
    ]
    if len({tuple(ids) for ids in said}) < len(said) or not all(said):
        raise ConfigError(
            f"two labels of task {task.config.name!r} are said the same way, or one not at all; name words"
        )
    return said


class CausalNetwork(Network):
    """A causal model and how it says each label; its logits are the labels' log-likelihoods."""

    prior: Tensor

    def __init__(self, body: Body, task: Task, answers: list[list[int]], *, dtype: torch.dtype) -> None:
        inner = body.get_base_model() if is_peft(body) else body
        super().__init__(body, inner.config.hidden_size, (), pooling="mean", dropout=0.0, dtype=dtype)
        self.tasks = (task,)
        self.answers_said = answers
        self.register_buffer("prior", torch.zeros(len(answers)))

    def vectors(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(texts, width) mean of the last states of the prompt."""
        return self.pooling(self._states(inputs), inputs["attention_mask"])

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Log-likelihood of each label, less what it has before any text is read."""
        task = self.tasks[0]
        scores = self.scores(batch["inputs"]) - self.prior
        if task.config.kind == "binary":
            scores = scores[:, 1:] - scores[:, :1]
        return {task.config.name: scores}

    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(texts, labels) log-probability of saying each label's words after each prompt."""
        count = len(inputs["input_ids"])
        vocabulary = self._last_layer().weight.shape[0]
        spoken = sum(len(ids) for ids in self.answers_said)
        size = max(1, _LOGIT_BYTES // (4 * vocabulary * spoken))
        parts = []
        for start in range(0, count, size):
            chosen = {key: value[start : start + size] for key, value in inputs.items()}
            columns = [
                self.log_likelihood(chosen, torch.full((len(chosen["input_ids"]),), label))
                for label in range(len(self.answers_said))
            ]
            parts.append(torch.stack(columns, dim=1))
        return torch.cat(parts)

    def log_likelihood(self, inputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        """(texts,) log-probability of one label's words after each prompt."""
        device = inputs["input_ids"].device
        said = [self.answers_said[int(label)] for label in labels]
        lengths = inputs["attention_mask"].sum(1)
        longest = int(lengths.max()) + max(map(len, said))
        ids = torch.full((len(said), longest), 0, device=device)
        mask = torch.zeros_like(ids)
        places, targets, owners = [], [], []
        for row, answer in enumerate(said):
            length = int(lengths[row])
            ids[row, :length] = inputs["input_ids"][row, :length]
            ids[row, length : length + len(answer)] = torch.tensor(answer, device=device)
            mask[row, : length + len(answer)] = 1
            # The state at a token tells what comes after it.
            places += [row * longest + length + at - 1 for at in range(len(answer))]
            targets += answer
            owners += [row] * len(answer)
        states = self._states({"input_ids": ids, "attention_mask": mask}).flatten(0, 1)
        chosen = states[torch.tensor(places, device=device)]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            logits = self._last_layer()(chosen).float()
        log_probabilities = -functional.cross_entropy(logits, torch.tensor(targets, device=device), reduction="none")
        total = torch.zeros(len(said), device=device)
        return total.index_add(0, torch.tensor(owners, device=device), log_probabilities)

    def _states(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(texts, tokens, width) states below the last layer; of learned tokens none."""
        mask = inputs["attention_mask"]
        with torch.autocast(mask.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            # The last layer is applied where it is needed: its vocabulary is the largest part of the work.
            said = self.body(
                input_ids=inputs["input_ids"],
                attention_mask=mask,
                output_hidden_states=True,
                logits_to_keep=1,
                use_cache=learns_tokens(self.body),
            )
        return said.hidden_states[-1][:, -mask.shape[1] :]

    def _last_layer(self) -> Any:
        inner = self.body.get_base_model() if is_peft(self.body) else self.body
        return inner.get_output_embeddings()

    @torch.no_grad()
    def measure_prior(self, empty: Mapping[str, Tensor]) -> None:
        """Remember how likely each label is said of no text at all (Holtzman et al., 2021)."""
        self.prior.copy_(self.scores(empty)[0])


@dataclass(frozen=True)
class GenerationObjective:
    """Have the model say the right label's words after the prompt: the loss is their negative log-probability."""

    config: FinetuneConfig
    task: Task

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Weighted mean over the texts of the batch."""
        assert isinstance(network, CausalNetwork)
        targets = batch["targets"][self.task.config.name]
        labels = targets.argmax(1) if targets.shape[1] > 1 else (targets[:, 0] > 0.5).long()
        weights = batch["weights"]
        if self.task.class_weights:
            weights = weights * weights.new_tensor(self.task.class_weights)[labels]
        return -(network.log_likelihood(batch["inputs"], labels) * weights).sum() / len(weights)

    def backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        """Add the gradient; the loss."""
        loss = self.loss(network, batch)
        (loss * scale).backward()
        return loss.detach()
