"""Files of texts, labelled and bare, in every form that is taken, and what is said of those that are not."""

import gzip
import json
from pathlib import Path

import pytest

from penchant.data.texts import read_labelled, read_texts
from penchant.errors import ColumnError, ReadError

ROWS = [
    {"text": "好锅", "labels": ["厨房 > 锅具", "新品"], "split": "train"},
    {"text": "a tent, for two", "labels": "Outdoor > Camping"},
]
WANTED = [("好锅", None, ["厨房 > 锅具", "新品"], "train"), ("a tent, for two", None, ["Outdoor > Camping"], None)]
CSV = 'text,labels,split\n好锅,厨房>锅具|新品,train\n"a tent, for two",Outdoor > Camping,\n'


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.csv.gz"])
def test_labelled_texts_are_read_from_each_form(tmp_path: Path, name: str) -> None:
    content = CSV if "csv" in name else "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    path = written(tmp_path, name, content)
    assert read_labelled(path).rows() == WANTED
    assert read_texts(path) == ["好锅", "a tent, for two"]


def test_rows_without_a_text_or_a_label_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, "a.csv", "text,labels\n,tea\nleaf,\nkettle,tea\n")
    assert read_labelled(path)["text"].to_list() == ["kettle"]
    assert "2 rejected" in caplog.text or "拒绝" in caplog.text


def test_lines_of_a_text_file_are_texts(tmp_path: Path) -> None:
    assert read_texts(written(tmp_path, "a.txt", "one\n\n  \n二, 三\n")) == ["one", "二, 三"]


@pytest.mark.parametrize("reader", [read_labelled, read_texts])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, reader) -> None:
    with pytest.raises(ReadError, match=r"there is no file .*nowhere\.csv"):
        reader(tmp_path / "nowhere.csv")


def test_a_missing_column_is_named_beside_those_found(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "review,mood\nfine,good\n")
    with pytest.raises(ColumnError, match="no column 'text' and no column 'labels'; it has 'review', 'mood'"):
        read_labelled(path)
    with pytest.raises(ColumnError, match="no column 'text'; it has review, mood"):
        read_texts(path)


def test_a_file_of_nothing_but_bad_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="none of the 2 rows"):
        read_labelled(written(tmp_path, "a.csv", "text,labels\nleaf,\nkettle,\n"))
