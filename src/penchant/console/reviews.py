"""What people said of Penchant's verdicts: an append-only file, read back as the last word on each subject."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from penchant.artifacts import storage_errors
from penchant.errors import InputError

FILE: Final = "reviews.jsonl"
Kind = Literal["label", "segment", "alert", "drift"]
KINDS: Final[tuple[Kind, ...]] = ("label", "segment", "alert", "drift")
Verdict = Literal["approve", "correct", "dismiss"]
_LONGEST: Final = 500


@dataclass(frozen=True)
class Review:
    """One answer to one question."""

    kind: Kind
    subject: str
    """What was asked about: an item, a segment, an alert, a member's window."""
    said: str
    """What Penchant had said."""
    verdict: Verdict
    answer: str
    """What holds: what was said where it was approved, something else where it was corrected, nothing where it was
    dismissed."""
    by: str
    at: datetime


class Reviews:
    """The answers given so far; each is on disk before the next page is shown.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     reviews = Reviews(Path(folder) / FILE)
    ...     given = reviews.give("label", "p1", "服饰", "服饰 > 连衣裙", verdict="approve", by="ann")
    ...     given.verdict, [review.answer for review in reviews.all()], reviews.answered("label")
    ('correct', ['服饰 > 连衣裙'], {'p1'})
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()

    def give(self, kind: str, subject: str, said: str, answer: str, *, verdict: str, by: str) -> Review:
        """Keep an answer; one that differs from what was said is a correction.

        Args:
            kind: of the question.
            subject: what was asked about.
            said: what Penchant had said.
            answer: what the person says.
            verdict: `approve` or `dismiss`.
            by: who answers.

        Raises:
            InputError: the kind or the verdict is none of those, or the answer is too long.
            StorageError: the file cannot be written.
        """
        if kind not in KINDS or verdict not in ("approve", "dismiss"):
            raise InputError(f"a review is of {', '.join(KINDS)} and says approve or dismiss; found {kind}, {verdict}")
        if max(map(len, (subject, said, answer))) > _LONGEST:
            raise InputError(f"an answer has at most {_LONGEST} characters; found {len(answer)}")
        answer = " ".join(answer.split()) or said
        told: Verdict = "dismiss" if verdict == "dismiss" else "approve" if answer == said else "correct"
        review = Review(
            kind,
            subject, said, told, "" if told == "dismiss" else answer, by, datetime.now(UTC),
        )  # fmt: skip
        line = json.dumps({**asdict(review), "at": review.at.isoformat()}, ensure_ascii=False) + "\n"
        with self._lock, storage_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        return review

    def all(self) -> list[Review]:
        """Every answer, the oldest first; a line that was cut by a crash counts for nothing."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                found.append(Review(**{**row, "at": datetime.fromisoformat(row["at"])}))
            except (ValueError, TypeError, KeyError):
                continue
        return found

    def answered(self, kind: Kind) -> set[str]:
        """The subjects of a kind that have an answer."""
        return {review.subject for review in self.all() if review.kind == kind}

    def last(self, kind: Kind) -> dict[str, Review]:
        """The last answer on each subject of a kind."""
        return {review.subject: review for review in self.all() if review.kind == kind}
