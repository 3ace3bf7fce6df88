import numpy as np
import pytest
from shelves import searching_members

from penchant.data.interactions import EventWeights
from penchant.search.candidates import Candidates
from penchant.search.features import FEATURES, features, popularity_of
from penchant.search.words import analyse

TITLES = ["Red summer dress", "Dress no 12", "Castiron pan", ""]


def table(query: str) -> dict[str, list[float]]:
    """Each feature by name, for the four titles."""
    count = len(TITLES)
    found = Candidates(
        query,
        tuple(analyse(query)),
        np.arange(count),
        np.array([4.0, 2.0, 0.0, 0.0], dtype=np.float32),
        np.array([0.5, 0.9, 0.8, 0.1], dtype=np.float32),
        np.array([0.5, 0.7, 0.8, 0.1], dtype=np.float32),
        np.array([0, 1, -1, -1]),
        np.array([2, 0, 1, -1]),
    )
    fused = np.array([0.3, 0.4, 0.2, 0.1], dtype=np.float32)
    popularity = np.arange(count, dtype=np.float32)
    rows = features(found, fused, TITLES, popularity, lambda word: 3.0 if word == "red" else 1.0)
    assert rows.shape == (count, len(FEATURES))
    return {name: rows[:, place].tolist() for place, name in enumerate(FEATURES)}


def test_every_feature_says_what_its_name_says() -> None:
    said = table("red dress")
    assert said["bm25_share"] == [1.0, 0.5, 0.0, 0.0]
    assert said["cosine_lead"] == pytest.approx([-0.4, 0.0, -0.1, -0.8])
    assert said["plain_cosine_lead"] == pytest.approx([-0.3, -0.1, 0.0, -0.7])
    assert said["fused_rank"] == [1.0, 0.0, 2.0, 3.0]
    assert said["words_rank"] == [0.0, 1.0, 4.0, 4.0]
    assert said["meaning_rank"] == [2.0, 0.0, 1.0, 4.0]
    assert said["query_words_found"] == [1.0, 0.5, 0.0, 0.0]
    assert said["query_weight_found"] == [1.0, 0.25, 0.0, 0.0]
    assert said["title_words_asked"] == pytest.approx([2 / 3, 1 / len(analyse(TITLES[1])), 0, 0])
    assert said["last_word_found"] == [1.0, 1.0, 0.0, 0.0]
    assert said["last_word_place"] == pytest.approx([2 / 3, 0.0, -1.0, -1.0])
    assert said["first_word_found"] == [1.0, 0.0, 0.0, 0.0]
    assert said["title_words"][3] == 0
    assert said["query_words"] == [2.0] * 4
    assert said["popularity"] == [0.0, 1.0, 2.0, 3.0]


def test_numbers_spelling_and_neighbours_are_told() -> None:
    assert np.isnan(table("red dress")["numbers_found"]).all()
    assert table("dress 12")["numbers_found"] == [0.0, 1.0, 0.0, 0.0]
    assert table("cast iron")["spelling_found"][2] == 1.0
    assert table("summer dress")["phrases_found"] == [1.0, 0.0, 0.0, 0.0]


def test_a_query_of_no_words_is_told_without_dividing_by_zero() -> None:
    said = table("the")
    assert np.isfinite([values for name, values in said.items() if name != "numbers_found"]).all()


def test_popularity_counts_what_speaks_for_an_item() -> None:
    community = searching_members(by_taste=True)
    counted = popularity_of(community, EventWeights(), 240)
    busiest = community.events["item"].drop_nulls().value_counts(sort=True)["item"][0]
    assert counted[busiest] > np.median(counted)
    assert popularity_of(community, EventWeights(buy=0, click=0), 240).max() == 0
    assert popularity_of(None, EventWeights(), 3).tolist() == [0, 0, 0]
