"""Items that came after the fit are known at once."""

import numpy as np
import polars as pl
import pytest
from shops import START, shop
from word_encoder import WordEncoder

from penchant.recommend import RankerConfig, RecommendConfig, Recommender, train
from penchant.recommend.growing import grown
from penchant.training.options import Options


@pytest.fixture(scope="module")
def fitted() -> Recommender:
    config = RecommendConfig(tuning="none", ranker=RankerConfig(enabled=False))
    return train(shop(), config, Options(threads=1, progress=False), encoder=WordEncoder())


NEW = pl.DataFrame(
    {
        "item_id": ["tent-x", "pan-x"],
        "title": ["two person tent no x", "cast iron pan no x"],
        "categories": [["camping"], ["kitchen"]],
    }
)


def liked(*items: str) -> pl.DataFrame:
    return pl.DataFrame({"item_id": list(items), "kind": ["buy"] * len(items), "at": [START] * len(items)})


def test_a_new_item_comes_to_those_who_like_its_kind_and_to_nobody_else(fitted: Recommender) -> None:
    wider = grown(fitted, NEW, encoder=WordEncoder())
    campers = [pick.item_id for pick in wider.recommend("m1", 6)]
    cooks = [pick.item_id for pick in wider.recommend("m0", 6)]
    assert "tent-x" in campers
    assert "pan-x" not in campers
    assert "pan-x" in cooks
    assert "tent-x" not in cooks


def test_what_is_done_with_a_new_item_speaks_for_its_kind(fitted: Recommender) -> None:
    wider = grown(fitted, NEW, encoder=WordEncoder())
    shown = [pick.item_id for pick in wider.recommend_for(events=liked("tent-x"), k=5, member_id="nobody yet")]
    assert all(item.startswith("camping") for item in shown)
    near = [pick.item_id for pick in wider.similar("tent-x", 3)]
    assert all(item.startswith("camping") for item in near)


def test_old_items_keep_their_scores(fitted: Recommender) -> None:
    wider = grown(fitted, NEW, encoder=WordEncoder())
    before = {pick.item_id: pick.score for pick in fitted.recommend("m1", 8)}
    after = {pick.item_id: pick.score for pick in wider.recommend("m1", 12)}
    shared = before.keys() & after.keys()
    assert len(shared) >= 6
    order = sorted(shared, key=lambda item: -before[item])
    assert order == sorted(shared, key=lambda item: -after[item])


def test_a_changed_item_takes_its_new_row_and_nothing_else_changes(fitted: Recommender) -> None:
    first = fitted.recommend("m1", 1)[0].item_id
    row = fitted.community.items.filter(pl.col("item_id") == first).with_columns(available=pl.lit(False))
    changed = grown(fitted, row)
    assert first not in [pick.item_id for pick in changed.recommend("m1", 20)]
    assert changed.community.item_ids is fitted.community.item_ids
    assert fitted.recommend("m1", 1)[0].item_id == first
    again = grown(changed, row.with_columns(available=pl.lit(True)))
    assert [pick.item_id for pick in again.recommend("m1", 9)] == [pick.item_id for pick in fitted.recommend("m1", 9)]


def test_without_something_that_reads_texts_a_new_item_is_there_and_pushed_on_nobody(fitted: Recommender) -> None:
    for source in fitted.sources.values():
        if hasattr(source, "encoder"):
            source.encoder = None
    wider = grown(fitted, NEW)
    assert wider.community.item_ids.row("tent-x") == len(fitted.community.items)
    assert np.isfinite([pick.score for pick in wider.recommend("m1", 40)]).all()
    assert "tent-x" not in [pick.item_id for pick in wider.recommend("m1", 3)]
