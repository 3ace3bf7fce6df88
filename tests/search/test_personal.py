from datetime import timedelta

import numpy as np
import pytest
import scipy.sparse as sp
from shelves import KINDS, START, bazaar, searching_members
from word_encoder import WordEncoder

from penchant.errors import UnknownIdError
from penchant.search.candidates import Candidates
from penchant.search.personal import Pasts, PersonalConfig, nearest_liked, pick_strength, taste_of
from penchant.search.searcher import Searcher


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(encoder=WordEncoder()).fit(searching_members(by_taste=True))


def of(searcher: Searcher, member: str, config: PersonalConfig | None = None, **before: object):  # type: ignore[no-untyped-def]
    assert searcher.community is not None
    assert searcher.dense is not None
    config = config or PersonalConfig()
    return taste_of(
        Pasts(searcher.community, config.event_weights),
        member,
        searcher.catalogue,
        searcher.dense,
        searcher.middle,
        config,
        **before,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("member", [0, 1, 5])
def test_a_taste_is_nearest_to_the_kind_that_a_member_buys(searcher: Searcher, member: int) -> None:
    near = searcher.near(of(searcher, f"m{member}"), np.arange(240))
    by_kind = {kind: near[[kind in title.split() for title in bazaar()["title"]]].mean() for kind in KINDS}
    assert max(by_kind, key=lambda kind: by_kind[kind]) == KINDS[member]


def test_only_what_came_before_is_read(searcher: Searcher) -> None:
    assert of(searcher, "m3", before=START) is None
    early = of(searcher, "m3", before=START + timedelta(days=3, hours=1))
    assert len(early.item_ids) == 1
    assert len(of(searcher, "m3").item_ids) >= 5


def test_events_that_say_nothing_are_no_taste_and_a_stranger_is_an_error(searcher: Searcher) -> None:
    weights = PersonalConfig().event_weights.model_copy(update={"buy": 0.0, "click": 0.0})
    assert of(searcher, "m0", PersonalConfig(event_weights=weights)) is None
    with pytest.raises(UnknownIdError, match="no member has the id 'x'"):
        of(searcher, "x")


@pytest.mark.parametrize("changed", [{"half_life_events": 1}, {"events": 1}])
def test_every_option_changes_the_taste(searcher: Searcher, changed: dict[str, int]) -> None:
    assert not np.allclose(of(searcher, "m0").vector, of(searcher, "m0", PersonalConfig(**changed)).vector)


def test_the_nearest_liked_item_is_of_the_same_kind_and_never_the_item_itself(searcher: Searcher) -> None:
    assert searcher.dense is not None
    taste = of(searcher, "m1")
    row = searcher.catalogue.row(taste.item_ids[0])
    assert row is not None
    ((item, title),) = nearest_liked(taste, row, searcher.catalogue, searcher.dense, searcher.middle)
    assert item != taste.item_ids[0]
    assert "pan" in title.split()


def strength(useful: bool) -> float:
    """Picked where taste tells the answer apart, or where it is noise that contradicts a good order."""
    rng, count = np.random.default_rng(0), 60
    empty = np.full(10, -1)
    found, scores, near, answers = [], [], [], []
    for _ in range(count):
        answer = int(rng.integers(10))
        score = rng.normal(size=10).astype(np.float32)
        if not useful:
            score[answer] += 3
        close = rng.normal(size=10).astype(np.float32)
        if useful:
            close[answer] += 3
        found.append(Candidates("q", ("q",), np.arange(10), score, score, score, empty, empty))
        scores.append(score)
        near.append(close)
        answers.append(answer)
    relevant = sp.csr_matrix((np.ones(count), (np.arange(count), answers)), shape=(count, 10))
    return pick_strength(scores, near, found, relevant, np.arange(10))


def test_the_strength_follows_what_members_took() -> None:
    assert strength(useful=True) >= 0.5
    assert strength(useful=False) <= 0.1
