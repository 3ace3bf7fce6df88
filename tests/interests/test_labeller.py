"""A labeller finds planted labels, keeps the tree, says when it is unsure, and comes back from disk the same."""

import numpy as np
import pytest
from planted_texts import WORDS, CharacterEncoder, accuracy, planted

from penchant.artifacts import MANIFEST
from penchant.errors import ArtifactError, ConfigError, InputError, NotFittedError, TooLittleDataError, UnknownIdError
from penchant.evaluation.classification import hierarchy_violations
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.taxonomy import Taxonomy

SPELLING = LabellerConfig(names=False, meaning=False)


@pytest.fixture(scope="module")
def encoder() -> CharacterEncoder:
    return CharacterEncoder()


@pytest.fixture(scope="module")
def taught(encoder: CharacterEncoder) -> Labeller:
    return Labeller().fit(planted(60), encoder=encoder)


def test_it_finds_the_planted_labels_of_texts_it_has_not_seen(taught: Labeller) -> None:
    assert accuracy(taught, planted(40, seed=1)) > 0.97


def test_a_child_is_never_likelier_than_its_parent(taught: Labeller) -> None:
    said = taught.label(planted(40, seed=1).texts)
    assert "水果" in taught.taxonomy.labels
    assert hierarchy_violations(taught.taxonomy.labels, said.probabilities) == 0
    assert hierarchy_violations(taught.taxonomy.labels, said.given) == 0
    assert hierarchy_violations(taught.taxonomy.labels, said.sure) == 0


def test_probabilities_of_labels_that_shut_each_other_out_sum_to_one(taught: Labeller) -> None:
    said = taught.probabilities(planted(5, seed=2).texts)
    assert said[:, taught.taxonomy.depths == 1].sum(1) == pytest.approx(1, abs=1e-5)


def test_labels_known_by_name_alone_are_found(encoder: CharacterEncoder) -> None:
    tree = Taxonomy(["苹果 红富士 脆甜", "手机 充电 屏幕", "novel author chapter"])
    labeller = Labeller().fit(None, encoder=encoder, taxonomy=tree)
    said = labeller.label(["昨天 红富士 脆甜 物流", "屏幕 充电 还行", "author and chapter"])
    assert [said.labels(row)[0][:2] for row in range(3)] == ["苹果", "手机", "no"]
    assert said.unsure.all(), "without a labelled text no risk can be stated"


def test_a_description_helps_where_the_name_says_nothing(encoder: CharacterEncoder) -> None:
    tree = Taxonomy(["A1", "B2"], descriptions={"A1": "手机 充电 屏幕 信号", "B2": "novel author chapter story"})
    said = Labeller().fit(None, encoder=encoder, taxonomy=tree).label(["屏幕 信号", "story author"])
    assert [said.labels(row) for row in range(2)] == [("A1",), ("B2",)]


def test_several_labels_a_text_are_all_found(encoder: CharacterEncoder) -> None:
    one, other = planted(100, labels=["水果 > 苹果"]), planted(100, seed=3, labels=["数码/家电"])
    both = [f"{a} {b}" for a, b in zip(one.texts[:60], other.texts[:60], strict=True)]
    none = ["很好 the", "物流 really", "昨天 买的 还行", "and today", "收到了 很好"]
    labelled = LabelledTexts.of(
        [*one.texts, *other.texts, *both, *none],
        [["水果 > 苹果"]] * len(one) + [["数码/家电"]] * len(other) + [["水果 > 苹果", "数码/家电"]] * 60 + [[]] * 5,
    )
    labeller = Labeller().fit(labelled, encoder=encoder)
    assert not labeller.classes.exclusive
    fresh = planted(20, seed=9, labels=["水果 > 苹果"]).texts, planted(20, seed=9, labels=["数码/家电"]).texts
    said = labeller.label([f"{a} {b}" for a, b in zip(*fresh, strict=True)])
    assert np.mean([said.labels(row) == ("数码/家电", "水果 > 苹果") for row in range(20)]) > 0.8
    assert np.mean([labeller.label([text]).labels(0) == ("水果 > 苹果",) for text in fresh[0]]) > 0.8


def test_an_inner_label_given_as_such_is_a_class_of_its_own() -> None:
    rows = [("fruit", "mixed basket of fruit"), ("fruit > apple", "red apple tart"), ("car", "fast blue car")] * 8
    labelled = LabelledTexts.of([f"{text} {n}" for n, (_, text) in enumerate(rows)], [label for label, _ in rows])
    said = Labeller(SPELLING).fit(labelled).label(["basket of fruit", "apple tart", "blue car"])
    assert [said.labels(row) for row in range(3)] == [("fruit",), ("fruit > apple",), ("car",)]


def test_unlabelled_texts_help_where_labelled_ones_are_few() -> None:
    few, test, more = planted(2, seed=5), planted(100, seed=6), planted(150, seed=7).texts
    alone = Labeller(SPELLING).fit(few)
    config = SPELLING.model_copy(update={"beliefs": BeliefsConfig(rounds=3, per_class=60, threshold=0.3)})
    helped = Labeller(config).fit(few, unlabelled=more)
    assert helped.report.believed > 50
    assert accuracy(helped, test) > accuracy(alone, test) + 0.02


def test_neighbours_among_unlabelled_texts_help_and_come_back_from_disk(encoder: CharacterEncoder, tmp_path) -> None:
    few, test, more = planted(2, seed=5), planted(60, seed=6), planted(160, seed=7).texts
    config = LabellerConfig(names=False, spelling=False)
    alone = Labeller(config).fit(few, encoder=encoder, unlabelled=more[:10])
    drawn = Labeller(config).fit(few, encoder=encoder, unlabelled=more)
    assert alone.reader.crowd is None
    assert drawn.reader.crowd is not None
    assert accuracy(drawn, test) > accuracy(alone, test) + 0.02
    drawn.save(tmp_path / "drawn")
    again = Labeller.load(tmp_path / "drawn", encoder)
    np.testing.assert_array_equal(again.probabilities(test.texts), drawn.probabilities(test.texts))


def test_sure_answers_keep_to_the_risk_and_unsure_ones_are_worse() -> None:
    rng = np.random.default_rng(0)
    labelled = planted(200)
    # A quarter of the texts say nothing of their label.
    texts = [text if rng.random() > 0.25 else f"很好 {rng.integers(1 << 40)}" for text in labelled.texts]
    noisy = LabelledTexts.of(texts, [answers[0] for answers in labelled.given])
    half = np.arange(len(noisy)) % 2 == 0
    labeller = Labeller(SPELLING.model_copy(update={"risk": 0.1})).fit(noisy.take(np.flatnonzero(half)))
    test = noisy.take(np.flatnonzero(~half))
    said = labeller.label(test.texts)
    right = np.array([said.labels(row) == test.given[row][0] for row in range(len(test))])
    leaf = said.sure[:, labeller.taxonomy.leaf_rows].any(1)
    assert 0.5 < leaf.mean() < 0.9
    assert right[leaf].mean() > 0.87
    assert right[~leaf].mean() < 0.6


def test_confidence_means_what_it_says(encoder: CharacterEncoder) -> None:
    from penchant.evaluation.classification import calibration

    rng = np.random.default_rng(1)
    labelled = planted(250)
    labels = [answers[0] if rng.random() > 0.3 else ("books 📚",) for answers in labelled.given]
    noisy = LabelledTexts.of(labelled.texts, labels)
    half = np.arange(len(noisy)) % 2 == 0
    labeller = Labeller().fit(noisy.take(np.flatnonzero(half)), encoder=encoder)
    test = noisy.take(np.flatnonzero(~half))
    classes = labeller.probabilities(test.texts)[:, labeller.classes.rows]
    right = [labeller.classes.labels[best] == test.given[row][0][0] for row, best in enumerate(classes.argmax(1))]
    assert calibration(right, classes.max(1)).ece < 0.06


@pytest.mark.parametrize("config", [SPELLING, LabellerConfig()])
def test_a_loaded_labeller_says_exactly_what_the_saved_one_did(
    config: LabellerConfig, encoder: CharacterEncoder, tmp_path
) -> None:
    labeller = Labeller(config).fit(planted(30), encoder=encoder)
    labeller.save(tmp_path / "labeller")
    again = Labeller.load(tmp_path / "labeller", encoder)
    texts = [*planted(20, seed=4).texts, "", "🍎"]
    np.testing.assert_array_equal(again.probabilities(texts), labeller.probabilities(texts))
    np.testing.assert_array_equal(again.label(texts).sure, labeller.label(texts).sure)
    assert again.report == labeller.report


def test_a_saved_labeller_refuses_another_encoder_and_damage(
    taught: Labeller, encoder: CharacterEncoder, tmp_path
) -> None:
    taught.save(tmp_path / "labeller")
    other = CharacterEncoder()
    other.name = "others"
    with pytest.raises(ArtifactError, match="fitted with the encoder characters"):
        Labeller.load(tmp_path / "labeller", other)
    (tmp_path / "labeller" / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match="no finished model"):
        Labeller.load(tmp_path / "labeller", encoder)


def test_the_same_seed_gives_the_same_answers(taught: Labeller, encoder: CharacterEncoder) -> None:
    again = Labeller().fit(planted(60), encoder=encoder)
    texts = planted(10, seed=8).texts
    np.testing.assert_array_equal(again.probabilities(texts), taught.probabilities(texts))


def test_blank_and_endless_texts_are_answered(taught: Labeller) -> None:
    said = taught.label(["", "  \n", "苹果 " * 40_000, "\ud83d苹果 脆甜"])
    assert said.unsure.tolist()[:2] == [True, True]
    assert np.isfinite(said.probabilities).all()
    assert said.labels(2) == ("水果 > 苹果",)
    assert taught.label([]).probabilities.shape == (0, len(taught.taxonomy))


def test_one_example_a_label_is_enough_to_answer_and_too_little_to_be_sure(encoder: CharacterEncoder) -> None:
    labeller = Labeller().fit(planted(1, seed=2), encoder=encoder)
    assert labeller.report.held_out == 0
    assert labeller.label(planted(20, seed=3).texts).unsure.all()
    assert accuracy(labeller, planted(40, seed=3)) > 0.5


def test_texts_that_are_all_the_same_give_no_certainty(encoder: CharacterEncoder) -> None:
    labelled = LabelledTexts.of(["好评"] * 9, ["a"] * 6 + ["b"] * 3)
    assert (len(labelled), labelled.contradictory) == (1, 1)
    labeller = Labeller().fit(labelled, encoder=encoder)
    said = labeller.label(["好评", "差评"])
    assert said.unsure.all()
    assert np.isfinite(said.probabilities).all()


def test_contradictory_labels_are_counted_and_halve_the_belief() -> None:
    labelled = LabelledTexts.of(["red apple"] * 4 + ["blue car"], ["fruit", "fruit", "car", "car", "car"])
    labeller = Labeller(SPELLING).fit(labelled)
    assert labeller.report.contradictory == 1
    assert labeller.probabilities(["red apple"]).max() < 0.75


def test_labels_without_texts_are_known_by_name(encoder: CharacterEncoder) -> None:
    tree = Taxonomy([*WORDS, "手表 表带 指针"])
    labeller = Labeller().fit(planted(20), encoder=encoder, taxonomy=tree)
    assert labeller.report.without_texts == ("手表 表带 指针",)
    assert labeller.probabilities(["指针"]).shape == (1, len(tree))


def test_one_label_alone_is_always_the_answer_where_labels_shut_each_other_out() -> None:
    labeller = Labeller(SPELLING).fit(LabelledTexts.of(["one", "two"], ["only", "only"]))
    assert labeller.label(["three"]).labels(0) == ("only",)


def test_a_validation_label_that_is_not_in_the_tree_is_refused() -> None:
    with pytest.raises(UnknownIdError, match="no label 'unheard'"):
        Labeller(SPELLING).fit(planted(5), validation=LabelledTexts.of(["text"], ["unheard"]))


def test_what_cannot_be_learned_is_refused(encoder: CharacterEncoder) -> None:
    with pytest.raises(ConfigError, match="need an encoder"):
        Labeller().fit(planted(5))
    with pytest.raises(ConfigError, match="needs a source"):
        Labeller(LabellerConfig(names=False, meaning=False, spelling=False)).fit(planted(5))
    with pytest.raises(TooLittleDataError, match="nothing to learn from"):
        Labeller(SPELLING).fit(None, taxonomy=Taxonomy(["a"]))
    with pytest.raises(TooLittleDataError, match="there is no tree"):
        Labeller().fit(None, encoder=encoder)
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        Labeller().label(["text"])
    with pytest.raises(InputError, match="some text has no label or several"):
        Labeller(SPELLING.model_copy(update={"exclusive": True})).fit(LabelledTexts.of(["a"], [["x", "y"]]))


@pytest.mark.slow
def test_a_tree_of_twelve_hundred_labels_is_learned_in_seconds(encoder: CharacterEncoder) -> None:
    labels = [f"部门{n // 40} > 类{n}" for n in range(1200)]
    texts = [f"商品{n} 型号{n * 7919 % 1200} {copy}" for n in range(1200) for copy in "甲乙"]
    labelled = LabelledTexts.of(texts, [label for label in labels for _ in range(2)])
    labeller = Labeller(SPELLING.model_copy(update={"folds": 2})).fit(labelled)
    said = labeller.label([f"商品{n} 型号{n * 7919 % 1200} 丙" for n in range(0, 1200, 40)])
    assert np.mean([said.labels(row) == (labels[row * 40],) for row in range(30)]) > 0.8
    assert hierarchy_violations(labeller.taxonomy.labels, said.probabilities) == 0
