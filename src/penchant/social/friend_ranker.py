"""Whom to suggest first: boosted trees over nearness and taste, learned from ties that were hidden for it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors
from penchant.errors import NotFittedError
from penchant.evaluation.bootstrap import interval
from penchant.language import Lang, Phrase
from penchant.social.friend_features import FriendFeatures, Pairs
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, chunks

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
    "friends in common (Adamic–Adar): a ranker is learned from {fewest:,} hidden ties, and there are {ties:,}",
    "共同好友（Adamic–Adar）：学习排序模型需要 {fewest:,} 条隐藏关系，目前只有 {ties:,} 条",
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
    most_members: PositiveInt = 4_000
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
            _Lesson.of(features, every[order[part * hidden : (part + 1) * hidden]], config, options.seed + part)
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

    def _grown(self, lessons: Sequence["_Lesson"], options: Options) -> "Booster":
        import lightgbm

        settings: dict[str, Any] = {
            "objective": "lambdarank",
            "lambdarank_truncation_level": 2 * self.config.cutoff,
            "max_bin": 127,
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": self.config.least_rows,
            "feature_fraction": 0.6,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 10.0,
            "seed": options.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": options.threads or 0,
            "verbosity": -1,
        }
        taught = [lesson.taught(self.config.others_each) for lesson in lessons]
        data = lightgbm.Dataset(
            np.concatenate([part[0] for part in taught]),
            label=np.concatenate([part[1] for part in taught]),
            group=np.concatenate([part[2] for part in taught]),
            feature_name=[name.replace(" ", "_").replace("'", "") for name in self.features],
        )
        return lightgbm.train(settings, data, self.config.trees)


class _Lesson:
    """Members with hidden ties, their candidates without them, and which of these were hidden."""

    def __init__(self, pairs: Pairs, found: np.ndarray, hidden: Rows, seed: int) -> None:
        self.pairs = pairs
        self.found = found
        """(pairs,) whether the pair is a hidden tie."""
        self.hidden = hidden
        """(members with hidden ties,) how many each has, also those that are no candidates."""
        self._seed = seed

    @classmethod
    def of(cls, features: FriendFeatures, hidden: Rows, config: FriendRankerConfig, seed: int) -> "_Lesson":
        away = without_ties(features, hidden)
        wanted = tie_matrix(hidden, away.graph.member_count, both_ways=not features.directed)
        members = np.flatnonzero(np.diff(wanted.indptr)).astype(np.int64)
        if len(members) > config.most_members:
            members = np.sort(np.random.default_rng(seed).choice(members, config.most_members, replace=False))
        pairs = gathered_pairs(away, members)
        found = np.asarray(wanted[pairs.members, pairs.others]).ravel() > 0 if len(pairs.members) else np.zeros(0, bool)
        return cls(pairs, found, np.diff(wanted.indptr)[members], seed)

    def hits(self, scores: Floats, k: int) -> NDArray[np.float64]:
        """(hidden ties,) one for each that stands among the first k of its member."""
        order = np.lexsort((self.pairs.others, -scores, self.pairs.members))
        first = np.concatenate([[0], np.flatnonzero(np.diff(self.pairs.members[order])) + 1])
        lengths = np.diff(np.concatenate([first, [len(order)]]))
        place = np.arange(len(order)) - np.repeat(first, lengths)
        inside = int((self.found[order] & (place < k)).sum())
        hits = np.zeros(int(self.hidden.sum()))
        hits[:inside] = 1
        return hits

    def taught(self, others_each: int) -> tuple[Floats, np.ndarray, Rows]:
        """Features, labels and lengths of the lists of members of whom a hidden tie is among the candidates."""
        members = self.pairs.members
        has = np.isin(members, members[self.found])
        counts = np.bincount(members, minlength=int(members.max(initial=0)) + 1)
        chance = others_each / np.maximum(counts[members], 1)
        kept = has & (self.found | (np.random.default_rng(self._seed).random(len(members)) < chance))
        lengths = np.unique(members[kept], return_counts=True)[1]
        return self.pairs.features[kept], self.found[kept], lengths.astype(np.int64)


def without_ties(features: FriendFeatures, hidden: Rows) -> FriendFeatures:
    """The same features over the graph without some ties.

    Args:
        features: over the whole graph.
        hidden: (ties, 2) member rows.
    """
    ties = features.graph.ties
    gone = tie_matrix(hidden, ties.shape[0], both_ways=not features.directed)
    left = (ties - ties.multiply(gone > 0)).tocsr()
    left.eliminate_zeros()
    graph = replace(features.graph, ties=left)
    return FriendFeatures(
        graph, features.config, directed=features.directed, vectors=features.vectors, taste=features.taste
    )


def gathered_pairs(features: FriendFeatures, members: Rows) -> Pairs:
    """Pairs of many members, found a few members at a time."""
    parts = list(_in_parts(features, members))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Pairs(empty, empty, np.zeros((0, len(features.names)), dtype=np.float32))
    return Pairs(
        np.concatenate([part.members for part in parts]),
        np.concatenate([part.others for part in parts]),
        np.concatenate([part.features for part in parts]),
    )


def _in_parts(features: FriendFeatures, members: Rows) -> Iterator[Pairs]:
    for part in chunks(len(members), features.config.members_at_once(features.graph.member_count)):
        yield features.pairs(members[part])


def each_tie(features: FriendFeatures) -> Rows:
    """(ties, 2) each tie once: from who looks to whom, or, where ties are mutual, the smaller row first."""
    ties = features.near.directed if features.directed else sp.triu(features.near.ties, 1)
    cells = ties.tocoo()
    return np.stack([cells.row, cells.col], axis=1).astype(np.int64)


def tie_matrix(pairs: Rows, size: int, *, both_ways: bool) -> sp.csr_matrix:
    """(members, members) ones at some ties.

    Args:
        pairs: (ties, 2) member rows.
        size: members in all.
        both_ways: whether each tie stands in both directions.
    """
    first, second = pairs[:, 0], pairs[:, 1]
    if both_ways:
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    return sp.csr_matrix((np.ones(len(first), dtype=np.float32), (first, second)), shape=(size, size))
