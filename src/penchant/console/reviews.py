"""What people said of Penchant's verdicts: approved, corrected or dismissed, the last word on each subject first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, select

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
    """What was asked about: an item, a segment, an alert, a member's window."""
    decision: Decision
    correction: str | None
    """What holds in place of what Penchant had said; None where nothing was corrected."""
    who: str
    at: datetime


class Reviews:
    """The answers given so far, of one tenant; each is on disk before the next page is shown."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.database = database
        self.tenant = tenant

    def give(self, who: str, kind: str, about: str, said: str, answer: str, *, decision: str) -> Review:
        """Keep an answer; one that differs from what was said is a correction.

        Args:
            who: answers.
            kind: of the question.
            about: what was asked about.
            said: what Penchant had said.
            answer: what the person says; what was said where it is empty.
            decision: `approve` or `dismiss`.

        Raises:
            InputError: the kind or the decision is none of those, or the answer is too long.
            StorageError: the database is out of reach.
        """
        kinds = {one: one for one in KINDS}
        if kind not in kinds or decision not in ("approve", "dismiss"):
            raise InputError(f"a review is of {', '.join(KINDS)} and says approve or dismiss; found {kind}, {decision}")
        if max(map(len, (about, said, answer))) > _LONGEST:
            raise InputError(f"an answer has at most {_LONGEST} characters; found {len(answer)}")
        answer = " ".join(answer.split()) or said
        told: Decision = "dismiss" if decision == "dismiss" else "approve" if answer == said else "correct"
        correction = answer if told == "correct" else None
        at = tables.micros()
        with self.database.writing() as connection:
            connection.execute(
                tables.reviews.insert().values(
                    tenant=self.tenant, at=at, who=who, kind=kind, about=about, decision=told, correction=correction
                )
            )
        return Review(kinds[kind], about, told, correction, who, tables.moment(at))

    def last(self, kind: Kind) -> dict[str, Review]:
        """The last answer on each subject of a kind."""
        reviews = tables.reviews.c
        query = (
            select(reviews.about, reviews.decision, reviews.correction, reviews.who, reviews.at)
            .where(reviews.tenant == self.tenant, reviews.kind == kind)
            .order_by(reviews.key)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).fetchall()
        return {
            row.about: Review(kind, row.about, row.decision, row.correction, row.who, tables.moment(row.at))
            for row in rows
        }

    def forget(self, about: str) -> None:
        """Take out the answers about a subject, such as a member's windows."""
        mine = (tables.reviews.c.tenant == self.tenant) & (tables.reviews.c.about == about)
        with self.database.writing() as connection:
            connection.execute(delete(tables.reviews).where(mine))
