"""What is to be beaten: each statistic of a window alone, and streaming detectors over the best of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.drift.detectors import DETECTORS, detect
from penchant.drift.events import compare
from penchant.drift.injection import Streams
from penchant.drift.shift import energy_distances
from penchant.drift.statistics import window_statistics
from penchant.drift.views import BEHAVIOUR, TEXT, ItemViews

STATISTICS: Final = (
    "topics: Jensen-Shannon", "topics: Dirichlet-multinomial", "text: cosine", "text: MMD", "text: energy",
    "text: nearest pairs", "behaviour: cosine", "behaviour: MMD", "behaviour: nearest pairs", "new items",
)  # fmt: skip
"""Statistics that nobody has trained, of a window against all before it; the vectors are those the judge reads."""
_FED: Final = "behaviour: cosine"
"""What the streaming detectors are fed with."""


def single_statistics(streams: Streams, views: ItemViews) -> dict[str, NDArray[np.float32]]:
    """By name, (streams, windows) each statistic of `STATISTICS`, then each streaming detector over one of them."""
    compared = compare(streams.items, views)
    nothing = {lag: np.zeros(streams.items.shape, dtype=np.float32) for lag in (0, 1)}
    table, names = window_statistics(compared, views, nothing)
    column = {name: table[..., place] for place, name in enumerate(names)}
    found = {
        "topics: Jensen-Shannon": column["topics js/now"],
        "topics: Dirichlet-multinomial": column["topics dm/now"],
    }
    for view in (TEXT, BEHAVIOUR):
        if view in views.vectors:
            found[f"{view}: cosine"] = -column[f"{view}/cosine/now"]
            found[f"{view}: MMD"] = column[f"{view}/mmd/now"]
            found[f"{view}: nearest pairs"] = -column[f"{view}/nearest/now"]
    if TEXT in views.vectors:
        found["text: energy"] = energy_distances(streams.items, views.vectors[TEXT])
    found["new items"] = -column["repeats/now"]
    for name in DETECTORS:
        found[f"{name} over {_FED}"] = detect(name, found[_FED])
    return {name: np.asarray(scores, dtype=np.float32) for name, scores in found.items()}
