"""Titles that a causal language model proposes, word by word, where only titles of the catalogue can be said."""

import heapq
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from penchant.errors import ConfigError, InputError
from penchant.language import Phrase, written_language
from penchant.recommend.preference_examples import History, prompt_of
from penchant.text.generator import Generator
from penchant.training.precision import torch_threads
from penchant.vectors import Rows

HEADING: Final = Phrase("Liked by one and the same person:", "同一个人喜欢的：")
"""What stands above the titles liked, one a line: a model that has read many lists goes on with such a one."""

CONSTANT: Final = 60.0
"""How little the first places of a list stand out where two are joined."""


@dataclass
class Branch:
    """Tokens that may come next, and the titles that end here."""

    onward: "dict[int, Branch]" = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    below: int = 0
    """Titles that end here or further on."""


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
        pieces, tokens = generator.model.pieces, set[int]()
        self._ids: dict[str, list[int]] = {}
        titles = list(dict.fromkeys(titles))
        for title in titles:
            ids = pieces.encode(f"{title}\n", add_special_tokens=False).ids
            branch = self.root
            tokens |= set(ids)
            for token in ids:
                branch = branch.onward.setdefault(token, Branch())
                branch.below += 1
            if ids:
                branch.titles.append(title)
                self._ids[title] = ids
        if not self.root.onward:
            raise InputError("there are no titles to propose from; give those of the catalogue")
        self._tokens = sorted(tokens)
        self.lang = written_language(" ".join(titles))

    @cached_property
    def _reading(self) -> "_Reading":
        return _Reading(self.generator, self._tokens)

    def propose(
        self, history: History, k: int, *, beams: int = 20, but: Collection[str] = ()
    ) -> list[tuple[str, float]]:
        """The titles that the model would go on with, likeliest first, and the logarithm of how likely it says each.

        Likely among the tokens of the catalogue's titles: what else the model might say does not count.

        Beam search over the tree: at each step the `beams` likeliest beginnings are kept, so a title whose first words
        are unlikely is missed; with as many beams as titles none is. What stands in the history is not proposed.

        Args:
            history: titles liked, the last of them last, and titles disliked, which are not proposed.
            k: how many to propose, at most.
            beams: beginnings kept at each step.
            but: further titles that are not proposed, such as those seen long ago.

        Raises:
            ConfigError: there is no beam, or nothing is wanted.
            InputError: the history leaves the model no room for a title.
        """
        if k < 1 or beams < 1:
            raise ConfigError(f"k is {k} and beams {beams}; give 1 or more of each")
        told = prompt_of(history, "?")
        prompt = "".join(f"{line}\n" for line in (HEADING(self.lang), *told.liked))
        model = self.generator.model
        start = model.pieces.encode("").ids[:1] + model.pieces.encode(prompt, add_special_tokens=False).ids
        hidden = {*but, *(title for title, _ in told.history)}
        closed = self._closed(hidden)
        reading = self._reading
        reading.start()
        alive: list[tuple[float, Branch]] = [(0.0, self.root)]
        rows, tokens, said = [0], [start], len(start)
        found: dict[str, float] = {}
        while alive:
            if said >= model.max_tokens and found:
                break
            if said >= model.max_tokens:
                raise InputError(f"the history leaves no room for a title in {model.max_tokens} tokens; shorten it")
            onward = [[token for token, on in branch.onward.items() if id(on) not in closed] for _, branch in alive]
            likely = reading.next(rows, tokens, onward)
            grown = [
                (score + chance, row, token)
                for row, (score, _) in enumerate(alive)
                for token, chance in zip(onward[row], likely[row].tolist(), strict=True)
            ]
            # A title only grows less likely with each token, so what is behind the k-th already stays behind.
            best = heapq.nlargest(k, found.values())
            least = best[-1] if len(best) == k else -math.inf
            kept = [entry for entry in heapq.nlargest(beams, grown, key=lambda entry: entry[0]) if entry[0] > least]
            after = [(score, alive[row][1].onward[token]) for score, row, token in kept]
            for score, branch in after:
                found |= {title: score for title in branch.titles if title not in hidden}
            going = [
                place
                for place, (_, branch) in enumerate(after)
                if any(id(on) not in closed for on in branch.onward.values())
            ]
            alive = [after[place] for place in going]
            rows, tokens, said = [kept[place][1] for place in going], [[kept[place][2]] for place in going], said + 1
        return sorted(found.items(), key=lambda entry: -entry[1])[:k]

    def _closed(self, hidden: Collection[str]) -> set[int]:
        """The branches that lead to nothing but titles that are not proposed: none of them takes up a beam."""
        seen: dict[int, int] = {}
        closed = set()
        for title in hidden:
            branch = self.root
            for token in self._ids.get(title, ()):
                branch = branch.onward[token]
                seen[id(branch)] = seen.get(id(branch), 0) + 1
                if seen[id(branch)] == branch.below:
                    closed.add(id(branch))
        return closed


class _Reading:
    """A causal model that remembers what it has read, so that each step costs the new tokens alone.

    It is asked among the catalogue's own tokens: of a vocabulary of a quarter of a million words these are few, and
    what it would say of all others changes no title's place, as none of them can be said.
    """

    def __init__(self, generator: Generator, tokens: Sequence[int]) -> None:
        import torch

        self.generator = generator
        body = generator.body
        last = body.get_output_embeddings()
        self._place = {token: place for place, token in enumerate(tokens)}
        chosen = torch.tensor(list(tokens), device=body.device)
        self._last, self._bias = last.weight[chosen], None if last.bias is None else last.bias[chosen]
        self._cap = getattr(body.config.get_text_config(), "final_logit_softcapping", None)
        self._read: Any = None

    def start(self) -> None:
        """Forget what was read."""
        self._read = None

    def next(self, rows: Sequence[int], tokens: Sequence[list[int]], wanted: Sequence[list[int]]) -> list[np.ndarray]:
        """For each text, the log-probabilities of some tokens that may come next.

        Args:
            rows: which text of the step before each one goes on from.
            tokens: what comes after it, equally many tokens each.
            wanted: for each text, the tokens asked about.
        """
        import torch

        body = self.generator.body
        with torch.inference_mode(), torch_threads(self.generator.options.threads):
            if self._read is not None:
                self._read.reorder_cache(torch.tensor(list(rows), device=body.device))
            ids = torch.tensor(list(tokens), device=body.device)
            said = body.base_model(input_ids=ids, past_key_values=self._read, use_cache=True)
            self._read = said.past_key_values
            logits = torch.nn.functional.linear(said.last_hidden_state[:, -1], self._last, self._bias).float()
            if self._cap is not None:
                logits = torch.tanh(logits / self._cap) * self._cap
            likely = logits.log_softmax(dim=-1).cpu().numpy()
        return [likely[row, [self._place[token] for token in asked]] for row, asked in enumerate(wanted)]


def joined(first: Rows, second: Rows, weight: float) -> Rows:
    """Two lists for each member as one of the first's length, by reciprocal rank (Cormack, Clarke and Büttcher, 2009).

    Args:
        first: (members, k) item rows, best first, -1 where there is none.
        second: the same, of another source.
        weight: what a place in the second counts, beside one for a place in the first.

    >>> joined(np.array([[4, 7, 1]]), np.array([[9, 7, -1]]), 0.99).tolist()
    [[7, 4, 9]]
    """
    found = np.full(first.shape, -1, dtype=np.int64)
    for row, lists in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        scores: dict[int, float] = {}
        for items, own in zip(lists, (1.0, weight), strict=True):
            for place, item in enumerate(items, start=1):
                if item >= 0:
                    scores[item] = scores.get(item, 0.0) + own / (CONSTANT + place)
        best = sorted(scores, key=lambda item: -scores[item])[: first.shape[1]]
        found[row, : len(best)] = best
    return found
