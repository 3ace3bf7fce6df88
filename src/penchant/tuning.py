"""Settings found by trying: a search over what a system may be set to, judged on events held out, within a time."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from penchant.data.community import Community
from penchant.data.splits import last_split
from penchant.errors import ConfigError, TooLittleDataError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.recommend import RecommendConfig, evaluate, fit
from penchant.search import SearchConfig, from_events, train
from penchant.search.judgements import Judgements
from penchant.search.recipe import evaluate as evaluate_search
from penchant.text.encoder import Encoder
from penchant.training.options import Options

if TYPE_CHECKING:
    from optuna import Study, Trial

log = logging.getLogger(__name__)

FEWEST: Final = 40
"""Members, or queries, below which half of them would tell settings apart by chance alone."""
K: Final = 10


class TuneConfig(BaseModel):
    """How long settings are searched for.

    >>> TuneConfig(minutes=0.5).trials is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: PositiveFloat = 10.0
    """No trial starts after so long; the one that runs is finished."""
    trials: PositiveInt | None = Field(default=None)
    """At most so many in all, those of earlier runs counted; as many as the time allows if absent."""


@dataclass(frozen=True)
class Span:
    """A number between two ends."""

    low: float
    high: float
    log: bool = True
    whole: bool = False

    def drawn(self, trial: "Trial", name: str) -> float:
        """One of the span."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        # Rounded, since the settings are for people to read.
        return float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.3g}")


@dataclass(frozen=True)
class OneOf:
    """One of a few values, as JSON can hold them."""

    values: tuple[Any, ...]

    def drawn(self, trial: "Trial", name: str) -> Any:
        """One of them."""
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in self.values]))


Space = Mapping[str, Span | OneOf]
"""What may be tried of each setting, by its path in the configuration: `settings.ease.regularization`."""

_FADINGS: Final = OneOf(
    (
        {},
        {"half_life_events": 2.5},
        {"half_life_events": 5.0},
        {"half_life_events": 15.0},
        {"half_life_days": 30.0},
        {"half_life_days": 120.0},
    )
)
RECOMMEND: Final[Space] = {
    "settings.popularity.half_life_days": OneOf((7.0, 30.0, 120.0, 3650.0)),
    "settings.ease.regularization": Span(20, 2_000),
    "settings.ease.recency": _FADINGS,
    "settings.als.factors": OneOf((32, 64, 96, 128)),
    "settings.als.regularization": Span(1, 60),
    "settings.als.confidence": Span(0.3, 5),
    "settings.als.recency": _FADINGS,
    "settings.neighbours.neighbours": OneOf((50, 100, 200, 500)),
    "settings.neighbours.popularity_exponent": Span(0.2, 0.6, log=False),
    "settings.neighbours.shrinkage": OneOf((0.0, 10.0, 50.0)),
    "settings.neighbours.recency": _FADINGS,
    "settings.cooccurrence.popularity_exponent": Span(0.2, 0.6, log=False),
    "settings.cooccurrence.closeness": OneOf(tuple(value for value in _FADINGS.values if value)),
    "settings.cooccurrence.recency": _FADINGS,
    "settings.text.neighbours": OneOf((25, 50, 100, 200)),
    "settings.text.recency": _FADINGS,
    "blend.pull": Span(0.02, 2),
}
"""What may be set of recommendation: of each source that takes part, and how strongly weights are drawn together."""
SEARCH: Final[Space] = {
    "lexical.k1": Span(0.4, 3),
    "lexical.b": Span(0.1, 1, log=False),
    "lexical.title_weight": OneOf((1, 2, 3, 5)),
    "depth": OneOf((50, 100, 200)),
    "query_map": OneOf((None, {})),
}
"""What may be set of search that judged queries do not teach anyway."""


@dataclass(frozen=True)
class Outcome:
    """What a search for settings ended with."""

    system: str
    trials: int = 0
    """Trials so far, those of earlier runs too."""
    start: float = 0.0
    """NDCG@10 of the settings as they were, on the half that settings are chosen by."""
    best: float = 0.0
    """NDCG@10 of the best settings on the same half."""
    lead: Difference | None = None
    """How far the best are ahead on the other half, which no setting was chosen by."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Path to value, of the best; empty where the settings as they were did best."""
    too_little: str | None = None
    """Why nothing could be tried."""

    @property
    def is_better(self) -> bool:
        """Whether what was found also leads on the half that it was not chosen by."""
        return bool(self.settings) and self.lead is not None and self.lead.value > 0


Told = Callable[[int, float, float], None]
"""Called after each trial with its number, its NDCG@10 and the best so far."""
Judged = Callable[[Any], NDArray[np.float64]]
"""A configuration to the NDCG@10 of each judge: a member or a query."""


def tune_recommend(
    community: Community,
    config: RecommendConfig,
    tuning: TuneConfig,
    storage: Path,
    options: Options,
    *,
    encoder: Encoder | None = None,
    told: Told | None = None,
) -> Outcome:
    """Search for settings of recommendation.

    Each member's last event is left alone, as it is for judging builds; of the rest the last is what is foreseen, and
    the one before it weighs the sources. Half of the members choose the settings, the other half check them.

    Args:
        community: whose recommender is tuned.
        config: where to start; its sources and rules stay.
        tuning: how long.
        storage: a SQLite file that keeps the trials, so that a later call goes on.
        options: seed and threads.
        encoder: as for `recommend.train`.
        told: hears of each trial.
    """
    config = config.on(community)
    new_only = not config.rules.repeat_purchases
    weights = config.event_weights
    try:
        known = last_split(community, options.seed, weights=weights, unseen=new_only).fit
        split = last_split(known, options.seed, weights=weights, unseen=new_only)
        plain = config.model_copy(
            update={"tuning": "none", "ranker": config.ranker.model_copy(update={"enabled": False})}
        )
        from penchant.recommend.similarity import Remembering

        reads = Remembering(encoder) if encoder is not None else None

        def judged(tried: RecommendConfig) -> NDArray[np.float64]:
            fitted = fit(split.train, split.validation, tried, options, encoder=reads)
            return evaluate(fitted.recommender, split, k=K).metrics.per_member[f"ndcg@{K}"]

        used = set(config.used_sources(with_text=encoder is not None))
        space = {path: how for path, how in RECOMMEND.items() if _source(path) in used | {None}}
        outcome = _search("recommend", plain, space, judged, tuning, storage, community, options, told)
    except TooLittleDataError as error:
        return Outcome("recommend", too_little=str(error))
    return outcome


def tune_search(
    community: Community,
    config: SearchConfig,
    tuning: TuneConfig,
    storage: Path,
    options: Options,
    *,
    encoder: Encoder | None = None,
    judgements: Judgements | None = None,
    told: Told | None = None,
) -> Outcome:
    """Search for settings of search: half of the judged queries teach, the other half judge.

    Args:
        community: whose items are searched.
        config: where to start.
        tuning: how long.
        storage: a SQLite file that keeps the trials, so that a later call goes on.
        options: seed and threads.
        encoder: as for `search.train`.
        judgements: which items answer which queries; if absent, what members took after they searched.
        told: hears of each trial.
    """
    known = judgements if judgements is not None else from_events(community)
    queries = options.rng().permutation(np.array(sorted(known.queries), dtype=object)).tolist()
    if len(queries) < 2 * FEWEST:
        return Outcome(
            "search", too_little=f"{len(queries)} judged queries; {2 * FEWEST} are needed to tell settings apart"
        )
    taught, asked = known.part(queries[::2]), known.part(queries[1::2])
    from penchant.recommend.similarity import Remembering

    reads = Remembering(encoder) if encoder is not None else None

    def judged(tried: SearchConfig) -> NDArray[np.float64]:
        searcher = train(community, tried, options, encoder=reads, judgements=taught)
        return evaluate_search(searcher, asked, k=K).metrics.per_member[f"ndcg@{K}"]

    try:
        return _search("search", config, SEARCH, judged, tuning, storage, community, options, told)
    except TooLittleDataError as error:
        return Outcome("search", too_little=str(error))


def applied(config: BaseModel, settings: Mapping[str, Any]) -> Any:
    """A configuration with some settings changed.

    >>> applied(SearchConfig(), {"lexical.k1": 0.9, "depth": 50}).lexical.k1
    0.9

    Raises:
        ConfigError: a setting has no meaning.
    """
    document = config.model_dump(exclude_unset=True)
    for path, value in settings.items():
        _put(document, path.split("."), value)
    try:
        return type(config).model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"settings {dict(settings)} have no meaning: {error}") from error


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


def _source(path: str) -> str | None:
    parts = path.split(".")
    return parts[1] if parts[0] == "settings" else None


def _search(
    system: str,
    config: Any,
    space: Space,
    judged: Judged,
    tuning: TuneConfig,
    storage: Path,
    community: Community,
    options: Options,
    told: Told | None,
) -> Outcome:
    began = monotonic()
    start = judged(config)
    if len(start) < FEWEST:
        raise TooLittleDataError(
            f"{len(start)} members or queries have something to find; {FEWEST} are needed to tell settings apart"
        )
    chooses = options.rng().permutation(len(start)) % 2 == 0
    first = float(start[chooses].mean())
    study = _study(system, config, space, storage, community, options)
    best: list[float] = [first, *(trial.value for trial in _finished(study) if trial.value is not None)]

    def objective(trial: "Trial") -> float:
        drawn = {path: how.drawn(trial, path) for path, how in space.items()}
        value = float(judged(applied(config, drawn))[chooses].mean())
        best.append(value)
        if told is not None:
            told(trial.number + 1, value, max(best))
        return value

    while monotonic() - began < 60 * tuning.minutes:
        if tuning.trials is not None and len(_finished(study)) >= tuning.trials:
            break
        study.optimize(objective, n_trials=1)
    done = _finished(study)
    if not done or study.best_value <= first:
        return Outcome(system, len(done), first, first)
    settings = {path: how.drawn(_Held(study.best_params), path) for path, how in space.items()}  # type: ignore[arg-type]
    lead = paired_difference(judged(applied(config, settings))[~chooses], start[~chooses], seed=options.seed)
    return Outcome(system, len(done), first, study.best_value, lead, settings)


def _study(
    system: str, config: BaseModel, space: Space, storage: Path, community: Community, options: Options
) -> "Study":
    """The trials so far of the same search over the same data, or none."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    what = {
        "config": config.model_dump(mode="json"),
        "space": {path: repr(how) for path, how in space.items()},
        "data": community.fingerprint("items", "events"),
        "seed": options.seed,
    }
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    study = optuna.create_study(
        study_name=f"{system}-{key}", storage=f"sqlite:///{storage}", load_if_exists=True, direction="maximize"
    )
    # Draws go on where they stopped, or a run that goes on would repeat the first trials.
    study.sampler = optuna.samplers.TPESampler(seed=options.seed + len(study.get_trials(deepcopy=False)))
    return study


def _finished(study: "Study") -> list[Any]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


class _Held:
    """The drawn numbers of a trial that is over, by which settings are read back as they were tried."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def suggest_int(self, name: str, *_: object, **__: object) -> int:
        return int(self._params[name])

    def suggest_float(self, name: str, *_: object, **__: object) -> float:
        return float(self._params[name])

    def suggest_categorical(self, name: str, *_: object) -> Any:
        return self._params[name]
