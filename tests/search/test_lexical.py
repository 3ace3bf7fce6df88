from pathlib import Path

import numpy as np
import pytest

from penchant.errors import NotFittedError
from penchant.search.lexical import Lexical, LexicalConfig

DOCUMENTS = [["red", "dress", "red"], ["blue", "dress"], ["iron", "pan"], [], ["red", "pan", "lid", "glass"]]


def by_hand(word: str, row: int, config: LexicalConfig) -> float:
    """Lucene's BM25 of one word and one row, from its formula."""
    count, length = DOCUMENTS[row].count(word), len(DOCUMENTS[row])
    holding, rows = sum(word in document for document in DOCUMENTS), len(DOCUMENTS)
    mean = sum(map(len, DOCUMENTS)) / rows
    weight = np.log(1 + (rows - holding + 0.5) / (holding + 0.5))
    return float(weight * count / (count + config.k1 * (1 - config.b + config.b * length / mean)))


@pytest.mark.parametrize("config", [LexicalConfig(), LexicalConfig(k1=0.4), LexicalConfig(b=0)])
def test_scores_are_those_of_the_formula(config: LexicalConfig) -> None:
    scores = Lexical(config).fit(DOCUMENTS).score(["red", "dress", "unheard"])
    for row in range(len(DOCUMENTS)):
        assert scores[row] == pytest.approx(by_hand("red", row, config) + by_hand("dress", row, config), abs=1e-5)


def test_a_row_put_later_scores_like_an_equal_row_that_was_fitted() -> None:
    index = Lexical().fit(DOCUMENTS)
    index.put(5, DOCUMENTS[0])
    scores = index.score(["red", "dress"])
    assert scores[5] == pytest.approx(scores[0], abs=1e-5)
    assert index.parts(["red"], 5)["red"] == pytest.approx(index.parts(["red"], 0)["red"], abs=1e-5)


def test_a_word_that_came_after_the_fit_is_found_and_counted() -> None:
    index = Lexical().fit(DOCUMENTS)
    assert index.score(["kettle"]).max() == 0
    index.put(1, ["steel", "kettle"])
    assert index.score(["kettle"]).argmax() == 1
    assert index.score(["blue"]).max() == 0, "the row lost its old words"
    assert (index.frequency("kettle"), "kettle" in index.vocabulary()) == (1, True)
    index.drop(1)
    assert index.score(["kettle"]).max() == 0
    assert (index.frequency("kettle"), "kettle" in index.vocabulary()) == (0, False)


def test_the_parts_of_a_score_add_up_and_name_only_words_that_are_there() -> None:
    index = Lexical().fit(DOCUMENTS)
    words = ["red", "pan", "dress", "red"]
    for row in range(len(DOCUMENTS)):
        parts = index.parts(words, row)
        assert set(parts) == set(words) & set(DOCUMENTS[row])
        assert sum(parts.values()) == pytest.approx(float(index.score(words)[row]), abs=1e-5)


def test_many_changes_make_a_new_fit_worth_while() -> None:
    index = Lexical().fit(DOCUMENTS)
    for row in range(1_000):
        index.put(row, ["pan"])
    assert not index.stale
    index.put(1_000, ["pan"])
    assert index.stale


def test_a_saved_index_answers_the_same_and_takes_new_rows(tmp_path: Path) -> None:
    index = Lexical().fit(DOCUMENTS)
    assert index.save(tmp_path)
    again = Lexical.load(tmp_path, index.config, row_count=5, mean_length=index.mean_length)
    assert again.score(["red", "pan"]).tolist() == index.score(["red", "pan"]).tolist()
    again.put(5, DOCUMENTS[0])
    assert again.score(["red"])[5] == pytest.approx(again.score(["red"])[0], abs=1e-5)


def test_an_index_with_changes_beside_it_is_not_saved(tmp_path: Path) -> None:
    index = Lexical().fit(DOCUMENTS)
    index.put(0, ["pan"])
    with pytest.raises(NotFittedError, match="fit again before saving"):
        index.save(tmp_path)


@pytest.mark.parametrize("documents", [[], [[], []]])
def test_no_words_at_all_are_an_index_that_finds_nothing(documents: list[list[str]], tmp_path: Path) -> None:
    index = Lexical().fit(documents)
    assert index.score(["pan"]).tolist() == [0.0] * len(documents)
    assert index.save(tmp_path) == []
    again = Lexical.load(tmp_path, index.config, row_count=len(documents), mean_length=0.0)
    again.put(len(documents), ["pan"])
    assert again.score(["pan"])[-1] > 0
