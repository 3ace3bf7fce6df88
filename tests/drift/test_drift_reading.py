"""The reader sees past and recent titles and the levels of the statistics, and learns to tell a change from them."""

from pathlib import Path

import numpy as np
import pytest
from planted_tastes import ITEMS, tastes
from tiny_window_reader import OPTIONS, window_reader

from penchant.collaborative.sequence import SequenceConfig
from penchant.data.community import Community
from penchant.data.interactions import DAY, Histories
from penchant.drift.boosting import TreesConfig
from penchant.drift.injection import InjectionConfig
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import LearnConfig
from penchant.drift.read import Read
from penchant.drift.reading import Reader, ReadingConfig
from penchant.drift.recipe import add_reader
from penchant.drift.surprise import SurpriseConfig
from penchant.drift.whole import Drift, DriftConfig, learn
from penchant.drift.windows import NOTHING
from penchant.errors import ConfigError, NotFittedError, TooLittleDataError

TREES = TreesConfig(trees=30)
SHORT = ReadingConfig(past=5, examples=300, epochs=3, max_length=128)


@pytest.fixture(scope="module")
def community() -> Community:
    return tastes(members=36)


@pytest.fixture(scope="module")
def held(community: Community, tmp_path_factory: pytest.TempPathFactory) -> Drift:
    quick = LearnConfig(
        streams=InjectionConfig(track="natural", window=10, length=6, draws=1),
        event_trees=TREES,
        window_trees=TREES,
        surprise=SurpriseConfig(model=SequenceConfig(cell="gru", width=16, layers=1, epochs=2, fewest_steps=40)),
    )
    config = DriftConfig(judge="always", judging=JudgeConfig(learn=quick), reader=SHORT, act="never")
    with pytest.raises(ConfigError, match="tunes a language model"):
        learn(community, config, OPTIONS)
    return learn(community, config, OPTIONS, encoder=window_reader(tmp_path_factory.mktemp("tiny")))


def test_a_text_holds_both_windows_in_order_in_the_language_of_the_titles(community):
    reader = Reader(community, ReadingConfig(past=2))
    english = reader.text(np.array([15, 16, 17, NOTHING]), np.array([30, NOTHING, 31]), (9, 3))
    assert english == "recent: Crime 0, Crime 1. shift 9, surprise 3. past: Tents 1, Tents 2"
    chinese = reader.text(np.array([0]), np.array([1, 2]), (0, 0))
    assert chinese == "最近：铸铁 1，铸铁 2。变化 0，意外 0。以前：铸铁 0"
    assert Reader(community, ReadingConfig(words=1)).names[16] == "Tents"
    with pytest.raises(NotFittedError, match="call fit"):
        reader.odds([english])


@pytest.mark.slow
def test_a_tuned_reader_moves_the_probability_and_is_kept(held: Drift, community: Community, tmp_path: Path) -> None:
    read = held.judge
    assert read is not None
    judge = Judge(read.learned, read.config)
    assert read.reader is not None
    streams, odds = judge.learned.held_out, judge.learned.held_out_odds
    surprise = judge.learned.held_out_surprise
    assert surprise is not None
    # A window that turns surprises more than its member's windows before, and the reader is told so.
    assert np.nanmean(surprise[streams.near]) > np.nanmean(surprise[streams.quiet])
    inputs = np.stack([odds[judge.question], surprise], axis=2)
    chosen = (streams.near & (streams.severities == 1)[:, None]) | (streams.onsets < 0)[:, None]
    chosen &= ~np.isnan(inputs).any(axis=2)
    said = read.reader.odds(read.reader.texts(streams.items, chosen, inputs))
    changed = streams.near[chosen]
    assert said[changed].mean() > said[~changed].mean()
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.integers(ITEMS, size=40), 45 + rng.integers(ITEMS, size=20)])
    last = read.read(Histories.of_items([items.tolist()], at=[(DAY * np.arange(60)).tolist()]))
    assert isinstance(last, Read)
    found = read._read(last, 2.0, 2.0)
    offset, first, second = read.blended
    assert found != pytest.approx(offset + first * 2.0) or second == 0
    read.save(tmp_path / "kept")
    again = Judge.load(tmp_path / "kept", None)
    assert again.reader is None
    assert again.verdict(community, "m000").alarm == judge.verdict(community, "m000").alarm
    with pytest.raises(TooLittleDataError, match="train it again"):
        add_reader(again, community, window_reader(tmp_path / "tiny"), SHORT, OPTIONS)
    reader = Reader.load(tmp_path / "kept" / "reader", community, OPTIONS)
    text = reader.text(items[:40], items[40:], (9, 9))
    assert reader.odds([text]) == pytest.approx(read.reader.odds([text]), abs=1e-4)
