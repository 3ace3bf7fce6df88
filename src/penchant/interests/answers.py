"""What a labeller says of texts, and what it was fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.interests.examples import lowest
from penchant.interests.taxonomy import Taxonomy
from penchant.vectors import Floats


@dataclass(frozen=True, eq=False)
class Labelled:
    """What a labeller says of some texts.

    >>> tree = Taxonomy(["tea > green"])
    >>> said = Labelled(tree, np.array([[0.9, 0.6]]), np.array([[True, True]]), np.array([[True, False]]))
    >>> said.labels(0), said.labels(0, sure=True), said.unsure.tolist()
    (('tea > green',), ('tea',), [False])
    """

    taxonomy: Taxonomy
    probabilities: Floats
    """(texts, labels) calibrated; a child's never above its parent's."""
    given: NDArray[np.bool_]
    """(texts, labels) the best answer, whether sure of it or not; a label never without its parent."""
    sure: NDArray[np.bool_]
    """(texts, labels) those of the given labels that keep to the stated risk."""

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """(texts,) true where no label at any depth can be stood by."""
        return np.logical_not(self.sure.any(axis=1))

    def labels(self, text: int, *, sure: bool = False) -> tuple[str, ...]:
        """The labels given to one text, without those they imply; only the sure ones on request."""
        chosen = np.flatnonzero((self.sure if sure else self.given)[text])
        return lowest(self.taxonomy.labels[row] for row in chosen)


@dataclass(frozen=True)
class LabellerReport:
    """What a labeller was fitted on."""

    texts: int
    encoded: int
    """Labelled texts that were turned into vectors; the rest taught spelling alone."""
    contradictory: int
    """Texts that were given different labels when labelled again."""
    unlabelled: int
    believed: int
    """Unlabelled texts learned from in the last round."""
    held_out: int
    """Texts that taught the blend, the calibration, the thresholds and the risk; 0: none of these was learned."""
    without_texts: tuple[str, ...]
    """Labels known by name alone."""
    shifted: bool = False
    """Whether unlabelled texts said how common each label is."""
