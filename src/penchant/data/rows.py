"""How the tables of a community become rows of the store, and come back the same.

Times become microseconds since 1970, lists JSON arrays, and the user's own columns one JSON object a row.
"""

import base64
import io
from typing import Final

import polars as pl

from penchant.data.columns import TABLES
from penchant.errors import ColumnError, InputError

ID_BYTES: Final = 1024
"""The longest id that every database can index, in bytes of UTF-8."""


def to_rows(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """A conformed table (see `community.conform`) as the columns of the store: times as integers, lists as JSON.

    Columns that hold ids stay strings; the store replaces those of events and ties by keys.

    Raises:
        InputError: a value that no database keeps as it is: NaN, a NUL character, an id too long to index.
        ColumnError: an attribute of a type that JSON cannot carry.
    """
    schema = TABLES[name]
    expressions = []
    for column, dtype in schema.items():
        if isinstance(dtype, pl.String):
            _refuse_text(table[column], name, identifier=column.endswith("_id"))
            expressions.append(pl.col(column))
        elif isinstance(dtype, pl.List):
            expressions.append(list_to_json(column))
        elif isinstance(dtype, pl.Datetime):
            expressions.append(pl.col(column).dt.epoch("us"))
        elif isinstance(dtype, pl.Enum):
            expressions.append(pl.col(column).cast(pl.String))
        else:
            if isinstance(dtype, pl.Float64) and table[column].is_nan().any():
                raise InputError(f"the column {column} of {name} holds NaN; leave a value that is not known empty")
            expressions.append(pl.col(column))
    if name in ("members", "items"):
        own = table.select(pl.exclude(*schema))
        none = pl.lit(None, dtype=pl.String)
        expressions.append((pl.lit(attributes_to_json(own, name)) if own.width else none).alias("attributes"))
    return table.select(expressions)


def from_rows(rows: pl.DataFrame, name: str, own: pl.Schema) -> pl.DataFrame:
    """The inverse of `to_rows`; `own` names the attribute columns and their types."""
    expressions = []
    for column, dtype in TABLES[name].items():
        if column not in rows.columns:
            continue
        value = pl.col(column)
        if isinstance(dtype, pl.List):
            value = value.str.json_decode(dtype)
        expressions.append(value.cast(dtype))
    table = rows.select(expressions)
    return table.hstack(attributes_from_json(rows["attributes"], own)) if own else table


def database_types(name: str) -> dict[str, pl.DataType]:
    """The types in which a database hands back the columns of a table, without the ids that are keys there."""
    keyed = {"events": ("member_id", "item_id"), "ties": ("member_id", "other_id")}.get(name, ())
    types: dict[str, pl.DataType] = {}
    for column, dtype in TABLES[name].items():
        if column not in keyed:
            types[column] = pl.Int64() if isinstance(dtype, pl.Datetime) else _plain(dtype)
    return types


def list_to_json(column: str) -> pl.Expr:
    """A list of strings as a JSON array; null stays null."""
    # Polars writes JSON for structs alone, so the list goes in as the field of one and the wrapping is cut off.
    wrapped = pl.struct(pl.col(column).alias("v")).struct.json_encode()
    return pl.when(pl.col(column).is_not_null()).then(wrapped.str.slice(5).str.head(-1)).alias(column)


def attributes_to_json(own: pl.DataFrame, name: str) -> pl.Series:
    """(rows,) one JSON object a row of the user's own columns.

    Raises:
        ColumnError: a column of a type that JSON cannot carry.
    """
    text = own.select(pl.struct(_attribute(series, name) for series in own).struct.json_encode()).to_series()
    nested = [column for column, dtype in own.schema.items() if dtype.is_nested()]
    if nested:
        back = attributes_from_json(text, own.select(nested).schema)
        for column in nested:
            if not back[column].equals(own[column]):
                raise ColumnError(
                    f"the column {column!r} of {name} ({own.schema[column]}) does not survive JSON; "
                    "turn it into a column of plain values or of lists of text"
                )
    return text


def attributes_from_json(text: pl.Series, own: pl.Schema) -> pl.DataFrame:
    """The user's own columns again; a key that a row's object lacks is null."""
    carried = {column: pl.String() if dtype.is_float() else _carrier(dtype) for column, dtype in own.items()}
    frame = text.alias("j").str.json_decode(pl.Struct(carried)).struct.unnest()
    return frame.select(
        pl.col(column).str.decode("hex") if isinstance(dtype, pl.Binary) else pl.col(column).cast(dtype)
        for column, dtype in own.items()
    )


def schema_to_text(own: pl.Schema) -> str:
    """Names and types of columns, so exactly that any type of Polars comes back."""
    sink = io.BytesIO()
    pl.DataFrame(schema=own).write_ipc_stream(sink)
    return base64.b64encode(sink.getvalue()).decode()


def schema_from_text(text: str) -> pl.Schema:
    """The inverse of `schema_to_text`."""
    return pl.read_ipc_stream(io.BytesIO(base64.b64decode(text))).schema


def _plain(dtype: pl.DataType) -> pl.DataType:
    return pl.String() if isinstance(dtype, (pl.List, pl.Enum)) else dtype


def _carrier(dtype: pl.DataType) -> pl.DataType:
    """The type under which JSON carries a value of another."""
    if isinstance(dtype, pl.Duration):
        return pl.Int64()
    return pl.String() if isinstance(dtype, pl.Binary) else dtype


def _attribute(series: pl.Series, name: str) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, pl.Object):
        raise ColumnError(f"the column {series.name!r} of {name} holds Python objects; turn it into text or numbers")
    if dtype.is_float() and not series.is_finite().all():
        # JSON has no NaN and no infinity; as text they come back.
        return series.cast(pl.String)
    if isinstance(dtype, pl.Binary):
        return series.bin.encode("hex")
    return series.cast(_carrier(dtype))


def _refuse_text(text: pl.Series, name: str, *, identifier: bool) -> None:
    if text.str.contains("\0", literal=True).any():
        raise InputError(f"the column {text.name} of {name} holds a NUL character; remove it")
    if identifier and len(long := text.filter(text.str.len_bytes() > ID_BYTES)):
        raise InputError(
            f"an id in the column {text.name} of {name} has {len(long[0].encode())} bytes; at most {ID_BYTES} are kept"
        )
