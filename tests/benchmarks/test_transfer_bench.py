"""The protocol of transfer: what the vectors carry across languages and goods is found, what spelling cannot is not."""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import interests, transfer
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.errors import TooLittleDataError
from penchant.vectors import Floats, unit_rows

GOODS = ("水果", "手机", "衣服")
COUNTS = (12, 24)
MOODS = {"正面": ["满意", "很棒", "回购", "好评"], "负面": ["太失望", "很差", "退货", "别买"]}
GOOD = ("满意", "很棒", "回购", "好评", "非常好", "物超所值", "没失望", "happy", "rightly", "second time", "Excellent",
        "Worth", "Five stars")  # fmt: skip


class MoodEncoder:
    """One direction says whether a text praises, in either language; the others are the text's own."""

    name = "mood"
    width = 12

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())
            vectors[row] = 0.3 * np.random.default_rng(seed).standard_normal(self.width)
            vectors[row, 0] = 1.0 if any(word in text for word in GOOD) else -1.0
        return unit_rows(vectors)


def written(folder: Path, moods: Sequence[str]) -> str:
    rng = random.Random(0)
    labels = [
        {"text": f"{goods}{number} {rng.choice(words)} {rng.choice(words)}", "labels": [f"{goods} > {mood}"]}
        for goods in GOODS
        for mood, words in zip(moods, MOODS.values(), strict=True)
        for number in range(40)
    ]
    folder.mkdir()
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in labels), "utf-8")
    (folder / "items.jsonl").write_text('{"item_id": "p", "title": "苹果"}', "utf-8")
    (folder / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n", "utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BenchResult:
    folder = written(tmp_path_factory.mktemp("transfer") / "shop", ("正面", "负面"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "LABELS", COUNTS)
        return interests.run(folder, protocol="transfer", seeds=[0], encoder=MoodEncoder())


def test_a_mood_that_vectors_carry_is_told_in_english_and_spelling_alone_guesses(result: BenchResult) -> None:
    without = result.baselines[WITHOUT_LANGUAGE_MODEL]
    assert result.metrics["english"].mean > 0.9
    assert result.metrics["other_domain"].mean > 0.9
    assert without["english"].mean < 0.65
    assert without["same"].mean > 0.9


def test_each_category_is_judged_by_a_labeller_that_did_not_see_it(result: BenchResult) -> None:
    rows = result.tables["each category, learned from the others"]
    assert [row["category"] for row in rows] == sorted(GOODS)
    assert np.mean([row["ours"] for row in rows]) == pytest.approx(result.metrics["left_out"].mean, abs=1e-3)


def test_two_communities_gain_what_together_has_over_apart(result: BenchResult) -> None:
    rows = [row for row in result.tables["two communities"] if row["system"] == "ours"]
    assert [row["labels of each"] for row in rows] == list(COUNTS)
    for row in rows:
        gain = result.metrics[f"together_gain@{row['labels of each']}"].mean
        assert gain == pytest.approx(row["together"] - row["apart"], abs=2e-4)


def test_the_other_domain_holds_both_languages_with_as_much_praise_as_blame() -> None:
    for name, domain in transfer._bazaar().items():
        moods, counts = np.unique(domain.polarity, return_counts=True)
        assert set(moods) == {transfer.PRAISE, transfer.BLAME}
        assert counts[0] == counts[1] == transfer.OTHER
        assert all(any("一" <= char <= "鿿" for char in text) == (name == "other_domain") for text in domain.texts)


def test_texts_to_learn_from_and_to_judge_by_are_apart_and_seeds_draw_anew(tmp_path: Path) -> None:
    reviews = transfer.PathTexts.of(written(tmp_path / "shop", ("正面", "负面")))
    drawn = [transfer._shops(reviews, seed, "shop") for seed in (0, 1)]
    for train, test in drawn[0].values():
        assert not set(train.texts) & set(test.texts)
    assert set(drawn[0]["水果"][0].texts) != set(drawn[1]["水果"][0].texts)


def test_labels_of_other_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLittleDataError, match=r"0 categories of .* have enough texts labelled 正面 and 负面"):
        transfer.transfer(written(tmp_path / "shop", ("喜欢", "讨厌")), encoder=MoodEncoder())
