"""Times in every usual spelling become the same moment; what is no time, or could be two, is not guessed at."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from penchant.data.mapping import ColumnSource
from penchant.data.times import FAR_FUTURE, TimeReader
from penchant.errors import ColumnError, ConfigError

MOMENT = datetime(2024, 1, 2, 15, 4, 5, tzinfo=UTC)
DAY = datetime(2024, 1, 2, tzinfo=UTC)


def times(values, dtype=None, zone="UTC", **source):
    reader = TimeReader("events.csv", "at", ColumnSource(column="when", **source), zone=zone)
    return reader(pl.Series("when", values, dtype=dtype)).to_list()


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-02 15:04:05", "2024-01-02T15:04:05", "2024-01-02T15:04:05Z", "2024-01-02T15:04:05.000Z",
        "2024-01-02T23:04:05+08:00", "2024-01-02 23:04:05 +0800", "2024-01-02T10:04:05-05", "2024-1-2 15:4:5",
        "2024/01/02 15:04:05", "2024/1/2 15:04:05", "2024年1月2日 15:04:05", "2024.01.02 15:04:05",
        "2024年01月02日 15时04分05秒",
        "20240102150405", "20240102T150405Z", "02.01.2024 15:04:05", "2 Jan 2024 15:04:05", "02-Jan-2024 15:04:05",
        "Tue, 02 Jan 2024 15:04:05 GMT", "Tue, 02 Jan 2024 23:04:05 +0800", "Jan 2nd, 2024 03:04:05 p.m.",
        "January 2, 2024 3:04:05 PM",
        "1704207845", "1704207845000", "1704207845000000", "1704207845000000000", "1704207845.0",
        " 2024-01-02 15:04:05 ",
    ],
)  # fmt: skip
def test_every_usual_spelling_is_the_same_moment(written):
    assert times([written]) == [MOMENT]


@pytest.mark.parametrize(
    "written", ["2024-01-02", "2024/1/2", "20240102", "2024年1月2日", "2 January 2024", "2.1.2024", "Jan 2, 2024"]
)
def test_a_date_is_its_first_moment(written):
    assert times([written]) == [DAY]


@pytest.mark.parametrize(
    "written",
    ["soon", "2024-02-30", "2024-13-01", "0000-00-00 00:00:00", "2024-01-02 25:00:00", "12345", "1e9x",
     "2024-01-02 15:04:05 CST", "2024", "99999999999999999999", "Jan 32, 2024"],
)  # fmt: skip
def test_what_is_no_time_is_null_and_spoils_no_other(written):
    assert times(["2024-01-02", written, None, "1704207845"]) == [DAY, None, None, MOMENT]


def test_fractions_of_seconds_are_kept_to_the_microsecond():
    expected = MOMENT.replace(microsecond=123456)
    assert times(["2024-01-02T15:04:05.123456Z", "1704207845123456789", "2024-01-02 15:04:05,123456"]) == [expected] * 3
    assert times([1704207845.5], pl.Float64) == [MOMENT.replace(microsecond=500_000)]


def test_slashes_are_settled_by_the_days_that_can_be_no_month():
    assert times(["01/02/2024 10:00", "13/02/2024"])[0] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert times(["01/02/2024 10:00", "02/13/2024"])[0] == datetime(2024, 1, 2, 10, tzinfo=UTC)
    # One wrong row is outvoted, and is no time then.
    assert times(["01/13/2024", "02/14/2024", "15/01/2024"])[2] is None


def test_what_the_first_rows_settle_holds_for_the_rest_of_the_file():
    reader = TimeReader("events.csv", "at", ColumnSource(column="when"), zone="UTC")
    reader(pl.Series(["31/12/2023"]))
    assert reader(pl.Series(["01/02/2024"])).to_list() == [datetime(2024, 2, 1, tzinfo=UTC)]


def test_slashes_that_can_be_read_in_two_ways_are_an_error_that_names_the_cure():
    with pytest.raises(ColumnError, match=r"'01/02/2024', can be read with the day or with the month first.*format = "):
        times(["01/02/2024", "03/04/2024"])
    assert times(["01/02/2024"], format="%d/%m/%Y") == [datetime(2024, 2, 1, tzinfo=UTC)]


def test_a_format_can_be_named_with_or_without_a_clock_or_zone():
    assert times(["02|01|24 15.04"], format="%d|%m|%y %H.%M") == [MOMENT.replace(second=0)]
    assert times(["20240102 23:04:05 +0800", "x"], format="%Y%m%d %H:%M:%S %z") == [MOMENT, None]
    assert times([20240102], pl.Int64, format="%Y%m%d") == [DAY]
    with pytest.raises(ConfigError, match="the format '%Q' of 'at' has no meaning"):
        times(["2024"], format="%Q")


@pytest.mark.parametrize(("unit", "number"), [("s", 5), ("ms", 5_000), ("us", 5_000_000), ("ns", 5_000_000_000)])
def test_a_unit_can_be_named_where_the_size_does_not_tell_it(unit, number):
    expected = [datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)]
    assert times([number], pl.Int64, unit=unit) == expected
    assert times([str(number)], unit=unit) == expected
    assert times([float(number)], unit=unit) == expected


def test_numbers_too_large_for_a_date_are_far_away_and_not_wrapped_around():
    reader = TimeReader("events.csv", "at", ColumnSource(column="when", unit="s"), zone="UTC")
    far = reader(pl.Series([1e300, float("inf"), 9e18, float("nan")])).dt.epoch("us").to_list()
    assert far == [FAR_FUTURE, FAR_FUTURE, FAR_FUTURE, None]


def test_times_without_a_zone_are_of_the_configured_one():
    assert times(["2024-01-02 23:04:05"], zone="Asia/Shanghai") == [MOMENT]
    assert times(["2024-01-02T15:04:05Z", "2024-01-02 23:04:05"], zone="Asia/Shanghai") == [MOMENT, MOMENT]
    assert times(["2024-01-02 16:04:05"], zone="Asia/Shanghai", time_zone="Europe/Paris") == [MOMENT.replace(minute=4)]


def test_of_a_repeated_hour_the_first_is_taken_and_a_skipped_one_is_no_time():
    assert times(["2024-10-27 01:30:00", "2024-03-31 01:30:00"], zone="Europe/London") == [
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC), None,
    ]  # fmt: skip


def test_typed_columns_are_taken_as_they_are():
    assert times([datetime(2024, 1, 2, 15, 4, 5)], pl.Datetime("ns")) == [MOMENT]
    assert times([MOMENT], pl.Datetime("ms", "Asia/Shanghai")) == [MOMENT]
    assert times([date(2024, 1, 2)]) == [DAY]
    assert times([20240102, 1704207845, 7], pl.Int64) == [DAY, MOMENT, None]
    assert times([None, None]) == [None, None]
