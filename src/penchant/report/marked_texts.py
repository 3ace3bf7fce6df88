"""Texts with the words marked that made a labeller say what it says."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.interests.attributions import Attribution, AttributionConfig, attribute
from penchant.language import Lang, Phrase
from penchant.report.page import MarkedPiece, MarkedText

if TYPE_CHECKING:
    from penchant.interests.labeller import Labeller

STRENGTHS: Final = 5
_FAINT: Final = 0.12
"""A word that moves the label less than this part of what the strongest does stays unmarked."""
_LOOKED_AT: Final = 60
_LONGEST: Final = 160
"""Characters of a text that is shown."""
_SURE: Final = Phrase("{probability:.0%}, sure", "概率 {probability:.0%}，有把握")
_UNSURE: Final = Phrase("{probability:.0%}, unsure", "概率 {probability:.0%}，没有把握")


def marked_texts(labeller: "Labeller", community: Community, lang: Lang, *, count: int = 4) -> tuple[MarkedText, ...]:
    """A few texts of the community with their words marked: of different labels, one of them unsure where there is one.

    Args:
        labeller: that gives the labels.
        community: whose texts to show.
        lang: the language.
        count: how many texts.
    """
    texts = telling_texts(labeller, _candidates(community), count)
    # Leaving words out works with every encoder, and says what it means.
    found = attribute(labeller, texts, config=AttributionConfig(method="occlusion"))
    unsure = labeller.label(texts).unsure
    return tuple(_marked(one, bool(doubt), lang) for one, doubt in zip(found, unsure, strict=True))


def telling_texts(labeller: "Labeller", texts: Sequence[str], count: int) -> list[str]:
    """Texts of different labels by their first level, long and clear ones first, and the longest that is unsure."""
    if not texts:
        return []
    said = labeller.label(texts)
    clear = said.probabilities[:, labeller.taxonomy.leaf_rows].max(axis=1) >= 0.5
    found: dict[str, str] = {}
    for row in sorted(range(len(texts)), key=lambda row: (not clear[row], -len(texts[row]))):
        label = (said.labels(row) or ("",))[0]
        found.setdefault(label.split(PATH_SEPARATOR)[0], texts[row])
    doubted = [texts[row] for row in np.flatnonzero(said.unsure).tolist()]
    doubted = sorted(doubted, key=len, reverse=True)[:1]
    return [*[text for text in found.values() if text not in doubted][: count - len(doubted)], *doubted]


def _candidates(community: Community) -> list[str]:
    """Texts to choose from: labelled ones that were held back, else what members wrote, else what items say.

    Of items those without categories come first, as the labeller had to say what they are about. Categories are no part
    of the texts, or the words marked would be these.
    """
    held_back = community.labels.filter(pl.col("split").is_in(["test", "dev"]))["text"].drop_nulls().to_list()
    written = community.events.filter(pl.col("kind") != "search")["text"].drop_nulls().to_list()
    uncategorised = community.items["categories"].list.len().fill_null(0) == 0
    bare = community.items.with_columns(pl.lit(None, dtype=community.items.schema["categories"]).alias("categories"))
    said = pl.Series(replace(community, items=bare).item_texts, dtype=pl.String)
    for texts in (held_back, written, said.filter(uncategorised).to_list(), said.to_list()):
        fit = [text for text in dict.fromkeys(texts) if 0 < len(text.strip()) <= _LONGEST]
        if fit:
            # The longest have most to show; what is longer still would fill the page.
            return sorted(fit, key=len, reverse=True)[:_LOOKED_AT]
    return []


def _marked(found: Attribution, unsure: bool, lang: Lang) -> MarkedText:
    pieces = tuple(
        MarkedPiece(text, 0 if abs(weight) < _FAINT else ceil(abs(weight) * STRENGTHS), against=weight < 0)
        for text, weight in found.highlights
    )
    said = (_UNSURE if unsure else _SURE)(lang, probability=found.probability)
    return MarkedText(found.label, said, pieces)
