"""What an answer must be: of a category, with tags, within a price, to be had."""

import difflib
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, model_validator

from penchant.data.columns import PATH_SEPARATOR
from penchant.errors import ConfigError
from penchant.search.catalogue import Catalogue


class Filters(BaseModel):
    """What to leave out; nothing but what is not available, where nothing is said.

    >>> Filters(categories=("家电",), max_price=500).available
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: tuple[str, ...] = ()
    """Of one of these, or of what stands below them: "家电" holds "家电 > 冰箱" too."""
    tags: tuple[str, ...] = ()
    """With all of these."""
    min_price: NonNegativeFloat | None = None
    max_price: NonNegativeFloat | None = None
    """Items whose price is not known fit no bound."""
    available: bool = True
    """Leave out what is said not to be available."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ConfigError(
                f"the lowest price {self.min_price:g} is above the highest {self.max_price:g}, so nothing could pass"
            )
        return self

    def fits(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """(rows,) True where an item is there and passes.

        Raises:
            ConfigError: no item is of a category or has a tag that was asked for.
        """
        items, passes = catalogue.items, catalogue.alive.copy()
        if self.available:
            passes &= items["available"].fill_null(True).to_numpy()
        if self.min_price is not None:
            passes &= (items["price"] >= self.min_price).fill_null(False).to_numpy()
        if self.max_price is not None:
            passes &= (items["price"] <= self.max_price).fill_null(False).to_numpy()
        if self.categories:
            below = tuple(category + PATH_SEPARATOR for category in self.categories)
            passes &= _any_of(items["categories"], "category", self.categories, below)
        for tag in self.tags:
            passes &= _any_of(items["tags"], "tag", (tag,))
        return passes


def _any_of(column: pl.Series, what: str, wanted: tuple[str, ...], below: tuple[str, ...] = ()) -> NDArray[np.bool_]:
    """(rows,) whether a list holds one of the wanted values, or one that starts with what is below them."""
    cells = pl.DataFrame({"row": pl.int_range(len(column), eager=True), "value": column}).explode("value").drop_nulls()
    found = np.zeros(len(column), dtype=bool)
    for place, value in enumerate(wanted):
        fits = pl.col("value") == value
        if below:
            fits |= pl.col("value").str.starts_with(below[place])
        rows = cells.filter(fits)["row"].to_numpy()
        if not len(rows):
            near = difflib.get_close_matches(value, cells["value"].unique().to_list(), n=3)
            hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ConfigError(f"no item has the {what} {value!r}{hint}")
        found[rows] = True
    return found
