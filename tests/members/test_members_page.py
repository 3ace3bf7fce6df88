"""What docs/members.md says is so."""

import re
import tomllib
from pathlib import Path

import polars as pl
import pytest

from penchant.data.simulated import SimulatedConfig, simulate
from penchant.members.features import FEATURES, HOURS
from penchant.members.recipe import MembersConfig

PAGE = (Path(__file__).parents[2] / "docs" / "members.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_settings_are_settings_and_those_in_comments_as_well() -> None:
    for written in (block("toml"), block("toml").replace("\n# ", "\n")):
        MembersConfig.model_validate(tomllib.loads(written)["members"])


def test_every_feature_is_in_the_table() -> None:
    table = PAGE.partition("## Profiles")[2].partition("## Segments")[0]
    named = set(re.findall(r"`([a-z_0-9]+)`", "\n".join(line for line in table.splitlines() if line.startswith("| "))))
    assert named == set(FEATURES)
    assert HOURS[0] == "hour:00"


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    community = simulate(SimulatedConfig(events=4_000, members=40, language="en")).community
    folder = tmp_path / "shop"
    folder.mkdir()
    names = pl.DataFrame({"member_id": community.member_ids.ids})
    first = community.member_ids.id(0)
    community.items.select("item_id", "title").write_csv(folder / "items.csv")
    community.with_ids("events").select("member_id", "item_id", "kind", "at", "amount").filter(
        pl.col("item_id").is_not_null()
    ).write_csv(folder / "events.csv")
    names.write_csv(folder / "members.csv")
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python").replace('"m1"', repr(first)), "members.md", "exec"), {})
