"""Examples picked label by label say nothing of how common labels are; unlabelled texts do."""

import numpy as np
import pytest
from planted_texts import WORDS, CharacterEncoder, planted

from penchant.interests.examples import LabelledTexts
from penchant.interests.label_shift import shares_among
from penchant.interests.labeller import Labeller, LabellerConfig

APPLE, PEAR = "水果 > 苹果", "水果 > 香蕉"


def blurred(apples: int, pears: int, seed: int) -> LabelledTexts:
    """Texts of two labels, of which a third could be of either."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for label, count in ((APPLE, apples), (PEAR, pears)):
        for number in range(count):
            word = "果味" if rng.random() < 1 / 3 else rng.choice(WORDS[label])
            texts.append(f"{word} {number} {rng.integers(1 << 30)}")
            labels.append(label)
    return LabelledTexts.of(texts, labels)


def accuracy(labeller: Labeller, labelled: LabelledTexts) -> float:
    said = labeller.label(labelled.texts)
    return float(np.mean([said.labels(row) == labelled.given[row][0] for row in range(len(labelled))]))


def test_planted_shares_are_found_from_uncertain_answers() -> None:
    rng = np.random.default_rng(0)
    wanted = np.array([0.7, 0.2, 0.1])
    truth = rng.choice(3, size=6000, p=wanted)
    # An observation that points to the right class half of the time, judged as by one who thinks all as common.
    seen = np.where(rng.random(6000) < 0.5, truth, rng.choice(3, size=6000))
    said = (0.5 * np.eye(3)[seen] + 0.5 / 3).astype(np.float32)
    believed = np.full(3, 1 / 3, dtype=np.float32)
    assert said.mean(0) == pytest.approx([0.43, 0.3, 0.27], abs=0.03), "the plain mean would be far off"
    assert shares_among(said, believed) == pytest.approx(wanted, abs=0.03)


def test_few_texts_leave_the_shares_near_those_believed() -> None:
    believed = np.array([0.5, 0.5], dtype=np.float32)
    few = shares_among(np.array([[0.9, 0.1]] * 3, dtype=np.float32), believed)
    assert few == pytest.approx([0.5, 0.5], abs=0.15)


def test_a_labeller_learns_how_common_labels_are_from_unlabelled_texts(tmp_path) -> None:
    given, stream, test = blurred(40, 40, 0), blurred(900, 100, 1), blurred(900, 100, 2)
    config = LabellerConfig(names=False, meaning=False)
    unmoved = Labeller(config.model_copy(update={"label_shift": False})).fit(given, unlabelled=stream.texts)
    shifted = Labeller(config).fit(given, unlabelled=stream.texts)
    assert shifted.report.shifted
    assert not unmoved.report.shifted
    assert accuracy(shifted, test) > accuracy(unmoved, test) + 0.05
    mean = shifted.probabilities(test.texts).mean(0)[shifted.taxonomy.row(APPLE)]
    assert mean == pytest.approx(0.9, abs=0.05)
    assert shifted.probabilities([""])[0, shifted.taxonomy.row(APPLE)] == pytest.approx(0.9, abs=0.05)
    shifted.save(tmp_path / "shifted")
    again = Labeller.load(tmp_path / "shifted")
    np.testing.assert_array_equal(again.probabilities(test.texts), shifted.probabilities(test.texts))


def test_validation_data_show_how_common_labels_are_and_nothing_is_shifted() -> None:
    given, stream = blurred(40, 40, 0), blurred(900, 100, 1)
    labeller = Labeller(LabellerConfig(names=False, meaning=False)).fit(
        given, unlabelled=stream.texts, validation=blurred(60, 60, 3)
    )
    assert not labeller.report.shifted


def test_neighbours_leave_self_training_to_spelling() -> None:
    from penchant.interests.beliefs import BeliefsConfig

    few, more = planted(4, seed=5), planted(160, seed=7).texts
    config = LabellerConfig(names=False, label_shift=False)
    alone = Labeller(config).fit(few, encoder=CharacterEncoder(), unlabelled=more)
    helped = Labeller(config.model_copy(update={"beliefs": BeliefsConfig(rounds=1, threshold=0.3)})).fit(
        few, encoder=CharacterEncoder(), unlabelled=more
    )
    rows = alone.reader.rows(planted(20, seed=8).texts)
    np.testing.assert_array_equal(helped.sources["meaning"].logits(rows), alone.sources["meaning"].logits(rows))
    assert not np.array_equal(helped.sources["spelling"].logits(rows), alone.sources["spelling"].logits(rows))
