"""The items of a searcher, indexed by their words and by their meaning, and kept so as items come and go."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.errors import NotFittedError
from penchant.search.catalogue import Catalogue
from penchant.search.config import SearchConfig
from penchant.search.dense import Dense, encoded
from penchant.search.features import popularity_of
from penchant.search.lexical import Lexical
from penchant.search.suggestions import Suggestions, searched
from penchant.search.typos import Speller
from penchant.search.words import analyse
from penchant.text.encoder import Encoder
from penchant.vectors import Floats


class IndexedItems:
    """A catalogue with its index of words, its index of vectors, and what else is known of its items."""

    def __init__(self, config: SearchConfig, encoder: Encoder | None) -> None:
        self.config = config
        self.encoder = encoder
        """Reads items; without one, items are found by words alone."""
        self.lexical = Lexical(config.lexical)
        self.dense: Dense | None = None
        self.middle: Floats = np.zeros(0, dtype=np.float32)
        """(width,) the mean of the items' vectors."""
        self.suggestions = Suggestions(config.suggestions)
        self.popularity: Floats = np.zeros(0, dtype=np.float32)
        """(rows,) how much members did with each item, as a logarithm."""
        self.community: Community | None = None
        """Whose members' tastes count."""
        self._catalogue: Catalogue | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The items that are searched.

        Raises:
            NotFittedError: before `fit` or `load`.
        """
        if self._catalogue is None:
            raise NotFittedError("the searcher has no items yet; call fit or load first")
        return self._catalogue

    def use(self, catalogue: Catalogue) -> None:
        """Take a catalogue whose words and vectors are indexed already."""
        self._catalogue = catalogue

    def fit(self, items: Community | pl.DataFrame) -> Self:
        """Index the items of a community, or of a table with `item_id` and `title`, from nothing.

        What members of the community searched for becomes suggestions, and what they like may move what they find.
        """
        self.community = items if isinstance(items, Community) else None
        self._catalogue = Catalogue.of(items.items if isinstance(items, Community) else items)
        self.index_words()
        self.dense = None
        if self.encoder is not None:
            vectors = encoded(self.encoder, self.catalogue.texts())
            self.dense = Dense(self.config.dense).fit(vectors)
            self.middle = vectors.mean(axis=0) if len(vectors) else np.zeros(self.encoder.width, dtype=np.float32)
        asked = searched(self.community) if self.community is not None else []
        self.suggestions = Suggestions(self.config.suggestions).fit(self.catalogue.titles.to_list(), asked)
        weights = self.config.personal.event_weights
        self.popularity = popularity_of(self.community, weights, len(self.catalogue))
        return self

    def put(self, items: pl.DataFrame) -> None:
        """Add items, or change those whose id is known; they are found at once.

        Raises:
            ColumnError: a column is missing or of the wrong type.
            InputError: an id stands twice.
            NotFittedError: items are searched by meaning too, and there is no encoder to read the new ones.
        """
        if self.dense is not None and self.encoder is None:
            raise NotFittedError(
                "items are searched by meaning and there is no encoder to read new ones; load with one"
            )
        rows = self.catalogue.put(items)
        self.popularity = np.pad(self.popularity, (0, len(self.catalogue) - len(self.popularity)))
        for row in rows.tolist():
            self.lexical.put(row, self._words_of(row))
        if self.dense is not None and self.encoder is not None:
            self.dense.put(rows, encoded(self.encoder, self.catalogue.texts(rows)))
        self._after_change()

    def remove(self, item_ids: Sequence[str]) -> None:
        """Take items away; they are found no more.

        Raises:
            UnknownIdError: an id is not here; then nothing is taken away.
        """
        rows = self.catalogue.remove(item_ids)
        for row in rows.tolist():
            self.lexical.drop(row)
        if self.dense is not None:
            self.dense.drop(rows)
        self._after_change()

    def index_words(self) -> None:
        """Index the words of all items anew, so that none is kept beside the index."""
        self.lexical.fit(self._words_of(row) for row in range(len(self.catalogue)))
        self.__dict__.pop("_speller", None)

    @cached_property
    def _speller(self) -> Speller:
        return Speller(self.lexical.vocabulary, self.lexical.frequency, self.config.typos)

    def _words_of(self, row: int) -> list[str]:
        if not self.catalogue.alive[row]:
            return []
        item = self.catalogue.items.row(row, named=True)
        title = analyse(item["title"])
        rest = analyse("\n".join([*(item["categories"] or ()), *(item["tags"] or ()), item["text"] or ""]))
        # Where there is nothing else, a title stands against nothing.
        return title * self.config.lexical.title_weight + rest if rest else title

    def _after_change(self) -> None:
        self.__dict__.pop("_speller", None)
        if self.lexical.stale:
            self.index_words()
