"""The benchmark of explanations runs on anybody's labelled texts and finds a word that was planted to decide."""

import json
import random
from pathlib import Path

import pytest

from penchant.benchmarks.explanations import OCCLUSION, RANDOM, explained
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.errors import TooLittleDataError
from penchant.text.transformer import load_encoder
from penchant.training.options import Options
from tiny_bert import tiny_bert

WORDS = {"水果": "苹果", "手机": "电池", "图书": "小说"}
FILLER = ["昨天", "收到", "很好", "快递", "包装", "不错", "今天", "真的"]


def shop(folder: Path, count: int) -> str:
    rng = random.Random(0)
    folder.mkdir()
    rows = []
    for number in range(count):
        label = list(WORDS)[number % 3]
        words = [WORDS[label], *rng.sample(FILLER, 4)]
        rng.shuffle(words)
        rows.append({"text": "".join(words), "labels": [f"{label} > 好"]})
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    (folder / "items.jsonl").write_text('{"item_id": "p", "title": "苹果"}', "utf-8")
    (folder / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n", "utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of one layer that reads characters."""
    from tokenizers import pre_tokenizers

    letters = sorted({*"".join([*WORDS.values(), *FILLER])})
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return tiny_bert(folder, letters, pre_tokenizers.Split("", "isolated"), width=16, spread=0.2)


def test_the_words_that_explain_carry_the_label_and_random_ones_do_not(model: Path, tmp_path: Path) -> None:
    encoder = load_encoder(model, options=Options(device="cpu", precision="float32", progress=False, threads=1))
    result = explained(shop(tmp_path / "shop", 150), seeds=[0, 1], encoder=encoder)
    assert (result.name, result.data, result.protocol, result.seeds) == ("interests", "shop", "explain", [0, 1])
    assert set(result.baselines) == {OCCLUSION, RANDOM, WITHOUT_LANGUAGE_MODEL}
    assert result.metrics["ratio"].mean > 2
    assert result.baselines[RANDOM]["ratio"].mean < 1.5
    assert result.metrics["agreement"].mean > 0.3
    assert result.differences[RANDOM]["fall"].low > 0
    result.write(tmp_path / "result.json")
    assert BenchResult.read(tmp_path / "result.json") == result


def test_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLittleDataError, match="100 at least are needed"):
        explained(shop(tmp_path / "shop", 90))
