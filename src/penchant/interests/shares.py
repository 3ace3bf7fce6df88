"""Shares of a member's looks: what the community's say beforehand, and what a member's own leave of that."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import beta

from penchant.interests.looks import Looks, Tally
from penchant.vectors import Floats, Rows

_STRENGTHS: Final = np.geomspace(0.5, 128, 17)
"""Prior strengths that are tried, in looks."""
_SAMPLE: Final = 5_000
"""Members that the prior strength is fitted on."""


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of a member's shares before their first look: the community's, worth so many looks."""

    base: Floats
    """(labels,) the community's share of each label."""
    strength: float
    """How many looks it counts as."""

    def parameters(self, label: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The beta distribution of the share of each label."""
        first = self.strength * self.base[label].astype(np.float64)
        return first, self.strength - first

    def posterior(
        self, counted: Tally, member: Rows, label: Rows, confidence: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(pairs,) mean of each member's share of a label, and the bounds that hold it with some confidence."""
        above, below = self.parameters(label)
        size = counted.size[member].astype(np.float64)
        drawn = np.minimum(cells(counted.counts, member, label), size)
        first, second = above + drawn, below + size - drawn
        tail = (1 - confidence) / 2
        return first / (first + second), beta.ppf(tail, first, second), beta.ppf(1 - tail, first, second)


def cells(matrix: sp.csr_matrix, rows: Rows, columns: Rows) -> NDArray[np.float32]:
    """(pairs,) the values at some places of a sparse matrix, which scipy does not give for no places."""
    return np.asarray(matrix[rows, columns]).ravel() if len(rows) else np.empty(0, dtype=np.float32)


def fitted_prior(counted: Tally, leaves: Rows, strength: float | None = None) -> Prior:
    """The community's shares, and how many looks they are worth.

    The strength is the one under which members' counts of leaves are likeliest, as Dirichlet-multinomial draws around
    the community's shares (empirical Bayes; Minka, Estimating a Dirichlet distribution, 2000).

    Args:
        counted: what every member did.
        leaves: label rows that exclude each other.
        strength: a strength to take instead.
    """
    drawn = np.asarray(counted.counts.sum(axis=0)).ravel() + 0.5
    base = (drawn / (counted.size.sum() + len(drawn))).clip(1e-5, 0.95).astype(np.float32)
    if strength is not None:
        return Prior(base, strength)
    told = np.flatnonzero(counted.size >= 2)
    rows = told[:: max(1, len(told) // _SAMPLE)]
    if not len(rows):
        return Prior(base, float(_STRENGTHS[len(_STRENGTHS) // 2]))
    counts = np.asarray(counted.counts[rows][:, leaves].todense(), dtype=np.float64)
    totals = counts.sum(axis=1)
    shares = base[leaves].astype(np.float64) / base[leaves].sum()
    likelihood = [
        (gammaln(s) - gammaln(totals + s)).sum() + (gammaln(counts + s * shares) - gammaln(s * shares)).sum()
        for s in _STRENGTHS
    ]
    return Prior(base, float(_STRENGTHS[int(np.argmax(likelihood))]))


def session_correlation(seen: Looks, item_labels: sp.csr_matrix, leaves: Rows) -> float:
    """How much likelier two looks of one session go to one leaf than two looks of neighbouring sessions.

    The intraclass correlation of cluster sampling, from pairs: (w - a) / (1 - a), where w is how often two looks within
    a session agree and a how often two of a member's sessions next to each other do, so that a change of interests over
    the months does not pass for correlation. A session counts by its looks, not by its pairs, or a few machines that
    look at hundreds of things would speak for all. Zero where nobody looks at two things in a session.
    """
    opens = np.diff(seen.session, prepend=-1) != 0
    begins, number = np.flatnonzero(opens), np.cumsum(opens) - 1
    looked = item_labels[:, leaves][seen.item]
    own = np.asarray(looked.multiply(looked).sum(axis=1)).ravel()
    length = np.bincount(number, minlength=len(begins)).astype(np.float64)
    gathered = sp.csr_matrix((np.ones(len(seen)), (number, np.arange(len(seen)))), (len(begins), len(seen))) @ looked
    squares = np.asarray(gathered.multiply(gathered).sum(axis=1)).ravel()
    several = length > 1
    pairs = (squares - np.bincount(number, weights=own, minlength=len(begins)))[several] / (length[several] - 1)
    following = np.flatnonzero(seen.member[begins][1:] == seen.member[begins][:-1])
    met = np.asarray(gathered[following].multiply(gathered[following + 1]).sum(axis=1)).ravel()
    weight = (length[following] + length[following + 1]) / 2
    # A text may be about several leaves, or none for sure: agreement is measured in the looks' own certainty.
    certain = own.sum() / max(len(seen), 1)
    if not several.any() or not len(following) or not certain:
        return 0.0
    alike = pairs.sum() / length[several].sum() / certain
    usual = (met / (length[following] * length[following + 1]) * weight).sum() / weight.sum() / certain
    return float(np.clip((alike - usual) / max(1 - usual, 1e-9), 0, 1))
