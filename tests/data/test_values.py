"""Cells of any type as texts, numbers, booleans and lists."""

from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from penchant.data.values import as_attribute, as_boolean, as_list, as_number, as_text


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([" a ", None, ""], ["a", None, ""]),
        ([7, None], ["7", None]),
        ([7.0, 1.5, float("nan")], ["7", "1.5", "NaN"]),
        ([True, None], ["true", None]),
        ([Decimal("1.50")], ["1.50"]),
        ([[1, 2], None], ["[1,2]", None]),
        ([{"a": "ü"}], ['{"a":"ü"}']),
        ([b"abc", b"\xff", None], ["abc", "\\xff", None]),
        ([datetime(2024, 1, 2)], ["2024-01-02 00:00:00.000000"]),
    ],
)
def test_texts_from_cells_of_any_type(cells, expected):
    assert as_text(pl.Series("x", cells)).to_list() == expected
    assert as_text(pl.Series("x", cells)).name == "x"


def test_numbers_with_currency_and_thousands():
    cells = ["3", "-1.5e3", "￥1,299.50", "$ 5", "12元", "1,5", "1,2345", "1_000", "", "5 kg", None]
    assert as_number(pl.Series(cells)).to_list() == [3.0, -1500.0, 1299.5, 5.0, 12.0] + [None] * 6
    assert as_number(pl.Series([1, None])).to_list() == [1.0, None]


def test_yes_and_no_in_both_languages():
    cells = ["TRUE", "1", "y", "是", "False", "0.0", "No", "否", "maybe", "2", None]
    assert as_boolean(pl.Series(cells)).to_list() == [True] * 4 + [False] * 4 + [None] * 3
    assert as_boolean(pl.Series([1, 0, 2])).to_list() == [True, False, None]


def test_lists_by_separator_json_or_pythons_spelling():
    cells = ["a|b", " a | |b|a ", '["x|y", 1]', "['p', 'q']", "[]", "[Sale] dress", "[1", "", None]
    expected = [["a", "b"], ["a", "b"], ["x|y", "1"], ["p", "q"], [], ["[Sale] dress"], ["[1"], [], None]
    assert as_list(pl.Series(cells), separator="|").to_list() == expected


@pytest.mark.parametrize("cell", ['[["a"]]', '[{"a": 1}]', "[a, b]"])
def test_what_looks_like_a_list_of_something_else_is_null(cell):
    assert as_list(pl.Series([cell]), separator="|").to_list() == [None]


def test_levels_of_paths_are_spelt_alike():
    cells = ["家电>冰箱|家电 >  洗衣机", '["a > b > c"]']
    assert as_list(pl.Series(cells), separator="|", levels=">").to_list() == [
        ["家电 > 冰箱", "家电 > 洗衣机"],
        ["a > b > c"],
    ]
    assert as_list(pl.Series(["a/b;c"]), separator=";", levels="/").to_list() == [["a > b", "c"]]
    assert as_list(pl.Series([["a>b", None]]), separator="|", levels=">").to_list() == [["a > b"]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-20", None], [1, -20, None]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["True", "false", None], [True, False, None]),
        (["007", "8"], ["007", "8"]),
        (["1", "x"], ["1", "x"]),
        (["1" * 19], ["1" * 19]),
        ([None, None], [None, None]),
        ([Decimal("1.5")], [1.5]),
        ([["a"], None], [["a"], None]),
        ([[1], None], ["[1]", None]),
        ([datetime(2024, 1, 2)], [datetime(2024, 1, 2)]),
    ],
)
def test_attributes_are_typed_by_all_of_their_cells(cells, expected):
    assert as_attribute(pl.Series(cells)).to_list() == expected
