"""Interests as a whole: from a community to the labels of its items and the tiers of its members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.strata import Strata
from penchant.errors import TooLittleDataError
from penchant.interests.discovery import Discovery, discover
from penchant.interests.interests import Interests, InterestsConfig, LabelSource, SourceName
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.recipe import category_texts, train
from penchant.interests.sentiment import Sentiment, with_subjects
from penchant.interests.strata import StrataConfig, Stratifier
from penchant.interests.taxonomy import Taxonomy, normal_path
from penchant.training.options import Options
from penchant.vectors import chunks

if TYPE_CHECKING:
    from penchant.text.encoder import Encoder

_AT_ONCE: Final = 8192
_LEAST: Final = 0.01
"""Smaller probabilities of items are not kept; tiers pass over larger ones than this."""
_LESSONS_PER_LABEL: Final = 10
_LESSONS_PER_ITEM: Final = 20
"""With the source `categories`, so many items teach for each leaf, or for each item without categories, if more."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Labels for the items of a community, from one source."""

    taxonomy: Taxonomy
    item_labels: sp.csr_matrix
    known: int
    labelled: int
    labeller: Labeller | None = None
    discovery: Discovery | None = None


def learn(
    community: Community,
    config: InterestsConfig | None = None,
    options: Options | None = None,
    *,
    encoder: "Encoder | None" = None,
) -> Interests:
    """Find out what each item is about, and from that what each member is interested in.

    Labels come from the labels table (texts, or items by name), from the items' own categories, or from subjects found
    in the items' texts. An item's own categories, where they are among the labels, are facts; all other items are
    labelled by a labeller.

    Args:
        community: whose interests to learn.
        config: where labels come from and how they become tiers.
        options: seed, device, progress.
        encoder: reads texts; the default one is loaded where one is needed and none is given.

    Raises:
        TooLittleDataError: the source that the configuration names is not there, or there is nothing to learn from.

    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame(
    ...         {"item_id": ["a", "b"], "title": ["Kettle", "Tent"], "categories": [["Home"], ["Outdoor"]]}
    ...     ),
    ...     events=pl.DataFrame({"member_id": ["m"] * 20, "item_id": ["a"] * 18 + ["b"] * 2, "kind": ["buy"] * 20,
    ...         "at": [datetime(2026, 1, day) for day in range(1, 21)]}),
    ... )
    >>> interests = learn(shop)
    >>> interests.source.name, interests.strata["m"].core[0].label
    ('categories', 'Home')
    """
    config, options = config or InterestsConfig(), options or Options()
    subjects = with_subjects(community)
    name = _chosen(subjects, config)
    if name == "labels":
        found = _from_labels(subjects, config, options, encoder)
    elif name == "categories":
        found = _from_categories(subjects, config, options, encoder)
    else:
        found = _from_texts(subjects, config, options, encoder)
    sentiment = Sentiment.fit(community, options) if config.sentiment else None
    felt = sentiment.of(community) if sentiment else None
    stratifier = Stratifier(found.taxonomy, found.item_labels, config.strata).fit(community, sentiment=felt)
    strata = stratifier.stratify(community, sentiment=felt)
    source = LabelSource(
        name,
        chosen=config.source != "auto",
        items=len(community.items),
        known=found.known,
        labelled=found.labelled,
        taught=found.labeller.report.texts if found.labeller else 0,
        felt=0 if felt is None else int(np.isfinite(felt).sum()),
    )
    return Interests(
        found.taxonomy,
        found.item_labels,
        strata,
        source,
        config,
        fitted=stratifier.fitted,
        sentiment=sentiment,
        labeller=found.labeller,
        discovery=found.discovery,
    )


def stratify(
    community: Community,
    labeller: Labeller | None = None,
    config: StrataConfig | None = None,
    options: Options | None = None,
    *,
    sentiment: bool = True,
    now: datetime | None = None,
) -> Strata:
    """Every member's tiers, from what a labeller says of the items; from their own categories where there is none.

    Args:
        community: whose members to judge.
        labeller: labels the items' texts; what categories say of its labels, and item ids in the labels table, is
            taken for granted.
        config: the rules of the tiers.
        options: seed.
        sentiment: weigh looks by stars and by what was written; see `penchant.interests.sentiment`.
        now: the moment to judge at; the time of the last event if absent.

    Raises:
        InputError: there is no labeller, and no item has a category.
    """
    if labeller is None:
        stratifier = Stratifier.of_categories(community, config)
    else:
        about = _about(labeller.taxonomy, community, facts(community, labeller.taxonomy), labeller)
        stratifier = Stratifier(labeller.taxonomy, about, config)
    felt = Sentiment.fit(community, options).of(community) if sentiment else None
    return stratifier.stratify(community, sentiment=felt, now=now)


def facts(community: Community, taxonomy: Taxonomy) -> dict[int, list[str]]:
    """Items whose labels are given, by row: their categories in the tree, and labels of the labels table by item id."""
    found: dict[int, list[str]] = {}
    for row, paths in enumerate(community.items["categories"].to_list()):
        if kept := _within(paths, taxonomy):
            found[row] = kept
    named = community.labels.filter(pl.col("item_id").is_not_null()).select("item_id", "labels")
    for item_id, given in named.iter_rows():
        place = community.item_ids.row_or_none(item_id)
        if place is not None and (kept := _within(given, taxonomy)):
            found[place] = [*dict.fromkeys([*found.get(place, []), *kept])]
    return found


def _within(paths: Sequence[str] | None, taxonomy: Taxonomy) -> list[str]:
    return [path for path in map(normal_path, paths or ()) if path in taxonomy]


def _chosen(community: Community, config: InterestsConfig) -> SourceName:
    labels, categories = community.labels, community.items["categories"]
    learnable = labels.filter(labels["split"].is_in(["train"]) | labels["split"].is_null())
    labelled = bool((learnable["labels"].list.len() > 0).any())
    sorted_in = bool((categories.list.len() > 0).any())
    if config.source == "labels" and not labelled:
        raise TooLittleDataError(
            "interests are to come from labels, but no row of the labels table names a subject to learn from; label "
            'some texts (`penchant interests suggest`), or let [interests] say source = "auto"'
        )
    if config.source == "categories" and not sorted_in:
        raise TooLittleDataError(
            "interests are to come from categories, but no item has one; give items the column categories, or let "
            '[interests] say source = "auto"'
        )
    if config.source != "auto":
        return config.source
    return "labels" if labelled else "categories" if sorted_in else "discovered"


def _from_labels(community: Community, config: InterestsConfig, options: Options, encoder: "Encoder | None") -> _Found:
    # Unlabelled texts are those of the items, whose vectors a build has already.
    labeller = train(community, config.labeller, options, encoder=encoder, unlabelled=community.item_texts)
    known = facts(community, labeller.taxonomy)
    about = _about(labeller.taxonomy, community, known, labeller)
    return _Found(labeller.taxonomy, about, len(known), len(community.items) - len(known), labeller)


def _from_categories(
    community: Community, config: InterestsConfig, options: Options, encoder: "Encoder | None"
) -> _Found:
    taxonomy = Taxonomy(path for paths in community.items["categories"].drop_nulls().to_list() for path in paths)
    known = facts(community, taxonomy)
    without = len(community.items) - len(known)
    labeller = _taught_by_items(community, without, taxonomy, config, options, encoder) if without else None
    about = _about(taxonomy, community, known, labeller)
    return _Found(taxonomy, about, len(known), without if labeller else 0, labeller)


def _from_texts(community: Community, config: InterestsConfig, options: Options, encoder: "Encoder | None") -> _Found:
    encoder = encoder or _default_encoder(options)
    discovery = discover(community.item_texts, encoder, config.discovery, options)
    told = {row: [label] for row, label in enumerate(discovery.labels) if label is not None}
    labelled = discovery.labelled_texts()
    chosen = np.sort(options.rng().permutation(len(labelled))[: config.teachers])
    # The items have their labels already; the labeller is for texts still to come.
    labeller = Labeller(config.labeller).fit(
        labelled.take(chosen.tolist()), options, encoder=encoder, taxonomy=discovery.taxonomy
    )
    about = _about(discovery.taxonomy, community, told, None)
    return _Found(discovery.taxonomy, about, 0, len(told), labeller, discovery)


def _taught_by_items(
    community: Community,
    without: int,
    taxonomy: Taxonomy,
    config: InterestsConfig,
    options: Options,
    encoder: "Encoder | None",
) -> Labeller | None:
    """A labeller for items without categories, taught by those with; None where the tree has one label alone."""
    if len(taxonomy) == 1:
        return None
    # A handful of items to be labelled is not worth thousands of texts to be encoded.
    enough = max(_LESSONS_PER_LABEL * len(taxonomy.leaves), _LESSONS_PER_ITEM * without)
    labelled = category_texts(community, min(config.teachers, enough), options)
    if labelled is None:
        return None
    if encoder is None and needs_encoder(config.labeller):
        encoder = _default_encoder(options)
    return Labeller(config.labeller).fit(labelled, options, encoder=encoder, taxonomy=taxonomy)


def _about(
    taxonomy: Taxonomy, community: Community, known: Mapping[int, Sequence[str]], labeller: Labeller | None
) -> sp.csr_matrix:
    """(items, labels) facts where there are any, else what the labeller says; nothing of an item without a text."""
    parts = []
    for part in chunks(len(community.items), _AT_ONCE):
        rows = range(part.start, part.stop)
        about = taxonomy.targets([known.get(row, ()) for row in rows]).astype(np.float32)
        texts = {row: community.item_texts[row] for row in rows if row not in known}
        texts = {row: text for row, text in texts.items() if text.strip()}
        if labeller is not None and texts:
            said = labeller.probabilities(list(texts.values()))
            about[np.array(list(texts)) - part.start] = np.where(said >= _LEAST, said, 0)
        parts.append(sp.csr_matrix(about))
    return sp.vstack(parts, format="csr") if parts else sp.csr_matrix((0, len(taxonomy)), dtype=np.float32)


def needs_encoder(config: LabellerConfig) -> bool:
    """Whether a labeller of this configuration reads vectors."""
    return config.names or config.meaning or config.tuned is not None


def _default_encoder(options: Options) -> "Encoder":
    from penchant.text.transformer import load_encoder

    return load_encoder(options=options)
