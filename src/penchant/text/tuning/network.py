"""A language model with pooling and one head a task: what is trained, and what answers afterwards."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from penchant.text.adapters import Body, is_peft, learns_tokens
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.heads import Head, Pooling

Batch = dict[str, Any]
"""What `batches.Collator` makes: `inputs`, perhaps `second`, `rows` and `targets` by task, `weights`, `numbers`."""


class Network(nn.Module):
    """An encoder's body, one pooling, and a head for each task.

    The body is a transformers model or a PEFT model around one; its token states are computed in `dtype` (autocast),
    heads always in float32.
    """

    def __init__(
        self,
        body: Body,
        width: int,
        tasks: tuple[Task, ...],
        *,
        pooling: str,
        dropout: float,
        dtype: torch.dtype,
        unit: bool = False,
    ) -> None:
        super().__init__()
        self.body: Body = body
        self.tasks = tasks
        self.width = width
        self.pooling = Pooling(pooling, width)
        self.heads = nn.ModuleDict({f"for_{task.config.name}": Head(task, width, dropout, unit=unit) for task in tasks})
        self.dtype = dtype

    def over(self, body: Body) -> "Network":
        """A network with another body and the same pooling and heads: what one learns, the other knows."""
        twin = copy.copy(self)
        twin._modules = dict(self._modules)
        twin.body = body
        return twin

    def head(self, name: str) -> Head:
        """The head of the task of this name."""
        head = self.heads[f"for_{name}"]
        assert isinstance(head, Head)
        return head

    @property
    def entry(self) -> nn.Module:
        """The module whose output is a text's token embeddings, where adversarial training changes them."""
        body = getattr(self.body, "get_base_model", lambda: self.body)()
        return body.get_input_embeddings()

    def vectors(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(texts, width) pooled states of a batch of texts, float32."""
        mask = inputs["attention_mask"]
        # Without a mask attention takes its faster path; learned tokens need one to lengthen.
        whole = not learns_tokens(self.body) and bool(mask.all())
        masked = {**inputs, "attention_mask": None} if whole else inputs
        with torch.autocast(mask.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            states = self.body(**masked).last_hidden_state
        # Prompt tuning and P-tuning give the states of their virtual tokens too, in front.
        return self.pooling(states[:, -mask.shape[1] :], mask)

    def features(self, batch: Batch) -> dict[str, Tensor]:
        """What each head sees of the rows of its task: their vectors, or what two vectors have in common."""
        first = self.vectors(batch["inputs"])
        second = self.vectors(batch["second"]) if "second" in batch else None
        return {
            name: self.head(name).features(first[rows], None if second is None else second[rows])
            for name, rows in batch["rows"].items()
        }

    def answers(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits by the name of the task, from what the heads see."""
        return {name: self.head(name)(seen) for name, seen in features.items()}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits by the name of the task, for the rows of the batch that belong to it."""
        return self.answers(self.features(batch))

    def said(self, logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Answers by the name of the task, from logits: probabilities, or standardised numbers."""
        kinds = {task.config.name: task.config.kind for task in self.tasks}
        answers = {}
        for name, values in logits.items():
            if kinds[name] == "multi-class":
                answers[name] = values.float().softmax(1)
            elif kinds[name] in ("regression", "similarity"):
                answers[name] = values.float()
            else:
                answers[name] = values.float().sigmoid()
        return answers

    def learned(self) -> dict[str, Tensor]:
        """Parameters that learn, and the buffers that are ours, by name."""
        state: dict[str, Tensor] = {
            name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad
        }
        state |= {name: buffer for name, buffer in self.named_buffers() if not name.startswith("body.")}
        return {name: tensor.detach() for name, tensor in state.items()}

    def learn(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `learned` gave, in place."""
        mine = self.learned()
        if mine.keys() != state.keys():
            raise ValueError(f"states differ in {sorted(mine.keys() ^ state.keys())[:5]}")
        with torch.no_grad():
            for name, tensor in state.items():
                mine[name].copy_(tensor)

    def parameter_count(self) -> int:
        """How many numbers learn."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)


def set_dropout(body: Body, config: FinetuneConfig) -> None:
    """Give every dropout inside a model the configured share."""
    for name, module in body.named_modules():
        # LoRA's dropout is its own setting.
        if isinstance(module, nn.Dropout) and "lora_dropout" not in name:
            module.p = config.dropout
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = config.dropout


def new_network(body: Body, tasks: tuple[Task, ...], config: FinetuneConfig, dtype: torch.dtype) -> Network:
    """A network over a body, with dropout set as configured and heads at their first values."""
    set_dropout(body, config)
    return Network(
        body,
        (body.get_base_model() if is_peft(body) else body).config.hidden_size,
        tasks,
        pooling=config.pooling,
        dropout=config.head_dropout,
        dtype=dtype,
        unit=config.mode == "contrastive",
    )


def parts(batch: Batch, tokens: int) -> Iterator[tuple[Batch, float]]:
    """The batch in parts of at most so many tokens each, with each part's share of its texts.

    Texts of a part are padded to the longest of the part alone.
    """
    names = [name for name in ("inputs", "second") if name in batch]
    count, longest = batch["inputs"]["attention_mask"].shape
    size = max(1, tokens // (longest * len(names)))
    if size >= count:
        yield batch, 1.0
        return
    for start in range(0, count, size):
        chosen = slice(start, min(start + size, count))
        part: Batch = {name: batch[name][chosen] for name in ("numbers", "weights")}
        for name in names:
            mask = batch[name]["attention_mask"][chosen]
            width = int(mask.any(0).sum())
            part[name] = {key: value[chosen, :width] for key, value in batch[name].items()}
        part["rows"], part["targets"] = {}, {}
        for task, rows in batch["rows"].items():
            inside = (rows >= chosen.start) & (rows < chosen.stop)
            if bool(inside.any()):
                part["rows"][task] = rows[inside] - chosen.start
                part["targets"][task] = batch["targets"][task][inside]
        yield part, (chosen.stop - chosen.start) / count


@contextmanager
def embeddings_changed(network: nn.Module, change: Any) -> Iterator[None]:
    """Run a block in which `change(embeddings)` takes the place of the token embeddings."""
    entry = network.entry
    assert isinstance(entry, nn.Module)
    handle = entry.register_forward_hook(lambda module, inputs, output: change(output))
    try:
        yield
    finally:
        handle.remove()
