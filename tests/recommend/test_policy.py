from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.data.columns import EVENTS
from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.evaluation.ranking import diversity, evaluate_rankings
from penchant.recommend.arrangement import Arrangement
from penchant.recommend.business import BusinessRules
from penchant.recommend.diversity import DiversityConfig, Dpp, Mmr, category_features
from penchant.recommend.exploration import ExplorationConfig
from penchant.recommend.policy import Policy, PolicyConfig
from penchant.vectors import unit_rows

# Twelve items in the order of their scores: p0 is the best. Four categories of three, and sellers in turn.
PATHS = ["home > pan", "home > pot", "camp > tent", "camp > lamp"]
ITEMS = pl.DataFrame(
    {
        "item_id": [f"p{number}" for number in range(12)],
        "title": [f"item {number}" for number in range(12)],
        "categories": [[PATHS[number // 3]] for number in range(12)],
        "tags": [["new"] if number % 4 == 3 else [] for number in range(12)],
        "price": [10.0 * number for number in range(11)] + [None],
        "seller": ["acme", "bolt", None] * 4,
    }
)
SHOP = Community.from_tables(ITEMS, pl.DataFrame(schema=EVENTS))
SCORES = np.linspace(1, 0, 12).astype(np.float32)
NONE = np.zeros(12, dtype=np.bool_)


def apply(rules: str, k: int = 6, *, barred: np.ndarray = NONE, **config: object) -> Arrangement:
    """The list of one person under some rules."""
    policy = Policy(PolicyConfig(rules_file="rules.yaml", **config), SHOP, BusinessRules.parse(rules))
    return policy.apply(SCORES, barred, k)


def told(arranged: Arrangement) -> str:
    return arranged.strategy("scores", "en")


def test_without_rules_the_order_is_that_of_the_scores_and_nothing_is_said() -> None:
    arranged = Policy(PolicyConfig(), SHOP, BusinessRules()).apply(SCORES, NONE, 4)
    assert arranged.items == [0, 1, 2, 3]
    assert told(arranged) == "scores"


def test_a_boost_moves_its_items_up_as_far_as_it_says() -> None:
    # One standard deviation of twelve evenly spread scores is about 3.8 places.
    assert apply("- {do: boost, by: 0.5, items: {ids: p7}}", 12).items.index(7) == 6
    boosted = apply("- {do: boost, by: 1, items: {ids: p7}}", 6)
    assert boosted.items == [0, 1, 2, 3, 7, 4]
    assert told(boosted) == "scores; policy: 1 boosted"
    assert boosted.strategy("得分", "zh") == "得分；策略：加权 1 个"


def test_a_bury_moves_its_items_down_and_is_told_where_it_kept_one_out() -> None:
    buried = apply("- {do: bury, by: 5, items: {category: home > pan}}")
    assert buried.items == [3, 4, 5, 6, 7, 8]
    assert told(buried) == "scores; policy: 3 buried"
    assert told(apply("- {do: bury, by: 5, items: {ids: p11}}")) == "scores", "it would not have stood there anyway"


def test_a_boost_works_where_all_scores_are_equal() -> None:
    rules = BusinessRules.parse("- {do: boost, by: 1, items: {tag: new}}")
    policy = Policy(PolicyConfig(rules_file="rules.yaml"), SHOP, rules)
    assert set(policy.apply(np.zeros(12, np.float32), NONE, 3).items) == {3, 7, 11}


def test_a_pin_puts_the_best_of_its_items_that_may_be_shown_at_its_place() -> None:
    rule = "- {do: pin, at: 2, items: {tag: new}}"
    assert apply(rule).items == [0, 3, 1, 2, 4, 5]
    barred = NONE.copy()
    barred[3] = True
    assert apply(rule, barred=barred).items[1] == 7
    assert told(apply(rule)) == "scores; policy: 1 pinned"
    assert [slot.strategy for slot in apply(rule).slots][:3] == ["score", "pin", "score"]
    barred[[7, 11]] = True
    assert told(apply(rule, barred=barred)) == "scores; policy: 1 left unpinned, as none of its items may be shown"
    assert apply("- {do: pin, at: 9, items: {tag: new}}").items == [0, 1, 2, 3, 4, 5], "the list has no such place"


def test_two_pins_keep_their_places_whatever_their_order_in_the_file() -> None:
    rules = "- {do: pin, at: 3, items: {ids: p9}}\n- {do: pin, at: 1, items: {ids: p11}}"
    assert apply(rules, 4).items == [11, 0, 9, 1]


@pytest.mark.parametrize(
    ("items", "gone"),
    [
        ("{seller: acme}", {0, 3, 6, 9}),
        ("{category: home}", {0, 1, 2, 3, 4, 5}),
        ("{category: [home > pot, camp > lamp]}", {3, 4, 5, 9, 10, 11}),
        ("{min_price: 80}", {8, 9, 10}),
        ("{min_price: 20, max_price: 40, seller: bolt}", {4}),
        ("{tag: new, category: camp}", {7, 11}),
    ],
)
def test_an_exclusion_keeps_what_meets_all_conditions_from_everyone(items: str, gone: set[int]) -> None:
    arranged = apply(f"- {{do: exclude, items: {items}}}", 12)
    assert set(range(12)) - set(arranged.items) == gone
    assert f"{len(gone)} excluded by rule" in told(arranged)


def test_a_cap_counts_each_category_each_level_each_seller_or_a_group() -> None:
    assert apply("- {do: cap, per: category, most: 1}", 4).items == [0, 3, 6, 9]
    assert apply("- {do: cap, per: category, level: 1, most: 2}", 4).items == [0, 1, 6, 7]
    # Items without a seller are of no seller, and no cap counts them.
    assert apply("- {do: cap, per: seller, most: 1}").items == [0, 1, 2, 5, 8, 11]
    assert apply("- {do: cap, most: 1, items: {category: home}}", 3).items == [0, 6, 7]
    assert apply("- {do: cap, per: seller, most: 1, items: {category: home > pan}}", 4).items == [0, 1, 2, 3]
    assert told(apply("- {do: cap, per: category, most: 1}", 4)) == "scores; policy: 2 held back by caps"


def test_caps_that_leave_too_few_say_so_and_so_does_a_list_longer_than_the_catalogue() -> None:
    short = apply("- {do: cap, per: category, most: 1}", 10)
    assert short.items == [0, 3, 6, 9]
    assert "only 4 of 10 places filled: the caps leave no more" in told(short)
    assert "仅填满 4/10 位：受数量上限所限" in short.strategy("", "zh")
    everything = apply("- {do: pin, at: 1, items: {ids: p5}}", 1000)
    assert sorted(everything.items) == list(range(12))
    assert "only 12 of 1,000 places filled: no more items may be shown" in told(everything)
    nothing = apply("- {do: exclude, items: {min_price: 0}}\n- {do: exclude, items: {ids: p11}}")
    assert nothing.items == []
    assert "only 0 of 6 places filled" in told(nothing)


def test_a_large_catalogue_is_arranged_as_looking_at_every_item_would() -> None:
    rng = np.random.default_rng(0)
    ids = [f"q{number:04}" for number in range(3000)]
    items = pl.DataFrame({"item_id": ids, "title": ids, "seller": [f"s{number % 700}" for number in range(3000)]})
    shop = Community.from_tables(items, pl.DataFrame(schema=EVENTS))
    rules = "- {do: cap, per: seller, most: 1}\n- {do: bury, by: 3, items: {seller: [s1, s2, s3]}}\n"
    policy = Policy(
        PolicyConfig(rules_file="r"), shop, BusinessRules.parse(rules + "- {do: pin, at: 3, items: {ids: q1999}}")
    )
    # Few different scores, so that many are equal; equal scores go by id.
    scores = rng.integers(0, 40, 3000).astype(np.float32)
    scores[1999] = -5
    barred = rng.random(3000) < 0.3
    barred[1999] = False
    lifted = scores - 3 * scores[~barred].std() * np.isin(np.arange(3000) % 700, [1, 2, 3])
    expected, sellers = [], {1999 % 700}
    for item in sorted(np.flatnonzero(~barred), key=lambda item: (-lifted[item], ids[item])):
        if item % 700 not in sellers:
            sellers.add(item % 700)
            expected.append(item)
    expected.insert(2, 1999)
    assert policy.apply(scores, barred, 1000).items == expected
    assert len(expected) > 600
    assert policy.apply(scores, barred, 8).items == expected[:8]


def test_a_pin_counts_for_a_cap_and_alone_may_go_beyond_it() -> None:
    assert apply("- {do: pin, at: 4, items: {ids: p2}}\n- {do: cap, per: category, most: 1}", 4).items == [3, 6, 9, 2]
    two = "- {do: pin, at: 1, items: {ids: p1}}\n- {do: pin, at: 2, items: {ids: p2}}\n"
    assert apply(two + "- {do: cap, per: category, most: 1}", 4).items == [1, 2, 3, 6]


def test_caps_reach_beyond_the_pool_of_diversity() -> None:
    arranged = apply("- {do: cap, per: category, most: 1}", 4, diversity=DiversityConfig(method="mmr", pool=4))
    assert sorted(arranged.items) == [0, 3, 6, 9]


def test_what_no_item_has_is_told_with_its_line_and_the_nearest_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = "- {do: exclude, items: {seller: acmee}}\n- {do: bury, by: 1, items: {category: home > pans, ids: p1}}"
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    Policy.of(PolicyConfig(rules_file="rules.yaml", home=tmp_path), SHOP)
    assert "rules.yaml, line 1: no item has the seller 'acmee'; meant 'acme'?; the rule does nothing" in caplog.text
    assert "line 2: no item has the category 'home > pans'; meant 'home > pan'?" in caplog.text
    assert "'p1'" not in caplog.text


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_rules_a_list_holds_what_may_be_shown_once_and_keeps_the_caps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = int(rng.integers(1, 4))
    rules = [
        f"- {{do: cap, per: {rng.choice(['category', 'seller'])}, most: {most}}}",
        "- {do: exclude, items: {ids: p4}}",
    ]
    rules += [f"- {{do: boost, by: {rng.random() + 0.1}, items: {{tag: new}}}}"] * int(rng.integers(2))
    pinned = rng.choice(12, int(rng.integers(3)), replace=False).tolist()
    rules += [f"- {{do: pin, at: {place + 2}, items: {{ids: p{item}}}}}" for place, item in enumerate(pinned)]
    config = PolicyConfig(
        rules_file="r",
        diversity=DiversityConfig(
            method=rng.choice(["none", "mmr", "dpp"]), trade_off=rng.random(), pool=int(rng.integers(1, 9))
        ),
        exploration=ExplorationConfig(slots=int(rng.integers(4)), seed=seed),
    )
    k, barred = int(rng.integers(1, 15)), rng.random(12) < 0.3
    arranged = Policy(config, SHOP, BusinessRules.parse("\n".join(rules))).apply(SCORES, barred, k)
    assert len(set(arranged.items)) == len(arranged.items) <= k
    assert not barred[arranged.items].any()
    assert 4 not in arranged.items
    assert all(0 < slot.propensity <= 1 for slot in arranged.slots)
    column = "seller" if "per: seller" in rules[0] else "categories"
    groups = [ITEMS[column].to_list()[slot.item] for slot in arranged.slots]
    for slot, group in zip(arranged.slots, groups, strict=True):
        assert slot.strategy == "pin" or group is None or groups.count(group) <= max(most, len(pinned))
    if len(arranged.items) < k:
        assert "places filled" in told(arranged)


# -- diversity --


def naive_greedy(relevance: np.ndarray, similarity: np.ndarray, trade_off: float, k: int, method: str) -> list[int]:
    """The two methods as their papers define them, with no shortcut."""
    chosen: list[int] = []
    for _ in range(k):
        worth = {}
        for item in sorted(set(range(len(relevance))) - set(chosen)):
            if method == "mmr":
                nearest = max((similarity[item, other] for other in chosen), default=0)
                worth[item] = trade_off * relevance[item] - (1 - trade_off) * nearest
            else:
                rows = [*chosen, item]
                volume = np.linalg.slogdet((1 + similarity[np.ix_(rows, rows)]) / 2)[1]
                worth[item] = trade_off * relevance[rows].sum() + (1 - trade_off) * volume
        chosen.append(max(worth, key=worth.__getitem__))
    return chosen


@pytest.mark.parametrize("method", ["mmr", "dpp"])
@pytest.mark.parametrize("trade_off", [0.1, 0.5, 0.9])
def test_the_fast_methods_choose_what_their_definitions_do(method: str, trade_off: float) -> None:
    rng = np.random.default_rng(3)
    vectors = np.abs(rng.normal(size=(30, 8)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance, similarity = rng.random(30), vectors @ vectors.T
    fast = (Mmr if method == "mmr" else Dpp)(relevance, similarity, trade_off)
    chosen: list[int] = []
    for _ in range(8):
        values = fast.values().copy()
        values[chosen] = -np.inf
        chosen.append(int(values.argmax()))
        fast.take(chosen[-1])
    assert chosen == naive_greedy(relevance, similarity, trade_off, 8, method)


def wide_shop() -> tuple[Community, np.ndarray, np.ndarray, sp.csr_matrix]:
    """60 items of six kinds, their vectors, scores of 80 members that crowd in one kind, and what they like in two.

    Every member likes three items of the kind that their scores crowd in, and three of another one, whose scores
    are somewhat lower; so some difference finds more of what is liked, and too much finds less.
    """
    rng = np.random.default_rng(0)
    names = [f"i{number:02}" for number in range(60)]
    items = pl.DataFrame(
        {"item_id": names, "title": names, "categories": [[f"c{number // 10}"] for number in range(60)]}
    )
    scores = rng.normal(0, 0.3, size=(80, 60)).astype(np.float32)
    liked = np.zeros((80, 60))
    for member in range(80):
        first, second = rng.choice(6, 2, replace=False)
        scores[member, first * 10 : first * 10 + 10] += 1.5
        scores[member, second * 10 : second * 10 + 10] += 0.9
        for category in (first, second):
            liked[member, category * 10 + rng.choice(10, 3, replace=False)] = 1
        scores[member] += 0.4 * liked[member].astype(np.float32)
    vectors = unit_rows((np.repeat(np.eye(6, 12), 10, axis=0) + rng.normal(0, 0.2, (60, 12))).astype(np.float32))
    return Community.from_tables(items, pl.DataFrame(schema=EVENTS)), vectors, scores, sp.csr_matrix(liked)


@pytest.mark.parametrize("method", ["mmr", "dpp"])
def test_the_trade_off_buys_difference_for_relevance_and_both_are_measured(method: str) -> None:
    shop, vectors, scores, liked = wide_shop()

    def measured(**settings: object) -> tuple[float, float]:
        policy = Policy(PolicyConfig(diversity=DiversityConfig(**settings)), shop, BusinessRules(), vectors)
        ranked = policy.rank(scores, np.zeros(scores.shape, dtype=np.bool_), 10)
        return float(diversity(ranked, vectors).mean()), evaluate_rankings(ranked, liked, 10).means["ndcg@10"]

    plain = measured()
    assert measured(method=method, trade_off=1) == pytest.approx(plain)
    figures = [measured(method=method, trade_off=trade_off) for trade_off in (0.9, 0.7, 0.4, 0.0)]
    spread = [plain[0], *(figure[0] for figure in figures)]
    assert spread == sorted(spread)
    assert spread[-1] > spread[0] + 0.15
    ndcg = [figure[1] for figure in figures]
    assert max(ndcg) > ndcg[-1] + 0.2, "difference alone loses what is liked"
    assert max(ndcg) > plain[1] + 0.01, "some difference finds the other kind that members like"


def test_lists_differ_in_texts_or_categories_as_the_configuration_says() -> None:
    # Texts say that p0 and p3 are alike; categories say that p0, p1 and p2 are.
    vectors = np.eye(12, dtype=np.float32)
    vectors[3] = vectors[0]

    def listed(over: str, vectors: np.ndarray | None = vectors, scores: np.ndarray = SCORES) -> Arrangement:
        config = PolicyConfig(diversity=DiversityConfig(method="mmr", trade_off=0.6, over=over))
        return Policy(config, SHOP, BusinessRules(), vectors).apply(scores, NONE, 4)

    by_text, by_category = listed("text"), listed("categories")
    assert by_text.items == listed("auto").items == [0, 1, 2, 4]
    assert by_category.items == listed("auto", None).items != by_text.items
    assert {PATHS[item // 3] for item in by_category.items} > {PATHS[item // 3] for item in by_text.items}
    assert told(by_text) == "scores; policy: spread by MMR over texts (relevance 0.6)"
    assert told(by_category) == "scores; policy: spread by MMR over categories (relevance 0.6)"
    with pytest.raises(ConfigError, match='set over = "categories"'):
        listed("text", None)


def test_items_without_texts_and_categories_cannot_be_spread_and_the_answer_says_so() -> None:
    bare = Community.from_tables(ITEMS.select("item_id", "title"), pl.DataFrame(schema=EVENTS))
    policy = Policy(PolicyConfig(diversity=DiversityConfig(method="dpp")), bare, BusinessRules())
    arranged = policy.apply(SCORES, NONE, 3)
    assert arranged.items == [0, 1, 2]
    assert "not spread, as items have neither texts read nor categories" in told(arranged)


def test_the_pool_bounds_how_far_down_difference_reaches() -> None:
    def reach(pool: int) -> int:
        config = PolicyConfig(diversity=DiversityConfig(method="mmr", trade_off=0.1, pool=pool))
        return max(Policy(config, SHOP, BusinessRules()).apply(SCORES, NONE, 4).items)

    assert reach(7) == 6
    assert reach(12) >= 9


def test_copies_come_last_in_a_determinantal_list_and_do_not_break_it() -> None:
    vectors = np.zeros((12, 2), dtype=np.float32)
    vectors[:, 0] = 1
    vectors[9] = [-1, 0]
    config = PolicyConfig(diversity=DiversityConfig(method="dpp", trade_off=0.3))
    items = Policy(config, SHOP, BusinessRules(), vectors).apply(SCORES, NONE, 12).items
    assert sorted(items) == list(range(12))
    assert items[1] == 9


def test_categories_share_as_much_as_their_paths_do() -> None:
    paths = [["home > pan"], ["home > pot"], ["camp"], ["home > pan", "camp"], None, []]
    ids = [f"p{number}" for number in range(6)]
    items = pl.DataFrame({"item_id": ids, "title": ids, "categories": paths})
    features = category_features(Community.from_tables(items, pl.DataFrame(schema=EVENTS)))
    close = (features @ features.T).toarray()
    assert close[0, :4] == pytest.approx([1, 0.5, 0, np.sqrt(2 / 3)])
    assert close[2, 3] == pytest.approx(np.sqrt(1 / 3))
    assert not close[4:].any()


def test_rules_are_read_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- {do: exclude, items: {ids: p1}}", encoding="utf-8")
    config = PolicyConfig(rules_file="rules.yaml", home=tmp_path)
    assert Policy(config, SHOP, config.rules()).excluded.tolist() == [number == 1 for number in range(12)]
    assert "home" not in config.model_dump(), "a workspace may be moved"
    with pytest.raises(ConfigError, match=r"cannot read the rule file .*gone\.yaml: No such file"):
        PolicyConfig(rules_file="gone.yaml", home=tmp_path).rules()
