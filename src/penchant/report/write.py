"""The report on a workspace: its current build gathered into one page."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from penchant import __version__
from penchant.artifacts import write_atomically
from penchant.data.community import Community
from penchant.errors import ArtifactError, NotBuiltError
from penchant.language import Lang, Phrase
from penchant.report.anomalies_section import anomalies_section, anomalies_tile
from penchant.report.build_section import build_section
from penchant.report.community_section import community_section, span, tiles
from penchant.report.drift_section import drift_section
from penchant.report.glance import glance
from penchant.report.interests_glance import InterestsGlance, interests_glance
from penchant.report.interests_section import interests_section, interests_tile, no_interests_section
from penchant.report.marked_texts import marked_texts
from penchant.report.members_section import member_card, members_section, newcomers_section
from penchant.report.page import Page, Section, render
from penchant.report.quality_section import GLOSSARY, quality_section, quality_tile
from penchant.report.ranking_section import ranking_section
from penchant.report.reading_section import reading_section
from penchant.report.search_section import search_section
from penchant.report.segments_section import segments_section, segments_tile
from penchant.report.social_section import social_section
from penchant.report.stories import tell, telling_members
from penchant.report.tier_pictures import tier_chips
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.interests import Interests
    from penchant.members.recipe import Members
    from penchant.recommend import Recommender

PICKS: Final = 5
NEWCOMER_PICKS: Final = 10
NEW_ITEMS: Final = 2

MADE: Final = Phrase(
    "Made by Penchant {version} on {day}. Everything on this page was computed from the workspace's own data; "
    "the file needs no network.",
    "由 Penchant {version} 于 {day} 生成。本页内容全部由工作区自身的数据计算得出，打开无需联网。",
)


def write_report(
    workspace: Workspace, path: Path | None = None, lang: Lang = "en", *, title: str | None = None
) -> Path:
    """Write the report on the current build as one HTML file that needs no network.

    Args:
        workspace: that has been built.
        path: the file; the workspace's `report.html` if absent.
        lang: the language of the page, its reasons and strategies.
        title: stands at the top; the workspace's name if absent.

    Returns:
        The file.

    Raises:
        NotBuiltError: there is no build yet.
        ArtifactError: the build is damaged.
        StorageError: the file cannot be written.
    """
    from penchant.stages import STAGES

    build = workspace.require_current()
    community, recommender = build.community, build.recommender()
    seen, quality = glance(community), build.quality
    members, interests = telling_members(community), _interests_of(build)
    held = _interests_glance(community, interests) if interests is not None else None
    groups = build.members() if "members" in build.stages else None
    odd = build.anomalies() if "anomalies" in build.stages else None
    sections: list[Section | None] = [
        community_section(seen, lang),
        _reading(workspace, lang),
        quality_section(quality, lang),
        ranking_section(recommender, quality, lang),
        _interests(community, interests, held, members, lang),
        _segments(workspace, build, groups, lang) if groups is not None else None,
        anomalies_section(odd, lang) if odd is not None else None,
        drift_section(build.drift(), lang) if "drift" in build.stages else None,
        social_section(build, lang),
        _members(community, recommender, members, interests, lang),
        _newcomers(community, recommender, lang),
        search_section(build.searcher(), community, lang) if "search" in build.stages else None,
        build_section(build, {stage.name: stage.title for stage in STAGES}, lang),
    ]
    page = Page(
        title=title or workspace.path.resolve().stem,
        subtitle=span(seen, lang),
        tiles=(
            *tiles(seen, lang),
            *filter(
                None,
                [
                    interests_tile(held, lang) if held else None,
                    segments_tile(groups, lang) if groups else None,
                    anomalies_tile(odd, lang) if odd else None,
                    quality_tile(quality, lang),
                ],
            ),
        ),
        sections=tuple(section for section in sections if section is not None),
        glossary=tuple((term(lang), meaning(lang)) for term, meaning in GLOSSARY),
        made=MADE(lang, version=__version__, day=f"{datetime.now(UTC):%Y-%m-%d}"),
        made_with=__version__,
    )
    path = path or workspace.report
    write_atomically(path, render(page, lang).encode())
    return path


def new_items(community: Community, count: int = NEW_ITEMS) -> list[int]:
    """Rows of items that show what text alone can do: the fewest events, then the newest, then the longest text.

    Each is of another first category than those before it, as far as there are enough.
    """
    events = np.bincount(community.events["item"].drop_nulls().to_numpy(), minlength=len(community.items))
    ordered = (
        community.items.select("item_id", "created_at", first=pl.col("categories").list.first())
        .with_columns(events=pl.Series(events), length=pl.Series([len(text) for text in community.item_texts]))
        .with_row_index("row")
        .sort(["events", "created_at", "length", "item_id"], descending=[False, True, True, False], nulls_last=True)
    )
    varied = ordered.unique("first", keep="first", maintain_order=True)["row"].to_list()
    rest = [row for row in ordered["row"].head(len(varied) + count) if row not in varied]
    return [*varied, *rest][:count]


def _segments(workspace: Workspace, build: "Build", groups: "Members", lang: Lang) -> Section:
    from penchant.members.actions import actions_of
    from penchant.members.privacy import private_sizes

    private = private_sizes(workspace.config, workspace.path, build.version, groups.segments)
    return segments_section(groups, lang, private=private, actions=actions_of(workspace.config, workspace.path))


def _reading(workspace: Workspace, lang: Lang) -> Section | None:
    try:
        summary = json.loads(workspace.reading.read_bytes())
    except FileNotFoundError:
        # The store was filled by other means than `penchant read`.
        return None
    except ValueError as error:
        raise ArtifactError(f"{workspace.reading} cannot be read ({error}); read the data in again") from error
    return reading_section(summary, lang)


def _interests_of(build: "Build") -> "Interests | None":
    try:
        return build.interests()
    except NotBuiltError:
        # A build of an earlier Penchant.
        return None


def _interests_glance(community: Community, interests: "Interests") -> InterestsGlance:
    weights = interests.config.strata.weights
    return interests_glance(community, interests.taxonomy, interests.item_labels, interests.strata, weights)


def _interests(
    community: Community,
    interests: "Interests | None",
    held: InterestsGlance | None,
    members: Sequence[tuple[int, Phrase]],
    lang: Lang,
) -> Section:
    if interests is None or held is None:
        return no_interests_section(lang)
    labeller = interests.labeller
    return interests_section(
        held,
        interests.strata,
        members,
        lang,
        marked=marked_texts(labeller, community, lang) if labeller is not None else (),
        source=interests.source.why(lang),
        discovery=interests.discovery,
    )


def _members(
    community: Community,
    recommender: "Recommender",
    members: Sequence[tuple[int, Phrase]],
    interests: "Interests | None",
    lang: Lang,
) -> Section | None:
    cards = []
    for member, why in members:
        story = tell(community, member, why, weights=recommender.config.event_weights)
        ranking = recommender.recommend(story.member_id, PICKS, lang=lang)
        chips = tier_chips(interests.strata[story.member_id], lang) if interests is not None else ()
        cards.append(member_card(story, ranking, community, lang, chips))
    return members_section(cards, lang) if cards else None


def _newcomers(community: Community, recommender: "Recommender", lang: Lang) -> Section:
    near = [(item, recommender.similar(community.item_ids.id(item), PICKS, lang=lang)) for item in new_items(community)]
    return newcomers_section(recommender.recommend_for(k=NEWCOMER_PICKS, lang=lang), near, community, lang)
