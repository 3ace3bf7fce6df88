"""The example of drift runs, in small form, and says what it promises."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "drift_zh.py"


@pytest.mark.slow
def test_who_turned_to_camping_is_told_and_shown_tents(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE))["main"](members=36)
    told = capsys.readouterr().out
    assert "会员0：突变，始于 2026-02-20" in told or "会员0：渐变" in told
    assert "转向 露营" in told
    assert "应对：" in told
    assert told.splitlines()[-1].count("露营") >= 4
