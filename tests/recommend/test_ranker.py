from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.splits import Split, last_split
from penchant.data.strata import SCHEMA, Strata
from penchant.errors import ArtifactError, ConfigError, NotFittedError, TooLittleDataError
from penchant.recommend import RecommendConfig, Recommender, evaluate, fit, train
from penchant.recommend.lesson import Lesson
from penchant.recommend.person import Person
from penchant.recommend.ranker import FILE, Ranker, RankerConfig
from penchant.recommend.recipe import Fitted
from penchant.recommend.setup import Setup
from penchant.training.options import Options

START = datetime(2026, 1, 5, tzinfo=UTC)
KINDS = ("kitchen", "camping", "dress", "toys")
MEMBERS = 120
OPTIONS = Options(threads=1)
RANKER = RankerConfig(rounds=0, trees=60, learning_rate=0.1, least_rows=5, fewest=100)
CONFIG = RecommendConfig(
    sources=("popularity", "neighbours", "cooccurrence"), tuning="none", ranker=RANKER, per_source=40
)


def shop(kind_of_choice: str) -> Community:
    """Members do five things by chance, then two that follow a rule which no behaviour gives away.

    Under `tier` the two are of the member's own kind, member m's being m % 4; under `hour` they are dear for members
    who come in the evening and cheap for those who come in the morning; under `segment` they are two of three things
    that the members m % 4 like, as is one of the five before; under `chance` there is no rule.
    """
    rng = np.random.default_rng(3)
    names = [f"{kind}-{number}" for kind in KINDS for number in range(10)]
    prices = np.where(np.arange(len(names)) % 2, 5.0, 500.0)
    items = pl.DataFrame(
        {
            "item_id": names, "title": names, "price": prices,
            "categories": [[name.split("-")[0]] for name in names],
        }
    )  # fmt: skip
    rows = []
    for member in range(MEMBERS):
        hour = 9 if member % 3 == 0 else 21
        pool = np.arange(len(names))
        if kind_of_choice == "tier":
            pool = pool[pool // 10 == member % 4]
        elif kind_of_choice == "hour":
            pool = pool[(prices > 100) == (hour == 21)]
        elif kind_of_choice == "segment":
            pool = np.arange(3) + 10 * (member % 4)
        chosen = rng.choice(pool, 2, replace=False)
        before = rng.choice(np.setdiff1d(np.arange(len(names)), chosen), 5, replace=False)
        if kind_of_choice == "segment":
            before[0] = np.setdiff1d(pool, chosen)[0]
            before[1:] = rng.choice(np.setdiff1d(np.arange(len(names)), pool), 4, replace=False)
        for day, item in enumerate([*before, *chosen]):
            rows.append((f"m{member:03}", names[item], "buy", START + timedelta(days=day, hours=hour, minutes=member)))
    return Community.from_tables(items, pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"))


def told(community: Community) -> Strata:
    """Everyone's own kind is a core interest."""
    rows = pl.DataFrame(
        [
            {
                "member": member, "label": member % 4, "tier": "core",
                "share": 0.8, "lower": 0.7, "upper": 0.9, "evidence": [],
            }
            for member in range(MEMBERS)
        ],
        schema=SCHEMA,
    )  # fmt: skip
    return Strata(community.member_ids, KINDS, rows, np.ones(MEMBERS), 1.0)


def learned(kind: str, *, verdicts: bool = False, **settings: object) -> tuple[Fitted, Split]:
    community = shop(kind)
    split = last_split(community, seed=0)
    config = CONFIG.model_copy(update={"ranker": RANKER.model_copy(update=settings)})
    return fit(split.train, split.validation, config, OPTIONS, verdicts=told(community) if verdicts else None), split


def found(model: Recommender, split: Split) -> float:
    return evaluate(model, split, k=10).metrics.means["hit@10"]


@pytest.fixture(scope="module")
def by_tier() -> tuple[Fitted, Split]:
    return learned("tier", verdicts=True)


def test_what_only_the_tiers_tell_is_found_and_the_blend_fails(by_tier: tuple[Fitted, Split]) -> None:
    fitted, split = by_tier
    model = fitted.recommender
    blend, ranked = found(model.with_ranker(None), split), found(model, split)
    oracle = 1.0  # ten of a kind, at least one of them seen
    assert blend < 0.5
    assert ranked > 0.9 * oracle
    assert model.ranker is not None
    assert next(iter(model.ranker.importance())) == "core interest"
    assert fitted.verdict is not None
    assert fitted.verdict.used
    assert fitted.verdict.told().startswith("a ranker orders the candidates: NDCG ")
    answer = model.recommend("m001", 5)
    assert answer.strategy.endswith("; ordered by a ranker")
    assert {pick.item_id.split("-")[0] for pick in answer} == {"camping"}
    assert "ordered by a ranker" not in model.recommend_for(k=2).strategy


def test_without_the_verdicts_there_is_nothing_to_find_and_the_blend_stays() -> None:
    fitted, _ = learned("tier")
    assert fitted.verdict is not None
    assert not fitted.verdict.used
    assert "not surely better" in fitted.verdict.told("en")
    assert "不足以确认更好" in fitted.verdict.told("zh")
    assert fitted.ranker is not None
    assert fitted.recommender.ranker is None
    assert "ranker" not in fitted.recommender.recommend("m001", 3).strategy


def test_what_only_the_hour_tells_is_found() -> None:
    fitted, split = learned("hour")
    ranked = evaluate(fitted.recommender, split, k=10)
    blend = evaluate(fitted.recommender.with_ranker(None), split, k=10)
    assert fitted.recommender.ranker is not None
    assert ranked.metrics.means["ndcg@10"] > 1.3 * blend.metrics.means["ndcg@10"]
    dear = np.arange(40) % 2 == 0
    evening = ranked.members % 3 > 0
    assert (dear[ranked.ranked] == evening[:, None]).mean() > 0.8
    assert (dear[blend.ranked] == evening[:, None]).mean() < 0.7


def test_chance_is_not_taken_for_a_rule_unless_little_certainty_is_wanted() -> None:
    sure, _ = learned("chance", confidence=0.99)
    assert sure.verdict is not None
    assert not sure.verdict.used
    wide, narrow = sure.verdict, learned("chance", confidence=0.1)[0].verdict
    assert narrow is not None
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_too_few_members_keep_the_blend_and_are_told_so() -> None:
    fitted, _ = learned("tier", verdicts=True, fewest=MEMBERS + 1)
    assert fitted.ranker is fitted.recommender.ranker is None
    assert fitted.verdict is not None
    assert fitted.verdict.told() == (
        "the blend orders the candidates: a ranker is learned from 121 members held out, and there are 120"
    )
    assert fitted.setup.verdict == fitted.verdict
    assert fitted.setup.ranker is None


def test_off_nothing_is_learned() -> None:
    fitted, _ = learned("tier", verdicts=True, enabled=False)
    assert fitted.recommender.ranker is None
    assert fitted.verdict is None


def test_only_so_many_candidates_are_put_in_order(by_tier: tuple[Fitted, Split]) -> None:
    fitted, split = by_tier
    batch = histories(split.fit)
    shut = batch.touched(40)
    members = np.arange(MEMBERS)
    model = fitted.recommender
    shallow = model.config.model_copy(update={"ranker": RANKER.model_copy(update={"depth": 3})})
    few = Recommender(
        model.community, model.sources, model.weights, shallow,
        cold=model.cold, ranker=model.ranker, verdicts=model.verdicts,
    )  # fmt: skip
    blend = model.with_ranker(None).rank(batch, shut, 3)
    top = few.rank(batch, shut, 3, members=members)
    assert [set(row) for row in top] == [set(row) for row in blend]
    assert (top != blend).any()
    assert found(few, split) < found(model, split)


def test_rounds_give_more_to_learn_from(by_tier: tuple[Fitted, Split]) -> None:
    first, more = by_tier[0].ranker, learned("tier", verdicts=True, rounds=1)[0].ranker
    assert first is not None
    assert more is not None
    assert first.state().trees != more.state().trees


def lesson(seed: int = 0, *, members: int = 100, noise: bool = False) -> Lesson:
    """Twenty candidates for each member, of which they chose the one whose second feature is largest, or any."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(members * 20, 3)).astype(np.float32)
    leader = (rng.random((members, 20)) if noise else rows[:, 1].reshape(members, 20)).argmax(axis=1)
    chosen = np.zeros((members, 20), dtype=np.float32)
    chosen[np.arange(members), leader] = 1
    return Lesson(
        rows, rows[:, 0], chosen.ravel(), np.full(members, 20), np.ones(members, dtype=np.int64), np.arange(members)
    )


def fitted_on(lessons: list[Lesson], options: Options = OPTIONS, **settings: object) -> Ranker:
    ranker = Ranker(("blend", "hour", "weekday"), RANKER.model_copy(update=settings))
    ranker.fit(lessons, options)
    return ranker


def test_a_planted_feature_is_found_and_leads_the_importance() -> None:
    taught, fresh = lesson(0), lesson(1)
    ranker = fitted_on([taught])
    assert next(iter(ranker.importance())) == "hour"
    assert sum(ranker.importance().values()) == pytest.approx(1)
    after = fresh.ndcg(fresh.blended + ranker.correct(fresh.rows), 10).mean()
    assert after > 0.8
    assert fresh.ndcg(fresh.blended, 10).mean() < 0.5
    assert fresh.ndcg(fresh.rows[:, 1], 10).mean() == 1


def test_nobody_is_judged_by_trees_that_saw_their_choices() -> None:
    # The further lesson holds the very same choices: trees that saw them would know them by heart.
    once = lesson(noise=True)
    settings = RANKER.model_copy(update={"trees": 200, "least_rows": 1, "leaves": 63})
    verdict = Ranker(("blend", "hour", "weekday"), settings).fit([once, once], OPTIONS)
    assert verdict.ranked is not None
    assert verdict.ranked < 0.4


@pytest.mark.parametrize(
    "settings", [{"trees": 20}, {"leaves": 3}, {"learning_rate": 0.02}, {"least_rows": 200}], ids=str
)
def test_each_setting_of_the_trees_changes_what_they_say(settings: dict[str, float]) -> None:
    rows = lesson(1).rows
    assert not np.allclose(fitted_on([lesson()]).correct(rows), fitted_on([lesson()], **settings).correct(rows))


def test_the_same_seed_grows_the_same_trees_and_another_does_not() -> None:
    first, again, other = (fitted_on([lesson()], Options(seed=seed, threads=1)).state() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_what_any_source_likes_better_never_counts_against_an_item() -> None:
    ranker = fitted_on([lesson()])
    rows = lesson(1).rows[:50]
    higher = rows + np.array([1, 0, 0], dtype=np.float32)
    assert (ranker.correct(higher) >= ranker.correct(rows)).all()


def test_before_anything_is_learned_it_says_so_and_where_nothing_can_be() -> None:
    ranker = Ranker(("blend", "hour", "weekday"), RANKER)
    with pytest.raises(NotFittedError, match="the ranker has learned nothing yet"):
        ranker.correct(lesson().rows)
    once = lesson()
    nothing = Lesson(once.rows, once.blended, 0 * once.chosen, once.lengths, once.relevant, once.members)
    with pytest.raises(TooLittleDataError, match="no member chose any of their candidates"):
        ranker.fit([nothing], OPTIONS)


def test_saved_and_loaded_it_answers_the_same(by_tier: tuple[Fitted, Split], tmp_path: Path) -> None:
    model = by_tier[0].recommender
    model.save(tmp_path)
    back = Recommender.load(tmp_path, model.community, verdicts=model.verdicts)
    for member in ("m000", "m037"):
        assert back.recommend(member, 10) == model.recommend(member, 10)
    assert back.ranker is not None
    assert model.ranker is not None
    assert back.ranker.importance() == model.ranker.importance()
    with pytest.raises(ConfigError, match=r"other features .*core interest.*hand in the verdicts"):
        Recommender.load(tmp_path, model.community)
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().replace("tree", "bush", 1))
    with pytest.raises(ArtifactError, match=r"ranker\.txt has changed"):
        Recommender.load(tmp_path, model.community, verdicts=model.verdicts)
    without = model.with_ranker(None)
    without.save(tmp_path)
    assert Recommender.load(tmp_path, model.community).recommend("m037", 5) == without.recommend("m037", 5)


def test_other_weights_come_without_the_ranker_learned_over_the_old(by_tier: tuple[Fitted, Split]) -> None:
    model = by_tier[0].recommender
    assert model.with_weights({"popularity": 1.0}).ranker is None
    assert model.on(by_tier[1].fit).ranker is model.ranker


def test_a_setup_carries_the_ranker(by_tier: tuple[Fitted, Split]) -> None:
    fitted, split = by_tier
    setup = Setup.model_validate_json(fitted.setup.model_dump_json())
    community = shop("tier")
    model = train(community, fitted.recommender.config, OPTIONS, setup=setup, verdicts=told(community))
    assert model.ranker is not None
    assert fitted.ranker is not None
    rows = np.eye(len(model.features), dtype=np.float32)
    np.testing.assert_array_equal(model.ranker.correct(rows), fitted.ranker.correct(rows))
    assert {pick.item_id.split("-")[0] for pick in model.recommend("m002", 3)} == {"dress"}
    off = fitted.recommender.config.model_copy(update={"ranker": RankerConfig(enabled=False)})
    assert train(community, off, OPTIONS, setup=setup).ranker is None
    assert len(split.train.events)


def test_named_evidence_is_missed_by_the_rankers_score() -> None:
    fitted, split = learned("hour")
    model = fitted.recommender.on(split.fit)
    assert model.ranker is not None
    named = 0
    for member in range(0, MEMBERS, 8):
        person = Person.member(model.community, f"m{member:03}", model.config.event_weights)
        for pick in model.recommend(f"m{member:03}", 5):
            row = model.community.item_ids.row(pick.item_id)
            assert pick.score == pytest.approx(model.score(person, row), abs=1e-5)
            for evidence in pick.evidence:
                if evidence.item_id is not None:
                    named += 1
                    without = person.without(model.community.item_ids.row(evidence.item_id))
                    assert model.score(without, row) < pick.score
    assert named > 10
