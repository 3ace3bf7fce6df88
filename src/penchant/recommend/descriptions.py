"""What items are, as numbers that a linear model can learn from: text, categories, tags, seller, year and price."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.text.words import segment
from penchant.vectors import Floats, unit_rows

NAMES: Final = 256
"""Most frequent names of each kind (categories, tags, sellers, words of titles) that are told apart."""
BUMPS: Final = 12
"""Steps into which a number such as the year is softly cut, by how many items lie below it."""
DIRECTIONS: Final = 16
"""Main directions of the text vectors that are crossed with the year: what was liked of one time is not of another."""
_YEAR: Final = re.compile(r"\((1[89]\d\d|20\d\d)\)\s*$")


def describe(community: Community, vectors: Floats | None) -> Floats:
    """(items, width) a description of each item; every kind of thing known has about unit length.

    Args:
        community: whose items are described.
        vectors: (items, width) centred unit vectors of their texts; None where no encoder has read them.
    """
    items = community.items
    parts: list[Floats] = []
    if vectors is not None:
        parts.append(vectors)
    paths = [_above(cell) for cell in items["categories"].to_list()]
    sellers = [[name] if name is not None else [] for name in items["seller"].to_list()]
    titles = [sorted({word for word in segment(_YEAR.sub("", title)) if len(word) > 1}) for title in items["title"]]
    for names in (paths, [cell or [] for cell in items["tags"].to_list()], sellers, titles):
        if (part := _named(names)).shape[1]:
            parts.append(part)
    years = _years(community)
    crossed = _main_directions(vectors) if vectors is not None else None
    for numbers in (years, items["price"].cast(pl.Float64).fill_null(np.nan).to_numpy()):
        bumps = _bumps(numbers)
        if not bumps.any():
            continue
        parts.append(bumps)
        if crossed is not None and numbers is years:
            both = (crossed[:, :, None] * bumps[:, None, :]).reshape(len(items), -1)
            parts.append(both)
    # One number that all share: how much is liked of anything.
    parts.append(np.full((len(items), 1), 0.7, dtype=np.float32))
    return np.hstack(parts).astype(np.float32)


def _above(paths: Sequence[str] | None) -> list[str]:
    """Categories, with all that lie above them."""
    found = set()
    for path in paths or ():
        parts = path.split(PATH_SEPARATOR)
        found |= {PATH_SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return sorted(found)


def _named(names: Sequence[Sequence[str]]) -> Floats:
    """(items, names) one for each name that two items share at least, rare ones counting more; rows of unit length."""
    counts = Counter(name for own in names for name in own)
    kept = [name for name, count in counts.most_common(NAMES) if count > 1]
    place = {name: column for column, name in enumerate(sorted(kept))}
    table = np.zeros((len(names), len(place)), dtype=np.float32)
    for row, own in enumerate(names):
        for name in own:
            if name in place:
                table[row, place[name]] = np.log(len(names) / counts[name])
    return unit_rows(table)


def _years(community: Community) -> NDArray[np.float64]:
    """(items,) the year of each: of a column of that name, in the title, or when it came; NaN where none says so."""
    items = community.items
    found = pl.col("title").str.extract(_YEAR.pattern).cast(pl.Float64)
    if "year" in items.columns and items.schema["year"].is_numeric():
        found = pl.coalesce(pl.col("year").cast(pl.Float64), found)
    created = pl.col("created_at").dt.epoch("s").cast(pl.Float64) / (365.25 * 86_400) + 1970
    return items.select(pl.coalesce(found, created).fill_null(np.nan).alias("year"))["year"].to_numpy()


def _bumps(numbers: NDArray[np.float64]) -> Floats:
    """(items, BUMPS) how near each number's rank is to each of evenly spaced ranks; zeros where it is not known."""
    known = ~np.isnan(numbers)
    found = np.zeros((len(numbers), BUMPS), dtype=np.float32)
    if np.unique(numbers[known]).size < 2:
        return found
    ordered = np.sort(numbers[known])
    low, high = (np.searchsorted(ordered, numbers[known], side) for side in ("left", "right"))
    rank = (low + high) / (2 * len(ordered))
    found[known] = np.maximum(0, 1 - np.abs(rank[:, None] - np.linspace(0, 1, BUMPS)) * (BUMPS - 1))
    return found


def _main_directions(vectors: Floats) -> Floats:
    """(items, DIRECTIONS) the vectors along their main directions, of about unit length."""
    centred = vectors - vectors.mean(axis=0)
    _, basis = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    turned = (centred @ basis[:, ::-1][:, :DIRECTIONS]).astype(np.float32)
    length = float(np.sqrt((turned**2).sum(axis=1).mean())) if len(turned) else 0.0
    return turned / length if length else turned
