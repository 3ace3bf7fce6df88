"""Planted streams are what they say they are, and their metrics tell an oracle from a dummy."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_tastes import ITEMS, KINDS, tastes

from penchant.data.interactions import Histories, histories
from penchant.drift.injection import InjectionConfig, Streams, inject, parts
from penchant.drift.metrics import benchmark_detector, dummies, judge_detector, threshold_of
from penchant.errors import InputError, TooLittleDataError

SHAPE = {"window": 10, "length": 6}


@pytest.fixture(scope="module")
def seen() -> Histories:
    return histories(tastes(members=40, noise=0.0))


def planted(seen: Histories, **changes) -> Streams:
    return inject(seen, np.arange(len(seen)), InjectionConfig(**{**SHAPE, **changes}), seed=3)


def test_each_member_gives_all_kinds_and_nobody_is_in_two_parts(seen):
    three = parts(np.arange(40), seed=0)
    assert [len(part) for part in three] == [20, 6, 14]
    assert len(np.unique(np.concatenate(three))) == 40
    streams = planted(seen)
    assert streams.kinds[:7].tolist() == list(InjectionConfig().kinds)
    assert len(streams) == 7 * 40


def test_a_natural_untouched_stream_is_the_members_own_events_and_a_clean_one_their_permutation(seen):
    natural, clean = planted(seen, track="natural"), planted(seen)
    own = seen.items[seen.offsets[0] : seen.offsets[1]]
    first = natural.items[0].ravel()
    assert any((own[start : start + 60] == first).all() for start in range(len(own) - 59))
    assert not any((own[start : start + 60] == clean.items[0].ravel()).all() for start in range(len(own) - 59))
    assert (np.diff(clean.at.reshape(len(clean), -1), axis=1) >= 0).all()


def test_as_much_is_planted_as_the_severity_says_from_the_onset_on(seen):
    streams = planted(seen, severities=(0.6,))
    share = streams.foreign.sum(axis=2)
    number = np.arange(streams.length)
    abrupt = streams.kinds == "abrupt"
    assert (share[abrupt] == np.where(number >= streams.onsets[abrupt][:, None], 6, 0)).all()
    gradual = streams.kinds == "gradual"
    assert (share[gradual][np.arange(gradual.sum()), streams.onsets[gradual]] == 3).all()
    blip = streams.kinds == "blip"
    assert (share[blip] == np.where(number == streams.blips[blip][:, None], 6, 0)).all()
    assert set(np.unique(streams.onsets[abrupt])) == set(InjectionConfig(**SHAPE).onsets)
    assert (streams.onsets[~abrupt & ~gradual] == -1).all()


def test_what_is_planted_stands_side_by_side_where_asked(seen):
    def runs(together: bool) -> float:
        foreign = planted(seen, severities=(0.5,), together=together).foreign
        windows = foreign[foreign.any(axis=2)].astype(int)
        return float((np.diff(windows, prepend=0) == 1).sum(axis=1).mean())

    assert runs(together=True) == 1.0
    assert runs(together=False) > 1.5


def test_what_is_planted_is_anothers(seen):
    streams = planted(seen, severities=(1.0,))
    kind = streams.items // ITEMS
    hosts = streams.members % len(KINDS)
    own = ~streams.foreign
    assert (kind[own] == np.broadcast_to(hosts[:, None, None], kind.shape)[own]).all()
    foreign = [np.unique(kind[row][streams.foreign[row]]) for row in np.flatnonzero(streams.kinds == "abrupt")]
    assert all(len(kinds) == 1 for kinds in foreign)


def test_where_nobody_repeats_an_item_no_stream_does():
    rng = np.random.default_rng(0)
    once = Histories.of_items([rng.permutation(400)[:120].tolist() for _ in range(12)])
    streams = inject(once, np.arange(12), InjectionConfig(**SHAPE), seed=0)
    assert all(len(np.unique(stream)) == stream.size for stream in streams.items)


def test_spliced_categories_are_ones_the_host_hardly_knows(seen):
    topics = sp.csr_matrix(np.repeat(np.eye(len(KINDS), dtype=np.float32), ITEMS, axis=0))
    config = InjectionConfig(**SHAPE, splice="category", severities=(1.0,))
    streams = inject(seen, np.arange(40), config, seed=0, item_topics=topics)
    kind = streams.items // ITEMS
    assert (kind != (streams.members % len(KINDS))[:, None, None])[streams.foreign].all()
    with pytest.raises(InputError, match="item_topics"):
        inject(seen, np.arange(40), config)


def test_short_histories_are_refused_with_what_was_wanted(seen):
    with pytest.raises(TooLittleDataError, match="200 events"):
        planted(seen, length=20)


def test_an_oracle_is_told_from_dummies(seen):
    streams, other = planted(seen), inject(seen, np.arange(40), InjectionConfig(**SHAPE), seed=9)

    def oracle(asked: Streams) -> np.ndarray:
        return asked.near + 0.0

    found = benchmark_detector(oracle, other, streams).metrics
    assert found["auc"] == found["auc@1.0"] == found["f1"] == 1.0
    assert found["delay"] == 0.0
    assert found["blip_alarms"] == 0.0
    always, never, chance = dummies(streams).values()
    assert always["blip_alarms"] == 1.0
    assert always["f1"] < 0.5
    assert never["f1"] == 0.0
    assert abs(chance["auc"] - 0.5) < 0.1
    assert abs(chance["false_alarms"] - 0.02) < 0.015
    assert found.get("false_alarms_a_month", 0.0) == 0.0 < always["false_alarms_a_month"]


def test_the_threshold_keeps_the_rate_on_quiet_windows(seen):
    streams = planted(seen)
    scores = np.random.default_rng(1).normal(size=streams.quiet.shape)
    scores[:, 0] = np.nan
    threshold = threshold_of(scores, streams, 0.1)
    assert judge_detector(scores, streams, threshold).metrics["false_alarms"] <= 0.1
    with pytest.raises(InputError, match="one for each"):
        judge_detector(scores[:, 1:], streams, threshold)
