"""Cells of any type read as texts, numbers, booleans and lists; null where a cell is not one."""

import ast
import json
from typing import Final

import polars as pl

from penchant.data.columns import PATH_SEPARATOR

_TRUE: Final = ("true", "1", "1.0", "yes", "y", "t", "on", "是", "真")
_FALSE: Final = ("false", "0", "0.0", "no", "n", "f", "off", "否", "假")


def as_text(values: pl.Series) -> pl.Series:
    """Texts without the white space around them; numbers in their shortest form, nested values as JSON.

    >>> as_text(pl.Series([7.0, 1.5])).to_list()
    ['7', '1.5']
    """
    dtype = values.dtype
    if dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        return whole.cast(pl.String).zip_with((whole == values).fill_null(False), values.cast(pl.String))
    if dtype.is_nested():
        shells = values.alias("cell").to_frame().select(pl.struct("cell").struct.json_encode()).to_series()
        # {"cell":…} without its shell.
        inside = shells.str.slice(8).str.head(-1)
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(values))
        return inside.zip_with(values.is_not_null(), nothing).alias(values.name)
    if isinstance(dtype, pl.Datetime):
        return values.dt.to_string("iso")
    if dtype == pl.Binary:
        texts = [None if cell is None else cell.decode(errors="backslashreplace") for cell in values]
        return pl.Series(values.name, texts, dtype=pl.String)
    return values.cast(pl.String).str.strip_chars()


def as_number(values: pl.Series) -> pl.Series:
    """Numbers (Float64); a currency sign before and commas between thousands are understood.

    >>> as_number(pl.Series(["3", "￥1,299.50", "1,5", "x"])).to_list()
    [3.0, 1299.5, None, None]
    """
    if values.dtype.is_numeric():
        return values.cast(pl.Float64)
    texts = values.cast(pl.String).str.strip_chars()
    numbers = texts.cast(pl.Float64, strict=False)
    left = (numbers.is_null() & texts.is_not_null()).arg_true()
    if len(left):
        written = texts.gather(left).str.extract(r"^[¥￥$€£]?\s*([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*元?$")
        numbers = numbers.scatter(left, written.str.replace_all(",", "").cast(pl.Float64, strict=False))
    return numbers


def as_boolean(values: pl.Series) -> pl.Series:
    """Yes and no in the usual spellings of both languages.

    >>> as_boolean(pl.Series(["Yes", "0", "否", "perhaps"])).to_list()
    [True, False, False, None]
    """
    if values.dtype == pl.Boolean:
        return values
    spelt = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    plain = values.cast(pl.String).str.strip_chars().str.to_lowercase()
    return plain.replace_strict(spelt, default=None, return_dtype=pl.Boolean)


def as_list(values: pl.Series, *, separator: str, levels: str | None = None) -> pl.Series:
    """Lists of texts: lists as they are, JSON in a cell, or texts between separators; empty entries fall out.

    Args:
        values: the cells.
        separator: between entries, such as "|".
        levels: between the levels of a path, such as ">"; paths come out with " > ".

    >>> as_list(pl.Series(["a| b", '["c"]', "家电>冰箱"]), separator="|", levels=">").to_list()
    [['a', 'b'], ['c'], ['家电 > 冰箱']]
    """
    dtype = values.dtype
    if isinstance(dtype, pl.List | pl.Array):
        lists = values.cast(pl.List(pl.String), strict=False)
    else:
        texts = as_text(values)
        lists = texts.str.split(separator)
        written = texts.str.starts_with("[") & texts.str.ends_with("]")
        if written.any():
            either = [
                _written_list(text) if is_written else parts
                for text, is_written, parts in zip(texts, written, lists, strict=True)
            ]
            lists = pl.Series(either, dtype=pl.List(pl.String))
    entry = pl.element().str.strip_chars()
    if levels is not None:
        # "a  >b" and "a > b" are one path.
        entry = entry.str.split(levels).list.eval(pl.element().str.strip_chars()).list.join(PATH_SEPARATOR)
    cleaned = pl.col("cell").list.eval(entry.filter(entry.str.len_bytes() > 0)).list.unique(maintain_order=True)
    return lists.alias("cell").to_frame().select(cleaned.alias(values.name)).to_series()


def _written_list(text: str) -> list[str] | None:
    """A list written as JSON, or as Python shows one (which is how pandas writes lists into CSV)."""
    for read in (json.loads, ast.literal_eval):
        try:
            entries = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        plain = isinstance(entries, list) and all(isinstance(one, str | int | float | None) for one in entries)
        return [str(one) for one in entries if one is not None] if plain else None
    return None


def as_attribute(values: pl.Series) -> pl.Series:
    """A column of the user's own, typed by what all of its cells are: truth, whole numbers, numbers, else texts.

    Numbers with leading zeros (postcodes, codes) stay texts.

    >>> [as_attribute(pl.Series(cells)).dtype for cells in (["1", None], ["1.5", "2"], ["007", "8"], ["true", "false"])]
    [Int64, Float64, String, Boolean]
    """
    if values.dtype == pl.Decimal:
        return values.cast(pl.Float64)
    if isinstance(values.dtype, pl.Categorical | pl.Enum) or values.dtype == pl.Binary:
        return as_text(values)
    if isinstance(values.dtype, pl.List) and values.dtype.inner == pl.String:
        return values
    if values.dtype.is_nested():
        return as_text(values)
    if values.dtype != pl.String:
        return values
    present = values.drop_nulls()
    if not len(present):
        return values
    if present.str.contains(r"^(?i:true|false)$").all():
        return values.str.to_lowercase() == "true"
    if present.str.contains(r"^-?(0|[1-9]\d{0,17})$").all():
        return values.cast(pl.Int64)
    if present.str.contains(r"^-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d{1,2})?$").all():
        return values.cast(pl.Float64)
    return values
