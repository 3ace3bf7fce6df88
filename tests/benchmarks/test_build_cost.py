import pytest

from penchant.benchmarks.build import run
from penchant.errors import ConfigError
from penchant.stages import STAGES


@pytest.mark.slow
def test_the_cost_of_every_step_is_measured() -> None:
    result = run("simulated:200", protocol="jsonl", seeds=[3])
    rows = {row["stage"]: row for row in result.tables["stages"]}
    assert list(rows) == ["read and check", "store", *(stage.name for stage in STAGES), "build in all"]
    for row in rows.values():
        assert row["seconds"] >= 0
        assert row["peak_rss_mb"] > 50
    stages = sum(rows[stage.name]["seconds"] for stage in STAGES)
    assert stages <= rows["build in all"]["seconds"] <= result.seconds
    assert (result.data, result.protocol, result.seeds) == ("simulated:200", "jsonl", [3])
    assert {row["table"]: row["rows"] for row in result.tables["rows"]}["events"] == 200


def test_an_unknown_form_of_files_is_refused() -> None:
    with pytest.raises(ConfigError, match="files cannot be written as 'xml'; the protocol is one of csv, jsonl"):
        run("simulated:200", protocol="xml")


def test_data_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="no data set is called 'nowhere'"):
        run("nowhere")
