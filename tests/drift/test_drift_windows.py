"""Windows hold every event once, in order, however they are cut."""

import numpy as np
import pytest
from pydantic import ValidationError

from penchant.data.interactions import DAY, Histories
from penchant.drift.windows import NOTHING, WindowConfig, WindowStream, cut_windows

SEEN = Histories.of_items(
    [list(range(7)), [], list(range(100, 125))],
    at=[[0, 60, 120, 9_000, 9_060, 9_120, 9_180], [], (np.arange(25) * DAY * 3).tolist()],
)


def test_windows_by_count_are_full_and_in_order():
    cut = cut_windows(SEEN, WindowConfig(events=3))
    assert np.diff(cut.offsets).tolist() == [2, 0, 8]
    assert cut.items[cut.starts[1] : cut.ends[1]].tolist() == [3, 4, 5]
    assert cut.owners.tolist() == [0, 0] + [2] * 8


def test_overlapping_windows_move_on_by_so_many_events():
    cut = cut_windows(SEEN, WindowConfig(events=4, overlap=1))
    assert [cut.items[start] for start in cut.starts[:4]] == [0, 1, 2, 3]
    with pytest.raises(ValidationError, match="leave some out"):
        WindowConfig(events=3, overlap=4)


def test_windows_by_calendar_skip_days_without_events():
    cut = cut_windows(SEEN, WindowConfig(by="calendar", days=7))
    assert cut.sizes[0] == 7
    assert cut.sizes[cut.owners == 2].sum() == 25
    assert (np.diff(cut.opened[cut.owners == 2]) > 0).all()


def test_sessions_and_gaps_are_kept():
    cut = cut_windows(SEEN, WindowConfig(events=3, session_gap=1.0))
    assert cut.sessions[:2].tolist() == [1, 1]
    assert cut.gaps[:2].tolist() == [0.0, 9_000 - 120]
    assert cut_windows(SEEN, WindowConfig(events=4, session_gap=1.0)).sessions[0] == 2


def test_events_that_say_nothing_good_are_in_no_window():
    hidden = Histories(SEEN.offsets, SEEN.items, SEEN.at, np.where(SEEN.items == 3, -1, 1).astype(np.float32))
    cut = cut_windows(hidden, WindowConfig(events=3))
    assert 3 not in cut.items


def test_blocks_judge_each_window_once_and_show_what_went_before():
    cut = cut_windows(SEEN, WindowConfig(events=2))
    judged = []
    for block in cut.blocks(5, 2, 2, streams=2):
        judged += block.windows[block.fresh].tolist()
        for piece in range(len(block.owners)):
            real = block.windows[piece][block.windows[piece] != NOTHING]
            assert (np.diff(real) == 1).all()
            late = block.fresh[piece] & (block.windows[piece] > cut.offsets[block.owners[piece]] + 1)
            assert (np.flatnonzero(late) >= 2).all()
    assert sorted(judged) == list(range(len(cut)))


def test_a_fuller_window_than_fits_is_thinned_evenly():
    cut = cut_windows(Histories.of_items([list(range(10))]), WindowConfig(by="calendar"))
    (block,) = cut.blocks(3, 1, 4)
    assert block.items[0, 0].tolist() == [0, 2, 5, 7]


def test_a_stream_gives_the_same_windows_as_the_whole_and_notices_a_clock_that_goes_back():
    stream = WindowStream(WindowConfig(events=4, overlap=2))
    for item in range(11):
        stream.add(item, float(item))
    cut = cut_windows(Histories.of_items([list(range(11))]), WindowConfig(events=4, overlap=2))
    whole = [cut.items[start:end].tolist() for start, end in zip(cut.starts, cut.ends, strict=True)]
    assert stream.windows == whole
    assert stream.backwards == 0
    stream.add(1, 5.0)
    assert stream.backwards == 1
