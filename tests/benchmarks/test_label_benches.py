"""The benchmarks of labelling run on folders of anybody's own, find planted labels, and refuse all else."""

import gzip
import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import fewshot, interests
from penchant.benchmarks.fewshot_descriptions import DESCRIPTIONS
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.errors import ConfigError, ReadError, TooLittleDataError
from penchant.vectors import Floats, unit_rows

WORDS = {
    "水果": ["苹果", "香蕉", "葡萄", "橙子", "多汁", "果肉", "榨汁", "脆甜"],
    "手机": ["屏幕", "电池", "充电", "信号", "流畅", "来电", "手机", "像素"],
    "图书": ["作者", "章节", "印刷", "情节", "封面", "译本", "书页", "文笔"],
}
FILLER = ["很好", "收到了", "物流", "昨天", "买的", "还行", "一般", "再来"]


class WordEncoder:
    """A random direction for each word, summed."""

    name = "words"
    width = 48

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split() or [""]:
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest())
                vectors[row] += np.random.default_rng(seed).standard_normal(self.width)
        return unit_rows(vectors)


def text_of(label: str, rng: random.Random) -> str:
    words = rng.sample(WORDS[label], 2) + rng.choices(FILLER, k=4)
    rng.shuffle(words)
    return " ".join(words)


@pytest.fixture(scope="module")
def few_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as FewCLUE has them, two splits, the test packed and its labels numbers."""
    folder = tmp_path_factory.mktemp("fewclue") / "little"
    folder.mkdir()
    rng = random.Random(0)

    def rows(count: int) -> str:
        found = [
            {"label": 100 + n, "sentence": text_of(label, rng)} for n, label in enumerate(WORDS) for _ in range(count)
        ]
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in found)

    for split in (0, 1):
        (folder / f"train_{split}.json").write_text(rows(6), "utf-8")
        (folder / f"dev_{split}.json").write_text(rows(12), "utf-8")
    (folder / "test_public.json.gz").write_bytes(gzip.compress(rows(40).encode()))
    names = [{"label": str(100 + n), "label_zh": label} for n, label in enumerate(WORDS)]
    (folder / "label_index2en2zh.json").write_text("\n".join(map(json.dumps, names)), "utf-8")
    return folder


def test_fewshot_learns_from_each_split_and_names_labels_as_the_folder_does(few_folder: Path, tmp_path: Path) -> None:
    result = fewshot.run(str(few_folder), seeds=[0, 1], encoder=WordEncoder())
    assert result.metrics["accuracy"].mean > 0.8
    assert result.baselines["names alone"]["accuracy"].mean < result.metrics["accuracy"].mean
    assert set(result.baselines) == {*fewshot.SYSTEMS}
    assert [row["split"] for row in result.tables["chosen on the development texts"]] == [0, 1]
    assert result.data == "little"
    result.write(tmp_path / "result.json")
    assert BenchResult.read(tmp_path / "result.json") == result


def test_fewshot_tells_what_descriptions_of_labels_bring(few_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {label: " ".join(words) for label, words in WORDS.items()}
    monkeypatch.setattr(fewshot, "DESCRIPTIONS", {few_folder.name: told})
    result = fewshot.run(str(few_folder), seeds=[0], encoder=WordEncoder())
    names, described = (result.baselines[name]["accuracy"].mean for name in (fewshot.NAMES, fewshot.DESCRIBED_NAMES))
    assert described > names + 0.1
    assert result.metrics["accuracy"].mean > result.baselines[fewshot.UNDESCRIBED]["accuracy"].mean - 0.02
    # Every label of FewCLUE's own sets has its line, and no other.
    assert all(not set("<>") & set("".join(lines)) for lines in DESCRIPTIONS.values())
    assert {name: len(lines) for name, lines in DESCRIPTIONS.items()} == {"tnews": 15, "iflytek": 119}


def test_fewshot_reads_labels_by_the_names_that_the_folder_gives(few_folder: Path) -> None:
    found = fewshot.FewShotSet.at(str(few_folder))
    assert found.labelled("train_0").labels == frozenset(WORDS)
    assert set(found.test()[1]) == set(WORDS)


def test_fewshot_reads_line_separators_and_takes_other_splits_for_unlabelled_texts(tmp_path: Path) -> None:
    def write(part: str, *texts: str) -> None:
        rows = [json.dumps({"label": 1, "label_des": "水果", "sentence": text}, ensure_ascii=False) for text in texts]
        (tmp_path / f"{part}.json.gz").write_bytes(gzip.compress("\n".join(rows).encode()))

    write("train_0", "苹果\u2028脆甜", "香蕉")
    found = fewshot.FewShotSet.at(str(tmp_path))
    assert found.labelled("train_0").texts == ("苹果\u2028脆甜", "香蕉")
    assert found.unlabelled() == []
    write("train_few_all", "香蕉", "葡萄")
    write("dev_few_all", "橙子")
    assert found.unlabelled() == ["香蕉", "葡萄", "橙子"]
    write("unlabeled", "果肉")
    assert found.unlabelled() == ["果肉"]


def test_fewshot_refuses_other_folders_and_protocols(few_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"train_0\.json"):
        fewshot.run(str(tmp_path))
    with pytest.raises(ConfigError, match="the protocols of fewshot are frozen, tuned"):
        fewshot.run(str(few_folder), protocol="other")


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shops") / "shop"
    folder.mkdir()
    rng = random.Random(1)
    labels = [
        {"text": f"{text_of(label, rng)} {mood}", "labels": [f"{label} > {mood}"]}
        for label in WORDS
        for mood in ("满意", "失望")
        for _ in range(60)
    ]
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in labels), "utf-8")
    (folder / "items.jsonl").write_text('{"item_id": "p", "title": "苹果"}', "utf-8")
    (folder / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n", "utf-8")
    return folder


def test_interests_finds_top_labels_and_keeps_the_tree(shop_folder: Path) -> None:
    result = interests.run(str(shop_folder), seeds=[0], encoder=WordEncoder())
    assert result.metrics["accuracy@full"].mean > 0.9
    assert result.metrics["accuracy@64"].mean >= result.metrics["accuracy@8"].mean - 0.02
    assert result.metrics["hierarchy_violations"].mean == 0
    assert result.metrics["ece@full"].mean < 0.1
    assert set(result.baselines) == {WITHOUT_LANGUAGE_MODEL, interests.SVM, interests.NAMES, interests.FROZEN}
    assert result.metrics["macro_f1@8"].mean == pytest.approx(result.metrics["accuracy@8"].mean, abs=0.1)
    difference = result.differences[interests.SVM]["accuracy@8"]
    ours, theirs = result.metrics["accuracy@8"].mean, result.baselines[interests.SVM]["accuracy@8"].mean
    assert difference.value == pytest.approx(ours - theirs)


def test_interests_draws_nested_shots_apart_from_the_test(shop_folder: Path) -> None:
    parts = interests._parts(str(shop_folder))
    eight, sixteen = parts.draw(8, 3), parts.draw(16, 3)
    assert set(eight) < set(sixteen)
    assert len(eight) == 8 * 3
    assert not set(parts.train) & set(parts.test)


def test_interests_refuses_what_it_cannot_judge(tmp_path: Path, shop_folder: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\np,one\n")
    (tmp_path / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n")
    with pytest.raises(TooLittleDataError, match="0 texts with one label"):
        interests.run(str(tmp_path))
    with pytest.raises(ConfigError, match="the protocols of interests are all, few"):
        interests.run(str(shop_folder), protocol="other")
