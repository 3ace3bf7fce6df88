"""The judge finds a planted change of taste, says since when and from what to what, and is silent where it must be."""

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import numpy as np
import pytest
from planted_tastes import ITEMS, KINDS, START, tastes

from penchant.data.community import Community
from penchant.data.drift import Change
from penchant.data.interactions import DAY, Histories, histories
from penchant.drift.boosting import TreesConfig
from penchant.drift.calibration import Calibration, QuietScores
from penchant.drift.doubts import DoubtConfig
from penchant.drift.injection import InjectionConfig, inject
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import HELD, NEAR, LearnConfig
from penchant.drift.metrics import judge_detector, threshold_of
from penchant.drift.recipe import fitting_config, train
from penchant.drift.views import ItemViews
from penchant.drift.windows import WindowConfig
from penchant.errors import ArtifactError, TooLittleDataError
from penchant.training.options import Options

TREES = TreesConfig(trees=60)
LEARN = LearnConfig(
    streams=InjectionConfig(track="natural", window=10, length=6, draws=2),
    event_trees=TREES,
    window_trees=TREES,
    surprise=None,
)
OPTIONS = Options(threads=1, progress=False)


@pytest.fixture(scope="module")
def community() -> Community:
    return tastes()


@pytest.fixture(scope="module")
def judge(community) -> Judge:
    return train(community, JudgeConfig(learn=LEARN), OPTIONS)


def history(kinds: list[int], *, seed: int = 1, step: float = DAY, start: float | None = None) -> Histories:
    """One event of each kind in turn, a day apart."""
    rng = np.random.default_rng(seed)
    items = [kind * ITEMS + int(rng.integers(ITEMS)) for kind in kinds]
    begin = START.timestamp() if start is None else start
    return Histories.of_items([items], at=[(begin + step * np.arange(len(items))).tolist()])


def test_a_change_is_found_with_its_time_and_what_it_is(judge, community):
    found = judge.verdict_of(community, "new", history([0] * 40 + [3] * 20))
    assert found.alarm
    assert found.change in (Change.ABRUPT, Change.GRADUAL)
    assert found.probability > 0.8
    assert found.began == START + timedelta(days=40)
    assert (found.before[0], found.after[0]) == ("锅具", "茶具")
    assert "from 锅具 to 茶具" in found.told()
    assert "转向 茶具" in found.told("zh")
    assert all(evidence.title.startswith("茶壶") for evidence in found.evidence)
    assert sum(evidence.share for evidence in found.evidence) <= 1 + 1e-6


def test_no_change_is_found_where_there_is_none(judge, community):
    found = judge.verdict_of(community, "same", history([2] * 60))
    assert found.change == Change.NONE
    assert not found.alarm
    assert found.p_value > 0.05
    assert found.told().startswith("no change: still Books")


def test_a_blip_that_has_passed_raises_no_alarm(judge, community):
    found = judge.verdict_of(community, "gift", history([0] * 40 + [4] * 10 + [0] * 10))
    assert not found.alarm
    assert found.change == Change.BLIP
    assert "Garden for a while" in found.told()


def test_a_return_to_last_years_pattern_is_seasonal(judge, community):
    # Tents in summer, pots else; the pace is a week, so that a year lies between the two summers.
    kinds = [1] * 20 + [0] * 36 + [1] * 20
    found = judge.verdict_of(community, "camper", history(kinds, step=6.5 * DAY))
    assert found.alarm
    assert found.change == Change.SEASONAL
    never_before = judge.verdict_of(community, "camper", history([2] * 20 + kinds[20:], step=6.5 * DAY))
    assert never_before.change in (Change.ABRUPT, Change.GRADUAL)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (history([0, 3]), "2 events make 0 windows"),
        (history([0] * 25), "25 events make 2 windows"),
        (history([0] * 40 + [3] * 20, step=0.0), "one instant"),
        (history([0] * 50_000, step=1.0), "more than a person"),
        (
            Histories.of_items(
                [[0] * 40 + [50] * 20], at=[[*range(0, 4000, 100), *range(300 * 10**6, 300 * 10**6 + 20)]]
            ),
            "silence",
        ),
        (Histories.of_items([[0] * 40 + [50] * 20], at=[[*range(30), 7, *range(31, 60)]]), "time before"),
    ],
)
def test_bad_input_gets_too_little_to_tell_and_the_reason(judge, community, seen, reason):
    found = judge.verdict_of(community, "odd", seen)
    assert found.change is None
    assert found.probability is None
    assert not found.alarm
    assert reason in found.told()
    assert "判断" in found.told("zh")


def test_windows_of_items_of_which_nothing_is_known_get_no_verdict(judge, community):
    views = judge.learned.views
    told = np.arange(90)[:, None] < 75
    blank = ItemViews(
        {name: part * told for name, part in views.vectors.items()},
        views.topics * told,
        views.topic_names,
        views.numbers,
    )
    blind = Judge(replace(judge.learned, views=blank), judge.config)
    assert "nothing is known" in blind.verdict_of(community, "strange", history([0] * 40 + [5] * 20)).told()


def test_the_judge_beats_every_window_alike_and_confirmation_spares_blips(judge, community):
    other = histories(tastes(members=30, seed=8))
    streams = inject(other, np.arange(30), LEARN.streams, seed=5)
    waiting, near = judge.odds(streams.items)
    found = judge_detector(near, streams, threshold_of(waiting, streams), alarm_scores=waiting).metrics
    hasty = judge_detector(near, streams, threshold_of(near, streams)).metrics
    assert found["auc@1.0"] > 0.95
    assert found["blip_alarms"] < hasty["blip_alarms"]
    assert found["delay"] > hasty["delay"]


def test_a_scan_says_what_each_verdict_says_within_a_budget(judge, community):
    scan = judge.scan(community)
    for row in (0, 7, 31):
        verdict = judge.verdict(community, community.member_ids.id(row))
        assert scan.probabilities[row] == pytest.approx(verdict.probability, abs=1e-5)
        assert scan.p_values[row] == pytest.approx(verdict.p_value, abs=1e-5)
    beside = judge.scan(community, at_once=7, threads=2)
    assert np.array_equal(beside.scores, scan.scores)
    assert np.array_equal(beside.alarms, scan.alarms)
    assert scan.alarms.sum() <= 3
    lenient = judge.with_config(false_discoveries=0.9).scan(community)
    assert lenient.alarms.sum() >= scan.alarms.sum()
    assert np.isnan(judge.with_config(doubts=DoubtConfig(windows=40)).scan(community).scores).all()


def test_what_a_scan_asks_of_last_windows_is_what_whole_streams_are_told(judge, community):
    streams = inject(histories(tastes(members=30, seed=9)), np.arange(30), LEARN.streams, seed=5)
    for last, whole in zip(
        judge.learned.last_odds(streams.items, (HELD, NEAR)), judge.odds(streams.items), strict=True
    ):
        assert np.array_equal(last, whole[:, -1])


def test_what_reads_all_items_is_made_once_and_not_for_every_member(judge, community):
    views = judge.learned.views
    judge.verdict(community, community.member_ids.id(0))
    made = views.known, views.usual, views.topic_shares
    judge.verdict(community, community.member_ids.id(1))
    assert all(one is other for one, other in zip(made, (views.known, views.usual, views.topic_shares), strict=True))
    assert views.topic_shares.sum() == pytest.approx(1, abs=1e-5)


def test_a_timeline_has_a_score_for_every_window_but_the_first(judge):
    seen = history([0] * 85 + [3] * 40)
    line = judge.timeline(seen.items, seen.at)
    assert line.items.shape == (12, 10)
    assert np.isfinite(line.scores[2:]).all()
    # 125 events make twelve windows, the last ending with the last event: kind 3 begins in the ninth.
    assert line.alarms[8:10].any()
    assert line.topics.sum(axis=1) == pytest.approx(np.ones(12))


def test_settings_change_what_is_said(judge, community):
    strict = judge.with_config(rate=0.001)
    assert strict.threshold > judge.threshold
    hasty = judge.with_config(confirmation=False)
    assert hasty.question == NEAR != judge.question
    one = history([0] * 40 + [3] * 20)
    assert len(judge.with_config(evidence=2).verdict_of(community, "m", one).evidence) == 2
    lax = judge.with_config(season=1.9).verdict_of(
        community, "m", history([1] * 20 + [0] * 36 + [1] * 20, step=6.5 * DAY)
    )
    assert lax.change != Change.SEASONAL


def test_windows_by_calendar_find_the_change_too(judge, community):
    by_week = judge.with_config(windows=WindowConfig(by="calendar", days=10.0))
    found = by_week.verdict_of(community, "m", history([0] * 80 + [3] * 40, step=DAY / 2))
    assert found.alarm
    assert found.after[0] == "茶具"
    sparse = by_week.verdict_of(community, "m", history([0] * 30 + [3] * 10, step=DAY / 2))
    assert "40 events make 2 windows" in sparse.told()


def test_feedback_recalibrates(judge, community):
    one = history([0] * 40 + [3] * 20)
    before = judge.verdict_of(community, "m", one).probability
    doubted = judge.after_feedback([3.0] * 20, [False] * 20).verdict_of(community, "m", one)
    assert doubted.probability < before
    upheld = judge.after_feedback([-3.0] * 20, [True] * 20)
    assert upheld.calibration.probability(np.array([-3.0])) > judge.calibration.probability(np.array([-3.0]))


def test_a_saved_judge_says_the_same(judge, community, tmp_path):
    judge.save(tmp_path / "judge")
    again = Judge.load(tmp_path / "judge")
    one = history([0] * 40 + [3] * 20)
    assert again.verdict_of(community, "m", one) == judge.verdict_of(community, "m", one)
    assert again.with_config(confirmation=False).threshold == judge.with_config(confirmation=False).threshold
    (tmp_path / "judge" / "arrays.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError):
        Judge.load(tmp_path / "judge")


def test_one_member_is_judged_in_thirty_milliseconds(judge, community):
    judge.verdict(community, "m000")
    started = perf_counter()
    for row in range(10):
        judge.verdict(community, f"m{row:03}")
    assert (perf_counter() - started) / 10 < 0.03


def test_windows_fit_what_members_have():
    assert fitting_config(np.full(50, 300)).windows == WindowConfig(events=10)
    assert fitting_config(np.full(50, 30)).windows.events == 5
    with pytest.raises(TooLittleDataError, match="12 are wanted"):
        train(tastes(members=6, events=20), options=OPTIONS)


def test_chance_levels_are_those_of_the_quiet_scores():
    scores = np.random.default_rng(0).exponential(size=20_000)
    quiet = QuietScores.of(scores)
    asked = np.array([0.5, 2.0, 6.0])
    np.testing.assert_allclose(quiet.p_values(asked), np.exp(-asked), rtol=0.15)
    assert (scores > quiet.threshold(0.02)).mean() == pytest.approx(0.02, abs=0.003)
    with pytest.raises(TooLittleDataError, match="too few"):
        QuietScores.of([1.0] * 5)
    assert Calibration(1.0, 2.0).odds(np.array([1.0])).tolist() == [3.0]
    assert KINDS[0] == "锅具 > 铸铁"
