"""Interests as paths: a label implies its ancestors, and the tree can change without losing what was predicted."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.errors import InputError, ReadError, UnknownIdError
from penchant.vectors import Floats, Rows

_SEPARATOR: Final = re.compile(r"\s*>\s*")
_DESCRIPTION: Final = "_description"
_Value = TypeVar("_Value", bound=np.generic)


def normal_path(label: str) -> str:
    """A label with one space around each ">" and none at its ends: one spelling for one path.

    Raises:
        InputError: a level of the path is empty.

    >>> normal_path(" 家电>冰箱 ")
    '家电 > 冰箱'
    """
    levels = _SEPARATOR.split(label.strip())
    if not all(levels):
        raise InputError(f"the label {label!r} has an empty level; write a path as 'Home > Fridges'")
    return PATH_SEPARATOR.join(levels)


def ancestors(label: str) -> tuple[str, ...]:
    """The paths above a label, the top first.

    >>> ancestors("a > b > c")
    ('a', 'a > b')
    """
    levels = label.split(PATH_SEPARATOR)
    return tuple(PATH_SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels)))


class Taxonomy:
    """A forest of labels in a fixed order, every parent before its children.

    Args:
        labels: paths in any order; their ancestors come along.
        descriptions: a sentence for some labels, for zero-shot labelling and for people.

    Raises:
        InputError: there is no label, or a path has an empty level.

    >>> tree = Taxonomy(["家电 > 冰箱", "家电 > 洗衣机", "书籍"])
    >>> tree.labels
    ('书籍', '家电', '家电 > 冰箱', '家电 > 洗衣机')
    >>> tree.leaves
    ('书籍', '家电 > 冰箱', '家电 > 洗衣机')
    >>> tree.targets([["家电 > 冰箱"], []]).astype(int).tolist()
    [[0, 1, 1, 0], [0, 0, 0, 0]]
    """

    def __init__(self, labels: Iterable[str], *, descriptions: Mapping[str, str] | None = None) -> None:
        paths = {normal_path(label) for label in labels}
        if not paths:
            raise InputError("an interest tree needs at least one label; found none")
        paths |= {above for path in paths for above in ancestors(path)}
        # Sorted by levels, so that a parent comes right before its children whatever characters their names hold.
        self.labels: tuple[str, ...] = tuple(sorted(paths, key=lambda path: path.split(PATH_SEPARATOR)))
        self.descriptions = {normal_path(label): text for label, text in (descriptions or {}).items()}
        unknown = self.descriptions.keys() - paths
        if unknown:
            raise InputError(f"descriptions for labels that are not in the tree: {', '.join(sorted(unknown)[:3])}")

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self._row_of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Taxonomy) and (self.labels, self.descriptions) == (other.labels, other.descriptions)

    def __hash__(self) -> int:
        return hash(self.labels)

    def __repr__(self) -> str:
        return f"Taxonomy({len(self)} labels, {len(self.leaves)} leaves)"

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {label: row for row, label in enumerate(self.labels)}

    @cached_property
    def parents(self) -> Rows:
        """(labels,) the row of each label's parent, -1 at the top."""
        return np.array(
            [self._row_of[above[-1]] if (above := ancestors(label)) else -1 for label in self.labels], dtype=np.int64
        )

    @cached_property
    def depths(self) -> Rows:
        """(labels,) 1 at the top."""
        return np.array([len(ancestors(label)) + 1 for label in self.labels], dtype=np.int64)

    @cached_property
    def leaf_rows(self) -> Rows:
        """Rows of the labels that have no children."""
        return np.setdiff1d(np.arange(len(self)), self.parents)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The labels that have no children."""
        return tuple(self.labels[row] for row in self.leaf_rows)

    def row(self, label: str) -> int:
        """The row of a label.

        Raises:
            UnknownIdError: it is not in the tree.
        """
        try:
            return self._row_of[normal_path(label)]
        except KeyError:
            raise UnknownIdError(
                f"the interest tree has no label {label!r}; it has {len(self)} labels, such as {self.labels[0]!r}"
            ) from None

    def targets(self, labelled: Iterable[Sequence[str]]) -> NDArray[np.bool_]:
        """(texts, labels) true for each given label and all its ancestors.

        Raises:
            UnknownIdError: a label is not in the tree.
        """
        rows = [[self.row(label) for label in labels] for labels in labelled]
        targets = np.zeros((len(rows), len(self)), dtype=bool)
        for text, given in enumerate(rows):
            targets[text, given] = True
        return self._upward(targets)

    def consistent(self, probabilities: NDArray[_Value]) -> NDArray[_Value]:
        """(texts, labels) probabilities, or truth values, with every parent raised to its largest child."""
        return self._upward(probabilities)

    def violations(self, probabilities: Floats, *, tolerance: float = 1e-6) -> int:
        """How often a child stands above its parent in (texts, labels) probabilities."""
        children = np.flatnonzero(self.parents >= 0)
        above = probabilities[:, children] > probabilities[:, self.parents[children]] + tolerance
        return int(above.sum())

    def from_leaves(self, leaf_probabilities: Floats) -> Floats:
        """(texts, labels) from (texts, leaves) of exclusive leaves: each label is the sum of the leaves below it."""
        full = np.zeros((len(leaf_probabilities), len(self)), dtype=np.float32)
        full[:, self.leaf_rows] = leaf_probabilities
        for row in range(len(self) - 1, -1, -1):
            if self.parents[row] >= 0:
                full[:, self.parents[row]] += full[:, row]
        return np.minimum(full, 1)

    def _upward(self, values: NDArray[_Value]) -> NDArray[_Value]:
        """Each column at least the largest of its children's, from the bottom up."""
        raised = values.copy()
        for row in range(len(self) - 1, -1, -1):
            if self.parents[row] >= 0:
                np.maximum(raised[:, self.parents[row]], raised[:, row], out=raised[:, self.parents[row]])
        return raised

    def renamed(self, label: str, name: str) -> "TaxonomyChange":
        """The tree with the last level of a label renamed, its descendants along with it."""
        above = ancestors(normal_path(label))
        return self._changed(label, PATH_SEPARATOR.join([*above[-1:], name]))

    def moved(self, label: str, under: str | None) -> "TaxonomyChange":
        """The tree with a label and its descendants under another parent; None moves it to the top.

        Raises:
            InputError: the new parent is the label itself or below it.
        """
        path = normal_path(label)
        if under is None:
            return self._changed(path, path.split(PATH_SEPARATOR)[-1])
        parent = self.labels[self.row(under)]
        if parent == path or path in ancestors(parent):
            raise InputError(f"{path!r} cannot move under {parent!r}, which is itself or below it")
        return self._changed(path, parent + PATH_SEPARATOR + path.split(PATH_SEPARATOR)[-1])

    def merged(self, label: str, into: str) -> "TaxonomyChange":
        """The tree with a label and its descendants absorbed by another label."""
        target = self.labels[self.row(into)]
        if normal_path(label) in (target, *ancestors(target)):
            raise InputError(f"{label!r} cannot merge into {into!r}, which is itself or below it")
        return self._changed(label, target)

    def _changed(self, label: str, new_path: str) -> "TaxonomyChange":
        old = self.labels[self.row(label)]
        prefix = old + PATH_SEPARATOR
        to = {
            path: normal_path(new_path + path[len(old) :]) if path == old or path.startswith(prefix) else path
            for path in self.labels
        }
        descriptions = {to[path]: text for path, text in self.descriptions.items()}
        return TaxonomyChange(self, Taxonomy(to.values(), descriptions=descriptions), to)

    @classmethod
    def from_yaml(cls, path: Path | str) -> "Taxonomy":
        """Read a tree written as nested mappings; `_description` describes the label it stands under.

        Raises:
            ReadError: the file cannot be read or is no nesting of mappings; the message names the place.
        """
        try:
            tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ReadError(f"cannot read the interest tree {path}: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ReadError(f"{path} is not valid YAML: {error}") from error
        labels: list[str] = []
        descriptions: dict[str, str] = {}
        _collect(tree, (), labels, descriptions, str(path))
        return cls(labels, descriptions=descriptions)

    def to_yaml(self, path: Path | str) -> None:
        """Write the tree as `from_yaml` reads it."""
        tree: dict[str, Any] = {}
        for label in self.labels:
            node = tree
            for level in label.split(PATH_SEPARATOR):
                node = node.setdefault(level, {})
            if label in self.descriptions:
                node[_DESCRIPTION] = self.descriptions[label]
        Path(path).write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), encoding="utf-8")


class TaxonomyChange:
    """A tree before and after a rename, move or merge, able to carry predictions across.

    >>> tree = Taxonomy(["tea > green", "tea > black", "coffee"])
    >>> change = tree.merged("tea > black", into="tea > green")
    >>> change.after.labels, change.carry(np.array([[0.1, 0.9, 0.5, 0.8]], dtype=np.float32)).tolist()
    (('coffee', 'tea', 'tea > green'), [[0.10000000149011612, 0.8999999761581421, 0.800000011920929]])
    """

    def __init__(self, before: Taxonomy, after: Taxonomy, to: Mapping[str, str]) -> None:
        self.before = before
        self.after = after
        self.to = dict(to)

    def carry(self, probabilities: Floats) -> Floats:
        """(texts, labels after) from (texts, labels before); labels that became one keep the larger probability."""
        carried = np.zeros((len(probabilities), len(self.after)), dtype=np.float32)
        for row, label in enumerate(self.before.labels):
            column = self.after.row(self.to[label])
            np.maximum(carried[:, column], probabilities[:, row], out=carried[:, column])
        return self.after.consistent(carried)


def _collect(
    tree: object, above: tuple[str, ...], labels: list[str], descriptions: dict[str, str], source: str
) -> None:
    place = PATH_SEPARATOR.join(above) or "the top"
    if tree is None and above:
        return
    if not isinstance(tree, dict):
        raise ReadError(f"{source}: a mapping of labels was wanted at {place}; found {tree!r}")
    for name, below in tree.items():
        if name == _DESCRIPTION and above:
            descriptions[PATH_SEPARATOR.join(above)] = str(below)
            continue
        path = (*above, str(name))
        labels.append(PATH_SEPARATOR.join(path))
        _collect(below, path, labels, descriptions, source)
