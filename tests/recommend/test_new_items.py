"""Items that nobody has touched: told from what they are, with no text read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.collaborative import Ease, EaseConfig
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.recommend import RecommendConfig, Recommender, newitems, train
from penchant.recommend.descriptions import Descriptions
from penchant.recommend.growing import grown
from penchant.recommend.newitems import NewItems, NewItemsConfig
from penchant.training.options import Options

KINDS, PER_KIND, MEMBERS = 6, 12, 60
COLD = 2
"""Of each kind, the last so many items are touched by nobody."""


@pytest.fixture(scope="module")
def community() -> Community:
    """Members like one kind, and of it the items of one decade; item k-n is of kind k and of the year 1950 + 5 n."""
    rng = np.random.default_rng(3)
    rows = [(kind, number) for kind in range(KINDS) for number in range(PER_KIND)]
    items = pl.DataFrame(
        {
            "item_id": [f"{kind}-{number}" for kind, number in rows],
            "title": [f"thing ({1950 + 5 * number})" for _, number in rows],
            "categories": [[f"kind > {kind}"] for kind, _ in rows],
        }
    )
    events = []
    for member in range(MEMBERS):
        liked = rng.choice(PER_KIND - COLD, 6, replace=False)
        for turn, number in enumerate(liked):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=int(turn), minutes=member)
            events.append((f"m{member}", f"{member % KINDS}-{number}", "like", at))
    names = ["member_id", "item_id", "kind", "at"]
    return Community.from_tables(items, pl.DataFrame(events, schema=names, orient="row"))


def cold_of(community: Community) -> np.ndarray:
    touched = np.zeros(len(community.item_ids), dtype=bool)
    touched[community.events["item"].to_numpy()] = True
    return ~touched


def fitted(community: Community, **config: object) -> tuple[NewItems, Ease]:
    ease = Ease(EaseConfig(regularization=5.0)).fit(community, Options())
    found = NewItems(NewItemsConfig.model_validate(config)).fit(
        community, {"ease": ease}, cold_of(community), None, EventWeights(), Options()
    )
    return found, ease


def test_new_items_of_the_kind_that_a_member_likes_come_first(community: Community) -> None:
    found, _ = fitted(community)
    scores = found.score(histories(community))
    kinds = np.array([int(community.item_ids.id(int(row)).split("-")[0]) for row in found.rows])
    for member, own in enumerate(scores):
        assert set(kinds[np.argsort(-own)[:COLD]]) == {int(community.member_ids.id(member)[1:]) % KINDS}


def test_a_known_item_judged_as_new_is_what_a_fit_without_it_says(community: Community) -> None:
    """The closed form against the long way: the regression fitted anew without the item's row."""
    found, ease = fitted(community, regularization=(10.0,), compared=10_000)
    rows = found.known
    phi = found.descriptions.describe(community.items[rows], None).astype(np.float64)
    between = np.asarray(ease.weights, dtype=np.float64)
    for place in (0, 7, 31):
        kept = np.delete(np.arange(len(rows)), place)
        gram = phi[kept].T @ phi[kept] + 10.0 * np.eye(phi.shape[1])
        told = between[:, kept] @ phi[kept] @ np.linalg.solve(gram, phi[place])
        told[place] = 0  # That a member likes the item itself is not known of a new one.
        closed = found._speaks @ found._compared[place] - found._off[:, place]
        np.testing.assert_allclose(closed, told, atol=2e-5)


def test_the_parts_of_a_score_are_the_events_and_add_up(community: Community) -> None:
    found, _ = fitted(community)
    history = histories(community, np.array([5]))
    parts = found.contributions(history, found.rows)
    scores = found.score(history)[0]
    mean = scores - parts.sum(axis=1)
    assert mean == pytest.approx(np.full(len(mean), mean[0]), abs=1e-4)
    assert parts.shape == (len(found.rows), len(history.items))


def test_recommendations_hold_new_items_where_trust_is_full_and_none_where_it_is_nothing(community: Community) -> None:
    def shown(trust: float, **new_items: object) -> list[str]:
        config = RecommendConfig.model_validate(
            {"new_item_trust": trust, "tuning": "none", "new_items": new_items, "ranker": {"enabled": False}}
        )
        model = train(community, config, Options())
        return [pick.item_id for pick in model.recommend("m2", 6)]

    new = {"2-10", "2-11"}
    assert new <= set(shown(1.0))
    assert not new & set(shown(0.0))
    assert not new & set(shown(1.0, enabled=False))


def test_a_reason_for_a_new_item_names_what_the_member_liked(community: Community) -> None:
    config = RecommendConfig.model_validate({"new_item_trust": 1.0, "tuning": "none", "ranker": {"enabled": False}})
    model = train(community, config, Options())
    picks = {pick.item_id: pick for pick in model.recommend("m2", 6)}
    for evidence in picks["2-10"].evidence:
        assert evidence.item_id is not None
        assert evidence.item_id.startswith("2-")
    assert picks["2-10"].evidence


def test_answers_survive_saving_and_items_added_since_are_told_in_the_same_terms(
    community: Community, tmp_path: Path
) -> None:
    config = RecommendConfig.model_validate({"new_item_trust": 1.0, "tuning": "none", "ranker": {"enabled": False}})
    model = train(community, config, Options())
    model.save(tmp_path / "model")
    again = Recommender.load(tmp_path / "model", community)
    assert again.recommend("m2", 6) == model.recommend("m2", 6)
    further = pl.DataFrame(
        {"item_id": ["later-2", "later-3"], "title": ["later (1980)"] * 2, "categories": [["kind > 2"], ["kind > 3"]]}
    )
    wider = grown(again, further)
    assert "later-2" in [pick.item_id for pick in wider.recommend("m2", 6)]
    assert "later-3" not in [pick.item_id for pick in wider.recommend("m2", 6)]


def test_a_folder_without_directions_goes_on_also_with_many_new_items(
    community: Community, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RecommendConfig.model_validate({"new_item_trust": 1.0, "tuning": "none", "ranker": {"enabled": False}})
    monkeypatch.setattr(newitems, "_widest", lambda _: np.empty((0, 0), dtype=np.float32))
    train(community, config, Options()).save(tmp_path / "model")
    monkeypatch.setattr(newitems, "FEW_NEW", 1)
    further = pl.DataFrame({"item_id": ["later-2"], "title": ["later (1980)"], "categories": [["kind > 2"]]})
    wider = grown(Recommender.load(tmp_path / "model", community), further)
    assert "later-2" in [pick.item_id for pick in wider.recommend("m2", 6)]


def test_where_too_little_is_known_nothing_is_told(community: Community) -> None:
    found, _ = fitted(community, fewest_items=1_000)
    assert not found
    assert not fitted(community, enabled=False)[0]


def test_descriptions_say_what_items_share_and_leave_what_is_unknown_at_zero() -> None:
    items = Community.from_tables(
        pl.DataFrame(
            {
                "item_id": ["a", "b", "c", "d"],
                "title": ["A (1990)", "B (2000)", "C", "D (2010)"],
                "categories": [["x > y"], ["x > z"], None, ["x > y"]],
                "seller": ["s", "s", None, "t"],
                "price": [1.0, 2.0, None, 2.0],
            }
        ),
        pl.DataFrame(schema={"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us")}),
    ).items
    terms = Descriptions.of(items, with_text=False)
    assert set(terms.names["categories"]) == {"x", "x > y"}
    assert set(terms.names["seller"]) == {"s"}
    told = terms.describe(items, None)
    assert told[2].tolist() == [0.0] * (told.shape[1] - 1) + [pytest.approx(0.7)]
    categories = told[:, :2]
    assert categories[0] @ categories[3] > categories[0] @ categories[1] > 0


def test_of_many_new_items_the_best_are_judged_as_if_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    model = NewItems()
    model.known, model.rows = np.arange(60), np.arange(60, 660)
    # What items speak for lies along a few directions for the most part, as that of real ones does.
    model._speaks = (rng.normal(size=(60, 40)) * 0.6 ** np.arange(40)).astype(np.float32)
    model._new = rng.normal(size=(600, 40)).astype(np.float32)
    model._compared, model._off = model._new[:20], np.zeros((60, 20), dtype=np.float32)
    batch = Histories.of_items([[1, 2, 3], [40, 7]])
    whole = model.score(batch)
    monkeypatch.setattr(newitems, "DIRECTIONS", 6)
    monkeypatch.setattr(newitems, "EARNEST", 60)
    model._directions = newitems._widest(model._speaks)
    model._sketch = model._new @ model._directions
    quick = model.score(batch)
    for own, exact in zip(quick, whole, strict=True):
        best = np.argsort(-exact)[:20]
        assert np.argsort(-own)[:20].tolist() == best.tolist()
        np.testing.assert_allclose(own[best], exact[best], rtol=1e-5)
        assert not np.allclose(own, exact), "those that cannot win are judged along few directions alone"
