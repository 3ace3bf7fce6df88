"""Communities in which the answer is known: what friends like, what tags are of, and who is a hub."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community

START = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = 4
PER_GROUP = 12
"""Items of a group; each item of a group has the group's tag."""


def circles(
    members: int = 80,
    *,
    likes: int = 5,
    ties: bool = True,
    tags: bool = True,
    silent: tuple[int, ...] = (),
    private: tuple[int, ...] = (),
    seed: int = 0,
) -> Community:
    """Members in groups: each likes items of their group alone and is tied to members of their group alone.

    The groups are of one size and their items equally popular, so popularity finds one in four. A silent member has
    ties and no events: only ties tell their group.
    """
    rng = np.random.default_rng(seed)
    group = np.arange(members) % GROUPS
    items = GROUPS * PER_GROUP
    names = ["jazz", "metal", "folk", "house"]
    table = pl.DataFrame(
        {
            "item_id": [f"i{row:03}" for row in range(items)],
            "title": [f"Song number {row}" for row in range(items)],
            "tags": [[names[row % GROUPS]] if tags else None for row in range(items)],
        },
        schema_overrides={"tags": pl.List(pl.String)},
    )
    events = [
        (
            f"m{member:03}",
            f"i{PER_GROUP * 0 + GROUPS * int(place) + int(group[member]):03}",
            START + timedelta(days=day),
        )
        for member in range(members)
        if member not in silent
        for day, place in enumerate(rng.choice(PER_GROUP, likes, replace=False))
    ]
    pairs = (
        []
        if not ties
        else [
            (f"m{member:03}", f"m{int(other):03}", "friend")
            for member in range(members)
            for other in rng.choice(np.flatnonzero((group == group[member]) & (np.arange(members) != member)), 3)
        ]
    )
    people = pl.DataFrame(
        {
            "member_id": [f"m{member:03}" for member in range(members)],
            "private": [member in private for member in range(members)],
        }
    )
    happened = pl.DataFrame(events, schema=["member_id", "item_id", "at"], orient="row").with_columns(
        kind=pl.lit("like")
    )
    columns = {"member_id": pl.String, "other_id": pl.String, "kind": pl.String}
    tied = pl.DataFrame(pairs, schema=columns, orient="row")
    return Community.from_tables(table, happened, people, tied)


def of_group(community: Community, item_ids: list[str], member: int) -> float:
    """The share of some items that are of a member's group."""
    rows = [community.item_ids.row(item) for item in item_ids]
    return float(np.mean([row % GROUPS == member % GROUPS for row in rows]))


def tie_table(*ties: tuple[str, str, str]) -> pl.DataFrame:
    """A table of ties by ids and kind."""
    return pl.DataFrame(ties, schema=["member_id", "other_id", "kind"], orient="row")


def one_like_each(count: int, ties: pl.DataFrame) -> Community:
    """As many members as items, each liking the item of their number, with some ties."""
    return Community.from_tables(
        pl.DataFrame({"item_id": [f"i{row}" for row in range(count)], "title": ["Song"] * count}),
        pl.DataFrame(
            {
                "member_id": [f"m{row}" for row in range(count)],
                "item_id": [f"i{row}" for row in range(count)],
                "kind": ["like"] * count,
                "at": [START] * count,
            }
        ),
        pl.DataFrame({"member_id": [f"m{row}" for row in range(count)]}),
        ties,
    )
