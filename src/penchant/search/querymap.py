"""A map learned on judged queries: it turns a query's vector towards the items that answered such queries.

The items' vectors stay as they are, so neither index has to be made again when the map is.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.errors import TooLittleDataError
from penchant.training.options import Options
from penchant.training.precision import torch_threads
from penchant.vectors import Floats, Rows, unit_rows


class QueryMapConfig(BaseModel):
    """How the map is learned.

    >>> QueryMapConfig(epochs=3).batch
    256
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = 4
    """Passes over the judged pairs."""
    batch: PositiveInt = 256
    """Pairs a step; each query is told from the items of all others."""
    negatives: PositiveInt = 1_024
    """Items drawn from the whole catalogue at each step, to be told from what was wanted."""
    learning_rate: PositiveFloat = 1e-3
    temperature: PositiveFloat = 0.015
    """Cosines are divided by this before the softmax."""
    pull: NonNegativeFloat = 0.03
    """How strongly the map is held to changing nothing."""


class QueryMap:
    """One matrix for all queries, learned with a softmax over sampled items; it starts from changing nothing.

    >>> wanted = sp.csr_matrix(np.eye(4))
    >>> config = QueryMapConfig(epochs=60, learning_rate=0.05)
    >>> learned = QueryMap(config).fit(np.eye(4), np.eye(4)[[1, 2, 3, 0]], wanted, Options(threads=1))
    >>> (learned.apply(np.eye(4, dtype=np.float32)) @ np.eye(4)[[1, 2, 3, 0]].T).argmax(axis=1).tolist()
    [0, 1, 2, 3]
    """

    def __init__(self, config: QueryMapConfig | None = None, matrix: Floats | None = None) -> None:
        self.config = config or QueryMapConfig()
        self.matrix = matrix

    def fit(self, queries: Floats, items: Floats, grades: sp.csr_matrix, options: Options) -> Self:
        """Learn from what was judged; grades of zero and below teach nothing.

        Args:
            queries: (queries, width) unit vectors.
            items: (rows, width) unit vectors.
            grades: (queries, rows).
            options: seed and threads.

        Raises:
            TooLittleDataError: no item was judged to answer any query.
        """
        import torch
        from torch.nn import functional

        cells = sp.coo_matrix(grades)
        good = cells.data > 0
        asked, wanted, value = cells.row[good], cells.col[good], cells.data[good]
        if not len(value):
            raise TooLittleDataError("no query has an item that answers it; judge some, or leave the query map out")
        rng, width, config = options.rng(), queries.shape[1], self.config
        vectors, texts = torch.from_numpy(items.astype(np.float32)), torch.from_numpy(queries.astype(np.float32))
        weight = torch.from_numpy((value / value.max()).astype(np.float32))
        relevant = sp.csr_matrix((np.ones(len(value)), (asked, wanted)), shape=grades.shape)
        change = torch.zeros(width, width, requires_grad=True)
        optimiser = torch.optim.Adam([change], lr=config.learning_rate)
        steps = config.epochs * -(-len(value) // config.batch)
        schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, total_iters=steps)
        with torch_threads(options.threads):
            for _ in range(config.epochs):
                order = rng.permutation(len(value))
                for start in range(0, len(order), config.batch):
                    pairs = order[start : start + config.batch]
                    drawn = rng.integers(items.shape[0], size=config.negatives)
                    columns = np.concatenate([wanted[pairs], drawn])
                    mapped = texts[asked[pairs]] @ (torch.eye(width) + change)
                    logits = functional.normalize(mapped, dim=1) @ vectors[columns].T / config.temperature
                    # Another answer to the same query is no wrong one.
                    other = torch.from_numpy(_also_wanted(relevant, asked[pairs], columns))
                    other[torch.arange(len(pairs)), torch.arange(len(pairs))] = False
                    losses = functional.cross_entropy(
                        logits.masked_fill(other, -torch.inf), torch.arange(len(pairs)), reduction="none"
                    )
                    share = weight[torch.from_numpy(pairs)]
                    loss = (losses * share).sum() / share.sum() + config.pull * change.square().sum()
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
        self.matrix = (torch.eye(width) + change.detach()).numpy()
        return self

    def apply(self, queries: Floats) -> Floats:
        """(queries, width) unit vectors of queries, turned."""
        return queries if self.matrix is None else unit_rows(queries @ self.matrix)


def _also_wanted(relevant: sp.csr_matrix, asked: Rows | Sequence[int], columns: Rows) -> np.ndarray:
    return relevant[asked][:, columns].toarray() > 0
