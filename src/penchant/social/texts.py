"""Vectors of what items are called, of their tags, and of what members write."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.social.graph import Graph, averaged
from penchant.social.tags import listed
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, unit_rows

TEXTS_KEPT: Final = 200
"""The last texts of a member that are read."""
WORDS_OF_A_TAG: Final = 4
"""A text whose parts between commas are all this short is a list of tags; any other is read as it stands."""


@dataclass(frozen=True, eq=False)
class TextVectors:
    """What texts say, as an encoder reads it, each kind less its own mean, which says nothing, and of unit length.

    Titles and tags are encoded apart from each other, so a tag that many items have is read once, and an item's vector
    follows from its tags without reading it again.
    """

    items: Floats
    """(items, 2 width) title and description, then tags."""
    said: Floats
    """(members, width) the mean of what each member wrote; zeros where nothing."""
    means: Floats
    """(3, width) the means of titles, of tags and of what members write."""

    @classmethod
    def none(cls, graph: Graph) -> Self:
        """No columns at all: nothing is read."""
        return cls(
            np.zeros((graph.item_count, 0), dtype=np.float32),
            np.zeros((graph.member_count, 0), dtype=np.float32),
            np.zeros((3, 0), dtype=np.float32),
        )

    @classmethod
    def read(cls, community: Community, graph: Graph, encoder: Encoder, *, means: Floats | None = None) -> Self:
        """Encode the texts of a community, each distinct text once; less the means given, or else their own."""
        titles = encoder.encode(_titles(community.items))
        tags = encoder.encode(list(graph.tag_names)) if graph.tag_names else np.zeros((0, encoder.width), np.float32)
        spoken, writers = _spoken(community)
        words = encoder.encode(spoken) if spoken else np.zeros((0, encoder.width), dtype=np.float32)
        if means is None:
            means = np.stack([_mean(titles), _mean(tags), _mean(words)])
        return cls(
            np.hstack([unit_rows(titles - means[0]), unit_rows(averaged(graph.tags) @ (tags - means[1]))]),
            unit_rows(averaged(writers) @ (words - means[2])),
            means,
        )

    def grown(self, community: Community, graph: Graph, encoder: Encoder | None) -> Self:
        """The same for a community that has moved on; without an encoder nothing is known of what is new."""
        if encoder is not None and self.width:
            fresh = type(self).read(community, graph, encoder, means=self.means)
            items, said = fresh.items, fresh.said
        else:
            items, said = (
                np.concatenate([old, np.zeros((count - len(old), old.shape[1]), dtype=np.float32)])
                for old, count in ((self.items, graph.item_count), (self.said, graph.member_count))
            )
        return type(self)(items, said, self.means)

    @property
    def width(self) -> int:
        """Of the encoder; 0 where nothing is read."""
        return int(self.said.shape[1])

    def of_words(self, encoder: Encoder, texts: Iterable[str]) -> Floats:
        """(width,) the vector of what somebody wrote."""
        parts = [part for text in texts for part in read_as(text)]
        if not parts:
            return np.zeros(self.width, dtype=np.float32)
        return unit_rows((encoder.encode(parts) - self.means[2]).mean(axis=0, keepdims=True))[0]


def read_as(text: str) -> list[str]:
    """The tags that a text is a list of; else the text itself.

    >>> read_as("Post-punk, 80s"), read_as("Bought it in May, and it still works very well")
    (['post-punk', '80s'], ['Bought it in May, and it still works very well'])
    """
    parts = listed(text)
    if all(len(part.split()) <= WORDS_OF_A_TAG for part in parts):
        return parts
    return [text.strip()]


def _titles(items: pl.DataFrame) -> list[str]:
    rows = items.select(pl.concat_str("title", "text", separator=". ", ignore_nulls=True))
    return rows.to_series().to_list()


def _spoken(community: Community) -> tuple[list[str], sp.csr_matrix]:
    """Distinct texts, and (members, texts) how often each member wrote each."""
    written = community.events.filter(pl.col("text").is_not_null()).select("member", "text")
    written = written.group_by("member", maintain_order=True).tail(TEXTS_KEPT)
    place: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for member, text in written.iter_rows():
        for part in read_as(text):
            rows.append(member)
            columns.append(place.setdefault(part, len(place)))
    shape = (len(community.member_ids), len(place))
    return list(place), sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _mean(vectors: Floats) -> Floats:
    if not len(vectors):
        return np.zeros(vectors.shape[1], dtype=np.float32)
    return vectors.mean(axis=0).astype(np.float32)
