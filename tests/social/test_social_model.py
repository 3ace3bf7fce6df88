"""The social model: it learns planted circles, answers strangers, takes fresh ties, and survives bad communities."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_circles import GROUPS, circles, of_group, one_like_each, tie_table

from penchant.data.community import Community
from penchant.data.social import SocialVectors
from penchant.data.splits import random_split
from penchant.errors import ArtifactError, ConfigError, NotFittedError, TooLittleDataError, UnknownIdError
from penchant.social.config import LinearConfig, NetworkConfig, RankerConfig, SocialConfig
from penchant.social.model import SocialModel
from penchant.social.recipe import evaluate, fit, train, without
from penchant.social.whole import Social, learn_into, needs_encoder, why_not
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
QUICK = SocialConfig(
    network=NetworkConfig(width=16, epochs=15, members_at_once=32),
    linear=LinearConfig(regularization=(20.0,), als_regularization=(5.0,), factors=(8,), confidence=(1.0,)),
    ranker=RankerConfig(enabled=False),
)


@pytest.fixture(scope="module")
def community() -> Community:
    return circles(silent=(78, 79), private=(3,), likes=6)


@pytest.fixture(scope="module")
def model(community: Community) -> SocialModel:
    return train(community, QUICK, OPTIONS)


def shown(ranking: object) -> list[str]:
    return [pick.item_id for pick in ranking]  # type: ignore[attr-defined]


def test_members_are_shown_items_of_their_circle_that_are_new_to_them(community, model):
    for member in (0, 1, 2, 41):
        items = shown(model.recommend(f"m{member:03}", 6))
        assert of_group(community, items, member) == 1
        met = community.with_ids("events").filter(pl.col("member_id") == f"m{member:03}")["item_id"]
        assert not set(items) & set(met)


def test_a_member_with_nothing_but_ties_is_answered_by_those(community, model):
    answer = model.recommend("m078", 5)
    assert of_group(community, shown(answer), 78) == 1
    assert answer.strategy.startswith("social: ")
    assert "ties" in answer.strategy


def test_strangers_are_answered_from_ties_items_or_nothing(community, model):
    assert of_group(community, shown(model.recommend_for(friends=["m001", "m005"], k=5)), 1) == 1
    assert of_group(community, shown(model.recommend_for(["i002", "i006"], k=5)), 2) == 1
    nobody = model.recommend_for(k=3)
    assert nobody.strategy == "popular: nothing is known of this person yet"
    assert model.recommend_for(k=3, lang="zh").strategy == "热门：对此人还一无所知"
    likers = np.bincount(model.graph.events.indices, minlength=model.graph.item_count)
    assert [likers[community.item_ids.row(item)] for item in shown(nobody)] == sorted(likers, reverse=True)[:3]


def test_a_new_tie_changes_the_next_answer_with_no_training(community, model):
    alone = Community.from_tables(
        community.items,
        community.with_ids("events"),
        pl.concat([community.members, community.members[:1].with_columns(member_id=pl.lit("zed"))]),
        community.with_ids("ties"),
    )
    tied = Community.from_tables(
        alone.items,
        alone.with_ids("events"),
        alone.members,
        pl.concat([alone.with_ids("ties"), tie_table(("zed", "m002", "friend"), ("zed", "m006", "follow"))
                   .with_columns(at=None).cast(alone.with_ids("ties").schema)]),
    )  # fmt: skip
    assert model.on(alone).recommend("zed", 4).strategy.startswith("popular")
    assert of_group(community, shown(model.on(tied).recommend("zed", 4)), 2) == 1


def test_a_saved_graph_grows_by_what_is_new_as_if_it_had_been_read_anew(community, model, tmp_path):
    events, ties = community.with_ids("events"), community.with_ids("ties")
    liked = pl.DataFrame({"member_id": ["zed"], "item_id": ["i001"], "kind": ["like"], "at": [community.now]})
    tied = tie_table(("zed", "m001", "friend"), ("m003", "zed", "follow"), ("m002", "m006", "block"))
    zed = pl.DataFrame({"member_id": ["zed"], "private": [False]})
    more = Community.from_tables(
        community.items,
        pl.concat([events, liked.cast({name: events.schema[name] for name in liked.columns})], how="diagonal"),
        pl.concat([community.members, zed], how="diagonal"),
        pl.concat([ties, tied.cast({name: ties.schema[name] for name in tied.columns})], how="diagonal"),
    )
    zed = more.member_ids.row("zed")
    new_events = more.events.filter(pl.col("member") == zed)
    new_ties = more.ties.filter((pl.col("member") == zed) | (pl.col("other") == zed) | (pl.col("kind") == "block"))
    assert (len(new_events), len(new_ties)) == (1, 3)
    model.save(tmp_path)
    grown = SocialModel.load(tmp_path, community).on(more, events=new_events, ties=new_ties)
    anew = model.on(more)
    for name in ("likes", "ties", "blocked"):
        assert abs(getattr(grown.graph, name) - getattr(anew.graph, name)).max() < 1e-6
    assert grown.recommend("zed", 4) == anew.recommend("zed", 4)
    assert grown.graph.ties[zed].nnz == 1
    # Nothing was said to be new, so nothing is.
    assert not model.on(more, ties=new_ties).graph.events[zed].nnz
    grown.save(tmp_path / "again")
    assert SocialModel.load(tmp_path / "again", more).recommend("zed", 4) == anew.recommend("zed", 4)


def test_on_refuses_a_community_whose_rows_have_moved(community, model):
    moved = Community.from_tables(community.items.reverse(), community.with_ids("events"), community.members)
    with pytest.raises(ArtifactError, match="items known when the model was trained are not the first"):
        model.on(moved)


def test_a_saved_model_answers_the_same(community, model, tmp_path):
    model.save(tmp_path)
    again = SocialModel.load(tmp_path, community)
    assert again.recommend("m001", 5) == model.recommend("m001", 5)
    assert again.statistics == model.statistics
    assert np.array_equal(again.member_vectors, model.member_vectors)
    with pytest.raises(ArtifactError, match="trained on other members"):
        SocialModel.load(tmp_path, circles(40))
    (tmp_path / "network" / "arrays.safetensors").write_bytes(b"broken")
    with pytest.raises(ArtifactError, match="has changed since it was saved"):
        SocialModel.load(tmp_path, community)


def test_errors_say_what_was_asked_for(community, model):
    with pytest.raises(UnknownIdError, match="no member has the id 'nobody'"):
        model.recommend("nobody")
    with pytest.raises(UnknownIdError, match="no item has the id 'x'"):
        model.recommend_for(["x"])
    with pytest.raises(ConfigError, match="k is 0; ask for at least 1 item"):
        model.recommend("m001", 0)
    with pytest.raises(NotFittedError, match="cannot read a text"):
        model.recommend_for(text="I like jazz")


def test_unavailable_and_excluded_items_are_not_shown(community):
    gone = community.items.with_columns(available=pl.col("item_id") != "i001")
    model = train(
        Community.from_tables(gone, community.with_ids("events"), community.members, community.with_ids("ties")),
        QUICK, OPTIONS,
    )  # fmt: skip
    first = shown(model.recommend("m001", 48))
    assert "i001" not in first
    assert first[0] not in shown(model.recommend("m001", 48, exclude=[first[0]]))


def test_without_ties_texts_and_events_carry_it():
    community = circles(ties=False, likes=6)
    model = train(community, QUICK, OPTIONS)
    assert model.statistics.told().startswith("There are no ties")
    assert "friends" not in model.weights
    assert of_group(community, shown(model.recommend("m002", 5)), 2) == 1


def test_friends_without_events_and_fifty_components_do_no_harm():
    ties = tie_table(*((f"m{2 * pair}", f"m{2 * pair + 1}", "friend") for pair in range(50)))
    community = one_like_each(100, ties)
    silent = community.with_events(community.events.filter(pl.col("member") % 2 == 0))
    model = train(silent, QUICK, OPTIONS)
    answer = model.recommend("m0", 3)
    assert len(answer) == 3
    assert not any(piece.member_id for pick in answer for piece in pick.evidence)
    assert shown(model.recommend("m1", 1)) == ["i0"]


def test_a_community_where_nobody_likes_anything_is_too_little():
    hidden = one_like_each(3, tie_table(("m0", "m1", "friend")))
    events = hidden.events.with_columns(kind=pl.lit("hide", dtype=hidden.events.schema["kind"]))
    with pytest.raises(TooLittleDataError, match="no event says what anybody likes"):
        train(hidden.with_events(events), QUICK, OPTIONS)


def test_each_source_can_be_left_out_and_the_weights_follow():
    split = random_split(circles(likes=10), 0)
    config = QUICK.model_copy(update={"fewest_judged": 20})
    fitted = fit(split.train, split.test, config, OPTIONS)
    smaller = without(fitted, ("network", "friends"), OPTIONS)
    assert set(smaller.weights) == {"ease", "als", "popularity"}
    assert sum(fitted.model.weights.values()) == pytest.approx(1, abs=0.02)
    plain = fit(split.train, split.test, config.model_copy(update={"use_network": False}), OPTIONS)
    assert "network" not in plain.model.sources
    with pytest.raises(NotFittedError, match="trained without a network"):
        _ = plain.model.network
    assert plain.model.member_vectors.shape == (80, plain.settings.als.factors)


def test_it_beats_popularity_on_what_was_held_out():
    community = circles(likes=10)
    split = random_split(community, 1)
    fitted = fit(split.train, split.test, QUICK, OPTIONS)
    ours = evaluate(fitted.model, split).metrics.means["ndcg@10"]
    popular = evaluate(fitted.model.reweighed({"popularity": 1.0}, None), split).metrics.means["ndcg@10"]
    assert ours > 2 * popular


def test_verdicts_hold_vectors_and_what_friends_lately_liked(community, model, tmp_path):
    verdicts = model.verdicts()
    assert len(verdicts) == 80
    liked = dict(verdicts.liked_by_friends("m001", 50))
    events, ties = community.with_ids("events"), community.with_ids("ties")
    friends = {
        *ties.filter(pl.col("member_id") == "m001")["other_id"],
        *ties.filter(pl.col("other_id") == "m001")["member_id"],
    }
    theirs = set(events.filter(pl.col("member_id").is_in(list(friends)))["item_id"])
    own = set(events.filter(pl.col("member_id") == "m001")["item_id"])
    assert set(liked) == theirs - own
    assert sum(piece.share for piece in liked.values()) == pytest.approx(1)
    verdicts.save(tmp_path)
    again = SocialVectors.load(tmp_path)
    assert list(again.liked_by_friends("m001")) == list(verdicts.liked_by_friends("m001"))
    assert again.candidates("m001", 3) == verdicts.candidates("m001", 3)


def test_what_private_members_like_is_no_candidate(community, model):
    tied = sorted(set(model.graph.ties[:, 3].nonzero()[0].tolist()))
    assert tied
    for row in tied:
        friends = [friend for friend in model.graph.friends(row) if friend != 3]
        public = set(model.graph.events[friends].indices.tolist())
        found = model.verdicts().friends_likes[row].indices
        assert set(found.tolist()) <= public


# -- a build --


def test_a_build_learns_it_where_there_are_ties_and_says_why_not(tmp_path):
    learn_into(tmp_path / "ties", circles(40), QUICK, OPTIONS)
    whole = Social.load(tmp_path / "ties", circles(40))
    assert of_group(circles(40), shown(whole.model.recommend("m001", 3)), 1) == 1
    assert len(whole.friends.suggest("m001", 3)) > 0
    for name, community, config in (
        ("none", circles(40, ties=False), QUICK),
        ("never", circles(40), QUICK.model_copy(update={"enabled": "never"})),
    ):
        folder: Path = tmp_path / name
        folder.mkdir()
        learn_into(folder, community, config, OPTIONS)
        assert not needs_encoder(community, config)
        assert (why_not(folder, "en") or "").startswith("not built: ")
        with pytest.raises(ArtifactError, match="there is no social model: not built"):
            Social.load(folder, community)
    always = QUICK.model_copy(update={"enabled": "always"})
    learn_into(tmp_path / "always", circles(40, ties=False), always, OPTIONS)
    assert why_not(tmp_path / "always", "en") is None
    assert GROUPS == 4
