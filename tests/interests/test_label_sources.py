"""Each source of evidence finds what only it can find, and comes back from disk."""

from pathlib import Path

import numpy as np
import pytest
from planted_texts import CharacterEncoder
from tiny_reader import OPTIONS, planted, tiny_encoder

from penchant.interests.attributions import AttributionConfig, attribute
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.rows import TextRows
from penchant.interests.sources import Nearest, SourcesConfig, Tuned, fit_sources
from penchant.interests.taxonomy import Taxonomy
from penchant.text.finetune import FinetuneConfig
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.batches import LengthSampler
from penchant.text.tuning.place import Place
from penchant.vectors import unit_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TransformerEncoder:
    return tiny_encoder(tmp_path_factory.mktemp("model") / "tiny")


def accuracy(labeller: Labeller, labelled: LabelledTexts) -> float:
    said = labeller.label(labelled.texts)
    return float(np.mean([said.labels(row) == labelled.given[row][0] for row in range(len(labelled))]))


def test_nearest_texts_tell_apart_what_no_straight_border_does() -> None:
    """Two classes, each around two opposite directions of a plane."""
    rng = np.random.default_rng(0)
    angles = np.repeat([0, np.pi / 2, np.pi, 3 * np.pi / 2], 100)
    plane = np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.1 * rng.standard_normal((400, 2))
    vectors = unit_rows(np.hstack([plane, 0.1 * rng.standard_normal((400, 6))]).astype(np.float32))
    labels = np.repeat([0, 1, 0, 1], 100)
    half = np.arange(400) % 2 == 0
    rows = TextRows(("",) * 200, vectors[half], None)
    test = TextRows(("",) * 200, vectors[~half], None)
    targets = np.eye(2, dtype=np.float32)[labels[half]]
    fitted = fit_sources(
        rows, targets, np.ones(200, dtype=np.float32), exclusive=True, config=SourcesConfig(), names=None
    )
    right = {name: (source.logits(test).argmax(1) == labels[~half]).mean() for name, source in fitted.items()}
    assert right["nearest"] == 1
    assert right["meaning"] < 0.7
    each = Nearest(vectors[half].astype(np.float16), targets.astype(np.float16), 30, exclusive=False).logits(test)
    assert ((each > 0).argmax(1) == labels[~half]).all()


def test_a_name_in_a_text_counts_as_its_spelling_does() -> None:
    given = LabelledTexts.of(["甜脆多汁", "果核很小", "屏幕清楚", "续航很长"], ["苹果", "苹果", "手机", "手机"])
    texts = ["这个手机还行", "苹果收到了"]
    config = LabellerConfig(meaning=False)
    named = Labeller(config).fit(given, encoder=CharacterEncoder())
    nameless = config.model_copy(update={"sources": SourcesConfig(name_weight=0)})
    unnamed = Labeller(nameless).fit(given, encoder=CharacterEncoder())
    rows = named.reader.rows(texts)
    said = named.sources["spelling"].logits(rows)
    assert [named.classes.labels[best] for best in said.argmax(1)] == ["手机", "苹果"]
    silent = unnamed.sources["spelling"].logits(unnamed.reader.rows(texts))
    assert np.ptp(said, axis=1).min() > np.ptp(silent, axis=1).max()


def test_a_text_lies_near_what_the_texts_of_its_class_share_and_near_a_name_where_there_are_none() -> None:
    given = LabelledTexts.of(["甜脆多汁", "多汁果核", "屏幕清楚", "清楚续航"], ["苹果", "苹果", "手机", "手机"])
    tree = Taxonomy(["苹果", "手机", "小说"])
    texts = ["多汁", "清楚", "小说"]

    def said(**fields: float) -> tuple[Labeller, np.ndarray]:
        config = LabellerConfig(meaning=False, sources=SourcesConfig(**fields))
        labeller = Labeller(config).fit(given, encoder=CharacterEncoder(), taxonomy=tree)
        return labeller, labeller.probabilities(texts)

    labeller, with_centres = said(centres=True)
    logits = labeller.sources["centres"].logits(labeller.reader.rows(texts))
    np.testing.assert_allclose(np.exp(logits).sum(1), 1, atol=1e-5)
    assert [labeller.classes.labels[best] for best in logits.argmax(1)] == ["苹果", "手机", "小说"]
    _, without = said()
    assert with_centres.max(1).min() > without.max(1).min()
    nameless = said(centres=True, name_weight=0)[0]
    assert np.ptp(nameless.sources["centres"].logits(nameless.reader.rows(texts))[2]) < 1e-6
    several = Labeller(LabellerConfig(exclusive=False, names=False, meaning=False, sources=SourcesConfig(centres=True)))
    assert "centres" not in several.fit(given).sources


def test_a_description_in_a_text_counts_as_its_labels_spelling_does() -> None:
    given = LabelledTexts.of(["甜脆多汁", "果核很小", "屏幕清楚", "续航很长"], ["甲", "甲", "乙", "乙"])
    tree = Taxonomy(["甲", "乙"], descriptions={"甲": "香蕉和葡萄", "乙": "充电与信号"})
    texts = ["葡萄收到了", "信号还行"]
    config = LabellerConfig(meaning=False)

    def spelled(taxonomy: Taxonomy) -> np.ndarray:
        labeller = Labeller(config).fit(given, encoder=CharacterEncoder(), taxonomy=taxonomy)
        said = labeller.sources["spelling"].logits(labeller.reader.rows(texts))
        return said[:, [labeller.classes.labels.index(label) for label in ("甲", "乙")]]

    assert spelled(tree).argmax(1).tolist() == [0, 1]
    assert np.ptp(spelled(tree), axis=1).min() > np.ptp(spelled(Taxonomy(["甲", "乙"])), axis=1).max()


def test_a_labeller_with_all_sources_comes_back_from_disk_and_is_explained(
    encoder: TransformerEncoder, tmp_path: Path
) -> None:
    config = LabellerConfig(sources=SourcesConfig(nearest_from=10, centres=True))
    labeller = Labeller(config).fit(planted(20)[0], OPTIONS, encoder=encoder)
    assert list(labeller.sources) == ["names", "meaning", "nearest", "centres", "spelling"]
    assert set(labeller.judge.blend.weights) == set(labeller.sources)
    test, words = planted(6, seed=3)
    assert accuracy(labeller, test) > 0.9
    labeller.save(tmp_path / "labeller")
    again = Labeller.load(tmp_path / "labeller", encoder, options=OPTIONS)
    np.testing.assert_array_equal(again.probabilities(test.texts), labeller.probabilities(test.texts))
    labels = [answers[0][0] for answers in test.given]
    found = attribute(labeller, test.texts, labels, AttributionConfig(steps=64))
    for each in found:
        assert abs(each.missed) < 0.15 * abs(each.log_odds - each.rest) + 0.1
    top = [max(each.words, key=lambda word: word.share).text for each in found]
    assert np.mean([word == wanted for word, wanted in zip(top, words, strict=True)]) > 0.8


def test_with_few_labelled_texts_no_neighbour_is_asked(encoder: TransformerEncoder) -> None:
    labeller = Labeller(LabellerConfig(names=False)).fit(planted(10)[0], OPTIONS, encoder=encoder)
    assert "nearest" not in labeller.sources


def test_a_tuned_model_is_blended_learns_and_comes_back_from_disk(encoder: TransformerEncoder, tmp_path: Path) -> None:
    tuning = FinetuneConfig.model_validate(
        {"mode": "lora", "epochs": 12, "learning_rate": 1e-2, "head_learning_rate": 1e-2, "batch_size": 16}
        | {"adapter": {"targets": ("*",)}}
    )
    config = LabellerConfig(names=False, spelling=False, tuned=tuning)
    given, test = planted(20)[0], planted(10, seed=9)[0]
    labeller = Labeller(config).fit(given, OPTIONS, encoder=encoder)
    assert set(labeller.judge.blend.weights) == {"meaning", "tuned"}
    assert labeller.judge.blend.weights["tuned"] > 0
    tuned = labeller.sources["tuned"].logits(labeller.reader.rows(test.texts))
    truth = [labeller.classes.labels.index(answers[0][0]) for answers in test.given]
    assert (tuned.argmax(1) == truth).mean() > 0.9
    labeller.save(tmp_path / "tuned")
    again = Labeller.load(tmp_path / "tuned", encoder, options=OPTIONS)
    np.testing.assert_allclose(again.probabilities(test.texts), labeller.probabilities(test.texts), atol=1e-6)


def test_a_fit_that_was_interrupted_goes_on_where_its_tuning_stood(
    encoder: TransformerEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = FinetuneConfig(mode="lora", epochs=3, learning_rate=1e-2, batch_size=16)
    config = LabellerConfig(names=False, spelling=False, tuned=tuning)
    given, test = planted(12)[0], planted(4, seed=9)[0]
    place = Place(tmp_path, trackers=())
    through = Labeller(config).fit(given, OPTIONS, encoder=encoder)
    with monkeypatch.context() as patch:
        stop_at(patch, "whole", epoch=3)
        with pytest.raises(KeyboardInterrupt):
            Labeller(config).fit(given, OPTIONS, encoder=encoder, place=place)
    again = Labeller(config).fit(given, OPTIONS, encoder=encoder, place=place)
    tuned = again.sources["tuned"]
    assert isinstance(tuned, Tuned)
    assert tuned.model.report.resumed_at > 0
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["whole", "without-part-0"]
    np.testing.assert_allclose(again.probabilities(test.texts), through.probabilities(test.texts), atol=1e-5)


def stop_at(patch: pytest.MonkeyPatch, part: str, epoch: int) -> None:
    """Have Ctrl-C pressed in an epoch of one part's tuning."""
    original = LengthSampler.set_epoch
    fitting: list[str] = []
    begun = Place.below

    def below(self: Place, name: str) -> Place:
        fitting.append(name)
        return begun(self, name)

    def set_epoch(self: LengthSampler, number: int) -> None:
        if fitting[-1] == part and number == epoch - 1:
            raise KeyboardInterrupt
        original(self, number)

    patch.setattr(Place, "below", below)
    patch.setattr(LengthSampler, "set_epoch", set_epoch)
