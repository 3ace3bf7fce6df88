"""What training minimises: a softmax over items, corrected for how they were drawn, and the contrast of two views."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Candidates:
    """The items of one step, and how far each stands for others that were not drawn."""

    items: Rows
    """Rows, ascending."""
    log_chance: Floats
    """(items,) the logarithm of each one's chance to be among them; zeros where all are."""


class ItemSampler:
    """Draws the items of a step: all where there are few, else by popularity, those to be foreseen always among them.

    The softmax over the items drawn is corrected by each one's chance to be drawn, so its sum is that over all items on
    average, and popular items are not punished for being drawn often (Yi et al., RecSys 2019).
    """

    def __init__(self, popularity: Floats, count: int, exponent: float) -> None:
        weights = (popularity + 1.0) ** exponent
        self._chance = weights / weights.sum()
        self._shares = popularity / max(popularity.sum(), 1)
        self._count = count

    def draw(self, wanted: Rows, rng: np.random.Generator) -> Candidates:
        """Candidates for a step that is to foresee some items (each as often as it is foreseen)."""
        total = len(self._chance)
        if self._count >= total:
            return Candidates(np.arange(total), np.zeros(total, dtype=np.float32))
        drawn = rng.choice(total, self._count, p=self._chance)
        items = np.unique(np.concatenate([drawn, wanted]))
        # Not drawn by either: neither by popularity nor as one of the items to be foreseen.
        missed = self._count * np.log1p(-self._chance[items]) + len(wanted) * np.log1p(-self._shares[items])
        return Candidates(items, np.log(-np.expm1(np.minimum(missed, -1e-9))).astype(np.float32))


def softmax_loss(
    members: Tensor, items: Tensor, candidates: Candidates, wanted: sp.csr_matrix, shown: sp.csr_matrix
) -> Tensor:
    """Mean negative log-likelihood of the items to be foreseen, among the candidates.

    Args:
        members: (members, width) their vectors.
        items: (candidates, width) the candidates' vectors.
        candidates: which items those are.
        wanted: (members, all items) nonzero where an item is to be foreseen.
        shown: (members, all items) nonzero where the graph shows that a member has an item: never among the answers,
            so never among the alternatives.
    """
    logits = members @ items.T
    place = np.full(wanted.shape[1], -1, dtype=np.int64)
    place[candidates.items] = np.arange(len(candidates.items))
    known_rows, known_columns = _cells(shown, place)
    against = logits - torch.from_numpy(candidates.log_chance)
    against = against.index_put((known_rows, known_columns), torch.tensor(-1e9))
    rows, columns = _cells(wanted, place)
    own = logits[rows, columns]
    return (torch.logsumexp(against, dim=1)[rows] - own).mean()


def contrast_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Each node's two views are to be more alike than views of different nodes (InfoNCE).

    Views are a shallow and a deep vector with noise of their own: XSimGCL (Yu et al., TKDE 2023).
    """
    alike = nn.functional.normalize(first, dim=1) @ nn.functional.normalize(second, dim=1).T / temperature
    return nn.functional.cross_entropy(alike, torch.arange(len(alike)))


def _cells(matrix: sp.csr_matrix, place: Rows) -> tuple[Tensor, Tensor]:
    """Rows and places of a matrix's cells whose column is among the candidates."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    columns = place[matrix.indices]
    kept = columns >= 0
    return torch.from_numpy(rows[kept]), torch.from_numpy(columns[kept])
