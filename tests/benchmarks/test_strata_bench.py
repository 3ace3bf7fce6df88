"""The protocol of planted tiers: an oracle passes, raw shares fail, and the figures follow the rules."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from penchant.benchmarks import interests, strata
from penchant.benchmarks.result import BenchResult
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.errors import ConfigError
from penchant.interests.strata import StrataConfig

EVENTS = 80_000


@pytest.fixture(scope="module", autouse=True)
def one_moment() -> Iterator[None]:
    """Each moment costs two seconds; one is enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strata, "MOMENTS", (0.65,))
        yield


@pytest.fixture(scope="module")
def result() -> BenchResult:
    return interests.run(f"simulated:{EVENTS}", protocol="planted", seeds=[1])


def test_planted_tiers_are_told_by_the_rules_and_by_the_oracle_but_not_by_raw_shares(result: BenchResult) -> None:
    assert result.metrics["core_recall"].mean >= 0.95
    assert result.metrics["false_emerging"].mean <= 0.05
    oracle, naive = result.baselines["oracle"], result.baselines["naive"]
    assert oracle["core_recall"].mean == oracle["emerging_recall"].mean == oracle["fading_recall"].mean == 1
    assert oracle["false_emerging"].mean == oracle["false_fading"].mean == 0
    assert naive["core_recall"].mean < 0.95
    assert naive["false_emerging"].mean > result.metrics["false_emerging"].mean + 0.1


def test_members_are_counted_in_one_band_of_evidence_each(result: BenchResult) -> None:
    rows = result.tables["by evidence"]
    assert [row["looks from"] for row in rows] == list(strata.BANDS)
    assert rows[0].get("core_recall cases", 0) < rows[-1]["core_recall cases"]
    assert rows[-1]["core_recall"] >= result.metrics["core_recall"].mean - 0.01


def test_a_rule_that_asks_too_much_shows_in_the_figures(result: BenchResult) -> None:
    strict = strata.planted(f"simulated:{EVENTS}", seeds=[1], config=StrataConfig(least_evidence=60.0, core_share=0.35))
    assert strict.metrics["core_recall"].mean < result.metrics["core_recall"].mean - 0.2


def test_what_should_be_told_begins_days_after_a_change_and_ends_when_it_is_no_news() -> None:
    answers = simulate(SimulatedConfig(events=2_000, members=300, seed=3)).answers
    rules = StrataConfig()
    first = strata._Truth(answers, answers.config.start, rules)
    assert not first.rose.any()
    assert not first.fell.any()
    assert (first.core.any(axis=1) <= first.steady).all()
    moment = answers.config.start + timedelta(days=answers.config.days * 0.65)
    truth = strata._Truth(answers, moment, rules)
    changed = truth.rose.any(axis=1)
    assert changed.any()
    people = answers.members.filter(changed)
    assert set(people["drift"]) <= {"abrupt", "gradual"}
    days = [(moment - onset).total_seconds() / 86_400 for onset in people["drift_at"]]
    assert min(days) >= 30
    assert max(days) <= 90


def test_a_folder_with_its_answers_is_judged_like_the_bazaar_it_holds(result: BenchResult, tmp_path: Path) -> None:
    made = simulate(SimulatedConfig(events=EVENTS, members=EVENTS // strata.EVENTS_PER_MEMBER, seed=1))
    made.write(tmp_path / "bazaar")
    from_folder = strata.planted(str(tmp_path / "bazaar"))
    assert from_folder.seeds == [0]
    assert from_folder.metrics == result.metrics


def test_data_without_planted_answers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no planted answers"):
        strata.planted(str(tmp_path))
    with pytest.raises(ConfigError, match="names no number of events"):
        strata.planted("simulated:many")
