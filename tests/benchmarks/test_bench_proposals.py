"""Proposed titles beside the other candidates, by a tiny causal model that has learned which titles go together."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from penchant.benchmarks import proposals
from penchant.benchmarks import recommend as bench
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.recommend.opinions import POPULARITY
from penchant.recommend.proposals import HEADING
from penchant.text.generator import Generator
from penchant.training.options import Options

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from word_encoder import WordEncoder

GENRES, NAMES = [f"genre{n}" for n in range(6)], [f"name{n}" for n in range(9)]


def titles_of(genre: str) -> list[str]:
    return [f"{genre} {name}" for name in NAMES]


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """A Llama of two layers, taught lists of titles of one genre."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("causal") / "tiny-llama"
    words = ["<unk>", "<s>", "</s>", *GENRES, *NAMES]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(words), max_position_embeddings=128, hidden_size=32, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=2, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
        rng, optimiser = np.random.default_rng(0), torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(200):
            drawn = [rng.permutation(titles_of(GENRES[rng.integers(6)])) for _ in range(16)]
            lists = [" ".join([HEADING("en"), *titles]) for titles in drawn]
            ids = torch.tensor([tokenizer.encode(text).ids for text in lists])
            model(input_ids=ids, labels=ids).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return Generator.load(folder, options=Options(device="cpu", precision="float32", progress=False, threads=1))


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Each member likes the films of one genre, after three popular ones that everybody has seen."""
    rng, ids = np.random.default_rng(1), [(genre, name) for genre in range(6) for name in range(9)]
    events = []
    for member in range(90):
        liked = [*rng.permutation(3), *(3 + rng.permutation(6)[:5])]
        events += [
            (f"m{member}", f"p{0 if place < 3 else member % 6}-{film}", "like", f"2026-01-{place + 1:02}T00:00:00")
            for place, film in enumerate(liked)
        ]
    titles = [f"{GENRES[genre]} {NAMES[name]}" for genre, name in ids]
    pl.DataFrame({"item_id": [f"p{g}-{n}" for g, n in ids], "title": titles}).write_csv(tmp_path / "items.csv")
    pl.DataFrame(events, schema=["member_id", "item_id", "kind", "at"], orient="row").write_csv(tmp_path / "events.csv")
    return tmp_path


def test_what_is_proposed_is_judged_alone_and_beside_the_blend(
    films: Path, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_encoder", WordEncoder)
    monkeypatch.setattr(proposals.Generator, "load", lambda *name, **options: generator)
    monkeypatch.setattr(proposals, "MEMBERS", 40)
    monkeypatch.setattr(proposals, "TITLES", 4)
    monkeypatch.setattr(proposals, "K", 12)
    monkeypatch.setattr(proposals, "SHORT", 3)
    monkeypatch.setattr(proposals, "KEYS", ("recall@12", "hit@3", "mrr"))
    result = bench.run(str(films), protocol="proposals", seeds=(0,))
    alone = result.baselines[proposals.PROPOSALS]
    assert alone["hit@3"].mean > max(0.3, 2 * result.baselines[POPULARITY]["hit@3"].mean)
    assert {proposals.BLEND, WITHOUT_LANGUAGE_MODEL} <= set(result.baselines)
    ours = {key: figure.mean for key, figure in result.metrics.items()}
    assert ours["pool"] >= max(alone["recall@12"].mean, result.baselines[proposals.BLEND]["recall@12"].mean)
    (row,) = result.tables["what was proposed"]
    assert row["members"] == 40
    assert row["proposed and right"] == round(40 * alone["recall@12"].mean)
    assert ours["only_proposed"] == row["of these in no source's best"] / 40
