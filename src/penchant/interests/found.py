"""What is found of each cluster of a discovered tree: its name, its words, its typical texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from penchant.data.columns import PATH_SEPARATOR
from penchant.interests.clusters import Split
from penchant.interests.naming import (
    NAME_SEPARATOR,
    Group,
    NamingConfig,
    main_language,
    read_name,
    telling_words,
    unlike,
    word_names,
)
from penchant.language import Lang
from penchant.vectors import Floats, Rows, unit_rows

if TYPE_CHECKING:
    from penchant.interests.namers import Namer

WORDS: Final = "words"
"""The namer of a label whose name is made of its words."""
_SAME_NAME: Final = 2
"""A name that a language model gives to more siblings than this says nothing of any."""


@dataclass(frozen=True)
class Found:
    """One label of a discovered tree."""

    label: str
    size: int
    """Texts under it, equal ones and those of the labels below included."""
    cohesion: float
    """Mean cosine of its distinct texts to their centre, once the mean of all is taken off."""
    words: tuple[str, ...]
    """The words that set it apart from its siblings, which its name came from."""
    typical: tuple[str, ...]
    language: Lang
    namer: str
    """Who gave the name: `words`, or the language model."""
    problem: str | None = None
    """Why the language model's answer was not taken, where it was asked and words stand in."""


@dataclass(frozen=True, eq=False)
class Clustered:
    """The distinct texts that were clustered, and where they went."""

    texts: list[str]
    vectors: Floats
    """Unit rows, the mean of all taken off."""
    numbers: Rows
    """(texts, depths) as `Split.paths` gives them."""

    def under(self, path: tuple[int, ...]) -> Rows:
        """Rows of the texts under a cluster."""
        return np.flatnonzero((self.numbers[:, : len(path)] == path).all(1))


def named_clusters(
    split: Split, clustered: Clustered, config: NamingConfig, typical: int, namer: "Namer | None"
) -> dict[tuple[int, ...], Found]:
    """What is found at each path, parents first; sizes are still to be counted."""
    found: dict[tuple[int, ...], Found] = {}
    for above, node in split.nodes():
        parent = found.get(above)
        paths = [(*above, cluster) for cluster in range(len(node.centres))]
        rows = {path: clustered.under(path) for path in paths}
        # The largest chooses its name first.
        paths.sort(key=lambda path: -len(rows[path]))
        texts = [[clustered.texts[row] for row in rows[path]] for path in paths]
        said = _words_above(found, above)
        told = telling_words(texts, config, without=said)
        near = [_nearest(clustered.vectors[rows[path]]) for path in paths]
        groups = [
            Group(
                words,
                tuple(own[row] for row in order[:typical]),
                main_language(own),
                parent.label if parent else None,
            )
            for own, words, (order, _) in zip(texts, told, near, strict=True)
        ]
        named = _names(groups, config, namer)
        for path, group, (_, cohesion), (name, by, problem) in zip(paths, groups, near, named, strict=True):
            label = f"{parent.label}{PATH_SEPARATOR}{name}" if parent else name
            found[path] = Found(label, 0, cohesion, group.words, group.texts, group.language, by, problem)
    return found


def _words_above(found: dict[tuple[int, ...], Found], path: tuple[int, ...]) -> set[str]:
    """The words in the names above a path, which the names below need not repeat."""
    labels = [found[path[:depth]] for depth in range(1, len(path) + 1)]
    names = {above.label.split(PATH_SEPARATOR)[-1] for above in labels}
    return {word for above in labels for word in above.words if any(word in name for name in names)}


def _names(groups: Sequence[Group], config: NamingConfig, namer: "Namer | None") -> list[tuple[str, str, str | None]]:
    """For each sibling its name, who gave it, and why the language model did not."""
    plain = word_names(groups, config)
    if namer is None:
        return [(name, WORDS, None) for name in plain]
    named: list[tuple[str, str, str | None]] = []
    taken: set[str] = set()
    read = [
        (answer.text, answer.problem) if answer.problem else read_name(answer.text, group.language)
        for group, answer in zip(groups, namer.names(groups), strict=True)
    ]
    given_to = Counter(name.casefold() for name, problem in read if problem is None)
    for group, (name, problem), fallback in zip(groups, read, plain, strict=True):
        if problem is None and given_to[name.casefold()] > _SAME_NAME:
            problem = f"the same name for {given_to[name.casefold()]} siblings"
        if problem is None and name.casefold() in taken:
            # Two siblings that a model cannot tell apart are told apart by their most telling word.
            separator = NAME_SEPARATOR(group.language)
            name = separator.join([name, *(word for word in group.words[:1] if word not in name)])
        given = (unlike(name, taken), namer.name) if problem is None else (unlike(fallback, taken), WORDS)
        named.append((*given, problem))
        taken.add(given[0].casefold())
    return named


def _nearest(vectors: Floats) -> tuple[Rows, float]:
    """Rows by how near they are to their centre, and their mean cosine to it."""
    if not len(vectors):
        return np.zeros(0, dtype=np.int64), 0.0
    cosines = vectors @ unit_rows(vectors.mean(0, keepdims=True))[0]
    return np.argsort(-cosines, kind="stable"), float(cosines.mean())
