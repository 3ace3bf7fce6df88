"""An order of the candidates learned over the sources, used where it is better than the blend beyond chance."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict

from penchant.artifacts import storage_errors
from penchant.errors import ArtifactError
from penchant.evaluation.bootstrap import interval
from penchant.language import Lang, Phrase
from penchant.social.config import RankerConfig
from penchant.social.features import direction
from penchant.social.opinions import Candidates
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from lightgbm import Booster

FILE: Final = "ranker.txt"
FOLDS: Final = 4
LEAST_LIFT: Final = 0.005
"""A lift of the first part of the members below this share is not worth learning on."""
STRENGTHS: Final = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5)

TOO_FEW: Final = Phrase(
    "no ranker: {members} members have held-out events, {fewest} are needed",
    "未学习排序模型：只有 {members} 位会员有留出行为，至少需要 {fewest} 位",
)
ORDERS: Final = Phrase(
    "the ranker orders the candidates: NDCG {ranked:.4f} against {blend:.4f} of the blend",
    "由排序模型排序：NDCG {ranked:.4f}，加权融合为 {blend:.4f}",
)
NO_BETTER: Final = Phrase(
    "the blend orders the candidates: NDCG {blend:.4f}, the ranker's {ranked:.4f} is no better beyond chance",
    "由加权融合排序：NDCG {blend:.4f}，排序模型 {ranked:.4f} 未显著更好",
)


class RankerVerdict(BaseModel):
    """Whether the ranker is used, judged on members whose choices its trees had not seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    used: bool
    members: int
    fewest: int
    blend: float | None = None
    """Mean NDCG of the blend; None where nothing was learned."""
    ranked: float | None = None
    low: float | None = None
    """Lower end of the interval of the ranker's lead."""

    def told(self, lang: Lang = "en") -> str:
        """In a sentence."""
        if self.blend is None:
            return TOO_FEW(lang, members=self.members, fewest=self.fewest)
        return (ORDERS if self.used else NO_BETTER)(lang, ranked=self.ranked, blend=self.blend)


class Ranker:
    """LambdaMART (Burges, 2010) as LightGBM has it; what its trees say is added to the blend's score.

    So a score stays a sum in which an event or a tie can be missed, and the blend's knowledge is kept where there is
    little to learn from.
    """

    def __init__(self, features: tuple[str, ...], booster: "Booster", strength: float, spread: float) -> None:
        self.features = features
        self.strength = strength
        self.spread = spread
        self._booster = booster

    @classmethod
    def learn(
        cls,
        rows: Floats,
        candidates: Candidates,
        relevant: sp.csr_matrix,
        features: tuple[str, ...],
        config: RankerConfig,
        options: Options,
        *,
        cutoff: int = 10,
    ) -> tuple[Self | None, RankerVerdict]:
        """Learn from members' choices, and judge what it is worth by members left out.

        Each part of the members is ordered by trees grown on the others, with the strength that does best for the
        others. Then trees are grown on everyone.

        Args:
            rows: (entries, features) of the candidates; the first column is the blend.
            candidates: whose entries those are.
            relevant: (members, items) nonzero where a held-out item was liked.
            features: names of the columns.
            config: how to learn.
            options: seed and threads.
            cutoff: length of the lists whose NDCG decides.
        """
        owners = candidates.owners
        chosen = np.asarray(relevant[owners, candidates.items], dtype=np.float32).ravel() > 0
        lengths = np.diff(candidates.offsets)
        teaching = np.bincount(owners, chosen, minlength=len(lengths)) > 0
        count = int(teaching.sum())
        if not config.enabled or count < config.fewest:
            return None, RankerVerdict(used=False, members=count, fewest=config.fewest)
        wanted = np.diff(relevant.indptr)
        fold = options.rng().permutation(len(lengths)) % FOLDS
        said = np.zeros(len(rows), dtype=np.float32)
        for part in range(FOLDS):
            booster = _grown(rows, chosen, lengths, teaching & (fold != part), features, config, options)
            own = (fold == part)[owners]
            said[own] = booster.predict(rows[own], num_threads=1)
            if part == 0 and not _promising(rows[own], said[own], owners[own], chosen[own], wanted, cutoff):
                worth = float(_ndcg(rows[:, 0], owners, chosen, wanted, cutoff).mean())
                return None, RankerVerdict(
                    used=False, members=count, fewest=config.fewest, blend=worth, ranked=worth, low=0.0
                )
        spread = float(said.std()) or 1.0
        tried = np.stack(
            [_ndcg(rows[:, 0] + size * said / spread, owners, chosen, wanted, cutoff) for size in STRENGTHS]
        )
        after = np.empty(len(lengths))
        for part in range(FOLDS):
            own = fold == part
            after[own] = tried[int(tried[:, ~own].mean(axis=1).argmax()), own]
        lead = interval(after - tried[0], confidence=config.confidence, seed=options.seed)
        booster = _grown(rows, chosen, lengths, teaching, features, config, options)
        verdict = RankerVerdict(
            used=lead.low > 0,
            members=count,
            fewest=config.fewest,
            blend=float(tried[0].mean()),
            ranked=float(after.mean()),
            low=lead.low,
        )
        return cls(features, booster, STRENGTHS[int(tried.mean(axis=1).argmax())], spread), verdict

    def correct(self, rows: Floats) -> Floats:
        """(entries,) what is added to the blend's score of each."""
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        said = np.asarray(self._booster.predict(rows, num_threads=1), dtype=np.float32)
        return said * np.float32(self.strength / self.spread)

    def importance(self) -> dict[str, float]:
        """The share of the total gain that each feature brought, largest first."""
        gains = self._booster.feature_importance("gain")
        shares = dict(zip(self.features, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees as LightGBM's text; what is to be kept beside them, as JSON can hold it."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_text(self._booster.model_to_string(), encoding="utf-8")
        return {"features": list(self.features), "strength": self.strength, "spread": self.spread}

    @classmethod
    def load(cls, folder: Path, kept: dict[str, Any]) -> Self:
        """Read back what `save` wrote and told.

        Raises:
            ArtifactError: the trees are not there.
        """
        import lightgbm

        try:
            trees = (folder / FILE).read_text(encoding="utf-8")
        except OSError as error:
            raise ArtifactError(f"{folder / FILE} cannot be read ({error}); build it again") from error
        return cls(tuple(kept["features"]), lightgbm.Booster(model_str=trees), kept["strength"], kept["spread"])


def _grown(
    rows: Floats,
    chosen: np.ndarray,
    lengths: Rows,
    members: np.ndarray,
    features: tuple[str, ...],
    config: RankerConfig,
    options: Options,
) -> "Booster":
    import lightgbm

    kept = np.repeat(members, lengths)
    settings = boosting(
        options,
        objective="lambdarank",
        lambdarank_truncation_level=20,
        monotone_constraints=[direction(name) for name in features],
        max_bin=127,
        num_leaves=config.leaves,
        learning_rate=config.learning_rate,
        min_data_in_leaf=100,
        feature_fraction=0.6,
        bagging_fraction=0.8,
        bagging_freq=1,
        bagging_by_query=True,
        lambda_l2=10.0,
    )
    names = [name.replace(" ", "_") for name in features]
    data = lightgbm.Dataset(
        rows[kept], label=chosen[kept].astype(np.float32), group=lengths[members], feature_name=names
    )
    return lightgbm.train(settings, data, config.trees)


def _promising(
    rows: Floats, said: Floats, owners: Rows, chosen: np.ndarray, wanted: Rows, cutoff: int
) -> bool:  # fmt: skip
    """Whether any strength lifts the first part of the members at all; if not, the other parts need no trees."""
    spread = float(said.std()) or 1.0
    tried = [_ndcg(rows[:, 0] + size * said / spread, owners, chosen, wanted, cutoff).sum() for size in STRENGTHS]
    return max(tried[1:]) > (1 + LEAST_LIFT) * tried[0]


def _ndcg(scores: Floats, owners: Rows, chosen: np.ndarray, wanted: Rows, cutoff: int) -> np.ndarray:
    """(members,) NDCG of the candidates in the order of some scores."""
    order = np.lexsort((-scores, owners))
    starts = np.searchsorted(owners, np.arange(len(wanted)), side="left")
    place = np.arange(len(order)) - starts[owners[order]]
    gains = np.where((place < cutoff) & chosen[order], 1 / np.log2(place + 2), 0)
    best = np.concatenate([[1.0], np.cumsum(1 / np.log2(np.arange(2, cutoff + 2)))])[np.minimum(wanted, cutoff)]
    return np.bincount(owners[order], gains, minlength=len(wanted)) / best
