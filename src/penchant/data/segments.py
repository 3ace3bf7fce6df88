"""Which segment each member is in, and what sets the segments apart: the verdict that other systems take."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang, Phrase

KIND: Final = "segments"
NOBODY: Final = -1
"""The segment of members of whom there is too little to tell."""


@dataclass(frozen=True)
class Trait:
    """One thing that sets a segment apart from the whole community."""

    feature: str
    value: float
    """The segment's mean."""
    usual: float
    """The community's."""
    strength: float
    """The difference in the community's standard deviations."""


@dataclass(frozen=True)
class Segment:
    """A group of members that are alike."""

    number: int
    """Kept from build to build, as long as the group is the same for the most part."""
    name: Phrase
    told: Phrase
    """What sets it apart, in two lines."""
    size: int
    share: float
    spend: float
    """Mean money spent of its members."""
    spend_share: float
    """Its part of all money."""
    traits: tuple[Trait, ...]
    """The strongest first."""
    tastes: tuple[tuple[str, float], ...]
    """Categories or words that are typical for it, with how many times as common they are here."""
    typical: tuple[str, ...]
    """Ids of the members nearest its middle."""


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of a community, and whose is whose."""

    member_ids: Vocabulary
    of_member: NDArray[np.int32]
    """(members,) the segment's number, or `NOBODY`."""
    segments: tuple[Segment, ...]
    """The largest first."""
    stability: float
    """Mean adjusted Rand index between groupings of resampled members; NaN where it was not measured."""
    flows: tuple[tuple[int, int, int], ...] = ()
    """From which segment of the build before to which of this one, and how many members; `NOBODY` for newcomers."""
    reason: Phrase | None = None
    """Why there are no segments, where that is so."""
    next_number: int = 0
    """The smallest number that no segment of this build or of those before it has had."""

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, member_id: str) -> Segment | None:
        """A member's segment; None where there is too little to tell.

        Raises:
            UnknownIdError: there is no such member.
        """
        return self.of(int(self.of_member[self.member_ids.row(member_id)]))

    def of(self, number: int) -> Segment | None:
        """The segment of a number."""
        return next((segment for segment in self.segments if segment.number == number), None)

    def members(self, number: int) -> list[str]:
        """The ids of a segment's members."""
        return [self.member_ids.id(row) for row in np.flatnonzero(self.of_member == number).tolist()]

    def table(self, lang: Lang = "en") -> pl.DataFrame:
        """segment, name, members, share, spend and what is told of it."""
        return pl.DataFrame(
            {
                "segment": [one.number for one in self],
                "name": [one.name(lang) for one in self],
                "members": [one.size for one in self],
                "share": [one.share for one in self],
                "spend": [one.spend for one in self],
                "told": [one.told(lang) for one in self],
            }
        )

    def save(self, folder: Path | str) -> None:
        """Write the segments to a folder."""
        meta = {
            "members": self.member_ids.ids.to_list(),
            "segments": [asdict(one) for one in self.segments],
            "stability": None if np.isnan(self.stability) else self.stability,
            "flows": [list(flow) for flow in self.flows],
            "reason": list(self.reason) if self.reason is not None else None,
            "following": self.next_number,
        }
        save_artifact(Path(folder), KIND, arrays={"of_member": self.of_member}, meta=meta)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(Path(folder), KIND)
        meta = saved.meta
        return cls(
            Vocabulary(meta["members"], name="member"),
            saved.arrays["of_member"],
            tuple(_segment(row) for row in meta["segments"]),
            float("nan") if meta["stability"] is None else meta["stability"],
            tuple((int(a), int(b), int(count)) for a, b, count in meta["flows"]),
            Phrase(*meta["reason"]) if meta["reason"] else None,
            # Earlier releases did not write it: there the numbers that stand in the build are all that is known.
            meta.get("following", max((row["number"] + 1 for row in meta["segments"]), default=0)),
        )


def _segment(row: dict) -> Segment:
    return Segment(
        **{
            **row,
            "name": Phrase(*row["name"]),
            "told": Phrase(*row["told"]),
            "traits": tuple(Trait(**trait) for trait in row["traits"]),
            "tastes": tuple((str(name), float(lift)) for name, lift in row["tastes"]),
            "typical": tuple(row["typical"]),
        }
    )
