"""Segments: planted groups are found, names last, members move, and too little is said so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.segments import NOBODY, Segments
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.data.vocabulary import Vocabulary
from penchant.errors import NotFittedError, UnknownIdError
from penchant.members.features import FEATURES, HOURS
from penchant.members.matching import matched
from penchant.members.profiles import Profiles
from penchant.members.profiling import profiles
from penchant.members.rfm import rfm
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.training.options import Options


@pytest.fixture(scope="module")
def planted() -> tuple[Profiles, np.ndarray]:
    """Profiles of a simulated community, and the segment of each member."""
    simulated = simulate(SimulatedConfig(events=60_000, members=300, seed=3, language="zh", drift_share=0))
    return profiles(simulated.community), simulated.answers.members["segment"].to_numpy()


def agreement(found: Segments, truth: np.ndarray) -> float:
    known = found.of_member != NOBODY
    return float(adjusted_rand_score(truth[known], found.of_member[known]))


def segments(made: Profiles, **fields: object) -> Segments:
    found = Segmenter(SegmentConfig.model_validate({"least": 4, **fields})).fit(made, Options(seed=1)).segments
    assert found is not None
    return found


def test_planted_segments_are_found_where_rfm_fails(planted: tuple[Profiles, np.ndarray]) -> None:
    made, truth = planted
    found = segments(made)
    cells = rfm(made)
    naive = KMeans(6, n_init=5, random_state=0).fit_predict(
        np.stack([cells.recency, cells.frequency, cells.money], axis=1)
    )
    assert agreement(found, truth) >= 0.85
    assert adjusted_rand_score(truth, naive) < 0.2
    assert len(found) == 6
    assert found.stability > 0.8


def test_hours_tastes_and_the_way_of_grouping_change_the_outcome(planted: tuple[Profiles, np.ndarray]) -> None:
    made, truth = planted
    whole = agreement(segments(made, count=6), truth)
    assert whole > agreement(segments(made, count=6, hours=0), truth) + 0.05
    assert whole > agreement(segments(made, count=6, tastes=0), truth) + 0.2
    assert agreement(segments(made, count=6, method="gmm"), truth) > 0.5
    assert len(segments(made, method="hdbscan", habits=0)) >= 1
    assert len(segments(made, count=3)) == 3


def test_names_say_what_a_segment_likes_in_both_languages(planted: tuple[Profiles, np.ndarray]) -> None:
    made, truth = planted
    found = segments(made)
    names = [one.name.en for one in found]
    assert len(set(names)) == len(names)
    baby = found[made.members[int(np.flatnonzero(truth == 0)[0])]]
    assert baby is not None
    assert "母婴" in baby.name.zh
    assert baby.tastes[0][0] == "母婴"
    assert baby.told.en.startswith("Likes 母婴")
    assert len(baby.typical) == 5
    assert sum(one.share for one in found) == pytest.approx(1)


def test_names_and_numbers_last_from_build_to_build_and_movers_are_told(
    planted: tuple[Profiles, np.ndarray],
) -> None:
    made, _ = planted
    first = segments(made)
    values = made.values.copy()
    moving = np.flatnonzero(first.of_member == first.segments[0].number)[:10]
    example = np.flatnonzero(first.of_member == first.segments[1].number)[0]
    values[moving] = values[example]
    later = Profiles(made.members, made.names, values, None, made.at)
    second = Segmenter(SegmentConfig(least=4)).fit(later, Options(seed=9), before=first).segments
    assert second is not None
    assert {one.number: one.name for one in second} == {one.number: one.name for one in first}
    moved = {(old, new): count for old, new, count in second.flows}
    assert moved[first.segments[0].number, first.segments[1].number] >= 10
    fresh = Segmenter(SegmentConfig(least=4)).fit(later, Options(seed=9)).segments
    assert fresh is not None
    assert fresh.flows == ()


def test_a_new_segment_takes_no_number_of_one_that_is_gone() -> None:
    ids = Vocabulary(pl.Series(["a", "b", "c"]), name="member")
    groups = np.array([0, 1, 1], dtype=np.int32)
    assert matched(groups, ids, None).tolist() == [0, 1]
    assert matched(groups, ids, None, first=5).tolist() == [5, 6]


def test_a_number_that_was_given_once_is_given_to_no_other_segment(planted: tuple[Profiles, np.ndarray]) -> None:
    ids = Vocabulary(pl.Series(["a", "b", "c"]), name="member")
    made, _ = planted
    four, few = SegmentConfig(least=4), SegmentConfig(fewest_members=10_000)
    first = Segmenter(four).fit(made, Options(seed=1)).segments
    assert first is not None
    assert first.next_number == max(one.number for one in first) + 1
    # A build with too few members has no segments, and the one after it only new ones.
    nothing = Segmenter(few).fit(made, Options(seed=1), before=first).segments
    assert nothing is not None
    assert (len(nothing), nothing.next_number) == (0, first.next_number)
    again = Segmenter(four).fit(made, Options(seed=1), before=nothing).segments
    assert again is not None
    assert {one.number for one in again} & {one.number for one in first} == set()
    # The last of them goes; what comes then is not called as it was.
    only = replace(again, member_ids=ids, of_member=np.full(3, NOBODY, dtype=np.int32), segments=again.segments[:1])
    assert matched(np.array([0, 1, 1], dtype=np.int32), ids, only).min() == again.next_number


def test_what_was_given_is_saved_and_an_earlier_release_is_read(
    planted: tuple[Profiles, np.ndarray], tmp_path: Path
) -> None:
    found = Segmenter(SegmentConfig(least=4)).fit(planted[0], Options(seed=1), first=7).segments
    assert found is not None
    replace(found, next_number=99).save(tmp_path / "new")
    assert Segments.load(tmp_path / "new").next_number == 99
    saved = load_artifact(tmp_path / "new", "segments")
    old = {name: value for name, value in saved.meta.items() if name != "following"}
    save_artifact(tmp_path / "old", "segments", arrays=dict(saved.arrays), meta=old)
    assert Segments.load(tmp_path / "old").next_number == found.next_number


def test_numbers_begin_where_they_are_told_to(planted: tuple[Profiles, np.ndarray]) -> None:
    found = Segmenter(SegmentConfig(least=4)).fit(planted[0], Options(seed=1), first=7).segments
    assert found is not None
    assert min(one.number for one in found) == 7


def test_a_newcomer_gets_a_segment_at_once(planted: tuple[Profiles, np.ndarray]) -> None:
    made, _ = planted
    segmenter = Segmenter(SegmentConfig(least=4)).fit(made, Options(seed=1))
    assert segmenter.segments is not None
    placed = segmenter.place(made)
    known = segmenter.segments.of_member != NOBODY
    assert np.array_equal(placed[known], segmenter.segments.of_member[known])
    empty = Profiles(("new",), made.names, np.full((1, len(made.names)), np.nan, np.float32), None, None)
    assert segmenter.place(empty).tolist() == [NOBODY]


def test_it_comes_back_as_it_was(planted: tuple[Profiles, np.ndarray], tmp_path: Path) -> None:
    made, _ = planted
    segmenter = Segmenter(SegmentConfig(least=4)).fit(made, Options(seed=1))
    segmenter.save(tmp_path)
    again = Segmenter.load(tmp_path)
    assert np.array_equal(again.place(made), segmenter.place(made))
    assert again.segments is not None
    assert segmenter.segments is not None
    assert again.segments.segments == segmenter.segments.segments


def test_too_few_members_and_members_all_alike_are_said_so() -> None:
    names = (*FEATURES, *HOURS)
    few = Profiles(("a", "b"), names, np.ones((2, len(names)), np.float32), None, None)
    found = Segmenter().fit(few).segments
    assert found is not None
    assert found.reason is not None
    assert "0 members have 3 events" in found.reason.en
    assert len(found) == 0
    same = Profiles(tuple(map(str, range(50))), names, np.full((50, len(names)), 5, np.float32), None, None)
    alike = Segmenter().fit(same).segments
    assert alike is not None
    assert alike.reason is not None
    assert "alike" in alike.reason.en
    with pytest.raises(NotFittedError):
        Segmenter().fit(same).place(same)


def test_unknown_members_and_settings_without_meaning_are_refused(planted: tuple[Profiles, np.ndarray]) -> None:
    with pytest.raises(UnknownIdError):
        segments(planted[0])["nobody"]
    with pytest.raises(ValidationError, match="no range"):
        SegmentConfig(least=9, most=3)
    with pytest.raises(ValidationError, match="weigh nothing"):
        SegmentConfig(tastes=0, texts=0, habits=0, hours=0)


def test_a_language_model_names_new_segments_and_words_stand_in(planted: tuple[Profiles, np.ndarray]) -> None:
    from penchant.interests.namers import Answer
    from penchant.interests.naming import Group
    from penchant.segment_names import naming, segment_namer

    class Numbering:
        """Calls groups by number; knows no Chinese name of the first segment, and chatters about the second."""

        name = "numbering"

        def __init__(self) -> None:
            self.groups: list[Group] = []

        def names(self, groups: Sequence[Group]) -> list[Answer]:
            self.groups += groups
            said = [f"{'群' if group.language == 'zh' else 'Group'} {turn // 2}" for turn, group in enumerate(groups)]
            said[1], said[2] = "", "Well,\nlet me think"
            return [Answer(text) for text in said]

    made, _ = planted
    model, config = Numbering(), SegmentConfig(least=4, count=5)
    plain = Segmenter(config).fit(made, Options(seed=1)).segments
    named = Segmenter(config).fit(made, Options(seed=1), namer=naming(model)).segments
    assert plain is not None
    assert named is not None
    assert [one.name for one in named][:2] == [one.name for one in plain][:2]
    assert [tuple(one.name) for one in named][2:] == [(f"Group {turn}", f"群 {turn}") for turn in (2, 3, 4)]
    assert plain.segments[0].tastes[0][0] in model.groups[0].words
    assert not any(member in text for group in model.groups for text in group.texts for member in made.members)
    model.groups.clear()
    again = Segmenter(config).fit(made, Options(seed=1), before=named, namer=naming(model)).segments
    assert again is not None
    assert {tuple(one.name) for one in again} == {tuple(one.name) for one in named}
    assert not model.groups, "a segment that has a name is not asked about"
    assert segment_namer("words") is None
