"""What each option of training changes, measured."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny_texts import FILLER, WORDS, accuracy, labelled, quick, texts_of

from penchant.errors import ConfigError, MissingExtraError
from penchant.text.finetune import Example, FinetuneConfig, Place, TaskConfig, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.adversarial import worst_change
from penchant.text.tuning.augment import Augmenter, augmented, back_translator, nearest_words
from penchant.text.tuning.batches import Collator, LengthSampler, tokenised
from penchant.text.tuning.config import (
    AdversarialConfig,
    AugmentationConfig,
    EarlyStoppingConfig,
    PretrainingConfig,
    PrivacyConfig,
    PseudoLabelConfig,
)
from penchant.text.tuning.evaluating import evaluated
from penchant.text.tuning.network import embeddings_changed
from penchant.text.tuning.objective import TaskObjective
from penchant.training.options import Options


def test_the_same_seed_learns_the_same_and_another_seed_another(tiny: TransformerEncoder, options: Options) -> None:
    examples, texts = labelled(8), [example.text for example in labelled(3, seed=4)]

    def said(seed: int) -> np.ndarray:
        return finetune(tiny, examples, quick(epochs=2), options.model_copy(update={"seed": seed})).predict(texts)

    assert np.array_equal(said(1), said(1))
    assert not np.array_equal(said(1), said(2))


def test_the_callers_random_numbers_are_left_alone(tiny: TransformerEncoder, options: Options) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    finetune(tiny, labelled(2), quick(epochs=1), options)
    assert torch.equal(torch.rand(1), wanted)


def test_gradient_accumulation_takes_fewer_steps_to_the_same_gradient(
    tiny: TransformerEncoder, options: Options
) -> None:
    examples = labelled(16)
    still = {"epochs": 1, "head_dropout": 0, "schedule": "constant", "warmup": 0}
    whole = finetune(tiny, examples, quick(batch_size=48, **still), options)
    parts = finetune(tiny, examples, quick(batch_size=12, gradient_accumulation=4, **still), options)
    assert whole.report.steps == parts.report.steps == 1
    texts = [example.text for example in examples[:5]]
    assert np.allclose(whole.predict(texts), parts.predict(texts), atol=1e-4)
    assert finetune(tiny, examples, quick(batch_size=12, **still), options).report.steps == 4


def test_long_batches_in_parts_give_the_same_model(tiny: TransformerEncoder, options: Options) -> None:
    examples, texts = labelled(16), texts_of("books", 5, 3)
    settings = {"epochs": 2, "head_dropout": 0}
    whole = finetune(tiny, examples, quick(**settings), options)
    parts = finetune(tiny, examples, quick(**settings, tokens_at_once=40), options)
    assert np.allclose(whole.predict(texts), parts.predict(texts), atol=1e-4)


def test_recomputed_activations_give_the_same_model(tiny: TransformerEncoder, options: Options) -> None:
    examples, texts = labelled(8), texts_of("books", 5, 3)
    plain = finetune(tiny, examples, quick(epochs=2), options)
    recomputing = finetune(tiny, examples, quick(epochs=2, gradient_checkpointing=True), options)
    assert np.allclose(plain.predict(texts), recomputing.predict(texts), atol=1e-5)
    kept = [
        sum(getattr(module, "gradient_checkpointing", False) for module in model.networks[0].modules())
        for model in (plain, recomputing)
    ]
    assert kept[0] == 0
    assert kept[1] > 0


def test_warm_up_and_schedule_shape_the_learning_rate(tiny: TransformerEncoder, options: Options) -> None:
    examples = labelled(8)
    held = quick(mode="full", epochs=4, warmup=0.9, schedule="constant")
    swift = quick(mode="full", epochs=4, warmup=0, schedule="constant")
    falling = quick(mode="full", epochs=4, warmup=0, schedule="cosine")
    ends = [finetune(tiny, examples, config, options).report.losses[-1] for config in (held, swift, falling)]
    assert len({round(end, 6) for end in ends}) == 3


def test_weight_decay_keeps_weights_smaller(tiny: TransformerEncoder, options: Options) -> None:
    def length(decay: float) -> float:
        model = finetune(tiny, labelled(8), quick(mode="frozen", epochs=30, weight_decay=decay), options)
        return float(model.networks[0].head("label").linear.weight.detach().norm())  # type: ignore[union-attr]

    assert length(5.0) < 0.7 * length(0)


def test_dropout_makes_the_loss_of_training_noisier(tiny: TransformerEncoder, options: Options) -> None:
    settings = {"mode": "full", "epochs": 12, "head_dropout": 0}
    plain = finetune(tiny, labelled(16), quick(**settings), options).report.losses
    dropped = finetune(tiny, labelled(16), quick(**settings, dropout=0.4), options).report.losses
    assert np.mean(dropped[-6:]) > np.mean(plain[-6:]) + 0.05


def test_the_vocabulary_moves_only_where_asked(tiny: TransformerEncoder, options: Options) -> None:
    def moved(train_vocabulary: bool) -> bool:
        config = quick(mode="full", epochs=2, train_vocabulary=train_vocabulary)
        model = finetune(tiny, labelled(4), config, options)
        after = model.networks[0].body.get_input_embeddings().weight.detach()
        return not torch.equal(after, tiny.model.get_input_embeddings().weight)

    assert moved(True)
    assert not moved(False)


def test_early_stopping_ends_at_the_best_state(tiny: TransformerEncoder, options: Options) -> None:
    # Labels by chance: nothing can be learned, so validation gets worse while training goes on.
    rng = np.random.default_rng(0)
    examples = [Example(example.text, str(rng.integers(2))) for example in labelled(12)]
    validation = [Example(example.text, str(rng.integers(2))) for example in labelled(12, seed=5)]
    stopping = EarlyStoppingConfig(metric="loss", patience=2)
    config = quick(epochs=30, early_stopping=stopping)
    report = finetune(tiny, examples, config, options, validation=validation).report
    assert len(report.evaluations) < 30
    losses = [found["loss"] for found in report.evaluations]
    assert report.best == min(losses)
    assert int(np.argmin(losses)) == len(losses) - 1 - stopping.patience


def test_the_best_state_is_the_one_that_answers(tiny: TransformerEncoder, options: Options) -> None:
    validation = labelled(20, seed=5)
    # A rate that climbs and then throws the model off: the last state is not the best.
    config = quick(mode="full", learning_rate=2e-2, epochs=12, schedule="constant", gradient_clip=0)
    model = finetune(tiny, labelled(30), config, options, validation=validation)
    assert model.report.best == pytest.approx(accuracy(model, validation))
    assert model.report.best == max(found["accuracy"] for found in model.report.evaluations)


@pytest.mark.parametrize("method", ["fgm", "pgd"])
def test_adversarial_training_withstands_worse_embeddings(
    method: str, tiny: TransformerEncoder, options: Options
) -> None:
    attack = AdversarialConfig(method="pgd", epsilon=0.1, steps=3)

    def loss_under_attack(adversarial: AdversarialConfig | None) -> tuple[float, float]:
        model = finetune(tiny, labelled(24), quick(adversarial=adversarial), options)
        network = model.networks[0]
        rows = tokenised(labelled(20, seed=7), model.tasks, model.tokenizer)
        batch = Collator(0)(rows.rows)
        objective = TaskObjective(quick(), model.tasks)
        change, _ = worst_change(attack, network, lambda: objective.loss(network, batch), 1.0)
        with embeddings_changed(network, change), torch.no_grad():
            attacked = float(objective.loss(network, batch))
        return attacked, evaluated(network, rows, Collator(0))["loss"]

    plain, _ = loss_under_attack(None)
    hardened, clean = loss_under_attack(AdversarialConfig(method=method, epsilon=0.1, steps=2))  # type: ignore[arg-type]
    assert plain > clean
    assert hardened < 0.8 * plain


def test_r_drop_makes_two_passes_agree(tiny: TransformerEncoder, options: Options) -> None:
    def disagreement(weight: float) -> float:
        config = quick(mode="full", learning_rate=3e-3, dropout=0.2, r_drop=weight)
        network = finetune(tiny, labelled(24), config, options).networks[0]
        task = network.tasks[0]
        model_rows = tokenised(labelled(20, seed=6), network.tasks, tokenizer)
        batch = Collator(0)(model_rows.rows)
        torch.manual_seed(0)
        network.train()
        with torch.no_grad():
            first, second = (network(batch)[task.config.name].softmax(1) for _ in range(2))
        return float((first - second).abs().mean())

    tokenizer = finetune(tiny, labelled(2), quick(epochs=1), options).tokenizer
    assert disagreement(4.0) < 0.8 * disagreement(0.0)


def test_r_drop_without_dropout_is_refused() -> None:
    with pytest.raises(ValidationError, match="set dropout or head_dropout above 0"):
        FinetuneConfig(r_drop=1.0, head_dropout=0.0)


def test_augmentation_adds_changed_copies_in_both_languages(tiny: TransformerEncoder, options: Options) -> None:
    plain = AugmentationConfig(word_dropout=0, swap=0, synonyms=0)
    assert Augmenter(plain, {}, 0)("物流很快, very good") == "物流很快, very good"
    dropped = Augmenter(AugmentationConfig(word_dropout=0.5, swap=0, synonyms=0), {}, 1)
    for text in ("这个手机的屏幕非常漂亮", "the screen of this phone is lovely"):
        copies = {dropped(text) for _ in range(20)}
        assert len(copies) > 5
        assert all(copy and len(copy) <= len(text) for copy in copies)
    swapped = Augmenter(AugmentationConfig(word_dropout=0, swap=0.5, synonyms=0), {}, 1)("one two three four")
    assert sorted(swapped.split()) == ["four", "one", "three", "two"]
    assert swapped != "one two three four"
    replaced = Augmenter(AugmentationConfig(word_dropout=0, swap=0, synonyms=0.99), {"快": "慢", "good": "fine"}, 1)
    assert replaced("good") == "fine"
    config = quick(epochs=1, augmentation=AugmentationConfig(copies=3))
    assert finetune(tiny, labelled(8), config, options).report.steps == 2 * 3


def test_synonyms_are_near_in_vectors_and_of_one_script(tiny: TransformerEncoder) -> None:
    texts = [example.text for example in labelled(10)]
    near = nearest_words(texts, tiny, similarity=-1.0)
    assert set(near) >= {"novel", "苹果"}
    assert all(word != other and word.isascii() == other.isascii() for word, other in near.items())
    assert nearest_words(texts, tiny, similarity=1.0) == {}


def test_back_translation_goes_through_the_generator_or_is_refused(tiny: TransformerEncoder) -> None:
    asked = []

    def generate(prompt: str) -> str:
        asked.append(prompt)
        return {"好": "good", "good": "不错"}[prompt.rsplit("\n", 1)[-1]]

    config = AugmentationConfig(copies=1, word_dropout=0, swap=0, synonyms=0, back_translation=True)
    found = augmented([Example("好", "x")], config, tiny, 0, back_translator(generate))
    assert [example.text for example in found] == ["好", "好", "不错"]
    assert asked[0].startswith("Translate into English")
    assert asked[1].startswith("把下面的文字翻译成中文")
    with pytest.raises(ConfigError, match="back_translation needs a translator"):
        augmented([Example("好", "x")], config, tiny, 0)


def test_pseudo_labels_teach_words_that_no_label_names(tiny: TransformerEncoder, options: Options) -> None:
    # Only half of each label's words are ever labelled; the others occur beside them in unlabelled texts.
    known = {label: words[:3] for label, words in WORDS.items()}
    rng = np.random.default_rng(0)
    examples = [
        Example(f"{rng.choice(words)} {rng.choice(FILLER)}", label) for label, words in known.items() for _ in range(20)
    ]
    unlabelled = [
        f"{rng.choice(words)} {rng.choice(WORDS[label][3:])} {rng.choice(FILLER)}"
        for label, words in known.items()
        for _ in range(60)
    ]
    fresh = [
        Example(f"{word} {rng.choice(FILLER)}", label) for label in WORDS for word in WORDS[label][3:] for _ in range(4)
    ]
    config = quick(mode="full", learning_rate=3e-3)
    settings = PseudoLabelConfig(threshold=0.6, weight=1.0)
    alone = finetune(tiny, examples, config, options)
    taught = finetune(tiny, examples, config.changed(pseudo_labels=settings), options, unlabelled=unlabelled)
    assert taught.report.pseudo_labelled[0] > 60
    assert accuracy(taught, fresh) > accuracy(alone, fresh) + 0.1
    limited = settings.model_copy(update={"limit_per_label": 5, "rounds": 2, "threshold": 0.4})
    report = finetune(tiny, examples, config.changed(pseudo_labels=limited), options, unlabelled=unlabelled).report
    assert report.pseudo_labelled == (15, 15)


def test_pseudo_labels_without_unlabelled_texts_are_refused(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(ConfigError, match="pass them as `unlabelled`"):
        finetune(tiny, labelled(2), quick(epochs=1, pseudo_labels=PseudoLabelConfig()), options)


def test_an_ensemble_averages_its_members(tiny: TransformerEncoder, options: Options) -> None:
    examples, texts = labelled(8), texts_of("books", 6, 3)
    both = finetune(tiny, examples, quick(epochs=2, ensemble=2), options)
    alone = [
        finetune(tiny, examples, quick(epochs=2), options.model_copy(update={"seed": seed})).predict(texts)
        for seed in (0, 1)
    ]
    assert np.allclose(both.predict(texts), np.mean(alone, axis=0), atol=1e-6)
    assert both.width == 2 * tiny.width


def test_pretraining_learns_the_domains_sequences(tiny: TransformerEncoder, options: Options, tmp_path: Path) -> None:
    # A word stands next to itself, so that a hidden one can be told from its neighbours.
    domain = [" ".join([word] * 5 + [filler]) for group in WORDS.values() for word in group for filler in FILLER]
    config = quick(epochs=2, pretraining=PretrainingConfig(epochs=8, learning_rate=1e-2))
    model = finetune(tiny, labelled(4), config, options, unlabelled=domain)
    losses = model.report.pretraining_losses
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.5
    model.save(tmp_path)
    texts = texts_of("books", 4, 1)
    assert np.array_equal(TunedModel.load(tmp_path, tiny, options=options).predict(texts), model.predict(texts))


@pytest.mark.parametrize("mode", ["lora", "frozen", "upper", "bottleneck"])
def test_privacy_is_spent_as_planned_and_costs_accuracy(mode: str, tiny: TransformerEncoder, options: Options) -> None:
    def reached(privacy: PrivacyConfig) -> tuple[float, float]:
        config = quick(mode=mode, upper_layers=1, epochs=6, privacy=privacy)
        report = finetune(tiny, labelled(30), config, options).report
        assert report.epsilon is not None
        return float(np.mean(report.losses[-5:])), report.epsilon

    loud, spent = reached(PrivacyConfig(epsilon=1.0, delta=1e-3))
    quiet, more = reached(PrivacyConfig(noise=0.05, delta=1e-3, clip=5.0))
    assert spent == pytest.approx(1.0, abs=0.05)
    assert more > 100
    assert quiet < loud


def test_what_cannot_be_made_private_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    def tuned(privacy: PrivacyConfig, **fields: object) -> None:
        finetune(tiny, labelled(4), quick(epochs=1, privacy=privacy, **fields), options)

    with pytest.raises(ConfigError, match="mode 'full' cannot be made private"):
        tuned(PrivacyConfig(epsilon=1), mode="full")
    with pytest.raises(ConfigError, match=re.escape("delta is 0.5 with 12 examples: it must be below 0.083")):
        tuned(PrivacyConfig(epsilon=1, delta=0.5))
    with pytest.raises(ConfigError, match="no balanced class weights"):
        tuned(PrivacyConfig(epsilon=1), tasks=(TaskConfig(class_weights="balanced"),))
    with pytest.raises(ValidationError, match="break that bound"):
        quick(privacy=PrivacyConfig(epsilon=1), r_drop=1.0)
    with pytest.raises(ValidationError, match="either epsilon or noise"):
        PrivacyConfig()


def test_batches_hold_texts_of_like_length_and_change_with_the_epoch() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 100, size=330)
    sampler = LengthSampler(lengths, 32, seed=0)
    first = list(sampler)
    assert sorted(first) == list(range(330))
    padded = sum(lengths[first[at : at + 32]].max() * len(first[at : at + 32]) for at in range(0, 330, 32))
    assert padded < 1.12 * lengths.sum()
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_tensorboard_logs_hold_the_loss(tiny: TransformerEncoder, options: Options, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    finetune(tiny, labelled(20), quick(epochs=4), options, validation=labelled(4, seed=2), place=tmp_path)
    logs = EventAccumulator(str(tmp_path / "logs")).Reload()
    assert {"train/loss", "eval/accuracy"} <= set(logs.Tags()["scalars"])
    assert len(logs.Scalars("eval/accuracy")) == 4
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_tracker_that_is_not_installed_is_named(tiny: TransformerEncoder, options: Options, tmp_path: Path) -> None:
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed here")
    with pytest.raises(MissingExtraError, match="wandb"):
        finetune(tiny, labelled(2), quick(epochs=1), options, place=Place(tmp_path, trackers=("wandb",)))
