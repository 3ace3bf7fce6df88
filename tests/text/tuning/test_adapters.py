"""Adapters: what learns in each mode, and PEFT's own format."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_texts import labelled, quick, texts_of

from penchant.errors import ArtifactError, ConfigError
from penchant.text.adapters import attach, save_adapter, trainable_names, transformer_layers
from penchant.text.finetune import TunedModel, finetune
from penchant.text.transformer import TransformerEncoder, load_encoder, load_model
from penchant.text.tuning.config import AdapterConfig, FinetuneConfig
from penchant.training.options import Options


@pytest.mark.parametrize("mode", ["lora", "adalora", "ia3", "prefix", "prompt", "p-tuning"])
def test_plain_peft_reads_what_was_saved(
    mode: str, tiny: TransformerEncoder, tiny_folder: Path, options: Options, tmp_path: Path
) -> None:
    import peft
    from transformers import BertModel

    model = finetune(tiny, labelled(8), quick(mode=mode, epochs=2), options)
    model.save(tmp_path)
    base = BertModel.from_pretrained(tiny_folder, add_pooling_layer=False)
    with pytest.warns() if mode == "adalora" else _quiet():
        plain = peft.PeftModel.from_pretrained(base, tmp_path / "adapter-0").eval()
    texts = texts_of("水果", 1, 3)
    ids = torch.tensor(model.tokenizer(texts))
    with torch.inference_mode():
        states = plain(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, -ids.shape[1] :]
    vector = states.mean(1).numpy()
    assert np.allclose(vector / np.linalg.norm(vector), model.encode(texts), atol=1e-6)


def _quiet() -> object:
    import warnings

    context = warnings.catch_warnings()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    return context


def test_an_adapter_of_a_named_model_is_saved_without_a_look_at_the_hub(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*address: object) -> None:
        raise AssertionError(f"somebody asked the network: {address}")

    monkeypatch.setattr(socket.socket, "connect", connected)
    body = attach(load_model(tiny_folder, torch.float32), FinetuneConfig(mode="lora"), steps=1)
    # A warning would be an error here, and PEFT warns where it finds no base model by this name.
    files = save_adapter(body, tmp_path, "minilm")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    assert json.loads((tmp_path / "adapter_config.json").read_bytes())["base_model_name_or_path"] == "minilm"


def test_each_mode_trains_what_it_says(tiny_folder: Path) -> None:
    def names(**fields: object) -> list[str]:
        body = load_model(tiny_folder, torch.float32)
        return list(trainable_names(attach(body, FinetuneConfig.model_validate(fields), steps=10)))

    full = names(mode="full")
    assert "embeddings.word_embeddings.weight" not in full
    assert "embeddings.position_embeddings.weight" in full
    assert "embeddings.word_embeddings.weight" in names(mode="full", train_vocabulary=True)
    assert names(mode="frozen") == []
    assert all(".layer.1." in name for name in names(mode="upper", upper_layers=1))
    assert all(
        "lora_" in name and ".layer.1." in name for name in names(mode="upper", upper_layers=1, upper_train="lora")
    )
    usual = names(mode="lora")
    assert {name.split(".")[-4] for name in usual} == {"query", "value"}
    everywhere = names(mode="lora", adapter=AdapterConfig(targets=("*",)))
    assert len(everywhere) == 3 * len(usual)
    assert all("down" in name or "up" in name or "LayerNorm" in name for name in names(mode="bottleneck"))


def test_ranks_and_tokens_set_how_much_learns(tiny_folder: Path) -> None:
    def count(**fields: object) -> int:
        body = load_model(tiny_folder, torch.float32)
        attached = attach(body, FinetuneConfig.model_validate(fields), steps=10)
        return sum(parameter.numel() for parameter in attached.parameters() if parameter.requires_grad)

    assert count(mode="lora", adapter=AdapterConfig(rank=8)) == 2 * count(mode="lora", adapter=AdapterConfig(rank=4))
    for mode in ("prefix", "prompt"):
        few, many = (count(mode=mode, adapter=AdapterConfig(virtual_tokens=tokens)) for tokens in (4, 12))
        assert many == 3 * few
    assert count(mode="bottleneck", adapter=AdapterConfig(bottleneck=8)) < count(mode="bottleneck")


def test_a_mode_changes_nothing_before_it_has_learned(tiny_folder: Path) -> None:
    ids = torch.tensor([[2, 30, 31, 3]])
    with torch.inference_mode():
        wanted = load_model(tiny_folder, torch.float32).eval()(ids).last_hidden_state
        for mode in ("lora", "adalora", "bottleneck", "ia3"):
            config = FinetuneConfig.model_validate({"mode": mode})
            body = attach(load_model(tiny_folder, torch.float32), config, steps=10).eval()
            assert torch.allclose(body(ids).last_hidden_state, wanted, atol=1e-6), mode


def test_adalora_keeps_its_budget_of_ranks(tiny: TransformerEncoder, options: Options) -> None:
    config = quick(mode="adalora", epochs=10, adapter=AdapterConfig(rank=4, targets=("*",)))
    model = finetune(tiny, labelled(16), config, options)
    pattern = model.networks[0].body.peft_config["default"].rank_pattern
    kept = [sum(alive) for alive in pattern.values()]
    # Six ranks to begin with, four on average to end with, and not four everywhere.
    assert sum(kept) <= 4 * len(kept)
    assert len(set(kept)) > 1


def test_targets_that_are_nowhere_are_named(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(ConfigError, match=r"no linear layer is named \('q_proj',\); this model has \['attention"):
        finetune(tiny, labelled(2), quick(adapter=AdapterConfig(targets=("q_proj",))), options)


def test_more_upper_layers_than_there_are_is_refused(tiny: TransformerEncoder, options: Options) -> None:
    with pytest.raises(ConfigError, match="upper_layers must be from 1 to 1, as the model has 2 layers"):
        finetune(tiny, labelled(2), quick(mode="upper", upper_layers=2), options)


def test_upper_layers_over_cached_states_learn_as_they_would_over_texts(
    tiny: TransformerEncoder, options: Options
) -> None:
    # Frozen lower layers give the same states each time, so caching them must change nothing.
    from penchant.text.tuning.base import Base
    from penchant.text.tuning.batches import Collator, tokenised
    from penchant.text.tuning.network import new_network
    from penchant.text.tuning.objective import TaskObjective
    from penchant.text.tuning.seeding import seeded
    from penchant.text.tuning.trainer import train

    config = quick(mode="upper", upper_layers=1, learning_rate=3e-3, head_dropout=0, epochs=3)
    cached = finetune(tiny, labelled(12), config, options)
    base = Base.of(tiny)
    rows = tokenised(labelled(12), cached.tasks, base.tokenizer(config, cached.tasks))
    with seeded(options.seed):
        network = new_network(attach(base.body(), config, steps=1), cached.tasks, config, torch.float32)
    course = train(
        network, TaskObjective(config, cached.tasks), rows, config,
        collator=Collator(0), seed=options.seed, device=torch.device("cpu"), shown=False,
    )  # fmt: skip
    assert np.allclose(course.losses, cached.report.losses, atol=1e-4)


def test_another_base_is_refused(tiny: TransformerEncoder, options: Options, tmp_path: Path) -> None:
    from transformers import BertModel

    model = finetune(tiny, labelled(2), quick(epochs=1), options)
    model.save(tmp_path / "model")
    other = tmp_path / "other"
    twin = BertModel.from_pretrained(tiny.weights.folder, add_pooling_layer=False)
    with torch.no_grad():
        twin.embeddings.word_embeddings.weight[0, 0] += 1
    twin.save_pretrained(other)
    (other / "tokenizer.json").write_bytes((tiny.weights.folder / "tokenizer.json").read_bytes())
    with pytest.raises(ArtifactError, match="pass the right encoder, or tune again"):
        TunedModel.load(tmp_path / "model", load_encoder(other, options=options))


def test_layers_are_found_by_their_number(tiny_folder: Path) -> None:
    assert len(transformer_layers(load_model(tiny_folder, torch.float32))) == 2
