"""Titles that a causal language model proposes, word by word, where only titles of the catalogue can be said."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from penchant.errors import ConfigError, InputError
from penchant.recommend.preference_examples import History, prompt_of
from penchant.text.generator import Generator
from penchant.training.precision import torch_threads

PROMPT: Final = "liked / 喜欢: {liked}\ndisliked / 不喜欢: {disliked}\nwould like next / 接下来会喜欢: "


@dataclass
class Branch:
    """Tokens that may come next, and the titles that end here."""

    onward: "dict[int, Branch]" = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)


class TitleTrie:
    """All titles of a catalogue as a tree of tokens.

    A title ends with a line break, so that one that begins another is told from it where the tokens have line breaks.
    """

    def __init__(self, titles: Iterable[str], generator: Generator) -> None:
        """Set up.

        Args:
            titles: those that may be proposed.
            generator: whose tokens they are said in.

        Raises:
            InputError: there is no title.
        """
        self.generator = generator
        self.root = Branch()
        pieces = generator.model.pieces
        for title in dict.fromkeys(titles):
            ids = pieces.encode(f"{title}\n", add_special_tokens=False).ids
            branch = self.root
            for token in ids:
                branch = branch.onward.setdefault(token, Branch())
            if ids:
                branch.titles.append(title)
        if not self.root.onward:
            raise InputError("there are no titles to propose from; give those of the catalogue")

    def propose(self, history: History, k: int, *, beams: int = 20) -> list[tuple[str, float]]:
        """The titles that the model would go on with, likeliest first, and the logarithm of how likely it says each.

        Beam search over the tree: at each step the `beams` likeliest beginnings are kept, so a title whose first words
        are unlikely is missed; with as many beams as titles none is. What stands in the history is not proposed.

        Args:
            history: titles liked and disliked.
            k: how many to propose, at most.
            beams: beginnings kept at each step.

        Raises:
            ConfigError: there is no beam, or nothing is wanted.
            InputError: the history leaves the model no room for a title.
        """
        if k < 1 or beams < 1:
            raise ConfigError(f"k is {k} and beams {beams}; give 1 or more of each")
        told = prompt_of(history, "?")
        prompt = PROMPT.format(liked="; ".join(told.liked) or "-", disliked="; ".join(told.disliked) or "-")
        model = self.generator.model
        start = model.pieces.encode("").ids[:1] + model.pieces.encode(prompt, add_special_tokens=False).ids
        seen = {title for title, _ in told.history}
        alive: list[tuple[float, list[int], Branch]] = [(0.0, [], self.root)]
        found: dict[str, float] = {}
        while alive:
            if len(start) + len(alive[0][1]) >= model.max_tokens:
                raise InputError(f"the history leaves no room for a title in {model.max_tokens} tokens; shorten it")
            likely = self._next([start + said for _, said, _ in alive])
            grown = [
                (score + float(likely[row, token]), [*said, token], branch)
                for row, (score, said, before) in enumerate(alive)
                for token, branch in before.onward.items()
            ]
            alive = heapq.nlargest(beams, grown, key=lambda entry: entry[0])
            for score, _, branch in alive:
                found |= {title: score for title in branch.titles if title not in seen}
            alive = [entry for entry in alive if entry[2].onward]
        return sorted(found.items(), key=lambda entry: -entry[1])[:k]

    def _next(self, prompts: Sequence[list[int]]) -> np.ndarray:
        """(prompts, vocabulary) log-probability of each token after prompts of one length."""
        import torch

        body = self.generator.body
        with torch.inference_mode(), torch_threads(self.generator.options.threads):
            ids = torch.tensor(list(prompts), device=body.device)
            logits = body(input_ids=ids, attention_mask=torch.ones_like(ids), logits_to_keep=1).logits[:, -1].float()
            found: np.ndarray = torch.log_softmax(logits, dim=-1).cpu().numpy()
        return found
