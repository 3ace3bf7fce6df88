"""The examples of social run, in small form, and say what they promise."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_newcomers_are_asked_and_understood(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "newcomers_zh.py"))["main"](events=8_000)
    told = capsys.readouterr().out
    asked = [line for line in told.splitlines() if line.startswith("你喜欢")]
    assert len(asked) == len({line.rsplit("？", 1)[0] for line in asked}) == 3
    assert "因为你喜欢" in told
    ratios = [float(ratio) for ratio in re.findall(r"\d\.\d\d", told.split("热门推荐的")[1].split("倍")[0])]
    assert len(ratios) == 6
    assert max(ratios[1:]) > 1.2 * ratios[0]
    assert re.search(r"推荐 m000003 结识 m\d{6}：.*都喜欢", told)


@pytest.mark.data
def test_friends_of_lastfm_have_reasons(public_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (public_data / "lastfm").is_dir():
        pytest.skip("PENCHANT_DATA has no lastfm")
    runpy.run_path(str(EXAMPLES / "friends_lastfm_en.py"))["main"](ranker=False)
    told = capsys.readouterr().out
    assert "expect a clear gain from ties" in told
    assert re.search(r"\d+: \w+ friends in common, both into \w+", told)
    assert "newcomer: goes by 3 ties" in told
    assert "of those you follow like it" in told
