import numpy as np
import pytest
from shops import shop
from word_encoder import WordEncoder

from penchant.collaborative import Als, AlsConfig, Ease, EaseConfig, Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories, histories
from penchant.recommend.opinions import Opinions
from penchant.recommend.similarity import TextSimilarity
from penchant.training.options import Options

SHOP = shop()
ITEMS = len(SHOP.item_ids)
OPEN = np.zeros((1, ITEMS), dtype=bool)
COLD = np.asarray(histories(SHOP).touched(ITEMS).sum(axis=0)).ravel() == 0
WEIGHTS = {"popularity": 0.2, "ease": 0.5, "text": 0.3}


@pytest.fixture(scope="module")
def sources() -> dict[str, Scorer]:
    return {
        "popularity": Popularity().fit(SHOP, Options()),
        "ease": Ease(EaseConfig(regularization=5.0)).fit(SHOP, Options()),
        "text": TextSimilarity(encoder=WordEncoder()).fit(SHOP, Options()),
    }


def rows(*ids: str) -> list[int]:
    return [SHOP.item_ids.row(identifier) for identifier in ids]


def test_the_blend_is_the_weighted_sum_of_scaled_scores(sources: dict[str, Scorer]) -> None:
    history = Histories.of_items([rows("camping-0", "camping-2")])
    found = Opinions.of(sources, history, OPEN, cold=np.zeros(ITEMS, dtype=bool), trust=0.3)
    expected = sum(weight * found.scores[name] for name, weight in WEIGHTS.items())
    np.testing.assert_allclose(found.blend(WEIGHTS), expected, rtol=1e-5)
    for scores in found.scores.values():
        assert scores.mean() == pytest.approx(0, abs=1e-4)


def test_trust_decides_how_far_text_speaks_for_behaviour_about_new_items(sources: dict[str, Scorer]) -> None:
    history = Histories.of_items([rows("camping-0", "camping-2", "camping-4")])
    new = rows("camping-11")[0]
    blends = [
        Opinions.of(sources, history, OPEN, cold=COLD, trust=trust).blend(WEIGHTS)[0] for trust in (0.0, 0.5, 1.0)
    ]
    assert blends[0][new] < blends[1][new] < blends[2][new]
    text = Opinions.of(sources, history, OPEN, cold=COLD, trust=1.0).scores["text"][0, new]
    assert blends[2][new] == pytest.approx(text, rel=1e-5)
    assert blends[0][new] == pytest.approx(WEIGHTS["text"] * text, rel=1e-5)
    np.testing.assert_array_equal(blends[0][~COLD], blends[2][~COLD])


def test_without_text_new_items_keep_what_behaviour_says(sources: dict[str, Scorer]) -> None:
    fewer = {name: sources[name] for name in ("popularity", "ease")}
    history = Histories.of_items([rows("camping-0")])
    found = Opinions.of(fewer, history, OPEN, cold=COLD, trust=1.0)
    assert (found.scores["popularity"][0, COLD] < 0).all()


def test_the_weight_of_sources_without_an_opinion_goes_to_the_text(sources: dict[str, Scorer]) -> None:
    # Nobody has touched camping-11, so EASE says nothing of a member who likes only that; text does.
    batch = Histories.of_items([rows("camping-11"), rows("camping-0"), []])
    barred = np.zeros((3, ITEMS), dtype=bool)
    weights = Opinions.of(sources, batch, barred, cold=COLD, trust=0.3).weights(WEIGHTS)
    assert weights["ease"][:, 0].tolist() == pytest.approx([0, 0.5, 0.5])
    assert weights["text"][:, 0].tolist() == pytest.approx([0.8, 0.3, 0.3])
    assert weights["popularity"][:, 0].tolist() == pytest.approx([0.2, 0.2, 0.2])


def test_many_members_and_one_are_answered_alike(sources: dict[str, Scorer]) -> None:
    with_als = sources | {"als": Als(AlsConfig(factors=4, regularization=1.0)).fit(SHOP, Options())}
    weights = dict.fromkeys(with_als, 0.25)
    batch = histories(SHOP)
    barred = batch.touched(ITEMS).toarray() > 0
    together = Opinions.of(with_als, batch, barred, cold=COLD, trust=0.3).blend(weights)
    alone = Opinions.of(with_als, batch.rows(np.array([7])), barred[7:8], cold=COLD, trust=0.3).blend(weights)
    np.testing.assert_allclose(alone[0], together[7], rtol=1e-3, atol=1e-4)
