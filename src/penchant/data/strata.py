"""A member's interests in tiers: the verdict that `interests` gives and every other system may take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl

from penchant.artifacts import load_artifact, save_artifact, storage_errors
from penchant.data.columns import AT, PATH_SEPARATOR
from penchant.data.verdicts import Evidence
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang, Phrase
from penchant.vectors import Rows


class Tier(StrEnum):
    """How a member holds an interest.

    `core` is strong and steady, `regular` comes back now and then, `emerging` has lately grown beyond chance, `fading`
    has lately shrunk beyond chance, `latent` has hardly shown but is predicted from similar members.
    """

    CORE = "core"
    REGULAR = "regular"
    EMERGING = "emerging"
    FADING = "fading"
    LATENT = "latent"


TIER_NAMES: Final[dict[Tier, Phrase]] = {
    Tier.CORE: Phrase("core", "核心"),
    Tier.REGULAR: Phrase("regular", "常规"),
    Tier.EMERGING: Phrase("emerging", "新兴"),
    Tier.FADING: Phrase("fading", "消退"),
    Tier.LATENT: Phrase("latent", "潜在"),
}

TOO_LITTLE: Final = Phrase(
    "too little to tell: {found:.1f} looks' worth of evidence, {wanted:.0f} are wanted",
    "依据太少，暂不判断：只有相当于 {found:.1f} 次浏览的依据，至少需要 {wanted:.0f} 次",
)

_TIERS: Final = pl.Enum([tier.value for tier in Tier])
_EVIDENCE: Final = pl.List(
    pl.Struct({"item_id": pl.String, "title": pl.String, "kind": pl.String, "at": AT, "share": pl.Float32})
)
SCHEMA: Final = {
    "member": pl.UInt32,
    "label": pl.UInt32,
    "tier": _TIERS,
    "share": pl.Float32,
    "lower": pl.Float32,
    "upper": pl.Float32,
    "evidence": _EVIDENCE,
}
_TABLE: Final = "strata.parquet"


@dataclass(frozen=True)
class Interest:
    """One label of one member: its tier, its share of what they do with an interval, and what that rests on.

    The share of a latent interest is predicted; all others' are shrunk towards the community's.
    """

    label: str
    tier: Tier
    share: float
    interval: tuple[float, float]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class MemberInterests:
    """All interests of one member, the strongest first; none where there is too little to tell, and `note` says so."""

    member_id: str
    interests: tuple[Interest, ...]
    evidence_count: float
    """How many independent looks the events amount to."""
    wanted: float
    """How many are wanted before anything is said."""

    def of(self, tier: Tier) -> tuple[Interest, ...]:
        """The interests in one tier."""
        return tuple(interest for interest in self.interests if interest.tier == tier)

    @property
    def core(self) -> tuple[Interest, ...]:
        return self.of(Tier.CORE)

    @property
    def regular(self) -> tuple[Interest, ...]:
        return self.of(Tier.REGULAR)

    @property
    def emerging(self) -> tuple[Interest, ...]:
        return self.of(Tier.EMERGING)

    @property
    def fading(self) -> tuple[Interest, ...]:
        return self.of(Tier.FADING)

    @property
    def latent(self) -> tuple[Interest, ...]:
        return self.of(Tier.LATENT)

    def note(self, lang: Lang = "en") -> str | None:
        """Why nothing but latent interests is said, where that is so."""
        if self.evidence_count >= self.wanted:
            return None
        return TOO_LITTLE(lang, found=self.evidence_count, wanted=self.wanted)


@dataclass(frozen=True, eq=False)
class Strata:
    """The interests of all members of a community, as one table.

    `table` has a row for each member and label in a tier: row numbers `member` and `label`, `tier`, `share`, `lower`,
    `upper` (the interval) and `evidence`.
    """

    member_ids: Vocabulary
    labels: tuple[str, ...]
    table: pl.DataFrame
    evidence_counts: np.ndarray
    """(members,) how many independent looks each member's events amount to."""
    wanted: float
    """How many are wanted before a verdict."""
    now: datetime | None = None
    """When the verdicts were reached."""

    @cached_property
    def _sorted(self) -> tuple[pl.DataFrame, np.ndarray]:
        order = self.table["tier"].to_physical()
        table = self.table.with_columns(order.alias("_order")).sort(
            ["member", "_order", "share"], descending=[False, False, True]
        )
        bounds = np.searchsorted(table["member"].to_numpy(), np.arange(len(self.member_ids) + 1))
        return table, bounds

    def __getitem__(self, member_id: str) -> MemberInterests:
        """The interests of one member.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = self.member_ids.row(member_id)
        table, bounds = self._sorted
        interests = tuple(
            Interest(
                label=self.labels[found["label"]],
                tier=Tier(found["tier"]),
                share=found["share"],
                interval=(found["lower"], found["upper"]),
                evidence=tuple(Evidence(source="interests", **piece) for piece in found["evidence"] or ()),
            )
            for found in table[bounds[row] : bounds[row + 1]].iter_rows(named=True)
        )
        return MemberInterests(member_id, interests, float(self.evidence_counts[row]), self.wanted)

    def members_with(self, label: str, tiers: Iterable[Tier] | None = None) -> Rows:
        """Rows of the members who hold a label, or one below it, in any of the tiers (all by default)."""
        below = [
            row for row, name in enumerate(self.labels) if name == label or name.startswith(label + PATH_SEPARATOR)
        ]
        chosen = self.table.filter(pl.col("label").is_in(below))
        if tiers is not None:
            chosen = chosen.filter(pl.col("tier").is_in([tier.value for tier in tiers]))
        return chosen["member"].unique().sort().to_numpy().astype(np.int64)

    def counts(self) -> pl.DataFrame:
        """label, tier, members: how many members hold each label in each tier."""
        counted = self.table.group_by("label", "tier").agg(pl.len().alias("members")).sort("label", "tier")
        names = pl.Series(self.labels).gather(counted["label"])
        return counted.with_columns(names.alias("label"))

    def updated(self, fresh: "Strata", members: Rows) -> "Strata":
        """These strata with the verdicts of some members replaced by fresh ones."""
        kept = self.table.filter(~pl.col("member").is_in(members))
        counts = self.evidence_counts.copy()
        counts[members] = fresh.evidence_counts[members]
        table = pl.concat([kept, fresh.table.filter(pl.col("member").is_in(members))])
        return Strata(self.member_ids, self.labels, table, counts, self.wanted, fresh.now)

    def save(self, folder: Path) -> None:
        """Write the strata to a folder."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.table.write_parquet(folder / _TABLE)
        save_artifact(
            folder,
            "strata",
            arrays={"evidence_counts": self.evidence_counts},
            meta={
                "members": self.member_ids.ids.to_list(),
                "labels": list(self.labels),
                "wanted": self.wanted,
                "now": self.now.isoformat() if self.now else None,
            },
            files=(_TABLE,),
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(folder, "strata")
        meta: Mapping = saved.meta
        return cls(
            Vocabulary(meta["members"], name="member"),
            tuple(meta["labels"]),
            pl.read_parquet(folder / _TABLE),
            saved.arrays["evidence_counts"],
            meta["wanted"],
            datetime.fromisoformat(meta["now"]) if meta["now"] else None,
        )
