"""A causal model that labels by saying the label's words."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_texts import accuracy, labelled, quick

from penchant.errors import ConfigError
from penchant.text.finetune import CausalModel, Example, FinetuneConfig, TaskConfig, TunedModel, finetune
from penchant.text.tuning.batches import Collator
from penchant.text.tuning.config import AugmentationConfig
from penchant.text.tuning.generation import CausalNetwork
from penchant.training.options import Options

TASK = TaskConfig(template="{text} 买 ", words={"水果": "苹果 多汁", "手机": "手机", "books": "novel author"})


@pytest.fixture(scope="module")
def causal(tiny_folder: Path, options: Options, tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    """A random Llama of two layers with the vocabulary of the tiny BERT."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("causal") / "tiny-llama"
    with torch.random.fork_rng():
        torch.manual_seed(2)
        config = LlamaConfig(
            vocab_size=120, max_position_embeddings=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, initializer_range=0.1, bos_token_id=2, eos_token_id=3, tie_word_embeddings=True,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((tiny_folder / "tokenizer.json").read_bytes())
    return CausalModel.load(folder, options=options)


def test_its_scores_are_the_log_probabilities_of_the_words(causal: CausalModel, options: Options) -> None:
    from transformers import LlamaForCausalLM

    model = finetune(causal, labelled(2), FinetuneConfig(mode="frozen", tasks=(TASK,)), options)
    network = model.networks[0]
    assert isinstance(network, CausalNetwork)
    plain = LlamaForCausalLM.from_pretrained(causal.weights.folder).eval()
    prompts = model.tokenizer(["苹果 the", "novel author story 的 了"])
    with torch.inference_mode():
        scores = network.scores(Collator(0).inputs(prompts, [None]))
        for row, prompt in enumerate(prompts):
            for column, answer in enumerate(network.answers_said):
                said = plain(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
                wanted = sum(float(said[len(prompt) - 1 + at, token]) for at, token in enumerate(answer))
                assert float(scores[row, column]) == pytest.approx(wanted, abs=1e-4)
    empty = model.predict([""])
    assert np.allclose(empty, 1 / 3, atol=1e-5)


@pytest.mark.parametrize("mode", ["full", "lora", "prefix", "prompt"])
def test_it_learns_to_say_the_right_words_and_reloads(
    mode: str, causal: CausalModel, options: Options, tmp_path: Path
) -> None:
    rate = {"full": 3e-3, "lora": 1e-2}.get(mode, 5e-2)
    config = quick(mode=mode, learning_rate=rate, epochs=16 if mode == "full" else 5, tasks=(TASK,))
    model = finetune(causal, labelled(30), config, options)
    assert np.mean(model.report.losses[-5:]) < np.mean(model.report.losses[:3]) - 1
    fresh = labelled(5, seed=9)
    if mode == "full":
        assert accuracy(model, fresh) >= 0.8
    texts = [example.text for example in fresh]
    model.save(tmp_path)
    again = TunedModel.load(tmp_path, options=options)
    assert np.abs(again.predict(texts) - model.predict(texts)).max() <= 1e-6
    assert model.encode(texts).shape == (15, 32)


def test_two_labels_share_one_question(causal: CausalModel, options: Options) -> None:
    examples = [example for example in labelled(20) if example.label != "手机"]
    task = TASK.model_copy(update={"kind": "binary", "labels": ("水果", "books")})
    config = quick(mode="full", learning_rate=3e-3, epochs=16, tasks=(task,))
    said = finetune(causal, examples, config, options).predict(["苹果 香蕉", "novel author"])
    assert said.argmax(1).tolist() == [0, 1]


def test_long_texts_are_cut_and_the_question_stays(causal: CausalModel, options: Options) -> None:
    model = finetune(causal, labelled(2), FinetuneConfig(mode="frozen", tasks=(TASK,)), options)
    long, short = model.tokenizer(["苹果 " * 500, "苹果"])
    assert len(long) == 61
    assert long[-1] == short[-1]
    joint, _ = model.tokenizer.joint(["苹果 " * 500], ["novel"])[0]
    assert joint[-1] == short[-1]
    assert len(joint) == 61


def test_what_a_causal_model_cannot_do_is_refused(causal: CausalModel, options: Options) -> None:
    def tuned(**fields: object) -> None:
        finetune(causal, labelled(2), quick(**{"epochs": 1, "tasks": (TASK,), **fields}), options)

    with pytest.raises(ConfigError, match="mode 'upper' is for encoders; a causal model takes full, lora"):
        tuned(mode="upper")
    with pytest.raises(ConfigError, match="says one label of several; the task 'label' is multi-label"):
        tuned(tasks=(TASK.model_copy(update={"kind": "multi-label"}),))
    others = [Example("x", "a", task="other"), Example("y", "b", task="other")]
    two = quick(epochs=1, tasks=(TASK, TaskConfig(name="other")))
    with pytest.raises(ConfigError, match="answers one task; found 2"):
        finetune(causal, [*labelled(2), *others], two, options)
    with pytest.raises(ConfigError, match="said the same way"):
        tuned(tasks=(TaskConfig(words={"水果": "手机"}),))
    with pytest.raises(ConfigError, match="a template holds"):
        tuned(tasks=(TASK.model_copy(update={"template": "no place"}),))
    with pytest.raises(ConfigError, match="set synonyms to 0"):
        tuned(augmentation=AugmentationConfig())
    with pytest.raises(ConfigError, match="guesses hidden tokens"):
        tuned(pretraining={"epochs": 1})
