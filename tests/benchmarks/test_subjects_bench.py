"""The protocol of discovery: planted subjects are found and scored, and chance scores nothing."""

import hashlib
import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

from penchant.benchmarks import interests, subjects
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.vectors import Floats, unit_rows

TOPS = {"茶": "绿茶 茶叶 泡茶 茶杯", "书": "作者 章节 书页 读完", "鞋": "合脚 鞋底 尺码 鞋带"}


class TopicEncoder:
    """A direction for the topic that a text's first word belongs to, and a little noise of the text's own."""

    name, width = "topics", 16

    def __init__(self, share: float = 1.0) -> None:
        self.share = share

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            top = next((top for top, words in TOPS.items() if text.split()[0] in words.split()), "")
            for part, weight in ((top, self.share), (text, 0.4)):
                seed = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=4).digest())
                vectors[row] += weight * np.random.default_rng(seed).standard_normal(self.width)
        return unit_rows(vectors)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("subjects") / "shop"
    place.mkdir()
    rng = random.Random(0)
    rows = [
        {"text": f"{' '.join(rng.sample(words.split(), 2))} {number}", "labels": [f"{top} > {rng.choice('好坏')}"]}
        for top, words in TOPS.items()
        for number in range(40)
    ]
    (place / "labels.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    (place / "items.jsonl").write_text('{"item_id": "p", "title": "茶"}', "utf-8")
    (place / "events.csv").write_text("member_id,item_id,kind,at\nm,p,buy,2026-01-05T00:00:00\n", "utf-8")
    return str(place)


def test_planted_subjects_are_found_without_their_labels_and_named(folder: str) -> None:
    result = interests.run(folder, protocol="discovery", seeds=[0, 1], encoder=TopicEncoder())
    assert result.metrics["nmi"].mean > 0.9
    assert result.metrics["purity"].mean > 0.9
    assert result.metrics["subjects"].mean == 3
    assert set(result.baselines) == {WITHOUT_LANGUAGE_MODEL, subjects.TOLD, subjects.VECTORS}
    rows = result.tables["subjects at the top, last seed"]
    assert {row["commonest label"] for row in rows} == set(TOPS)
    assert all(set(str(row["subject"]).split("、")) & set(TOPS[str(row["commonest label"])].split()) for row in rows)


def test_vectors_that_know_nothing_of_subjects_score_as_chance_does(folder: str) -> None:
    result = interests.run(folder, protocol="discovery", seeds=[0], encoder=TopicEncoder(share=0.0))
    assert result.metrics["nmi"].mean < 0.2
    assert result.baselines[subjects.TOLD]["nmi"].mean > 0.5


def test_a_text_left_out_is_not_in_the_right_group() -> None:
    truth = np.array([0, 0, 1, 1])
    assert subjects.purity(np.array([5, 5, 6, 6]), truth) == 1
    assert subjects.purity(np.array([5, 5, 6, -1]), truth) == 0.75
    assert subjects.purity(np.zeros(4, dtype=np.int64), truth) == 0.5
