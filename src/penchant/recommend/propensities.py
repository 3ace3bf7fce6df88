"""The log of what was shown, with the probability of each choice, so that other policies can be judged from it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from penchant.artifacts import storage_errors
from penchant.data.columns import AT
from penchant.errors import ReadError
from penchant.recommend.arrangement import Arrangement
from penchant.recommend.exploration import TAKEN_UP

COLUMNS: Final = {
    "member": pl.String(), "item": pl.String(), "place": pl.Int64(), "propensity": pl.Float64(),
    "strategy": pl.String(), "time": pl.String(),
}  # fmt: skip
"""One line of the log. The member is null for a stranger, and places count from 1."""


def append(path: Path, member_id: str | None, item_ids: Sequence[str], arranged: Arrangement) -> None:
    """Add a list to the log, a line for each place, in one write.

    Raises:
        StorageError: the file cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    lines = [
        json.dumps(
            {
                "member": member_id, "item": item_id, "place": place + 1, "propensity": slot.propensity,
                "strategy": slot.strategy, "time": now,
            },
            ensure_ascii=False,
        )
        for place, (item_id, slot) in enumerate(zip(item_ids, arranged.slots, strict=True))
    ]  # fmt: skip
    with storage_errors(path), path.open("a", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


def read_log(path: Path | str) -> pl.DataFrame:
    """The log as a table with the columns of `COLUMNS`, `time` as a point in time.

    Raises:
        ReadError: there is no such file, or a line of it is no line of a log; the message names it.
    """
    path = Path(path)
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"cannot read the log of propensities {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append({name: row[name] for name in COLUMNS})
            if not 0 < row["propensity"] <= 1:
                raise ValueError(f"the propensity is {row['propensity']}, and must be above 0 and at most 1")
        except (ValueError, KeyError, TypeError) as error:
            raise ReadError(
                f"{path}, line {number} is no line of a log of propensities ({error}); delete the line"
            ) from error
    return pl.DataFrame(rows, schema=COLUMNS).with_columns(pl.col("time").str.to_datetime(time_zone="UTC").cast(AT))


def rewarded(log: pl.DataFrame, events: pl.DataFrame, *, within: timedelta = timedelta(days=1)) -> pl.DataFrame:
    """The log with a column `reward`: 1 where the member took the item up soon after it was shown, else 0.

    Args:
        log: as `read_log` gives it; lines of strangers are left out, since nobody knows what they did.
        events: `member_id`, `item_id`, `kind` and `at`, as `community.with_ids("events")`.
        within: how long after the list an event still answers it.
    """
    kinds = [kind.value for kind in TAKEN_UP]
    answers = events.filter(pl.col("kind").cast(pl.String).is_in(kinds)).select(
        pl.col("member_id").alias("member"), pl.col("item_id").alias("item"), "at"
    )
    known = log.filter(pl.col("member").is_not_null()).with_row_index("line")
    soon = pl.col("at").is_between(pl.col("time"), pl.col("time") + within)
    found = known.join(answers, on=["member", "item"]).filter(soon)["line"].unique()
    return known.with_columns(reward=pl.col("line").is_in(found.implode()).cast(pl.Float64)).drop("line")
