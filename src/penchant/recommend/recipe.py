"""From a community to a recommender: hold out, tune, weigh, fit on everything; and how good one is."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.splits import Split, last_split, random_split, time_split
from penchant.errors import TooLittleDataError
from penchant.recommend.blend import pick_weights
from penchant.recommend.config import RecommendConfig
from penchant.recommend.evaluating import judged_by
from penchant.recommend.lesson import Lesson
from penchant.recommend.newitems import NewItems
from penchant.recommend.opinions import TEXT
from penchant.recommend.ranker import Ranker, RankerVerdict
from penchant.recommend.recommender import Recommender
from penchant.recommend.setup import Setup
from penchant.recommend.similarity import Remembering, TextSimilarity
from penchant.recommend.sources import GRIDS, make
from penchant.recommend.tuning import SCORING_ONLY, Tuned, Validation, tune
from penchant.recommend.verdicts import Given
from penchant.text.encoder import Encoder
from penchant.training.options import Options

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
    verdicts: Given = None,
) -> Recommender:
    """A recommender for a community.

    Events are held out within the community to tune each source, to weigh the sources and to learn a ranker; then every
    source is fitted again on all events with the settings found. Where they were found before, by an evaluation for
    example, hand them in as `setup`: the search is most of the work.

    Args:
        community: members, items and events.
        config: what to recommend from and how; the defaults if absent.
        options: how to run.
        encoder: reads the items' texts; without one the source `text` takes no part, and items that nobody has touched
            are not recommended before all others are.
        setup: settings, weights and ranker that `fit` found with the same configuration; searched for if absent.
        verdicts: of other systems, for the ranker to read: strata, segments, drift verdicts, social vectors, one or
            several; of events before those held out, as what has seen the answer would teach it too much.

    Raises:
        TooLittleDataError: no event says what anybody likes.
        ConfigError: the setup is of other sources.
    """
    config, options = (config or RecommendConfig()).on(community), options or Options()
    encoder = Remembering(encoder) if encoder is not None else None
    if setup is not None:
        return _as_found(community, config, options, encoder, setup, verdicts)
    split = _validation_split(community, config, options)
    if split is None:
        log.warning("too few members have events to hold out, so sources keep their settings and weigh the same")
        return _untuned(community, config, options, encoder)
    fitted = fit(split.fit, split.test, config, options, encoder=encoder, verdicts=verdicts)
    sources: dict[str, Scorer] = {
        # Texts have not changed with the events.
        name: tuned.scorer if name == TEXT else make(name, tuned.config, encoder=encoder).fit(community, options)
        for name, tuned in fitted.tuned.items()
    }
    found = fitted.recommender
    return Recommender(
        community, sources, found.weights, config,
        cold=_untouched(community), ranker=found.ranker, verdicts=found.verdicts,
        new_items=_new_items(community, sources, config, options),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fitted:
    """A recommender whose sources are fitted on the training part alone, and how its settings were found."""

    recommender: Recommender
    tuned: dict[str, Tuned]
    validation: Validation
    verdict: RankerVerdict | None = None
    """Whether the ranker is used, and why; None where none was wanted."""
    ranker: Ranker | None = None
    """The ranker learned, used or not."""

    @property
    def setup(self) -> Setup:
        """The settings and weights found, for `train` on all events."""
        settings = {name: found.config.as_meta() for name, found in self.tuned.items()}
        used = self.recommender.ranker
        return Setup(
            settings=settings,
            weights=self.recommender.weights,
            verdict=self.verdict,
            ranker=used.state() if used is not None else None,
        )

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
    verdicts: Given = None,
) -> Fitted:
    """Fit on what is known; tune, weigh and learn a ranker by what was held out.

    The ranker is used where it puts members it has not learned from in a better order than the blend does. It learns
    from further events too, held out of what is known as `config.validation` says.

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
    new_items = _new_items(known, sources, config, options)
    recommender = Recommender(known, sources, equal, config, cold=_untouched(known), new_items=new_items)
    weights = pick_weights(
        recommender.candidates(validation.batch, validation.shut), validation.relevant, config.blend, options.rng()
    )
    weighed = Recommender(
        known, sources, weights, config, cold=_untouched(known), verdicts=verdicts, new_items=new_items
    )
    ranker, verdict = _learned(weighed, tuned, validation, options, encoder)
    return Fitted(weighed.with_ranker(ranker if verdict and verdict.used else None), tuned, validation, verdict, ranker)


def reweighed(fitted: Fitted, without: str, options: Options) -> Recommender:
    """The same fitted sources without one of them, the weights picked and the ranker learned anew."""
    model, validation = fitted.recommender, fitted.validation
    kept = {name: weight for name, weight in model.weights.items() if name != without}
    smaller = model.with_weights(kept)
    candidates = smaller.candidates(validation.batch, validation.shut)
    weighed = smaller.with_weights(pick_weights(candidates, validation.relevant, model.config.blend, options.rng()))
    tuned = {name: found for name, found in fitted.tuned.items() if name != without}
    text = tuned[TEXT].scorer if TEXT in tuned else None
    encoder = text.encoder if isinstance(text, TextSimilarity) else None
    ranker, verdict = _learned(weighed, tuned, validation, options, encoder)
    return weighed.with_ranker(ranker if verdict and verdict.used else None)


def _learned(
    model: Recommender, tuned: Mapping[str, Tuned], validation: Validation, options: Options, encoder: Encoder | None
) -> tuple[Ranker | None, RankerVerdict | None]:
    """A ranker over the blend of a model, and whether it is worth using; no ranker where there is too little."""
    config, known = model.config.ranker, model.community
    if not config.enabled:
        return None, None
    count = len(validation.members)
    if count < config.fewest:
        verdict = RankerVerdict(used=False, members=count, fewest=config.fewest)
        log.info("%s", verdict.told())
        return None, verdict
    lessons = [_lesson(model, validation)]
    for turn in range(config.rounds):
        split = _validation_split(known, model.config, options.model_copy(update={"seed": options.seed + 1 + turn}))
        if split is None:
            break
        further = judged_by(split.fit, split.test, model.config, rng=options.rng())
        sources: dict[str, Scorer] = {
            name: found.scorer if name == TEXT else make(name, found.config, encoder=encoder).fit(split.fit, options)
            for name, found in tuned.items()
        }
        earlier = Recommender(
            split.fit, sources, model.weights, model.config,
            cold=_untouched(split.fit), verdicts=model.verdicts,
            new_items=_new_items(split.fit, sources, model.config, options),
        )  # fmt: skip
        lessons.append(_lesson(earlier, further))
        if model.config.validation != "random":
            known = split.fit
    ranker = Ranker(model.features, config)
    try:
        verdict = ranker.fit(lessons, options, cutoff=model.config.blend.cutoff)
    except TooLittleDataError:
        verdict = RankerVerdict(used=False, members=0, fewest=config.fewest)
        return None, verdict
    log.info("%s", verdict.told())
    return ranker, verdict


def _lesson(model: Recommender, judged: Validation) -> Lesson:
    return model.lesson(judged.batch, judged.shut, judged.relevant, judged.members)


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
    community: Community,
    config: RecommendConfig,
    options: Options,
    encoder: Encoder | None,
    setup: Setup,
    verdicts: Given,
) -> Recommender:
    names = config.used_sources(with_text=encoder is not None)
    setup.require(names)
    sources: dict[str, Scorer] = {
        name: make(name, setup.config(name), encoder=encoder).fit(community, options) for name in names
    }
    weights = {name: setup.weights[name] for name in names}
    ranker = Ranker.of_state(setup.ranker, config.ranker) if setup.ranker and config.ranker.enabled else None
    return Recommender(
        community, sources, weights, config,
        cold=_untouched(community), ranker=ranker, verdicts=verdicts,
        new_items=_new_items(community, sources, config, options),
    )  # fmt: skip


def _untuned(community: Community, config: RecommendConfig, options: Options, encoder: Encoder | None) -> Recommender:
    names = config.used_sources(with_text=encoder is not None)
    sources: dict[str, Scorer] = {
        name: make(name, config.start(name), encoder=encoder).fit(community, options) for name in names
    }
    return Recommender(
        community, sources, dict.fromkeys(sources, 1 / len(sources)), config,
        cold=_untouched(community), new_items=_new_items(community, sources, config, options),
    )  # fmt: skip


def _new_items(
    community: Community, sources: Mapping[str, Scorer], config: RecommendConfig, options: Options
) -> NewItems | None:
    """What tells of items that nobody has touched; None where there is too little to tell from."""
    text = sources.get(TEXT)
    vectors = text.vectors if isinstance(text, TextSimilarity) else None
    found = NewItems(config.new_items).fit(
        community, sources, _untouched(community), vectors, config.event_weights, options
    )
    return found or None


def _untouched(community: Community) -> np.ndarray:
    touched = np.zeros(len(community.item_ids), dtype=bool)
    touched[community.events["item"].drop_nulls().unique().to_numpy()] = True
    return ~touched
