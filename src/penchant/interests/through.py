"""What each character of a text adds to a label, summed over the labeller's sources."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.interests.centres import Centres
from penchant.interests.gradients import Route, encoder_shares, tuned_shares
from penchant.interests.sources import Spelling, Tuned
from penchant.interests.spelled import character_shares
from penchant.interests.standing import Standing
from penchant.vectors import Floats

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def through_sources(
    texts: Sequence[str], standing: Standing, route: Route
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """For each text what each character adds; and (texts,) what integration missed.

    Args:
        texts: any.
        standing: of a label for each of them.
        route: of integrated gradients, where a source has a language model.
    """
    labeller = standing.labeller
    told = [row for row, text in enumerate(texts) if text.strip()]
    stripped = [_SURROGATE.sub("\ufffd", texts[row].strip()) for row in told]
    added = [np.zeros(len(text)) for text in stripped]
    missed = np.zeros(len(texts))
    slopes: dict[str, Floats] = {
        name: (weight * standing.slopes[told]).astype(np.float32)
        for name, weight in labeller.judge.blend.weights.items()
        if weight
    }
    for name, slopes_of_source in slopes.items():
        source = labeller.sources[name]
        if not isinstance(source, Spelling | Centres):
            continue
        assert labeller.reader.words is not None
        weights = source.linear.weights if isinstance(source, Spelling) else source.weights
        for number, slope in enumerate(slopes_of_source):
            text = texts[told[number]].strip()
            added[number] += character_shares(labeller.reader.words, text, weights @ slope)
    through_encoder = {name: slopes[name] for name in slopes if name in ("names", "meaning", "nearest")}
    tuned = labeller.sources.get("tuned")
    parts = []
    if stripped and through_encoder:
        parts.append(encoder_shares(labeller, stripped, through_encoder, route))
    if stripped and isinstance(tuned, Tuned) and "tuned" in slopes:
        parts.append(tuned_shares(tuned, stripped, slopes["tuned"], route))
    for part in parts:
        missed[told] += part.missed
        added = [own + more for own, more in zip(added, part.characters, strict=True)]
    whole = [np.zeros(len(text)) for text in texts]
    for row, values in zip(told, added, strict=True):
        start = len(texts[row]) - len(texts[row].lstrip())
        whole[row][start : start + len(values)] = values
    return whole, missed
