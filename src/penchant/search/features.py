"""What the reranker sees of a query and an item: every feature, named in one place."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.search.candidates import Candidates
from penchant.search.words import analyse, fold
from penchant.vectors import Floats

FEATURES: Final = (
    "bm25",
    "bm25_share",
    "cosine",
    "cosine_lead",
    "plain_cosine",
    "plain_cosine_lead",
    "fused",
    "fused_rank",
    "words_rank",
    "meaning_rank",
    "query_words_found",
    "query_weight_found",
    "title_words_asked",
    "last_word_found",
    "last_word_place",
    "first_word_found",
    "numbers_found",
    "spelling_found",
    "phrases_found",
    "title_words",
    "query_words",
    "popularity",
)
"""Columns of `features`, in order. A rank of an item that is not in the list is the length of the list; the share of
the query's numbers that a title holds is missing where the query has none."""

_NUMBER: Final = re.compile(r"\d")
_NO_SPACE: Final = re.compile(r"\s+")


def features(
    found: Candidates, fused: Floats, titles: Sequence[str], popularity: Floats, weight: Callable[[str], float]
) -> Floats:
    """(candidates, features) what is known of one query with each of its candidates.

    Args:
        found: the candidates.
        fused: (candidates,) their fused scores.
        titles: of the candidates.
        popularity: (candidates,) how much members did with each.
        weight: how rare a word is.
    """
    asked = list(dict.fromkeys(found.words))
    weights = {word: weight(word) for word in asked}
    numbers = {word for word in asked if _NUMBER.search(word)}
    pairs = set(pairwise(found.words))
    spelled = _trigrams(found.query)
    rows = []
    for title in titles:
        words = _title_words(title)
        held = set(words)
        hits = [word for word in asked if word in held]
        last = found.words[-1] if found.words else ""
        place = words.index(last) / len(words) if last in held else -1.0
        rows.append(
            (
                len(hits) / max(len(asked), 1),
                sum(weights[word] for word in hits) / max(sum(weights.values()), 1e-9),
                len(held.intersection(asked)) / max(len(held), 1),
                float(last in held),
                place,
                float(bool(asked) and asked[0] in held),
                len(numbers & held) / len(numbers) if numbers else np.nan,
                len(spelled & _trigrams(title)) / max(len(spelled), 1),
                len(pairs.intersection(pairwise(words))) / max(len(pairs), 1),
                len(words),
                len(found.words),
            )
        )
    texts = np.array(rows, dtype=np.float32).reshape(len(titles), 11)
    scores = np.stack(
        [
            found.lexical,
            found.lexical / max(float(found.lexical.max(initial=0)), 1e-9),
            found.cosine,
            found.cosine - found.cosine.max(initial=-1),
            found.plain_cosine,
            found.plain_cosine - found.plain_cosine.max(initial=-1),
            fused,
            np.argsort(np.argsort(-fused, kind="stable"), kind="stable"),
            _placed(found.lexical_rank),
            _placed(found.dense_rank),
        ],
        axis=1,
    )
    return np.hstack([scores, texts, popularity[:, None]]).astype(np.float32)


def popularity_of(community: Community | None, weights: EventWeights, item_count: int) -> Floats:
    """(items,) how much members did with each item, as a logarithm; zeros without a community."""
    if community is None:
        return np.zeros(item_count, dtype=np.float32)
    events = community.events.filter(pl.col("item").is_not_null())
    said = np.maximum(weights.apply(events).to_numpy(), 0)
    return np.log1p(np.bincount(events["item"].to_numpy(), said, minlength=item_count)).astype(np.float32)


def _placed(rank: np.ndarray) -> np.ndarray:
    return np.where(rank >= 0, rank, len(rank))


@lru_cache(maxsize=65_536)
def _title_words(title: str) -> tuple[str, ...]:
    return tuple(analyse(title))


def _trigrams(text: str) -> set[str]:
    """Runs of three letters, spaces left out, so that words written as one are like words written apart."""
    folded = _NO_SPACE.sub("", fold(text))
    return {folded[at : at + 3] for at in range(max(len(folded) - 2, 1))}
