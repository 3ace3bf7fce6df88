"""Latent interests: labels a member has hardly touched, predicted from what members like them go on to touch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat

from penchant.interests.looks import Tally
from penchant.vectors import Rows, chunks

_MEMBERS_AT_ONCE: Final = 20_000


class LatentConfig(BaseModel):
    """How many latent interests are named, and how sure the prediction must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: NonNegativeInt = 3
    """At most this many for each member."""
    hardly: PositiveFloat = 1.0
    """A label counts as hardly touched below this many independent looks."""
    regularization: PositiveFloat = 20.0
    """Of the label-to-label weights, in members who are all about one label: larger trusts single members less."""
    recency: PositiveFloat | None = 0.15
    """A look counts half once this part of the member's looks has come after it; None counts all alike."""
    least_lift: float = Field(default=0.5, ge=0)
    """A latent interest is predicted at least this many times as strong as for members on average."""


@dataclass(frozen=True, eq=False)
class LatentModel:
    """How much of one leaf members with much of another have.

    A linear map from leaves to leaves without self-weights (EASE; Steck, 2019), fitted on the square roots of members'
    shares (Hellinger, 1909), so that the few labels everybody looks at do not drown the rest.
    """

    leaves: Rows
    """Label rows that can be predicted."""
    usual: NDArray[np.float64]
    """(leaves,) the mean prediction over all members."""
    weights: NDArray[np.float64]
    """(leaves, leaves)"""
    config: LatentConfig

    @classmethod
    def fit(cls, lately: Tally, leaves: Rows, config: LatentConfig) -> "LatentModel":
        """Learn from all members with a look or more."""
        known = np.flatnonzero(lately.size > 0)
        gram, mean = np.zeros((len(leaves), len(leaves))), np.zeros(len(leaves))
        for part in chunks(len(known), _MEMBERS_AT_ONCE):
            roots = _roots(lately, known[part], leaves)
            gram += (roots.T @ roots).toarray()
            mean += np.asarray(roots.sum(axis=0)).ravel() / len(known)
        inverse = np.linalg.inv(gram + config.regularization * np.eye(len(leaves)))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return cls(leaves, mean @ weights, weights, config)

    def predict(
        self, counted: Tally, lately: Tally, rows: Rows, told: pl.DataFrame
    ) -> tuple[Rows, Rows, NDArray[np.float64]]:
        """Predicted shares of the leaves that members have hardly touched, the strongest first.

        Args:
            counted: what members did: what of it a label drew decides whether it is hardly touched.
            lately: the same with the weights that the model was fitted with.
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
        rows = rows[lately.size[rows] > 0]
        for part in chunks(len(rows) if config.count else 0, _MEMBERS_AT_ONCE):
            mine = rows[part]
            predicted = _roots(lately, mine, leaves) @ self.weights
            shut = (counted.counts[mine][:, leaves].toarray() >= config.hardly) | (taken[mine].toarray() > 0)
            predicted[shut | (predicted <= 0) | (predicted < config.least_lift * self.usual)] = -np.inf
            order = np.argsort(-predicted, axis=1, kind="stable")[:, : config.count]
            root = np.take_along_axis(predicted, order, axis=1)
            member, place = np.nonzero(np.isfinite(root))
            found.append((mine[member], leaves[order[member, place]], root[member, place] ** 2))
        member, label, share = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return member, label, np.clip(share, 0, 1)


def _roots(lately: Tally, rows: Rows, leaves: Rows) -> sp.csr_matrix:
    """(rows, leaves) square roots of shares."""
    mine = lately.counts[rows][:, leaves].astype(np.float64)
    return sp.csr_matrix(sp.diags_array(1 / lately.size[rows].astype(np.float64)) @ mine).sqrt()
