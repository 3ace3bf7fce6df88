"""How members feel in what they write: what tells it, where it shows in profiles, and that it foresees who leaves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from penchant.data.community import Community
from penchant.data.interactions import FELT, with_felt
from penchant.errors import ConfigError, TooLittleDataError
from penchant.feelings import felt, polar_texts, teach
from penchant.interests.sentiment import Sentiment
from penchant.members.features import FEELINGS, untold
from penchant.members.profiling import ProfileConfig, profiles
from penchant.members.recipe import SentimentConfig
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.members.value import Value, ValueConfig

NOW = datetime(2026, 6, 30, tzinfo=UTC)
ITEMS = pl.DataFrame({"item_id": ["a", "b"], "title": ["a", "b"]})
GOOD = [
    "很好用，非常满意",
    "质量不错，很喜欢",
    "喜欢，会再买",
    "满意，物流快",
    "不错，推荐",
    "很好，很满意",
    "好用又便宜",
]
BAD = ["太差了，退货", "质量差，很失望", "失望，不会再买", "坏了，差评", "难用，别买", "很差，很生气", "用两天就坏"]


def shop(rows: list[tuple[str, str, float, float | None, str | None]], labels: pl.DataFrame | None = None) -> Community:
    """From events: member, kind, days ago, amount, text."""
    events = pl.DataFrame(
        [(who, "a", kind, NOW - timedelta(days=days), amount, text) for who, kind, days, amount, text in rows],
        schema=["member_id", "item_id", "kind", "at", "amount", "text"],
        schema_overrides={"amount": pl.Float64, "text": pl.String},
        orient="row",
    )
    return Community.from_tables(ITEMS, events, labels=labels)


def labelled() -> pl.DataFrame:
    texts, labels = GOOD + BAD, [["家电 > 正面"]] * len(GOOD) + [["家电 > 负面"]] * len(BAD)
    return pl.DataFrame({"text": texts, "labels": labels})


def test_features_tell_how_members_feel_of_late_and_before() -> None:
    community = shop(
        [
            ("m", "review", 200, None, "w"),
            ("m", "review", 120, None, "x"),
            ("m", "review", 9, None, "y"),
            ("m", "search", 5, None, "z"),
            ("m", "buy", 4, 9.0, None),
            ("n", "review", 3, None, "y"),
        ]
    )
    feelings = pl.Series([0.9, 0.5, -0.6, -1.0, float("nan"), -0.1])
    order = community.events["text"].to_list()
    told = [feelings[["w", "x", "y", "z", None].index(text)] for text in order]
    told = [-0.1 if member == 1 else value for member, value in zip(community.events["member"], told, strict=True)]
    made = profiles(with_felt(community, np.array(told, dtype=np.float32)), at=NOW)
    one = made["m"]
    assert one["sentiment"] == pytest.approx((0.9 + 0.5 - 0.6) / 3, abs=1e-6), "what is searched for is no feeling"
    assert one["negative_share"] == pytest.approx(1 / 3, abs=1e-6)
    assert one["sentiment_trend"] == pytest.approx(-0.6 - 0.7, abs=1e-6)
    assert made["n"]["sentiment_trend"] is None, "there is no before"
    assert made["n"]["negative_share"] == 0
    stricter = profiles(with_felt(community, np.array(told, np.float32)), ProfileConfig(negative_below=0.0), at=NOW)
    assert stricter["n"]["negative_share"] == 1


def test_where_nothing_tells_there_is_no_such_feature_and_it_is_said() -> None:
    made = profiles(shop([("m", "review", 3, None, "good"), ("m", "buy", 2, 9.0, None)]))
    assert not set(FEELINGS) & set(made.names)
    assert made["m"]["sentiment"] is None
    assert untold(made.tells)[0].startswith("Nothing tells how members feel")
    assert "无从判断评论情感" in untold(made.tells, "zh")[0]


def test_labels_of_praise_and_blame_teach_a_model_that_comes_back_from_its_folder(tmp_path: Path) -> None:
    model = teach(polar_texts(shop([("m", "view", 1, None, None)], labelled())), None)
    model.save(tmp_path / "feelings")
    community = shop([("m", "review", 3, None, "满意，喜欢"), ("m", "review", 2, None, "失望，差评")])
    values = [
        felt(community, None, SentimentConfig(model=Path(name)), tmp_path).events[FELT].to_list()
        for name in ("feelings", str(tmp_path / "feelings"))
    ]
    assert values[0][0] > 0.2 > -0.2 > values[0][1]
    assert values[0] == values[1]
    with pytest.raises(ConfigError, match="holds no model; write one with penchant members sentiment --to"):
        felt(community, None, SentimentConfig(model=Path("elsewhere")), tmp_path)


def test_stars_teach_where_no_text_is_labelled_and_lukewarm_ones_do_not() -> None:
    rows = [("m", "review", float(turn), 5.0, text) for turn, text in enumerate(GOOD)]
    rows += [("m", "review", float(turn), 1.0, text) for turn, text in enumerate(BAD)]
    rows += [("m", "review", 1.0, 3.0, "一般")]
    known = polar_texts(shop(rows))
    assert len(known) == len(GOOD) + len(BAD)
    assert dict(zip(known.texts, known.given, strict=True))[BAD[0]] == (("negative",),)
    with pytest.raises(TooLittleDataError, match="0 texts of praise and 0 of blame"):
        polar_texts(shop([("m", "review", 1.0, None, "well")]))


def test_stars_speak_for_a_text_before_its_words_unless_they_are_not_to() -> None:
    rows = [("m", "review", 4.0, 5.0, "失望，差评"), ("m", "review", 3.0, 1.0, "失望，差评")]
    community = shop([*rows, ("m", "rate", 2.0, 1.0, None)], labelled())
    own = Sentiment.fit(community)
    by_stars = felt(community, own, SentimentConfig(), Path()).events[FELT].to_list()
    assert by_stars[:2] == [1, -1]
    assert np.isnan(by_stars[2]), "nothing was written"
    by_words = felt(community, own, SentimentConfig(stars=False), Path()).events[FELT].to_list()
    assert by_words[0] == by_words[1] < 0


def test_a_model_reads_so_many_texts_at_most_the_latest_first(tmp_path: Path) -> None:
    teach(polar_texts(shop([("m", "view", 1, None, None)], labelled())), None).save(tmp_path / "m")
    community = shop([("m", "review", float(9 - turn), None, text) for turn, text in enumerate([*GOOD[:3], GOOD[1]])])
    for most, known in ((1, [False, True, False, True]), (2, [False, True, True, True]), (9, [True] * 4)):
        values = felt(community, None, SentimentConfig(model=Path("m"), texts=most), tmp_path).events[FELT]
        assert values.is_not_nan().to_list() == known


def test_stars_count_also_of_texts_beyond_those_that_a_model_reads(tmp_path: Path) -> None:
    teach(polar_texts(shop([("m", "view", 1, None, None)], labelled())), None).save(tmp_path / "m")
    community = shop(
        [("m", "review", 9 - day, 5.0 if day < 2 else None, text) for day, text in enumerate([*GOOD[:4], *BAD[:4]])]
    )
    found = (
        felt(community, Sentiment((1.0, 5.0), None), SentimentConfig(model=Path("m"), texts=1), tmp_path)
        .events[FELT]
        .to_list()
    )
    assert found[:2] == [1.0, 1.0]
    assert sum(one is not None and not np.isnan(one) for one in found) == 3


def test_who_is_unhappy_leaves_and_value_sees_it_coming() -> None:
    rng = np.random.default_rng(0)
    rows: list[tuple[str, str, float, float | None, str | None]] = []
    angry = {f"m{row}": row % 2 == 0 for row in range(160)}
    for who, upset in angry.items():
        # All come alike until each has written; the unhappy buy once more at most.
        begin = float(rng.uniform(150, 500))
        for turn in range(4):
            rows.append((who, "buy", begin + 20 * (4 - turn) + float(rng.uniform(0, 9)), 10.0, None))
        rows.append((who, "review", begin, None, "bad" if upset else "good"))
        if not upset:
            rows += [(who, "buy", day, 10.0, None) for day in np.arange(begin - 20, 0, -25)]
    community = shop(rows)
    texts = community.events["text"].to_list()
    feelings = np.array([{"bad": -0.9, "good": 0.9}.get(text or "", np.nan) for text in texts], dtype=np.float32)
    config = ValueConfig(horizon_days=60, trees=40, models=1)
    cut = NOW - timedelta(days=140)
    auc = {}
    for name, one in (("blind", community), ("seeing", with_felt(community, feelings))):
        known = one.with_events(one.events.filter(pl.col("at") <= cut))
        worth = Value(config).fit(known).foresee(known)
        came = one.events.filter((pl.col("at") > cut) & (pl.col("at") <= cut + timedelta(days=60)))
        back = np.isin(np.arange(len(one.members)), came.filter(pl.col("kind") == "buy")["member"])
        # Of those who wrote lately: dates have not told on them yet.
        lately = known.events.filter(pl.col("text").is_not_null() & (pl.col("at") > cut - timedelta(days=25)))
        rows_of = lately["member"].unique().to_numpy()
        auc[name] = roc_auc_score(back[rows_of], worth.returns[rows_of])
    assert auc["seeing"] > 0.95
    assert auc["blind"] < auc["seeing"] - 0.1


def test_the_unhappy_make_a_segment_that_is_called_so() -> None:
    rows = [
        (f"m{row}", kind, float(day), None, (kind == "review" and ("bad" if row % 2 else "good")) or None)
        for row in range(60)
        for day, kind in ((3, "view"), (40, "view"), (60, "review"), (7, "review"))
    ]
    community = shop(rows)
    values = [{"bad": -0.8, "good": 0.8}.get(text or "", np.nan) for text in community.events["text"].to_list()]
    made = profiles(with_felt(community, np.array(values, dtype=np.float32)))
    found = Segmenter(SegmentConfig(least=2, most=2)).fit(made).segments
    assert found is not None
    names = {found[f"m{row}"].name for row in range(60)}  # type: ignore[union-attr]
    assert {(name.en, name.zh) for name in names} == {("Critical", "差评较多"), ("Full of praise", "好评为主")}
    unhappy = found["m1"]
    assert unhappy is not None
    assert "negative_share" in [trait.feature for trait in unhappy.traits]


def test_what_is_known_of_a_few_names_no_segment() -> None:
    rows = [(f"m{row}", "view", 3.0 + (row % 2) * 90, None, None) for row in range(60) for _ in range(3)]
    rows += [("m1", "review", 120.0, None, "bad"), ("m0", "review", 120.0, None, "good")]
    community = shop(rows)
    values = [{"bad": -0.8, "good": 0.8}.get(text or "", np.nan) for text in community.events["text"].to_list()]
    made = profiles(with_felt(community, np.array(values, dtype=np.float32)))
    found = Segmenter(SegmentConfig(least=2, most=2)).fit(made).segments
    assert found is not None
    assert not {"sentiment", "negative_share"} & {trait.feature for one in found for trait in one.traits}
