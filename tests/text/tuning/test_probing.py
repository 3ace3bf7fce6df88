"""Heads that are fitted before the model moves."""

import numpy as np
import pytest
from tiny_texts import accuracy, labelled, quick, texts_of

from penchant.text.finetune import Example, FinetuneConfig, TaskConfig, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options


@pytest.mark.parametrize("mode", ["lora", "full", "upper", "prompt"])
def test_one_step_is_enough_where_the_head_was_fitted_and_not_where_it_begins_at_chance(
    mode: str, tiny: TransformerEncoder, options: Options
) -> None:
    # A random encoder's vectors tell little, so the probe is no oracle; chance is a third.
    config = quick(mode=mode, epochs=1, learning_rate=1e-6, head_learning_rate=1e-6, upper_layers=1)
    examples, fresh = labelled(30), labelled(20, seed=9)
    probed = finetune(tiny, examples, config.changed(probe_first=True), options)
    assert accuracy(probed, fresh) >= 0.6
    assert accuracy(finetune(tiny, examples, config, options), fresh) <= 0.45


def test_it_is_the_modes_own_choice_unless_said_otherwise() -> None:
    assert FinetuneConfig(mode="lora").probes_first
    assert not FinetuneConfig(mode="frozen").probes_first
    assert not FinetuneConfig(mode="contrastive").probes_first
    assert FinetuneConfig(mode="full").rate < FinetuneConfig(mode="full", probe_first=False).rate
    assert FinetuneConfig(mode="lora").head_rate < FinetuneConfig(mode="lora", probe_first=False).head_rate
    assert FinetuneConfig(mode="full", learning_rate=1e-2).rate == 1e-2


def test_examples_of_no_weight_teach_the_probe_nothing(tiny: TransformerEncoder, options: Options) -> None:
    wrong = [Example(text, "蔬菜", weight=0.0) for text in texts_of("水果", 30, 5)]
    config = quick(epochs=1, learning_rate=1e-6, head_learning_rate=1e-6, probe_first=True)
    fresh = labelled(20, seed=9)
    misled = [Example(one.text, one.label) for one in wrong]
    assert accuracy(finetune(tiny, [*labelled(10), *wrong], config, options), fresh) > accuracy(
        finetune(tiny, [*labelled(10), *misled], config, options), fresh
    )


def test_several_tasks_and_numbers_are_probed_too(tiny: TransformerEncoder, options: Options) -> None:
    tasks = (TaskConfig(name="kind"), TaskConfig(name="length", kind="regression"))
    examples = [Example(one.text, one.label, task="kind") for one in labelled(10)]
    examples += [Example(one.text, float(len(one.text)), task="length") for one in labelled(10)]
    config = quick(epochs=1, learning_rate=1e-6, head_learning_rate=1e-6, tasks=tasks, probe_first=True)
    model = finetune(tiny, examples, config, options)
    texts = [one.text for one in labelled(10, seed=3)]
    said = model.predict(texts, task="length")[:, 0]
    assert np.corrcoef(said, [len(text) for text in texts])[0, 1] > 0.5
