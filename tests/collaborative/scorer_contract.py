"""What every scorer must do, as a test class: inherit from it and name the class as `scorer`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.errors import ArtifactError, NotFittedError
from penchant.training.options import Options

START = datetime(2026, 1, 1, tzinfo=UTC)
SIDE = 16


def community_of(rows: list[tuple[str, str, str, float]], items: list[str] | None = None) -> Community:
    """A community of events (member, item, kind, day); the items are those named, or those of the events."""
    names = items or sorted({item for _, item, _, _ in rows})
    events = pl.DataFrame(
        {
            "member_id": [member for member, _, _, _ in rows],
            "item_id": [item for _, item, _, _ in rows],
            "kind": [kind for _, _, kind, _ in rows],
            "at": [START + timedelta(days=day) for _, _, _, day in rows],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    return Community.from_tables(pl.DataFrame({"item_id": names, "title": names}), events)


def checkerboard(seed: int = 3) -> tuple[Community, list[int]]:
    """Members and items of two colours: each member likes all items of their own but one; and that one's row.

    The items of a colour share a word in their titles. The last item is liked by nobody.
    """
    rng = np.random.default_rng(seed)
    rows, withheld = [], []
    for member in range(SIDE):
        own = [item for item in range(SIDE) if (item + member) % 2 == 0]
        missing = own[member // 2]
        withheld.append(missing)
        for place, item in enumerate(rng.permutation([item for item in own if item != missing])):
            rows.append((f"m{member:02}", f"p{item:02}", "buy", float(member + place / 10)))
    board = community_of(rows, [f"p{item:02}" for item in range(SIDE)] + ["untouched"])
    titles = ["cast iron pan" if row % 2 else "summer dress" for row in range(SIDE)] + ["garden hose"]
    named = board.items.with_columns(title=pl.Series([f"{title} {row}" for row, title in enumerate(titles)]))
    return Community.from_tables(named, board.with_ids("events")), withheld


class ScorerContract:
    """Inherit, and set `scorer` to the class; `made` may be overridden where it needs more than a configuration."""

    scorer: ClassVar[type[Any]]
    personal: ClassVar[bool] = True
    """Whether a score depends on the history."""
    generalises: ClassVar[bool] = True
    """Whether a score says anything of items outside the history."""

    @classmethod
    def made(cls) -> Any:
        return cls.scorer()

    @pytest.fixture(scope="class")
    @classmethod
    def board(cls) -> tuple[Community, list[int]]:
        return checkerboard()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, board: tuple[Community, list[int]]) -> Any:
        return cls.made().fit(board[0], Options(seed=5))

    def test_it_keeps_the_contract(self, fitted: Any) -> None:
        assert isinstance(fitted, Scorer)

    def test_asking_before_fitting_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(NotFittedError, match="call fit or load first"):
            self.made().score(Histories.of_items([[0]]))
        with pytest.raises(NotFittedError, match="call fit or load first"):
            self.made().save(tmp_path)

    def test_scores_are_single_precision_for_every_member_and_item(self, fitted: Any, board: Any) -> None:
        scores = fitted.score(histories(board[0]))
        assert scores.shape == (SIDE, SIDE + 1)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_the_withheld_item_comes_first_among_the_unseen(self, fitted: Any, board: Any) -> None:
        if not (self.personal and self.generalises):
            pytest.skip("tells no member of items of their own that they have not met")
        community, withheld = board
        batch = histories(community)
        scores = np.where(batch.touched(SIDE + 1).toarray() > 0, -np.inf, fitted.score(batch))
        assert scores.argmax(axis=1).tolist() == withheld

    def test_a_stranger_with_a_members_history_scores_as_the_member(self, fitted: Any, board: Any) -> None:
        batch = histories(board[0])
        alone = batch.rows(np.array([4]))
        stranger = Histories(alone.offsets.copy(), alone.items.copy(), alone.at.copy(), alone.weights.copy())
        np.testing.assert_allclose(fitted.score(stranger)[0], fitted.score(batch)[4], rtol=1e-5, atol=1e-6)

    def test_a_history_scores_the_same_in_any_company(self, fitted: Any, board: Any) -> None:
        batch = histories(board[0])
        turned = np.arange(SIDE)[::-1]
        np.testing.assert_allclose(fitted.score(batch.rows(turned)), fitted.score(batch)[turned], rtol=1e-5, atol=1e-6)

    def test_contributions_sum_to_the_score(self, fitted: Any, board: Any) -> None:
        history = histories(board[0], np.array([2]))
        scores = fitted.score(history)[0]
        parts = fitted.contributions(history, np.arange(SIDE + 1))
        assert parts.shape == (SIDE + 1, len(history.items))
        assert parts.dtype == np.float32
        np.testing.assert_allclose(parts.sum(axis=1), scores if self.personal else 0, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(fitted.contributions(history, np.array([7, 3])), parts[[7, 3]], rtol=1e-5, atol=1e-7)

    def test_contributions_sum_to_the_score_where_an_item_was_met_often_and_disliked(self, fitted: Any) -> None:
        # Item 2: a view, two purchases, then a return; item 4: liked, then hidden, so that nothing is left.
        history = Histories(
            offsets=np.array([0, 7]),
            items=np.array([2, 2, 4, 2, 6, 4, 2]),
            at=np.arange(7) * 86_400.0,
            weights=np.array([0.3, 1.0, 1.0, 1.0, 0.9, -1.0, -0.5], dtype=np.float32),
        )
        scores = fitted.score(history)[0]
        parts = fitted.contributions(history, np.arange(SIDE + 1))
        np.testing.assert_allclose(parts.sum(axis=1), scores if self.personal else 0, rtol=1e-4, atol=1e-5)

    def test_disliking_an_item_lowers_what_is_like_it(self, fitted: Any) -> None:
        if not (self.personal and self.generalises):
            pytest.skip("knows of no likeness between items")
        likes = Histories.of_items([[2, 4]])
        hides = Histories(
            np.array([0, 3]), np.array([2, 4, 6]), np.array([0.0, 1.0, 2.0]), np.array([1, 1, -1], np.float32)
        )
        assert fitted.score(hides)[0, 8] < fitted.score(likes)[0, 8]

    def test_an_empty_history_favours_no_item_of_its_own(self, fitted: Any) -> None:
        scores = fitted.score(Histories.of_items([[], [2]]))
        assert np.isfinite(scores).all()
        assert fitted.contributions(Histories.of_items([[]]), np.arange(3)).shape == (3, 0)
        if self.personal:
            assert not scores[0].any()

    def test_nothing_handed_in_is_changed(self, fitted: Any, board: Any) -> None:
        community, _ = board
        before = community.fingerprint()
        history = histories(community)
        copies = [array.copy() for array in (history.offsets, history.items, history.at, history.weights)]
        scores = fitted.score(history)
        scores[:] = 0
        fitted.contributions(history.rows(np.array([0])), np.arange(3))
        self.made().fit(community, Options())
        assert community.fingerprint() == before
        for array, copy in zip((history.offsets, history.items, history.at, history.weights), copies, strict=True):
            np.testing.assert_array_equal(array, copy)
        assert fitted.score(history).any(), "the scores handed out must be the caller's own"

    def test_the_same_seed_learns_the_same(self, fitted: Any, board: Any) -> None:
        again = self.made().fit(board[0], Options(seed=5))
        np.testing.assert_array_equal(again.score(histories(board[0])), fitted.score(histories(board[0])))

    def test_the_order_of_rows_in_the_file_does_not_matter(self, fitted: Any, board: Any) -> None:
        community, _ = board
        shuffled = Community.from_tables(
            community.items, community.with_ids("events").sample(fraction=1, shuffle=True, seed=1)
        )
        again = self.made().fit(shuffled, Options(seed=5))
        np.testing.assert_allclose(
            again.score(histories(shuffled)), fitted.score(histories(community)), rtol=1e-4, atol=1e-5
        )

    def test_a_saved_scorer_loads_to_the_same_scores(self, fitted: Any, board: Any, tmp_path: Path) -> None:
        fitted.save(tmp_path / "saved")
        loaded = self.scorer.load(tmp_path / "saved")
        history = histories(board[0])
        np.testing.assert_array_equal(loaded.score(history), fitted.score(history))
        one = history.rows(np.array([1]))
        np.testing.assert_array_equal(loaded.contributions(one, np.arange(5)), fitted.contributions(one, np.arange(5)))
        assert loaded.config == fitted.config
        assert loaded.name == fitted.name

    def test_a_folder_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        from penchant.artifacts import save_artifact

        save_artifact(tmp_path / "other", "something")
        with pytest.raises(ArtifactError, match="holds a 'something'"):
            self.scorer.load(tmp_path / "other")
