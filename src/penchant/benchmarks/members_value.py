"""`penchant bench members --protocol value`: who comes back and for how much, against what shops use today."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import brier_score_loss, roc_auc_score

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import Difference
from penchant.evaluation.cost import measured
from penchant.members.value import Value, ValueConfig, described, lesson, outcome
from penchant.members.value_models import logistic, ridge
from penchant.training.options import Options

SEEDS: Final = (0, 1, 2)
RETAIL_CUT: Final = datetime(2011, 8, 31, 23, 59, 59, tzinfo=UTC)
"""The moment that the public shop is judged from: its last quarter is foreseen."""
RFM: Final = "RFM, logistic and ridge"
BGNBD: Final = "BG/NBD and Gamma-Gamma"
PAST: Final = "past spend"
_RESAMPLES: Final = 1_000


def run_value(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Learn from all events up to a moment, foresee the 91 days after it, and judge by what happened.

    The moment is 31 August 2011 for the public shop's year, and 91 days before the last event for other data. Members
    who had bought before are judged. Baselines learn from the same moments of the past.

    Raises:
        TooLittleDataError: purchases are too few.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    with measured() as cost:
        community = load(data)
        cut = moment(community)
        found: dict[str, list[dict[str, float]]] = {}
        answers: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
        for seed in seeds:
            truth, said = foreseen(community, cut, seed)
            for name, (returns, spend) in said.items():
                found.setdefault(name, []).append(judged(*truth, returns, spend))
                answers.setdefault(name, []).append((returns, spend))
    ours = found.pop("penchant")
    best_rank = [max(one[place]["spend_rank"] for one in found.values()) for place in range(len(seeds))]
    for mine, rfm, best, past in zip(ours, found[RFM], best_rank, found[PAST], strict=True):
        mine["return_auc_gain"] = mine["return_auc"] - rfm["return_auc"]
        mine["brier_gain"] = rfm["brier"] - mine["brier"]
        mine["spend_rank_gain"] = mine["spend_rank"] - best
        mine["top_tier_lift"] = mine["top_tenth"] / past["top_tenth"]
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="value",
        metrics=figures(ours),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={name: _differences(truth, answers, name) for name in found},
        tables={"calibration of return": calibration(truth[0], answers["penchant"][0][0])},
    )


def moment(community: Community) -> datetime:
    """The moment that members are judged from.

    Raises:
        TooLittleDataError: there are no events.
    """
    if community.now is None:
        raise TooLittleDataError("there are no events; what members are worth is judged on their purchases")
    first = community.events["at"][0]
    if first < RETAIL_CUT < community.now - timedelta(days=60) and community.now < RETAIL_CUT + timedelta(days=120):
        return RETAIL_CUT
    return community.now - timedelta(days=ValueConfig().horizon_days)


def foreseen(
    community: Community, cut: datetime, seed: int
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.float64]], dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """Who returned and what they spent, and each system's probability and money, of the members who had bought."""
    config = ValueConfig()
    known = community.with_events(community.events.filter(pl.col("at") <= cut))
    until = cut + timedelta(days=config.horizon_days)
    after = community.events.filter((pl.col("at") > cut) & (pl.col("at") <= until))
    model = Value(config).fit(known, Options(seed=seed), at=cut)
    worth = model.foresee(known, at=cut)
    rows = np.flatnonzero(~np.isnan(worth.returns))
    returned, spent = outcome(after, len(worth.members))
    seen = described(known, cut, config)
    lessons = [lesson(known, past, config) for past in model.cuts(known, cut)]
    columns = [seen.names.index(name) for name in ("order_recency_days", "orders", "spend")]
    features = np.vstack([one.features[:, columns] for one in lessons])
    back = logistic(features, np.concatenate([one.returned for one in lessons]), strength=1.0)
    money = ridge(features, np.log1p(np.concatenate([one.spent for one in lessons])))
    own = seen.features[rows]

    def column(name: str) -> NDArray[np.float64]:
        return np.nan_to_num(own[:, seen.names.index(name)].astype(np.float64))

    expected = column("expected_orders")
    return (returned[rows], spent[rows].astype(np.float64)), {
        "penchant": (worth.returns[rows].astype(np.float64), worth.spend[rows].astype(np.float64)),
        RFM: (expit(back(own[:, columns])), money(own[:, columns])),
        BGNBD: (1 - np.exp(-expected), expected * column("expected_mean")),
        PAST: (rankdata(column("spend")) / len(rows), column("spend")),
    }


def judged(
    returned: NDArray[np.bool_], spent: NDArray[np.float64], returns: NDArray[np.float64], spend: NDArray[np.float64]
) -> dict[str, float]:
    """How well one system foresaw."""
    tenth = max(1, len(spent) // 10)
    top = np.argsort(-spend, kind="stable")[:tenth]
    return {
        "return_auc": float(roc_auc_score(returned, returns)),
        "brier": float(brier_score_loss(returned, np.clip(returns, 0, 1))),
        "spend_rank": float(spearmanr(spend, spent)[0]),
        "top_tenth": float(spent[top].sum() / max(spent.sum(), 1e-9)),
    }


def calibration(returned: NDArray[np.bool_], returns: NDArray[np.float64]) -> list[dict[str, Cell]]:
    """What was said and what came, by tenths of what was said."""
    order = np.array_split(np.argsort(returns, kind="stable"), 10)
    return [
        {
            "said": round(float(returns[rows].mean()), 4),
            "came": round(float(returned[rows].mean()), 4),
            "members": len(rows),
        }
        for rows in order
        if len(rows)
    ]


def _differences(
    truth: tuple[NDArray[np.bool_], NDArray[np.float64]],
    answers: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]],
    name: str,
) -> dict[str, Difference]:
    """Ours minus another's, members resampled in pairs."""
    returned, spent = truth
    ours, theirs = (
        tuple(np.mean([one[part] for one in answers[system]], axis=0) for part in (0, 1))
        for system in ("penchant", name)
    )
    rng = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {"return_auc": [], "spend_rank": []}
    for _ in range(_RESAMPLES):
        rows = rng.integers(len(returned), size=len(returned))
        if returned[rows].all() or not returned[rows].any():
            continue
        auc = [float(roc_auc_score(returned[rows], one[0][rows])) for one in (ours, theirs)]
        rank = [float(spearmanr(one[1][rows], spent[rows])[0]) for one in (ours, theirs)]
        drawn["return_auc"].append(auc[0] - auc[1])
        drawn["spend_rank"].append(rank[0] - rank[1])
    whole = {
        "return_auc": float(roc_auc_score(returned, ours[0]) - roc_auc_score(returned, theirs[0])),
        "spend_rank": float(spearmanr(ours[1], spent)[0] - spearmanr(theirs[1], spent)[0]),
    }
    return {key: _interval(whole[key], np.array(values)) for key, values in drawn.items()}


def _interval(value: float, drawn: NDArray[np.float64]) -> Difference:
    low, high = np.quantile(drawn, [0.025, 0.975])
    both = 2 * min(float((drawn <= 0).mean()), float((drawn >= 0).mean()))
    return Difference(value, float(low), float(high), max(min(both, 1.0), 1 / len(drawn)))
