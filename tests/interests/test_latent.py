"""Latent interests: the companion of what a member looks at is predicted, and every rule can be moved."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.interests.latent import LatentConfig, LatentModel
from penchant.interests.looks import Tally
from penchant.interests.strata import StrataConfig, Stratifier

NOTHING = pl.DataFrame({"member": [], "label": []}, schema={"member": pl.Int64, "label": pl.Int64})
LEAVES = np.arange(4)


def counted(*rows: list[float]) -> Tally:
    """Members' looks at four labels; 20 members each have 0 with 1 and 2 with 3 before those named."""
    usual = [[6.0, 4.0, 0.0, 0.0]] * 20 + [[0.0, 0.0, 6.0, 4.0]] * 20
    counts = np.array([*usual, *rows], dtype=np.float32)
    return Tally(counts.sum(axis=1), sp.csr_matrix(counts))


def named(tally: Tally, config: LatentConfig, told: pl.DataFrame = NOTHING) -> list[int]:
    """Labels predicted for the last member, the strongest first."""
    model = LatentModel.fit(tally, LEAVES, config)
    member, label, share = model.predict(tally, tally, np.array([40]), told)
    assert set(member) <= {40}
    assert (np.diff(share) <= 0).all()
    return label.tolist()


def test_the_companion_of_what_a_member_looks_at_is_predicted_first() -> None:
    assert named(counted([8.0, 0.0, 0.0, 0.0]), LatentConfig())[0] == 1
    assert named(counted([0.0, 0.0, 8.0, 0.0]), LatentConfig())[0] == 3


def test_a_label_is_predicted_only_while_it_is_hardly_touched_and_in_no_tier() -> None:
    tally = counted([8.0, 2.0, 0.0, 0.0])
    assert 1 not in named(tally, LatentConfig())
    assert named(tally, LatentConfig(hardly=3.0))[0] == 1
    told = pl.DataFrame({"member": [40], "label": [1]})
    assert 1 not in named(counted([8.0, 0.0, 0.0, 0.0]), LatentConfig(), told)


@pytest.mark.parametrize(("config", "count"), [(LatentConfig(count=0), 0), (LatentConfig(least_lift=50.0), 0)])
def test_fewer_are_named_where_the_rules_ask_more(config: LatentConfig, count: int) -> None:
    assert len(named(counted([8.0, 0.0, 0.0, 0.0]), config)) == count


def test_more_regularization_predicts_smaller_shares() -> None:
    tally = counted([8.0, 0.0, 0.0, 0.0])
    shares = []
    for regularization in (1.0, 100.0):
        model = LatentModel.fit(tally, LEAVES, LatentConfig(regularization=regularization))
        shares.append(model.predict(tally, tally, np.array([40]), NOTHING)[2][0])
    assert shares[1] < shares[0]


@pytest.mark.parametrize(("recency", "first"), [(0.1, "Stoves"), (None, "Cups")])
def test_what_a_member_did_last_decides_unless_all_looks_count_alike(recency: float | None, first: str) -> None:
    labels = ["Tea", "Cups", "Tents", "Stoves"]
    looks = {f"m{row}": (["Tea", "Cups"] if row % 2 else ["Tents", "Stoves"]) * 10 for row in range(40)}
    looks["turned"] = ["Tea"] * 14 + ["Tents"] * 6
    rows = [
        (name, label, "buy", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day))
        for name, seen in looks.items()
        for day, label in enumerate(seen)
    ]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    items = pl.DataFrame({"item_id": labels, "title": labels, "categories": [[label] for label in labels]})
    shop = Community.from_tables(items, events)
    rules = StrataConfig(latent=LatentConfig(recency=recency))
    latent = Stratifier.of_categories(shop, rules).stratify(shop)["turned"].latent
    assert max(latent, key=lambda interest: interest.share).label == first
