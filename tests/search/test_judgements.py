import gzip
import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from shelves import START, shelf

from penchant.data.community import Community
from penchant.errors import ColumnError, ReadError
from penchant.search.catalogue import Catalogue
from penchant.search.judgements import Judgements, from_events, read_judgements


def community(rows: list[tuple[str, str | None, str, float, str | None]]) -> Community:
    """Events of members: item, kind, minutes since the start, text."""
    schema = {"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC"),
              "text": pl.String}  # fmt: skip
    timed = [(member, item, kind, START + timedelta(minutes=at), text) for member, item, kind, at, text in rows]
    return Community.from_tables(shelf(), pl.DataFrame(timed, schema=schema, orient="row"))


def test_what_was_taken_after_a_search_answers_it() -> None:
    said = from_events(
        community(
            [
                ("a", "d2", "buy", 0, None),
                ("a", None, "search", 10, " red dress "),
                ("b", "t1", "click", 11, None),
                ("a", "d1", "click", 12, None),
                ("a", "d1", "buy", 15, None),
                ("a", "d3", "hide", 16, None),
                ("a", None, "search", 20, "锅"),
                ("a", "p1", "view", 21, None),
                ("a", "p2", "buy", 99, None),
                ("b", None, "search", 30, "  "),
                ("b", "t1", "buy", 31, None),
            ]
        )
    )
    rows = [(query, item, round(grade, 2), member) for query, item, grade, member, _ in said.table.iter_rows()]
    assert rows == [("red dress", "d1", 1.0, "a"), ("锅", "p1", 0.3, "a")]
    assert said.table["asked_at"].to_list() == [START + timedelta(minutes=10), START + timedelta(minutes=20)]


def test_how_long_an_event_counts_as_the_outcome_can_be_set() -> None:
    told = community([("a", None, "search", 0, "pan"), ("a", "p1", "buy", 90, None)])
    assert len(from_events(told)) == 0
    assert len(from_events(told, within=timedelta(hours=2))) == 1


def test_a_community_without_searches_says_nothing() -> None:
    assert len(from_events(community([("a", "d1", "buy", 0, None)]))) == 0


def test_grades_of_items_that_are_not_there_are_left_out_and_zeros_are_kept() -> None:
    said = Judgements.of({"dress": {"d1": 2, "gone": 1}, "pan": {"d2": 0}})
    matrix = said.matrix(Catalogue.of(shelf()))
    assert (matrix.shape, matrix.nnz, matrix[0, 0]) == ((2, 6), 2, 2.0)
    assert Judgements.of({}).matrix(Catalogue.of(shelf())).shape == (0, 6)


def write(folder: Path, **tables: list[dict[str, object]]) -> Path:
    for name, rows in tables.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return folder


QUERIES: list[dict[str, object]] = [
    {"query_id": 1, "query": "dress", "split": "train"},
    {"query_id": 2, "query": "锅", "split": "dev"},
    {"query_id": 3, "query": "dress", "split": "train"},
]
ITEMS: list[dict[str, object]] = [{"item_id": "d1", "title": "Dress"}]
GRADES: list[dict[str, object]] = [
    {"query_id": 1, "item_id": "d1", "grade": 1},
    {"query_id": 3, "item_id": "d1", "grade": 2.5},
    {"query_id": 2, "item_id": "d1", "grade": 0},
]


def test_a_folder_of_judgements_is_read_by_split(tmp_path: Path) -> None:
    items, splits = read_judgements(write(tmp_path, queries=QUERIES, items=ITEMS, judgements=GRADES))
    assert items["title"].to_list() == ["Dress"]
    assert {split: said.table.rows() for split, said in splits.items()} == {
        "train": [("dress", "d1", 2.5)],
        "dev": [("锅", "d1", 0.0)],
    }


def test_queries_without_a_split_are_for_training(tmp_path: Path) -> None:
    queries = [{name: row[name] for name in ("query_id", "query")} for row in QUERIES]
    _, splits = read_judgements(write(tmp_path, queries=queries, items=ITEMS, judgements=GRADES))
    assert set(splits) == {"train"}


def test_csv_with_numbers_for_ids_is_the_same(tmp_path: Path) -> None:
    pl.DataFrame(QUERIES).write_csv(tmp_path / "queries.csv")
    pl.DataFrame(ITEMS).write_csv(tmp_path / "items.csv")
    pl.DataFrame(GRADES, strict=False).write_parquet(tmp_path / "judgements.parquet")
    assert read_judgements(tmp_path)[1]["train"].table.rows() == [("dress", "d1", 2.5)]


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="has no file judgements"):
        read_judgements(write(tmp_path, queries=QUERIES, items=ITEMS))
    with pytest.raises(ColumnError, match="has no column grade; it has query_id, item_id"):
        read_judgements(write(tmp_path, judgements=[{"query_id": 1, "item_id": "d1"}]))
