"""Reasons: true by the removal test, shares that add up, tags for what they stand for, and private friends unnamed."""

from dataclasses import replace

import numpy as np
import pytest
from planted_circles import circles

from penchant.data.community import Community
from penchant.social.config import LinearConfig, NetworkConfig, RankerConfig, SocialConfig
from penchant.social.model import SocialModel
from penchant.social.people import without_cells
from penchant.social.recipe import train
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
QUICK = SocialConfig(
    network=NetworkConfig(width=16, epochs=15, members_at_once=32),
    linear=LinearConfig(regularization=(20.0,), als_regularization=(5.0,), factors=(8,), confidence=(1.0,)),
    ranker=RankerConfig(enabled=False),
)
PRIVATE = tuple(range(0, 80, 4))
"""A whole circle keeps its activity private."""


@pytest.fixture(scope="module")
def community() -> Community:
    return circles(private=PRIVATE, silent=(78, 76), likes=6)


@pytest.fixture(scope="module")
def model(community: Community) -> SocialModel:
    return train(community, QUICK, OPTIONS)


def test_every_reason_lowers_the_score_when_it_is_taken_away(community, model):
    tried = 0
    for member in (1, 2, 3, 9, 78):
        for pick in model.recommend(f"m{member:03}", 5):
            item = community.item_ids.row(pick.item_id)
            person = model.people(np.array([member]))
            shut = model.shut(person)
            before = model.scores(person, shut)[0, item]
            assert before == pytest.approx(pick.score, abs=1e-5)
            for piece in pick.evidence:
                if piece.source == "event":
                    gone = np.array([community.item_ids.row(piece.item_id)])
                    without = replace(person, events=without_cells(person.events, [gone]))
                elif piece.source == "friend":
                    gone = np.array([community.member_ids.row(piece.member_id)])
                    without = replace(person, ties=without_cells(person.ties, [gone]))
                else:
                    tag = model.graph.tag_names.index(piece.text)
                    own = person.events.indices
                    gone = own[np.asarray(model.graph.tags[own][:, tag].todense()).ravel() > 0]
                    without = replace(person, events=without_cells(person.events, [gone]))
                assert model.scores(without, shut)[0, item] < before
                tried += 1
    assert tried > 40


def test_shares_are_parts_of_a_whole_and_come_largest_first(model):
    for pick in model.recommend("m002", 5):
        parts = [piece.share for piece in pick.evidence if piece.source != "tag"]
        assert 0.9 < sum(parts) <= 1 + 1e-6
        assert parts == sorted(parts, reverse=True)


def test_a_member_with_ties_alone_is_told_of_friends_who_like_it(community, model):
    pick = model.recommend("m078", 3)[0]
    assert {piece.source for piece in pick.evidence} == {"friend"}
    named = pick.evidence[0].member_id
    assert named in pick.reason
    assert pick.reason.endswith(("likes it.", "like it.", "may like."))
    chinese = model.recommend("m078", 3, lang="zh")[0]
    assert chinese.item_id == pick.item_id
    assert named in chinese.reason
    assert "喜" in chinese.reason
    row, item = community.member_ids.row(named), community.item_ids.row(pick.item_id)
    assert (model.graph.events[row, item] > 0) == ("likes it" in pick.reason or "like it" in pick.reason)


def test_friends_whose_activity_is_private_are_never_named_nor_heard(community, model):
    answer = model.recommend("m076", 5)
    assert answer.strategy.startswith("popular")
    hidden = {f"m{row:03}" for row in PRIVATE}
    for member in range(80):
        for pick in model.recommend(f"m{member:03}", 3):
            assert not hidden & {piece.member_id for piece in pick.evidence}
            assert not any(name in pick.reason for name in hidden)


def test_explain_tells_of_any_item_and_ranks_by_what_is_missed(community, model):
    best = model.recommend("m001", 1)[0].item_id
    reasons = model.explain("m001", best)
    assert [one.lowers for one in reasons] == sorted((one.lowers for one in reasons), reverse=True)
    assert {one.kind for one in reasons} <= {"event", "friend", "tag"}
    strange = next(item for item in community.item_ids.ids if int(item[1:]) % 4 == 2)
    assert sum(one.lowers for one in model.explain("m001", strange)) < sum(one.lowers for one in reasons)


def test_a_tag_is_told_in_place_of_the_events_that_share_it():
    community = circles(likes=6, ties=False)
    odd = community.with_ids("events")
    mixed = Community.from_tables(
        community.items,
        odd.vstack(odd[:1].with_columns(item_id=odd["item_id"].filter(odd["member_id"] == "m002")[:1])),
        community.members,
    )
    model = train(mixed, QUICK, OPTIONS)
    told = [pick for pick in model.recommend("m000", 6) if any(piece.source == "tag" for piece in pick.evidence)]
    assert told
    assert any("It is jazz, like “" in pick.reason for pick in told)
