"""Chinese shop reviews of ten categories (online_shopping_10_cats, SophonPlus/ChineseNlpCorpus).

The reviews name neither who wrote them nor what about, so they are texts with known labels and no events: each is
labelled with the path "category > sentiment", such as "水果 > 正面", whose first level is the category. A text that
was written under several categories has several labels. The ten categories are the items.
"""

from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.columns import EVENTS, PATH_SEPARATOR
from penchant.data.community import Community
from penchant.data.public.imported import Imported, need_file, occurred, read_separated
from penchant.language import Phrase

FILE: Final = "online_shopping_10_cats.csv"
_SENTIMENT: Final = {"1": "正面", "0": "负面"}

_NO_TEXT: Final = Phrase("reviews without a text", "没有正文的评论")
_NO_LABEL: Final = Phrase("reviews without a category or label", "没有品类或情感标注的评论")
_SAME: Final = Phrase("reviews of the same text, joined", "正文相同的评论，已合并")


def import_reviews(path: Path) -> Imported:
    """Labelled texts, one row a distinct text, in the file's order."""
    rows = read_separated(need_file(path, FILE) if path.is_dir() else path, ["cat", "label", "review"])
    rows = rows.select(
        pl.col("cat").str.strip_chars().alias("category"),
        pl.col("label").str.strip_chars().replace_strict(_SENTIMENT, default=None).alias("sentiment"),
        pl.col("review").str.strip_chars().str.strip_chars("\ufeff").str.strip_chars().alias("text"),
    )
    written = rows.filter(pl.col("text").fill_null("") != "")
    labelled = written.drop_nulls(["category", "sentiment"])
    path_label = pl.concat_str("category", "sentiment", separator=PATH_SEPARATOR)
    labels = labelled.group_by("text", maintain_order=True).agg(path_label.unique(maintain_order=True).alias("labels"))
    categories = labelled["category"].unique(maintain_order=True)
    items = pl.DataFrame({"item_id": categories, "title": categories}).with_columns(
        pl.concat_list("title").alias("categories")
    )
    return Imported(
        Community.from_tables(items, pl.DataFrame(schema=EVENTS), labels=labels),
        rejected=occurred({_NO_TEXT: len(rows) - len(written), _NO_LABEL: len(written) - len(labelled)}),
        changed=occurred({_SAME: len(labelled) - len(labels)}),
    )
