"""Support questions with planted intents: told apart, answered as before, and left to a search where unsure."""

from pathlib import Path

import polars as pl
import pytest
from word_encoder import WordEncoder

from penchant.errors import ColumnError, NotFittedError, TooLittleDataError
from penchant.search import Searcher, Support, SupportConfig

INTENTS = {
    "delivery": (
        ["where is my parcel", "parcel has not arrived", "when will it arrive", "track my parcel please"],
        "It is on its way.",
    ),
    "refund": (
        ["i want my money back", "refund me", "when do i get the refund", "money has not come back"],
        "We pay back in three days.",
    ),
    "invoice": (
        ["send me an invoice", "i need a tax invoice", "invoice for the company", "where is the invoice"],
        "It is in your account.",
    ),
}


def past() -> pl.DataFrame:
    rows = [
        (f"{opening}{asked} {tail}".strip(), intent, f"{reply}{' Thanks.' if tail else ''}")
        for intent, (ways, reply) in INTENTS.items()
        for asked in ways
        for opening, tail in (("", ""), ("hello ", ""), ("", "urgent now"))
    ]
    return pl.DataFrame(rows, schema=["question", "intent", "reply"], orient="row")


@pytest.fixture(scope="module")
def support() -> Support:
    shop = pl.DataFrame({"item_id": ["a", "b"], "title": ["steel kettle", "garden chair"]})
    return Support(SupportConfig(risk=0.05), searcher=Searcher().fit(shop)).fit(past())


def test_a_new_wording_gets_the_intent_and_the_reply_of_the_likest_question(support: Support) -> None:
    answer = support.answer("hello, has my parcel arrived?")
    assert (answer.intent, answer.reply) == ("delivery", "It is on its way.")
    assert answer.evidence[0].text is not None
    assert "parcel" in answer.evidence[0].text
    assert answer.strategy.startswith("intent “delivery”")
    urgent = support.answer("refund me urgent now")
    assert urgent.reply == "We pay back in three days. Thanks."


def test_what_no_dialogue_is_about_is_searched_for(support: Support) -> None:
    answer = support.answer("a kettle of steel")
    assert answer.reply is None
    assert answer.found is not None
    assert answer.found[0].item_id == "a"
    assert answer.strategy.startswith("not sure of the intent")
    assert "意图不明确" in support.answer("钢水壶").strategy


def test_quality_counts_replies_and_the_share_answered(support: Support) -> None:
    quality = support.evaluate(past())
    assert quality.recall_at_1 == 1.0
    assert quality.intent_accuracy == 1.0
    wrong = past().with_columns(pl.lit("something else").alias("reply"))
    assert support.evaluate(wrong).recall_at_1 == 0.0


def test_less_risk_is_more_searching() -> None:
    strict, loose = (Support(SupportConfig(risk=risk)).fit(past()) for risk in (0.001, 0.9))
    assert strict.threshold > loose.threshold
    assert strict.evaluate(past()).answered <= loose.evaluate(past()).answered


def test_meaning_helps_where_spelling_does_not() -> None:
    with_meaning = Support(SupportConfig(meaning=8.0), encoder=WordEncoder()).fit(past())
    assert with_meaning.answer("invoice").intent == "invoice"


def test_answers_survive_saving(support: Support, tmp_path: Path) -> None:
    support.save(tmp_path / "support")
    again = Support.load(tmp_path / "support")
    for question in ("parcel arrived", "tax invoice", "garden"):
        assert again.answer(question).reply == support.answer(question).reply
    with pytest.raises(NotFittedError, match="hand in the same"):
        Support.load(tmp_path / "support", encoder=WordEncoder())


def test_bad_input_is_told(support: Support) -> None:
    assert support.answer("  ").strategy == "the question has no words"
    assert support.answer("?" * 10_000).strategy
    with pytest.raises(ColumnError, match="no column 'reply'"):
        Support().fit(past().drop("reply"))
    with pytest.raises(TooLittleDataError, match="two intents"):
        Support().fit(past().filter(pl.col("intent") == "refund"))
    with pytest.raises(NotFittedError):
        Support().answer("hello")
