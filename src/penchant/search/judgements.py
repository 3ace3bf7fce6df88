"""Which items answer which queries: as people judged them, or as members showed by what they took after a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.errors import ColumnError, ReadError
from penchant.search.catalogue import Catalogue

_TABLES: Final = {
    "queries": ("query_id", "query"),
    "items": ("item_id", "title"),
    "judgements": ("query_id", "item_id", "grade"),
}
_ENDINGS: Final = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True, eq=False)
class Judgements:
    """Queries and what was said of items for them.

    >>> said = Judgements.of({"warm tent": {"p1": 2.0, "p2": 0.0}})
    >>> said.queries, said.table["grade"].to_list()
    (['warm tent'], [2.0, 0.0])
    """

    table: pl.DataFrame
    """Columns `query`, `item_id`, `grade` and, where members showed it, `member_id` and `asked_at`."""

    @classmethod
    def of(cls, grades: Mapping[str, Mapping[str, float]]) -> "Judgements":
        """From the grades of items by query."""
        rows = [(query, item, float(grade)) for query, items in grades.items() for item, grade in items.items()]
        schema = {"query": pl.String(), "item_id": pl.String(), "grade": pl.Float64()}
        return cls(pl.DataFrame(rows, schema=schema, orient="row"))

    @cached_property
    def queries(self) -> list[str]:
        """Each query once, in the order in which they came."""
        return self.table["query"].unique(maintain_order=True).to_list()

    def __len__(self) -> int:
        return len(self.queries)

    def matrix(self, catalogue: Catalogue) -> sp.csr_matrix:
        """(queries, rows) the grade of each item that is there; what was graded 0 is stored as 0."""
        place = {query: number for number, query in enumerate(self.queries)}
        cells = [
            (place[query], row, grade)
            for query, item_id, grade in self.table.select("query", "item_id", "grade").iter_rows()
            if (row := catalogue.row(item_id)) is not None
        ]
        queries, rows, grades = zip(*cells, strict=True) if cells else ((), (), ())
        values = np.array(grades, dtype=np.float64)
        return sp.csr_matrix((values, (queries, rows)), shape=(len(self), len(catalogue)))

    def part(self, queries: list[str]) -> "Judgements":
        """Those of some of the queries."""
        return Judgements(self.table.filter(pl.col("query").is_in(queries)))


def read_judgements(folder: Path | str) -> tuple[pl.DataFrame, dict[str, Judgements]]:
    """The items of a folder of relevance judgements, and its judgements by split.

    Queries without a split are in the split `train`. A query text that stands twice is one query.

    Args:
        folder: holds `queries` (query_id, query, split if any), `items` (item_id, title, and the further columns of
            items) and `judgements` (query_id, item_id, grade), each as Parquet, CSV or JSON Lines, also gzipped.

    Raises:
        ReadError: a file is missing or cannot be read.
        ColumnError: a column is missing.
    """
    tables = {name: _read(Path(folder), name, columns) for name, columns in _TABLES.items()}
    queries, judged = tables["queries"], tables["judgements"]
    if "split" not in queries.columns:
        queries = queries.with_columns(pl.lit("train").alias("split"))
    joined = judged.select("query_id", "item_id", pl.col("grade").cast(pl.Float64)).join(
        queries.select("query_id", "query", pl.col("split").fill_null("train")), on="query_id", maintain_order="left"
    )
    splits = {
        str(split): Judgements(
            joined.filter(pl.col("split") == split)
            .group_by("query", "item_id", maintain_order=True)
            .agg(pl.col("grade").max())
        )
        for split in joined["split"].unique().sort()
    }
    return tables["items"], splits


def from_events(
    community: Community, *, within: timedelta = timedelta(minutes=30), weights: EventWeights | None = None
) -> Judgements:
    """What members took after they searched, up to their next search: the query, the item, and how much it says.

    Args:
        community: its search events have a text.
        within: how long after the search an event still counts as its outcome.
        weights: how much each kind of event says; those that speak against an item are left out.
    """
    events = community.with_ids("events").select("member_id", "item_id", "kind", "at", "text", "amount")
    weighted = events.with_columns((weights or EventWeights()).apply(events).alias("grade"))
    searches = (
        weighted.filter((pl.col("kind") == EventKind.SEARCH.value) & pl.col("text").is_not_null())
        .select("member_id", pl.col("text").str.strip_chars().alias("query"), "at", pl.col("at").alias("asked_at"))
        .filter(pl.col("query") != "")
        .sort("at")
    )
    taken = (
        weighted.filter(pl.col("item_id").is_not_null() & (pl.col("grade") > 0))
        .select("member_id", "item_id", "at", pl.col("grade").cast(pl.Float64))
        .sort("at")
    )
    followed = (
        taken.join_asof(searches, on="at", by="member_id", check_sortedness=False)
        .filter(pl.col("query").is_not_null() & (pl.col("at") - pl.col("asked_at") <= within))
        .group_by("query", "item_id", "member_id", maintain_order=True)
        .agg(pl.col("grade").max(), pl.col("asked_at").min())
    )
    return Judgements(followed.select("query", "item_id", "grade", "member_id", "asked_at"))


def _read(folder: Path, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    path = next((folder / f"{name}{ending}" for ending in _ENDINGS if (folder / f"{name}{ending}").is_file()), None)
    if path is None:
        raise ReadError(f"{folder} has no file {name}.csv, .jsonl or .parquet; judgements need {', '.join(_TABLES)}")
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
        elif ".jsonl" in path.suffixes:
            table = pl.read_ndjson(path, infer_schema_length=None)
        else:
            table = pl.read_csv(
                path, infer_schema_length=10_000, schema_overrides=dict.fromkeys(columns[:2], pl.String)
            )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ReadError(f"{path} cannot be read as a table: {error}") from error
    if missing := [column for column in columns if column not in table.columns]:
        raise ColumnError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table.with_columns(pl.col(column).cast(pl.String) for column in columns if column.endswith("_id"))
