import numpy as np
import pytest
from shops import shop

from penchant.collaborative import Ease, EaseConfig, Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import histories
from penchant.recommend import opinions
from penchant.recommend.candidates import gather
from penchant.recommend.opinions import Opinions
from penchant.training.options import Options

SHOP = shop()
ITEMS = len(SHOP.item_ids)
OPEN = np.zeros(ITEMS, dtype=bool)


@pytest.fixture(scope="module")
def sources() -> dict[str, Scorer]:
    return {
        "popularity": Popularity().fit(SHOP, Options()),
        "ease": Ease(EaseConfig(regularization=5.0)).fit(SHOP, Options()),
    }


def test_each_member_gets_the_best_of_every_source_and_all_sources_scores(sources: dict[str, Scorer]) -> None:
    batch = histories(SHOP)
    seen = batch.touched(ITEMS)
    found = gather(sources, batch, seen, closed=OPEN, cold=OPEN, trust=0.0, per_source=4)
    barred = seen.toarray() > 0
    expected = Opinions.of(sources, batch, barred, cold=OPEN, trust=0.0).scores
    for member in range(len(batch)):
        mine = slice(found.offsets[member], found.offsets[member + 1])
        items = found.items[mine]
        assert not barred[member, items].any()
        for place, name in enumerate(found.sources):
            ranked = np.where(barred[member], -np.inf, expected[name][member])
            threshold = np.sort(ranked)[-4]
            assert set(np.flatnonzero(ranked > threshold)) <= set(items)
            np.testing.assert_allclose(found.scores[mine, place], expected[name][member, items], rtol=1e-4, atol=1e-5)
        assert 4 <= len(items) <= 8


def test_more_for_each_source_means_more_candidates_up_to_all_that_may_be_shown(sources: dict[str, Scorer]) -> None:
    batch = histories(SHOP)
    seen = batch.touched(ITEMS)
    closed = OPEN.copy()
    closed[3] = True
    sizes = [
        len(gather(sources, batch, seen, closed=closed, cold=OPEN, trust=0.0, per_source=count).items)
        for count in (2, 6, 1000)
    ]
    assert sizes[0] < sizes[1] < sizes[2]
    allowed = ((seen.toarray() == 0) & ~closed).sum()
    assert sizes[2] == allowed


def test_a_few_members_at_a_time_gives_the_same(sources: dict[str, Scorer], monkeypatch: pytest.MonkeyPatch) -> None:
    batch = histories(SHOP)
    seen = batch.touched(ITEMS)
    whole = gather(sources, batch, seen, closed=OPEN, cold=OPEN, trust=0.0, per_source=5)
    monkeypatch.setattr(opinions, "CELLS_AT_ONCE", 7 * ITEMS)
    parts = gather(sources, batch, seen, closed=OPEN, cold=OPEN, trust=0.0, per_source=5)
    np.testing.assert_array_equal(parts.items, whole.items)
    np.testing.assert_array_equal(parts.offsets, whole.offsets)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-5)


def test_nobody_has_no_candidates(sources: dict[str, Scorer]) -> None:
    nobody = histories(SHOP).rows(np.array([], dtype=np.int64))
    found = gather(sources, nobody, nobody.touched(ITEMS), closed=OPEN, cold=OPEN, trust=0.0)
    assert found.scores.shape == (0, 2)
    assert found.offsets.tolist() == [0]
