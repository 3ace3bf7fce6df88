"""The benchmarks of fine-tuning run on anybody's labelled texts, with a small random model in place of the real one."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import finetune, robustness
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.errors import ConfigError, TooLittleDataError
from tiny_bert import tiny_bert

WORDS = {
    "水果": ["苹果", "香蕉", "多汁"],
    "手机": ["屏幕", "电池", "信号"],
    "图书": ["作者", "章节", "情节"],
    "家电": ["冰箱", "水箱", "遥控"],
}
MOODS = {"正面": ["喜欢", "满意", "很棒"], "负面": ["失望", "退货", "太差"]}
FILLER = ["昨天", "买", "的", "了", "又", "来"]


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of one layer that knows the words."""
    from tokenizers import pre_tokenizers

    words = [word for group in (*WORDS.values(), *MOODS.values()) for word in group] + FILLER
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return tiny_bert(folder, words, pre_tokenizers.WhitespaceSplit(), layers=2, positions=130, spread=0.1)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A community folder whose labels are "category > mood"."""
    rng = random.Random(0)
    rows = []
    for number in range(480):
        category, mood = rng.choice(list(WORDS)), rng.choice(list(MOODS))
        words = [rng.choice(WORDS[category]), *rng.sample(MOODS[mood], 2), *rng.choices(FILLER, k=3), str(number)]
        rng.shuffle(words)
        rows.append({"text": " ".join(words), "labels": [f"{category} > {mood}"]})
    folder = tmp_path_factory.mktemp("reviews") / "little"
    folder.mkdir()
    (folder / "labels.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    (folder / "items.jsonl").write_text('{"item_id": "a", "title": "a"}', encoding="utf-8")
    (folder / "events.csv").write_text("member_id,item_id,kind,at\nm,a,view,2026-01-01T00:00:00Z\n", encoding="utf-8")
    return folder


@pytest.mark.slow
def test_lora_is_set_beside_full_and_the_textbook_loop(
    reviews: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "ENCODER", str(tiny_folder))
    result = finetune.run(str(reviews), protocol="96:lora", seeds=[3])
    modes = {row["mode"]: row for row in result.tables["modes"]}
    assert list(modes) == ["textbook", "full", "lora"]
    assert modes["lora"]["trainable"] < modes["full"]["trainable"] < modes["textbook"]["trainable"]
    assert modes["lora"]["saved_mb"] < modes["full"]["saved_mb"]
    assert result.metrics["lora_minus_full"].mean == pytest.approx(
        modes["lora"]["accuracy"] - modes["full"]["accuracy"], abs=1e-3
    )
    speed = modes["lora"]["texts_per_s"] / modes["textbook"]["texts_per_s"]
    assert result.metrics["speedup_vs_textbook"].mean == pytest.approx(speed, rel=0.01)
    assert result.baselines[WITHOUT_LANGUAGE_MODEL]["accuracy"].mean > 0.8


def test_a_protocol_is_a_number_and_perhaps_a_mode(reviews: Path) -> None:
    with pytest.raises(ConfigError, match="found 'many'; the modes are full, lora"):
        finetune.run(str(reviews), protocol="many")
    with pytest.raises(ConfigError, match="found '10:magic'"):
        finetune.run(str(reviews), protocol="10:magic")
    with pytest.raises(TooLittleDataError, match="480 texts have exactly one label; 2000 are wanted"):
        finetune.run(str(reviews), protocol="1000:lora")


def test_training_and_test_texts_are_apart_and_follow_the_seed(reviews: Path) -> None:
    from penchant.data.public import load

    labels = load(str(reviews)).labels
    task = finetune.drawn(labels, 100, seed=1)
    assert not set(task.texts) & set(task.test_texts)
    assert finetune.drawn(labels, 100, seed=1) == task
    assert finetune.drawn(labels, 100, seed=2).texts != task.texts
    away = robustness.drawn(labels, 60, seed=1)
    assert not set(away.texts + away.test_texts) & set(away.foreign_texts)
    assert set(away.labels) == set(MOODS)
    named = {word for group in WORDS.values() for word in group}
    homes = {word for text in away.texts for word in text.split()} & named
    abroad = {word for text in away.foreign_texts for word in text.split()} & named
    assert not homes & abroad


@pytest.mark.slow
def test_what_each_defence_withstands_is_measured(
    reviews: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "ENCODER", str(tiny_folder))
    quick = {"learning_rate": 1e-2, "head_learning_rate": 1e-2, "epochs": 12, "adapter": {"targets": ("*",)}}
    fewer = {name: {**quick, **robustness.DEFENCES[name]} for name in ("plain", "fgm")}
    monkeypatch.setattr(robustness, "DEFENCES", fewer)
    result = robustness.run(str(reviews), protocol="96", seeds=[0])
    assert set(result.metrics) == {
        f"accuracy@{name}" for name in ("clean", "typos", "synonyms", "dropped_words", "foreign", "wrong_labels")
    }
    assert result.metrics["accuracy@clean"].mean > 0.8
    assert result.metrics["accuracy@typos"].mean < result.metrics["accuracy@clean"].mean
    assert result.metrics["accuracy@wrong_labels"].mean < result.metrics["accuracy@clean"].mean
    assert set(result.baselines) == {"fgm", WITHOUT_LANGUAGE_MODEL}
    # An adversary who may change too much leaves nothing to be learned.
    assert result.baselines["fgm"]["accuracy@clean"].mean > 0.8
    assert {row["defence"] for row in result.tables["defences"]} == {"plain", "fgm", WITHOUT_LANGUAGE_MODEL}


def test_typos_change_about_the_share_that_is_asked() -> None:
    rng = np.random.default_rng(0)
    text = "这个手机的屏幕非常漂亮电池也很耐用" * 20
    assert robustness.typos(text, 0.0, rng) == text
    changed = robustness.typos(text, 0.1, rng)
    assert changed != text
    assert 0.9 * len(text) < len(changed) < 1.1 * len(text)
    assert robustness.typos("好", 0.99, np.random.default_rng(0)) != ""


def test_wrong_labels_are_other_labels() -> None:
    labels = ["a", "b", "c"] * 100
    wrong = robustness.wrong_labels(labels, 0.2, seed=1)
    assert sum(one != other for one, other in zip(labels, wrong, strict=True)) == 60
    assert set(wrong) == {"a", "b", "c"}


def test_labels_of_one_level_have_no_foreign_domain(tmp_path: Path) -> None:
    import polars as pl

    labels = pl.DataFrame({"text": ["x", "y"], "labels": [["a"], ["b"]]})
    with pytest.raises(ConfigError, match="robustness wants labels of two levels"):
        robustness.drawn(labels, 1, 0)
    with pytest.raises(ConfigError, match="is a number of texts; found 'all'"):
        robustness.run(str(tmp_path), protocol="all")
