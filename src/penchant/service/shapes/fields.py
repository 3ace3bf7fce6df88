"""What fields of bodies may hold, and what all bodies have in common."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

_AHEAD: Final = timedelta(days=1)
_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id: any characters but control characters."""
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00]+$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]


def _moment(value: datetime) -> datetime:
    at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if not _FIRST <= at <= datetime.now(UTC) + _AHEAD:
        raise ValueError("a time must lie between 1970 and tomorrow")
    return at


def _instant(value: datetime) -> datetime:
    try:
        return _moment(value)
    except OverflowError:
        raise ValueError("a time must lie between 1970 and tomorrow") from None


At = Annotated[datetime, AfterValidator(_instant)]


class Taken(BaseModel):
    """What comes in holds nothing that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """What goes out may be read from the library's own answers."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
