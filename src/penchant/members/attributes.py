"""Attributes of members as classes to be predicted, and which of them are nobody's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from penchant.data.columns import MEMBERS
from penchant.data.community import Community
from penchant.errors import ColumnError, ConfigError, TooLittleDataError
from penchant.vectors import Rows

SENSITIVE: Final = (
    "age", "age_band", "birth_year", "birthday", "born", "disability", "ethnicity", "gender", "health", "income",
    "marital_status", "nationality", "orientation", "politics", "pregnant", "race", "religion", "sex",
    "年龄", "年龄段", "出生年份", "生日", "残疾", "民族", "性别", "健康", "收入", "婚姻", "国籍",
    "性取向", "政治面貌", "怀孕", "种族", "宗教",
)  # fmt: skip
"""Attributes that are predicted only where the settings allow it by name: what the law or good manners protect."""
MOST_CLASSES: Final = 50
FEWEST: Final = 5
"""Members of each class below which a class cannot be learned or judged."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """What is known of one attribute of a community's members."""

    name: str
    classes: tuple[str, ...]
    codes: Rows
    """(members,) number of each member's class; -1 where it is not known, or too rare to be learned."""
    left_out: tuple[str, ...] = ()
    """Values that fewer than `FEWEST` members have."""

    @property
    def known(self) -> Rows:
        """Rows of the members whose class is known."""
        return np.flatnonzero(self.codes >= 0)


def attribute_of(
    community: Community,
    name: str,
    *,
    bands: Sequence[float] | None = None,
    sensitive: Sequence[str] = SENSITIVE,
    allowed: Sequence[str] = (),
) -> Attribute:
    """An attribute's classes, or a refusal.

    Args:
        community: whose members table holds it.
        name: its column.
        bands: edges of bands, where the column is a number: (25, 35) makes "<25", "25-34" and "35+".
        sensitive: attributes that are refused.
        allowed: those of them that are wanted all the same.

    Raises:
        ConfigError: the attribute is sensitive and not allowed by name, or has too many values to be classes.
        ColumnError: the members have no such attribute, or bands are asked of what is no number.
        TooLittleDataError: fewer than two classes have enough members.
    """
    refuse_sensitive(name, sensitive, allowed)
    own = [column for column in community.members.columns if column not in MEMBERS]
    if name not in own:
        raise ColumnError(f"members have no attribute {name!r}; they have {', '.join(own) or 'none'}")
    values = community.members[name]
    if bands is not None:
        if not values.dtype.is_numeric():
            raise ColumnError(f"bands need a number, and {name!r} holds {values.dtype}")
        labels = band_labels(bands)
        place = np.digitize(values.cast(pl.Float64).fill_null(np.nan).to_numpy(), list(bands))
        known = values.is_not_null() & values.is_finite()
        banded = pl.Series(name, [labels[number] for number in place.clip(0, len(bands))], dtype=pl.String)
        values = pl.select(pl.when(known).then(banded).alias(name)).to_series()
    texts = values.cast(pl.String)
    counts = texts.drop_nulls().value_counts()
    if len(counts) > MOST_CLASSES:
        raise ConfigError(
            f"{name!r} has {len(counts):,} different values, and at most {MOST_CLASSES} can be classes; "
            + ("give bands for its numbers" if values.dtype.is_numeric() else "group them into fewer")
        )
    enough = counts.filter(pl.col("count") >= FEWEST)[name].to_list()
    classes = tuple(labels) if bands is not None else tuple(sorted(enough))
    classes = tuple(one for one in classes if one in enough)
    if len(classes) < 2:
        raise TooLittleDataError(
            f"{name!r} has {len(classes)} values that at least {FEWEST} members have; two are needed to tell them apart"
        )
    numbers = {one: number for number, one in enumerate(classes)}
    codes = np.array([numbers.get(text, -1) if text is not None else -1 for text in texts.to_list()], dtype=np.int64)
    return Attribute(name, classes, codes, tuple(sorted(set(counts[name]) - set(classes))))


def refuse_sensitive(name: str, sensitive: Sequence[str] = SENSITIVE, allowed: Sequence[str] = ()) -> None:
    """Stop where an attribute is nobody's business.

    Raises:
        ConfigError: it is sensitive and not allowed by name.
    """
    if name.casefold() in {one.casefold() for one in sensitive} and name not in allowed:
        raise ConfigError(
            f"{name!r} is a sensitive attribute, and is predicted only where that is allowed by name: "
            f"allow_sensitive = [{name!r}] in [members.classifier], or --allow-sensitive {name}"
        )


def band_labels(edges: Sequence[float]) -> list[str]:
    """Names of the bands between ascending edges.

    >>> band_labels([25, 35, 45])
    ['<25', '25-34', '35-44', '45+']
    """
    if list(edges) != sorted(set(edges)) or not edges:
        raise ConfigError(f"bands are ascending edges, such as 25, 35, 45; got {list(edges)}")
    shown = [f"{edge:g}" for edge in edges]
    whole = all(float(edge).is_integer() for edge in edges)
    middle = [f"{low:g}-{high - 1:g}" if whole else f"{low:g}-{high:g}" for low, high in pairwise(edges)]
    return [f"<{shown[0]}", *middle, f"{shown[-1]}+"]
