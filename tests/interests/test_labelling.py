"""The labelling loop: what is suggested teaches, nothing comes up twice, wrong labels are found, and it says when."""

import numpy as np
import pytest
from planted_texts import CharacterEncoder, planted

from penchant.errors import InputError, TooLittleDataError
from penchant.interests.labelling import Labelling
from penchant.interests.learning import StopConfig

TRUTH = {text: answers[0][0] for text, answers in zip(planted(40).texts, planted(40).given, strict=True)}
TEXTS = list(TRUTH)


def started(count: int = 12, wrong: int = 0) -> Labelling:
    """A loop in which some texts have a label already, the first of them a wrong one."""
    labels = sorted(set(TRUTH.values()))
    given = {text: TRUTH[text] for text in TEXTS[:count]}
    for text in TEXTS[:wrong]:
        given[text] = labels[(labels.index(TRUTH[text]) + 1) % len(labels)]
    return Labelling(TEXTS, CharacterEncoder(), labelled=given)


def right(labelling: Labelling) -> float:
    return float(np.mean([labelling.likely(text)[0][0] == TRUTH[text] for text in TEXTS]))


def test_answers_to_what_is_suggested_teach() -> None:
    labelling = started(8)
    before = right(labelling)
    for _ in range(4):
        for one in labelling.suggest(5):
            labelling.give(one.text, TRUTH[one.text])
    assert len(labelling) == 28
    assert right(labelling) > max(before, 0.9)


def test_nothing_comes_up_that_was_labelled_or_skipped() -> None:
    labelling = started(12)
    seen: set[str] = set(TEXTS[:12])
    while found := labelling.suggest(30):
        assert seen.isdisjoint(one.text for one in found)
        seen |= {one.text for one in found}
        for place, one in enumerate(found):
            if place % 2:
                labelling.skip(one.text)
            else:
                labelling.give(one.text, TRUTH[one.text])
    assert seen == set(TEXTS)


def test_before_there_are_two_labels_texts_are_spread_and_nothing_is_guessed() -> None:
    found = Labelling(TEXTS, CharacterEncoder()).suggest(8)
    assert len({one.text for one in found}) == 8
    assert {one.likely for one in found} == {()}
    assert len({TRUTH[one.text] for one in found}) >= 3


def test_labels_that_look_wrong_are_found() -> None:
    ended = started(80, wrong=3).end_round()
    doubted = {one.text: one for one in ended.doubted}
    assert sum(text in doubted for text in TEXTS[:3]) >= 2
    assert len(doubted) <= 8
    assert all(doubted[text].likely == TRUTH[text] for text in TEXTS[:3] if text in doubted)


def test_it_says_stop_once_labels_change_nothing_and_rounds_without_answers_do_not_count() -> None:
    labelling = Labelling(
        TEXTS,
        CharacterEncoder(),
        labelled={text: TRUTH[text] for text in TEXTS[:100]},
        stop=StopConfig(agreement=0.95, rounds=2),
    )
    for _ in range(4):
        assert not labelling.end_round().verdict.stop
    for _ in range(2):
        for one in labelling.suggest(4):
            labelling.give(one.text, TRUTH[one.text])
        ended = labelling.end_round()
    assert ended.verdict.stop
    assert len(ended.verdict.agreements) == 2


def test_a_new_label_is_learned_and_spelled_one_way() -> None:
    labelling = started(12)
    assert labelling.give(TEXTS[20], "garden>tools ") == "garden > tools"
    assert labelling.labels[-1] == "garden > tools"
    assert labelling.likely(TEXTS[20])[0][0] == "garden > tools"


def test_what_makes_no_sense_is_refused() -> None:
    labelling = started()
    with pytest.raises(InputError, match="has an empty level"):
        labelling.give(TEXTS[30], "garden >> tools")
    with pytest.raises(InputError, match="is not among the"):
        labelling.give("never seen", "garden")
    with pytest.raises(TooLittleDataError, match="there is no text to label"):
        Labelling(["", "  "], CharacterEncoder())
