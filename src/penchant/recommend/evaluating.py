"""How good a recommender's lists are: what they are judged by, and the figures."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.splits import Split
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.recommend.config import RecommendConfig
from penchant.recommend.logged import Logged, judged_by_log
from penchant.recommend.recommender import Recommender
from penchant.recommend.rules import closed, seen
from penchant.recommend.tuning import Validation
from penchant.vectors import Rows


def judged_by(
    known: Community,
    held_out: Community,
    config: RecommendConfig,
    *,
    histories_of: Community | None = None,
    rng: np.random.Generator | None = None,
) -> Validation:
    """What lists are judged by: histories, what may not be shown, and what each member liked of the rest.

    Args:
        known: whose events make items seen.
        held_out: whose events of positive weight are relevant, where the item may be shown.
        config: rules, weights, and how many members at most.
        histories_of: whose events are the histories; those known if absent.
        rng: samples the members where there are more than `tuning_members`; all are taken without it.
    """
    shape = (len(known.member_ids), len(known.item_ids))
    off = closed(known, config.rules) | config.policy.rules().excluded(known)
    shut = seen(known.events, shape, config.rules)
    liked = histories(held_out, weights=config.event_weights).matrix(shape[1])
    liked.data = (liked.data > 0).astype(np.float32)
    relevant = sp.csr_matrix((liked - liked.multiply(shut)) @ sp.diags_array((~off).astype(np.float32)))
    relevant.eliminate_zeros()
    members: Rows = np.flatnonzero(np.diff(relevant.indptr))
    if rng is not None and len(members) > config.tuning_members:
        members = np.sort(rng.choice(members, config.tuning_members, replace=False))
    batch = histories(histories_of or known, members, weights=config.event_weights)
    return Validation(batch, shut[members], relevant[members], off, known.item_ids.id_rank, members)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a recommender's lists are."""

    metrics: RankingMetrics
    members: Rows
    """(judged,) member rows, in the order of the metrics' values."""
    ranked: Rows
    """(judged, k) what each was shown."""
    logged: Logged | None = None
    """What the log of shown lists tells of the model's choices, where the policy keeps one: IPS and SNIPS."""


def evaluate(model: Recommender, split: Split, *, k: int = 10, histories_of: Community | None = None) -> Evaluation:
    """Judge a recommender on the test part of a split.

    What members did in training and validation is not shown again, as the model's rules say, and an item that may not
    be shown is not counted as missed.

    Args:
        model: fitted on the training part.
        split: whose test part is judged.
        k: length of the lists.
        histories_of: whose events are the histories answered; all before the test if absent. `split.train` is the
            usual choice where the parts were drawn at random, so that all systems know the same of a member.

    Raises:
        TooLittleDataError: nobody has anything to find in the test part.
    """
    judged = judged_by(split.fit, split.test, model.config, histories_of=histories_of)
    ranked = model.rank(judged.batch, judged.shut, k, members=judged.members)
    logged = judged_by_log(model, _together(split)) if model.config.policy.log_path is not None else None
    return Evaluation(evaluate_rankings(ranked, judged.relevant, k), judged.members, ranked, logged)


def _together(split: Split) -> Community:
    """All events of a split."""
    return split.train.with_events(pl.concat([split.fit.events, split.test.events]))
