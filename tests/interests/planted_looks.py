"""Members whose shares of looks, and the days these change on, are planted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community

LABELS = [f"{top} > {leaf}" for top in ("家居", "Outdoor", "Books") for leaf in ("a", "b", "c", "d")]
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 300
ITEMS_EACH = 5


@dataclass(frozen=True)
class Planted:
    community: Community
    before: np.ndarray
    """(members, labels) shares until the change."""
    after: np.ndarray


def planted(
    members: int, looks: int, *, change_day: float | None = None, seed: int = 0, session: int = 1, alike: float = 0.0
) -> Planted:
    """Members who buy one item a look, `session` looks a visit, each visit alike with the probability `alike`.

    With a change day, each member's strongest interest hands its share to one they hardly had.
    """
    rng = np.random.default_rng(seed)
    before = rng.dirichlet(np.full(len(LABELS), 0.4), members)
    after = before.copy()
    if change_day is not None:
        strongest, weakest = before.argmax(axis=1), before.argmin(axis=1)
        rows = np.arange(members)
        after[rows, weakest], after[rows, strongest] = before[rows, strongest], before[rows, weakest]
    visits = looks // session
    day = np.sort(rng.uniform(0, DAYS, (members, visits)), axis=1).ravel()
    member = np.repeat(np.arange(members), visits)
    shares = np.where((day >= (DAYS if change_day is None else change_day))[:, None], after[member], before[member])
    cumulative = shares.cumsum(axis=1)[:, None, :]
    drawn = (rng.random((len(day), session, 1)) > cumulative).sum(axis=2).clip(max=len(LABELS) - 1)
    drawn = np.where(rng.random(drawn.shape) < alike, drawn[:, :1], drawn)
    item = drawn * ITEMS_EACH + rng.integers(0, ITEMS_EACH, drawn.shape)
    minutes = day[:, None] * 1440 + np.arange(session)
    events = pl.DataFrame(
        {
            "member_id": [f"m{row}" for row in np.repeat(member, session)],
            "item_id": [f"i{row}" for row in item.ravel()],
            "kind": ["buy"] * item.size,
            "at": [START + timedelta(minutes=minute) for minute in minutes.ravel().tolist()],
        }
    )
    items = pl.DataFrame(
        {
            "item_id": [f"i{row}" for row in range(len(LABELS) * ITEMS_EACH)],
            "title": [f"Thing {row}" for row in range(len(LABELS) * ITEMS_EACH)],
            "categories": [[LABELS[row // ITEMS_EACH]] for row in range(len(LABELS) * ITEMS_EACH)],
        }
    )
    people = pl.DataFrame({"member_id": [f"m{row}" for row in range(members)]})
    return Planted(Community.from_tables(items, events, people), before, after)
