"""How a query that was begun may go on: what members have searched for, and phrases of titles."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from penchant.artifacts import storage_errors
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.search.words import fold
from penchant.text.words import STOP_WORDS, word_spans

FILE: Final = "suggestions.arrow"
_LONGEST: Final = 60
_TITLE_WORDS: Final = 12


class SuggestionsConfig(BaseModel):
    """What is suggested.

    >>> SuggestionsConfig().least_members
    2
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_members: PositiveInt = 2
    """A query is shown to others once so many members have searched for it, so that nobody's own words leak."""
    least_titles: PositiveInt = 2
    """A phrase of titles is suggested where so many titles hold it."""
    longest_phrase: PositiveInt = 3
    """Words of a phrase of titles."""
    whole_titles: bool = True
    """Whether short titles are suggested as they stand."""
    searched_weight: NonNegativeInt = 20
    """How many titles a member's search counts as."""


class Suggestions:
    """Phrases in the order of their letters, each with a weight.

    >>> shop = Suggestions().fit(["Cast iron pan", "Cast iron grill", "砂锅"])
    >>> shop.complete("cas"), shop.complete("砂")
    (['Cast', 'Cast iron', 'Cast iron grill', 'Cast iron pan'], ['砂锅'])
    """

    def __init__(self, config: SuggestionsConfig | None = None, phrases: pl.DataFrame | None = None) -> None:
        self.config = config or SuggestionsConfig()
        self.phrases = phrases if phrases is not None else _table([])
        """Columns `key` (folded, sorted), `shown` and `weight`."""

    def fit(self, titles: Sequence[str], searches: Sequence[tuple[str, int]] = ()) -> Self:
        """Learn from titles and from what was searched for, each with the number of members who did."""
        weights: Counter[str] = Counter()
        shown: dict[str, str] = {}
        for query, members in searches:
            if members >= self.config.least_members and len(query) <= _LONGEST:
                _count(query, self.config.searched_weight * members, weights, shown)
        phrases: Counter[str] = Counter()
        for title in titles:
            phrases.update(dict.fromkeys(_phrases(title, self.config.longest_phrase), 1))
        for phrase, count in phrases.items():
            if count >= self.config.least_titles:
                _count(phrase, count, weights, shown)
        if self.config.whole_titles:
            for title in titles:
                if title.strip() and len(title) <= _LONGEST and fold(title.strip()) not in weights:
                    _count(title, 1, weights, shown)
        self.phrases = _table([(key, shown[key], weight) for key, weight in weights.items()])
        return self

    def complete(self, begun: str, k: int = 10) -> list[str]:
        """The k likeliest queries that go on from what was begun; none for an empty beginning."""
        start = fold(begun.strip()[:_LONGEST])
        if not start:
            return []
        first = self.phrases["key"].search_sorted(start, side="left")
        after = self.phrases["key"].search_sorted(start + "\U0010ffff", side="right")
        found = self.phrases[first:after].sort("weight", "key", descending=[True, False])
        return found["shown"].head(k).to_list()

    def save(self, folder: Path) -> list[str]:
        """Write the phrases; the names of the files."""
        with storage_errors(folder):
            self.phrases.write_ipc(folder / FILE, compression="uncompressed")
        return [FILE]

    @classmethod
    def load(cls, folder: Path, config: SuggestionsConfig) -> Self:
        """Read back what `save` wrote."""
        return cls(config, pl.read_ipc(folder / FILE))


def searched(community: Community) -> list[tuple[str, int]]:
    """What was searched for, and by how many members each."""
    asked = community.events.filter((pl.col("kind") == EventKind.SEARCH.value) & pl.col("text").is_not_null())
    counted = (
        asked.select("member", pl.col("text").str.strip_chars())
        .filter(pl.col("text") != "")
        .group_by("text", maintain_order=True)
        .agg(pl.col("member").n_unique())
    )
    return list(counted.iter_rows())


def _count(phrase: str, weight: int, weights: Counter[str], shown: dict[str, str]) -> None:
    key = fold(phrase.strip())
    shown.setdefault(key, phrase.strip())
    weights[key] += weight


def _phrases(title: str, longest: int) -> list[str]:
    """Runs of words of a title with nothing but spaces between, none beginning or ending in an empty word."""
    spans = word_spans(title)[:_TITLE_WORDS]
    found = []
    for first, (start, _) in enumerate(spans):
        for last in range(first, min(first + longest, len(spans))):
            if last > first and title[spans[last - 1][1] : spans[last][0]].strip():
                break
            phrase = title[start : spans[last][1]]
            ends = (title[slice(*spans[first])].lower(), title[slice(*spans[last])].lower())
            if len(phrase) > 1 and not STOP_WORDS.intersection(ends):
                found.append(phrase)
    return found


def _table(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    schema = {"key": pl.String(), "shown": pl.String(), "weight": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("key")
