"""The one entry: modes, heads, what is answered, saved and refused."""

from pathlib import Path

import numpy as np
import pytest
from tiny_texts import WORDS, accuracy, labelled, quick, texts_of

from penchant.errors import ArtifactError, InputError, TooLittleDataError, TrainingError
from penchant.text.finetune import Example, TaskConfig, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

MODES = ["full", "lora", "adalora", "ia3", "prefix", "prompt", "p-tuning", "bottleneck", "frozen"]
RATES = {"full": 3e-3, "lora": 1e-2, "adalora": 3e-2, "ia3": 5e-2, "bottleneck": 1e-2, "p-tuning": 3e-2}


@pytest.fixture(scope="module")
def lora(tiny: TransformerEncoder, options: Options) -> TunedModel:
    return finetune(tiny, labelled(40), quick(), options)


def test_labels_are_found_in_texts_not_seen_before(lora: TunedModel) -> None:
    assert accuracy(lora, labelled(30, seed=9)) >= 0.9
    assert lora.labels == tuple(sorted(WORDS))


def test_the_encoder_that_was_handed_in_is_left_as_it_was(tiny: TransformerEncoder, options: Options) -> None:
    texts = texts_of("books", 5, 0)
    before = tiny.encode(texts)
    finetune(tiny, labelled(4), quick(mode="full", epochs=1), options)
    assert np.array_equal(tiny.encode(texts), before)


def test_probabilities_sum_to_one_and_do_not_depend_on_a_texts_company(lora: TunedModel) -> None:
    texts = [example.text for example in labelled(10, seed=3)]
    together = lora.predict(texts)
    assert together.shape == (30, 3)
    assert np.allclose(together.sum(1), 1, atol=1e-6)
    alone = np.vstack([lora.predict([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_texts_of_one_label_lie_closer_after_tuning(lora: TunedModel, tiny: TransformerEncoder) -> None:
    texts = [example.text for example in labelled(20, seed=5)]

    def gap(vectors: np.ndarray) -> float:
        same = np.kron(np.eye(3), np.ones((20, 20))).astype(bool)
        cosines = vectors @ vectors.T
        return float(cosines[same].mean() - cosines[~same].mean())

    vectors = lora.encode(texts)
    assert vectors.shape == (60, lora.width)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert gap(vectors) > 3 * gap(tiny.encode(texts))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_learns_and_reloads_to_the_same_predictions(
    mode: str, tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    config = quick(mode=mode, epochs=6, learning_rate=RATES.get(mode, 1e-2))
    model = finetune(tiny, labelled(16), config, options)
    losses = model.report.losses
    assert np.mean(losses[-6:]) < np.mean(losses[:3]) - 0.05
    texts = [example.text for example in labelled(5, seed=4)]
    model.save(tmp_path / "model")
    again = TunedModel.load(tmp_path / "model", options=options)
    assert np.abs(again.predict(texts) - model.predict(texts)).max() <= 1e-6
    assert np.abs(again.encode(texts) - model.encode(texts)).max() <= 1e-6
    assert again.name == model.name
    assert again.report == model.report


def several(count: int, seed: int) -> list[Example]:
    """Texts with one label, texts with two, and texts with none."""
    single = labelled(count, seed)
    both = [
        Example(f"{one.text} {other.text}", [str(one.label), str(other.label)])
        for one, other in zip(single, single[count:] + single[:count], strict=True)
    ]
    return [Example(example.text, [str(example.label)]) for example in single] + both + [Example("the and 的", [])] * 20


def test_several_labels_at_once(tiny: TransformerEncoder, options: Options) -> None:
    model = finetune(tiny, several(40, 0), quick(tasks=(TaskConfig(kind="multi-label"),)), options)
    fresh = several(20, 7)
    said = model.predict([example.text for example in fresh]) > 0.5
    wanted = np.array([[label in example.label for label in model.labels] for example in fresh])  # type: ignore[operator]
    found = (said & wanted).sum()
    assert 2 * found / (said.sum() + wanted.sum()) >= 0.85
    assert not said[-20:].any()
    assert (said.sum(1) == 2).any()


def test_a_label_without_training_example_is_refused_by_name(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(InputError, match="has the label '电影', which task 'label' does not know"):
        finetune(tiny, labelled(2), quick(), options, validation=[Example("x", "电影")])


def test_one_label_or_no_example_is_too_little(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(TooLittleDataError, match="has 1 label"):
        finetune(tiny, [Example("a", "x"), Example("b", "x")], quick(), options)
    with pytest.raises(TooLittleDataError, match="no examples to learn from"):
        finetune(tiny, [], quick(), options)


def test_odd_texts_and_labels_are_taken_as_they_are(tiny: TransformerEncoder, options: Options) -> None:
    examples = [
        Example("", "空 / empty"),
        Example("苹果 " * 30_000, "长.long"),
        Example("\ud83d broken", "😀"),
        Example("same", "空 / empty"),
        Example("same", "😀"),
    ]
    model = finetune(tiny, examples, quick(epochs=1), options)
    said = model.predict(["", "x" * 100_000, "\udc00"])
    assert np.isfinite(said).all()
    assert set(model.labels) == {"空 / empty", "长.long", "😀"}


def test_a_loss_that_is_no_number_stops_with_the_place(tiny: TransformerEncoder, options: Options) -> None:
    config = quick(mode="full", learning_rate=1e30, gradient_clip=0, weight_decay=0, warmup=0)
    with pytest.raises(TrainingError, match=r"at step \d+ of \d+ .*no checkpoint had been made.*learning rate"):
        finetune(tiny, labelled(16), config, options)


def test_a_changed_file_is_refused(lora: TunedModel, tmp_path: Path) -> None:
    lora.save(tmp_path)
    path = tmp_path / "adapter-0" / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="has changed since it was saved"):
        TunedModel.load(tmp_path)


def test_a_model_saved_over_another_leaves_nothing_of_it(
    tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    finetune(tiny, labelled(8), quick(mode="lora", epochs=1), options).save(tmp_path)
    second = finetune(tiny, labelled(8), quick(mode="frozen", epochs=1), options)
    second.save(tmp_path)
    texts = texts_of("水果", 1, 3)
    assert np.abs(TunedModel.load(tmp_path, options=options).predict(texts) - second.predict(texts)).max() <= 1e-6
