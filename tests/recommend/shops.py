"""Communities with planted answers: members who like one kind of thing each."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {"kitchen": "cast iron pan", "camping": "two person tent", "dress": "summer dress with flowers"}
PER_KIND = 12


def shop(*, seed: int = 0, members: int = 60, events: int = 8, untouched: bool = True) -> Community:
    """Items of three kinds, of which each member buys and saves one; the last item of each kind is touched by nobody.

    Items of a kind share words and are `kitchen-0`, `kitchen-1` and so on; member m likes kind m % 3. The first items
    of a kind are the more popular.
    """
    rng = np.random.default_rng(seed)
    names = [(kind, number) for kind in KINDS for number in range(PER_KIND)]
    items = pl.DataFrame(
        {
            "item_id": [f"{kind}-{number}" for kind, number in names],
            "title": [f"{KINDS[kind]} no {number}" for kind, number in names],
            "categories": [[kind] for kind, _ in names],
        }
    )
    kinds = list(KINDS)
    odds = 1.0 / np.arange(2, PER_KIND + 2 - int(untouched))
    rows = []
    for member in range(members):
        kind = kinds[member % 3]
        for turn, number in enumerate(rng.choice(len(odds), events, replace=False, p=odds / odds.sum())):
            what = "buy" if turn % 2 else "save"
            rows.append((f"m{member}", f"{kind}-{number}", what, START + timedelta(days=turn, minutes=member)))
    return Community.from_tables(items, frame(rows))


def frame(rows: list[tuple[str, str, str, datetime]]) -> pl.DataFrame:
    """Events as a table."""
    return pl.DataFrame(
        rows,
        schema={"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC")},
        orient="row",
    )


def with_more(community: Community, rows: list[tuple[str, str, str, datetime]]) -> Community:
    """The community with further events, and the members that they name."""
    events = pl.concat(
        [community.with_ids("events").select("member_id", "item_id", pl.col("kind").cast(pl.String), "at"), frame(rows)]
    )
    ids = sorted(set(community.members["member_id"]) | {row[0] for row in rows})
    return Community.from_tables(community.items, events, pl.DataFrame({"member_id": ids}))
