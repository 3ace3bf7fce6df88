"""Titles that a causal model proposes: only those of the catalogue, and the likeliest of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from penchant.errors import ConfigError, InputError
from penchant.recommend.proposals import HEADING, TitleTrie, joined
from penchant.text.generator import Generator
from penchant.training.options import Options

TITLES = ["苹果", "苹果 多汁", "手机", "novel author", "novel", "多汁 手机"]
HISTORY = [("手机", True), ("novel", False)]


@pytest.fixture(scope="module")
def generator(tiny_folder: Path, options: Options, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("causal") / "tiny-llama"
    with torch.random.fork_rng():
        torch.manual_seed(5)
        config = LlamaConfig(
            vocab_size=120, max_position_embeddings=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, initializer_range=0.3, bos_token_id=2, eos_token_id=3, tie_word_embeddings=True,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((tiny_folder / "tokenizer.json").read_bytes())
    return Generator.load(folder, options=options)


def said(generator: Generator, title: str) -> float:
    """Log-probability of a whole title after the prompt, token by token, among the tokens of all titles."""
    pieces = generator.model.pieces
    prompt = f"{HEADING('zh')}\n手机\n"
    before = pieces.encode("").ids[:1] + pieces.encode(prompt, add_special_tokens=False).ids
    ids = pieces.encode(f"{title}\n", add_special_tokens=False).ids
    with torch.inference_mode():
        logits = generator.body(input_ids=torch.tensor([before + ids])).logits[0].float()
    own = {token for each in TITLES for token in pieces.encode(f"{each}\n", add_special_tokens=False).ids}
    whole = logits[:, sorted(own)].logsumexp(-1)
    places = [len(before) + place - 1 for place in range(len(ids))]
    return float(sum(logits[place, token] - whole[place] for place, token in zip(places, ids, strict=True)))


def test_with_beams_enough_every_title_is_ranked_by_how_likely_the_model_says_it(generator: Generator) -> None:
    found = TitleTrie(TITLES, generator).propose(HISTORY, 10, beams=10)
    wanted = {title: said(generator, title) for title in TITLES if title not in ("手机", "novel")}
    assert [title for title, _ in found] == sorted(wanted, key=lambda title: -wanted[title])
    np.testing.assert_allclose([score for _, score in found], [wanted[title] for title, _ in found], atol=1e-4)


def test_what_was_seen_long_ago_is_not_proposed_and_takes_no_place(generator: Generator) -> None:
    trie = TitleTrie(TITLES, generator)
    (first, _), *rest = trie.propose(HISTORY, 10, beams=10)
    assert [title for title, _ in trie.propose(HISTORY, 2, beams=10, but=[first])] == [title for title, _ in rest[:2]]


def test_titles_that_are_not_proposed_take_up_no_beam(generator: Generator) -> None:
    trie = TitleTrie(TITLES, generator)
    found = [title for title, _ in trie.propose([], 10, beams=1)]
    hidden: list[str] = []
    while len(hidden) < len(TITLES):
        hidden += found
        found = [title for title, _ in trie.propose([], 10, beams=1, but=hidden)]
        assert bool(found) == (len(hidden) < len(TITLES))
        assert not set(found) & set(hidden)


def test_two_lists_are_joined_by_their_places() -> None:
    first, second = np.array([[4, 7, 1], [2, 3, -1]]), np.array([[9, 7, 5], [-1, -1, -1]])
    assert joined(first, second, 1e-6).tolist() == [[4, 7, 1], [2, 3, -1]]
    assert joined(first, second, 10.0).tolist() == [[7, 9, 5], [2, 3, -1]]


def test_fewer_beams_follow_fewer_beginnings(generator: Generator) -> None:
    trie = TitleTrie(TITLES, generator)
    one, all_of_them = trie.propose([], 10, beams=1), trie.propose([], 10, beams=10)
    assert len(one) < len(all_of_them) == len(TITLES)
    assert {title for title, _ in one} <= set(TITLES)
    assert trie.propose([], 2, beams=10) == all_of_them[:2]


def test_what_cannot_be_proposed_is_said(generator: Generator) -> None:
    with pytest.raises(InputError, match="no titles to propose from"):
        TitleTrie([], generator)
    trie = TitleTrie(TITLES, generator)
    with pytest.raises(ConfigError, match="k is 0"):
        trie.propose([], 0)
    with pytest.raises(InputError, match="no room for a title in 64 tokens"):
        trie.propose([("苹果 多汁", True)] * 40, 3)
