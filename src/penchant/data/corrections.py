"""What people said of a build's verdicts, as the next build takes it: names of segments, and which changes are real."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import Text, column, inspect, select, table

from penchant.data.segments import Segments
from penchant.language import Phrase

if TYPE_CHECKING:
    from penchant.data.store import Store

TABLE: Final = "service_reviews"
"""Where the service keeps answers; a store that was never served has no such table."""


@dataclass(frozen=True)
class Corrections:
    """The last word on each subject.

    >>> Corrections().is_empty
    True
    """

    segment_names: Mapping[int, Phrase] = field(default_factory=dict)
    """By the segment's number, which is kept from build to build."""
    drift: tuple[tuple[float, bool], ...] = ()
    """Log odds of a change in what was said of a member, and whether the change was real; of nobody by name."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody corrected anything."""
        return not self.segment_names and not self.drift

    @classmethod
    def read(cls, store: "Store") -> "Corrections":
        """What the store of a served community holds of them.

        Raises:
            StorageError: the store is out of reach.
        """
        columns = ("key", "tenant", "kind", "about", "member_id", "decision", "correction", "said")
        answers = table(TABLE, *(column(name, Text) for name in columns))
        query = select(answers).where(answers.c.tenant == store.tenant, answers.c.kind.in_(("segment", "drift")))
        with store.database.reading() as connection:
            found = inspect(connection)
            # Tables of an earlier release lack what was said of members, and nobody was asked then.
            if not found.has_table(TABLE) or "said" not in {one["name"] for one in found.get_columns(TABLE)}:
                return cls()
            rows = connection.execute(query.order_by(answers.c.key)).fetchall()
        names: dict[int, Phrase] = {}
        drift: dict[str, tuple[float, bool]] = {}
        for row in rows:
            if row.kind == "segment" and row.decision == "correct" and row.about.isdecimal():
                names[int(row.about)] = Phrase(*json.loads(row.correction))
            elif row.kind == "drift" and row.said and row.member_id is not None:
                drift[row.member_id] = (float(row.said), row.decision != "dismiss")
        return cls(names, tuple(sorted(drift.values())))


def renamed(segments: Segments, names: Mapping[int, Phrase]) -> Segments:
    """Segments under the names that people gave them."""
    given = tuple(replace(one, name=names.get(one.number, one.name)) for one in segments)
    return replace(segments, segments=given)
