"""Sentences to wishes, and wishes to what they mean among items: which fit, and which fit better."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.text.wishes.index import ItemIndex
from penchant.text.wishes.reading import Reading
from penchant.text.wishes.wish import MEASURES, Facet, Wish, Wishes
from penchant.text.words import segment
from penchant.vectors import Floats

Near = Callable[[Wish], Floats | None]
"""How close each item is to a wish that an encoder can judge; None where there is none."""


class Refiner:
    """Reads what people say about items, and says which items they mean.

    >>> shop = pl.DataFrame(
    ...     {"item_id": ["a", "b", "c"], "title": ["Red dress", "Blue dress", "Red hat"], "price": [120.0, 80.0, 20.0],
    ...      "categories": [["Dresses"], ["Dresses"], ["Hats"]]}
    ... )
    >>> refiner = Refiner(shop)
    >>> wishes = refiner.read("a dress under 100, not red")
    >>> wishes.meant("en")
    'of the category “Dresses”; price at most 100; not in red'
    >>> refiner.fits(wishes).tolist()
    [False, True, False]
    >>> refiner.read("红色也行", wishes).meant("zh")
    '属于“Dresses”类；价格不超过 100'
    """

    def __init__(self, items: pl.DataFrame) -> None:
        self.index = ItemIndex(items)

    def read(self, sentence: str, wishes: Wishes | None = None, *, shown: Sequence[int] = ()) -> Wishes:
        """The wishes after one more sentence.

        Args:
            sentence: in English, Chinese or both.
            wishes: what was asked for before; nothing if absent.
            shown: rows of the items that the sentence is about, best first: cheaper than these, like the second.
        """
        wishes = wishes or Wishes()
        reference = np.asarray(shown, dtype=np.int64)
        if not len(reference):
            # With no list before it, a sentence compares with whatever might be shown.
            reference = np.flatnonzero(self.fits(wishes))
        return Reading(self.index, wishes, reference, list(shown)).read(sentence)

    def fits(self, wishes: Wishes) -> NDArray[np.bool_]:
        """(items,) True where an item meets all that it must; what is not known of an item fits no number."""
        passes = np.ones(len(self.index), dtype=bool)
        for masks in self._must(wishes):
            passes &= np.any(masks, axis=0)
        return passes

    def hindering(self, wishes: Wishes, allowed: NDArray[np.bool_]) -> Wish | None:
        """Where no allowed item fits, the wish without which most would; None where no single one is to blame."""
        counts = [
            int((self.fits(wishes.without([place])) & allowed).sum()) for place in range(1, len(wishes.wishes) + 1)
        ]
        most = max(counts, default=0)
        return wishes.wishes[counts.index(most)] if most else None

    def lift(self, wishes: Wishes, near: Near, among: NDArray[np.bool_]) -> Floats:
        """(items,) what the wishes that are a matter of degree add, each in spreads over the items that may be shown.

        Args:
            wishes: of which only these are read.
            near: how close items are to a phrase or an item.
            among: (items,) True where an item may be shown.
        """
        total = np.zeros(len(self.index), dtype=np.float32)
        for wish in wishes.wishes:
            if wish.must and wish.facet not in ("meaning", "item"):
                continue
            if wish.facet == "item" and not wish.wanted:
                continue
            added = sum((_spreads(part, among) for part in self._degrees(wish, near)), np.zeros(len(total), np.float32))
            total += added if wish.wanted else -added
        return total

    def _must(self, wishes: Wishes) -> Iterator[list[NDArray[np.bool_]]]:
        """Groups of masks, of each of which an item must meet one."""
        either: dict[Facet, list[NDArray[np.bool_]]] = {}
        for wish in wishes.wishes:
            if not wish.must or wish.facet == "meaning":
                continue
            if wish.facet == "item":
                if not wish.wanted:
                    yield [self.index.items["item_id"].to_numpy() != wish.forms[0]]
                continue
            mask = self._mask(wish)
            if not wish.wanted:
                yield [~mask]
            elif wish.facet in ("category", "colour", "material", "seller"):
                either.setdefault(wish.facet, []).append(mask)
            else:
                yield [mask]
        yield from either.values()

    def _mask(self, wish: Wish) -> NDArray[np.bool_]:
        if wish.facet in MEASURES:
            numbers = self.index.numbers(wish.facet)
            if numbers is None:
                return np.zeros(len(self.index), dtype=bool)
            least = -np.inf if wish.least is None else wish.least
            most = np.inf if wish.most is None else wish.most
            return (numbers >= least) & (numbers <= most)
        if wish.facet in ("category", "tag", "seller"):
            mask = self.index.of(wish.facet, wish.value)
        else:
            mask = self.index.saying(wish.forms or (wish.value,))
        return mask & self.index.of("category", wish.within) if wish.within else mask

    def _degrees(self, wish: Wish, near: Near) -> Iterator[Floats]:
        if wish.facet in ("meaning", "item"):
            close = near(wish)
            if close is not None:
                yield close
            if wish.facet == "meaning":
                yield self.index.overlap(segment(wish.value))
        else:
            yield self._mask(wish).astype(np.float32)


def _spreads(values: Floats, among: NDArray[np.bool_]) -> Floats:
    """Values in standard deviations above their mean over some items; zeros where all are equal there."""
    mine = values[among]
    spread = float(mine.std()) if len(mine) else 0.0
    if spread <= 1e-6:
        return np.zeros(len(values), dtype=np.float32)
    return ((values - float(mine.mean())) / spread).astype(np.float32)
