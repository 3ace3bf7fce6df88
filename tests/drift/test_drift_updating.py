"""A labeller that goes on learning: new labels come, old ones stay known where they are rehearsed."""

import random

import numpy as np
import pytest

from penchant.errors import InputError
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.updating import rehearsed, update
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
WORDS = {
    "fruit": ["apple", "pear", "plum", "juicy"],
    "cars": ["engine", "wheel", "brake", "diesel"],
    "books": ["novel", "author", "chapter", "print"],
}


def texts(label: str, count: int, seed: int = 0) -> LabelledTexts:
    rng = random.Random(f"{label}{seed}")
    made = [f"{' '.join(rng.choices(WORDS[label], k=3))} number {rng.randrange(10**6)}" for _ in range(count)]
    return LabelledTexts.of(made, [label] * count)


def joined(*parts: LabelledTexts) -> LabelledTexts:
    return LabelledTexts(sum((part.texts for part in parts), ()), sum((part.given for part in parts), ()))


def known(model: Labeller, label: str) -> float:
    said = model.label(texts(label, 40, seed=9).texts)
    return float(np.mean([said.taxonomy.labels[row] == label for row in said.probabilities.argmax(axis=1)]))


def test_new_labels_are_learned_and_old_ones_kept() -> None:
    old, new = joined(texts("fruit", 80), texts("cars", 80)), texts("books", 40)
    before = Labeller(LabellerConfig(names=False, meaning=False)).fit(old, OPTIONS)
    after = update(before, old, new, OPTIONS)
    assert known(after, "books") > 0.9
    assert min(known(after, label) for label in ("fruit", "cars")) > 0.9
    forgetful = update(before, old, new, OPTIONS, rehearsal=0.0)
    assert min(known(forgetful, label) for label in ("fruit", "cars")) < 0.5
    with pytest.raises(InputError, match="0 or more"):
        update(before, old, new, OPTIONS, rehearsal=-1.0)


def test_as_many_of_each_label_are_rehearsed() -> None:
    old = joined(texts("fruit", 90), texts("cars", 10))
    rows = rehearsed(old, 16, OPTIONS)
    assert len(rows) == len(set(rows)) == 16
    assert sum(old.given[row] == (("cars",),) for row in rows) == 8
    assert len(rehearsed(old, 500, OPTIONS)) == len(old)


def test_a_corrected_label_takes_the_place_of_the_old_one() -> None:
    old = joined(texts("fruit", 40), texts("cars", 40))
    before = Labeller(LabellerConfig(names=False, meaning=False)).fit(old, OPTIONS)
    corrected = LabelledTexts.of(old.texts[:20], ["books"] * 20)
    after = update(before, old, corrected, OPTIONS, rehearsal=5.0)
    assert after.report.texts == len(old), "no text is learned twice, with its old label and its new one"
