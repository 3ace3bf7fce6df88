"""What was written with an event weighs it: blame is no sign of liking."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.data.interactions import EventWeights, with_felt
from penchant.data.splits import last_split
from penchant.recommend import RecommendConfig, Recommender, evaluate, train
from penchant.training.options import Options

KINDS, PER_KIND, MEMBERS = 2, 14, 80


@pytest.fixture(scope="module")
def reviews() -> tuple[Community, np.ndarray]:
    """Members praise items of one kind and tear those of the other; every last review is praise."""
    rng = np.random.default_rng(0)
    items = pl.DataFrame({"item_id": [f"{k}-{n}" for k in range(KINDS) for n in range(PER_KIND)], "title": "thing"})
    rows = []
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for member in range(MEMBERS):
        mine = rng.permutation(PER_KIND)
        others = rng.permutation(PER_KIND)
        for turn in range(8):
            blamed = turn % 2 == 0
            kind = (member + blamed) % KINDS
            item = f"{kind}-{(others if blamed else mine)[turn]}"
            rows.append((f"m{member}", item, "review", start + timedelta(days=turn, minutes=member), blamed))
    table = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "blamed"], orient="row").sort("at")
    community = Community.from_tables(items, table.drop("blamed"))
    return community, np.where(table["blamed"], -1.0, 1.0).astype(np.float32)


def test_blame_takes_the_weight_and_what_is_not_known_leaves_it() -> None:
    events = pl.DataFrame({"kind": ["review"] * 3 + ["hide"], "felt": [-1.0, 1.0, None, -1.0], "amount": [None] * 4})
    assert EventWeights().apply(events).to_list() == [0.0, 1.0, 1.0, -1.0]


def test_knowing_what_was_felt_foresees_what_will_be_praised(reviews: tuple[Community, np.ndarray]) -> None:
    community, felt = reviews
    config = RecommendConfig(sources=("popularity", "ease"), tuning="none", ranker={"enabled": False})  # type: ignore[arg-type]
    found = {}
    for name, known in {"felt": with_felt(community, felt), "kinds alone": community}.items():
        split = last_split(known, 0)
        model = train(split.fit, config, Options())
        found[name] = evaluate(model, split).metrics.means["ndcg@10"]
    assert found["felt"] > 1.5 * found["kinds alone"]


def test_a_saved_recommender_weighs_histories_as_it_did(reviews: tuple[Community, np.ndarray], tmp_path: Path) -> None:
    community, felt = reviews
    config = RecommendConfig(sources=("popularity", "ease"), tuning="none", ranker={"enabled": False})  # type: ignore[arg-type]
    model = train(with_felt(community, felt), config, Options())
    model.save(tmp_path / "model")
    again = Recommender.load(tmp_path / "model", community)
    assert again.recommend("m0", 5) == model.recommend("m0", 5)
    assert with_felt(community, None) is community
