"""The drift benchmark on a small community of known tastes: our judge wins, dummies do not, and all keys are there."""

import sys
from pathlib import Path

import pytest

from penchant.benchmarks import drift as bench
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.data.folder import write_folder
from penchant.drift.baselines import STATISTICS
from penchant.drift.detectors import DETECTORS
from penchant.errors import ConfigError

sys.path.append(str(Path(__file__).parent.parent / "drift"))

from planted_tastes import tastes


@pytest.mark.slow
def test_the_judge_stands_beside_every_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LEARNED_FROM", 400)
    write_folder(tastes(members=60, events=105), tmp_path / "tastes")
    result = bench.run(str(tmp_path / "tastes"), protocol="natural", seeds=(0,))
    assert (result.name, result.data, result.protocol) == ("drift", "tastes", "natural")
    assert set(result.metrics) >= {*bench.KEYS, "f1_gain", "cross_generator_loss", "window_number_gain"}
    assert set(STATISTICS) <= set(result.baselines)
    assert sum("over" in name for name in result.baselines) == len(DETECTORS)
    assert result.metrics["auc@1.0"].mean > 0.9
    assert result.metrics["f1"].mean > result.baselines["alarm always"]["f1"].mean
    assert result.metrics["f1"].mean > result.baselines["alarm never"]["f1"].mean == 0
    assert result.baselines["alarm always"]["blip_alarms"].mean == 1
    assert 0 < result.baselines[WITHOUT_LANGUAGE_MODEL]["auc"].mean <= 1
    assert result.differences["alarm never"]["f1"].value == pytest.approx(result.metrics["f1"].mean)
    assert result.tables["across generators"][0]["learned on members, categories asked"] > 0.6


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(ConfigError, match="clean, natural"):
        bench.run("nothing", protocol="dirty")
