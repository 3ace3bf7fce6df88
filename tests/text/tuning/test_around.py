"""What stands around a run: students, rates, searches, few-shot pairs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_texts import WORDS, accuracy, labelled, quick, texts_of

from penchant.errors import ConfigError, TrainingError
from penchant.text.finetune import Example, TaskConfig, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.config import ContrastiveConfig, FinetuneConfig
from penchant.text.tuning.contrastive import LabelSampler
from penchant.text.tuning.distil import distilled, shrunk
from penchant.text.tuning.rates import find_learning_rate
from penchant.text.tuning.search import Range, SearchConfig, search
from penchant.training.options import Options


def test_a_student_learns_from_a_teachers_answers_alone(
    tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    teacher = finetune(tiny, labelled(40), quick(), options)
    student = shrunk(tiny, 1, tmp_path / "student")
    assert sum(p.numel() for p in student.model.parameters()) < sum(p.numel() for p in tiny.model.parameters())
    texts = [example.text for example in labelled(60, seed=1)]
    config = FinetuneConfig(mode="full", epochs=8, batch_size=16, learning_rate=3e-3, head_learning_rate=1e-2)
    model = distilled(teacher, student, texts, config, options)
    fresh = labelled(30, seed=9)
    said, wanted = (each.predict([example.text for example in fresh]) for each in (model, teacher))
    assert model.labels == teacher.labels
    assert (said.argmax(1) == wanted.argmax(1)).mean() >= 0.85
    assert accuracy(model, fresh) >= 0.8


def test_a_students_layers_are_spread_over_the_teachers(tiny: TransformerEncoder, tmp_path: Path) -> None:
    student = shrunk(tiny, 1, tmp_path / "student")
    state, kept = tiny.model.state_dict(), student.model.state_dict()
    assert torch.equal(kept["encoder.layer.0.output.dense.weight"], state["encoder.layer.1.output.dense.weight"])
    assert np.allclose(np.linalg.norm(student.encode(["苹果", ""]), axis=1), 1, atol=1e-5)
    with pytest.raises(ConfigError, match="3 layers were asked for; tiny-bert has 2"):
        shrunk(tiny, 3, tmp_path / "more")


def test_distillation_without_texts_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    teacher = finetune(tiny, labelled(2), quick(epochs=1), options)
    with pytest.raises(ConfigError, match="found 0 texts"):
        distilled(teacher, tiny, [])


def test_the_rate_finder_stops_at_the_explosion_and_stays_below(tiny: TransformerEncoder, options: Options) -> None:
    curve = find_learning_rate(tiny, labelled(30), quick(mode="full"), options, highest=10.0, steps=40)
    assert list(curve.rates) == sorted(curve.rates)
    assert curve.rates[-1] < 10.0
    assert 1e-4 < curve.suggestion < curve.rates[-1]
    assert min(curve.losses) < curve.losses[0]
    learned = finetune(tiny, labelled(30), quick(mode="full", learning_rate=curve.suggestion, epochs=8), options)
    assert accuracy(learned, labelled(20, seed=9)) > 0.6


def test_the_rate_finder_says_where_nothing_is_learned(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(TrainingError, match="the loss is lost at once"):
        find_learning_rate(tiny, labelled(10), quick(mode="full"), options, lowest=1e8, highest=1e10)


def test_a_search_finds_what_does_better_on_validation_examples(tiny: TransformerEncoder, options: Options) -> None:
    space = {"learning_rate": Range(low=1e-5, high=3e-2, log=True), "adapter.rank": [2, 8]}
    found = search(
        tiny, labelled(20), labelled(10, seed=3), space, quick(epochs=4), options, settings=SearchConfig(trials=5)
    )
    scores = [trial.score for trial in found.trials]
    assert len(scores) == 5
    assert found.score == max(score for score in scores if score is not None)
    assert found.score > min(score for score in scores if score is not None)
    assert found.config.adapter.rank in (2, 8)
    best = next(trial for trial in found.trials if trial.score == found.score)
    assert found.config.learning_rate == best.values["learning_rate"]
    assert found.metric == "accuracy"


def test_a_search_over_what_does_not_exist_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(ConfigError, match="the space does not fit the configuration"):
        search(tiny, labelled(2), labelled(2), {"learning_speed": [1, 2]}, options=options)
    with pytest.raises(ConfigError, match="needs validation examples"):
        search(tiny, labelled(2), [], {"epochs": [1, 2]}, options=options)


@pytest.mark.parametrize("train", ["full", "lora"])
def test_pairs_draw_labels_together_and_apart(train: str, tiny: TransformerEncoder, options: Options) -> None:
    config = FinetuneConfig(
        mode="contrastive",
        learning_rate=3e-3,
        epochs=30,
        contrastive=ContrastiveConfig(train=train),  # type: ignore[arg-type]
    )
    model = finetune(tiny, labelled(24), config, options, validation=labelled(10, seed=3))
    vectors = model.encode([example.text for example in labelled(20, seed=5)])
    cosines = vectors @ vectors.T
    same = np.kron(np.eye(3), np.ones((20, 20))).astype(bool)
    gap = cosines[same].mean() - cosines[~same].mean()
    before = tiny.encode([example.text for example in labelled(20, seed=5)])
    assert gap > 2 * ((before @ before.T)[same].mean() - (before @ before.T)[~same].mean())
    assert accuracy(model, labelled(30, seed=9)) >= 0.7
    assert model.report.best == pytest.approx(accuracy(model, labelled(10, seed=3)))


def test_few_shot_pairs_take_two_labels_and_labels_without_texts(tiny: TransformerEncoder, options: Options) -> None:
    two = [example for example in labelled(10) if example.label != "手机"]
    config = FinetuneConfig(mode="contrastive", learning_rate=3e-3)
    model = finetune(tiny, two, config, options)
    assert model.predict(["苹果 香蕉"]).argmax() == model.labels.index("水果")
    named = config.changed(tasks=(TaskConfig(labels=(*WORDS, "never")),))
    said = finetune(tiny, labelled(6), named, options).predict(texts_of("books", 5, 2))
    assert said.shape == (5, 4)
    assert said[:, 3].max() < 1e-4
    binary = config.changed(tasks=(TaskConfig(kind="binary", labels=("水果", "books")),))
    assert finetune(tiny, two, binary, options).predict(["novel author"]).argmax() == 1


def test_batches_for_pairs_hold_several_texts_of_a_label() -> None:
    labels = [row % 5 for row in range(100)]
    order = list(LabelSampler(labels, 20, 4, seed=0))
    assert sorted(order) == list(range(100))
    for start in range(0, 100, 20):
        batch = [labels[row] for row in order[start : start + 20]]
        assert all(batch.count(label) >= 4 for label in set(batch))


def test_one_text_of_each_label_is_enough_to_start(tiny: TransformerEncoder, options: Options) -> None:
    examples = [Example(texts_of(label, 1, 0)[0], label) for label in WORDS]
    for mode in ("contrastive", "frozen", "lora"):
        model = finetune(tiny, examples, FinetuneConfig.model_validate({"mode": mode, "epochs": 2}), options)
        assert np.allclose(model.predict(["苹果"]).sum(1), 1, atol=1e-6)
