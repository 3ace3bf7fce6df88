"""Examples as batches: tokens once, texts of like length together, padded to the longest of the batch alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from penchant.errors import InputError, WeightsError
from penchant.text.tokens import padded, storable
from penchant.text.tuning.examples import TWO_VECTORS, Example, Task
from penchant.text.tuning.network import Batch
from penchant.vectors import Floats

CHARACTERS_PER_TOKEN: Final = 16
"""No language needs this many characters for a token on average: texts are cut there before they are read."""


class JointTokenizer:
    """An encoder's tokenizer with a bound of our own, which can also read two texts as one sequence.

    The tokenizer itself is shared with the encoder and left as it is: that of a multilingual model fills 300 MB.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, prompt: str = "", pad: int = 0) -> None:
        self.max_tokens, self.prompt, self.pad = max_tokens, prompt, pad
        self._tokenizer = tokenizer

    @property
    def mask(self) -> int:
        """The number of the mask; where the vocabulary has none, that of the unknown token."""
        for piece in ("<mask>", "[MASK]", "<unk>", "[UNK]"):
            number = self._tokenizer.token_to_id(piece)
            if number is not None:
                return number
        raise WeightsError("the tokenizer has neither a mask nor an unknown token; it cannot be pretrained on texts")

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, specials included, at most `max_tokens` of them."""
        room = self.max_tokens - self._tokenizer.num_special_tokens_to_add(False)
        found = []
        for encoding in self._pieces(texts, self.prompt):
            encoding.truncate(room)
            found.append(self._tokenizer.post_process(encoding).ids)
        return found

    def located(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Token numbers of each text as a call gives them, and the start and end of what each covers of the text.

        Special tokens and those of the prompt cover nothing. Texts are to begin with a letter, not with space, and to
        hold no lone surrogates, else places would shift.
        """
        room = self.max_tokens - self._tokenizer.num_special_tokens_to_add(False)
        ready = [self.prompt + storable(text)[: self.max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
        found = []
        for encoding in self._tokenizer.encode_batch(ready, add_special_tokens=False):
            encoding.truncate(room)
            whole = self._tokenizer.post_process(encoding)
            spans = [
                (0, 0) if special else (max(0, start - len(self.prompt)), max(0, end - len(self.prompt)))
                for (start, end), special in zip(whole.offsets, whole.special_tokens_mask, strict=True)
            ]
            found.append((whole.ids, spans))
        return found

    def joint(self, texts: Sequence[str], seconds: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token numbers and token types of each pair read as one sequence; the longer text is cut first."""
        room = self.max_tokens - self._tokenizer.num_special_tokens_to_add(True)
        found = []
        for first, second in zip(self._pieces(texts, self.prompt), self._pieces(seconds, ""), strict=True):
            half = room // 2
            kept = max(room - len(second), half) if len(second) <= len(first) else min(len(first), half)
            first.truncate(kept)
            second.truncate(room - len(first))
            whole = self._tokenizer.post_process(first, second)
            found.append((whole.ids, whole.type_ids))
        return found

    def _pieces(self, texts: Sequence[str], prompt: str) -> list[Encoding]:
        ready = [prompt + storable(text)[: self.max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
        return self._tokenizer.encode_batch_fast(ready, add_special_tokens=False)


@dataclass(frozen=True)
class Row:
    """One text, ready for the model."""

    number: int
    tokens: list[int]
    types: list[int] | None
    """Token types, where two texts are read as one."""
    second: list[int] | None
    """Tokens of the second text of a pair whose vectors are compared."""
    task: str
    target: Floats | None
    weight: float

    @property
    def length(self) -> int:
        return len(self.tokens) + len(self.second or ())


class Rows(Dataset[Row]):
    """All texts of a run, tokenised."""

    def __init__(self, rows: Sequence[Row], texts: Sequence[str]) -> None:
        self.rows = list(rows)
        self.texts = list(texts)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        # Row -1 is nobody, of weight zero: a private run's batch may be empty.
        return self.rows[index] if index >= 0 else replace(self.rows[0], weight=0.0)

    @property
    def lengths(self) -> np.ndarray:
        return np.array([row.length for row in self.rows])


def tokenised(
    examples: Sequence[Example], tasks: Sequence[Task], tokenizer: JointTokenizer, *, answered: bool = True
) -> Rows:
    """Tokens, and targets where the examples are `answered`.

    Raises:
        InputError: an example names a task that there is not, or its answer does not fit the task.
    """
    by_name = {task.config.name: task for task in tasks}
    members: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        name = example.task or tasks[0].config.name
        if name not in by_name:
            raise InputError(f"{example.text[:40]!r} belongs to the task {name!r}; there are {sorted(by_name)}")
        members.setdefault(name, []).append(number)
    rows: list[Row | None] = [None] * len(examples)
    for name, numbers in members.items():
        task, group = by_name[name], [examples[number] for number in numbers]
        targets = task.targets(group) if answered else [None] * len(group)
        for number, tokens, target in zip(numbers, _tokens(group, task, tokenizer), targets, strict=True):
            rows[number] = Row(number, *tokens, name, target, examples[number].weight)
    return Rows([row for row in rows if row is not None], [example.text for example in examples])


def _tokens(
    group: Sequence[Example], task: Task, tokenizer: JointTokenizer
) -> Iterator[tuple[list[int], list[int] | None, list[int] | None]]:
    if task.config.kind in TWO_VECTORS:
        first = tokenizer([example.text for example in group])
        second = tokenizer([example.second or "" for example in group])
        return iter([(ids, None, others) for ids, others in zip(first, second, strict=True)])
    if all(example.second is None for example in group):
        return iter([(ids, None, None) for ids in tokenizer([example.text for example in group])])
    joint = tokenizer.joint([example.text for example in group], [example.second or "" for example in group])
    return iter([(ids, types, None) for ids, types in joint])


class LengthSampler(Sampler[int]):
    """Rows in an order where each run of `batch_size` holds texts of like length, the batches themselves shuffled.

    Rows are shuffled, cut into pools of many batches, sorted by length within each pool: lengths are alike in a batch,
    and yet no two epochs have the same batches. The order follows from seed and epoch, so that an interrupted run
    goes on with the texts it had not seen.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int, pool_batches: int = 50) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.pool = batch_size * pool_batches
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer at the start of each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        shuffled = rng.permutation(len(self.lengths))
        batches: list[np.ndarray] = []
        for start in range(0, len(shuffled), self.pool):
            pool = shuffled[start : start + self.pool]
            # Ties in length keep their shuffled order.
            ordered = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches.extend(ordered[at : at + self.batch_size] for at in range(0, len(ordered), self.batch_size))
        full = [batch for batch in batches if len(batch) == self.batch_size]
        rest = [batch for batch in batches if len(batch) < self.batch_size]
        for number in rng.permutation(len(full)):
            yield from full[number].tolist()
        # A short batch in the middle would shift all that follow.
        for batch in rest:
            yield from batch.tolist()


class Collator:
    """Rows as one batch of tensors."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[Row]) -> Batch:
        batch: Batch = {
            **self.texts(rows),
            "numbers": torch.tensor([row.number for row in rows]),
            "weights": torch.tensor([row.weight for row in rows], dtype=torch.float32),
            "rows": {},
            "targets": {},
        }
        for name in dict.fromkeys(row.task for row in rows):
            chosen = [at for at, row in enumerate(rows) if row.task == name]
            batch["rows"][name] = torch.tensor(chosen)
            targets = [rows[at].target for at in chosen]
            if all(target is not None for target in targets):
                batch["targets"][name] = torch.from_numpy(np.stack(targets))  # type: ignore[arg-type]
        return batch

    def texts(self, rows: Sequence[Row]) -> dict[str, Any]:
        """What the model reads of each row's text, and of its second where pairs are compared."""
        texts = {"inputs": self.inputs([row.tokens for row in rows], [row.types for row in rows])}
        if any(row.second is not None for row in rows):
            # In a mixed batch the other tasks' rows repeat their own text, and nobody looks at it.
            texts["second"] = self.inputs([row.second or row.tokens for row in rows], [None])
        return texts

    def inputs(self, tokens: Sequence[list[int]], types: Sequence[list[int] | None]) -> dict[str, Tensor]:
        """What the model reads."""
        numbers, mask = padded(tokens, self.pad)
        inputs: dict[str, Any] = {"input_ids": torch.from_numpy(numbers), "attention_mask": torch.from_numpy(mask)}
        if any(types):
            inputs["token_type_ids"] = torch.from_numpy(padded([t or [0] for t in types], 0)[0])
        return inputs
