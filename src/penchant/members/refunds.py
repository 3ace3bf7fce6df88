"""Purchases taken back again and again."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from penchant.members.days import Days
from penchant.vectors import Rows

_ENOUGH: Final = 10
_WEAK: Final = 5.0
_STRONG: Final = 100.0


def refund_statistic(days: Days, *, window: int, fewest: int = 3) -> NDArray[np.float64]:
    """(days,) -log p of so many returns among the purchases and returns of a window; NaN below `fewest` returns.

    The share that a member returns is beta-binomial: their own past, drawn towards everybody's. A return of more than
    was bought counts as one return like any other.
    """
    kinds = days.events["kind"].cast(pl.String)
    rows = days.rows_of(days.events["member"].to_numpy().astype(np.int64), days.events["day"].to_numpy())
    returned = (kinds == "return").to_numpy().astype(np.float64)
    bought = (kinds == "buy").to_numpy().astype(np.float64)
    every = int(days.day.max(initial=0)) + 1
    back, sold = days.summed(rows, returned, window), days.summed(rows, bought, window)
    earlier_back, earlier_sold = days.summed(rows, returned, every) - back, days.summed(rows, bought, every) - sold
    share, strength = _habit(days.events["member"].to_numpy().astype(np.int64), returned, bought)
    alpha = strength * share + earlier_back
    beta = strength * (1 - share) + earlier_sold
    tried = back >= fewest
    statistic = np.full(len(days), np.nan)
    for row in np.flatnonzero(tried):
        statistic[row] = -_log_tail(int(back[row]), int(back[row] + sold[row]), alpha[row], beta[row])
    return statistic


def _habit(member: Rows, returned: NDArray[np.float64], bought: NDArray[np.float64]) -> tuple[float, float]:
    """What share of purchases members return, and how alike they are in it: a beta prior's strength, by moments."""
    back, sold = np.bincount(member, returned), np.bincount(member, bought)
    share = float((back.sum() + 0.5) / (back.sum() + sold.sum() + 1))
    trials = back + sold
    known = trials >= _ENOUGH
    if known.sum() < _ENOUGH:
        return share, _WEAK
    shares = back[known] / trials[known]
    # Those who return most are who we look for, and must not teach that anything goes.
    shares = np.minimum(shares, np.quantile(shares, 0.975))
    between = float(np.mean((shares - shares.mean()) ** 2 - share * (1 - share) / trials[known]))
    strength = share * (1 - share) / between - 1 if between > 0 else _STRONG
    return share, float(np.clip(strength, _WEAK, _STRONG))


def _log_tail(hits: int, trials: int, alpha: float, beta: float) -> float:
    """Log of the chance of at least so many hits under a beta-binomial distribution."""
    k = np.arange(hits, trials + 1)
    logs = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    logs = logs + betaln(k + alpha, trials - k + beta) - betaln(alpha, beta)
    top = logs.max()
    return float(min(0.0, top + np.log(np.exp(logs - top).sum())))
