"""From a community to tiers: every source of labels, planted interests found, feelings weighed, saved and loaded."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_texts import CharacterEncoder, planted

from penchant.data.community import Community
from penchant.data.simulated import Simulated, SimulatedConfig, simulate
from penchant.data.strata import Strata
from penchant.errors import ArtifactError, TooLittleDataError, UnknownIdError
from penchant.interests.interests import Interests, InterestsConfig, LabelSource
from penchant.interests.labeller import LabellerConfig
from penchant.interests.recipe import train
from penchant.interests.sentiment import Sentiment
from penchant.interests.whole import facts, learn, stratify

SPELLING = LabellerConfig(names=False, meaning=False, folds=2)
QUICK = InterestsConfig(labeller=SPELLING)
"""No language model anywhere."""
NONE = pl.lit(None, dtype=pl.List(pl.String)).alias("categories")


@pytest.fixture(scope="module")
def bazaar() -> Simulated:
    return simulate(
        SimulatedConfig(events=6_000, members=30, drift_share=0, anomaly_share=0, language="en", labelled_texts=8)
    )


@pytest.fixture(scope="module")
def labelled(bazaar: Simulated) -> Interests:
    """What labelled texts alone tell: the items have no categories."""
    return learn(uncategorised(bazaar.community), QUICK)


def uncategorised(community: Community) -> Community:
    return replace(community, items=community.items.with_columns(NONE))


def unlabelled(community: Community) -> Community:
    return replace(community, labels=community.labels.clear())


def planted_found(bazaar: Simulated, strata: Strata) -> tuple[float, float]:
    """Share of strong planted core interests that are told, and share of the core leaves told that were planted."""
    interest_of, planted_in = bazaar.answers.interest_of, set(bazaar.answers.tiers["member_id", "interest"].iter_rows())
    strong = bazaar.answers.tiers.filter((pl.col("tier") == "core") & (pl.col("share") >= 0.15))
    found = [
        interest in {interest_of.get(one.label) for one in (*strata[member].core, *strata[member].regular)}
        for member, interest in strong["member_id", "interest"].iter_rows()
    ]
    told = [
        (member, interest_of[one.label]) in planted_in
        for member in bazaar.community.member_ids.ids
        for one in strata[member].core
        if one.label in interest_of
    ]
    assert len(found) >= 25
    assert len(told) >= 15
    return float(np.mean(found)), float(np.mean(told))


def test_planted_core_interests_are_told_from_categories(bazaar: Simulated) -> None:
    interests = learn(unlabelled(bazaar.community), QUICK)
    recall, precision = planted_found(bazaar, interests.strata)
    assert recall > 0.85
    assert precision > 0.95
    assert interests.labeller is None
    assert interests.source.name == "categories"


def test_planted_core_interests_are_told_from_labelled_texts(bazaar: Simulated, labelled: Interests) -> None:
    recall, precision = planted_found(bazaar, labelled.strata)
    assert recall > 0.8
    assert precision > 0.95
    leaves = labelled.taxonomy.leaf_rows
    best = leaves[np.asarray(labelled.item_labels[:, leaves].argmax(1)).ravel()]
    right = [
        bazaar.answers.interest_of[labelled.taxonomy.labels[row]] == interest
        for row, interest in zip(best, bazaar.answers.items["interest"], strict=True)
    ]
    assert np.mean(right) > 0.9
    assert labelled.source.labelled == len(bazaar.community.items)
    assert labelled.source.taught == labelled.labeller.report.texts  # type: ignore[union-attr]


def test_labels_come_before_categories_and_these_before_what_is_found(bazaar: Simulated) -> None:
    small = shop_of_texts()
    assert learn(small, QUICK).source.name == "labels"
    assert learn(unlabelled(small), QUICK).source.name == "categories"
    bare = uncategorised(unlabelled(small))
    found = learn(bare, QUICK, encoder=CharacterEncoder())
    assert found.source.name == "discovered"
    assert found.discovery is not None
    assert found.taxonomy == found.discovery.taxonomy
    told = [label is not None for label in found.discovery.labels]
    assert np.array_equal(np.asarray((found.item_labels > 0).sum(1)).ravel() > 0, told)
    assert found.source.labelled == sum(told)


@pytest.mark.parametrize("source", ["labels", "categories", "discovered"])
def test_the_settings_name_the_source_and_the_tree_follows(source: str) -> None:
    small = shop_of_texts()
    config = InterestsConfig(labeller=SPELLING, source=source)
    interests = learn(small, config, encoder=CharacterEncoder())
    assert (interests.source.name, interests.source.chosen) == (source, True)
    assert ("shelf" in interests.taxonomy) == (source == "categories")
    assert ("水果 > 苹果" in interests.taxonomy) == (source == "labels")
    assert "as the settings say" in interests.source.why()


@pytest.mark.parametrize(
    ("source", "lacking"), [("labels", "no row of the labels table"), ("categories", "no item has one")]
)
def test_a_source_that_is_not_there_is_told(source: str, lacking: str) -> None:
    bare = uncategorised(unlabelled(shop_of_texts()))
    with pytest.raises(TooLittleDataError, match=lacking):
        learn(bare, InterestsConfig(source=source, labeller=SPELLING))


def test_own_categories_and_labels_by_item_id_are_facts() -> None:
    small = shop_of_texts()
    items = small.items.with_columns(
        pl.Series("categories", [["水果>香蕉"] if row == 3 else ["shelf"] for row in range(len(small.items))])
    )
    extra = pl.DataFrame(
        {"text": [None], "item_id": ["p5"], "labels": [["books 📚"]], "split": [None]}, schema=small.labels.schema
    )
    community = replace(small, items=items, labels=pl.concat([small.labels, extra]))
    interests = learn(community, QUICK)
    assert facts(community, interests.taxonomy) == {3: ["水果 > 香蕉"], 5: ["books 📚"]}
    columns = {label: interests.taxonomy.row(label) for label in ("水果", "水果 > 香蕉", "books 📚")}
    assert interests.item_labels[3, columns["水果"]] == interests.item_labels[3, columns["水果 > 香蕉"]] == 1
    assert interests.item_labels[5, columns["books 📚"]] == 1
    assert interests.item_labels[5].nnz == 1
    assert interests.source.known == 2


def test_items_without_categories_are_labelled_by_those_with(bazaar: Simulated) -> None:
    community = unlabelled(bazaar.community)
    rows = np.arange(len(community.items))
    lost = community.items.with_columns(
        pl.when(pl.Series(rows % 10 == 0)).then(NONE).otherwise(pl.col("categories")).alias("categories")
    )
    interests = learn(replace(community, items=lost), QUICK)
    leaves = interests.taxonomy.leaf_rows
    best = leaves[np.asarray(interests.item_labels[rows % 10 == 0][:, leaves].argmax(1)).ravel()]
    truth = community.items["categories"].list.first().to_list()[::10]
    assert np.mean([interests.taxonomy.labels[row] == path for row, path in zip(best, truth, strict=True)]) > 0.8
    assert interests.source.labelled == len(truth)
    assert 500 < interests.source.taught <= interests.source.known == len(rows) - len(truth)
    few = learn(replace(community, items=lost), QUICK.model_copy(update={"teachers": 100}))
    assert few.source.taught <= 100


def test_the_same_seed_gives_the_same_interests(bazaar: Simulated, labelled: Interests) -> None:
    again = learn(uncategorised(bazaar.community), QUICK)
    assert (again.item_labels != labelled.item_labels).nnz == 0
    assert again.strata.table.equals(labelled.strata.table)


def test_interests_come_back_as_they_were_saved(labelled: Interests, tmp_path: Path) -> None:
    labelled.save(tmp_path)
    loaded = Interests.load(tmp_path)
    assert (loaded.item_labels != labelled.item_labels).nnz == 0
    assert loaded.strata.table.equals(labelled.strata.table)
    assert (loaded.source, loaded.config, loaded.taxonomy) == (labelled.source, labelled.config, labelled.taxonomy)
    texts = ["a quiet double-door fridge", ""]
    assert loaded.labeller is not None
    assert labelled.labeller is not None
    assert np.array_equal(loaded.labeller.probabilities(texts), labelled.labeller.probabilities(texts))
    (tmp_path / "labeller" / "arrays.safetensors").write_bytes(b"gone bad")
    # Tiers are told without the labeller, whose damage shows when it is asked for.
    damaged = Interests.load(tmp_path)
    assert damaged.has_labeller
    with pytest.raises(ArtifactError, match="has changed since it was saved"):
        _ = damaged.labeller


def test_a_labeller_of_ones_own_gives_the_same_tiers(bazaar: Simulated, labelled: Interests) -> None:
    community = uncategorised(bazaar.community)
    labeller = train(community, SPELLING, unlabelled=community.item_texts)
    assert stratify(community, labeller).table.equals(labelled.strata.table)
    assert stratify(bazaar.community)["m000000"].interests


# -- feelings --


def rated(stars: list[float | None], texts: list[str | None], labels: pl.DataFrame | None = None) -> Community:
    """One member who was given a kettle and a tent in turn, and what they said of each."""
    start = datetime(2026, 1, 1)
    events = pl.DataFrame(
        {
            "member_id": ["m"] * 40,
            "item_id": ["kettle", "tent"] * 20,
            "kind": ["rate" if stars[0] else "review"] * 40,
            "at": [start + timedelta(days=row) for row in range(40)],
            "amount": pl.Series(stars * 20, dtype=pl.Float64),
            "text": pl.Series(texts * 20, dtype=pl.String),
        }
    )
    items = pl.DataFrame(
        {"item_id": ["kettle", "tent"], "title": ["Kettle", "Tent"], "categories": [["Home"], ["Outdoor"]]}
    )
    return Community.from_tables(items, events, labels=labels)


def shares(community: Community, *, sentiment: bool) -> dict[str, float]:
    config = InterestsConfig(labeller=SPELLING, source="categories", sentiment=sentiment)
    return {one.label: one.share for one in learn(community, config).strata["m"].interests}


def test_what_is_rated_badly_is_no_interest_unless_feelings_are_left_out() -> None:
    community = rated([1.0, 5.0], [None, None])
    weighed, plain = shares(community, sentiment=True), shares(community, sentiment=False)
    assert weighed["Outdoor"] > 0.9
    assert plain["Outdoor"] == pytest.approx(plain["Home"], abs=0.05)


def test_what_is_written_badly_of_is_no_interest_where_labels_tell_praise_from_blame() -> None:
    praise = [f"{word} and {other}" for word in ("lovely", "great", "perfect") for other in ("sturdy", "warm")]
    blame = [f"{word} and {other}" for word in ("broken", "awful", "useless") for other in ("leaky", "cold")]
    labels = pl.DataFrame(
        {"text": [*praise, *blame], "labels": [["positive"]] * len(praise) + [["negative"]] * len(blame)}
    )
    community = rated([None, None], ["awful, leaky", "perfect, sturdy"], labels)
    weighed, plain = shares(community, sentiment=True), shares(community, sentiment=False)
    assert weighed["Outdoor"] > plain["Outdoor"] + 0.1
    # Feelings are no subjects: with no other labels, labels come from the categories.
    interests = learn(community, QUICK)
    assert interests.taxonomy.labels == ("Home", "Outdoor")
    assert interests.source.felt == 40


# -- what is handed in badly --


def test_contradictory_labels_are_counted_and_learned_from() -> None:
    small = shop_of_texts()
    fruit = small.labels.filter(pl.col("labels").list.first() == "水果 > 苹果").head(4)
    twice = fruit.with_columns(pl.Series("labels", [["books 📚"]] * 4))
    interests = learn(replace(small, labels=pl.concat([small.labels, twice])), QUICK)
    assert interests.labeller is not None
    assert interests.labeller.report.contradictory == 4
    assert interests.labeller.label(["脆甜 苹果汁 昨天"]).labels(0) == ("水果 > 苹果",)


def test_labels_of_an_item_that_is_not_there_are_an_error() -> None:
    small = shop_of_texts()
    stray = pl.DataFrame(
        {"text": [None], "item_id": ["nowhere"], "labels": [["水果 > 苹果"]], "split": [None]},
        schema=small.labels.schema,
    )
    with pytest.raises(UnknownIdError, match="the labels name the item 'nowhere'"):
        learn(replace(small, labels=pl.concat([small.labels, stray])), QUICK)


def test_unknown_members_are_an_error(labelled: Interests) -> None:
    with pytest.raises(UnknownIdError, match="no member has the id 'nobody'"):
        labelled.strata["nobody"]


def test_an_item_without_a_text_is_about_nothing() -> None:
    small = shop_of_texts()
    items = small.items.with_columns(
        pl.when(pl.col("item_id") == "p0").then(pl.lit(" ")).otherwise(pl.col("title")).alias("title")
    )
    interests = learn(uncategorised(replace(small, items=items)), QUICK)
    assert interests.item_labels[0].nnz == 0
    assert interests.item_labels[1].nnz > 0


@pytest.mark.parametrize("name", ["labels", "categories", "discovered"])
@pytest.mark.parametrize("chosen", [True, False])
def test_the_source_is_told_in_both_languages_with_its_numbers(name, chosen) -> None:
    source = LabelSource(name, chosen, items=4321, known=1234, labelled=987, taught=55)
    told = {"labels": "987", "categories": "1,234", "discovered": "987"}[name]
    assert told in source.why("en")
    assert told in source.why("zh")
    assert ("settings" in source.why("en")) == ("按设置" in source.why("zh")) == chosen


def shop_of_texts() -> Community:
    """120 items on one shelf whose titles speak of four subjects, labelled texts of these, and a member for each."""
    texts = planted(30)
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(len(texts))],
            "title": list(texts.texts),
            "categories": [["shelf"] if row % 2 else ["drawer"] for row in range(len(texts))],
        }
    )
    start = datetime(2026, 1, 1)
    events = pl.DataFrame(
        {
            "member_id": [f"m{row % 4}" for row in range(len(texts))],
            "item_id": items["item_id"],
            "kind": ["buy"] * len(texts),
            "at": [start + timedelta(hours=row) for row in range(len(texts))],
        }
    )
    known = planted(12, seed=9)
    labels = pl.DataFrame({"text": list(known.texts), "labels": [list(answers[0]) for answers in known.given]})
    return Community.from_tables(items, events, labels=labels)


def test_a_member_is_judged_anew_as_a_build_would(bazaar: Simulated, tmp_path: Path) -> None:
    learned = learn(bazaar.community, QUICK)
    learned.save(tmp_path)
    loaded = Interests.load(tmp_path)
    events = bazaar.community.with_ids("events")
    for member in bazaar.community.member_ids.ids.head(5):
        history = events.filter(pl.col("member_id") == member)
        assert loaded.fresh(bazaar.community.items, member, history) == learned.strata[member]


def test_fresh_events_change_the_tiers_at_once(bazaar: Simulated) -> None:
    learned, community = learn(bazaar.community, QUICK), bazaar.community
    member = community.member_ids.ids[0]
    untouched = next(
        label for label in learned.taxonomy.leaves if label not in {one.label for one in learned.strata[member].core}
    )
    about = np.flatnonzero(learned.item_labels[:, learned.taxonomy.row(untouched)].toarray().ravel() > 0.5)
    events = community.with_ids("events")
    history = events.filter(pl.col("member_id") == member)
    bought = history.head(1).with_columns(kind=pl.lit("buy").cast(history.schema["kind"]))
    fresh = [
        bought.with_columns(
            item_id=pl.lit(community.item_ids.id(int(about[turn % len(about)]))),
            at=pl.lit(events["at"].max()).cast(history.schema["at"]) + timedelta(days=turn + 1),
        )
        for turn in range(60)
    ]
    found = learned.fresh(community.items, member, pl.concat([history, *fresh]))
    assert untouched in {one.label for one in (*found.core, *found.emerging)}
    assert learned.fresh(community.items, member, history) == learned.strata[member]


def test_a_member_who_joined_after_the_build_is_judged_too(bazaar: Simulated) -> None:
    learned, events = learn(bazaar.community, QUICK), bazaar.community.with_ids("events")
    known = bazaar.community.member_ids.ids[1]
    history = events.filter(pl.col("member_id") == known).with_columns(member_id=pl.lit("newcomer"))
    found = learned.fresh(bazaar.community.items, "newcomer", history)
    assert found.member_id == "newcomer"
    assert [one.label for one in found.core] == [one.label for one in learned.strata[known].core]
    assert learned.fresh(bazaar.community.items, "nobody", history.clear()).note() is not None


def test_what_was_written_weighs_fresh_events_too(tmp_path: Path) -> None:
    felt = Sentiment((1.0, 5.0), None)
    felt.save(tmp_path)
    rated = Community.from_tables(
        pl.DataFrame({"item_id": ["p"], "title": ["Pan"]}),
        pl.DataFrame(
            {"member_id": ["m"], "item_id": ["p"], "kind": ["rate"], "amount": [3.0], "at": [datetime(2026, 1, 1)]}
        ),
    )
    assert Sentiment.load(tmp_path).of(rated).tolist() == [0.0], "the scale is that of the community, not of the event"
