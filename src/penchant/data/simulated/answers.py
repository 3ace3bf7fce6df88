"""What was planted in a simulated bazaar, kept beside it: the answers that systems are judged against."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from penchant.artifacts import storage_errors, write_atomically
from penchant.data.simulated.catalogue import LEVEL_ACCEPTED, Goods, moments
from penchant.data.simulated.config import INTERESTS, SimulatedConfig
from penchant.data.simulated.people import ANOMALIES, DRIFTS, TIERS, People, Shares, full_profile
from penchant.data.simulated.segments import AGE_BANDS, BUYER_KINDS, SEGMENTS
from penchant.data.simulated.wares import LANGUAGES, interests
from penchant.errors import ReadError
from penchant.vectors import Rows

_FRAMES: Final = ("members", "tiers", "items", "interests", "segments")
_CONFIG: Final = "config.json"

Period = Literal["before", "after"]


@dataclass(frozen=True, eq=False)
class SimulatedAnswers:
    """The planted truths, as frames.

    An interest is a number from 0 to 47; `interests` gives its path in both languages.
    """

    config: SimulatedConfig
    members: pl.DataFrame
    """One row a member, in the community's order: member_id, segment, language, age_band, buyer_kind, price_level,
    drift (none, abrupt, gradual, blip, seasonal), drift_at, severity, anomaly (none, bot, returner, review ring,
    takeover), anomaly_from."""
    tiers: pl.DataFrame
    """One row a member, period (before, after the change) and interest: tier (core, regular, latent) and the share of
    visits it draws. Members who do not drift have the period before alone."""
    items: pl.DataFrame
    """One row an item, in the community's order: item_id, interest, language, price_level, quality, popularity."""
    interests: pl.DataFrame
    """interest, zh, en: the number and the path in both languages."""
    segments: pl.DataFrame
    """segment, zh, en: the number and the name in both languages."""

    @cached_property
    def interest_of(self) -> dict[str, int]:
        """The interest behind a category path, in either language."""
        paths = self.interests
        return dict(zip(paths["zh"], paths["interest"])) | dict(zip(paths["en"], paths["interest"]))  # noqa: B905

    def profiles(self, period: Period = "before") -> Shares:
        """(members, interests) the share of visits that each interest draws, background included; rows add up to one.

        In the period `after`, of a member who has drifted at full severity.
        """
        rows = self.tiers.filter(pl.col("period") == "before")
        if period == "after":
            changed = self.tiers.filter(pl.col("period") == "after")
            rows = pl.concat([rows.join(changed, on="member_id", how="anti"), changed])
        numbers = self.members.select("member_id").with_row_index("row")
        placed = rows.join(numbers, on="member_id")
        shares = np.zeros((len(self.members), INTERESTS))
        shares[placed["row"].to_numpy(), placed["interest"].to_numpy()] = placed["share"].to_numpy()
        return full_profile(self.config, shares)

    def affinity(self, rows: Rows, period: Period = "before") -> Shares:
        """(rows, items) how likely a visit of each member goes to each item, up to a factor: an oracle's ranking.

        Interests, languages, price levels and popularity count; the age of items is left out.
        """
        interest, popularity = (self.items[name].to_numpy() for name in ("interest", "popularity"))
        within = popularity / np.bincount(interest, weights=popularity, minlength=INTERESTS)[interest]
        mine = self.members[rows]
        same = mine["language"].to_numpy()[:, None] == self.items["language"].to_numpy()[None, :]
        other = self.config.other_language_share
        apart = np.abs(mine["price_level"].to_numpy()[:, None] - self.items["price_level"].to_numpy()[None, :])
        suits = LEVEL_ACCEPTED[apart] * np.where(same, 1 - other, other)
        return self.profiles(period)[rows][:, interest] * within * suits

    def save(self, folder: Path) -> None:
        """Write the answers as Parquet and the configuration as JSON.

        Raises:
            StorageError: the folder cannot be written.
        """
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in _FRAMES:
                getattr(self, name).write_parquet(folder / f"{name}.parquet")
        write_atomically(folder / _CONFIG, self.config.model_dump_json(indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> "SimulatedAnswers":
        """Read back what `save` wrote.

        Raises:
            ReadError: the folder does not hold the answers of a simulation.
        """
        try:
            config = SimulatedConfig.model_validate_json((folder / _CONFIG).read_bytes())
            frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in _FRAMES}
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise ReadError(f"{folder} does not hold the answers of a simulated community ({error})") from error
        return cls(config=config, **frames)


def answers_of(
    config: SimulatedConfig, people: People, goods: Goods, members: pl.Series, items: pl.Series
) -> SimulatedAnswers:
    """What was drawn, as frames in the community's order."""
    languages = np.array(LANGUAGES)
    wares = interests()
    return SimulatedAnswers(
        config=config,
        members=pl.DataFrame(
            {
                "member_id": members,
                "segment": people.segment,
                "language": languages[people.language],
                "age_band": np.array(AGE_BANDS)[people.age],
                "buyer_kind": np.array(BUYER_KINDS)[people.buyer],
                "price_level": people.level,
                "drift": np.array(DRIFTS)[people.drift],
                "drift_at": moments(config, people.onset),
                "severity": people.severity,
                "anomaly": np.array(ANOMALIES)[people.anomaly],
                "anomaly_from": moments(config, people.odd_from),
            }
        ),
        tiers=pl.concat(
            [
                _tier_rows(members, people.tier_before, people.before, "before", np.ones(len(people), dtype=bool)),
                _tier_rows(members, people.tier_after, people.after, "after", people.drift > 0),
            ]
        ),
        items=pl.DataFrame(
            {
                "item_id": items,
                "interest": goods.interest,
                "language": languages[goods.language],
                "price_level": goods.level,
                "quality": goods.quality,
                "popularity": goods.weight,
            }
        ),
        interests=pl.DataFrame(
            {
                "interest": range(len(wares)),
                "zh": [ware.path("zh") for ware in wares],
                "en": [ware.path("en") for ware in wares],
            }
        ),
        segments=pl.DataFrame(
            {
                "segment": range(len(SEGMENTS)),
                "zh": [segment.name.zh for segment in SEGMENTS],
                "en": [segment.name.en for segment in SEGMENTS],
            }
        ),
    )


def _tier_rows(members: pl.Series, tier: np.ndarray, share: Shares, period: Period, who: np.ndarray) -> pl.DataFrame:
    row, interest = np.nonzero((tier > 0) & who[:, None])
    return pl.DataFrame(
        {
            "member_id": members.gather(row),
            "period": [period] * len(row),
            "interest": interest,
            "tier": np.array(TIERS)[tier[row, interest]],
            "share": share[row, interest],
        },
        schema_overrides={"period": pl.String, "tier": pl.String},
    ).sort("member_id", "share", descending=[False, True])
