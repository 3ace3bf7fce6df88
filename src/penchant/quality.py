"""How good a build's recommendations are: held-out events, ours beside the baselines and without the language model."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from penchant.artifacts import write_atomically
from penchant.data.community import Community
from penchant.data.splits import Split, last_split
from penchant.errors import ArtifactError, TooLittleDataError
from penchant.evaluation.bootstrap import interval, paired_difference
from penchant.recommend.setup import Setup
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows

if TYPE_CHECKING:
    from penchant.recommend import Evaluation, RecommendConfig, Recommender

OURS: Final = "penchant"
WITHOUT: Final = "without language model"
METRICS: Final = ("ndcg@10", "recall@10", "hit@10", "mrr")
K: Final = 10
MOST_JUDGED: Final = 5_000
"""Members that are judged, a random sample where there are more: enough for intervals a person can tell apart."""

_FILE: Final = "quality.json"


class Measured(BaseModel):
    """A figure, the ends of its 95% bootstrap interval where it has one, as fractions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None = None
    high: float | None = None


class Against(BaseModel):
    """How far ours is ahead of another on the same members in NDCG@10, by paired bootstrap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    p_value: float


class LoggedFigures(BaseModel):
    """What the places that tried new items earned, and what the model's favourites there would have (SNIPS)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: int
    reward: float
    ips: Measured
    snips: Measured


class Quality(BaseModel):
    """What the evaluation of a build found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str | None = None
    """Why nothing could be measured; None where it was."""
    members: int = 0
    """Members with a held-out event."""
    events: int = 0
    """Events held out."""
    items: int = 0
    """Items that each ranking orders."""
    systems: dict[str, dict[str, Measured]] = {}
    """Figures by system and metric: `OURS`, `WITHOUT`, and each source of the blend alone."""
    differences: dict[str, Against] = {}
    """Ours minus another, by the other's name."""
    logged: LoggedFigures | None = None
    """What the log of shown lists tells; None where there is none."""
    setup: Setup | None = None
    """The settings and weights judged, which the recommender served may take over: they were found on events before
    those judged. None where too few members have such events to find any."""

    def write(self, folder: Path) -> None:
        """Keep it as JSON.

        Raises:
            StorageError: the folder cannot be written.
        """
        write_atomically(folder / _FILE, self.model_dump_json(indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> "Quality":
        """Read back what `write` wrote.

        Raises:
            ArtifactError: there is nothing of the kind.
        """
        try:
            return cls.model_validate_json((folder / _FILE).read_bytes())
        except (OSError, ValueError) as error:
            raise ArtifactError(f"the evaluation in {folder} cannot be read ({error}); build again") from error


def measure(
    community: Community, config: "RecommendConfig", options: Options, *, encoder: Encoder | None = None
) -> Quality:
    """Hold each member's last event out, tune on the one before it, fit on the rest, and judge.

    Each source of the blend is judged alone too, with the settings that were found for it; where it has nothing to say
    of a member, popularity answers.

    Args:
        community: whose recommender is judged.
        config: as for `recommend.train`.
        options: as for `recommend.train`.
        encoder: as for `recommend.train`; without one there is no language model to leave out.
    """
    from penchant.recommend import evaluate, fit
    from penchant.recommend.recipe import reweighed

    try:
        config = config.on(community)
        split = last_split(
            community, options.seed, weights=config.event_weights, unseen=not config.rules.repeat_purchases
        )
        fitted = fit(split.train, split.validation, config, options, encoder=encoder)
        sample = _sampled(split, options)
        ours = evaluate(fitted.recommender, sample, k=K)
        if len(ours.members) < 2:
            raise TooLittleDataError(f"{len(ours.members)} members have an event that can be held out")
    except TooLittleDataError as error:
        return Quality(reason=str(error))
    found = {OURS: ours}
    if encoder is not None:
        found[WITHOUT] = evaluate(reweighed(fitted, "text", options), sample, k=K)
    for name, model in _alone(fitted.recommender):
        found[name] = evaluate(model, sample, k=K)
    item_count = len(community.items)
    return Quality(
        members=len(ours.members),
        events=len(sample.test.events),
        items=item_count,
        systems={name: _figures(one, item_count, options.seed) for name, one in found.items()},
        differences={name: _against(ours, one, options.seed) for name, one in found.items() if name != OURS},
        logged=_logged(ours),
        setup=None if fitted.is_by_chance else fitted.setup,
    )


def _logged(found: "Evaluation") -> LoggedFigures | None:
    one = found.logged
    if one is None:
        return None
    plain, normalised = (Measured(value=it.value, low=it.low, high=it.high) for it in (one.ips, one.snips))
    return LoggedFigures(lines=one.lines, reward=one.reward, ips=plain, snips=normalised)


def _alone(model: "Recommender") -> Iterator[tuple[str, "Recommender"]]:
    from penchant.recommend.opinions import POPULARITY

    for name in model.weights:
        yield name, model.with_weights({POPULARITY: 0.0} | {name: 1.0})


def _sampled(split: Split, options: Options) -> Split:
    members: Rows = split.test.events["member"].unique().sort().to_numpy()
    if len(members) <= MOST_JUDGED:
        return split
    chosen = options.rng().choice(members, MOST_JUDGED, replace=False)
    kept = np.isin(split.test.events["member"].to_numpy(), chosen)
    return Split(split.train, split.validation, split.test.with_events(split.test.events.filter(kept)))


def _figures(found: "Evaluation", item_count: int, seed: int) -> dict[str, Measured]:
    from penchant.evaluation.ranking import coverage

    figures = {}
    for metric in METRICS:
        one = interval(found.metrics.per_member[metric], seed=seed)
        figures[metric] = Measured(value=one.value, low=one.low, high=one.high)
    return figures | {"coverage": Measured(value=coverage(found.ranked, item_count))}


def _against(ours: "Evaluation", theirs: "Evaluation", seed: int) -> Against:
    key = f"ndcg@{K}"
    one = paired_difference(ours.metrics.per_member[key], theirs.metrics.per_member[key], seed=seed)
    return Against(value=one.value, low=one.low, high=one.high, p_value=one.p_value)
