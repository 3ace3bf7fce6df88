"""Wishes at work in a recommender: how close items are to a phrase or an item, and what is told of them."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.collaborative.itemtoitem import ItemToItem
from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang
from penchant.recommend import strategies
from penchant.recommend.opinions import TEXT
from penchant.recommend.similarity import TextSimilarity
from penchant.text.wishes import Refiner, Wish, Wishes
from penchant.vectors import Floats

BY_BEHAVIOUR: Final = ("neighbours", "ease", "cooccurrence")
"""Sources that tell which items are like one where there is no text, the best first."""


class Wished:
    """What a recommender knows of its items, for wishes to be judged by."""

    def __init__(self, refiner: Refiner, sources: Mapping[str, Scorer], item_ids: Vocabulary) -> None:
        self.refiner = refiner
        self._sources = sources
        self._item_ids = item_ids

    def lift(self, wishes: Wishes, barred: NDArray[np.bool_]) -> Floats:
        """(items,) what wishes add that are a matter of degree, in spreads over the items that may be shown."""
        return self.refiner.lift(wishes, self._near, ~barred)

    def _near(self, wish: Wish) -> Floats | None:
        text = self._sources.get(TEXT)
        if wish.facet == "meaning":
            return text.score_text(wish.value) if isinstance(text, TextSimilarity) and text.encoder else None
        row = self._item_ids.row(wish.forms[0])
        if isinstance(text, TextSimilarity):
            return text.score_like(row)
        for name in BY_BEHAVIOUR:
            source = self._sources.get(name)
            if isinstance(source, ItemToItem):
                return source.score(Histories.of_items([[row]]))[0]
        return None

    def nothing_fits(self, wishes: Wishes, allowed: NDArray[np.bool_], lang: Lang) -> str:
        """Why wishes leave nothing, and which of them is to blame where one is.

        Args:
            wishes: that no allowed item meets.
            allowed: (items,) True where the member might be shown an item but for the wishes.
            lang: of the sentence.
        """
        blame = self.refiner.hindering(wishes, allowed)
        told = strategies.NOTHING_WISHED(lang, items=int(allowed.sum()), wishes=wishes.meant(lang))
        return told if blame is None else strategies.BUT_WITHOUT(lang, rest=told, wish=blame.meant(lang))
