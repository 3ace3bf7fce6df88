"""Latent interests: labels a member has hardly touched, predicted from what members like them go on to touch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat

from penchant.interests.looks import Tally
from penchant.vectors import Floats, Rows, chunks

_MEMBERS_AT_ONCE: Final = 20_000


class LatentConfig(BaseModel):
    """How many latent interests are named, and how sure the prediction must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: NonNegativeInt = 3
    """At most this many for each member."""
    hardly: PositiveFloat = 1.0
    """A label counts as hardly touched below this many independent looks."""
    regularization: PositiveFloat = 50.0
    """Of the label-to-label weights, in members: larger trusts popularity more."""
    shrinkage: PositiveFloat = 5.0
    """Looks that the community's shares are worth against a member's own."""
    least_lift: float = Field(default=1.2, ge=0)
    """A latent interest is predicted at least this many times as strong as in the community at large."""


@dataclass(frozen=True, eq=False)
class LatentModel:
    """How much more of one leaf members with much of another have.

    A linear map from labels to labels without self-weights (EASE; Steck, 2019), fitted on members' shares relative to
    the community's, on the scale of correlations, so that one regularisation suits common and rare labels.
    """

    leaves: Rows
    """Label rows that can be predicted."""
    base: Floats
    """(leaves,) the community's shares."""
    spread: NDArray[np.float64]
    """(leaves,) how far members stray from them."""
    weights: NDArray[np.float64]
    """(leaves, leaves)"""
    config: LatentConfig

    @classmethod
    def fit(cls, counted: Tally, base: Floats, leaves: Rows, config: LatentConfig) -> "LatentModel":
        """Learn from all members with a look or more."""
        mine = base[leaves]
        known = np.flatnonzero(counted.size >= 1)
        gram = np.zeros((len(leaves), len(leaves)))
        for part in chunks(len(known), _MEMBERS_AT_ONCE):
            strayed = _strayed(counted, known[part], mine, leaves, config.shrinkage)
            gram += strayed.T @ strayed
        spread = np.sqrt(np.maximum(np.diag(gram), 1e-9))
        alike = gram / np.outer(spread, spread)
        inverse = np.linalg.inv(alike + config.regularization / max(len(known), 1) * np.eye(len(leaves)))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return cls(leaves, mine, spread, weights, config)

    def predict(self, counted: Tally, rows: Rows, told: pl.DataFrame) -> tuple[Rows, Rows, NDArray[np.float64]]:
        """Predicted shares of the leaves that members have hardly touched, the strongest first.

        Args:
            counted: what members did.
            rows: members to predict for.
            told: `member` and `label` of what is already in a tier.

        Returns:
            Member rows, label rows and predicted shares, one entry a prediction.
        """
        config, leaves = self.config, self.leaves
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))]
        taken = sp.csr_matrix(
            (np.ones(len(told)), (told["member"].to_numpy(), told["label"].to_numpy())), shape=counted.counts.shape
        )[:, leaves]
        rows = rows[counted.size[rows] >= 1]
        for part in chunks(len(rows) if config.count else 0, _MEMBERS_AT_ONCE):
            mine = rows[part]
            standing = _strayed(counted, mine, self.base, leaves, config.shrinkage) / self.spread
            predicted = self.base + (standing @ self.weights) * self.spread * np.sqrt(self.base)
            shut = (counted.counts[mine][:, leaves].toarray() >= config.hardly) | (taken[mine].toarray() > 0)
            predicted[shut | (predicted < config.least_lift * self.base)] = -np.inf
            order = np.argsort(-predicted, axis=1, kind="stable")[:, : config.count]
            share = np.take_along_axis(predicted, order, axis=1)
            member, place = np.nonzero(np.isfinite(share))
            found.append((mine[member], leaves[order[member, place]], share[member, place]))
        member, label, share = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return member, label, np.clip(share, 0, 1)


def _strayed(counted: Tally, rows: Rows, base: Floats, leaves: Rows, shrinkage: float) -> NDArray[np.float64]:
    """(rows, leaves) shrunk shares less the community's, in units of the deviation that sampling gives them."""
    mine = counted.counts[rows][:, leaves].toarray().astype(np.float64)
    shrunk = (mine + shrinkage * base) / (counted.size[rows][:, None] + shrinkage)
    return (shrunk - base) / np.sqrt(base)
