"""Whom to suggest first: boosted trees over nearness and taste, learned from ties that were hidden for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors
from penchant.errors import NotFittedError
from penchant.evaluation.bootstrap import interval
from penchant.language import Lang, Phrase
from penchant.social.friend_features import FriendFeatures
from penchant.social.hidden_ties import Lesson, each_tie
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from lightgbm import Booster

FILE: Final = "friends.txt"
PLAIN: Final = "adamic adar"
"""The feature that orders candidates where nothing was learned, and that the ranker must beat."""

LEARNED: Final = Phrase(
    "a ranker over ties and taste: {ranked:.1%} of hidden ties among the first {k}, by friends in common {plain:.1%}",
    "关系与喜好的排序模型：隐藏的关系有 {ranked:.1%} 排进前 {k} 名，仅凭共同好友为 {plain:.1%}",
)
NO_BETTER: Final = Phrase(
    "friends in common (Adamic–Adar): a ranker found {ranked:.1%} of hidden ties against {plain:.1%}, "
    "which is not surely better",
    "共同好友（Adamic–Adar）：排序模型找回 {ranked:.1%} 的隐藏关系，共同好友为 {plain:.1%}，不足以确认更好",
)
TOO_FEW: Final = Phrase(
    "friends in common (Adamic–Adar): a ranker is learned from {fewest:,} hidden ties at a time, and there are "
    "{ties:,} in all",
    "共同好友（Adamic–Adar）：学习排序模型每次需要 {fewest:,} 条隐藏关系，目前共有 {ties:,} 条",
)
NO_TIES: Final = Phrase(
    "like taste: this community has no ties yet",
    "相近的喜好：本社区还没有任何关系",
)


class FriendRankerConfig(BaseModel):
    """How an order is learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Off, friends in common decide."""
    parts: int = Field(default=8, ge=2)
    """Parts of the ties that are hidden one after the other; the first judges what the others teach."""
    hidden: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the ties in a part."""
    fewest: PositiveInt = 200
    """Hidden ties in a part, below whom nothing is learned."""
    trees: PositiveInt = 300
    leaves: PositiveInt = Field(default=15, ge=2)
    learning_rate: PositiveFloat = 0.05
    least_rows: PositiveInt = 50
    """Pairs that a leaf holds at least."""
    others_each: PositiveInt = 30
    """Pairs without a tie that a member teaches by, of all their candidates: enough, and many times quicker."""
    most_members: PositiveInt = 1_500
    """Members with a hidden tie that a part teaches by at most."""
    cutoff: PositiveInt = 20
    """Length of the lists that are judged."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """The ranker is used where this interval of its lead lies above zero."""


class FriendVerdict(BaseModel):
    """What orders the candidates, and what that rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    used: bool = False
    ties: int
    """Ties there are to learn from."""
    fewest: int
    """Ties wanted in a part."""
    cutoff: int
    plain: float | None = None
    """Share of hidden ties that friends in common put among the first; None where nothing was learned."""
    ranked: float | None = None
    """Share that the ranker does."""

    def told(self, lang: Lang = "en") -> str:
        """In a sentence."""
        if not self.ties:
            return NO_TIES(lang)
        if self.plain is None:
            return TOO_FEW(lang, fewest=self.fewest, ties=self.ties)
        return (LEARNED if self.used else NO_BETTER)(lang, ranked=self.ranked, plain=self.plain, k=self.cutoff)


class FriendRanker:
    """LambdaMART (Burges, 2010) as LightGBM has it, over the features of `FriendFeatures`."""

    def __init__(self, features: Sequence[str], config: FriendRankerConfig | None = None) -> None:
        self.features = tuple(features)
        self.config = config or FriendRankerConfig()
        self._booster: Booster | None = None

    def fit(self, features: FriendFeatures, options: Options) -> FriendVerdict:
        """Hide ties, learn to find them from the rest, and judge by a part that did not teach."""
        config = self.config
        every = each_tie(features)
        hidden = round(len(every) * config.hidden)
        verdict = FriendVerdict(ties=len(every), fewest=config.fewest, cutoff=config.cutoff)
        if not config.enabled or hidden < config.fewest or hidden * config.parts > len(every):
            return verdict
        order = options.rng().permutation(len(every))
        lessons = [
            Lesson.of(
                features, every[order[part * hidden : (part + 1) * hidden]], config.most_members, options.seed + part
            )
            for part in range(config.parts)
        ]
        first, *rest = lessons
        self._booster = self._grown(rest, options)
        plain = first.hits(first.pairs.column(self.features, PLAIN), config.cutoff)
        ranked = first.hits(self.score(first.pairs.features), config.cutoff)
        lead = interval(ranked - plain, confidence=config.confidence, seed=options.seed)
        self._booster = self._grown(lessons, options) if lead.low > 0 else None
        return verdict.model_copy(
            update={"used": lead.low > 0, "plain": float(plain.mean()), "ranked": float(ranked.mean())}
        )

    @property
    def has_learned(self) -> bool:
        """Whether there are trees to score by."""
        return self._booster is not None

    def score(self, features: Floats) -> Floats:
        """(pairs,) larger is better, among the candidates of one member.

        Raises:
            NotFittedError: nothing was learned.
        """
        booster = self._trees()
        if not len(features):
            return np.zeros(0, dtype=np.float32)
        return np.asarray(booster.predict(features, num_threads=1), dtype=np.float32)

    def importance(self) -> dict[str, float]:
        """The share of the total gain that each feature brought, largest first."""
        gains = self._trees().feature_importance("gain")
        shares = dict(zip(self.features, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def save(self, folder: Path) -> None:
        """Write the trees as LightGBM's text; nothing where nothing was learned."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).unlink(missing_ok=True)
            if self._booster is not None:
                (folder / FILE).write_text(self._booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, features: Sequence[str], config: FriendRankerConfig) -> Self:
        """Read back what `save` wrote."""
        import lightgbm

        ranker = cls(features, config)
        ranker._booster = lightgbm.Booster(model_str=(folder / FILE).read_text(encoding="utf-8"))
        return ranker

    def _trees(self) -> "Booster":
        if self._booster is None:
            raise NotFittedError("the friend ranker has learned nothing; call fit or load first")
        return self._booster

    def _grown(self, lessons: Sequence[Lesson], options: Options) -> "Booster":
        import lightgbm

        settings = boosting(
            options,
            objective="lambdarank",
            lambdarank_truncation_level=2 * self.config.cutoff,
            max_bin=127,
            num_leaves=self.config.leaves,
            learning_rate=self.config.learning_rate,
            min_data_in_leaf=self.config.least_rows,
            feature_fraction=0.6,
            bagging_fraction=0.7,
            bagging_freq=1,
            lambda_l2=10.0,
        )
        taught = [lesson.taught(self.config.others_each) for lesson in lessons]
        data = lightgbm.Dataset(
            np.concatenate([part[0] for part in taught]),
            label=np.concatenate([part[1] for part in taught]),
            group=np.concatenate([part[2] for part in taught]),
            feature_name=[name.replace(" ", "_").replace("'", "") for name in self.features],
        )
        return lightgbm.train(settings, data, self.config.trees)
