"""The ranker: boosted trees that correct the order of the best candidates, learned on what members chose next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors
from penchant.errors import NotFittedError, TooLittleDataError
from penchant.evaluation.bootstrap import interval
from penchant.language import Lang, Phrase
from penchant.recommend.features import RANK_BY, SOCIAL_FEATURES
from penchant.recommend.lesson import Lesson
from penchant.recommend.sources import SOURCES
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from lightgbm import Booster

FILE: Final = "ranker.txt"
FOLDS: Final = 4
"""Parts of the members, each ordered by trees grown on the others, to judge the ranker by."""
STRENGTHS: Final = (0.4, 0.8, 1.6, 3.2)
"""How far the trees may move the blend's score, in spreads of what they say."""

ORDERS: Final = Phrase(
    "a ranker orders the candidates: NDCG {ranked:.4f} against {blend:.4f} of the blend, on {members:,} members held "
    "out",
    "候选由排序模型排序：在 {members:,} 位留出会员上 NDCG 为 {ranked:.4f}，融合为 {blend:.4f}",
)
NO_BETTER: Final = Phrase(
    "the blend orders the candidates: with a ranker NDCG was {ranked:.4f} against {blend:.4f} on {members:,} members "
    "held out, which is not surely better",
    "候选按融合分数排序：在 {members:,} 位留出会员上，排序模型 NDCG 为 {ranked:.4f}，融合为 {blend:.4f}，"
    "不足以确认更好",
)
TOO_FEW: Final = Phrase(
    "the blend orders the candidates: a ranker is learned from {fewest:,} members held out, and there are {members:,}",
    "候选按融合分数排序：学习排序模型需要 {fewest:,} 位留出会员，目前只有 {members:,} 位",
)


class RankerConfig(BaseModel):
    """Whether and how an order is learned.

    >>> RankerConfig(enabled=False).depth
    50
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Off, the blend orders all items."""
    rounds: int = Field(default=2, ge=0)
    """How often further events are held out and the sources fitted anew: more to learn from, and as many fits more."""
    depth: PositiveInt = 50
    """How many of a member's candidates, the best by the blend, are put in order; the rest stay below their lead."""
    trees: PositiveInt = 200
    leaves: PositiveInt = Field(default=15, ge=2)
    learning_rate: PositiveFloat = 0.03
    least_rows: PositiveInt = 100
    """Candidates that a leaf holds at least."""
    fewest: PositiveInt = 200
    """Members with something held out, below whom nothing is learned and the blend stays."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """The ranker is used where this interval of its lead over the blend lies above zero."""


class RankerVerdict(BaseModel):
    """Whether the ranker is used, and what that rests on: members ordered by trees that had not seen their choices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    used: bool
    members: int
    """Members held out."""
    fewest: int
    """Members wanted."""
    blend: float | None = None
    """Mean NDCG of the blend; None where nothing was learned."""
    ranked: float | None = None
    """Mean NDCG of the ranker."""
    low: float | None = None
    """Lower end of the interval of its lead."""
    high: float | None = None

    def told(self, lang: Lang = "en") -> str:
        """In a sentence."""
        if self.blend is None:
            return TOO_FEW(lang, fewest=self.fewest, members=self.members)
        return (ORDERS if self.used else NO_BETTER)(lang, ranked=self.ranked, blend=self.blend, members=self.members)


class RankerState(BaseModel):
    """A ranker as JSON can hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    strength: float
    spread: float
    trees: str
    """In LightGBM's text."""


class Ranker:
    """LambdaMART (Burges, 2010) as LightGBM has it, over the features of `feature_names`.

    What the trees say is added to the blend's score, with a strength that held-out members decide. So the blend's
    knowledge is kept where there is too little to learn from, and a score stays a sum in which an event can be missed.
    """

    def __init__(self, features: Sequence[str], config: RankerConfig | None = None) -> None:
        self.features = tuple(features)
        self.config = config or RankerConfig()
        self.strength = 0.0
        self.spread = 1.0
        self._booster: Booster | None = None

    def fit(self, lessons: Sequence[Lesson], options: Options, *, cutoff: int = 10) -> RankerVerdict:
        """Learn from lessons, and judge by the first of them what that is worth.

        Each part of the members is ordered by trees grown on the others, whatever lesson their choices are in, and with
        the strength that does best for the others. Then strength and trees are learned again from everyone.

        Args:
            lessons: the first is what the blend was weighed by; further ones only teach.
            options: seed and threads.
            cutoff: length of the lists whose NDCG decides.

        Raises:
            TooLittleDataError: nobody chose any of their candidates.
        """
        first = lessons[0]
        fold = _folds(lessons, options)
        said = np.zeros(len(first.blended), dtype=np.float32)
        for part in range(FOLDS):
            booster = self._grown([lesson.of(fold[lesson.members] != part) for lesson in lessons], options)
            own = np.repeat(fold[first.members] == part, first.lengths)
            said[own] = booster.predict(first.rows[own], num_threads=1) if own.any() else 0
        self.spread = float(said.std()) or 1.0
        before = first.ndcg(first.blended, cutoff)
        tried = np.stack([first.ndcg(first.blended + size * said / self.spread, cutoff) for size in STRENGTHS])
        self.strength = STRENGTHS[int(tried.mean(axis=1).argmax())]
        after = before.copy()
        for part in range(FOLDS):
            own = fold[first.members] == part
            after[own] = tried[int(tried[:, ~own].mean(axis=1).argmax()), own] if not own.all() else before[own]
        lead = interval(after - before, confidence=self.config.confidence, seed=options.seed)
        self._booster = self._grown(lessons, options)
        return RankerVerdict(
            used=lead.low > 0,
            members=len(first.members),
            fewest=self.config.fewest,
            blend=float(before.mean()),
            ranked=float(after.mean()),
            low=lead.low,
            high=lead.high,
        )

    def correct(self, rows: Floats) -> Floats:
        """(entries,) what is added to the blend's score of each.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        booster = self._trees()
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        # One member's list is too short to share among threads.
        said = np.asarray(booster.predict(rows, num_threads=1), dtype=np.float32)
        return (said * np.float32(self.strength / self.spread)).astype(np.float32)

    def importance(self) -> dict[str, float]:
        """The share of the total gain that each feature brought, largest first.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        gains = self._trees().feature_importance("gain")
        shares = dict(zip(self.features, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def state(self) -> RankerState:
        """What `of_state` makes the same ranker from."""
        trees = self._trees().model_to_string()
        return RankerState(features=self.features, strength=self.strength, spread=self.spread, trees=trees)

    @classmethod
    def of_state(cls, state: RankerState, config: RankerConfig) -> Self:
        """The ranker that `state` told of."""
        import lightgbm

        model = cls(state.features, config)
        model.strength, model.spread = state.strength, state.spread
        model._booster = lightgbm.Booster(model_str=state.trees)
        return model

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees as LightGBM's text; what is to be kept beside them, as JSON can hold it."""
        state = self.state()
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_text(state.trees, encoding="utf-8")
        return state.model_dump(mode="json", exclude={"trees"})

    @classmethod
    def load(cls, folder: Path, kept: dict[str, Any], config: RankerConfig) -> Self:
        """Read back what `save` wrote and told."""
        trees = (folder / FILE).read_text(encoding="utf-8")
        return cls.of_state(RankerState.model_validate({**kept, "trees": trees}), config)

    def _trees(self) -> "Booster":
        if self._booster is None:
            raise NotFittedError("the ranker has learned nothing yet; call fit or load first")
        return self._booster

    def _grown(self, lessons: Sequence[Lesson], options: Options) -> "Booster":
        import lightgbm

        useful = [lesson.of(lesson.found) for lesson in lessons]
        if not any(len(lesson.lengths) for lesson in useful):
            raise TooLittleDataError("no member chose any of their candidates; hold out more events")
        settings = boosting(
            options,
            objective="lambdarank",
            lambdarank_truncation_level=20,
            # What any source likes better never counts against an item, so an event taken away is missed.
            monotone_constraints=[_direction(name) for name in self.features],
            max_bin=127,
            num_leaves=self.config.leaves,
            learning_rate=self.config.learning_rate,
            min_data_in_leaf=self.config.least_rows,
            feature_fraction=0.6,
            bagging_fraction=0.8,
            bagging_freq=1,
            bagging_by_query=True,
            lambda_l2=10.0,
        )
        data = lightgbm.Dataset(
            np.concatenate([lesson.rows for lesson in useful]),
            label=np.concatenate([lesson.chosen for lesson in useful]),
            group=np.concatenate([lesson.lengths for lesson in useful]),
            feature_name=[name.replace(" ", "_").replace("'", "") for name in self.features],
        )
        return lightgbm.train(settings, data, self.config.trees)


def _direction(feature: str) -> int:
    if feature == "blend" or feature in SOURCES or feature in SOCIAL_FEATURES:
        return 1
    return -1 if feature.startswith(RANK_BY) else 0


def _folds(lessons: Sequence[Lesson], options: Options) -> Rows:
    """(members,) the part that each member's choices are judged in, by member row."""
    last = max(int(lesson.members.max(initial=0)) for lesson in lessons)
    return options.rng().permutation(last + 1) % FOLDS
