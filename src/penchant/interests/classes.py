"""What a labeller tells apart, and how that adds up to the labels of a tree."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from penchant.errors import InputError, TooLittleDataError
from penchant.interests.examples import LabelledTexts
from penchant.interests.taxonomy import Taxonomy, ancestors
from penchant.vectors import Floats, Rows


@dataclass(frozen=True)
class Classes:
    """The labels that sources of evidence tell apart.

    Where a text has one label, classes are the leaves of the tree and any inner label that was given as such; they
    shut each other out, and a label's probability is the sum of the classes at and below it. Else every label is a
    class of its own, and a parent is raised to its likeliest child.

    >>> tree = Taxonomy(["tea > green", "tea > black", "coffee"])
    >>> classes = Classes(tree, ("coffee", "tea > black", "tea > green"), exclusive=True)
    >>> classes.up(np.array([[0.25, 0.25, 0.5]], dtype=np.float32)).tolist()
    [[0.25, 0.75, 0.25, 0.5]]
    """

    taxonomy: Taxonomy
    labels: tuple[str, ...]
    exclusive: bool

    @classmethod
    def settled(cls, labelled: LabelledTexts, taxonomy: Taxonomy | None, exclusive: bool | None) -> "Classes":
        """The classes of some texts' labels and a tree that holds them, or of either alone.

        Args:
            labelled: may be empty where there is a tree.
            taxonomy: the tree; by default that of the labels given.
            exclusive: None finds out from the texts.

        Raises:
            TooLittleDataError: there is no label at all.
            UnknownIdError: a label is not in the tree.
            InputError: texts with several labels, or none, are to have exactly one.
        """
        if taxonomy is None and not labelled.labels:
            raise TooLittleDataError("no text has a label and there is no tree; give one or the other")
        tree = taxonomy or labelled.taxonomy()
        given = {tree.row(label) for label in labelled.labels}
        one_each = labelled.exclusive if exclusive is None else exclusive
        if not one_each:
            return cls(tree, tree.labels, False)
        if not labelled.exclusive:
            raise InputError("exclusive is set, but some text has no label or several; give each text one, or unset it")
        rows = sorted(given | set(tree.leaf_rows.tolist()))
        return cls(tree, tuple(tree.labels[row] for row in rows), True)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def rows(self) -> Rows:
        """(classes,) the row of each class's label in the tree."""
        return np.array([self.taxonomy.row(label) for label in self.labels], dtype=np.int64)

    def targets(self, labelled: LabelledTexts) -> Floats:
        """(texts, classes) the share of a text's answers that gave it each class.

        Raises:
            UnknownIdError: a label is not in the tree.
            InputError: a label is in the tree but was never told apart from those below it.
        """
        column = {label: place for place, label in enumerate(self.labels)}
        targets = np.zeros((len(labelled), len(self)), dtype=np.float32)
        for row, answers in enumerate(labelled.given):
            for answer in answers:
                paths = {self.taxonomy.labels[self.taxonomy.row(label)] for label in answer}
                if not self.exclusive:
                    paths |= {above for path in paths for above in ancestors(path)}
                unknown = sorted(paths - column.keys())
                if unknown:
                    raise InputError(
                        f"{labelled.texts[row][:40]!r} is labelled {unknown[0]!r} and nothing below it, which no "
                        "training text is; label it more closely, or add such a training text"
                    )
                targets[row, [column[path] for path in paths]] += 1 / len(answers)
        return targets

    def up(self, probabilities: Floats) -> Floats:
        """(texts, labels) from (texts, classes), a child never above its parent."""
        if not self.exclusive:
            return self.taxonomy.consistent(probabilities)
        full = np.zeros((len(probabilities), len(self.taxonomy)), dtype=np.float32)
        full[:, self.rows] = probabilities
        for row in range(len(self.taxonomy) - 1, -1, -1):
            if self.taxonomy.parents[row] >= 0:
                full[:, self.taxonomy.parents[row]] += full[:, row]
        return np.minimum(full, 1)

    def best(self, probabilities: Floats) -> NDArray[np.bool_]:
        """(texts, labels) the likeliest class of (texts, classes) and the labels it implies."""
        given = np.zeros((len(probabilities), len(self.taxonomy)), dtype=bool)
        given[np.arange(len(given)), self.rows[probabilities.argmax(1)]] = True
        return self.taxonomy.consistent(given)
