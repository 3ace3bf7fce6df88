"""Audiences: who is reached, how many that is, and what they share with others."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from penchant.data.strata import SCHEMA, Strata, Tier
from penchant.data.vocabulary import Vocabulary
from penchant.errors import InputError, UnknownIdError
from penchant.interests.audience import audience

LABELS = ("Home", "Home > Pans", "Home > Pots", "Outdoor")


def strata(rows: list[tuple[int, int, str, float, float, float]], members: int = 10) -> Strata:
    """Rows of member, label, tier, share, lower and upper; the last member has too few looks to be judged."""
    table = pl.DataFrame(rows, schema=["member", "label", "tier", "share", "lower", "upper"], orient="row")
    table = table.with_columns(pl.lit(None, dtype=SCHEMA["evidence"]).alias("evidence")).cast(dict(SCHEMA))
    counts = np.full(members, 50.0, dtype=np.float32)
    counts[-1] = 1.0
    ids = Vocabulary([f"m{row}" for row in range(members)], name="member")
    return Strata(ids, LABELS, table, counts, 5.0, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def told() -> Strata:
    return strata(
        [
            (0, 0, "core", 0.5, 0.4, 0.6),
            (0, 1, "core", 0.4, 0.3, 0.5),
            (1, 2, "regular", 0.06, 0.02, 0.10),
            (2, 1, "latent", 0.03, 0.0, 0.03),
            (3, 2, "fading", 0.2, 0.1, 0.3),
            (0, 3, "regular", 0.08, 0.05, 0.12),
            (4, 3, "core", 0.9, 0.8, 0.95),
        ]
    )


def test_members_who_hold_a_label_below_the_one_asked_for_are_reached_the_strongest_first(told: Strata) -> None:
    reached = audience(told, "Home")
    assert reached.members.tolist() == [0, 1]
    assert reached.shares.tolist() == pytest.approx([0.5, 0.06])


def test_tiers_decide_who_is_reached(told: Strata) -> None:
    assert audience(told, "Home", {Tier.LATENT}).members.tolist() == [2]
    assert audience(told, "Home", {Tier.FADING, Tier.CORE}).members.tolist() == [0, 3]
    assert audience(told, "Home > Pans").members.tolist() == [0]


def test_a_sure_member_counts_whole_and_a_doubtful_one_in_part(told: Strata) -> None:
    reached = audience(told, "Home", least_share=0.06)
    assert reached.expected == pytest.approx(1.5, abs=0.01)
    assert reached.interval[0] < 1.5 < reached.interval[1] <= 2
    assert audience(told, "Home", least_share=0.3).expected == pytest.approx(1.0, abs=0.02)


def test_the_interval_of_the_size_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(60):
        true = rng.uniform(0.02, 0.2, 200)
        deviation = 0.03
        seen = true + rng.normal(0, deviation, 200)
        half = 1.645 * deviation
        rows = [(row, 3, "core", share, share - half, share + half) for row, share in enumerate(seen.tolist())]
        reached = audience(strata(rows, 201), "Outdoor", least_share=0.1)
        covered.append(reached.interval[0] <= (true >= 0.1).sum() <= reached.interval[1])
    assert np.mean(covered) >= 0.8


def test_overlap_counts_shared_members_and_says_how_much_likelier_they_are(told: Strata) -> None:
    (other,) = audience(told, "Home").overlaps
    assert (other.label, other.members, other.share) == ("Outdoor", 1, 0.5)
    # One of two members reached holds it, and two of the nine who can be judged.
    assert other.lift == pytest.approx(0.5 / (2 / 9))
    assert audience(told, "Home", overlaps=0).overlaps == ()


def test_members_of_whom_too_little_is_known_are_counted_apart(told: Strata) -> None:
    assert audience(told, "Home").unjudged == 1


def test_a_label_nobody_holds_reaches_nobody(told: Strata) -> None:
    nobody = audience(told, "Outdoor", {Tier.EMERGING})
    assert (len(nobody), nobody.expected, nobody.interval, nobody.overlaps) == (0, 0.0, (0.0, 0.0), ())


def test_an_unknown_label_no_tier_and_a_confidence_of_one_are_refused(told: Strata) -> None:
    with pytest.raises(UnknownIdError, match=r"no label 'Garden'; it has 4 labels"):
        audience(told, "Garden")
    with pytest.raises(InputError, match="no tier is named"):
        audience(told, "Home", [])
    with pytest.raises(InputError, match=r"confidence of 1\.0"):
        audience(told, "Home", confidence=1.0)
