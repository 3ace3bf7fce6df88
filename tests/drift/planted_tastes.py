"""Members who each keep to one kind of thing: a change of kind is easily seen by whoever looks at kinds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community

KINDS = ("锅具 > 铸铁", "Camping > Tents", "Books > Crime", "茶具 > 茶壶", "Garden > Tools", "Music > Jazz")
ITEMS = 15
START = datetime(2025, 1, 1, tzinfo=UTC)


def tastes(members: int = 60, events: int = 70, *, noise: float = 0.1, seed: int = 0) -> Community:
    """A community in which member m does things of kind m % 6, a day apart, but for some noise."""
    rng = np.random.default_rng(seed)
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(len(KINDS) * ITEMS)],
            "title": [f"{KINDS[row // ITEMS].split(' > ')[1]} {row % ITEMS}" for row in range(len(KINDS) * ITEMS)],
            "categories": [[KINDS[row // ITEMS]] for row in range(len(KINDS) * ITEMS)],
        }
    )
    rows = []
    for member in range(members):
        kind = np.where(rng.random(events) < noise, rng.integers(len(KINDS), size=events), member % len(KINDS))
        item = kind * ITEMS + rng.integers(ITEMS, size=events)
        rows += [
            (f"m{member:03}", f"p{row}", "buy", START + timedelta(days=day)) for day, row in enumerate(item.tolist())
        ]
    done = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    return Community.from_tables(items, done)
