"""What a block costs, also where blocks stand inside one another."""

import sys
import time

import pytest

from penchant.evaluation.cost import measured


def hold(megabytes):
    """Fill some memory and let it go."""
    filled = bytearray(b"1") * (megabytes * 1_000_000)
    return len(filled)


def test_seconds_are_those_of_the_block():
    with measured() as cost:
        time.sleep(0.05)
    assert 0.05 <= cost.seconds < 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux starts the count of peak memory anew")
def test_each_block_has_its_own_peak_and_the_outer_one_the_largest():
    with measured() as outer:
        with measured() as large:
            hold(300)
        with measured() as small:
            hold(10)
    assert large.peak_rss_mb - small.peak_rss_mb > 200
    assert outer.peak_rss_mb == large.peak_rss_mb


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux starts the count of peak memory anew")
def test_an_inner_block_does_not_make_the_outer_one_forget():
    with measured() as outer:
        hold(300)
        with measured() as inner:
            hold(10)
    assert outer.peak_rss_mb - inner.peak_rss_mb > 200


def test_a_block_that_fails_is_measured_too():
    with pytest.raises(ValueError, match="broken"), measured() as cost:  # noqa: PT012
        time.sleep(0.01)
        raise ValueError("broken")
    assert cost.seconds >= 0.01
    assert cost.peak_rss_mb > 1
