"""Token states of the layers that do not learn, computed once and read in every epoch."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from penchant.artifacts import storage_errors
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.text.adapters import Body, is_peft, transformer_layers
from penchant.text.progress import progress
from penchant.text.tuning.batches import Collator, Row, Rows
from penchant.text.tuning.heads import Pooling

CACHING: Final = Phrase("Caching lower layers", "缓存底层状态")
_TOKEN_BUDGET: Final = 4096


class Given(nn.Module):
    """Stands where the embeddings or a whole model stood: what it is given is what comes out.

    >>> Given()(inputs_embeds=torch.ones(1, 1, 2)).last_hidden_state.shape
    torch.Size([1, 1, 2])
    """

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Identity()

    def get_input_embeddings(self) -> nn.Module:
        """Where adversarial training changes what goes in."""
        return self.entry

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor | None = None) -> Any:
        """The states as they are."""
        return SimpleNamespace(last_hidden_state=self.entry(inputs_embeds))


class _Entry(nn.Module):
    """The embeddings of a model that starts at its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Identity()

    @property
    def word_embeddings(self) -> nn.Module:
        return self.entry

    def forward(self, inputs_embeds: Tensor, **unused: Any) -> Tensor:
        return self.entry(inputs_embeds)


def lower_part(body: Body, upper_layers: int) -> Body:
    """The model without its last layers; shares every parameter with it."""
    return _part(body, slice(0, -upper_layers))


def upper_part(body: Body, upper_layers: int) -> Body:
    """The last layers as a model whose `inputs_embeds` are the states of the lower part; shares every parameter."""
    part = _part(body, slice(-upper_layers, None))
    part.embeddings = _Entry()
    return part


def _part(body: Body, layers: slice) -> Body:
    inner = body.get_base_model() if is_peft(body) else body
    stack = getattr(getattr(inner, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList) or not hasattr(inner, "embeddings"):
        raise ConfigError(
            f"mode 'upper' needs a model of BERT's family, with embeddings and encoder.layer; {type(inner).__name__} "
            "is built otherwise: take 'lora' or 'full'"
        )
    if len(stack[layers]) == 0 or len(stack[layers]) == len(stack):
        raise ConfigError(f"upper_layers must be from 1 to {len(stack) - 1}, as the model has {len(stack)} layers")
    part = _shallow(inner)
    part.encoder = _shallow(inner.encoder)
    part.encoder.layer = stack[layers]
    return part


def _shallow(module: Any) -> Any:
    """A copy that holds the same submodules and parameters, and can be given others without changing the original."""
    twin = copy.copy(module)
    twin._modules = dict(module._modules)
    return twin


@dataclass(frozen=True)
class States:
    """States of all tokens of all texts, one text after the other."""

    values: Tensor
    """(tokens of all texts, width)."""
    starts: np.ndarray
    """(texts + 1,) where each text's tokens begin."""

    def of(self, text: int) -> Tensor:
        """(tokens, width) states of one text."""
        return self.values[int(self.starts[text]) : int(self.starts[text + 1])]


class StateCollator(Collator):
    """Batches of cached states instead of token numbers."""

    def __init__(self, pad: int, first: States, second: States | None) -> None:
        super().__init__(pad)
        self.first, self.second = first, second

    def texts(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The states of each row's text, and of its second where pairs are compared."""
        numbers = [row.number for row in rows]
        batch = {"inputs": _padded([self.first.of(number) for number in numbers])}
        if self.second is not None:
            batch["second"] = _padded([self.second.of(number) for number in numbers])
        return batch


def _padded(states: Sequence[Tensor]) -> dict[str, Tensor]:
    longest = max(len(each) for each in states)
    values = states[0].new_zeros((len(states), longest, states[0].shape[1]))
    mask = torch.zeros((len(states), longest), dtype=torch.long)
    for row, each in enumerate(states):
        values[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {"inputs_embeds": values, "attention_mask": mask}


@contextmanager
def cached_states(
    body: Body, rows: Rows, pad: int, *, dtype: torch.dtype, pooling: Pooling | None = None, shown: bool = True
) -> Iterator[StateCollator]:
    """Run a frozen model over all texts once; yields what collates batches of its states. The file goes afterwards.

    Args:
        body: the model, or its lower part.
        rows: tokenised texts.
        pad: the tokenizer's padding number.
        dtype: bfloat16 states take half the room.
        pooling: keep one pooled vector a text instead of the states of its tokens.
        shown: whether progress is shown.

    Raises:
        StorageError: the states do not fit on the disk that holds temporary files.
    """
    with TemporaryDirectory(prefix="penchant-states-") as name:
        first = _computed(
            body, rows, [row.tokens for row in rows.rows], pad, dtype, pooling, Path(name) / "first", shown
        )
        second = None
        if any(row.second is not None for row in rows.rows):
            seconds = [row.second or row.tokens for row in rows.rows]
            second = _computed(body, rows, seconds, pad, dtype, pooling, Path(name) / "second", shown)
        yield StateCollator(pad, first, second)


def _computed(
    body: Body,
    rows: Rows,
    tokens: Sequence[list[int]],
    pad: int,
    dtype: torch.dtype,
    pooling: Pooling | None,
    path: Path,
    shown: bool,
) -> States:
    body.eval()
    lengths = np.array([len(ids) if pooling is None else 1 for ids in tokens])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    width = body.config.hidden_size
    device = next(body.parameters()).device
    collator = Collator(pad)
    with storage_errors(path):
        size = int(starts[-1]) * width
        path.touch()
        values = torch.from_file(str(path), shared=True, size=size, dtype=dtype).view(-1, width)
    order = np.argsort([-len(ids) for ids in tokens], kind="stable")
    with progress(CACHING, len(tokens), shown=shown) as advance, torch.inference_mode():
        at = 0
        while at < len(order):
            count = max(1, _TOKEN_BUDGET // len(tokens[order[at]]))
            numbers = order[at : at + count].tolist()
            inputs = collator.inputs([tokens[number] for number in numbers], [rows[number].types for number in numbers])
            inputs = {key: value.to(device) for key, value in inputs.items()}
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
                states = body(**inputs).last_hidden_state
            if pooling is not None:
                states = pooling(states, inputs["attention_mask"])[:, None]
            for row, number in enumerate(numbers):
                values[starts[number] : starts[number + 1]] = states[row, : lengths[number]].to("cpu", dtype)
            at += count
            advance(len(numbers))
    return States(values, starts)


def check_layers(body: Body, upper_layers: int) -> None:
    """Refuse more upper layers than the model has.

    Raises:
        ConfigError: there would be no lower layer left, whose states could be cached.
    """
    if upper_layers >= len(transformer_layers(body)):
        raise ConfigError(f"upper_layers is {upper_layers}, but the model has {len(transformer_layers(body))} layers")
