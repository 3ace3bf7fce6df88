"""`bench preference` on planted prompts, in TALLRec's form and in our own."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import benchmark
from penchant.benchmarks import preference as module
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.errors import ConfigError, ReadError, TooLittleDataError
from penchant.text.encoder import Encoder
from penchant.vectors import unit_rows


class Letters:
    """An encoder that counts letters."""

    name, width = "letters", 26

    def encode(self, texts: list[str]) -> np.ndarray:
        counts = [[text.lower().count(chr(97 + place)) + 0.01 for place in range(26)] for text in texts]
        return unit_rows(np.array(counts, dtype=np.float32))


@pytest.fixture(autouse=True)
def letters(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    encoder = Letters()
    monkeypatch.setattr(module, "_encoder", lambda *, tuned: (encoder, None))
    return encoder


def instructions(count: int, seed: int) -> list[dict[str, str]]:
    """Films of even number are liked three times in four, those of odd number once."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        seen = rng.choice(60, 9, replace=False)
        liked = rng.random(9) < np.where(seen % 2, 0.25, 0.75)
        names = [f"Film, The number {film} (19{10 + film})" for film in seen]
        told = {
            answer: ", ".join(f'"{name}"' for name, likes in zip(names[:8], liked[:8], strict=True) if likes == answer)
            for answer in (True, False)
        }
        lines = (
            f"User Preference: {told[True]}",
            f"User Unpreference: {told[False]}",
            f'Whether the user will like the target movie "{names[8]}"?',
        )
        asked = "\n".join(lines)
        rows.append({"instruction": "Will they?", "input": asked, "output": "Yes." if liked[8] else "No."})
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "planted"
    place.mkdir()
    (place / "train.json").write_text(json.dumps(instructions(400, 1)), "utf-8")
    (place / "test.json.gz").write_bytes(gzip.compress(json.dumps(instructions(200, 2)).encode()))
    return place


def test_more_rows_tell_more_and_the_parts_stand_beside_the_blend(folder: Path) -> None:
    result = benchmark("preference")(str(folder), seeds=[0, 1])
    assert result.data == "planted"
    assert list(result.metrics) == ["auc@16", "auc@64", "auc@256", "auc@full"]
    assert result.metrics["auc@full"].mean > max(0.65, result.metrics["auc@16"].mean + 0.05)
    assert result.metrics["auc@full"].sd == 0
    share = result.baselines["share of likes"]
    assert share["auc@16"] == share["auc@full"], "it learns nothing from the rows"
    assert share["auc@full"].mean < 0.6
    assert {WITHOUT_LANGUAGE_MODEL, "mixed model", "similar titles"} <= set(result.baselines)
    rows = {(row["against"], row["metric"]): row for row in result.tables["intervals of the lead"]}
    lead = rows["share of likes", "auc@full"]
    assert lead["low"] > 0
    assert lead["lead"] == pytest.approx(result.metrics["auc@full"].mean - share["auc@full"].mean, abs=1e-6)


def test_titles_with_commas_are_read_whole(folder: Path) -> None:
    (first, *_) = module.preferences(str(folder))["test"]
    assert len(first.prompt.history) == 8
    assert all(title.startswith("Film, The number ") for title, _ in first.prompt.history)


def test_what_cannot_be_judged_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no protocol 'last'; there are frozen, tuned"):
        benchmark("preference")(str(folder), protocol="last")
    with pytest.raises(ReadError, match="no preferences are at"):
        benchmark("preference")(str(tmp_path))
    (folder / "train.json").write_text('[{"input": "what?", "output": "Yes."}]', "utf-8")
    with pytest.raises(ReadError, match=r"train.json cannot be read as TALLRec's instructions"):
        benchmark("preference")(str(folder))
    one = tmp_path / "one.jsonl"
    row = {"history": [{"title": "a", "liked": True}], "candidate": "b", "liked": True}
    one.write_text(json.dumps(row) + "\n" + json.dumps({**row, "split": "test"}) + "\n", "utf-8")
    with pytest.raises(TooLittleDataError, match="the latter of both answers"):
        benchmark("preference")(str(one))
