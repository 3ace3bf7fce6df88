"""The report's section on interests, from members whose interests are planted."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.data.strata import Strata, Tier
from penchant.interests.discovery import discover
from penchant.interests.strata import Stratifier
from penchant.interests.taxonomy import Taxonomy
from penchant.language import Lang, Phrase
from penchant.report.interests_charts import TONES, tiers_chart, tree_chart
from penchant.report.interests_glance import InterestsGlance, interests_glance
from penchant.report.interests_section import interests_section, interests_tile, no_interests_section
from penchant.report.page import Page, render
from penchant.report.tier_pictures import tier_chips, tier_picture, told_interests
from recommend.word_encoder import WordEncoder
from report.test_charts import in_colour

LABELS = ["Home > Pans", "Home > Lamps", "Outdoor > Tents", "Outdoor > Boots", "Books <& more"]
WHY = Phrase("chosen", "选中")


@pytest.fixture(scope="module")
def shop() -> Community:
    """Thirty members who buy of two labels, the first three times as often, and one with two purchases alone."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    items = pl.DataFrame(
        {
            "item_id": [f"i{row}" for row in range(len(LABELS))],
            "title": [f"Thing {row}" for row in range(len(LABELS))],
            "categories": [[label] for label in LABELS],
        }
    )
    rows = []
    for member in range(30):
        first, second = member % len(LABELS), (member + 2) % len(LABELS)
        for turn in range(32):
            item = second if turn % 4 == 3 else first
            rows.append((f"m{member:02}", f"i{item}", "buy", start + timedelta(days=2 * turn, minutes=member)))
    rows += [("new", "i0", "buy", start), ("new", "i1", "buy", start + timedelta(days=1))]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    return Community.from_tables(items, events)


@pytest.fixture(scope="module")
def found(shop: Community) -> tuple[InterestsGlance, Strata]:
    stratifier = Stratifier.of_categories(shop)
    strata = stratifier.stratify(shop)
    return interests_glance(shop, stratifier.taxonomy, stratifier.item_labels, strata), strata


def test_shares_are_those_of_the_looks_and_members_are_counted_by_tier(
    found: tuple[InterestsGlance, Strata], shop: Community
) -> None:
    seen, strata = found
    bought = shop.events["item"].value_counts()
    pans = bought.filter(pl.col("item") == 0)["count"][0] / len(shop.events)
    assert seen.shares[seen.taxonomy.row("Home > Pans")] == pytest.approx(pans)
    assert seen.shares[seen.taxonomy.row("Home")] == pytest.approx(
        sum(seen.shares[seen.taxonomy.row(label)] for label in ("Home > Pans", "Home > Lamps"))
    )
    assert (seen.members, seen.judged, seen.unjudged) == (31, 30, 1)
    core = seen.tiers[seen.taxonomy.row("Home > Pans"), list(Tier).index(Tier.CORE)]
    assert core == len(strata.members_with("Home > Pans", [Tier.CORE])) >= 6


def test_latent_interests_count_as_nobody_holding_a_label(found: tuple[InterestsGlance, Strata]) -> None:
    seen, _ = found
    latent = seen.tiers[:, list(Tier).index(Tier.LATENT)]
    assert latent.any()
    np.testing.assert_array_equal(seen.holders, seen.tiers.sum(axis=1) - latent)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_sunburst_is_a_tree_whose_slices_are_the_shares(found: tuple[InterestsGlance, Strata], lang: Lang) -> None:
    from plotly.graph_objects import Figure

    seen, _ = found
    chart = tree_chart(seen, lang)
    Figure(in_colour(chart.figure))
    (trace,) = chart.figure["data"]
    ids, parents, values = trace["ids"], trace["parents"], np.array(trace["values"])
    assert len(set(ids)) == len(ids)
    assert set(parents) <= {*ids, ""}

    def whole(name: str) -> float:
        below = sum(whole(child) for child, above in zip(ids, parents, strict=True) if above == name)
        return float(values[ids.index(name)]) + below

    for label in ("Home", "Home > Pans", "Outdoor"):
        assert whole(label) == pytest.approx(seen.shares[seen.taxonomy.row(label)])
    assert "Books &lt;&amp; more" in trace["labels"], "a label that looks like markup is shown as it is"


def test_small_labels_share_a_slice() -> None:
    tree = Taxonomy(["Big", *(f"Crumb {row:02}" for row in range(30))])
    shares = np.array([0.97, *[0.001] * 30])
    seen = InterestsGlance(tree, shares, np.zeros((31, len(Tier)), dtype=np.int64), members=9, judged=9)
    (trace,) = tree_chart(seen, "en").figure["data"]
    assert trace["labels"] == ["31 labels", "Big", "30 more"]
    assert trace["values"] == pytest.approx([0, 0.97, 0.03])


def test_bars_of_the_tiers_add_up_to_the_members(found: tuple[InterestsGlance, Strata]) -> None:
    from plotly.graph_objects import Figure

    seen, strata = found
    chart = tiers_chart(seen, "en")
    Figure(in_colour(chart.figure))
    drawn = {trace["name"]: sum(trace["x"]) for trace in chart.figure["data"]}
    leaves = [seen.taxonomy.labels[row] for row in seen.taxonomy.leaf_rows]
    counted = strata.counts().filter(pl.col("label").is_in(leaves)).group_by("tier").agg(pl.col("members").sum())
    assert drawn == dict(counted.with_columns(pl.col("tier").cast(pl.String)).iter_rows())


def test_picture_shows_the_planted_interest_in_the_colour_of_its_tier(found: tuple[InterestsGlance, Strata]) -> None:
    seen, strata = found
    picture = tier_picture(0, strata["m00"], WHY, seen, "en")
    assert picture.chart is not None
    bars, community = picture.chart.figure["data"]
    top = len(bars["y"]) - 1
    assert bars["customdata"][top] == "Home &gt; Pans · core"
    assert bars["marker"]["color"][top] == TONES[Tier.CORE]
    interest = strata["m00"].core[0]
    low, high = interest.interval
    pans = next(one for one in strata["m00"].core if one.label == "Home > Pans")
    assert bars["x"][top] == pans.share > 0.5
    assert bars["error_x"]["array"][top] == pytest.approx(pans.interval[1] - pans.share)
    assert community["x"][top] == pytest.approx(seen.shares[seen.taxonomy.row("Home > Pans")])
    assert low < interest.share < high
    line = picture.lines[0]
    assert line.evidence[0].startswith("Thing 0 · purchase · 2026-")
    assert len(line.evidence) == len(pans.evidence)


def test_a_label_that_a_deeper_one_implies_is_not_said_twice(found: tuple[InterestsGlance, Strata]) -> None:
    mine = found[1]["m00"]
    assert {"Home", "Home > Pans"} <= {interest.label for interest in mine.core}
    assert told_interests(mine.interests)[0].label == "Home > Pans"
    assert "Home" not in {interest.label for interest in told_interests(mine.interests)}


@pytest.mark.parametrize(("lang", "said"), [("en", "too little to tell"), ("zh", "依据太少")])
def test_member_with_two_events_gets_no_chart_and_is_told_why(
    found: tuple[InterestsGlance, Strata], lang: Lang, said: str
) -> None:
    seen, strata = found
    picture = tier_picture(0, strata["new"], WHY, seen, lang)
    assert picture.chart is None
    assert said in picture.facts
    assert not picture.lines


def test_chips_name_each_tier_once(found: tuple[InterestsGlance, Strata]) -> None:
    chips = tier_chips(found[1]["m00"], "zh")
    assert [chip.tier for chip in chips] == list(dict.fromkeys(chip.tier for chip in chips))
    assert chips[0].tier == "核心"
    assert "Pans" in chips[0].text.split("、")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_section_tells_how_many_are_judged(found: tuple[InterestsGlance, Strata], shop: Community, lang: Lang) -> None:
    seen, strata = found
    section = interests_section(seen, strata, [(0, WHY), (shop.member_ids.row("new"), WHY)], lang, source="Source.")
    assert "30" in section.lead
    assert "31" in section.lead
    assert section.lead.endswith("Source.")
    assert [chart.name for chart in section.charts] == ["interest-tree", "interest-tiers"]
    tile = interests_tile(seen, lang)
    assert tile is not None
    assert tile.value == "30"
    html = render(Page("", "", (), (section,), (), "", "0"), lang)
    assert ("依据太少" in html) == (lang == "zh")
    assert "Home &gt; Pans" in html


def test_nobody_to_judge_and_no_stage_are_said_and_drawn_nowhere(shop: Community) -> None:
    few = shop.with_events(shop.events.filter(pl.col("member") == shop.member_ids.row("new")))
    stratifier = Stratifier.of_categories(few)
    strata = stratifier.stratify(few)
    seen = interests_glance(few, stratifier.taxonomy, stratifier.item_labels, strata)
    section = interests_section(seen, strata, [], "en")
    assert section.lead.startswith("There is too little to tell of any of the 31 members")
    assert interests_tile(seen, "en") is None
    assert "earlier version" in no_interests_section("en").lead
    silent = shop.with_events(shop.events.head(0))
    nothing = interests_glance(
        silent, stratifier.taxonomy, stratifier.item_labels, Stratifier.of_categories(silent).stratify(silent)
    )
    assert interests_section(nothing, strata, [], "en").charts == ()


def test_subjects_found_in_texts_stand_in_a_table_the_largest_first(found: tuple[InterestsGlance, Strata]) -> None:
    seen, strata = found
    words = {"tent": 30, "kettle": 24, "novel": 45}
    texts = [f"{word} {word} {word} nr{turn}" for word, count in words.items() for turn in range(count)]
    discovery = discover(texts, WordEncoder())
    (table,) = interests_section(seen, strata, [], "en", discovery=discovery).tables
    sizes = [int(size) for *_, size in table.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == sum(label is not None for label in discovery.labels) > 60
    first = table.rows[0]
    assert "novel" in first[0].lower()
    assert "novel" in first[1]
    assert all(len(row) == len(table.headings) for row in table.rows)
