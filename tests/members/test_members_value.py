"""Value: who leaves is told from who stays, money adds up, and too little is said so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from penchant.data.community import Community
from penchant.errors import ConfigError, NotFittedError, TooLittleDataError
from penchant.members.actions import actions_of, next_actions, read_actions
from penchant.members.bgnbd import BgNbd, GammaGamma
from penchant.members.profiling import profiles
from penchant.members.recipe import Members, MembersConfig, train
from penchant.members.rfm import rfm
from penchant.members.segments import SegmentConfig
from penchant.members.value import Value, ValueConfig, outcome
from penchant.members.worth import Worth
from penchant.workspace import WorkspaceConfig

START = datetime(2025, 1, 1, tzinfo=UTC)
QUICK = ValueConfig(horizon_days=60, trees=60, models=1, cuts=3, step_days=20)


def shop(members: int = 300, days: int = 300, seed: int = 0) -> tuple[Community, np.ndarray, np.ndarray]:
    """Members with a rate of buying and a moment after which they never come back; the rates, and when they leave."""
    rng = np.random.default_rng(seed)
    gap = rng.choice([8.0, 20.0], members)
    leaves = rng.uniform(60, 2 * days, members)
    price = rng.lognormal(3, 0.8, members)
    rows = []
    for member in range(members):
        at = rng.uniform(0, 40)
        while at < min(days, leaves[member]):
            moment = START + timedelta(days=float(at))
            rows.append(
                (f"m{member:03}", f"p{rng.integers(20)}", "buy", moment, float(price[member] * rng.lognormal(0, 0.3)))
            )
            at += rng.gamma(4, gap[member] / 4)
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "amount"], orient="row")
    items = pl.DataFrame({"item_id": [f"p{row}" for row in range(20)], "title": [f"p{row}" for row in range(20)]})
    ids = pl.DataFrame({"member_id": [f"m{row:03}" for row in range(members)]})
    return Community.from_tables(items, events, ids), gap, leaves


@pytest.fixture(scope="module")
def judged() -> tuple[Community, datetime, Value, Worth]:
    community, _, _ = shop()
    cut = START + timedelta(days=240)
    model = Value(QUICK).fit(community, at=cut)
    return community, cut, model, model.foresee(community, at=cut)


def test_who_comes_back_is_told_where_counting_purchases_alone_is_not_enough(
    judged: tuple[Community, datetime, Value, Worth],
) -> None:
    community, cut, _, worth = judged
    after = community.events.filter((pl.col("at") > cut) & (pl.col("at") <= cut + timedelta(days=60)))
    returned, spent = outcome(after, len(worth.members))
    orders = profiles(community, at=cut).column("orders")
    assert roc_auc_score(returned, worth.returns) > 0.93
    assert roc_auc_score(returned, orders) < 0.9
    assert abs(worth.returns.mean() - returned.mean()) < 0.08
    assert spearmanr(worth.spend, spent)[0] > 0.8
    assert 0.5 < worth.spend.sum() / spent.sum() < 2


def test_reasons_name_what_the_member_did(judged: tuple[Community, datetime, Value, Worth]) -> None:
    _, _, _, worth = judged
    leaver = int(np.argmax(worth.churn))
    name, _, effect = worth.reasons[leaver][0]
    assert effect > 0
    assert name in {
        "order_recency_days",
        "recency_days",
        "order_overdue",
        "overdue",
        "alive",
        "events_30",
        "expected_orders",
        "events_90",
    }
    assert "raises the risk" in worth.why(worth.members[leaver])[0]
    assert "提高流失风险" in worth.why(worth.members[leaver], "zh")[0]


def test_nothing_after_the_moment_is_looked_at(judged: tuple[Community, datetime, Value, Worth]) -> None:
    community, cut, _, worth = judged
    known = community.with_events(community.events.filter(pl.col("at") <= cut))
    again = Value(QUICK).fit(known, at=cut).foresee(known, at=cut)
    assert np.array_equal(again.returns, worth.returns)
    assert np.array_equal(again.spend, worth.spend)


def test_it_comes_back_as_it_was(judged: tuple[Community, datetime, Value, Worth], tmp_path: Path) -> None:
    community, cut, model, worth = judged
    model.save(tmp_path)
    again = Value.load(tmp_path).foresee(community, at=cut)
    assert np.array_equal(again.returns, worth.returns)
    assert again.reasons == worth.reasons


def test_trees_and_learned_money_change_what_is_foreseen(judged: tuple[Community, datetime, Value, Worth]) -> None:
    community, cut, _, worth = judged
    for change in ({"boosted": 0.0}, {"learned_money": 1.0}):
        other = Value(QUICK.model_copy(update=change)).fit(community, at=cut).foresee(community, at=cut)
        assert not np.allclose(other.spend, worth.spend)


def test_who_never_bought_is_worth_nothing_that_could_be_foreseen() -> None:
    community, _, _ = shop()
    more = community.members.select("member_id").vstack(pl.DataFrame({"member_id": ["looker"]}))
    events = community.events.select(
        community.member_ids.decode(community.events["member"]).alias("member_id"),
        community.item_ids.decode(community.events["item"]).alias("item_id"),
        pl.col("kind").cast(pl.String),
        "at",
        "amount",
    )
    looked = pl.DataFrame(
        {"member_id": ["looker"], "item_id": ["p1"], "kind": ["view"], "at": [START], "amount": [None]}
    )
    events = pl.concat([events, looked.cast(events.schema)])
    with_looker = Community.from_tables(community.items, events, more)
    worth = Value(QUICK).fit(with_looker).foresee(with_looker)
    assert np.isnan(worth.returns[-1])
    assert worth.rfm.tiers[-1] == "no_purchase"
    assert worth.table()["member_id"][-1] == "looker"


def test_too_few_purchases_are_said_so() -> None:
    community, _, _ = shop(members=10)
    with pytest.raises(TooLittleDataError, match="members had bought before a moment"):
        Value(QUICK).fit(community)
    with pytest.raises(TooLittleDataError, match="there are no events"):
        Value(QUICK).fit(community.with_events(community.events.clear()))
    with pytest.raises(NotFittedError):
        Value().foresee(community)


def test_buy_till_you_die_finds_the_planted_rates() -> None:
    rng = np.random.default_rng(3)
    r, alpha, a, b = 0.8, 20.0, 0.8, 2.5
    age = np.full(4_000, 200.0)
    repeats, last = np.zeros(4_000), np.zeros(4_000)
    for member in range(4_000):
        rate, leave = rng.gamma(r, 1 / alpha), rng.beta(a, b)
        at = rng.exponential(1 / rate)
        stays = True
        while at < 200 and stays:
            repeats[member] += 1
            last[member] = at
            stays = rng.random() > leave
            at += rng.exponential(1 / rate)
    model = BgNbd.fit(repeats, last, age)
    assert model.r / model.alpha == pytest.approx(r / alpha, rel=0.2)
    assert model.a / (model.a + model.b) == pytest.approx(a / (a + b), abs=0.08)
    alive = model.alive(np.array([5.0, 5.0]), np.array([190.0, 30.0]), np.array([200.0, 200.0]))
    assert alive[0] > 0.7 > 0.3 > alive[1]


def test_few_orders_lean_to_everybodys_mean() -> None:
    rng = np.random.default_rng(0)
    orders = rng.integers(1, 10, 500).astype(float)
    means = rng.lognormal(3, 0.5, 500)
    model = GammaGamma.fit(orders, means)
    one, many = model.mean(np.array([1.0, 30.0]), np.array([100.0, 100.0]))
    assert one < many < 100


def test_tiers_and_cells() -> None:
    community, _, _ = shop(members=50)
    cells = rfm(profiles(community))
    assert set("".join(cells.cells)) <= set("12345")
    assert all(int(cell[0]) >= 4 for cell, tier in zip(cells.cells, cells.tiers, strict=True) if tier == "champion")


def test_actions_follow_the_first_rule_that_holds(
    judged: tuple[Community, datetime, Value, Worth], tmp_path: Path
) -> None:
    community, cut, _, worth = judged
    made = profiles(community, at=cut)
    path = tmp_path / "actions.yaml"
    path.write_text(
        '- action: {en: "call", zh: "致电"}\n  when: {churn: "> p80"}\n- action: rest\n  when: {}\n', encoding="utf-8"
    )
    told = next_actions(made, worth, read_actions(path))
    called = [action.zh == "致电" for action in told]
    assert sum(called) == pytest.approx(0.2 * len(told), abs=2)
    assert min(worth.churn[called]) > max(worth.churn[[not one for one in called]]) - 1e-6
    assert len(set(next_actions(made, worth, read_actions()))) > 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- action: x\n  when: {churn: about half}\n", "write a comparison and a number"),
        ("- when: {}\n", "rule 1 of .* needs `action`"),
        ("action: x\n", "holds no list of rules"),
        ("- action: {en: x}\n", "one for en and one for zh"),
    ],
)
def test_a_rule_without_meaning_says_which_and_what_to_write(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "actions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        read_actions(path)


def test_a_rule_about_an_unknown_feature_names_those_there_are(
    judged: tuple[Community, datetime, Value, Worth], tmp_path: Path
) -> None:
    community, cut, _, worth = judged
    path = tmp_path / "actions.yaml"
    path.write_text('- action: x\n  when: {shoe_size: "> 1"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'shoe_size'; there are .*churn"):
        next_actions(profiles(community, at=cut), worth, read_actions(path))


def test_a_kind_of_event_that_comes_later_changes_no_feature() -> None:
    community, _, _ = shop()
    shown = (
        pl.when(pl.col("at") > START + timedelta(days=250))
        .then(pl.lit("show"))
        .otherwise(pl.col("kind").cast(pl.String))
    )
    later = community.with_events(
        community.events.with_columns(shown.cast(community.events.schema["kind"]).alias("kind"))
    )
    model = Value(QUICK).fit(later)
    assert np.isfinite(model.foresee(later).returns).any()
    assert np.isfinite(Value(QUICK).fit(community).foresee(later).returns).any()


def test_settings_name_the_rules_of_actions(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- {action: {en: call, zh: 致电}}\n", encoding="utf-8")
    config = WorkspaceConfig(systems={"members": {"actions": {"file": "rules.yaml"}}})
    assert [action.told.zh for action in actions_of(config, tmp_path)] == ["致电"]
    assert len(actions_of(WorkspaceConfig(), tmp_path)) > 1
    with pytest.raises(ConfigError, match="cannot be read"):
        actions_of(config, tmp_path / "elsewhere")


def test_what_is_foreseen_comes_back_from_its_folder_and_models_wait_until_they_are_asked(
    tmp_path: Path,
) -> None:
    community, _, _ = shop(members=120)
    made = train(community, MembersConfig(value=QUICK, segments=SegmentConfig(least=2, most=2, resamples=2)))
    made.save(tmp_path)
    again = Members.load(tmp_path)
    assert made.worth is not None
    assert again.worth is not None
    np.testing.assert_array_equal(again.worth.returns, made.worth.returns)
    np.testing.assert_array_equal(again.worth.spend, made.worth.spend)
    assert again.worth.table().equals(made.worth.table())
    assert again.worth.reasons == made.worth.reasons
    assert "value" not in vars(again), "no model was read"
    assert again.value is not None
    np.testing.assert_allclose(again.value.foresee(community).returns, made.worth.returns, equal_nan=True)
