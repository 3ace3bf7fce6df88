"""Later ratings, hides, returns and purchases say whether a verdict was right, and the next judge has learned of it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_tastes import ITEMS, START, tastes
from test_drift_acting import CONFIG, OPTIONS

from penchant.cli.app import main
from penchant.data.community import Community
from penchant.drift.outcomes import FEWEST, outcomes
from penchant.drift.whole import Drift, DriftConfig, learn
from penchant.pipeline import Context, Stage, build
from penchant.stages import STAGES, drift_outcomes
from penchant.workspace import Workspace

TURNED = "turned"
QUIET = CONFIG.model_copy(update={"act": "never"})


def with_later(kind: str, of: list[int], *, amounts: list[float] | None = None) -> Community:
    """The members with their tastes, one who has turned from pots to teapots, and what that one did afterwards."""
    plain = tastes()
    told = plain.events.select(
        pl.Series("member_id", [plain.member_ids.id(row) for row in plain.events["member"]]),
        pl.Series("item_id", [plain.item_ids.id(row) for row in plain.events["item"]]),
        pl.col("kind").cast(pl.String),
        "at",
        pl.col("amount").cast(pl.Float64),
    )
    rng = np.random.default_rng(4)
    before = [0] * 50 + [3] * 10
    own = pl.DataFrame(
        {
            "member_id": TURNED,
            "item_id": [f"p{each * ITEMS + int(rng.integers(8))}" for each in [*before, *of]],
            "kind": ["buy"] * len(before) + [kind] * len(of),
            "at": [START + timedelta(days=day) for day in range(len(before) + len(of))],
            "amount": [None] * len(before) + (amounts or [None] * len(of)),
        },
        schema_overrides={"amount": pl.Float64},
    )
    return Community.from_tables(plain.items, pl.concat([told, own.cast(told.schema)]))


@pytest.fixture(scope="module")
def held() -> Drift:
    found = learn(with_later("buy", []), QUIET, OPTIONS)
    assert found.alarms[0] == TURNED
    return found


@pytest.mark.parametrize(
    ("kind", "of", "right"),
    [
        ("buy", [3] * 6, True),
        ("like", [3, 3, 3, 0, 3, 3], True),
        ("buy", [0] * 6, False),
        ("hide", [3] * 6, False),
        ("return", [3] * 6, False),
    ],
)
def test_who_goes_on_confirms_and_who_goes_back_or_hides_contradicts(
    held: Drift, kind: str, of: list[int], right: bool
) -> None:
    ((odds, answer),) = outcomes(held, with_later(kind, of))
    assert answer is right
    assert odds > 0, "it was told as likely"


def test_ratings_count_by_how_high_they_are(held: Drift) -> None:
    scale = [1.0, 5.0]
    for amount, right in ((5.0, True), (1.0, False)):
        of = [3] * 6 + [1, 1]
        ((_, answer),) = outcomes(held, with_later("rate", of, amounts=[amount] * 6 + scale))
        assert answer is right


def test_views_and_little_say_nothing(held: Drift) -> None:
    assert outcomes(held, with_later("view", [3] * 20)) == ()
    assert outcomes(held, with_later("buy", [3] * (FEWEST - 1))) == ()
    assert outcomes(held, with_later("hide", [0] * 6)) == (), "hiding what is old contradicts nothing"
    assert outcomes(held, held.community) == ()
    assert outcomes(replace(held, judge=None), with_later("buy", [3] * 6)) == ()


def test_a_judge_of_whose_alarms_many_proved_wrong_is_less_sure(held: Drift, tmp_path: Path) -> None:
    wrong = learn(held.community, QUIET, OPTIONS, outcomes=[(2.0, False)] * 30)
    assert wrong.verdict(TURNED).probability < held.verdict(TURNED).probability
    wrong.save(tmp_path)
    assert Drift.load(tmp_path, held.community).outcomes == ((2.0, False),) * 30
    unjudged = learn(held.community, DriftConfig(judge="never"), OPTIONS, outcomes=[(2.0, False)])
    assert unjudged.outcomes == ((2.0, False),), "what is known is kept for a judge to come"


def test_builds_remember_how_alarms_came_out_and_are_not_made_again_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Workspace.create(tmp_path / "tastes.ws")
    plain = {stage.name: stage for stage in STAGES}

    def run(context: Context, folder: Path) -> None:
        learn(context.community, QUIET, OPTIONS, outcomes=drift_outcomes(context)).save(folder)

    drift = Stage("drift", plain["drift"].title, plain["drift"].inputs, run)
    kept = []
    for later in ([], [0] * 6, [0] * 6):
        with made.store() as store:
            store.write(with_later("buy", later))
        found = build(made, options=OPTIONS, stages=[plain["community"], drift])
        kept.append((found.stages["drift"], made.require_current().drift().outcomes))
    assert [len(outcomes_) for _, outcomes_ in kept] == [0, 1, 1]
    assert kept[1][1][0][1] is False, "they went back to pots"
    assert kept[1] == kept[2], "nothing new came in, so nothing is learned again"
    for lang, told in (("en", "answered: 1, of which 0"), ("zh", "检验了 1 条早先的判断")):
        assert main(["drift", "scan", str(made.path), "--lang", lang]) == 0
        assert told in capsys.readouterr().err
    assert main(["drift", "scan", str(made.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcomes"] == {"told": 1, "right": 0}
