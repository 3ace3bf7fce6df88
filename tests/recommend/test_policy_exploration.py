from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shops import START, frame

from penchant.data.columns import EVENTS
from penchant.data.community import Community
from penchant.errors import ReadError, StorageError
from penchant.evaluation.off_policy import ips, snips
from penchant.recommend.arrangement import Arrangement, Slot
from penchant.recommend.business import BusinessRules
from penchant.recommend.exploration import ExplorationConfig, Explorer, largest_chances
from penchant.recommend.policy import Policy, PolicyConfig
from penchant.recommend.propensities import append, read_log, rewarded

IDS = [f"i{number:02}" for number in range(20)]
ITEMS = pl.DataFrame({"item_id": IDS, "title": IDS})
NONE = np.zeros(20, dtype=np.bool_)
SCORES = np.linspace(1, 0, 20).astype(np.float32)


def community(rows: list[tuple[str, str, str, datetime]]) -> Community:
    return Community.from_tables(ITEMS, frame(rows))


# Ten members had the first fifteen items; the last five are new: i15 was shown to six and taken up by four of them,
# i16 shown to six and taken up by none, the others never shown.
KNOWN = [(f"m{member}", IDS[item], "buy", START) for member in range(10) for item in range(15)]
TRIED = [(f"m{member}", item, "show", START) for member in range(6) for item in ("i15", "i16")]
SHOP = community(KNOWN + TRIED + [(f"m{member}", "i15", "click", START) for member in range(4)])


def policy(shop: Community = SHOP, **settings: object) -> Policy:
    settings = {"slots": 1, "new_below": 10, "seed": 7} | settings
    return Policy(PolicyConfig(exploration=ExplorationConfig(**settings)), shop, BusinessRules())


def tried(arranged: Arrangement) -> list[tuple[int, int]]:
    """Place, counted from 1, and item row of what was tried."""
    return [(place, slot.item) for place, slot in enumerate(arranged.slots, 1) if slot.strategy == "thompson"]


@pytest.mark.parametrize(
    ("taken", "passed"),
    [([1, 1, 1], [9, 9, 9]), ([5, 1, 2, 1], [5, 15, 30, 9]), ([0.1, 2, 1], [0.3, 2, 1]), ([40, 1], [400, 9])],
)
def test_the_chances_are_those_of_thompson_sampling(taken: list[float], passed: list[float]) -> None:
    draws = np.random.default_rng(0).beta(taken, passed, size=(100_000, len(taken)))
    simulated = np.bincount(draws.argmax(axis=1), minlength=len(taken)) / len(draws)
    chances = largest_chances(np.array(taken, dtype=float), np.array(passed, dtype=float))
    assert chances.sum() == pytest.approx(1)
    assert chances == pytest.approx(simulated, abs=0.01)


def test_members_who_were_shown_an_item_are_counted_once_however_much_they_click() -> None:
    rows = [("a", "i15", "show", START)] * 3 + [("a", "i15", "click", START)] * 1000
    rows += [("b", "i15", "show", START), ("c", "i15", "buy", START), ("d", "i16", "click", START)]
    explorer = Explorer.of(community(rows), ExplorationConfig(new_below=3))
    assert (explorer.shown[15], explorer.taken[15]) == (2, 1)
    assert (explorer.shown[16], explorer.taken[16]) == (0, 0)
    assert not explorer.new[15], "three members know it"
    assert explorer.new[16]


def test_a_slot_tries_a_new_item_and_the_rest_stays_in_order() -> None:
    arranged = policy().apply(SCORES, NONE, 6)
    ((place, item),) = tried(arranged)
    assert place == 4
    assert item >= 15
    assert [slot.item for slot in arranged.slots if slot.strategy == "score"] == [0, 1, 2, 3, 4]
    assert arranged.strategy("scores", "en") == "scores; policy: 1 new tried"
    assert arranged.strategy("得分", "zh") == "得分；策略：试推新品 1 个"
    assert not tried(policy().apply(SCORES, NONE, 6, explore=False)), "a list to be judged tries nothing"
    assert not tried(policy(slots=0).apply(SCORES, NONE, 6))


def test_slots_are_bounded_by_their_number_and_half_the_list() -> None:
    many = policy(slots=10)
    assert [place for place, _ in tried(many.apply(SCORES, NONE, 10))] == [4, 5, 6, 7, 8]
    assert [place for place, _ in tried(many.apply(SCORES, NONE, 4))] == [3, 4]
    assert [place for place, _ in tried(policy(slots=2, first_place=6).apply(SCORES, NONE, 10))] == [6, 7]
    assert not tried(many.apply(SCORES, NONE, 1)), "a list of one is not for trying"
    assert len({item for _, item in tried(many.apply(SCORES, NONE, 10))}) == 5


def test_where_nothing_is_new_nothing_is_tried_and_the_answer_says_so() -> None:
    arranged = policy(new_below=1).apply(SCORES, np.arange(20) >= 17, 6)
    assert arranged.items == [0, 1, 2, 3, 4, 5]
    assert "nothing tried, as no new item may be shown" in arranged.strategy("scores", "en")


def test_only_the_best_of_the_new_are_tried_by_the_members_scores() -> None:
    exploring = policy(among=2)
    assert {tried(exploring.apply(SCORES, NONE, 6))[0][1] for _ in range(50)} == {15, 16}
    assert {tried(exploring.apply(SCORES[::-1].copy(), NONE, 4))[0][1] for _ in range(50)} == {18, 19}


def test_what_members_take_up_is_tried_more_and_the_logged_propensity_is_how_often() -> None:
    exploring = policy()
    slots = [arranged.slots[3] for arranged in (exploring.apply(SCORES, NONE, 6) for _ in range(2000))]
    said = {slot.item: slot.propensity for slot in slots}
    seen = {item: sum(slot.item == item for slot in slots) / len(slots) for item in said}
    assert seen == pytest.approx(said, abs=0.035)
    assert said[15] > 2 * said[17] > 2 * said[16]
    assert all(slot.propensity == 1 for slot in exploring.apply(SCORES, NONE, 6).slots if slot.strategy == "score")


def test_the_priors_say_how_promising_an_item_is_before_it_is_shown() -> None:
    def unshown(**settings: float) -> float:
        return float(policy(**settings)._explorer.chances(np.array([15, 17]))[1])

    assert unshown(prior_taken=5) > unshown() > unshown(prior_passed=40)


def test_equal_seeds_try_equal_items_and_no_seed_tries_others() -> None:
    def items(seed: int | None) -> list[int]:
        exploring = policy(seed=seed)
        return [tried(exploring.apply(SCORES, NONE, 6))[0][1] for _ in range(40)]

    assert items(1) == items(1) != items(2)
    assert items(None) != items(None)


def test_trying_finds_the_best_new_item_sooner_than_chance_does() -> None:
    rates = np.array([0.05, 0.1, 0.5, 0.05])
    rng = np.random.default_rng(0)
    taken, shown = np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)
    for _ in range(400):
        explorer = Explorer(ExplorationConfig(slots=1), np.ones(4, dtype=np.bool_), taken=taken, shown=shown)
        item = rng.choice(4, p=explorer.chances(np.arange(4)))
        shown[item] += 1
        taken[item] += rng.random() < rates[item]
    assert taken.sum() / 400 > 1.8 * rates.mean()
    assert shown[2] > 300


def test_an_item_is_tried_only_where_caps_and_rules_let_it() -> None:
    rules = "- {do: cap, most: 1, items: {ids: [i15, i16, i17, i18, i19]}}\n- {do: exclude, items: {ids: i15}}"
    config = PolicyConfig(rules_file="r", exploration=ExplorationConfig(slots=3, new_below=10, seed=0))
    ruled = Policy(config, SHOP, BusinessRules.parse(rules))
    for _ in range(20):
        ((_, item),) = tried(ruled.apply(SCORES, NONE, 8))
        assert item != 15


# -- the log --


def test_the_log_keeps_each_place_with_its_propensity(tmp_path: Path) -> None:
    path = tmp_path / "shown.jsonl"
    before = datetime.now(UTC)
    append(path, "m1", ["i03", "i15"], Arrangement((Slot(3, "score"), Slot(15, "thompson", 0.25))))
    append(path, None, ["i04"], Arrangement((Slot(4, "pin"),)))
    log = read_log(path)
    assert log.select("member", "item", "place", "propensity", "strategy").rows() == [
        ("m1", "i03", 1, 1.0, "score"),
        ("m1", "i15", 2, 0.25, "thompson"),
        (None, "i04", 1, 1.0, "pin"),
    ]
    assert all(before <= time <= datetime.now(UTC) for time in log["time"])


@pytest.mark.parametrize("line", ["{", '{"member": null}', "3"])
def test_a_damaged_line_of_the_log_is_told(tmp_path: Path, line: str) -> None:
    path = tmp_path / "shown.jsonl"
    append(path, "m1", ["i03"], Arrangement((Slot(3, "score"),)))
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ReadError, match=r"shown\.jsonl, line 2 is no line of a log of propensities .* delete the line"):
        read_log(path)
    with pytest.raises(ReadError, match="cannot read the log"):
        read_log(tmp_path / "gone.jsonl")
    with pytest.raises(StorageError, match="cannot write"):
        append(tmp_path / "no" / "folder.jsonl", None, [], Arrangement(()))


def test_a_reward_is_what_the_member_took_up_soon_after() -> None:
    times = [START, START, START, START]
    log = pl.DataFrame({"member": ["a", "b", "c", None], "item": ["i01"] * 4, "time": times})
    rows = [("a", "i01", "click", START + timedelta(hours=2)), ("a", "i01", "buy", START + timedelta(hours=3))]
    rows += [
        ("b", "i01", "click", START + timedelta(days=3)),
        ("c", "i02", "click", START),
        ("c", "i01", "view", START),
    ]
    rows += [("c", "i01", "click", START - timedelta(hours=1))]
    events = community(rows).with_ids("events")
    assert rewarded(log, events).select("member", "reward").rows() == [("a", 1.0), ("b", 0.0), ("c", 0.0)]
    assert rewarded(log, events, within=timedelta(days=7))["reward"].to_list() == [1.0, 1.0, 0.0]


def test_the_value_of_another_policy_is_read_from_the_log_of_the_one_that_ran(tmp_path: Path) -> None:
    """Members take up i15 in 60% of cases, i16 in 20%, others never; the log tries all, the other policy i15 alone."""
    rates = dict.fromkeys(IDS, 0.0) | {"i15": 0.6, "i16": 0.2}
    path = tmp_path / "shown.jsonl"
    rng = np.random.default_rng(5)
    exploring = policy(Community.from_tables(ITEMS, pl.DataFrame(schema=EVENTS)), among=20, new_below=1)
    suited = np.where(np.arange(20) >= 15, SCORES, -np.inf).astype(np.float32)
    clicks = []
    for member in range(1500):
        arranged = exploring.apply(suited, np.isneginf(suited), 2)
        shown = [IDS[slot.item] for slot in arranged.slots]
        append(path, f"m{member}", shown, arranged)
        if tried(arranged) and rng.random() < rates[shown[1]]:
            clicks.append((f"m{member}", shown[1], "click", datetime.now(UTC) + timedelta(minutes=1)))
    log = rewarded(read_log(path), frame(clicks)).filter(pl.col("strategy") == "thompson")
    assert len(log) == 1500
    target = (log["item"] == "i15").cast(pl.Float64)
    assert abs(log["reward"].mean() - 0.6) > 0.4, "the mean of the log is the value of the policy that ran"
    for estimate in (ips(log["reward"], log["propensity"], target), snips(log["reward"], log["propensity"], target)):
        assert estimate.value == pytest.approx(0.6, abs=0.1)
        assert estimate.low < 0.6 < estimate.high
