"""Verdicts of other systems at work: each finds what behaviour alone does not tell."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from test_ranker import CONFIG, KINDS, MEMBERS, OPTIONS, shop, told

from penchant.data.community import Community
from penchant.data.drift import Change, DriftVerdict
from penchant.data.segments import Segments
from penchant.data.social import SocialVectors
from penchant.data.splits import last_split
from penchant.errors import ConfigError
from penchant.recommend import RankerConfig, Recommender, evaluate, fit
from penchant.recommend.recipe import Fitted
from penchant.recommend.verdicts import Verdict, Verdicts

SHOP = shop("tier")
SPLIT = last_split(SHOP, 0, unseen=True)


def kinds_of(community: Community) -> np.ndarray:
    """(items,) the kind of each."""
    return np.array([KINDS.index(item_id.split("-")[0]) for item_id in community.item_ids.ids])


def drift() -> list[DriftVerdict]:
    """Member m has turned to kind m % 4."""
    return [
        DriftVerdict(name, Change.ABRUPT, probability=0.9, after=(KINDS[row % 4],))
        for row, name in enumerate(SHOP.member_ids.ids)
    ]


def social(*, by_vectors: bool) -> SocialVectors:
    """What the friends of member m like is of kind m % 4, or the vectors say so."""
    right = (np.arange(MEMBERS)[:, None] % 4) == kinds_of(SHOP)
    members, items = np.eye(4, dtype=np.float32)[np.arange(MEMBERS) % 4], np.eye(4, dtype=np.float32)[kinds_of(SHOP)]
    nothing = sp.csr_matrix(right.shape, dtype=np.float32)
    if by_vectors:
        return SocialVectors(SHOP.member_ids, SHOP.item_ids, members, items, nothing)
    likes = sp.csr_matrix(right.astype(np.float32))
    return SocialVectors(SHOP.member_ids, SHOP.item_ids, 0 * members, items, likes)


def learned(verdicts: Iterable[Verdict] = (), **settings: object) -> Fitted:
    config = CONFIG.model_copy(update={"ranker": CONFIG.ranker.model_copy(update=settings)})
    return fit(SPLIT.train, SPLIT.validation, config, OPTIONS, verdicts=verdicts)


def hits(fitted: Fitted, *, blend: bool = False) -> float:
    model = fitted.recommender.with_ranker(None) if blend else fitted.recommender
    return evaluate(model, SPLIT, k=10).metrics.means["ndcg@10"]


@pytest.mark.parametrize(
    "verdicts",
    [drift(), [social(by_vectors=False)], [social(by_vectors=True)]],
    ids=["what they turned to", "what friends like", "social vectors"],
)
def test_what_only_a_verdict_tells_is_found_and_the_blend_fails(verdicts: list[Verdict]) -> None:
    fitted = learned(verdicts)
    without = learned().verdict
    assert fitted.verdict is not None
    assert without is not None
    assert fitted.verdict.used
    assert hits(fitted) > 1.5 * hits(fitted, blend=True)
    assert not without.used, "without it there is nothing to find"
    assert next(iter(fitted.recommender.ranker.importance())) in Verdicts.of(verdicts).names  # type: ignore[union-attr]


def test_a_segments_taste_is_found() -> None:
    # Members like what their segment does, and each has done too little to show it alone.
    community = shop("segment")
    split = last_split(community, 0, unseen=True)
    of_member = np.array([int(name[1:]) % 4 for name in community.member_ids.ids], dtype=np.int32)
    segments = Segments(community.member_ids, of_member, (), float("nan"))
    found = {}
    for name, verdicts in {"with": segments, "without": None}.items():
        fitted = fit(split.train, split.validation, CONFIG, OPTIONS, verdicts=verdicts)
        found[name] = evaluate(fitted.recommender, split, k=10).metrics.means["ndcg@10"]
    assert found["with"] > 1.2 * found["without"]


def test_what_friends_like_is_a_candidate_however_low_the_sources_put_it() -> None:
    rarely = RankerConfig(**{**CONFIG.ranker.model_dump(), "depth": 3})
    config = CONFIG.model_copy(update={"ranker": rarely, "per_source": 3})
    one, other = (
        fit(SPLIT.train, SPLIT.validation, config, OPTIONS, verdicts=given).recommender
        for given in ([social(by_vectors=False)], [social(by_vectors=True)])
    )
    own = {f"{KINDS[3]}-{number}" for number in range(10)}
    assert one.ranker is not None
    listed = {pick.item_id for pick in one.recommend("m003", 6)}
    assert listed <= own, "all of the kind that the friends of member 3 like"
    assert not {pick.item_id for pick in other.recommend("m003", 6)} <= own, "vectors alone bring no candidates"


def test_several_verdicts_go_together_and_a_ranker_takes_those_it_was_learned_with(tmp_path: Path) -> None:
    both: list[Verdict] = [social(by_vectors=False), told(SHOP)]
    model = learned(both).recommender
    assert model.ranker is not None
    assert {"core interest", "friends' likes"} <= set(model.ranker.features)
    model.save(tmp_path)
    back = Recommender.load(tmp_path, model.community, verdicts=[*both, *drift()])
    assert back.recommend("m003", 5) == model.recommend("m003", 5), "of drift it knows nothing"
    with pytest.raises(ConfigError, match=r"other features .*core interest.*hand in the verdicts"):
        Recommender.load(tmp_path, model.community, verdicts=both[:1])


def test_a_stranger_of_whom_no_verdict_speaks_is_answered() -> None:
    model = learned([social(by_vectors=False), *drift()]).recommender
    assert len(model.recommend_for(["toys-1"], k=5)) == 5
