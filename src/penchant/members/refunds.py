"""Purchases taken back again and again."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from penchant.members.days import Days


def refund_statistic(days: Days, *, window: int, fewest: int = 3) -> NDArray[np.float64]:
    """(days,) -log p of so many returns among the purchases and returns of a window; NaN below `fewest` returns.

    The share that a member returns is beta-binomial: their own past, drawn towards everybody's. A return of more than was
    bought counts as one return like any other.
    """
    kinds = days.events["kind"].cast(pl.String)
    rows = days.rows_of(days.events["member"].to_numpy().astype(np.int64), days.events["day"].to_numpy())
    returned = np.bincount(rows, (kinds == "return").to_numpy(), len(days))
    bought = np.bincount(rows, (kinds == "buy").to_numpy(), len(days))
    every = int(days.day.max(initial=0)) + 1
    back, sold = days.summed(returned, window), days.summed(bought, window)
    earlier_back, earlier_sold = days.summed(returned, every) - back, days.summed(bought, every) - sold
    share = (returned.sum() + 0.5) / (returned.sum() + bought.sum() + 1)
    strength = 10.0
    alpha = strength * share + earlier_back
    beta = strength * (1 - share) + earlier_sold
    tried = back >= fewest
    statistic = np.full(len(days), np.nan)
    for row in np.flatnonzero(tried):
        statistic[row] = -_log_tail(int(back[row]), int(back[row] + sold[row]), alpha[row], beta[row])
    return statistic


def _log_tail(hits: int, trials: int, alpha: float, beta: float) -> float:
    """Log of the chance of at least so many hits under a beta-binomial distribution."""
    k = np.arange(hits, trials + 1)
    logs = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    logs = logs + betaln(k + alpha, trials - k + beta) - betaln(alpha, beta)
    top = logs.max()
    return float(min(0.0, top + np.log(np.exp(logs - top).sum())))
