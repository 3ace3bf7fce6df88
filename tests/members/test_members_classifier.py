"""Planted attributes are learned from texts and behaviour, honestly judged, and refused where sensitive."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from letter_encoder import LetterEncoder, tiny_transformer

from penchant.data.community import Community
from penchant.errors import ColumnError, ConfigError, InputError, NotFittedError, TooLittleDataError
from penchant.members.activity import rendered
from penchant.members.attribute_recipe import train_attribute
from penchant.members.attributes import Attribute, attribute_of
from penchant.members.classifier import ClassifierConfig, MemberClassifier
from penchant.members.fairness import error_table, exposure_table
from penchant.members.heads import Stack, Trees, conformal_threshold
from penchant.text.finetune import FinetuneConfig
from penchant.training.options import Options

QUIET = Options(progress=False)
QUICK = {"rounds": 30, "folds": 3}
WORDS = {"saver": ["等打折再买", "便宜就好", "优惠券真香"], "connoisseur": ["做工精致", "质感一流", "值得收藏"]}
"""What the two planted kinds of members write: nothing else tells them apart."""


def written(seed: int = 0, members: int = 120) -> Community:
    """Members who write in one of two ways and buy whatever there is."""
    rng = np.random.default_rng(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = ["saver" if rng.random() < 0.5 else "connoisseur" for _ in range(members)]
    rows = []
    for member, kind in enumerate(kinds):
        for turn in range(6):
            at = start + timedelta(days=int(rng.integers(60)), hours=float(rng.uniform(8, 22)))
            other = WORDS["saver" if kind == "connoisseur" else "connoisseur"]
            said = WORDS[kind] if rng.random() < 0.8 else other
            rows.append((f"m{member}", f"p{rng.integers(10)}", "review", at, None, said[turn % 3] + "。"))
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(10)],
            "title": [f"商品{row}" for row in range(10)],
            "categories": [["甲" if row < 5 else "乙"] for row in range(10)],
        }
    )
    events = pl.DataFrame(
        rows,
        schema=["member_id", "item_id", "kind", "at", "amount", "text"],
        orient="row",
        schema_overrides={"amount": pl.Float64},
    )
    people = pl.DataFrame(
        {
            "member_id": [f"m{row}" for row in range(members)],
            "buyer": [kind if row % 10 else None for row, kind in enumerate(kinds)],
            "gender": ["F" if row % 2 else "M" for row in range(members)],
            "age": [20 + row % 50 for row in range(members)],
            "same": ["x"] * members,
        }
    )  # fmt: skip
    return Community.from_tables(items, events, people)


@pytest.fixture(scope="module")
def shop() -> Community:
    return written()


@pytest.fixture(scope="module")
def model(shop: Community) -> MemberClassifier:
    return MemberClassifier(ClassifierConfig(**QUICK)).fit(shop, "buyer", QUIET, encoder=LetterEncoder())


def truth_of(shop: Community) -> Attribute:
    return attribute_of(shop, "buyer")


def test_texts_tell_what_behaviour_does_not(model: MemberClassifier) -> None:
    report = model.report
    assert report is not None
    assert report.members == 108
    assert report.auc > 0.9
    assert report.metrics.accuracy > 0.8
    assert report.without_language_model < 0.65, "what they buy says nothing"
    assert report.weights["text"] == max(report.weights.values())
    assert {one.name for one in report.metrics.per_class} == {"saver", "connoisseur"}


def test_members_who_were_never_seen_are_told_right(model: MemberClassifier) -> None:
    others = written(seed=1, members=60)
    truth, told = truth_of(others), model.predict(others)
    assert np.mean([told.labels[row] == truth.classes[truth.codes[row]] for row in truth.known]) > 0.8
    assert np.allclose(told.probabilities.sum(axis=1), 1, atol=1e-5)


def test_another_communitys_kinds_and_categories_move_no_feature(model: MemberClassifier, shop: Community) -> None:
    asked = np.arange(5)
    plain = model.predict(shop, asked)
    # Somebody else does something of a new kind with a new item: it is nothing that was learned of these five.
    new = pl.DataFrame({"item_id": ["new"], "title": ["x"], "categories": [["丙"]]})
    items = pl.concat([shop.items, new], how="diagonal_relaxed")
    more = (
        shop.with_ids("events")
        .head(1)
        .with_columns(
            pl.lit(shop.member_ids.id(9)).alias("member_id"),
            pl.lit("new").alias("item_id"),
            pl.lit("play").alias("kind"),
        )
    )
    events = pl.concat([shop.with_ids("events"), more], how="vertical_relaxed")
    other = Community.from_tables(items, events, shop.members)
    np.testing.assert_allclose(model.predict(other, asked).probabilities, plain.probabilities, atol=1e-6)


def test_a_single_comment_is_answered_with_how_unsure_that_is(model: MemberClassifier) -> None:
    told = model.read(["等打折再买。", "做工精致。", "嗯嗯"])
    assert told.labels[:2] == ["saver", "connoisseur"]
    # One comment in five is the other kind's, and the answer knows.
    assert told.probabilities[:2].max(axis=1) == pytest.approx([0.8, 0.8], abs=0.12)
    assert told.probabilities[2].max() < told.probabilities[:2].max()
    assert told.unsure[2]
    with pytest.raises(InputError, match="empty comment"):
        model.read([" "])


def test_the_truth_is_among_what_is_not_ruled_out(shop: Community) -> None:
    wide, narrow = (
        MemberClassifier(ClassifierConfig(coverage=coverage, **QUICK)).fit(
            shop, "buyer", QUIET, encoder=LetterEncoder()
        )
        for coverage in (0.97, 0.7)
    )
    others = written(seed=2)
    truth = truth_of(others)
    named = []
    for one in (wide, narrow):
        possible = one.predict(others).possible
        named.append(possible[truth.known, truth.codes[truth.known]].mean())
    assert named[0] > 0.9
    assert 0.55 < named[1] < named[0]


def test_nothing_is_learned_from_members_left_out(shop: Community) -> None:
    """Were their classes looked at, the answers about them would change with those."""
    rest = np.arange(60, 120)
    lied = shop.members.with_row_index().with_columns(
        pl.when(pl.col("index") < 60).then(pl.lit("saver")).otherwise(pl.col("buyer")).alias("buyer")
    )
    other = Community(lied.drop("index"), shop.items, shop.events, shop.ties, shop.labels)
    told = [
        MemberClassifier(ClassifierConfig(**QUICK))
        .fit(one, "buyer", QUIET, encoder=LetterEncoder(), rows=rest)
        .predict(one)
        .probabilities
        for one in (shop, other)
    ]
    assert np.array_equal(told[0], told[1])


def test_a_saved_classifier_answers_the_same(model: MemberClassifier, shop: Community, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = MemberClassifier.load(tmp_path / "model", encoder=LetterEncoder())
    assert np.array_equal(again.predict(shop).probabilities, model.predict(shop).probabilities)
    assert np.array_equal(again.read(["便宜就好"]).probabilities, model.read(["便宜就好"]).probabilities)
    assert again.report == model.report
    held = b"".join(path.read_bytes() for path in (tmp_path / "model").rglob("*") if path.is_file())
    assert b"m17" not in held
    assert "等打折再买".encode() not in held


def test_a_classifier_is_fitted_once_and_read_back(shop: Community, tmp_path: Path) -> None:
    first = train_attribute(shop, "buyer", ClassifierConfig(**QUICK), QUIET, encoder=LetterEncoder(), home=tmp_path)
    second = train_attribute(shop, "buyer", ClassifierConfig(**QUICK), QUIET, encoder=LetterEncoder(), home=tmp_path)
    assert first.held_out is not None
    assert second.held_out is None, "it was not fitted again"
    changed = train_attribute(
        shop, "buyer", ClassifierConfig(rounds=20, folds=3), QUIET, encoder=LetterEncoder(), home=tmp_path
    )
    assert changed.held_out is not None


def test_sensitive_attributes_are_refused_unless_allowed_by_name(shop: Community, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'gender' is a sensitive attribute.*allow_sensitive = \['gender'\]"):
        MemberClassifier(ClassifierConfig(**QUICK)).fit(shop, "gender", QUIET, encoder=LetterEncoder())
    allowed = ClassifierConfig(allow_sensitive=("gender",), **QUICK)
    train_attribute(shop, "gender", allowed, QUIET, encoder=LetterEncoder(), home=tmp_path)
    with pytest.raises(ConfigError, match="sensitive"):
        train_attribute(shop, "gender", None, QUIET, encoder=LetterEncoder(), home=tmp_path)
    with pytest.raises(ConfigError, match="sensitive"):
        MemberClassifier(ClassifierConfig(allow_sensitive=("gender",))).require_allowed("age")
    own = ClassifierConfig(sensitive=("buyer",))
    with pytest.raises(ConfigError, match="'buyer' is a sensitive"):
        MemberClassifier(own).fit(shop, "buyer", QUIET, encoder=LetterEncoder())


def test_numbers_become_bands(shop: Community) -> None:
    found = attribute_of(shop, "age", bands=(30, 50), allowed=("age",))
    assert found.classes == ("<30", "30-49", "50+")
    assert found.codes[:2].tolist() == [0, 0]
    assert found.codes[10] == 1, "the edge belongs to the band above"
    with pytest.raises(ColumnError, match="need a number"):
        attribute_of(shop, "buyer", bands=(1, 2))


def test_what_is_no_attribute_or_has_one_class_or_thousands_is_refused(shop: Community) -> None:
    with pytest.raises(ColumnError, match="no attribute 'tribe'"):
        attribute_of(shop, "tribe")
    with pytest.raises(TooLittleDataError, match="'same' has 1 values"):
        attribute_of(shop, "same")
    many = pl.DataFrame(
        {"member_id": [f"m{row}" for row in range(10_000)], "code": [f"c{row}" for row in range(10_000)]}
    )
    crowd = Community.from_tables(
        shop.items,
        shop.events.head(0).select(pl.lit("m0").alias("member_id"), pl.lit("p0").alias("item_id"), "kind", "at"),
        many,
    )
    with pytest.raises(ConfigError, match="10,000 different values"):
        attribute_of(crowd, "code")
    with pytest.raises(NotFittedError):
        MemberClassifier().predict(shop)


def test_rare_values_are_left_out_and_named(shop: Community) -> None:
    rare = shop.members.with_row_index().with_columns(
        pl.when(pl.col("index") == 3).then(pl.lit("hermit")).otherwise(pl.col("buyer")).alias("buyer")
    )
    other = Community(rare.drop("index"), shop.items, shop.events, shop.ties, shop.labels)
    found = attribute_of(other, "buyer")
    assert found.left_out == ("hermit",)
    assert found.codes[3] == -1


def test_members_without_events_get_the_usual_answer(model: MemberClassifier) -> None:
    items = pl.DataFrame({"item_id": ["p1"], "title": ["商品1"]})
    events = pl.DataFrame({"member_id": ["a"], "item_id": ["p1"], "kind": ["view"], "at": [datetime(2026, 1, 1)]})
    told = model.predict(Community.from_tables(items, events, pl.DataFrame({"member_id": ["a", "b"]})))
    assert np.isfinite(told.probabilities).all()
    assert told.unsure[1]


def test_each_source_can_stand_alone(shop: Community) -> None:
    told = {
        source: MemberClassifier(ClassifierConfig(sources=(source,), **QUICK)).fit(
            shop, "buyer", QUIET, encoder=LetterEncoder()
        )
        for source in ("items", "text", "profile")
    }
    aucs = {source: one.report.auc for source, one in told.items() if one.report}
    assert aucs["text"] > 0.9 > max(aucs["items"], aucs["profile"])


def test_recent_activity_is_rendered_the_latest_first_and_no_more_than_asked(shop: Community) -> None:
    (text,) = rendered(shop, np.array([0]), most=2)
    assert text.count("review") == 2
    last = shop.events.filter(pl.col("member") == 0)["text"][-1]
    assert text.startswith("review")
    assert last in text.split("; ")[0]


def test_the_blend_trusts_the_source_that_is_right() -> None:
    codes = np.array([0, 1] * 50)
    right = np.log(np.where(np.eye(2)[codes] > 0, 0.9, 0.1)).astype(np.float32)
    noise = np.log(np.random.default_rng(0).dirichlet([1, 1], 100)).astype(np.float32)
    stack = Stack.fit([right, noise], codes)
    assert stack.weights[0] > 5 * stack.weights[1]
    assert conformal_threshold(right, codes, 0.9) == pytest.approx(0.9, abs=1e-6)


def test_trees_take_what_is_missing() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 2)).astype(np.float32)
    features[::3, 0] = np.nan
    codes = (np.nan_to_num(features[:, 0], nan=-1) > 0).astype(np.int64)
    trees = Trees.fit(features, codes, 2, rounds=60, seed=0)
    assert (trees.log_probabilities(features).argmax(axis=1) == codes).mean() > 0.95


def test_tables_by_group_show_who_is_served_worse(shop: Community) -> None:
    group = attribute_of(shop, "gender", allowed=("gender",))
    truth = np.array([0, 1] * 60)
    predicted = np.where(group.codes == 0, truth, 1)
    table = error_table(truth, predicted, ("a", "b"), group, np.arange(120))
    rates = {(one.group, one.name): (one.false_positive_rate, one.false_negative_rate) for one in table}
    assert len({one.group for one in table}) == 2
    assert sorted(one.accuracy for one in table) != [1.0] * 4
    assert len(rates) == 4
    women = [f"m{row}" for row in range(120) if group.classes[group.codes[row]] == "F"]
    lists = {f"m{row}": ["p0", "p1"] if f"m{row}" in women else ["p7", "p8"] for row in range(120)}
    for one in exposure_table(shop, lists, group):
        assert one.distance == pytest.approx(1), "one group is shown 甲 alone, the other 乙 alone"
        assert one.interest_distance < 0.3, "and they do much the same"
        assert one.items == 2
    with pytest.raises(TooLittleDataError):
        exposure_table(shop, {"m0": ["p0"]}, group)


def test_a_language_model_tuned_on_rendered_activity_is_one_more_source(shop: Community, tmp_path: Path) -> None:
    options = Options(device="cpu", precision="float32", progress=False, threads=1)
    texts = rendered(shop, np.arange(len(shop.members)), most=6)
    encoder = tiny_transformer(tmp_path / "bert", texts, options)
    tuned = FinetuneConfig(epochs=8, learning_rate=3e-3, batch_size=16, train_vocabulary=True)
    config = ClassifierConfig(sources=("items",), tuning="full", finetune=tuned, recent_events=6, **QUICK)
    model = MemberClassifier(config).fit(shop, "buyer", options, encoder=encoder)
    assert model.report is not None
    assert model.report.auc > 0.8
    assert model.report.weights["tuned"] > model.report.weights["items"]
    model.save(tmp_path / "model")
    again = MemberClassifier.load(tmp_path / "model", encoder=encoder)
    assert np.allclose(again.predict(shop).probabilities, model.predict(shop).probabilities, atol=1e-5)
    with pytest.raises(ConfigError, match="needs a transformer"):
        MemberClassifier(config).fit(shop, "buyer", options, encoder=LetterEncoder())
