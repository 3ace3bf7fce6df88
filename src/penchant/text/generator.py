"""A causal language model that writes: what comes after each prompt, always its likeliest words."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from penchant.errors import ConfigError, InputError
from penchant.language import Phrase
from penchant.text.adapters import Body
from penchant.text.progress import progress
from penchant.text.tokens import padded, storable
from penchant.text.tuning.generation import CausalModel, causal_body
from penchant.text.weights import resolve
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, torch_threads
from penchant.vectors import chunks

WRITING: Final = Phrase("Writing", "生成文字")
_AT_ONCE: Final = 8


class Generator:
    """A causal model by name, with the words it would go on with.

    A prompt is continued as it stands: the model is told nothing of chats or roles, so a prompt that shows how it is
    to be continued, by an example or two, serves plain and instructed models alike. The model is loaded when it first
    writes.

    Args:
        model: where it lies, and its tokens; `Generator.load` finds one by name.
        options: device, precision, threads, prompts a batch, progress; by default those of the model.
    """

    def __init__(self, model: CausalModel, *, options: Options | None = None) -> None:
        self.model, self.options = model, options or model.options

    @classmethod
    def load(cls, name: str | Path = "gemma-270m", *, options: Options | None = None) -> "Generator":
        """Find a causal model: a local folder, a packaged or a hub name.

        Raises:
            WeightsError: there is none of this name, or it is damaged.
        """
        return cls(CausalModel(resolve(name), options=options))

    @property
    def name(self) -> str:
        """The model and its weights' fingerprint."""
        return f"{self.model.weights.name}@{self.model.weights.fingerprint}"

    @cached_property
    def body(self) -> Body:
        """The model itself, on its device.

        Raises:
            WeightsError: the folder holds no causal language model.
        """
        device = choose_device(self.options)
        return causal_body(self.model.weights).to(device=device, dtype=choose_dtype(self.options, device)).eval()

    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
        """What the model goes on with after each prompt, in the order of the prompts; equal prompts are run once.

        It writes the likeliest token each time, until it ends the text itself or has written as many as allowed.

        Raises:
            ConfigError: `max_new_tokens` is less than one, or leaves the model no room for a prompt.
            InputError: a prompt is empty, or too long for the model.
        """
        room = self.model.max_tokens - max_new_tokens
        if max_new_tokens < 1 or room < 1:
            raise ConfigError(
                f"max_new_tokens is {max_new_tokens}; give 1 to {self.model.max_tokens - 1}, as the model reads and "
                f"writes {self.model.max_tokens} tokens in all"
            )
        tokens = {prompt: self._tokens(prompt, room) for prompt in prompts}
        # Longest first: prompts of like length share a batch, and what does not fit in memory shows at once.
        waiting = sorted(tokens, key=lambda prompt: -len(tokens[prompt]))
        written: dict[str, str] = {}
        with torch_threads(self.options.threads), progress(WRITING, len(waiting), shown=self.options.progress) as done:
            for part in chunks(len(waiting), self.options.batch_size or _AT_ONCE):
                batch = waiting[part]
                said = self._continued([tokens[prompt] for prompt in batch], max_new_tokens)
                written |= zip(batch, said, strict=True)
                done(len(batch))
        return [written[prompt] for prompt in prompts]

    def _tokens(self, prompt: str, room: int) -> list[int]:
        pieces = self.model.pieces
        # Of what the tokenizer puts around a text only the sign of the beginning belongs in front of a prompt.
        start = pieces.encode("").ids[:1]
        ids = start + pieces.encode(storable(prompt), add_special_tokens=False).ids
        if len(ids) == len(start):
            raise InputError(f"the prompt {prompt[:40]!r} holds nothing to go on from; give some text")
        if len(ids) > room:
            raise InputError(
                f"the prompt {prompt[:40]!r} has {len(ids)} tokens; the model has room for {room} beside what it is to "
                "write: shorten it"
            )
        return ids

    def _continued(self, prompts: list[list[int]], max_new_tokens: int) -> list[str]:
        import torch
        from transformers import GenerationConfig

        body: Any = self.body
        end = body.generation_config.eos_token_id
        ends = [end] if isinstance(end, int) else list(end or ())
        pad = body.config.get_text_config().pad_token_id
        filler = int(pad if pad is not None else ends[0] if ends else 0)
        # Padded in front, so that every prompt ends where writing begins.
        ids, mask = padded([numbers[::-1] for numbers in prompts], filler)
        ids, mask = np.ascontiguousarray(ids[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
        # A configuration of our own: a model's folder may ask for sampling.
        greedy = GenerationConfig(
            do_sample=False, num_beams=1, max_new_tokens=max_new_tokens, eos_token_id=ends or None, pad_token_id=filler
        )
        with torch.inference_mode():
            whole = body.generate(
                input_ids=torch.from_numpy(ids).to(body.device),
                attention_mask=torch.from_numpy(mask).to(body.device),
                generation_config=greedy,
            )
        said = []
        for row in whole[:, ids.shape[1] :].tolist():
            length = next((place for place, number in enumerate(row) if number in ends), len(row))
            said.append(self.model.pieces.decode(row[:length], skip_special_tokens=True))
        return said
