"""Whom to suggest: nearness by ties, likeness of taste, the ranker over them, and what is never said."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.errors import ArtifactError, UnknownIdError
from penchant.social.friend_features import FriendFeatures
from penchant.social.friend_ranker import FriendRankerConfig
from penchant.social.friends import Friends, FriendsConfig
from penchant.social.graph import Graph
from penchant.social.hidden_ties import Lesson, each_tie, tie_matrix, without_ties
from penchant.social.proximity import Proximity, WalkConfig
from penchant.training.options import Options

sys.path.append(str(Path(__file__).parent))

from planted_circles import circles

OPTIONS = Options(threads=1, progress=False)
START = datetime(2026, 1, 1, tzinfo=UTC)


def club(
    ties: list[tuple[str, str, str]],
    likes: dict[str, list[str]] | None = None,
    *,
    private: tuple[str, ...] = (),
    tags: dict[str, list[str]] | None = None,
) -> Community:
    """A community of just these ties; members like nothing unless said."""
    likes = likes or {"a": ["p0"]}
    names = sorted({name for one, other, _ in ties for name in (one, other)} | set(likes))
    items = sorted({item for liked in likes.values() for item in liked})
    rows = [(member, item, "like", START) for member, liked in likes.items() for item in liked]
    return Community.from_tables(
        pl.DataFrame(
            {
                "item_id": items,
                "title": [f"Title {item}" for item in items],
                "tags": [(tags or {}).get(item) for item in items],
            },
            schema_overrides={"tags": pl.List(pl.String)},
        ),
        pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"),
        pl.DataFrame({"member_id": names, "private": [name in private for name in names]}),
        pl.DataFrame(ties, schema=["member_id", "other_id", "kind"], orient="row"),
    )


def friends_of(community: Community, **config: object) -> Friends:
    return Friends(community, Graph.of(community), FriendsConfig.model_validate(config))


def path_of_five() -> Community:
    return club(
        [("a", "b", "friend"), ("b", "c", "friend"), ("a", "d", "friend"), ("d", "c", "friend"), ("d", "e", "friend")]
    )


class TestNearness:
    def test_adamic_and_adar_count_a_quiet_friend_for_more(self):
        near = Proximity.of(Graph.of(path_of_five()).ties)
        found = near.adamic_adar(np.array([0])).toarray()[0]
        assert found[2] == pytest.approx(1 / np.log(2) + 1 / np.log(3))
        assert found[4] == pytest.approx(1 / np.log(3))
        assert near.common_neighbours(np.array([0])).toarray()[0].tolist() == [2, 0, 2, 0, 1]
        assert near.resource_allocation(np.array([0])).toarray()[0, 2] == pytest.approx(1 / 2 + 1 / 3)

    def test_walks_are_those_of_the_linear_system(self):
        ties = Graph.of(circles(20)).ties
        near, config = Proximity.of(ties), WalkConfig(restart=0.3, steps=60)
        steps = np.asarray(near.ties / np.maximum(near.ties.sum(axis=1), 1).reshape(-1, 1))
        exact = 0.3 * np.linalg.inv(np.eye(20) - 0.7 * steps)
        assert near.pagerank(np.arange(20), config) == pytest.approx(exact, abs=1e-5)

    def test_fewer_steps_reach_less_far(self):
        near = Proximity.of(Graph.of(club([("a", "b", "friend"), ("b", "c", "friend"), ("c", "d", "friend")])).ties)
        assert near.pagerank(np.array([0]), WalkConfig(steps=2))[0, 3] == 0
        assert near.pagerank(np.array([0]), WalkConfig(steps=3))[0, 3] > 0

    def test_direction_is_kept_where_it_matters(self):
        follows = sp.csr_matrix(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.float32))
        near = Proximity.of(follows)
        assert not near.is_mutual
        assert near.followed_by_followed(np.array([0])).toarray()[0, 2] > 0
        assert near.followed_by_followed(np.array([2])).nnz == 0

    def test_a_hub_of_a_hundred_thousand_ties_costs_its_own_row(self):
        count = 100_000
        rows = np.arange(1, count + 1)
        star = sp.csr_matrix((np.ones(count, dtype=np.float32), (np.zeros(count, int), rows)), shape=(count + 1,) * 2)
        near = Proximity.of(star)
        before = time.process_time()
        found = near.adamic_adar(np.array([5, 6]))
        assert time.process_time() - before < 2
        assert found.shape == (2, count + 1)
        assert found[0, 7] == pytest.approx(1 / np.log(count), rel=1e-5)
        assert near.pagerank(np.array([0]), WalkConfig(steps=2)).shape == (1, count + 1)


class TestWhoIsSuggested:
    def test_not_oneself_nor_tied_nor_blocked_nor_private(self):
        ties = [("a", name, "friend") for name in "bcd"] + [("b", name, "friend") for name in "efgh"]
        community = club([*ties, ("a", "e", "block"), ("f", "a", "block")], private=("g",))
        assert [one.member_id for one in friends_of(community).suggest("a").picks] == ["h"]

    def test_private_members_are_neither_named_nor_counted_among_friends_in_common(self):
        ties = [(one, other, "friend") for one in ("a", "z") for other in ("b", "c", "d")]
        known = friends_of(club(ties)).suggest("a")[0]
        assert (known.member_id, known.common_count, known.reason) == ("z", 3, "three friends in common")
        hidden = friends_of(club(ties, private=("c", "d"))).suggest("a")[0]
        assert (hidden.common, hidden.common_count, hidden.reason) == (("b",), 1, "one friend in common")

    def test_fifty_components_stay_apart_where_taste_says_nothing(self):
        ties = [(f"m{c:02}{a}", f"m{c:02}{b}", "friend") for c in range(50) for a, b in ("ab", "bc", "cd")]
        friends = friends_of(club(ties))
        for member in ("m07a", "m31c"):
            assert {one.member_id[:3] for one in friends.suggest(member).picks} == {member[:3]}

    def test_friends_without_any_event_still_lead_to_theirs(self):
        community = club([("a", "b", "friend"), ("b", "c", "friend")], likes={"c": ["p0"]})
        assert [one.member_id for one in friends_of(community).suggest("a").picks] == ["c"]

    def test_without_ties_taste_decides_and_the_strategy_says_so(self):
        community = circles(40, ties=False)
        found = friends_of(community).fit(OPTIONS).suggest("m000", 5)
        assert {int(one.member_id[1:]) % 4 for one in found.picks} == {0}
        assert found.strategy == "like taste: this community has no ties yet"
        assert "还没有任何关系" in friends_of(community).suggest("m000", 1, lang="zh").strategy

    def test_a_new_tie_changes_the_next_answer(self):
        before = path_of_five()
        friends = friends_of(before)
        assert "f" not in {one.member_id for one in friends.suggest("a").picks}
        after = club(
            [
                ("a", "b", "friend"),
                ("b", "c", "friend"),
                ("a", "d", "friend"),
                ("d", "c", "friend"),
                ("d", "e", "friend"),
                ("b", "f", "friend"),
            ]
        )
        assert "f" in {one.member_id for one in friends.on(after, Graph.of(after)).suggest("a").picks}

    def test_an_unknown_member_is_an_error(self):
        with pytest.raises(UnknownIdError, match="no member has the id 'nobody'"):
            friends_of(path_of_five()).suggest("nobody")


class TestDirection:
    TIES = (("a", "b", "follow"), ("b", "c", "follow"), ("d", "a", "follow"), ("d", "b", "follow"))

    def test_follows_are_told_from_friendships(self):
        assert friends_of(club(list(self.TIES))).features.directed
        assert not friends_of(path_of_five()).features.directed
        assert not friends_of(club(list(self.TIES)), ties="mutual").features.directed

    def test_who_follows_a_member_can_be_suggested_and_the_reason_says_so(self):
        found = {one.member_id: one for one in friends_of(club(list(self.TIES))).suggest("a").picks}
        assert found["d"].follows_back
        assert found["d"].reason.startswith("follows you")
        assert found["c"].reason == "one of those you follow follows them"
        mutual = friends_of(club(list(self.TIES)), ties="mutual").suggest("a")
        assert "d" not in {one.member_id for one in mutual.picks}


LIKES = {"a": ["p0", "p1", "p2"], "z": ["p0", "p1", "p3"], "b": ["p4"], "c": ["p5"]}


class TestReasons:
    def test_a_shared_tag_is_said_in_both_languages(self):
        tags = {"p0": ["post-punk"], "p1": ["post-punk"], "p4": ["polka"], "p5": ["polka"]}
        ties = [(one, other, "friend") for one in "az" for other in "bc"]
        friends = friends_of(club(ties, LIKES, tags=tags))
        assert friends.suggest("a")[0].reason == "two friends in common, both into post-punk"
        assert friends.suggest("a", lang="zh")[0].reason == "有 2 位共同好友，都喜欢 post-punk"

    def test_without_tags_the_item_that_fewest_like_is_named(self):
        likes = {**LIKES, "b": ["p0"], "c": ["p0"]}
        found = friends_of(club([("a", "b", "friend"), ("z", "b", "friend")], likes)).suggest("a")
        assert found[0].titles[0] == "Title p1"
        assert "both like Title p1" in found[0].reason


def planted(members: int = 240, seed: int = 0) -> Community:
    """Groups of ten of like taste; half of the ties run within a group, half anywhere, so friends in common mislead."""
    rng = np.random.default_rng(seed)
    groups = members // 10
    group = np.arange(members) % groups
    rows = [
        (f"m{member:03}", f"p{int(group[member]) * 10 + int(item):03}", "like", START + timedelta(days=int(item)))
        for member in range(members)
        for item in rng.choice(10, 6, replace=False)
    ]
    pairs = {
        tuple(sorted((member, int(other))))
        for member in range(members)
        for other in (*rng.choice(np.flatnonzero(group == group[member]), 2), *rng.choice(members, 2))
        if other != member
    }
    return Community.from_tables(
        pl.DataFrame(
            {"item_id": [f"p{row:03}" for row in range(members)], "title": [f"Title {row}" for row in range(members)]}
        ),
        pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"),
        pl.DataFrame({"member_id": [f"m{row:03}" for row in range(members)]}),
        pl.DataFrame(
            [(f"m{one:03}", f"m{other:03}", "friend") for one, other in sorted(pairs)],
            schema=["member_id", "other_id", "kind"],
            orient="row",
        ),
    )


RANKER = {"fewest": 20, "trees": 40, "parts": 3, "cutoff": 10}


@pytest.fixture(scope="module")
def known() -> tuple[Friends, np.ndarray]:
    """The planted community with a tenth of its ties hidden, learned from what is left; and the hidden ties."""
    community = planted()
    whole = Friends(community, Graph.of(community))
    ties = each_tie(whole.features)
    hidden = ties[np.random.default_rng(5).permutation(len(ties))[: len(ties) // 10]]
    rest = without_ties(whole.features, hidden).graph
    config = FriendsConfig.model_validate({"ranker": RANKER})
    return Friends(community, rest, config).fit(OPTIONS), hidden


def found_share(friends: Friends, hidden: np.ndarray) -> float:
    wanted = tie_matrix(hidden, friends.graph.member_count, both_ways=True)
    members = np.flatnonzero(np.diff(wanted.indptr))
    ranked = friends.rank(members, 10)
    return (
        sum(np.isin(wanted[member].indices, ranked[place]).sum() for place, member in enumerate(members)) / wanted.nnz
    )


class TestRanker:
    def test_it_finds_hidden_ties_that_friends_in_common_do_not(self, known):
        friends, hidden = known
        assert friends.verdict.used
        assert friends.verdict.ranked > friends.verdict.plain
        plain = Friends(friends.community, friends.graph, friends.config)
        blind = replace(friends.graph, likes=friends.graph.likes * 0, dislikes=friends.graph.dislikes * 0)
        # Half of the hidden ties run anywhere, and nobody could find those.
        assert found_share(friends, hidden) > 0.4
        assert (
            found_share(friends, hidden) > found_share(Friends(friends.community, blind, friends.config), hidden) + 0.15
        )
        assert not plain.ranker.has_learned

    def test_hidden_ties_leave_no_trace_in_what_it_learns_from(self, known):
        friends, _ = known
        ties = each_tie(friends.features)
        gone = ties[:7]
        left = without_ties(friends.features, gone)
        assert left.graph.ties[gone[:, 0], gone[:, 1]].sum() == left.graph.ties[gone[:, 1], gone[:, 0]].sum() == 0
        assert left.graph.ties.nnz == friends.graph.ties.nnz - 14
        # Whoever was tied is a candidate again.
        pairs = left.pairs(gone[:1, 0], all_others=True)
        assert gone[0, 1] in pairs.others

    def test_hits_of_two_orders_stand_side_by_side(self, known):
        friends, _ = known
        lesson = Lesson.of(friends.features, each_tie(friends.features)[:40], 1_000, 0)
        best = np.where(lesson.found, 1.0, 0.0).astype(np.float32)
        assert lesson.hits(best, 10).sum() == lesson.found.sum()
        # One hidden tie put last in a long list is missed, and only that one.
        lengths = np.bincount(lesson.pairs.members)[lesson.pairs.members]
        hidden = np.flatnonzero(lesson.found)
        missed = int(np.argmax(lengths[hidden]))
        worse = best.copy()
        worse[hidden[missed]] = -1
        assert lengths[hidden[missed]] > 10
        assert np.flatnonzero(lesson.hits(best, 10) != lesson.hits(worse, 10)).tolist() == [missed]

    def test_it_loads_to_the_same_suggestions(self, known, tmp_path):
        friends, _ = known
        friends.save(tmp_path)
        again = Friends.load(tmp_path, friends.community, friends.graph)
        assert again.suggest("m003", 8) == friends.suggest("m003", 8)
        assert again.verdict == friends.verdict
        (tmp_path / "friends.txt").write_text("tree")
        with pytest.raises(ArtifactError, match="checksum"):
            Friends.load(tmp_path, friends.community, friends.graph)

    def test_trees_of_other_features_are_not_asked(self, known, tmp_path):
        friends, _ = known
        friends.save(tmp_path)
        vectors = np.random.default_rng(0).normal(size=(friends.graph.member_count, 4)).astype(np.float32)
        other = Friends.load(tmp_path, friends.community, friends.graph, vectors=vectors)
        assert not other.ranker.has_learned
        assert "friends in common" in other.suggest("m003", 1).strategy

    def test_the_same_seed_teaches_the_same(self, known):
        friends, _ = known
        again = Friends(friends.community, friends.graph, friends.config).fit(OPTIONS)
        assert again.suggest("m010", 5) == friends.suggest("m010", 5)

    def test_too_few_ties_and_a_ranker_that_is_switched_off_say_so(self):
        few = friends_of(circles(40)).fit(OPTIONS)
        assert not few.verdict.used
        assert "a ranker is learned from 200 hidden ties" in few.suggest("m000", 1).strategy
        off = friends_of(planted(), ranker={**RANKER, "enabled": False}).fit(OPTIONS)
        assert not off.ranker.has_learned

    def test_a_network_is_one_more_feature_and_one_more_way_to_candidates(self):
        community = circles(40, likes=3)
        graph = Graph.of(community)
        vectors = np.zeros((40, 4), dtype=np.float32)
        vectors[[0, 39], 0] = 1
        config = FriendsConfig().candidates
        plain = FriendFeatures(graph, config, directed=False).pairs(np.array([0]))
        told = FriendFeatures(graph, config, directed=False, vectors=vectors).pairs(np.array([0]))
        assert 39 not in plain.others
        assert 39 in told.others
        assert told.features.shape[1] == plain.features.shape[1] + 1

    def test_each_limit_of_candidates_is_kept(self):
        graph = Graph.of(planted())
        few = FriendFeatures(
            graph, FriendsConfig.model_validate({"candidates": {"each": 5}}).candidates, directed=False
        )
        many = FriendFeatures(graph, FriendsConfig().candidates, directed=False)
        assert len(few.pairs(np.array([0])).others) < len(many.pairs(np.array([0])).others)

    def test_ranks_agree_with_suggestions(self, known):
        friends, _ = known
        row = friends.community.member_ids.row("m017")
        ids = [friends.community.member_ids.id(int(other)) for other in friends.rank(np.array([row]), 6)[0]]
        assert ids == [one.member_id for one in friends.suggest("m017", 6).picks]


def test_the_ranker_config_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match="hidden"):
        FriendRankerConfig(hidden=0.7)
