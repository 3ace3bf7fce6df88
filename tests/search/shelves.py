"""A bilingual shop with planted answers, and judged queries in words that its titles do not use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.search.judgements import Judgements

START = datetime(2026, 1, 1, tzinfo=UTC)
COLOURS = ("red", "blue", "green", "white", "black", "amber", "silver", "violet")
KINDS = ("dress", "pan", "tent", "lamp", "chair", "phone")
OTHER_NAMES = {"dress": "frock", "pan": "skillet", "tent": "shelter", "lamp": "lantern"}


def shelf() -> pl.DataFrame:
    """Six items in two languages, with every column that a filter reads."""
    rows = [
        ("d1", "Red summer dress", "服饰 > 连衣裙", ["new"], 30.0, True, "Light cotton with flowers."),
        ("d2", "Blue evening dress", "服饰 > 连衣裙", None, 120.0, True, None),
        ("d3", "Red winter coat", "服饰 > 外套", ["new", "sale"], 90.0, False, None),
        ("p1", "铸铁锅", "厨房 > 锅具", ["sale"], 199.0, True, "适合煎牛排"),
        ("p2", "夏季碎花连衣裙", "服饰 > 连衣裙", ["new"], 89.0, None, None),
        ("t1", "Two-person tent 8ft", "Outdoor", None, None, True, None),
    ]
    names = ["item_id", "title", "categories", "tags", "price", "available", "text"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.with_columns(pl.concat_list("categories").alias("categories"))


def bazaar() -> pl.DataFrame:
    """240 items: two colours and a kind each."""
    titles = [f"{COLOURS[n % 8]} {COLOURS[n // 8 % 8]} {KINDS[n % 6]} no {n}" for n in range(240)]
    return pl.DataFrame({"item_id": [f"i{n}" for n in range(240)], "title": titles})


def asked(count: int = 160, seed: int = 0) -> Judgements:
    """Queries for a colour and a kind, some kinds by a name that no title has, some colours written wrong."""
    rng, items = np.random.default_rng(seed), bazaar()
    grades: dict[str, dict[str, float]] = {}
    while len(grades) < count:
        colour, kind = COLOURS[rng.integers(8)], KINDS[rng.integers(6)]
        query = f"{colour} {OTHER_NAMES.get(kind, kind)} {int(rng.integers(20))}"
        answers = [item for item, title in items.iter_rows() if colour in title.split() and kind in title.split()]
        if answers:
            grades[query] = dict.fromkeys(answers, 2.0)
    return Judgements.of(grades)


def searching_members(*, by_taste: bool, members: int = 60, seed: int = 0) -> Community:
    """Members who like one kind each, search for a colour, and take a thing of that colour.

    Where `by_taste`, it is of the kind they like; else of any kind.
    """
    rng, items = np.random.default_rng(seed), bazaar()
    of_kind = {kind: [item for item, title in items.iter_rows() if kind in title.split()] for kind in KINDS}
    title_of = dict(items.iter_rows())
    rows: list[tuple[str, str | None, str, datetime, str | None]] = []
    for member in range(members):
        kind = KINDS[member % len(KINDS)]
        name, at = f"m{member}", START + timedelta(days=member)
        for turn, item in enumerate(rng.choice(of_kind[kind], 5, replace=False)):
            rows.append((name, str(item), "buy", at + timedelta(hours=turn), None))
        for turn in range(3):
            at += timedelta(days=1)
            colour = COLOURS[rng.integers(8)]
            wanted = kind if by_taste else KINDS[rng.integers(len(KINDS))]
            fits = [item for item in of_kind[wanted] if title_of[item].split()[0] == colour]
            if not fits:
                continue
            rows.append((name, None, "search", at, colour))
            rows.append((name, str(rng.choice(fits)), "click", at + timedelta(minutes=turn + 1), None))
    schema = {"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC"),
              "text": pl.String}  # fmt: skip
    return Community.from_tables(items, pl.DataFrame(rows, schema=schema, orient="row"))
