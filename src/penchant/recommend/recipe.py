"""From a community to a recommender: hold out, tune, weigh, fit on everything; and how good one is."""

import logging
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.splits import Split, last_split, random_split, time_split
from penchant.errors import TooLittleDataError
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.recommend.blend import pick_weights
from penchant.recommend.config import RecommendConfig
from penchant.recommend.opinions import TEXT
from penchant.recommend.recommender import Recommender
from penchant.recommend.rules import closed, seen
from penchant.recommend.setup import Setup
from penchant.recommend.similarity import Remembering
from penchant.recommend.sources import GRIDS, make
from penchant.recommend.tuning import SCORING_ONLY, Tuned, Validation, tune
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows

log = logging.getLogger(__name__)

FEWEST_JUDGED = 20
"""Members with something held out, below whom weights would be chosen by chance and all stay equal."""


def train(
    community: Community,
    config: RecommendConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    setup: Setup | None = None,
) -> Recommender:
    """A recommender for a community.

    Events are held out within the community to tune each source and to weigh the sources; then every source is fitted
    again on all events with the settings found. Where they were found before, by an evaluation for example, hand them
    in as `setup`: the search is most of the work.

    Args:
        community: members, items and events.
        config: what to recommend from and how; the defaults if absent.
        options: how to run.
        encoder: reads the items' texts; without one the source `text` takes no part, and items that nobody has touched
            are not recommended before all others are.
        setup: settings and weights that `fit` found with the same configuration; searched for if absent.

    Raises:
        TooLittleDataError: no event says what anybody likes.
        ConfigError: the setup is of other sources.
    """
    config, options = (config or RecommendConfig()).on(community), options or Options()
    encoder = Remembering(encoder) if encoder is not None else None
    if setup is not None:
        return _as_found(community, config, options, encoder, setup)
    split = _validation_split(community, config, options)
    if split is None:
        log.warning("too few members have events to hold out, so sources keep their settings and weigh the same")
        return _untuned(community, config, options, encoder)
    fitted = fit(split.fit, split.test, config, options, encoder=encoder)
    sources: dict[str, Scorer] = {
        # Texts have not changed with the events.
        name: tuned.scorer if name == TEXT else make(name, tuned.config, encoder=encoder).fit(community, options)
        for name, tuned in fitted.tuned.items()
    }
    return Recommender(community, sources, fitted.recommender.weights, config, cold=_untouched(community))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A recommender whose sources are fitted on the training part alone, and how its settings were found."""

    recommender: Recommender
    tuned: dict[str, Tuned]
    validation: Validation

    @property
    def setup(self) -> Setup:
        """The settings and weights found, for `train` on all events."""
        settings = {name: found.config.as_meta() for name, found in self.tuned.items()}
        return Setup(settings=settings, weights=self.recommender.weights)

    @property
    def is_by_chance(self) -> bool:
        """Whether so few members were judged that what was found would not hold."""
        return len(self.validation.members) < FEWEST_JUDGED


def fit(
    known: Community,
    held_out: Community,
    config: RecommendConfig,
    options: Options,
    *,
    encoder: Encoder | None = None,
) -> Fitted:
    """Fit on what is known, and tune and weigh by what was held out.

    Raises:
        TooLittleDataError: nobody has a held-out item that may be shown.
    """
    encoder = Remembering(encoder) if encoder is not None else None
    config = config.on(known)
    validation = judged_by(known, held_out, config, rng=options.rng())
    if not validation.relevant.nnz:
        raise TooLittleDataError("no member has a held-out item that may be shown; hold out more events")
    tuned: dict[str, Tuned] = {}
    for name in config.used_sources(with_text=encoder is not None):
        grid = GRIDS[name] if config.tuning == "full" else {}
        if config.tuning == "recency":
            grid = {field: values for field, values in GRIDS[name].items() if field in SCORING_ONLY}
        tuned[name] = tune(
            name, config.start(name), grid, known, validation, options, encoder=encoder, k=config.blend.cutoff
        )
        log.info("%s: NDCG %.4f on held-out events with %s", name, tuned[name].best, tuned[name].config)
    sources: dict[str, Scorer] = {name: found.scorer for name, found in tuned.items()}
    equal = dict.fromkeys(sources, 1 / len(sources))
    recommender = Recommender(known, sources, equal, config, cold=_untouched(known))
    weights = pick_weights(
        recommender.candidates(validation.batch, validation.shut), validation.relevant, config.blend, options.rng()
    )
    return Fitted(recommender.with_weights(weights), tuned, validation)


def reweighed(fitted: Fitted, without: str, options: Options) -> Recommender:
    """The same fitted sources without one of them, the weights picked anew."""
    model = fitted.recommender
    kept = {name: weight for name, weight in model.weights.items() if name != without}
    smaller = model.with_weights(kept)
    candidates = smaller.candidates(fitted.validation.batch, fitted.validation.shut)
    return smaller.with_weights(pick_weights(candidates, fitted.validation.relevant, model.config.blend, options.rng()))


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
    ranked = model.rank(judged.batch, judged.shut, k)
    return Evaluation(evaluate_rankings(ranked, judged.relevant, k), judged.members, ranked)


def _validation_split(community: Community, config: RecommendConfig, options: Options) -> Split | None:
    try:
        if config.validation == "last":
            new_only = not config.rules.repeat_purchases
            split = last_split(community, options.seed, weights=config.event_weights, unseen=new_only)
        elif config.validation == "random":
            split = random_split(community, options.seed, (0.9, 0.0, 0.1))
        else:
            split = time_split(community, test_share=0.1)
        judged = judged_by(split.fit, split.test, config)
    except TooLittleDataError:
        return None
    return split if len(judged.members) >= FEWEST_JUDGED else None


def _as_found(
    community: Community, config: RecommendConfig, options: Options, encoder: Encoder | None, setup: Setup
) -> Recommender:
    names = config.used_sources(with_text=encoder is not None)
    setup.require(names)
    sources: dict[str, Scorer] = {
        name: make(name, setup.config(name), encoder=encoder).fit(community, options) for name in names
    }
    weights = {name: setup.weights[name] for name in names}
    return Recommender(community, sources, weights, config, cold=_untouched(community))


def _untuned(community: Community, config: RecommendConfig, options: Options, encoder: Encoder | None) -> Recommender:
    names = config.used_sources(with_text=encoder is not None)
    sources: dict[str, Scorer] = {
        name: make(name, config.start(name), encoder=encoder).fit(community, options) for name in names
    }
    return Recommender(community, sources, dict.fromkeys(sources, 1 / len(sources)), config, cold=_untouched(community))


def _untouched(community: Community) -> np.ndarray:
    touched = np.zeros(len(community.item_ids), dtype=bool)
    touched[community.events["item"].drop_nulls().unique().to_numpy()] = True
    return ~touched
