"""The benchmark of social: what is held out leaves no trace in the tags, and every part of the answer is there."""

import sys
from pathlib import Path

import polars as pl
import pytest

from penchant.benchmarks import benchmark
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL
from penchant.benchmarks.social import judged
from penchant.benchmarks.social_joint import HEAD_WEIGHTS, common, compared
from penchant.benchmarks.social_scale import grouped, run_scale
from penchant.benchmarks.social_split import WEIGHTS, social_split
from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.social.config import LinearConfig, NetworkConfig, RankerConfig, SocialConfig
from penchant.social.graph import GraphConfig
from penchant.social.joint_reader import JointConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "social"))
sys.path.insert(0, str(Path(__file__).parents[1] / "recommend"))
sys.path.insert(0, str(Path(__file__).parents[1] / "interests"))
from planted_circles import START, circles
from tiny_reader import tiny_encoder
from word_encoder import WordEncoder


def tagged(community: Community) -> Community:
    """The same members, each of whom has also written a tag of their own about every item they like."""
    likes = community.with_ids("events")
    words = likes.with_columns(
        kind=pl.lit("review"), text=pl.format("{} likes {}", pl.col("member_id"), pl.col("item_id"))
    )
    items = community.items.drop("tags").join(
        words.group_by("item_id").agg(tags=pl.col("text")), on="item_id", how="left", maintain_order="left"
    )
    return Community.from_tables(
        items, pl.concat([likes.cast({"kind": pl.String}), words.cast({"kind": pl.String})]),
        community.members, community.with_ids("ties"),
    )  # fmt: skip


def test_nothing_written_of_a_held_out_pair_is_left_in_texts_or_tags():
    community = tagged(circles(likes=10))
    split = social_split(community, 0)
    held = pl.concat([split.validation.with_ids("events"), split.test.with_ids("events")])
    assert len(held) == 160
    assert set(held["kind"]) == {"like"}
    said = {f"{member} likes {item}" for member, item in held.select("member_id", "item_id").iter_rows()}
    before = {tag for tags in community.items["tags"].drop_nulls() for tag in tags}
    assert said <= before
    for part in (split.train, split.validation, split.test):
        assert not said & {tag for tags in part.items["tags"].drop_nulls() for tag in tags}
        assert not said & set(part.events["text"].drop_nulls())
    kept = split.train.with_ids("events").filter(pl.col("kind") == "review")
    assert len(kept) == 800 - 160


def test_tags_that_no_member_wrote_stay_and_the_cut_is_that_of_the_events_alone():
    community = circles(likes=10)
    split = social_split(community, 0)
    assert split.train.items["tags"].equals(community.items["tags"])
    with_texts = social_split(tagged(community), 0)
    first, second = (cut.test.with_ids("events").select("member_id", "item_id") for cut in (split, with_texts))
    assert first.sort(first.columns).equals(second.sort(second.columns))


def test_the_whole_run_says_what_each_part_brings():
    config = SocialConfig(
        graph=GraphConfig(event_weights=WEIGHTS, half_life_days=None),
        network=NetworkConfig(width=8, epochs=6, members_at_once=40),
        linear=LinearConfig(regularization=(20.0,), als_regularization=(5.0,), factors=(8,), confidence=(1.0,)),
        ranker=RankerConfig(enabled=False),
    )
    result = judged(circles(likes=10), "circles", [0], config, WordEncoder())
    assert {
        "als", "ease", "lightgcn", "without ties", "without text", "without the network", WITHOUT_LANGUAGE_MODEL
    } <= set(result.baselines)  # fmt: skip
    assert set(result.differences) == set(result.baselines)
    better = max(result.baselines[name]["ndcg@10"].mean for name in ("als", "ease"))
    assert result.metrics["gain_over_als_ease"].mean == pytest.approx(result.metrics["ndcg@10"].mean / better)
    assert {row["relation"] for row in result.tables["strengths of the network"]} >= {"likes", "ties", "about"}


def test_the_large_community_is_in_groups_and_an_epoch_teaches_them():
    community = grouped(2_000, 0)
    assert (len(community.events), len(community.ties), len(community.items)) == (50_000, 20_000, 500)
    own = (community.events["member"] % 200 == community.events["item"] % 200).mean()
    assert 0.68 < float(own) < 0.73  # type: ignore[arg-type]
    assert community.events["at"][0] == START
    result = run_scale("simulated:25000", [0])
    assert result.metrics["share_of_own_group@10"].mean > 2 / 200
    assert [row["stage"] for row in result.tables["stages"]] == [
        "community", "graph", "graph grown by a hundredth", "epoch",
    ]  # fmt: skip


def test_the_joint_mode_is_compared_with_frozen_texts_in_quality_and_time(tmp_path):
    network = NetworkConfig(width=8, epochs=3, members_at_once=30)
    joint = JointConfig(epochs=1, members_at_once=30, alternatives=1, max_tokens=6, control=True)
    community = circles(60, likes=10, tags=False)
    result = compared(community, "circles", [0], tiny_encoder(tmp_path), network, joint, headed=8)
    frozen = result.baselines["frozen texts"]
    assert result.metrics["seconds"].mean > frozen["seconds"].mean
    gap = result.metrics["ndcg@10"].mean - frozen["ndcg@10"].mean
    assert result.differences["frozen texts"]["ndcg@10"].value == pytest.approx(gap)
    longer = result.metrics["ndcg@10"].mean - result.baselines["frozen texts, as many steps more"]["ndcg@10"].mean
    assert result.differences["frozen texts, as many steps more"]["ndcg@10"].value == pytest.approx(longer)
    assert result.metrics["head_weight"].mean in HEAD_WEIGHTS


def test_items_of_too_few_members_are_left_out_with_their_events():
    community = circles(8, likes=3)
    kept = common(community)
    counts = community.events.group_by("item").agg(pl.col("member").n_unique().alias("n")).filter(pl.col("n") >= 5)
    assert len(kept.items) == len(counts)
    assert len(kept.events) == int(community.events["item"].is_in(counts["item"].implode()).sum())


def test_protocols_and_data_without_meaning_are_refused():
    run = benchmark("social")
    with pytest.raises(ConfigError, match="social has no protocol 'last'; there are random, friends"):
        run("lastfm", protocol="last")
    with pytest.raises(ConfigError, match="the protocol scale makes its own data"):
        run("lastfm", protocol="scale")
