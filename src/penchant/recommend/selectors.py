"""Which items a business rule is about."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, NonNegativeFloat, StringConstraints, model_validator

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_list)]
"""One name, or a list of names of which any will do."""

_COLUMNS = {"ids": "item_id", "category": "categories", "tag": "tags", "seller": "seller"}


class Selector(BaseModel):
    """Items that meet every condition named.

    >>> from penchant.data.columns import EVENTS
    >>> items = pl.DataFrame({"item_id": ["p1", "p2"], "title": ["Tent", "Pan"], "price": [90.0, 20.0]})
    >>> shop = Community.from_tables(items, pl.DataFrame(schema=EVENTS))
    >>> Selector(max_price=50).mask(shop).tolist()
    [False, True]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Names = ()
    """Ids of items."""
    category: Names = ()
    """Categories, each with all that lies below it: "家电" takes in "家电 > 冰箱"."""
    tag: Names = ()
    """Tags."""
    seller: Names = ()
    """Sellers."""
    min_price: NonNegativeFloat | None = None
    """At this price or above; items without a price are not meant."""
    max_price: NonNegativeFloat | None = None
    """At this price or below; items without a price are not meant."""

    @model_validator(mode="after")
    def _says_something(self) -> "Selector":
        if not self.model_fields_set:
            raise ValueError(f"no condition is named; name at least one of {', '.join(type(self).model_fields)}")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ValueError(f"min_price {self.min_price:g} is above max_price {self.max_price:g}; swap them")
        return self

    def mask(self, community: Community) -> NDArray[np.bool_]:
        """(items,) True where an item meets every condition."""
        met = pl.lit(True)
        if self.ids:
            met &= pl.col("item_id").is_in(list(self.ids))
        if self.category:
            inside = [
                (pl.element() == path) | pl.element().str.starts_with(path + PATH_SEPARATOR) for path in self.category
            ]
            met &= pl.col("categories").list.eval(pl.any_horizontal(inside)).list.any()
        if self.tag:
            met &= pl.col("tags").list.eval(pl.element().is_in(list(self.tag))).list.any()
        if self.seller:
            met &= pl.col("seller").is_in(list(self.seller))
        if self.min_price is not None:
            met &= pl.col("price") >= self.min_price
        if self.max_price is not None:
            met &= pl.col("price") <= self.max_price
        return community.items.select(pl.repeat(True, pl.len()) & met.fill_null(False)).to_series().to_numpy()

    def strangers(self, community: Community) -> list[str]:
        """What is named here and met by no item, each with the nearest name that there is."""
        found = []
        for field, column in _COLUMNS.items():
            wanted: Sequence[str] = getattr(self, field)
            unmet = [name for name in wanted if not Selector.model_validate({field: name}).mask(community).any()]
            if unmet:
                values = community.items[column]
                values = values.explode(empty_as_null=False) if values.dtype == pl.List else values
                known = [str(value) for value in values.drop_nulls().unique().sort()]
                for name in unmet:
                    near = get_close_matches(name, known, n=1)
                    found.append(
                        f"no item has the {field.removesuffix('s')} {name!r}"
                        + (f"; meant {near[0]!r}?" if near else "")
                    )
        return found
