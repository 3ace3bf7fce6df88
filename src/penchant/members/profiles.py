"""What is known of members' behaviour: a row for each, with the same features for all."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.vocabulary import Vocabulary
from penchant.errors import InputError
from penchant.members.features import SELLER, SHARE
from penchant.vectors import Floats

KIND: Final = "member-profiles"
NEVER: Final = np.iinfo(np.int64).min
"""Stands for a date that there is not."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """A row for each member, with the same features for all.

    >>> import polars as pl
    >>> from penchant.data.community import Community
    >>> from penchant.members.profiling import profiles
    >>> items = pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"], "price": [20.0]})
    >>> at = [datetime(2026, 3, 1), datetime(2026, 3, 11)]
    >>> events = pl.DataFrame({"member_id": "m1", "item_id": "p1", "kind": "buy", "at": at, "amount": [20.0, 20.0]})
    >>> made = profiles(Community.from_tables(items, events))
    >>> made["m1"]["spend"], made["m1"]["gap_days"], made["m1"]["repeats"]
    (40.0, 10.0, 0.5)
    """

    members: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    """(members, features) float32; NaN where a member, or the community, has nothing to tell."""
    text: Floats | None
    """(members, width) rows of unit norm, or of zeros for members without events; None where no vectors were given."""
    at: datetime | None
    """The moment that ages count from; None where there are no events."""
    future: int = 0
    """Events later than that, which were left out."""
    dates: NDArray[np.int64] | None = None
    """(members, 3) microseconds since 1970 of the first event, the last and the last purchase, or `NEVER`."""
    basis: str = ""
    """A fingerprint of the items and settings that all rows rest on; see `penchant.members.refreshing`."""
    clocks: NDArray[np.float64] | None = None
    """(members,) hours from UTC that a row's times of day rest on; None where all members share a clock."""

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, member_id: str) -> dict[str, float | None]:
        """One member's features by name; None where there is nothing to tell.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = Vocabulary(self.members, name="member").row(member_id)
        return {
            name: None if np.isnan(value) else round(float(value), 6)
            for name, value in zip(self.names, self.values[row], strict=True)
        }

    def column(self, name: str) -> Floats:
        """(members,) one feature.

        Raises:
            InputError: there is no such feature.
        """
        if name not in self.names:
            raise InputError(f"there is no feature {name!r}; there are {', '.join(self.names)}")
        return self.values[:, self.names.index(name)]

    @property
    def shares(self) -> tuple[str, ...]:
        """The features that are shares of categories and of sellers, for `profiles` to make the same again."""
        return tuple(name for name in self.names if name.startswith((SHARE, SELLER)))

    def tells(self, name: str) -> bool:
        """Whether a feature says something of anybody."""
        return name in self.names and not bool(np.isnan(self.column(name)).all())

    def save(self, folder: Path | str) -> None:
        """Write the profiles to a folder."""
        rows = {"values": self.values, "text": self.text, "dates": self.dates, "clocks": self.clocks}
        # By this name a member who is forgotten is found in them, whatever else has as many rows.
        arrays = {f"member_{name}": array for name, array in rows.items() if array is not None}
        meta = {
            "members": list(self.members),
            "names": list(self.names),
            "at": self.at.isoformat() if self.at else None,
            "future": self.future,
            "basis": self.basis,
        }
        save_artifact(Path(folder), KIND, arrays=arrays, meta=meta)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(Path(folder), KIND)
        meta = saved.meta
        values, text, dates, clocks = (
            saved.arrays.get(f"member_{name}") for name in ("values", "text", "dates", "clocks")
        )
        at = datetime.fromisoformat(meta["at"]) if meta["at"] else None
        assert values is not None
        return cls(
            tuple(meta["members"]), tuple(meta["names"]), values, text, at, meta["future"], dates, meta["basis"],
            clocks,
        )  # fmt: skip
