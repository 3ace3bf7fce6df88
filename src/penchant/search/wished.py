"""Wishes at work in a search: what they add to the candidates of a query."""

from typing import TYPE_CHECKING

import numpy as np

from penchant.search.dense import encoded
from penchant.text.wishes import Refiner, Wish, Wishes
from penchant.vectors import Floats, Rows, unit_rows

if TYPE_CHECKING:
    from penchant.search.searcher import Searcher


def lift(searcher: "Searcher", refiner: Refiner, wishes: Wishes, rows: Rows) -> Floats:
    """(rows,) what wishes add to candidates that are a matter of degree, in spreads of the candidates.

    A phrase that is wished for is no part of it: it is searched for with the query.
    """
    kept = tuple(wish for wish in wishes.wishes if wish.facet != "meaning" or not wish.wanted)
    among = np.zeros(len(searcher.catalogue), dtype=bool)
    among[rows] = True

    def near(wish: Wish) -> Floats | None:
        if searcher.dense is None:
            return None
        if wish.facet == "meaning":
            if searcher.query_encoder is None:
                return None
            vector = encoded(searcher.query_encoder, [wish.value])[0]
        else:
            row = searcher.catalogue.row(wish.forms[0])
            if row is None:
                return None
            vector = searcher.dense.vectors(np.array([row]))[0]
        close = np.zeros(len(among), dtype=np.float32)
        vectors = unit_rows(searcher.dense.vectors(rows) - searcher.middle)
        close[rows] = vectors @ unit_rows((vector - searcher.middle)[None])[0]
        return close

    return refiner.lift(wishes.model_copy(update={"wishes": kept}), near, among)[rows]
