"""Items of the bazaar: what they are, how they are written, and how one is come upon."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.simulated.config import INTERESTS, SimulatedConfig
from penchant.data.simulated.people import Shares
from penchant.data.simulated.texts import description, title
from penchant.data.simulated.wares import BRANDS, LANGUAGES, LEVEL_PRICES, LEVELS, SELLERS, interests, top_of, tops
from penchant.vectors import Rows

SELLERS_PER_TOP = 8
LEVEL_ACCEPTED = np.array([1.0, 0.35, 0.1])
"""How readily an item is taken that is no, one or two price levels from what the member prefers."""
_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Goods:
    """Items by row; times are days from the start, before it where negative."""

    interest: Rows
    language: Rows
    level: Rows
    noun: Rows
    seller: Rows
    """(items,) number of the seller; sellers keep to one first level."""
    price: Shares
    quality: Shares
    """How good the item is, which ratings tell: mean 0, deviation 1."""
    weight: Shares
    """How popular the item is within its interest."""
    created: Shares
    order: Rows
    """Rows sorted by interest and language."""
    starts: Rows
    """(2 * interests + 1,) where each block of one interest and language begins in `order`."""

    def __len__(self) -> int:
        return len(self.interest)

    def pick(self, interest: Rows, language: Rows, level: Rows, day: Shares, rng: np.random.Generator) -> Rows:
        """An item row for each visit: of the interest, by popularity, and by how well language, price and age suit.

        An item is never met before it exists. New items are met more than old ones.
        """
        block = interest * 2 + language
        empty = self.starts[block] == self.starts[block + 1]
        block = np.where(empty, interest * 2 + 1 - language, block)
        ends = np.concatenate([[0.0], np.cumsum(self.weight[self.order])])
        low, high = ends[self.starts[block]], ends[self.starts[block + 1]]
        # The first of each block has been there from before the start.
        picked = self.order[self.starts[block]]
        left = np.arange(len(block))
        for round_number in range(_ROUNDS):
            target = low[left] + rng.random(len(left)) * (high[left] - low[left])
            place = np.searchsorted(ends, target, side="right") - 1
            place = np.clip(place, self.starts[block[left]], self.starts[block[left] + 1] - 1)
            row = self.order[place]
            age = day[left] - self.created[row]
            suits = LEVEL_ACCEPTED[np.abs(self.level[row] - level[left])] * (0.3 + 0.7 * np.exp2(-age / 60))
            # The last round takes whatever exists.
            taken = (age >= 0) & ((rng.random(len(left)) < suits) | (round_number == _ROUNDS - 1))
            picked[left[taken]] = row[taken]
            left = left[~taken]
        return picked


def draw_goods(config: SimulatedConfig, rng: np.random.Generator) -> Goods:
    """Items, spread over interests and languages; a few are popular, most are not."""
    count = config.item_count
    # Every interest has something to sell.
    interest = rng.permutation(np.concatenate([np.arange(INTERESTS), rng.integers(0, INTERESTS, count - INTERESTS)]))
    language = rng.integers(0, 2, count) if config.language == "both" else np.full(count, int(config.language == "en"))
    level = rng.choice(3, count, p=[0.35, 0.4, 0.25])
    price = np.array([ware.price for ware in interests()])[interest] * np.array(LEVEL_PRICES)[level]
    price = np.maximum(np.floor(price * rng.lognormal(0, 0.2, count)), 1) - 0.1
    quality = rng.standard_normal(count)
    # A Pareto tail, as sales have; good things sell better.
    weight = (1 + rng.pareto(1.3, count)) * np.exp(0.2 * quality)
    created = np.where(rng.random(count) < 0.6, -rng.exponential(200, count), rng.uniform(0, config.days * 0.95, count))
    # Within a block the most popular comes first and has been there from the start.
    order = np.lexsort((-weight, language, interest))
    starts = np.searchsorted((interest * 2 + language)[order], np.arange(2 * INTERESTS + 1))
    leaders = order[starts[:-1][starts[:-1] < starts[1:]]]
    created[leaders] = -np.abs(created[leaders]) - 1
    return Goods(
        interest=interest,
        language=language,
        level=level,
        noun=rng.integers(0, 5, count),
        seller=top_of()[interest] * SELLERS_PER_TOP + rng.integers(0, SELLERS_PER_TOP, count),
        price=price,
        quality=quality,
        weight=weight,
        created=created,
        order=order,
        starts=starts,
    )


def item_ids(goods: Goods) -> pl.Series:
    """Ids in row order; rows are in random order already, so that an id tells nothing."""
    return pl.Series("item_id", [f"p{row:06d}" for row in range(len(goods))], dtype=pl.String)


def items_table(config: SimulatedConfig, goods: Goods, rng: np.random.Generator) -> pl.DataFrame:
    """The items table, each item written in its language."""
    count = len(goods)
    wares = interests()
    features = np.argsort(rng.random((count, 5)), axis=1)
    columns: dict[str, list[object]] = {name: [] for name in ("title", "text", "categories", "tags", "seller")}
    for row in range(count):
        ware, lang = wares[goods.interest[row]], LANGUAGES[goods.language[row]]
        top, stall = divmod(int(goods.seller[row]), SELLERS_PER_TOP)
        brand = BRANDS[(top * 5 + stall) % len(BRANDS)](lang)
        noun, praised = ware.nouns[lang][goods.noun[row]], [ware.features[lang][place] for place in features[row, :3]]
        columns["title"].append(title(lang, brand, noun, praised[0]))
        columns["text"].append(description(lang, noun, praised[1:], int(goods.level[row]), int(features[row, 4])))
        columns["categories"].append([ware.path(lang)])
        columns["tags"].append([praised[0], LEVELS[goods.level[row]](lang)])
        columns["seller"].append(SELLERS(lang, brand=brand, top=tops()[top](lang)))
    return pl.DataFrame({"item_id": item_ids(goods), **columns}).with_columns(
        pl.Series("price", goods.price),
        pl.Series("available", rng.random(count) < 0.97),
        pl.Series("created_at", moments(config, goods.created)),
    )


def moments(config: SimulatedConfig, days: Shares) -> pl.Series:
    """Days from the start as times in UTC, to the second; null where infinite."""
    finite = np.isfinite(days)
    seconds: NDArray[np.int64] = np.where(finite, np.where(finite, days, 0) * 86_400, 0).astype(np.int64)
    start = pl.Series([config.start]).dt.epoch("us")[0]
    micros = pl.Series(start + seconds * 1_000_000).cast(pl.Datetime("us", "UTC"))
    return micros.to_frame("at").select(pl.when(pl.Series(finite)).then(pl.col("at"))).to_series()
