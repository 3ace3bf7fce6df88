"""The policy as the last step of the recommender, from `penchant.toml` to the answer."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shops import START, shop, with_more

from penchant.data.community import Community
from penchant.data.splits import random_split
from penchant.errors import ConfigError
from penchant.evaluation.ranking import diversity
from penchant.pipeline import Context
from penchant.recommend import RecommendConfig, Recommender, evaluate, read_log, train
from penchant.recommend.business import BusinessRules
from penchant.recommend.diversity import category_features
from penchant.recommend.policy import PolicyConfig
from penchant.stages import STAGES
from penchant.training.options import Options
from penchant.workspace import Workspace

# Members like one kind each; sellers take turns, and nobody has touched the last item of each kind.
SHOP = shop()
SHOP = Community.from_tables(
    SHOP.items.with_columns(seller=pl.Series([f"s{number % 4}" for number in range(36)])), SHOP.with_ids("events")
)
SMALL = RecommendConfig(
    sources=("popularity", "ease", "neighbours"), settings={"ease": {"regularization": 5.0}}, tuning="none"
)
RULES = """- {do: pin, at: 1, items: {ids: dress-0}}
- {do: exclude, items: {ids: camping-0}}
- {do: cap, per: seller, most: 2}
"""


@pytest.fixture(scope="module")
def model() -> Recommender:
    return train(SHOP, SMALL, Options())


def governed(model: Recommender, home: Path | None = None, **policy: object) -> Recommender:
    """The same fitted sources with a policy."""
    config = RecommendConfig.model_validate(model.config.model_dump() | {"policy": policy}).at_home(home)
    return Recommender(model.community, model.sources, model.weights, config, cold=model.cold)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def test_rules_of_the_file_shape_every_answer_and_the_strategy_says_so(model: Recommender, home: Path) -> None:
    ruled = governed(model, home, rules_file="rules.yaml")
    for ranking in (ruled.recommend("m1", 6), ruled.recommend_for(["kitchen-1"], k=6)):
        ids = [pick.item_id for pick in ranking]
        sellers = SHOP.items.filter(pl.col("item_id").is_in(ids))["seller"]
        assert ids[0] == "dress-0"
        assert sellers.value_counts()["count"].max() == 2
        assert ranking[0].reason == "Chosen by the editors."
        assert "; policy: 1 pinned, 1 excluded by rule, " in ranking.strategy
    assert ruled.recommend("m1", 2, lang="zh")[0].reason == "编辑推荐。"
    assert "camping-0" in {pick.item_id for pick in model.recommend("m2", 36)}
    assert "camping-0" not in {pick.item_id for pick in ruled.recommend("m2", 36)}
    assert "camping-0" not in {pick.item_id for pick in ruled.similar("camping-1", 36)}
    assert "camping-0" in {pick.item_id for pick in model.similar("camping-1", 36)}


def test_the_reasons_of_what_stands_by_score_stay_the_members_own(model: Recommender, home: Path) -> None:
    plain = {pick.item_id: pick for pick in model.recommend("m1", 36)}
    for pick in list(governed(model, home, rules_file="rules.yaml").recommend("m1", 3))[1:]:
        assert pick.item_id.startswith("camping")
        assert pick.reason.startswith("Because you")
        assert pick.score == plain[pick.item_id].score, "a score is the model's, wherever the policy puts its item"


def test_the_rows_of_benchmarks_are_arranged_as_answers_are_but_try_nothing(model: Recommender, home: Path) -> None:
    split = random_split(SHOP, 0, (0.6, 0.0, 0.4))
    features = category_features(SHOP)
    policies = (
        {},
        {"diversity": {"method": "mmr", "trade_off": 0.3}},
        {"rules_file": "rules.yaml", "exploration": {"slots": 5}},
    )
    plain, spread, ruled = (evaluate(governed(model, home, **policy).on(split.fit), split, k=5) for policy in policies)
    assert np.mean(diversity(spread.ranked, features)) > np.mean(diversity(plain.ranked, features)) + 0.1
    assert spread.metrics.means["ndcg@5"] < plain.metrics.means["ndcg@5"], "members of this shop like one kind each"
    assert (ruled.ranked[:, 0] == SHOP.item_ids.row("dress-0")).sum() > 20
    assert not (ruled.ranked == SHOP.item_ids.row("camping-0")).any()
    untouched = [SHOP.item_ids.row(f"{kind}-11") for kind in ("kitchen", "camping", "dress")]
    assert not np.isin(ruled.ranked, untouched).any(), (
        "what nobody has touched is only tried, and judging tries nothing"
    )


def test_what_rules_exclude_is_not_counted_as_missed(model: Recommender, home: Path) -> None:
    split = random_split(SHOP, 0, (0.6, 0.0, 0.4))
    (home / "rules.yaml").write_text("- {do: exclude, items: {category: [kitchen, dress]}}", encoding="utf-8")
    ruled = evaluate(governed(model, home, rules_file="rules.yaml").on(split.fit), split)
    campers = {SHOP.member_ids.row(f"m{member}") for member in range(1, 60, 3)}
    assert set(ruled.members.tolist()) <= campers
    assert ruled.metrics.means["ndcg@10"] > 0.9


def test_what_is_tried_says_so_and_is_logged_with_the_whole_list(model: Recommender, home: Path) -> None:
    trying = governed(model, home, exploration={"slots": 1, "new_below": 1, "log": "shown.jsonl", "seed": 1})
    ranking = trying.recommend("m1", 6)
    assert ranking[3].item_id.endswith("-11")
    assert ranking[3].reason == "New: few members have seen it yet."
    assert ranking.strategy.endswith("; policy: 1 new tried")
    trying.recommend_for(k=2)
    log = read_log(home / "shown.jsonl")
    assert log["item"].to_list()[:6] == [pick.item_id for pick in ranking]
    assert log["member"].to_list() == ["m1"] * 6 + [None] * 2
    assert log["propensity"][3] == pytest.approx(1 / 3), "three items are new, and nothing is known of any"
    assert json.loads((home / "shown.jsonl").read_text(encoding="utf-8").splitlines()[0]).keys() == {
        "member", "item", "place", "propensity", "strategy", "time",
    }  # fmt: skip


def test_newer_events_end_the_newness_of_an_item_and_go_on_with_the_same_chances(model: Recommender) -> None:
    trying = governed(model, exploration={"slots": 1, "new_below": 2, "seed": 0})
    rows = [(f"m{member}", f"{kind}-11", "show", START) for member in (0, 3) for kind in ("kitchen", "camping")]
    later = trying.on(with_more(SHOP, rows))
    tried = {later.recommend("m1", 6)[3].item_id for _ in range(20)}
    assert tried == {"dress-11"}
    again = [trying.on(SHOP).recommend("m1", 6)[3].item_id for _ in range(20)]
    assert len(set(again)) == 3, "each answer draws anew, also from a recommender made for newer events"


def test_a_saved_recommender_finds_its_rules_where_its_home_is_now(model: Recommender, home: Path) -> None:
    governed(model, home, rules_file="rules.yaml").save(home / "model")
    moved = home / "moved"
    moved.mkdir()
    (moved / "rules.yaml").write_text("- {do: pin, at: 1, items: {ids: dress-5}}", encoding="utf-8")
    assert Recommender.load(home / "model", SHOP, home=home).recommend("m0")[0].item_id == "dress-0"
    assert Recommender.load(home / "model", SHOP, home=moved).recommend("m0")[0].item_id == "dress-5"


def test_the_section_of_the_settings_is_read_and_a_mistake_in_the_rules_stops_a_build_at_once(tmp_path: Path) -> None:
    settings = '[recommend.policy]\nrules_file = "rules.yaml"\n[recommend.policy.diversity]\nmethod = "dpp"\n'
    workspace = Workspace.create(tmp_path / "shop.ws", settings=settings)
    with workspace.store() as store:
        store.write(SHOP)
    inputs = next(stage for stage in STAGES if stage.name == "recommend").inputs
    context = Context(workspace, Options(), tmp_path)
    with pytest.raises(ConfigError, match=r"cannot read the rule file .*shop\.ws/rules\.yaml"):
        inputs(context)
    (workspace.path / "rules.yaml").write_text("- {do: pin, at: 0, items: {tag: a}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rules\.yaml, line 1: `at` is 0; input should be greater than 0"):
        inputs(context)
    (workspace.path / "rules.yaml").write_text(RULES, encoding="utf-8")
    policy = inputs(context)["config"]["policy"]
    assert policy["rules_file"] == "rules.yaml"
    assert policy["diversity"]["method"] == "dpp"
    assert str(tmp_path) not in json.dumps(policy), "a build is the same wherever the workspace lies"


def test_the_page_on_the_policy_is_true_of_its_rules_its_settings_and_its_options() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recommend.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert {rule.do for rule in BusinessRules.parse(rules).rules} == {"boost", "bury", "pin", "exclude", "cap"}
    written = re.findall(r"^```toml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    (settings,) = [block for block in written if "[recommend.policy" in block]
    assert RecommendConfig.model_validate(tomllib.loads(settings)["recommend"]).policy.is_active
    told = dict(re.findall(r"^\| `([\w.]+)` \| (\S+) \|", page.split("| policy option |")[1], flags=re.MULTILINE))
    config = PolicyConfig().model_dump()
    defaults = {"rules_file": config["rules_file"]}
    for part in ("diversity", "exploration"):
        defaults |= {f"{part}.{name}": value for name, value in config[part].items()}
    assert {name: json.loads(value) for name, value in told.items()} == defaults
