"""How good rankings are: every metric over the whole catalogue, with no sampled negatives, one value per member.

Ties are settled before, where the ranking is made (`vectors.top_k` with `tie_rank`), so metrics see item rows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.vectors import Floats, Rows, chunks

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankingMetrics:
    """One value per judged member and metric; `means` is what a table shows."""

    per_member: dict[str, Values]
    """Metric, such as `ndcg@10`, to its values, in the order of `judged`."""
    judged: Rows
    """Rows of the rankings that have something relevant; all others are left out of every mean."""
    left_out: int
    """How many rankings had nothing relevant to find."""

    @property
    def means(self) -> dict[str, float]:
        """The mean of each metric over the judged members."""
        return {name: float(values.mean()) for name, values in self.per_member.items()}


def evaluate_rankings(ranked: Rows, relevant: sp.csr_matrix, k: int | Sequence[int] = 10) -> RankingMetrics:
    """Judge ranked lists against what was relevant.

    With r relevant items, and the place i counted from 1:

    - `ndcg@k`: sum of gain(i) / log2(i + 1) over the first k places, as a share of the best such sum of any list
      (Järvelin and Kekäläinen, 2002). The gain is the value in `relevant`; pass 2**grade - 1 for the steep variant.
    - `recall@k`: relevant items among the first k, as a share of r.
    - `hit@k`: 1 where any of the first k is relevant.
    - `precision@k`: relevant items among the first k, as a share of k, also where the list is shorter.
    - `map@k`: the mean of precision@i over the places i ≤ k that hold a relevant item, the sum taken over min(k, r).
    - `mrr@k`: 1 / place of the first relevant item, 0 where it is not among the first k; `mrr` is over the whole list.

    Args:
        ranked: (members, length) item rows, best first, each at most once; -1 where there is no item.
        relevant: (members, items) positive where the item was relevant, of the size of its gain.
        k: the length to cut at, or several.

    Raises:
        InputError: shapes differ, an item stands twice in a list or is not in the catalogue, or a gain is negative.
        ConfigError: k is below one, or longer than the lists although the catalogue has more items.
        TooLittleDataError: no member has anything relevant.

    >>> lists = np.array([[3, 1, 0], [2, 0, 1]])
    >>> liked = sp.csr_matrix(([1.0, 1.0], ([0, 0], [1, 2])), shape=(2, 4))
    >>> judged = evaluate_rankings(lists, liked, k=2)
    >>> judged.left_out, judged.means["recall@2"], judged.means["mrr"], round(judged.means["ndcg@2"], 4)
    (1, 0.5, 0.5, 0.3869)
    """
    cuts = sorted({k} if isinstance(k, int) else set(k))
    relevant = _checked(ranked, relevant, cuts)
    counts = np.diff(relevant.indptr)
    judged = np.flatnonzero(counts).astype(np.int64)
    if not len(judged):
        raise TooLittleDataError(
            f"none of {len(ranked)} members has a relevant item, so there is nothing to judge; hold out more events"
        )
    relevant, counts = relevant[judged], counts[judged]
    gains = _gains(ranked[judged], relevant)
    found = gains > 0
    places = np.arange(1, gains.shape[1] + 1)
    discounted = np.cumsum(gains / np.log2(places + 1), axis=1)
    hits = np.cumsum(found, axis=1)
    precisions = np.cumsum(np.where(found, hits / places, 0.0), axis=1)
    reciprocal = np.where(found.any(axis=1), 1 / (found.argmax(axis=1) + 1), 0.0)
    per_member: dict[str, Values] = {}
    for cut in cuts:
        last = min(cut, gains.shape[1]) - 1
        per_member |= {
            f"ndcg@{cut}": discounted[:, last] / _best_discounted(relevant, cut),
            f"recall@{cut}": hits[:, last] / counts,
            f"hit@{cut}": (hits[:, last] > 0).astype(np.float64),
            f"precision@{cut}": hits[:, last] / cut,
            f"map@{cut}": precisions[:, last] / np.minimum(counts, cut),
            f"mrr@{cut}": np.where(reciprocal >= 1 / cut, reciprocal, 0.0),
        }
    per_member["mrr"] = reciprocal
    return RankingMetrics(per_member, judged, left_out=len(ranked) - len(judged))


def coverage(ranked: Rows, item_count: int) -> float:
    """The share of the catalogue that stands in at least one list.

    >>> coverage(np.array([[0, 1], [1, -1]]), item_count=4)
    0.5
    """
    return len(np.unique(ranked[ranked >= 0])) / item_count


def novelty(ranked: Rows, popularity: NDArray[np.int64], member_count: int) -> Values:
    """(members,) mean self-information of each list, in bits: how rare what it shows is (Zhou et al., 2010).

    An item that c of n members have touched carries log2((n + 1) / (c + 1)) bits; the ones keep an item that nobody has
    touched finite. NaN where a list is empty.

    Args:
        ranked: (members, length) item rows, -1 where there is no item.
        popularity: (items,) how many members touched each item in the training part.
        member_count: how many members there are.

    >>> novelty(np.array([[0], [1]]), popularity=np.array([3, 0]), member_count=3).tolist()
    [0.0, 2.0]
    """
    bits = np.log2((member_count + 1) / (popularity + 1))
    present = ranked >= 0
    return _ratio(np.where(present, bits[ranked], 0.0).sum(axis=1), present.sum(axis=1))


def diversity(ranked: Rows, item_features: Floats | sp.csr_matrix) -> Values:
    """(members,) mean distance (1 - cosine) over all pairs of items in each list (Ziegler et al., 2005).

    NaN where a list has fewer than two items. An item without features (a row of zeros) is at distance 1 from all.

    Args:
        ranked: (members, length) item rows, -1 where there is no item.
        item_features: (items, width) vectors, or a sparse matrix with a column per category.

    >>> features = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    >>> diversity(np.array([[0, 1], [0, 2], [0, -1]]), features).tolist()
    [0.0, 1.0, nan]
    """
    squares = np.asarray(sp.csr_matrix(item_features).power(2).sum(axis=1), dtype=np.float64).ravel()
    unit = sp.diags_array(1 / np.sqrt(np.where(squares > 0, squares, 1))) @ item_features
    present = ranked >= 0
    inner = np.empty(len(ranked))
    for batch in chunks(len(ranked), 4096):
        owners, _ = np.nonzero(present[batch])
        shown = (np.ones(len(owners)), (owners, ranked[batch][present[batch]]))
        total = sp.csr_matrix(shown, shape=(len(ranked[batch]), len(squares))) @ unit
        # The squared length of a sum of vectors is the sum of all inner products, each item's with itself among them.
        inner[batch] = np.asarray((total.power(2) if sp.issparse(total) else total**2).sum(axis=1)).ravel()
    own = np.where(present, squares[ranked] > 0, False).sum(axis=1)
    sizes = present.sum(axis=1)
    return 1 - _ratio(inner - own, sizes * (sizes - 1))


def _checked(ranked: Rows, relevant: sp.csr_matrix, cuts: Sequence[int]) -> sp.csr_matrix:
    """The relevant items with sorted, distinct, stored cells; an error where lists or items make no sense."""
    if ranked.ndim != 2 or ranked.shape[0] != relevant.shape[0]:
        raise InputError(
            f"the rankings have shape {ranked.shape} and the relevant items {relevant.shape}; "
            "give both one row per member"
        )
    length, item_count = ranked.shape[1], relevant.shape[1]
    if not cuts or cuts[0] < 1:
        raise ConfigError(f"k is {list(cuts)}; every cut must be at least 1")
    if length < min(cuts[-1], item_count):
        raise ConfigError(
            f"metrics at {cuts[-1]} were asked of lists of {length} items from a catalogue of {item_count}; "
            "rank at least as many"
        )
    if ranked.size and (ranked.max() >= item_count or ranked.min() < -1):
        raise InputError(
            f"lists hold item rows from {ranked.min()} to {ranked.max()}; the catalogue has rows 0 to {item_count - 1} "
            "and -1 stands for none"
        )
    in_order = np.sort(ranked, axis=1)
    doubled = np.flatnonzero(((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any(axis=1))
    if len(doubled):
        raise InputError(
            f"{len(doubled)} lists hold an item twice, first that in row {doubled[0]}; rank each item once"
        )
    relevant = sp.csr_matrix(relevant, dtype=np.float64, copy=True)
    relevant.sum_duplicates()
    relevant.eliminate_zeros()
    if not (np.isfinite(relevant.data) & (relevant.data > 0)).all():
        raise InputError("a relevant item has a gain that is negative or not finite; leave out what was not relevant")
    return relevant


def _gains(ranked: Rows, relevant: sp.csr_matrix) -> Values:
    """(members, length) the gain of the item at each place, zero where it is not relevant."""
    item_count = relevant.shape[1]
    owners = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    cells = owners * item_count + relevant.indices
    wanted = np.arange(len(ranked), dtype=np.int64)[:, None] * item_count + ranked
    place = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    return np.where((cells[place] == wanted) & (ranked >= 0), relevant.data[place], 0.0)


def _best_discounted(relevant: sp.csr_matrix, cut: int) -> Values:
    """(members,) the discounted gain of the best possible list of `cut` items."""
    counts = np.diff(relevant.indptr)
    owners = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-relevant.data, owners))
    place = np.arange(len(owners)) - relevant.indptr[owners]
    counted = place < cut
    discounted = relevant.data[order][counted] / np.log2(place[counted] + 2)
    return np.bincount(owners[counted], discounted, minlength=len(counts)).astype(np.float64)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Values:
    """The quotient, NaN where the denominator is zero."""
    return np.where(denominator > 0, numerator / np.maximum(denominator, 1), np.nan)
