"""The protocol of active learning: picked texts beat drawn ones on planted classes, and only the picking differs."""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import interests, learning
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.errors import TooLittleDataError
from penchant.interests.learning import SuggestConfig
from penchant.vectors import Floats, unit_rows

SHARES = {"茶": 0.45, "书": 0.35, "伞": 0.05, "灯": 0.05, "鞋": 0.05, "碗": 0.05}


class NoisyEncoder:
    """A direction for each class, which the text's first character names, and noise of the text's own."""

    name = "noisy"
    width = 24

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for part, weight in ((text[0], 1.0), (text, 1.1)):
                seed = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=4).digest())
                vectors[row] += weight * np.random.default_rng(seed).standard_normal(self.width)
        return unit_rows(vectors)


def written(folder: Path, count: int) -> str:
    rng = random.Random(0)
    labels = [
        {"text": f"{top} {number}", "labels": [top]}
        for number, top in enumerate(rng.choices(list(SHARES), weights=list(SHARES.values()), k=count))
    ]
    folder.mkdir()
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in labels), "utf-8")
    (folder / "items.jsonl").write_text('{"item_id": "p", "title": "茶"}', "utf-8")
    (folder / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n", "utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("learning") / "shop", 700)


def test_picked_texts_need_fewer_labels_than_texts_drawn_at_random(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "WIDTH", 16)
    result = learning.learning(folder, seeds=[0, 1], encoder=NoisyEncoder(), last=100)
    assert result.metrics["labels_needed"].mean <= 80
    assert result.metrics["accuracy@100"].mean > result.baselines[learning.RANDOM]["accuracy@100"].mean
    assert result.differences[learning.RANDOM]["accuracy@100"].low > 0
    rows = result.tables["curves"]
    assert [row["labels"] for row in rows] == list(range(20, 101, 20))
    assert rows[0][learning.OURS] == rows[0][learning.RANDOM]
    assert set(result.baselines) == {learning.RANDOM, WITHOUT_LANGUAGE_MODEL, learning.RANDOM_WITHOUT}


def test_picking_at_random_is_no_better_than_itself(folder: str) -> None:
    config = SuggestConfig(method="random")
    result = learning.learning(folder, seeds=[0], encoder=NoisyEncoder(), config=config, last=100)
    assert all(row[learning.OURS] == row[learning.RANDOM] for row in result.tables["curves"])


def test_a_mark_that_is_never_reached_gives_no_number_of_labels() -> None:
    counts = np.array([20, 40, 60])
    assert learning._needed("labels_needed", np.array([0.2, 0.4, 0.5]), counts, 0.6) == {}
    assert learning._needed("labels_needed", np.array([0.2, 0.4, 0.5]), counts, 0.4) == {"labels_needed": 40.0}


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLittleDataError, match="60 texts with one label"):
        interests.run(written(tmp_path / "few", 60), protocol="learning", encoder=NoisyEncoder())
