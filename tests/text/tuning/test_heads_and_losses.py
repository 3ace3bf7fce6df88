"""Heads, poolings and losses: what each kind of answer learns, and what the options of the loss change."""

import numpy as np
import pytest
import torch
from tiny_texts import WORDS, accuracy, labelled, quick, texts_of

from penchant.errors import InputError
from penchant.text.finetune import Example, TaskConfig, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.heads import Pooling
from penchant.text.tuning.losses import symmetric_divergence, task_loss
from penchant.training.options import Options


def test_binary_answers_give_both_labels_a_column(tiny: TransformerEncoder, options: Options) -> None:
    examples = [example for example in labelled(30) if example.label != "手机"]
    task = TaskConfig(kind="binary", labels=("水果", "books"))
    model = finetune(tiny, examples, quick(tasks=(task,)), options)
    said = model.predict(["苹果 香蕉", "novel author"])
    assert np.allclose(said.sum(1), 1, atol=1e-6)
    assert said[0].argmax() == model.labels.index("水果")
    assert said[1].argmax() == model.labels.index("books")


def test_numbers_are_predicted_in_their_own_units(tiny: TransformerEncoder, options: Options) -> None:
    stars = {"水果": 500.0, "手机": 300.0, "books": 100.0}
    examples = [Example(example.text, stars[str(example.label)]) for example in labelled(40)]
    model = finetune(tiny, examples, quick(epochs=20, tasks=(TaskConfig(kind="regression"),)), options)
    said = model.predict([example.text for example in labelled(20, seed=9)])[:, 0]
    wanted = np.repeat([500.0, 300.0, 100.0], 20)
    assert np.abs(said - wanted).mean() < 60
    assert model.labels == ()


@pytest.mark.parametrize("kind", ["pair", "similarity"])
def test_pairs_are_told_apart_by_their_two_vectors(kind: str, tiny: TransformerEncoder, options: Options) -> None:
    def pairs(count: int, seed: int) -> list[Example]:
        texts = {label: texts_of(label, 3 * count, seed) for label in WORDS}
        found = []
        for number in range(count):
            for label, other in zip(WORDS, [*list(WORDS)[1:], "水果"], strict=True):
                found.append(Example(texts[label][number], 1.0, texts[label][number + count]))
                found.append(Example(texts[label][number], 0.0, texts[other][number + 2 * count]))
        return found

    model = finetune(tiny, pairs(40, 0), quick(epochs=20, tasks=(TaskConfig(kind=kind),)), options)
    fresh = pairs(15, 5)
    said = model.predict([(example.text, str(example.second)) for example in fresh])[:, 0]
    true = np.array([example.label for example in fresh])
    assert said[true == 1].mean() > said[true == 0].mean() + 0.4


def test_two_texts_are_read_as_one_where_the_task_is_no_pair(tiny: TransformerEncoder, options: Options) -> None:
    # The label depends on the second text alone, so a model that dropped it could not learn.
    first = texts_of("books", 90, 1)
    examples = [Example(text, example.label, example.text) for text, example in zip(first, labelled(30), strict=True)]
    model = finetune(tiny, examples, quick(), options)
    said = model.predict([("novel author", "苹果 香蕉"), ("novel author", "屏幕 电池")]).argmax(1)
    assert [model.labels[row] for row in said] == ["水果", "手机"]


def test_several_tasks_share_one_encoder(tiny: TransformerEncoder, options: Options) -> None:
    tasks = (TaskConfig(name="topic"), TaskConfig(name="long", kind="regression", weight=0.5))
    topics = labelled(40)
    lengths = [Example(example.text, float(len(example.text.split())), task="long") for example in labelled(30, seed=2)]
    model = finetune(tiny, [*topics, *lengths], quick(tasks=tasks), options)
    assert accuracy(model, labelled(20, seed=9)) >= 0.7
    fresh = [example.text for example in labelled(20, seed=8)]
    said = model.predict(fresh, "long")[:, 0]
    assert np.corrcoef(said, [len(text.split()) for text in fresh])[0, 1] > 0.7


def test_an_example_of_an_unknown_task_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(InputError, match="belongs to the task 'mood'; there are"):
        finetune(tiny, [*labelled(2), Example("x", "y", task="mood")], quick(), options)


def test_a_number_is_wanted_where_a_label_was_given(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(InputError, match="wants a finite number"):
        finetune(tiny, [Example("a", "good")], quick(tasks=(TaskConfig(kind="regression"),)), options)


def test_poolings_look_where_they_say() -> None:
    states = torch.tensor([[[1.0, 0.0], [0.0, 3.0], [50.0, 50.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert Pooling("mean", 2)(states, mask).tolist() == [[0.5, 1.5]]
    assert Pooling("first", 2)(states, mask).tolist() == [[1.0, 0.0]]
    attention = Pooling("attention", 2)
    assert attention(states, mask).tolist() == [[0.5, 1.5]]
    assert attention.score is not None
    with torch.no_grad():
        attention.score.weight.copy_(torch.tensor([[100.0, 0.0]]))
    assert torch.allclose(attention(states, mask), torch.tensor([[1.0, 0.0]]))


@pytest.mark.parametrize("pooling", ["first", "attention"])
def test_other_poolings_learn_too(pooling: str, tiny: TransformerEncoder, options: Options) -> None:
    model = finetune(tiny, labelled(40), quick(pooling=pooling, epochs=16), options)
    assert accuracy(model, labelled(20, seed=9)) >= 0.75


def test_learned_attention_moves_from_the_mean(tiny: TransformerEncoder, options: Options) -> None:
    model = finetune(tiny, labelled(20), quick(pooling="attention"), options)
    score = model.networks[0].pooling.score
    assert score is not None
    assert float(score.weight.detach().abs().max()) > 0.01


def loss_of(task: TaskConfig, logits: list[float], targets: list[float], weights: tuple[float, ...] = ()) -> float:
    settled = Task(task, ("a", "b"), weights)
    return float(task_loss(settled, torch.tensor([logits]), torch.tensor([targets]))[0])


def test_focal_loss_forgets_what_is_easy() -> None:
    plain, focal = TaskConfig(), TaskConfig(loss="focal", focus=2)
    easy, hard = [4.0, -4.0], [-4.0, 4.0]
    assert loss_of(focal, easy, [1, 0]) < 1e-3 * loss_of(plain, easy, [1, 0])
    assert loss_of(focal, hard, [1, 0]) == pytest.approx(loss_of(plain, hard, [1, 0]), rel=0.01)
    assert loss_of(TaskConfig(loss="focal", focus=0), hard, [1, 0]) == pytest.approx(loss_of(plain, hard, [1, 0]))


def test_asymmetric_loss_spares_absent_labels_below_its_margin() -> None:
    plain = TaskConfig(kind="multi-label")
    asymmetric = TaskConfig(kind="multi-label", loss="asymmetric", focus=2, margin=0.05)
    unlikely = [-4.0, -4.0]
    assert loss_of(asymmetric, unlikely, [0, 0]) == 0
    assert loss_of(plain, unlikely, [0, 0]) > 0
    assert loss_of(asymmetric, unlikely, [1, 1]) == pytest.approx(loss_of(plain, unlikely, [1, 1]))


def test_smoothing_punishes_certainty() -> None:
    certain = [20.0, -20.0]
    assert loss_of(TaskConfig(), certain, [1, 0]) < 1e-6
    assert loss_of(TaskConfig(label_smoothing=0.1), certain, [1, 0]) == pytest.approx(0.05 * 40, rel=0.01)


def test_class_weights_scale_a_labels_loss() -> None:
    assert loss_of(TaskConfig(), [0, 0], [0, 1], (1.0, 3.0)) == pytest.approx(3 * np.log(2), rel=1e-5)
    binary = TaskConfig(kind="binary")
    settled = Task(binary, ("a", "b"), (1.0, 3.0))
    assert float(task_loss(settled, torch.zeros(1, 1), torch.ones(1, 1))[0]) == pytest.approx(3 * np.log(2), rel=1e-5)


def test_balanced_weights_find_more_of_a_rare_label(tiny: TransformerEncoder, options: Options) -> None:
    # Nothing but how often they occur tells the two labels apart.
    rare = [Example(text, "rare") for text in texts_of("books", 6, 0)]
    common = [Example(text, "common") for text in texts_of("books", 60, 1)]

    def found(weights: str | None) -> float:
        task = TaskConfig(class_weights=weights)  # type: ignore[arg-type]
        model = finetune(
            tiny, [*rare, *common], quick(mode="frozen", epochs=60, head_learning_rate=3e-2, tasks=(task,)), options
        )
        return float(model.predict(texts_of("books", 30, 9))[:, model.labels.index("rare")].mean())

    assert found("balanced") > 2 * found(None)


def test_a_class_weight_of_an_unknown_label_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    task = TaskConfig(class_weights={"电影": 2.0})
    with pytest.raises(InputError, match="class weights name labels that task 'label' does not have"):
        finetune(tiny, labelled(2), quick(tasks=(task,)), options)


def test_divergence_is_zero_for_equal_answers_and_grows_apart() -> None:
    for kind in ("multi-class", "multi-label", "regression"):
        task = Task(TaskConfig(kind=kind), ("a", "b"))
        first, near, far = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, -1.0]]), torch.tensor([[-3.0, 2.0]])
        assert float(symmetric_divergence(task, first, first)[0]) == 0
        assert 0 < float(symmetric_divergence(task, first, near)[0]) < float(symmetric_divergence(task, first, far)[0])


def test_soft_answers_are_learned_as_probabilities(tiny: TransformerEncoder, options: Options) -> None:
    soft = [Example(text, {"a": 0.7, "b": 0.3}) for text in texts_of("books", 40, 0)]
    model = finetune(tiny, soft, quick(tasks=(TaskConfig(labels=("a", "b")),), head_dropout=0), options)
    said = model.predict(texts_of("books", 20, 5))
    assert said[:, 0].mean() == pytest.approx(0.7, abs=0.05)


def test_weights_of_examples_count(tiny: TransformerEncoder, options: Options) -> None:
    text = "the novel and story"
    examples = [Example(text, "a", weight=1.0), Example(text, "b", weight=0.25)] * 20
    config: FinetuneConfig = quick(epochs=30, head_dropout=0)
    model: TunedModel = finetune(tiny, examples, config, options)
    assert float(model.predict([text])[0, 0]) == pytest.approx(0.8, abs=0.05)
