"""Items as wishes see them: their names for things, their numbers, and which of them say a word."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.columns import ITEMS, PATH_SEPARATOR
from penchant.text.folding import fold
from penchant.text.wishes.attributes import ATTRIBUTES, COLUMN_UNITS, SCALES, Attribute, pattern
from penchant.text.wishes.wish import Facet
from penchant.text.words import stem
from penchant.vectors import Floats

LONGEST_NAME: Final = 6
"""Words, or twice as many Chinese characters, of the longest name that is looked for in a sentence."""
_TITLE_YEAR: Final = r"\(((?:18|19|20)\d\d)\)\s*$"
_TOKENS: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
Name = tuple[Facet, str] | Attribute
"""What a name stands for: a category, tag or seller as the items write it, or a colour or material."""


class ItemIndex:
    """A table of items, read as far as wishes need it; each part when it is first asked for.

    Args:
        items: `item_id`, `title`, and what else there is of `text`, `categories`, `tags`, `price`, `seller`,
            `created_at` and columns of numbers.
    """

    def __init__(self, items: pl.DataFrame) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    # -- names --

    @cached_property
    def names(self) -> dict[str, Name]:
        """What each name stands for, by its key; categories come before tags, and those before sellers."""
        found: dict[str, Name] = {}
        for attribute in ATTRIBUTES:
            for form in attribute.forms:
                if form.isascii() or len(form) > 1:
                    found[key(form)] = attribute
        for facet, values in (("seller", self._sellers), ("tag", self._tags), ("category", self._category_parts)):
            found |= {key(value): (facet, value) for value in values if key(value)}  # type: ignore[misc]
        return found

    @property
    def _category_parts(self) -> list[str]:
        paths = self._listed("categories")
        return sorted({part for path in paths for part in path.split(PATH_SEPARATOR)})

    @property
    def _tags(self) -> list[str]:
        return sorted(self._listed("tags"))

    @property
    def _sellers(self) -> list[str]:
        return sorted(self.items["seller"].drop_nulls().unique()) if "seller" in self.items.columns else []

    def _listed(self, column: str) -> set[str]:
        if column not in self.items.columns:
            return set()
        return set(self.items[column].explode().drop_nulls().unique())

    # -- numbers --

    def numbers(self, facet: Facet) -> NDArray[np.float64] | None:
        """(items,) what each weighs, costs or measures, in the unit of its column; NaN where it is not known.

        None where no column says it of any item.
        """
        found, _ = self._columns.get(facet, (None, 1.0))
        return found if found is not None and not np.isnan(found).all() else None

    def unit(self, facet: Facet) -> float:
        """The unit of a column in grams, minutes, pages or litres, as its name ends; 1 where it names none."""
        return self._columns[facet][1] if facet in self._columns else 1.0

    @cached_property
    def _columns(self) -> dict[Facet, tuple[NDArray[np.float64], float]]:
        found: dict[Facet, tuple[NDArray[np.float64], float]] = {}
        for scale in SCALES:
            for name, dtype in self.items.schema.items():
                known = name in ITEMS and name != "price"
                if known or not dtype.is_numeric() or not re.search(scale.column, name.casefold()):
                    continue
                unit = re.split(r"[_\s(]", name.casefold())[-1].rstrip(")")
                values = self.items[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
                found[scale.facet] = values, COLUMN_UNITS.get(unit, 1.0)
                break
        if "year" not in found:
            found["year"] = self._years, 1.0
        return found

    @property
    def _years(self) -> NDArray[np.float64]:
        """From titles such as `Heat (1995)`, else from when an item came into the catalogue."""
        years = pl.col("title").str.extract(_TITLE_YEAR).cast(pl.Float64)
        if "created_at" in self.items.columns:
            years = pl.coalesce(years, pl.col("created_at").dt.year().cast(pl.Float64))
        return self.items.select(years.fill_null(np.nan).alias("year"))["year"].to_numpy()

    # -- which items --

    def of(self, facet: Facet, value: str) -> NDArray[np.bool_]:
        """(items,) True where a category (or one above it), a tag or the seller has that name."""
        if facet == "seller":
            return (self.items["seller"] == value).fill_null(False).to_numpy()
        column = self.items["categories" if facet == "category" else "tags"]
        cells = pl.DataFrame({"row": pl.int_range(len(column), eager=True), "value": column}).explode("value")
        parts = pl.col("value").str.split(PATH_SEPARATOR).list.contains(value)
        rows = cells.drop_nulls().filter(parts if facet == "category" else pl.col("value") == value)["row"]
        found = np.zeros(len(self), dtype=bool)
        found[rows.to_numpy()] = True
        return found

    def saying(self, forms: Sequence[str]) -> NDArray[np.bool_]:
        """(items,) True where a text has one of the forms, each as a word of its own."""
        found = np.zeros(len(self), dtype=bool)
        if not forms:
            return found
        # A search for the bare letters leaves few texts to read with care.
        near = self._texts.str.contains_any(list(forms)).arg_true()
        exact = re.compile("|".join(pattern(form) for form in forms))
        rows = near.to_numpy()
        hits = [exact.search(text) is not None for text in self._texts.gather(near)]
        found[rows[np.array(hits, dtype=bool)]] = True
        return found

    def titled(self, title: str) -> int | None:
        """The row of the item of a title, with or without the year behind it; None where there is none."""
        return self._rows_of_titles.get(bare(title))

    @cached_property
    def _rows_of_titles(self) -> dict[str, int]:
        return {bare(title): row for row, title in reversed(list(enumerate(self.items["title"])))}

    @cached_property
    def _texts(self) -> pl.Series:
        parts = [pl.col("title")]
        for column in ("categories", "tags"):
            if column in self.items.columns:
                parts.append(pl.col(column).list.join(". "))
        if "text" in self.items.columns:
            parts.append(pl.col("text"))
        texts = self.items.select(pl.concat_str(parts, separator=". ", ignore_nulls=True).alias("text"))["text"]
        return pl.Series("text", [fold(text) for text in texts], dtype=pl.String)

    def overlap(self, words: Iterable[str]) -> Floats:
        """(items,) the share of the words that an item's text has, rare ones counting more."""
        total = np.zeros(len(self), dtype=np.float32)
        weights = 0.0
        for word in dict.fromkeys(words):
            has = self.saying((word,))
            weight = float(np.log(1 + len(self) / (1 + has.sum())))
            total += np.float32(weight) * has
            weights += weight
        return total / np.float32(weights) if weights else total


def key(name: str) -> str:
    """How a name is looked up: English words without endings, Chinese as it stands.

    >>> key("Summer Dresses"), key("连衣裙 女装"), key("Children's")
    ('summer dress', '连衣裙女装', 'children')
    """
    folded = fold(name)
    if folded.isascii():
        return " ".join(tokens(folded))
    return "".join(folded.split())


def tokens(folded: str) -> list[str]:
    """The English words of a folded text, without endings."""
    return [stem(word.removesuffix("'s")) for word in _TOKENS.findall(folded)]


def bare(title: str) -> str:
    """A title without its year, folded."""
    return re.sub(r"\s*\(\d{4}\)\s*$", "", fold(title)).strip()
