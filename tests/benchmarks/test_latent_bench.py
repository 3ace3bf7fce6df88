"""The protocol of latent interests finds what is planted, and its next period is nothing the model has seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.benchmarks import interests, latent
from penchant.data.community import Community
from penchant.data.folder import write_folder
from penchant.errors import TooLittleDataError
from penchant.interests.latent import LatentConfig
from penchant.interests.strata import StrataConfig

START = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = ("Tea", "Cups", "Tents", "Stoves", "News")
COMPANION = {"Tea": "Cups", "Tents": "Stoves"}


def planted(members: int = 60, days: int = 50, *, year: bool = True) -> Community:
    """Tea goes with cups and tents with stoves: most know it early, the others find out in their last days.

    News is what most look at; of those who never did, few ever will.
    """
    rng = np.random.default_rng(0)
    rows = []
    for member in range(members):
        first = "Tea" if member % 2 else "Tents"
        early, likes_news = member % 10 >= 4, member % 10 >= 4 or rng.random() < 0.3
        for day in range(days):
            label = first
            if day % 8 == 3 and likes_news and day < days * 0.7:
                label = "News"
            if member % 20 == 1 and day == days - 2:
                label = "News"
            if day % 5 == 2 and (day > days * 0.85 or early):
                label = COMPANION[first]
            rows.append((f"m{member}", label, "buy", START + timedelta(days=day)))
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    items = pl.DataFrame({"item_id": LABELS, "title": LABELS, "categories": [[name] for name in LABELS]})
    return Community.from_tables(items.with_columns(year=pl.lit(1991)) if year else items, events)


def written(community: Community, path: Path) -> str:
    write_folder(community, path, form="jsonl")
    return str(path)


def test_companions_that_members_do_not_know_yet_come_true_and_popular_labels_do_not(tmp_path: Path) -> None:
    rules = StrataConfig(latent=LatentConfig(count=1))
    result = latent.latent(written(planted(year=False), tmp_path / "camp"), config=rules)
    assert result.metrics["times_popular"].mean > 1.5
    assert result.metrics["came_true"].mean > result.baselines[latent.ALIKE]["came_true"].mean
    assert result.baselines[latent.HINDSIGHT]["came_true"].mean >= result.metrics["came_true"].mean
    assert result.differences[latent.POPULAR]["came_true"].low > 0


def test_every_tree_and_cut_is_told_and_the_finest_tree_by_the_clock_stands_in_front(tmp_path: Path) -> None:
    result = interests.run(written(planted(), tmp_path / "camp"), protocol="latent")
    rows = result.tables["trees and cuts"]
    assert [(row["labels"], row["cut by"]) for row in rows] == [
        (tree, cut) for tree in ("categories", "categories by decade") for cut in ("time", "looks")
    ]
    assert rows[2][latent.OURS] == pytest.approx(result.metrics["came_true"].mean)


def test_a_decade_is_a_level_below_each_category() -> None:
    assert latent._trees(planted())["categories by decade"][0] == ["Tea > 1990s"]


@pytest.mark.parametrize(("by_time", "late"), [(True, [4]), (False, [3, 4])])
def test_the_last_part_is_of_each_member_own_time_or_of_their_events(by_time: bool, late: list[int]) -> None:
    days = [0, 1, 2, 10, 100]
    items = pl.DataFrame({"item_id": ["a"], "title": ["Kettle"]})
    events = pl.DataFrame(
        {"member_id": ["m"] * 5, "item_id": ["a"] * 5, "kind": ["buy"] * 5, "at": [START + timedelta(d) for d in days]}
    )
    shop = Community.from_tables(items, events)
    before, after = latent.parted(shop, by_time=by_time, late=0.4)
    assert after.events["at"].to_list() == [START + timedelta(days[place]) for place in late]
    assert len(before.events) + len(after.events) == 5


def test_members_who_did_nothing_later_cannot_be_judged(tmp_path: Path) -> None:
    community = planted()
    once = written(community.with_events(community.events.filter(pl.col("at") == START)), tmp_path / "one")
    with pytest.raises(TooLittleDataError, match="too little was done later"):
        latent.latent(once)
