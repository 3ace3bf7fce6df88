"""From which probability on a label is given, picked label by label on held-out answers."""

import numpy as np
from numpy.typing import NDArray

from penchant.interests.taxonomy import Taxonomy
from penchant.vectors import Floats


def pick_thresholds(
    probabilities: Floats, targets: NDArray[np.bool_], taxonomy: Taxonomy, *, fewest: int = 5
) -> Floats:
    """(labels,) the threshold that gives each label the largest F1; a parent's never above its children's.

    A label with fewer positive texts than `fewest`, or fewer negative ones, keeps one half: its best threshold would
    be chance (Lipton et al., 2014, on how F1's optimum misleads for rare labels).

    Args:
        probabilities: (texts, labels) consistent, for texts that nothing was fitted on.
        targets: (texts, labels) true where a text has the label or one below it.
        taxonomy: of the labels.
        fewest: texts that a threshold of its own wants.

    >>> tree = Taxonomy(["tea"])
    >>> said = np.array([[0.1], [0.2], [0.3], [0.4]], dtype=np.float32)
    >>> pick_thresholds(said, np.array([[False], [False], [True], [True]]), tree, fewest=2).round(2).tolist()
    [0.25]
    """
    thresholds = np.full(len(taxonomy), 0.5, dtype=np.float32)
    if not len(probabilities):
        return thresholds
    order = np.argsort(-probabilities, axis=0, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=0)
    hits = np.cumsum(np.take_along_axis(targets, order, axis=0), axis=0)
    positives = targets.sum(0)
    f1 = 2 * hits / (np.arange(1, len(targets) + 1)[:, None] + positives)
    # Between two texts of equal probability there is no threshold.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1
    best = f1.argmax(0)
    columns = np.arange(len(taxonomy))
    after = ranked[np.minimum(best + 1, len(ranked) - 1), columns]
    found = np.where(best + 1 < len(ranked), (ranked[best, columns] + after) / 2, ranked[-1])
    enough = (positives >= fewest) & (len(targets) - positives >= fewest)
    thresholds[enough] = found[enough]
    # Whoever is given a label is given its parent.
    for row in range(len(taxonomy) - 1, -1, -1):
        parent = taxonomy.parents[row]
        if parent >= 0:
            thresholds[parent] = min(thresholds[parent], thresholds[row])
    return thresholds
