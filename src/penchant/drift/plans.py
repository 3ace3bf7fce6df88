"""What may follow a verdict: how much of a member's past the next recommendation rests on."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.collaborative.scorer import Scorer
from penchant.data.attention import PLANS, Plan
from penchant.data.interactions import Histories
from penchant.vectors import Floats, Rows, top_k


def plan_scores(scorer: Scorer, windows: NDArray[np.int32], plan: Plan, *, half_life: float) -> Floats:
    """(streams, items) scores for what comes after the given windows.

    Args:
        scorer: fitted; it sees histories alone.
        windows: (streams, windows, events) what came so far.
        plan: how much of it counts.
        half_life: windows after which an event counts half under `decay`.
    """
    return _scores_by_plan(scorer, windows, (plan,), half_life)[plan]


def _scores_by_plan(
    scorer: Scorer, windows: NDArray[np.int32], plans: Sequence[Plan], half_life: float
) -> dict[Plan, Floats]:
    """The scores of each plan; those that a bridge is made of are made once."""
    ends = (Plan.REGULAR, Plan.RECENT)
    wanted = dict.fromkeys((*plans, *(ends if Plan.BRIDGE in plans else ())))
    found = {plan: _scores(scorer, windows, plan, half_life) for plan in wanted if plan != Plan.BRIDGE}
    if Plan.BRIDGE in plans:
        found[Plan.BRIDGE] = _spread(found[ends[0]]) + _spread(found[ends[1]])
    return found


def _scores(scorer: Scorer, windows: NDArray[np.int32], plan: Plan, half_life: float) -> Floats:
    streams, count, events = windows.shape
    used = windows[:, -1:] if plan == Plan.RECENT else windows
    weights = np.ones(used.shape[1], dtype=np.float32)
    if plan == Plan.DECAY:
        weights = np.exp2(-np.arange(count)[::-1] / half_life).astype(np.float32)
    size = used.shape[1] * events
    batch = Histories(
        offsets=np.arange(streams + 1, dtype=np.int64) * size,
        items=used.reshape(-1).astype(np.int64),
        # All at one moment, so that what fades is decided here and not once more by the scorer.
        at=np.zeros(streams * size),
        weights=np.tile(np.repeat(weights, events), streams),
    )
    return scorer.score(batch)


def performances(
    scorer: Scorer,
    items: NDArray[np.int32],
    *,
    k: int = 20,
    half_life: float = 1.0,
    repeats: bool = False,
    plans: Sequence[Plan] = PLANS,
    at_once: int = 500,
) -> NDArray[np.float32]:
    """(streams, windows, plans) NDCG of each window as foreseen from those before it; NaN for the first.

    Args:
        scorer: fitted on other members.
        items: (streams, windows, events).
        k: length of the lists.
        half_life: windows, of `decay`.
        repeats: whether items that the member has met may be shown again.
        plans: to be tried.
        at_once: streams scored together.
    """
    streams, length, _ = items.shape
    found = np.full((streams, length, len(plans)), np.nan, dtype=np.float32)
    discount = 1 / np.log2(np.arange(k) + 2)
    best = np.cumsum(discount)
    for begin in range(0, streams, at_once):
        part = items[begin : begin + at_once]
        for window in range(1, length):
            past, coming = part[:, :window], part[:, window]
            met = past.reshape(len(part), -1)
            by_plan = _scores_by_plan(scorer, past, plans, half_life)
            for place, plan in enumerate(plans):
                scores = by_plan[plan].copy()
                if not repeats:
                    np.put_along_axis(scores, met.astype(np.int64), -np.inf, axis=1)
                ranked = top_k(scores, min(k, scores.shape[1]))
                found[begin : begin + len(part), window, place] = _ndcg(ranked, coming, met, discount, best, repeats)
    return found


def repeating(items: NDArray[np.int32]) -> bool:
    """Whether members meet an item again often enough for it to be shown again, by streams of (windows, events)."""
    flat = items.reshape(len(items), -1)
    distinct = np.array([len(np.unique(row)) for row in flat])
    return bool(distinct.mean() < 0.95 * flat.shape[1])


def planned(events: pl.DataFrame, plan: Plan, window: int) -> pl.DataFrame:
    """The part of a member's events that a plan rests on, for any recommender that takes events.

    Decay is the recommender's own business, and a bridge asks it twice, so both keep all events.

    Args:
        events: in order of time.
        plan: what follows.
        window: events of a window.
    """
    return events.tail(window) if plan == Plan.RECENT else events


def _spread(scores: Floats) -> Floats:
    deviation = scores.std(axis=1, keepdims=True)
    return (scores - scores.mean(axis=1, keepdims=True)) / np.where(deviation > 0, deviation, 1)


def _ndcg(
    ranked: Rows,
    coming: NDArray[np.int32],
    met: NDArray[np.int32],
    discount: NDArray[np.float64],
    best: NDArray[np.float64],
    repeats: bool,
) -> NDArray[np.float32]:
    """(streams,) NDCG of each list, each item of the window counted once; NaN where nothing was left to find."""
    values = np.full(len(ranked), np.nan, dtype=np.float32)
    for row in range(len(ranked)):
        wanted = set(coming[row].tolist())
        if not repeats:
            wanted -= set(met[row].tolist())
        if wanted:
            hits = np.fromiter((item in wanted for item in ranked[row].tolist()), dtype=bool, count=len(ranked[row]))
            values[row] = discount[: len(hits)][hits].sum() / best[min(len(wanted), len(discount)) - 1]
    return values
