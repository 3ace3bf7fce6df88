"""Texts of the report with the words marked that decide their label."""

import polars as pl
import pytest

from penchant.data.columns import EVENTS, ITEMS
from penchant.data.community import Community
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.report.marked_texts import STRENGTHS, marked_texts, telling_texts

FRUIT = [f"a {colour} apple, {taste}" for colour in ("red", "green", "small") for taste in ("sweet", "sour", "ripe")]
CARS = [f"the {colour} car, {speed}" for colour in ("red", "green", "small") for speed in ("fast", "slow", "old")]


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    labelled = LabelledTexts.of(FRUIT + CARS, ["Food > Fruit"] * len(FRUIT) + ["Cars"] * len(CARS))
    return Labeller(LabellerConfig(names=False, meaning=False)).fit(labelled)


def community(texts: list[str]) -> Community:
    labels = pl.DataFrame(
        {"text": texts, "labels": [["Cars"]] * len(texts), "split": ["test"] * (len(texts) - 1) + ["train"]}
    )
    return Community.from_tables(pl.DataFrame(schema=ITEMS), pl.DataFrame(schema=EVENTS), labels=labels)


def test_deciding_word_is_marked_strongest_and_the_text_stays_whole(labeller: Labeller) -> None:
    held_back = ["one apple left", "my car is old"]
    marked = marked_texts(labeller, community([*held_back, "a text that taught"]), "en")
    assert {text.label for text in marked} == {"Food > Fruit", "Cars"}
    for text in marked:
        assert "".join(piece.text for piece in text.pieces) in held_back
        strongest = max(text.pieces, key=lambda piece: piece.strength)
        assert strongest.text in ("apple", "car")
        assert strongest.strength == STRENGTHS
        assert not strongest.against
        assert "%" in text.said
    (fruit,) = (text for text in marked if text.label == "Food > Fruit")
    assert [piece.strength for piece in fruit.pieces if piece.text == " "] == [0, 0]


def test_texts_are_of_different_labels_and_one_is_unsure(labeller: Labeller) -> None:
    texts = ["green apple", "a ripe apple for you", "the fast car", "zzz", ""]
    told = telling_texts(labeller, texts, 3)
    assert "a ripe apple for you" in told, "of two clear texts of a label the longer one is shown"
    assert "green apple" not in told
    assert len(told) == len(set(told)) <= 3
    unsure = labeller.label(told).unsure
    assert unsure.any() == labeller.label(texts).unsure.any()


def test_community_without_texts_has_none_to_mark(labeller: Labeller) -> None:
    empty = Community.from_tables(pl.DataFrame(schema=ITEMS), pl.DataFrame(schema=EVENTS))
    assert marked_texts(labeller, empty, "en") == ()
