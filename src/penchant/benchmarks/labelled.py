"""Labelled texts for the protocols that part them by both levels of their labels, such as category and sentiment."""

from dataclasses import dataclass

import numpy as np

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.vectors import Rows


@dataclass(frozen=True)
class PathTexts:
    """Texts with one label each, in an order drawn once, with seed 0."""

    texts: list[str]
    tops: np.ndarray
    """(texts,) the first level of each label."""
    lows: np.ndarray
    """(texts,) what follows the first level; empty where nothing does."""

    @classmethod
    def of(cls, data: str) -> "PathTexts":
        """The labelled texts of a community; those with several labels are left out.

        Raises:
            TooLittleDataError: there are fewer than a hundred.
        """
        rows = load(data).labels.select("text", "labels").drop_nulls().iter_rows()
        found = [(text.strip(), given[0]) for text, given in rows if text.strip() and len(given) == 1]
        if len(found) < 100:
            raise TooLittleDataError(
                f"{data} has {len(found)} texts with one label; 100 at least are needed to judge by"
            )
        order = np.random.default_rng(0).permutation(len(found))
        parts = [found[row][1].partition(PATH_SEPARATOR) for row in order]
        return cls(
            [found[row][0] for row in order],
            np.array([top for top, _, _ in parts]),
            np.array([low for _, _, low in parts]),
        )

    def some(self, rows: Rows) -> list[str]:
        """The texts of some rows."""
        return [self.texts[row] for row in rows]
