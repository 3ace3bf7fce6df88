"""What people said of Penchant's verdicts: approved, corrected or dismissed, the last word on each subject first.

An answer about a member stands under their id, so that forgetting them takes it along.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row, func, select

from penchant.data.database import Database
from penchant.errors import InputError
from penchant.service import tables

Kind = Literal["label", "segment", "alert", "drift"]
KINDS: Final[tuple[Kind, ...]] = ("label", "segment", "alert", "drift")
Decision = Literal["approve", "correct", "dismiss"]
_LONGEST: Final = 500


@dataclass(frozen=True)
class Review:
    """One answer to one question."""

    kind: Kind
    about: str
    """What was asked about: an item, a segment's number, an alert's number; empty where it is a member."""
    decision: Decision
    correction: str | None
    """What holds in place of what Penchant had said; None where nothing was corrected."""
    who: str
    at: datetime
    member_id: str | None = None
    """Whom was asked about, where it was a member."""
    said: str | None = None
    """What Penchant had said: of a member's drift, the log odds of a change."""

    @property
    def subject(self) -> str:
        """What or whom was asked about."""
        return self.about or self.member_id or ""


class Reviews:
    """The answers given so far, of one tenant; each is on disk before the next page is shown."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.database = database
        self.tenant = tenant

    def give(
        self, who: str, kind: str, about: str, said: str, answer: str, *, decision: str, member_id: str | None = None
    ) -> Review:
        """Keep an answer; one that differs from what was said is a correction.

        Args:
            who: answers.
            kind: of the question.
            about: what was asked about; empty where it is a member.
            said: what Penchant had said.
            answer: what the person says; what was said where it is empty.
            decision: `approve` or `dismiss`.
            member_id: whom was asked about.

        Raises:
            InputError: the kind or the decision is none of those, or the answer is too long.
            StorageError: the database is out of reach.
        """
        kind = check(kind, about, said, answer, decision)
        answer = " ".join(answer.split()) or said
        told: Decision = "dismiss" if decision == "dismiss" else "approve" if answer == said else "correct"
        row = {
            "at": tables.micros(), "who": who, "kind": kind, "about": about, "decision": told,
            "correction": answer if told == "correct" else None, "member_id": member_id, "said": said or None,
        }  # fmt: skip
        with self.database.writing() as connection:
            connection.execute(tables.reviews.insert().values(tenant=self.tenant, **row))
        return Review(**{**row, "kind": kind, "at": tables.moment(row["at"])})  # type: ignore[arg-type]

    def last(self, kind: Kind) -> dict[str, Review]:
        """The last answer on each subject of a kind."""
        reviews = tables.reviews.c
        query = select(tables.reviews).where(reviews.tenant == self.tenant, reviews.kind == kind).order_by(reviews.key)
        with self.database.reading() as connection:
            found = [_review(row) for row in connection.execute(query)]
        return {one.subject: one for one in found}

    def answered(self) -> dict[Kind, dict[str, datetime]]:
        """When each subject was spoken of last, by kind."""
        reviews = tables.reviews.c
        whole = (reviews.kind, reviews.about, reviews.member_id)
        query = select(*whole, func.max(reviews.at).label("at")).where(reviews.tenant == self.tenant).group_by(*whole)
        found: dict[Kind, dict[str, datetime]] = {kind: {} for kind in KINDS}
        with self.database.reading() as connection:
            for row in connection.execute(query):
                found[row.kind][row.about or row.member_id or ""] = tables.moment(row.at)
        return found


def check(kind: str, about: str, said: str, answer: str, decision: str) -> Kind:
    """Make sure that an answer can be kept, before anything is done about it; its kind.

    Raises:
        InputError: the kind or the decision is none of those, or the answer is too long.
    """
    known = next((one for one in KINDS if one == kind), None)
    if known is None or decision not in ("approve", "dismiss"):
        raise InputError(f"a review is of {', '.join(KINDS)} and says approve or dismiss; found {kind}, {decision}")
    if (longest := max(map(len, (about, said, answer)))) > _LONGEST:
        raise InputError(f"an answer has at most {_LONGEST} characters; found {longest}")
    return known


def _review(row: Row[Any]) -> Review:
    return Review(
        row.kind, row.about, row.decision, row.correction, row.who, tables.moment(row.at), row.member_id, row.said
    )
