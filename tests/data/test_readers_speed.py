"""A million events read and checked in ten seconds and a gigabyte and a half; and more than that in the same memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

MEASURE = """
import resource, sys
from penchant.evaluation.cost import peak_rss_mb
from penchant.data.readers import BatchReader, read_community
if sys.argv[2] == "whole":
    found = len(read_community(sys.argv[1]).community.events)
else:
    found = sum(len(batch.rows) for batch in BatchReader(sys.argv[1]) if batch.table == "events")
used = resource.getrusage(resource.RUSAGE_SELF)
print(found, used.ru_utime + used.ru_stime, peak_rss_mb())
"""


def write_events(folder: Path, count: int) -> None:
    """A shop's log: 50,000 members, 20,000 items, one event in five with a quoted text."""
    rng = np.random.default_rng(0)
    pl.DataFrame({"item_id": [f"item-{row}" for row in range(20_000)], "title": ["冰箱, 双门"] * 20_000}).write_csv(
        folder / "items.csv"
    )
    events = pl.DataFrame(
        {
            "member_id": pl.Series(rng.integers(50_000, size=count)),
            "item_id": pl.Series(rng.integers(20_000, size=count)),
            "kind": np.array(["view", "click", "buy", "rate", "review"])[rng.integers(5, size=count)],
            "at": pl.Series(np.sort(rng.integers(1_600_000_000, 1_760_000_000, size=count)) * 1_000_000).cast(
                pl.Datetime("us")
            ),
            "amount": rng.random(count).round(3),
        }
    )
    events.select(
        pl.format("member-{}", "member_id").alias("member_id"),
        pl.format("item-{}", "item_id").alias("item_id"),
        "kind",
        "at",
        "amount",
        pl.when(pl.col("kind") == "review").then(pl.lit('so "good", 很好')).alias("text"),
    ).write_csv(folder / "events.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")


def measured(folder: Path, how: str) -> tuple[int, float, float]:
    """Events found, seconds of computing on all cores together, and peak memory in MB, in a process of its own."""
    command = [sys.executable, "-c", MEASURE, str(folder), how]
    found, seconds, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(found), float(seconds), float(peak)


@pytest.mark.slow
def test_a_million_events_take_ten_seconds_and_little_memory(tmp_path):
    write_events(tmp_path, 1_000_000)
    found, seconds, peak = measured(tmp_path, "whole")
    assert found == 1_000_000
    # Seconds of computing, not of waiting: other work on the machine must not fail the test.
    assert seconds < 10
    assert peak < 1_500


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    for folder, count in ((small, 250_000), (large, 1_000_000)):
        folder.mkdir()
        write_events(folder, count)
    assert measured(large, "parts")[2] < 1.25 * measured(small, "parts")[2]
