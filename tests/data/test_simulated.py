"""The simulated bazaar: the same seed gives the same community, and what is planted can be seen in the data."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.columns import EventKind
from penchant.data.public import load
from penchant.data.readers import read
from penchant.data.simulated import Simulated, SimulatedAnswers, SimulatedConfig, simulate
from penchant.data.splits import last_split
from penchant.errors import ConfigError, ReadError
from penchant.language import written_language

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def bazaar() -> Simulated:
    return simulate(SimulatedConfig(events=60_000, seed=11))


def visited(simulated: Simulated) -> pl.DataFrame:
    """Item events with the planted interest of the item and all that is planted in the member."""
    community, answers = simulated.community, simulated.answers
    interest = answers.items["interest"]
    events = community.events.filter(pl.col("item").is_not_null())
    return events.with_columns(interest.gather(events["item"]).alias("interest")).join(
        answers.members.with_row_index("member"), on="member"
    )


def share_of(events: pl.DataFrame, simulated: Simulated, period: str) -> float:
    """Share of events whose interest is core or regular for their member in a period."""
    own = simulated.answers.tiers.filter(pl.col("period") == period, pl.col("tier") != "latent")
    mine = own.select("member_id", pl.col("interest").cast(pl.Int64), own=pl.lit(True))
    joined = events.join(mine, on=["member_id", "interest"], how="left")
    return float(joined["own"].fill_null(False).mean())


def test_the_same_seed_gives_the_same_community_and_another_another():
    small = SimulatedConfig(events=3000, seed=5)
    first, again = simulate(small), simulate(small)
    assert first.community.fingerprint() == again.community.fingerprint()
    assert first.answers.members.equals(again.answers.members)
    assert first.answers.tiers.equals(again.answers.tiers)
    other = simulate(SimulatedConfig(events=3000, seed=6))
    assert other.community.fingerprint("events") != first.community.fingerprint("events")


@pytest.mark.parametrize("events", [200, 1234, 20_000])
def test_there_are_exactly_as_many_events_as_asked_for(events):
    config = SimulatedConfig(events=events, seed=2)
    community = simulate(config).community
    assert len(community.events) == events
    assert (len(community.members), len(community.items)) == (config.member_count, config.item_count)
    assert community.events["at"][0] >= config.start
    assert community.now < config.start + config.days * DAY


@pytest.mark.parametrize(
    "extreme",
    [
        {"members": 1},
        {"members": 3000},
        {"items": 48, "language": "zh"},
        {"members": 30, "friends": 500},
        {"core_share": 0, "regular_share": 0, "latent_share": 0},
        {"core_share": 1, "regular_share": 0, "latent_share": 0, "session_focus": 1},
        {"days": 90, "drift_share": 0.9, "anomaly_share": 0.1, "labelled_texts": 0},
        {"drift_share": 0, "anomaly_share": 0, "friends": 0},
    ],
)
def test_extreme_configurations_still_make_a_bazaar(extreme):
    simulated = simulate(SimulatedConfig(events=300, **extreme))
    assert len(simulated.community.events) == 300
    assert np.allclose(simulated.answers.profiles("after").sum(axis=1), 1)


def test_no_labelled_text_stands_in_two_splits(bazaar):
    labels = bazaar.community.labels
    assert not labels["text"].is_duplicated().any()
    assert set(labels["split"]) == {"train", "dev", "test"}


def test_every_kind_of_event_is_there_and_carries_what_its_kind_has(bazaar):
    events = bazaar.community.events
    assert set(events["kind"].cast(pl.String)) == {kind.value for kind in EventKind}
    lacks = events.group_by("kind").agg(pl.col("item", "amount", "duration", "text").is_null().mean())
    lacking = {row["kind"]: row for row in lacks.iter_rows(named=True)}
    for kind, row in lacking.items():
        assert row["item"] == (1 if kind == "search" else 0)
        assert row["text"] == (0 if kind in ("search", "review") else 1)
        assert row["amount"] == (0 if kind in ("cart", "buy", "return", "rate", "review") else 1)
        assert row["duration"] == (0 if kind in ("view", "read", "play") else 1)


def test_nothing_is_done_with_an_item_before_it_exists(bazaar):
    events = bazaar.community.events.drop_nulls("item")
    created = bazaar.community.items["created_at"].gather(events["item"])
    assert (events["at"] >= created).all()
    assert (created > bazaar.answers.config.start).mean() > 0.1, "some items must be new for this to mean anything"


def test_steps_of_a_visit_come_in_order(bazaar):
    events = bazaar.community.events
    bought = events.filter(pl.col("kind") == "buy").select("member", "item", pl.col("at").alias("bought_at"))
    carted = events.filter(pl.col("kind") == "cart").group_by("member", "item").agg(pl.col("at").min())
    pairs = bought.join(carted, on=["member", "item"], how="left")
    assert pairs["at"].null_count() == 0
    assert (pairs["at"] < pairs["bought_at"]).all()


def test_members_and_items_are_unevenly_active_and_popular(bazaar):
    by_member = bazaar.community.events["member"].value_counts()["count"].sort(descending=True)
    by_item = bazaar.community.events["item"].drop_nulls().value_counts()["count"].sort(descending=True)
    assert by_member[: len(by_member) // 10].sum() / by_member.sum() > 0.25
    assert by_item[: len(by_item) // 5].sum() / by_item.sum() > 0.5


def test_members_come_at_the_hours_of_their_segment(bazaar):
    plain = visited(bazaar).filter(pl.col("anomaly") == "none").with_columns(pl.col("at").dt.hour().alias("hour"))
    numbers = dict(bazaar.answers.segments.select("en", "segment").iter_rows())
    early = (pl.col("hour") >= 5) & (pl.col("hour") <= 9)
    shares = dict(plain.group_by("segment").agg(early.mean()).iter_rows())
    assert shares[numbers["outdoor people"]] > 0.35
    assert shares[numbers["gadget fans"]] < 0.05


def test_texts_are_written_in_the_language_of_item_and_member(bazaar):
    answers = bazaar.answers
    written = [written_language(title) for title in bazaar.community.titles]
    assert np.mean(np.array(written) == answers.items["language"].to_numpy()) > 0.99
    assert set(written) == {"zh", "en"}
    for lang in ("zh", "en"):
        community = simulate(SimulatedConfig(events=500, language=lang)).community
        texts = [*community.titles, *community.labels["text"], *community.events["text"].drop_nulls()]
        assert np.mean([written_language(text) == lang for text in texts]) > 0.97


def test_texts_carry_the_interests(bazaar):
    """A bag of characters learned from the labelled texts finds the interest of unseen titles."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB

    answers, labels = bazaar.answers, bazaar.community.labels
    known = [answers.interest_of[path] for path in labels["labels"].list.first()]
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2))
    model = MultinomialNB(alpha=0.1).fit(words.fit_transform(labels["text"].to_list()), known)
    found = model.predict(words.transform(bazaar.community.titles))
    assert np.mean(found == answers.items["interest"].to_numpy()) > 0.7


def test_categories_are_the_paths_of_the_planted_interests(bazaar):
    answers = bazaar.answers
    paths = bazaar.community.items["categories"].list.first()
    assert [answers.interest_of[path] for path in paths] == answers.items["interest"].to_list()
    assert paths.str.contains(" > ", literal=True).all()


def test_visits_follow_the_planted_shares_of_core_regular_and_latent_interests(bazaar):
    config = bazaar.answers.config
    steady = visited(bazaar).filter(pl.col("drift") == "none", pl.col("anomaly") == "none", pl.col("kind") == "view")
    tiers = bazaar.answers.tiers.select("member_id", pl.col("interest").cast(pl.Int64), "tier")
    seen = steady.join(tiers, on=["member_id", "interest"], how="left")["tier"].fill_null("none")
    share = {tier: float((seen == tier).mean()) for tier in ("core", "regular", "latent")}
    # The crowd's share falls on own interests now and then.
    assert config.core_share - 0.03 < share["core"] < config.core_share + 0.08
    assert config.regular_share - 0.03 < share["regular"] < config.regular_share + 0.08
    assert config.latent_share - 0.02 < share["latent"] < config.latent_share + 0.03


@pytest.mark.parametrize("kind", ["abrupt", "gradual"])
def test_drifted_members_turn_to_new_interests_at_the_onset(bazaar, kind):
    drifted = visited(bazaar).filter(pl.col("drift") == kind, pl.col("severity") == 1)
    before = drifted.filter(pl.col("at") < pl.col("drift_at"))
    long_after = drifted.filter(pl.col("at") > pl.col("drift_at") + 60 * DAY)
    assert share_of(before, bazaar, "before") > 0.75
    assert share_of(before, bazaar, "after") < 0.2
    assert share_of(long_after, bazaar, "before") < 0.2
    assert share_of(long_after, bazaar, "after") > 0.75
    soon = drifted.filter(pl.col("at").is_between(pl.col("drift_at"), pl.col("drift_at") + 15 * DAY))
    new = share_of(soon, bazaar, "after")
    assert new > 0.7 if kind == "abrupt" else 0.1 < new < 0.5


@pytest.mark.parametrize(("kind", "days", "period"), [("blip", 14, None), ("seasonal", 40, 120)])
def test_blips_and_seasons_pass_and_seasons_come_back(bazaar, kind, days, period):
    drifted = visited(bazaar).filter(pl.col("drift") == kind, pl.col("severity") == 1)
    since = (pl.col("at") - pl.col("drift_at")).dt.total_seconds() / 86_400
    during = drifted.filter(since.is_between(0.5, days - 0.5))
    passed = drifted.filter(since.is_between(days + 0.5, (period or 90) - 0.5))
    assert share_of(during, bazaar, "after") > 0.7
    assert share_of(passed, bazaar, "after") < 0.25
    if period:
        again = drifted.filter(since.is_between(period + 0.5, period + days - 0.5))
        assert share_of(again, bazaar, "after") > 0.7


def test_a_milder_severity_changes_less():
    simulated = simulate(SimulatedConfig(events=30_000, seed=4, severity=(0.3,)))
    events = visited(simulated).filter(pl.col("drift") == "abrupt", pl.col("at") > pl.col("drift_at"))
    assert 0.2 < share_of(events, simulated, "after") < 0.45
    assert share_of(events, simulated, "before") > 0.5


def test_only_as_many_members_drift_or_are_odd_as_planted(bazaar):
    members, config = bazaar.answers.members, bazaar.answers.config
    assert (members["drift"] != "none").sum() == round(len(members) * config.drift_share)
    assert (members["anomaly"] != "none").sum() == round(len(members) * config.anomaly_share)
    assert members.filter(pl.col("drift") != "none", pl.col("anomaly") != "none").is_empty()
    assert ((members["drift"] == "none") == members["drift_at"].is_null()).all()


def like_ties(simulated: Simulated) -> tuple[float, float]:
    """Share of ties between members of one first interest, and the same for pairs at random."""
    answers = simulated.answers
    first = answers.tiers.filter(pl.col("period") == "before").group_by("member_id", maintain_order=True).first()
    of_row = answers.members.join(first, on="member_id", how="left", maintain_order="left")["interest"].to_numpy()
    ties = simulated.community.ties
    tied = of_row[ties["member"].to_numpy()] == of_row[ties["other"].to_numpy()]
    chance = np.bincount(of_row) / len(of_row)
    return float(tied.mean()), float((chance**2).sum())


def test_friends_share_interests_as_often_as_the_planted_homophily_says(bazaar):
    alike, chance = like_ties(bazaar)
    assert alike > 10 * chance
    assert 0.5 < alike < 0.7
    strong, _ = like_ties(simulate(SimulatedConfig(events=60_000, seed=11, homophily=0.9)))
    assert strong > alike + 0.2


def test_without_homophily_friends_share_no_more_than_chance():
    alike, chance = like_ties(simulate(SimulatedConfig(events=60_000, seed=11, homophily=0)))
    assert alike < 2 * chance


def test_no_pair_is_tied_twice_and_nobody_to_themselves(bazaar):
    ties = bazaar.community.ties
    low, high = pl.min_horizontal("member", "other"), pl.max_horizontal("member", "other")
    pairs = ties.select(low.alias("low"), high.alias("high"))
    assert not pairs.is_duplicated().any()
    assert (pairs["low"] < pairs["high"]).all()
    assert set(ties["kind"].cast(pl.String)) == {"friend", "follow", "block"}


def test_attributes_go_with_the_segment_and_are_known_of_some(bazaar):
    truth = bazaar.answers.members
    shown = bazaar.community.members
    known = shown["age_band"].is_not_null()
    assert 0.6 < known.mean() < 0.8
    assert (shown["age_band"].filter(known) == truth["age_band"].filter(known)).all()
    assert (shown["buyer_kind"].filter(known) == truth["buyer_kind"].filter(known)).all()
    table = truth.group_by("segment").agg(pl.col("age_band").is_in(["45-59", "60+"]).mean().alias("older"))
    assert table["older"].max() > 0.5
    assert table["older"].min() < 0.12


def test_kinds_of_buyers_behave_as_they_are_called(bazaar):
    plain = visited(bazaar).filter(pl.col("anomaly") == "none")
    bought = plain.group_by("buyer_kind").agg((pl.col("kind") == "buy").mean().alias("share"))
    share = dict(bought.iter_rows())
    assert share["regular"] > 2 * share["browser"]
    levels = bazaar.answers.items["price_level"].gather(plain["item"]).alias("level")
    level = dict(plain.with_columns(levels).group_by("buyer_kind").agg(pl.col("level").mean()).iter_rows())
    assert level["bargain"] < level["browser"] - 0.2


def test_odd_members_are_odd_in_the_way_that_is_said():
    simulated = simulate(SimulatedConfig(events=60_000, seed=3, anomaly_share=0.04))
    events = visited(simulated)
    odd = {
        name: part.filter(pl.col("at") >= pl.col("anomaly_from"))
        for (name,), part in events.partition_by("anomaly", as_dict=True).items()
    }
    plain = events.filter(pl.col("anomaly") == "none")
    pauses = odd["bot"].sort("member", "at").select(pl.col("at").diff().over("member").dt.total_seconds()).to_series()
    assert pauses.median() == 2
    returned = (odd["returner"]["kind"] == "return").sum() / (odd["returner"]["kind"] == "buy").sum()
    assert returned > 0.6 > 0.3 > (plain["kind"] == "return").sum() / (plain["kind"] == "buy").sum()
    ring = odd["review ring"]
    assert set(ring["kind"].cast(pl.String)) == {"review"}
    assert set(ring["amount"]) == {5.0}
    assert simulated.community.items["seller"].gather(ring["item"]).n_unique() <= 2, "one seller, in two languages"
    assert ring["text"].n_unique() <= 2
    taken = odd["takeover"]
    assert taken["at"].dt.hour().is_between(2, 5).mean() > 0.9
    assert (taken["kind"] == "buy").mean() > 2 * (plain["kind"] == "buy").mean()


def test_stars_and_review_texts_go_together(bazaar):
    reviews = visited(bazaar).filter(pl.col("kind") == "review", pl.col("anomaly") == "none")
    blame = reviews["text"].str.contains("Disappointed|Poor quality|Waste|Do not buy|失望了|做工很差|完全不符|别买")
    assert blame.filter(reviews["amount"] <= 2).all()
    assert not blame.filter(reviews["amount"] >= 3).any()
    quality = bazaar.answers.items["quality"].gather(reviews["item"])
    assert np.corrcoef(quality.to_numpy(), reviews["amount"].to_numpy())[0, 1] > 0.3


def test_an_oracle_that_knows_the_interests_ranks_far_better_than_popularity():
    simulated = simulate(SimulatedConfig(events=40_000, seed=8, drift_share=0))
    split = last_split(simulated.community, seed=0, unseen=True)
    test = split.test.events.unique("member", keep="first", maintain_order=True)
    member, item = (test[name].to_numpy().astype(np.int64) for name in ("member", "item"))
    seen = np.zeros((len(simulated.community.members), len(simulated.community.items)), dtype=bool)
    known = split.fit.events.drop_nulls("item")
    seen[known["member"].to_numpy(), known["item"].to_numpy()] = True

    def hits(scores: np.ndarray) -> float:
        scores = np.where(seen[member], -np.inf, scores)
        target = scores[np.arange(len(member)), item]
        return float(((scores > target[:, None]).sum(axis=1) < 10).mean())

    popularity = np.bincount(known["item"].to_numpy(), minlength=seen.shape[1]).astype(float)
    oracle = hits(simulated.answers.affinity(member))
    popular = hits(np.broadcast_to(popularity, (len(member), len(popularity))))
    assert popular > 0.005
    assert oracle > 3 * popular
    assert oracle > 0.12


def test_profiles_add_up_to_one_and_change_for_drifting_members_alone(bazaar):
    answers = bazaar.answers
    before, after = answers.profiles("before"), answers.profiles("after")
    assert np.allclose(before.sum(axis=1), 1)
    assert np.allclose(after.sum(axis=1), 1)
    changed = np.abs(before - after).max(axis=1) > 0.01
    assert (changed == (answers.members["drift"] != "none").to_numpy()).all()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_written_bazaar_is_read_back_the_same(tmp_path, form):
    simulated = simulate(SimulatedConfig(events=1500, seed=9))
    simulated.write(tmp_path / "bazaar", form)
    community = read(tmp_path / "bazaar")
    for name, table in simulated.community.tables().items():
        if name == "events":
            # Readers may sort events of one moment differently; the rows are the same.
            order = ["at", "member", "kind", "item"]
            assert community.events.sort(order).equals(table.sort(order)), name
        else:
            assert community.tables()[name].equals(table), name
    answers = SimulatedAnswers.load(tmp_path / "bazaar" / "answers")
    assert answers.config == simulated.answers.config
    for name in ("members", "tiers", "items", "interests", "segments"):
        assert getattr(answers, name).equals(getattr(simulated.answers, name)), name
    assert load(tmp_path / "bazaar").fingerprint("items") == simulated.community.fingerprint("items")


def test_a_wrong_form_and_a_folder_without_answers_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="a community is written as csv, jsonl, parquet; got 'xlsx'"):
        simulate(SimulatedConfig(events=200)).write(tmp_path, "xlsx")
    with pytest.raises(ReadError, match="does not hold the answers of a simulated community"):
        SimulatedAnswers.load(tmp_path)


def test_a_bazaar_is_named_by_its_size():
    assert load("simulated:1_000").fingerprint() == simulate(SimulatedConfig(events=1000)).community.fingerprint()
    for name in ("simulated:", "simulated:many", "simulated:3"):
        with pytest.raises(ConfigError, match="names no number of events from 200 up"):
            load(name)


def test_shares_that_add_up_to_more_than_one_are_refused():
    with pytest.raises(ValueError, match=r"core, regular and latent interests add up to 1.09; at most 1"):
        SimulatedConfig(core_share=0.8)
    with pytest.raises(ValueError, match=r"severity must be above 0 and at most 1; got \(0.0,\)"):
        SimulatedConfig(severity=(0.0,))
