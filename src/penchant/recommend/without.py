"""What a few items' scores would be without each item of a history, in the time of an answer also in a large catalogue.

Taking an event out changes every score, and with them the mean and spread that scores are measured in. Both follow from
the rows of a source's matrix that the history touches, so no item needs to be scored that is not asked about. The
candidates are taken to stay the same.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.factors import Als
from penchant.collaborative.itemtoitem import ItemToItem, stored
from penchant.collaborative.popularity import Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories
from penchant.recommend.opinions import Opinions
from penchant.recommend.scale import Scale
from penchant.vectors import Floats, Rows


def opinions_of_few(
    sources: Mapping[str, Scorer], batch: Histories, barred: NDArray[np.bool_], items: Rows, before: Opinions
) -> Opinions:
    """(histories, items) what every source says of some items, in spreads above its mean over all that are not barred.

    Args:
        sources: fitted scorers by name.
        batch: variants of one history.
        barred: (all items,) True where the person may not be shown an item; the same for each variant.
        items: ascending rows of the items asked about.
        before: of the history as it is, for what does not depend on it.
    """
    scores: dict[str, Floats] = {}
    scales: dict[str, Scale] = {}
    for name, source in sources.items():
        if isinstance(source, Popularity):
            own = before.scales[name]
            scales[name] = Scale(np.repeat(own.mean, len(batch), axis=0), np.repeat(own.spread, len(batch), axis=0))
            raw = np.repeat(np.log1p(source.totals[items])[None], len(batch), axis=0)
        elif isinstance(source, ItemToItem):
            raw, scales[name] = _linear(source, batch, barred, items)
        elif isinstance(source, Als):
            raw, scales[name] = _factors(source, batch, barred, items)
        else:
            whole = source.score(batch)
            raw, scales[name] = whole[:, items], Scale.of(whole, np.repeat(barred[None], len(batch), axis=0))
        scores[name] = scales[name].apply(raw)
    cold = before.cold[items]
    if before.trust and cold.any():
        model = before.new_items
        told = scores["text"][:, cold] if model is None else model.score_of(batch, items[cold])
        for name in scores:
            if name != "text":
                scores[name][:, cold] = before.trust * told
    return Opinions(scores, scales, cold, before.trust, before.new_items)


def _linear(source: ItemToItem, batch: Histories, barred: NDArray[np.bool_], items: Rows) -> tuple[Floats, Scale]:
    """Histories times the matrix, in the columns that the touched rows hold anything in; all others are zero."""
    touched, place = np.unique(batch.items, return_inverse=True)
    faded = replace(source.config.recency.fade(batch), items=place.astype(np.int64))
    taken = np.zeros((len(batch), len(touched)), dtype=np.float32)
    owners, cells, weighed = faded.cells()
    taken[owners, cells] = weighed
    rows, columns = source.row_of(touched), source.row_of(items)
    known, asked = rows >= 0, columns >= 0
    raw = np.zeros((len(batch), len(items)), dtype=np.float32)
    if sp.issparse(source.weights):
        weights, raw_columns, of_column = _touched(source.weights, rows[known], columns[asked])
        shut = barred[source.modelled_items[of_column]]
    else:
        weights, raw_columns, shut = source.weights[rows[known]], columns[asked], barred[source.modelled_items]
    scores = taken[:, known] @ weights
    raw[:, asked] = scores[:, raw_columns]
    scores[:, np.flatnonzero(shut)] = 0
    sums = (scores @ np.ones(scores.shape[1], dtype=np.float32)).astype(np.float64)
    squares = np.einsum("ij,ij->i", scores, scores).astype(np.float64)
    return raw, Scale.of_sums(sums, squares, int((~barred).sum()))


def _touched(matrix: sp.csr_matrix, rows: Rows, asked: Rows) -> tuple[Floats, Rows, Rows]:
    """Some rows of a sparse matrix, dense, with those columns alone that they hold anything in or that are asked about.

    Returns:
        The rows; where among their columns each asked one is; and which column of the matrix each is.
    """
    cells, lengths = stored(matrix, rows)
    indices = matrix.indices[cells]
    held = np.zeros(matrix.shape[1], dtype=bool)
    held[indices] = held[asked] = True
    of_column = np.flatnonzero(held)
    place = np.empty(matrix.shape[1], dtype=np.int32)
    place[of_column] = np.arange(len(of_column), dtype=np.int32)
    found = np.zeros((len(rows), len(of_column)), dtype=np.float32)
    found[np.repeat(np.arange(len(rows)), lengths), place[indices]] = matrix.data[cells]
    return found, place[asked].astype(np.int64), of_column


def _factors(source: Als, batch: Histories, barred: NDArray[np.bool_], items: Rows) -> tuple[Floats, Scale]:
    """Each history's vector times some items' vectors; mean and spread from the sums over all items."""
    members = source.members(batch)
    off = source.item_factors[np.flatnonzero(barred)]
    sums, products = source.sums - off.sum(axis=0), source.products - off.T @ off
    scale = Scale.of_sums(members @ sums, ((members @ products) * members).sum(axis=1), int((~barred).sum()))
    return (members @ source.item_factors[items].T).astype(np.float32), scale
