"""Segments: members who are alike, as many as stand firm, named, and matched with those of the last build."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, model_validator

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.segments import NOBODY, Segments
from penchant.data.vocabulary import Vocabulary
from penchant.errors import NotFittedError
from penchant.language import Phrase
from penchant.members.matching import flows, matched
from penchant.members.naming import Content, SegmentNamer, described
from penchant.members.profiles import Profiles
from penchant.members.space import Numbers, Space, learned
from penchant.training.options import Options

KIND: Final = "segmenter"
TOO_FEW: Final = Phrase(
    "too little to tell: {found} members have {wanted} events or more, and {members} of them are wanted",
    "依据太少，暂不分群：只有 {found} 位会员有 {wanted} 条以上行为，至少需要 {members} 位",
)
ALIKE: Final = Phrase("all members are alike: there is nothing to part them by", "所有会员行为相同，无法分群")
_SAMPLE: Final = 20_000
"""Members that the number of segments is chosen on, at most."""


class SegmentConfig(BaseModel):
    """How members are grouped.

    >>> SegmentConfig(count=8).method
    'kmeans'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["kmeans", "gmm", "hdbscan"] = "kmeans"
    """k-means; a Gaussian mixture, whose groups may differ in spread; or HDBSCAN (Campello et al., 2013), which finds
    the number by itself and leaves members between groups to the nearest one."""
    count: PositiveInt | None = None
    """How many segments; None chooses among `least` to `most`."""
    least: int = Field(default=6, ge=2)
    """Fewest segments that are tried."""
    most: int = Field(default=12, ge=2)
    """Most segments that are tried."""
    tastes: NonNegativeFloat = 1.0
    """Weight of category shares."""
    texts: NonNegativeFloat = 0.5
    """Weight of what the items' texts are about."""
    habits: NonNegativeFloat = 0.5
    """Weight of when, how often and for how much."""
    hours: NonNegativeFloat = 1.0
    """Weight of the hours of the day."""
    axes: PositiveInt = 8
    """Dimensions of the text vectors that count."""
    fewest_events: PositiveInt = 3
    """Events below which there is too little to tell of a member."""
    fewest_members: PositiveInt = 30
    """Members with so many events, below whom there are no segments."""
    smallest: float = Field(default=0.02, ge=0, lt=0.5)
    """Least share of a segment; numbers that leave a smaller one are passed over."""
    largest: float = Field(default=0.45, gt=0, le=1)
    """Greatest share of a segment."""
    names_by: str = Field(default="words", min_length=1)
    """Who names new segments: `words`; `endpoint`, an OpenAI-compatible one that the variables `PENCHANT_ENDPOINT_…`
    tell of; or a causal model on this machine, such as `gemma-270m`. Words stand in where no name comes."""
    resamples: int = Field(default=6, ge=2)
    """Samples of the members that each number is tried on."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"from {self.least} to {self.most} segments is no range; least must not exceed most")
        if not self.tastes + self.texts + self.habits + self.hours:
            raise ValueError("tastes, texts, habits and hours all weigh nothing; give one of them a weight")
        return self


@dataclass(frozen=True)
class Tried:
    """One number of segments, and how firmly they stand."""

    count: int
    stability: float
    """Mean adjusted Rand index between groupings of two samples, on the members of both."""
    silhouette: float
    """Mean silhouette (Rousseeuw, 1987), of a sample."""
    smallest: float
    largest: float


class Segmenter:
    """Groups members once, and tells anybody's group afterwards from a profile alone.

    >>> rng = np.random.default_rng(0)
    >>> values = np.vstack([rng.dirichlet([9, 1, 1], 40), rng.dirichlet([1, 9, 1], 40), rng.dirichlet([1, 1, 9], 40)])
    >>> made = Profiles(
    ...     tuple(map(str, range(120))), ("events", "share:A", "share:B", "share:C"),
    ...     np.hstack([np.full((120, 1), 50), values]).astype("float32"), None, None,
    ... )
    >>> found = Segmenter(SegmentConfig(least=2, most=4, habits=0)).fit(made).segments
    >>> len(found), found["0"].tastes[0][0]
    (3, 'A')
    """

    def __init__(self, config: SegmentConfig | None = None) -> None:
        self.config = config or SegmentConfig()
        self.space: Space | None = None
        self.middles: Numbers = np.zeros((0, 0))
        """(segments, dimensions) where each segment lies."""
        self.numbers: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        """(segments,) their numbers."""
        self.tried: tuple[Tried, ...] = ()
        self.segments: Segments | None = None

    def fit(
        self,
        made: Profiles,
        options: Options | None = None,
        *,
        before: Segments | None = None,
        content: Content | None = None,
        namer: SegmentNamer | None = None,
        first: int = 0,
    ) -> Self:
        """Group members; where there is too little, `segments` says why and holds none.

        Args:
            made: their profiles.
            options: the seed.
            before: the segments of the last build, whose numbers and names are kept where groups are the same.
            content: words of what members met, for names where items have no categories.
            namer: a language model that names new segments.
            first: the smallest number that a new segment may have.
        """
        options = options or Options()
        first = max(first, before.next_number if before is not None else 0)
        ids = Vocabulary(made.members, name="member")
        events = np.nan_to_num(made.column("events"))
        rows = np.flatnonzero(events >= self.config.fewest_events)
        if len(rows) < self.config.fewest_members:
            reason = TOO_FEW.en, TOO_FEW.zh
            fields = {"found": len(rows), "wanted": self.config.fewest_events, "members": self.config.fewest_members}
            return self._nothing(ids, Phrase(*(text.format(**fields) for text in reason)), first)
        config = self.config
        weights = (config.tastes, config.texts, config.habits, config.hours)
        if made.text is not None and not any(name.startswith("share:") for name in made.names):
            # Without categories texts alone tell tastes.
            weights = (0.0, config.tastes + config.texts, config.habits, config.hours)
        self.space = learned(made, weights, config.axes, rows)
        points = self.space.points(made)
        if not points.shape[1] or float(points[rows].std(axis=0).max()) < 1e-6:
            return self._nothing(ids, ALIKE, first)
        rng = options.rng()
        count, stability = self._chosen(points[rows], rng)
        labels = _grouped(points[rows], count, self.config, rng)
        own = np.unique(labels[labels >= 0])
        self.middles = np.stack([points[rows][labels == label].mean(axis=0) for label in own])
        nearest = self._nearest(points[rows])
        of_member = np.full(len(made), NOBODY, dtype=np.int32)
        of_member[rows] = nearest
        numbers = matched(of_member, ids, before, first=first)
        self.numbers = numbers
        of_member[rows] = numbers[nearest]
        found = described(
            made, ids, of_member, points, self.middles, numbers, before=before, content=content, stability=stability,
            flows=flows(of_member, ids, before), namer=namer,
        )  # fmt: skip
        self.segments = replace(found, next_number=max(first, int(numbers.max()) + 1))
        return self

    def place(self, made: Profiles) -> NDArray[np.int32]:
        """(members,) the number of the segment of each profile, `NOBODY` where there is too little to tell.

        Raises:
            NotFittedError: nobody was grouped yet.
        """
        if self.space is None or not len(self.middles):
            raise NotFittedError("there are no segments to place anybody in; fit first, with enough members")
        placed = self.numbers[self._nearest(self.space.points(made))]
        return np.where(np.nan_to_num(made.column("events")) >= 1, placed, NOBODY).astype(np.int32)

    def _nothing(self, ids: Vocabulary, reason: Phrase, first: int) -> Self:
        nobody = np.full(len(ids), NOBODY, dtype=np.int32)
        self.segments = Segments(ids, nobody, (), float("nan"), (), reason, first)
        return self

    def _nearest(self, points: Numbers) -> NDArray[np.int64]:
        apart = np.square(points).sum(axis=1)[:, None] - 2 * points @ self.middles.T
        return (apart + np.square(self.middles).sum(axis=1)).argmin(axis=1)

    def _chosen(self, points: Numbers, rng: np.random.Generator) -> tuple[int, float]:
        """The number that stands firmest, of those with no segment too small or large; silhouette parts equals."""
        config = self.config
        if len(points) > _SAMPLE:
            points = points[rng.choice(len(points), _SAMPLE, replace=False)]
        if config.method == "hdbscan":
            return 0, _stability(points, 0, config, rng)[0]
        if config.count is not None:
            count = min(config.count, len(points))
            return count, _stability(points, count, config, rng)[0]
        tried = []
        for count in range(config.least, min(config.most, max(config.least, len(points) // 5)) + 1):
            stability, labels = _stability(points, count, config, rng)
            shares = np.bincount(labels, minlength=count) / len(labels)
            silhouette = _silhouette(points, labels, rng)
            tried.append(Tried(count, stability, silhouette, float(shares.min()), float(shares.max())))
        self.tried = tuple(tried)
        fit = [one for one in tried if one.smallest >= config.smallest and one.largest <= config.largest] or tried
        best = max(one.stability for one in fit)
        # What lies within two hundredths of the firmest stands as firm, for all that so few samples tell.
        firm = [one for one in fit if one.stability >= best - 0.02]
        chosen = max(firm, key=lambda one: (one.silhouette, one.stability))
        return chosen.count, chosen.stability

    def save(self, folder: Path | str) -> None:
        """Write where segments lie, and whose is whose.

        Raises:
            NotFittedError: nobody was grouped yet.
        """
        if self.segments is None:
            raise NotFittedError("there are no segments to save; fit first")
        folder = Path(folder)
        self.segments.save(folder / "verdict")
        arrays: dict[str, np.ndarray] = {"middles": self.middles, "numbers": self.numbers}
        meta: dict = {"config": self.config.model_dump(mode="json"), "space": None}
        if self.space is not None:
            space = self.space
            arrays |= {
                name: getattr(space, name) for name in ("usual", "axes", "middle", "means", "scales", "usual_hours")
            }
            meta["space"] = {
                name: getattr(space, name)
                for name in ("taste_names", "taste_scale", "text_scale", "habit_names", "hours_scale", "weights")
            }
        meta["tried"] = [vars(one) for one in self.tried]
        save_artifact(folder, KIND, arrays=arrays, meta=meta, files=["verdict/manifest.json"])

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; everybody is placed as before.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        folder = Path(folder)
        saved = load_artifact(folder, KIND)
        model = cls(SegmentConfig.model_validate(saved.meta["config"]))
        model.segments = Segments.load(folder / "verdict")
        model.middles, model.numbers = saved.arrays["middles"], saved.arrays["numbers"]
        model.tried = tuple(Tried(**one) for one in saved.meta["tried"])
        space = saved.meta["space"]
        if space is not None:
            fields: dict[str, Any] = {name: tuple(it) if isinstance(it, list) else it for name, it in space.items()}
            fields |= {
                name: saved.arrays[name] for name in ("usual", "axes", "middle", "means", "scales", "usual_hours")
            }
            model.space = Space(**fields)
        return model


def _grouped(points: Numbers, count: int, config: SegmentConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """(members,) a group each; -1 for members between groups."""
    from sklearn.cluster import HDBSCAN, KMeans
    from sklearn.mixture import GaussianMixture

    seed = int(rng.integers(2**31 - 1))
    if config.method == "hdbscan":
        least = max(5, int(len(points) * config.smallest))
        labels = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(points).astype(np.int64)
        return labels if labels.max(initial=-1) >= 0 else np.zeros(len(points), dtype=np.int64)
    if config.method == "gmm":
        model = GaussianMixture(count, covariance_type="diag", n_init=3, random_state=seed, reg_covar=1e-3)
        return model.fit_predict(points).astype(np.int64)
    return KMeans(count, n_init=10, random_state=seed).fit_predict(points).astype(np.int64)


def _stability(
    points: Numbers, count: int, config: SegmentConfig, rng: np.random.Generator
) -> tuple[float, NDArray[np.int64]]:
    """Mean agreement of groupings of two samples, each of four fifths, on the members of both; and one grouping of all.

    Ben-Hur, Elisseeff and Guyon (2002).
    """
    from sklearn.metrics import adjusted_rand_score

    scores = []
    for _ in range(config.resamples // 2):
        first, second = (np.sort(rng.choice(len(points), int(0.8 * len(points)), replace=False)) for _ in range(2))
        ones, others = (_grouped(points[rows], count, config, rng) for rows in (first, second))
        shared, mine, theirs = np.intersect1d(first, second, return_indices=True)
        if len(shared):
            scores.append(adjusted_rand_score(ones[mine], others[theirs]))
    return float(np.mean(scores)) if scores else float("nan"), _grouped(points, count, config, rng)


def _silhouette(points: Numbers, labels: NDArray[np.int64], rng: np.random.Generator) -> float:
    from sklearn.metrics import silhouette_score

    if len(np.unique(labels)) < 2:
        return 0.0
    rows = rng.choice(len(points), min(len(points), 2_000), replace=False)
    return float(silhouette_score(points[rows], labels[rows])) if len(np.unique(labels[rows])) > 1 else 0.0
