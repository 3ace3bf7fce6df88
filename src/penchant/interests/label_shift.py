"""How common each label is among texts that nobody labelled, where those learned from were picked in other shares."""

from typing import Final

import numpy as np

from penchant.vectors import Floats

_TURNS: Final = 50


def shares_among(probabilities: Floats, believed: Floats, *, strength: float = 10.0) -> Floats:
    """(classes,) share of each class among some texts, by what a model of other shares says of each text.

    The expectation-maximisation of Saerens, Latinne and Decaestecker (2002): weigh each text's probabilities by the
    shares so far, take their means as the next shares, and again until they settle. A few texts prove little, so that
    the shares start from those believed, as so many texts of each class would have it.

    Args:
        probabilities: (texts, classes) of unlabelled texts, rows summing to one, calibrated on the believed shares.
        believed: (classes,) shares of the texts that taught these probabilities, none of them zero.
        strength: texts of each class that the belief is worth, where all are as common.

    >>> said = np.array([[0.8, 0.2]] * 900 + [[0.2, 0.8]] * 100, dtype=np.float32)
    >>> shares_among(said, np.array([0.5, 0.5], dtype=np.float32)).round(1).tolist()
    [1.0, 0.0]
    """
    counts = strength * len(believed) * believed
    shares = believed
    for _ in range(_TURNS):
        weighed = probabilities * (shares / believed)
        weighed /= weighed.sum(1, keepdims=True)
        shares = ((weighed.sum(0) + counts) / (len(weighed) + counts.sum())).astype(np.float32)
    return shares
