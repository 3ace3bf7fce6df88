"""UCI Online Retail: a year of invoices of a British gift shop (Chen, Sain and Guo 2012).

A line of an invoice is a `buy` event whose amount is the money spent (pounds, quantity times price); a line of a
cancellation (invoice number C…) is a `return` of the money given back, positive too. Lines without a customer belong
to no member, and lines for postage, charges, discounts and manual corrections name no product: both are left out and
counted. Titles are written in capitals in the file; here each word begins with one.
"""

import string
from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.community import Community
from penchant.data.public.imported import Imported, need_file, occurred, read_separated
from penchant.language import Phrase

FILES: Final = ("online_retail.csv", "Online Retail.csv", "OnlineRetail.csv")
"""Names under which the invoices go round."""

_COLUMNS: Final = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
_PRODUCT: Final = r"^(\d{5}[A-Z]*|DCGS\w+|GIFT_\w+|PADS)$"
"""Stock codes of products, in capitals; POST, DOT, M, D, C2, BANK CHARGES and the like are not."""
_CAPITALS: Final = r"\p{Lu}{3}"
"""The shop writes its products in capitals; "check", "?" and "damages" are notes, "Next Day Carriage" is a charge."""

_NO_CUSTOMER: Final = Phrase("lines without a customer", "没有客户编号的行")
_NO_PRODUCT: Final = Phrase("lines for no product (postage, discounts)", "不是商品的行（邮费、折扣等）")
_NO_NUMBER: Final = Phrase("lines without a date, quantity or price", "缺少日期、数量或单价的行")


def import_retail(path: Path) -> Imported:
    """Invoices as buys and returns; one item per stock code, named by its most common description."""
    file = need_file(path, *FILES) if path.is_dir() else path
    raw = read_separated(file, [*_COLUMNS, "Country"])
    lines = raw.select(
        pl.col("CustomerID").str.strip_chars().str.replace(r"\.0$", "").replace("", None).alias("member_id"),
        # 85123A and 85123a are one product.
        pl.col("StockCode").str.strip_chars().str.to_uppercase().alias("item_id"),
        pl.col("Description").fill_null("").str.replace_all(r"\s+", " ").str.strip_chars().alias("description"),
        pl.col("Quantity").cast(pl.Float64, strict=False).alias("quantity"),
        pl.col("UnitPrice").cast(pl.Float64, strict=False).alias("price"),
        _moment("InvoiceDate").alias("at"),
        pl.col("InvoiceNo").str.to_uppercase().str.starts_with("C").alias("cancelled"),
        pl.col("Country").alias("country"),
    )
    named = lines.filter(pl.col("member_id").is_not_null())
    described = named.filter(pl.col("description").str.contains(_CAPITALS))
    titles = _most_common(described, "item_id", "description")
    products = named.filter(pl.col("item_id").str.contains(_PRODUCT)).join(
        titles.select("item_id"), on="item_id", how="semi"
    )
    good = products.drop_nulls(["at", "quantity", "price"])
    events = good.select(
        "member_id",
        "item_id",
        pl.when("cancelled").then(pl.lit("return")).otherwise(pl.lit("buy")).alias("kind"),
        "at",
        (pl.col("quantity") * pl.col("price")).abs().round(2).alias("amount"),
    )
    prices = good.filter(pl.col("price") > 0).group_by("item_id").agg(pl.col("price").median())
    items = titles.join(good.select("item_id"), on="item_id", how="semi").join(prices, on="item_id", how="left")
    items = items.sort("item_id").select(
        "item_id", pl.col("description").map_elements(_capitals, return_dtype=pl.String).alias("title"), "price"
    )
    members = _most_common(good, "member_id", "country").sort("member_id")
    return Imported(
        Community.from_tables(items, events, members),
        rejected=occurred(
            {
                _NO_CUSTOMER: len(lines) - len(named),
                _NO_PRODUCT: len(named) - len(products),
                _NO_NUMBER: len(products) - len(good),
            }
        ),
    )


def _most_common(rows: pl.DataFrame, key: str, value: str) -> pl.DataFrame:
    """For each key its most common value; the first of the alphabet among equals."""
    counted = rows.group_by(key, value).len().sort(key, "len", value, descending=[False, True, False])
    return counted.unique(key, keep="first", maintain_order=True).select(key, value)


def _moment(column: str) -> pl.Expr:
    """The two ways in which copies of the file write a date."""
    text = pl.col(column)
    formats = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M")
    return pl.coalesce(text.str.to_datetime(form, time_unit="us", strict=False) for form in formats)


def _capitals(description: str) -> str:
    """Words that begin with a capital, where the shop wrote in capitals throughout.

    >>> _capitals("CHILDREN'S APRON DOLLY GIRL"), _capitals("Dr. Jam's Stress Ball")
    ("Children's Apron Dolly Girl", "Dr. Jam's Stress Ball")
    """
    return string.capwords(description) if description == description.upper() else description
