"""Prompts about likes, read by language models: a pair encoder in every kind of head, and a causal model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from penchant.errors import NotFittedError
from penchant.recommend.preference import CAUSAL, PAIR, TASTES, Preference, PreferenceConfig
from penchant.recommend.preference_examples import Judged, Prompt
from penchant.recommend.preference_tuned import Reader, ReaderConfig
from penchant.recommend.preference_weighing import halves, weight_of
from penchant.text.finetune import CausalModel, FinetuneConfig
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

LIKED, DISLIKED = ("苹果 多汁", "手机"), ("novel author", "苹果")


def rows(count: int = 24) -> list[Judged]:
    """Members who like one of two things; the candidate is one of the two."""
    found = []
    for place in range(count):
        first, second = LIKED if place % 2 else LIKED[::-1]
        candidate = (first, second)[place // 2 % 2]
        found.append(Judged(Prompt(((first, True), (second, False)), candidate), candidate == first))
    return found


@pytest.mark.parametrize("mode", ["full", "lora", "ia3", "prefix", "prompt", "p-tuning", "bottleneck", "frozen"])
def test_a_pair_encoder_is_tuned_in_every_mode_and_loads_the_same(
    mode: str, tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    config = ReaderConfig(tuning=FinetuneConfig(mode=mode, epochs=1, batch_size=8))  # type: ignore[arg-type]
    reader = Reader.tuned(tiny, rows(), config, options)
    asked = [row.prompt for row in rows(6)]
    found = reader.probability(asked)
    assert found.shape == (6,)
    assert ((found > 0) & (found < 1)).all()
    reader.save(tmp_path / mode)
    again = Reader.load(tmp_path / mode, config, tiny, options=options)
    np.testing.assert_allclose(again.probability(asked), found, atol=1e-5)


def test_the_head_decides_how_a_prompt_is_read(tiny: TransformerEncoder, options: Options) -> None:
    tuning = FinetuneConfig(mode="lora", epochs=2, batch_size=8)
    asked = [row.prompt for row in rows(4)]
    readers = [
        Reader.tuned(tiny, rows(), ReaderConfig(head=head, tuning=tuning), options) for head in ("pair", "joint")
    ]
    assert [reader.model.tasks[0].config.kind for reader in readers] == ["pair", "binary"]
    compared, joined = (reader.probability(asked) for reader in readers)
    assert not np.allclose(compared, joined)
    short = Reader.tuned(tiny, rows(), ReaderConfig(titles=1, tuning=tuning), options)
    assert not np.allclose(short.probability(asked), compared)
    few = Reader.tuned(tiny, rows(), ReaderConfig(rows=8, tuning=tuning), options)
    assert few.model.report.steps < readers[0].model.report.steps


def test_it_takes_part_in_the_blend_with_its_weight(tiny: TransformerEncoder, options: Options, tmp_path: Path) -> None:
    pair = ReaderConfig(tuning=FinetuneConfig(mode="lora", epochs=1, batch_size=8), weight=0.7)
    model = Preference(PreferenceConfig(pair=pair), tuned_from=tiny).fit(rows(), options)
    assert model.weights() == {TASTES: 1.0, PAIR: 0.7}
    asked = [row.prompt for row in rows(4)]
    parts = model.parts(asked)
    odds = {name: np.log(parts[name] / (1 - parts[name])) for name in (TASTES, PAIR)}
    expected = 1 / (1 + np.exp(-(odds[TASTES] + 0.7 * odds[PAIR]) / 1.7))
    np.testing.assert_allclose(model.probability(asked), expected, atol=1e-6)
    model.save(tmp_path / "saved")
    loaded = Preference.load(tmp_path / "saved", tuned_from=tiny, options=options)
    np.testing.assert_allclose(loaded.probability(asked), model.probability(asked), atol=1e-5)
    with pytest.raises(NotFittedError, match="the pair encoder has no model to start from"):
        Preference(PreferenceConfig(pair=pair)).fit(rows(), options)


def test_a_weight_is_found_where_held_out_answers_speak_for_it() -> None:
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        liked = rng.random(80) < 0.5
        mixed = np.where(liked, 0.5, -0.5) + rng.normal(size=80)
        assert weight_of(mixed, np.where(liked, 3.0, -3.0) + 3 * rng.normal(size=80), liked) > 0
        found.append(weight_of(mixed, 3 * rng.normal(size=80), liked))
        assert weight_of(mixed, np.where(liked, -3.0, 3.0), liked) == 0, "what is always wrong has no part"
    assert np.mean(np.array(found) > 0) <= 0.1


def test_members_are_parted_whole_into_halves_each_judged_once() -> None:
    runs = [[row, row] for row in rows(7)]
    (learned, asked), (again, others) = halves(runs, np.random.default_rng(0))
    assert (len(learned), len(asked)) == (3, 4)
    assert (again, others) == (asked, learned)
    assert sorted(map(id, learned + asked)) == sorted(map(id, runs))


def test_a_reader_that_does_not_help_has_no_part_in_the_blend(
    tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = [Judged(Prompt(row.prompt.history, row.prompt.candidate), bool(rng.random() < 0.5)) for row in rows(40)]
    pair = ReaderConfig(tuning=FinetuneConfig(mode="lora", epochs=1, batch_size=8))
    model = Preference(PreferenceConfig(pair=pair), tuned_from=tiny).fit(noise, options)
    assert model.weights() == {TASTES: 1.0}
    asked = [row.prompt for row in rows(4)]
    np.testing.assert_allclose(model.probability(asked), model.parts(asked)[TASTES], atol=1e-6)
    assert PAIR in model.parts(asked), "it is still shown alone"
    model.save(tmp_path / "saved")
    assert Preference.load(tmp_path / "saved", tuned_from=tiny, options=options).weights() == {TASTES: 1.0}


def test_a_causal_model_answers_yes_or_no(tiny_folder: Path, options: Options, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path / "tiny-llama"
    with torch.random.fork_rng():
        torch.manual_seed(2)
        sizes = LlamaConfig(
            vocab_size=120, max_position_embeddings=256, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, initializer_range=0.1, bos_token_id=2, eos_token_id=3, tie_word_embeddings=True,
        )  # fmt: skip
        LlamaForCausalLM(sizes).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((tiny_folder / "tokenizer.json").read_bytes())
    causal = CausalModel.load(folder, options=options)
    tuning = FinetuneConfig(mode="lora", epochs=2, batch_size=8, max_length=200)
    model = Preference(PreferenceConfig(causal=ReaderConfig(tuning=tuning)), causal=causal).fit(rows(), options)
    untuned = ReaderConfig(tuning=tuning.changed(mode="frozen", epochs=1))
    frozen = Preference(PreferenceConfig(causal=untuned), causal=causal).fit(rows(), options)
    asked = [row.prompt for row in rows(4)]
    said, told = model.parts(asked)[CAUSAL], frozen.parts(asked)[CAUSAL]
    assert ((said > 0) & (said < 1)).all()
    assert not np.allclose(said, told), "tuning must move what it says"
