"""A generator writes what its model finds likeliest, the same alone and in company."""

from pathlib import Path

import pytest
import torch

from penchant.errors import ConfigError, InputError, WeightsError
from penchant.text.generator import Generator
from penchant.training.options import Options

PROMPTS = ["the 夏季", "一顶双人帐篷", "dress", "the tent 防雨 防风 带地垫", "dress"]


@pytest.fixture(scope="module")
def folder(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with the pieces of the random BERT; its folder asks for sampling."""
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("generator") / "tiny-llama"
    tokenizer = Tokenizer.from_file(str(random_folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(4)
        config = LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64, hidden_size=32, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=2, initializer_range=0.3, bos_token_id=0, eos_token_id=2,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
    model.generation_config.do_sample, model.generation_config.temperature = True, 1.5
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def generator(folder: Path, quiet: Options) -> Generator:
    return Generator.load(folder, options=quiet)


def by_hand(folder: Path, prompt: str, count: int) -> str:
    """The likeliest token, one at a time, with no batch and no cache."""
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

    tokenizer, model = Tokenizer.from_file(str(folder / "tokenizer.json")), LlamaForCausalLM.from_pretrained(folder)
    ids = [0, *tokenizer.encode(prompt, add_special_tokens=False).ids]
    said: list[int] = []
    with torch.inference_mode():
        while len(said) < count:
            said.append(int(model.eval()(torch.tensor([ids + said])).logits[0, -1].argmax()))
            if said[-1] == 2:
                break
    return tokenizer.decode([number for number in said if number != 2], skip_special_tokens=True)


def test_it_writes_the_likeliest_words(generator: Generator, folder: Path) -> None:
    said = generator.generate(PROMPTS, 6)
    assert said == [by_hand(folder, prompt, 6) for prompt in PROMPTS]
    assert said[2] == said[4]
    assert len(set(said)) > 2, "a random model says different things, or the test could not fail"


def test_company_and_batches_change_nothing(generator: Generator, folder: Path, quiet: Options) -> None:
    together = generator.generate(PROMPTS, 5)
    assert [generator.generate([prompt], 5)[0] for prompt in PROMPTS] == together
    pairs = Generator.load(folder, options=quiet.model_copy(update={"batch_size": 2}))
    assert pairs.generate(PROMPTS, 5) == together
    assert generator.generate([], 5) == []


def test_it_stops_where_the_model_ends_the_text(folder: Path, quiet: Options, tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    generator = Generator.load(folder, options=quiet)
    whole = generator.generate(["dress"], 8)[0]
    # The model whose second likeliest word is made the end of a text stops in front of it.
    tokens = generator.model.pieces
    second = by_hand(folder, "dress", 2)
    number = tokens.encode(second, add_special_tokens=False).ids[-1]
    model = LlamaForCausalLM.from_pretrained(folder)
    model.generation_config.eos_token_id = model.config.eos_token_id = number
    model.generation_config.do_sample, model.generation_config.temperature = False, None
    model.save_pretrained(tmp_path / "ends")
    tokens.save(str(tmp_path / "ends" / "tokenizer.json"))
    short = Generator.load(tmp_path / "ends", options=quiet).generate(["dress", "the 夏季"], 8)[0]
    assert whole.startswith(short)
    assert len(short) < len(whole)


def test_what_it_cannot_write_is_told(generator: Generator, random_folder: Path, quiet: Options) -> None:
    with pytest.raises(InputError, match=r"has \d\d tokens; the model has room for 60"):
        generator.generate(["tent" + " 夏" * 40], 4)
    with pytest.raises(InputError, match="holds nothing to go on from"):
        generator.generate(["dress", " "], 4)
    for count in (0, 64):
        with pytest.raises(ConfigError, match=f"max_new_tokens is {count}; give 1 to 63"):
            generator.generate(["dress"], count)
    with pytest.raises(WeightsError):
        Generator.load("no-such/model-anywhere/at-all", options=quiet)


def test_its_name_tells_weights_apart(generator: Generator) -> None:
    assert generator.name.startswith("tiny-llama@")
    assert len(generator.name.split("@")[1]) == 12
