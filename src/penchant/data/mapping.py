"""How foreign tables become ours: the `[read]`, `[tables]` and `[columns.*]` parts of a `penchant.toml`."""

import codecs
import tomllib
import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from penchant.data.columns import TABLES
from penchant.errors import ConfigError

CONFIG_NAME: Final = "penchant.toml"
UnknownIds = Literal["reject", "add", "error"]
TableName = Literal["members", "items", "events", "ties", "labels"]


def _or_field(name: str) -> BeforeValidator:
    """A bare string stands for a section that sets one field, as in `member_id = "CustomerID"`."""
    return BeforeValidator(lambda given: {name: given} if isinstance(given, str) else given)


class ColumnSource(BaseModel):
    """Where one of our columns comes from, and how its values are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = None
    """Name of the foreign column; of a kind, also the kind itself, for all rows (`kind = "buy"`)."""
    value: str | int | float | bool | None = None
    """One value for all rows, in place of a column."""
    values: dict[str, str] = Field(default_factory=dict)
    """Foreign values and ours, such as `{purchase = "buy", pv = "view"}`; others stay as they are."""
    format: str | None = None
    """Format of times, such as `"%d/%m/%Y %H:%M"`; the usual ones are recognised."""
    unit: Literal["s", "ms", "us", "ns"] | None = None
    """Unit of times that are numbers since 1970; their size tells it where it is not set."""
    time_zone: str | None = None
    """Zone of times that carry none; that of `[read]` where it is not set."""
    separator: str = Field(default="|", min_length=1)
    """Between the entries of a list in one cell."""
    levels: str = Field(default=">", min_length=1)
    """Between the levels of a category or label, as in `家电 > 冰箱`."""

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return name if name is None else _known_zone(name)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("needs either `column`, a foreign column's name, or `value`, the same for all rows")
        return self


class TableSource(BaseModel):
    """Where one table stands, and how its file is laid out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = None
    """A file name or pattern inside the folder; for a database a table, `schema.table` or a SELECT."""
    encoding: str | None = None
    """Encoding of a text file; that of `[read]` where it is not set."""
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """Between the fields of a delimited file; that of `[read]` where it is not set."""
    header: bool = True
    """False where the first line is data: the columns are then named "1", "2", …"""
    distinct: bool | None = None
    """Of members or items: many rows may tell of one id, as in a log of orders; the first that passes is taken, with
    the columns that are ours or mapped. True without asking where another table is read from the same place."""

    @field_validator("encoding")
    @classmethod
    def _codec(cls, name: str | None) -> str | None:
        return name if name is None else _known_encoding(name)


class ReadConfig(BaseModel):
    """Everything that can be set about reading; a folder in our own format needs none of it.

    >>> ReadConfig.of({"events": {"member_id": "uid", "kind": "buy"}}).columns["events"]["member_id"].column
    'uid'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unknown_ids: UnknownIds = "reject"
    """What becomes of events, ties and labels that name an unknown member or item: the row is rejected, the id is
    added to its table, or reading stops with an error."""
    encoding: str = "auto"
    """Encoding of text files; `auto` takes UTF-8, UTF-16 and, line by line, GB18030."""
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """Between the fields of a delimited file; comma, semicolon, tab and bar are told apart where it is not set."""
    time_zone: str = "UTC"
    """Zone of times that carry none."""
    missing: tuple[str, ...] = ("", "\\N", "NULL")
    """Cells that stand for no value."""
    latest: datetime | None = None
    """Later times are rejected; a year from today where it is not set."""
    tables: dict[TableName, Annotated[TableSource, _or_field("source")]] = Field(default_factory=dict)
    columns: dict[TableName, dict[str, Annotated[ColumnSource, _or_field("column")]]] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _known_zone(name)

    @field_validator("encoding")
    @classmethod
    def _codec(cls, name: str) -> str:
        return name if name == "auto" else _known_encoding(name)

    @model_validator(mode="after")
    def _our_columns(self) -> Self:
        for table, columns in self.columns.items():
            for name in columns:
                # Members and items may carry attributes of any name; the other tables are closed.
                if table not in ("members", "items") and name not in TABLES[table]:
                    raise ValueError(f"columns.{table}: there is no column {name!r}; it has {', '.join(TABLES[table])}")
        return self

    @classmethod
    def of(cls, columns: "ReadConfig | Mapping[str, Any] | Path | str | None") -> "ReadConfig":
        """A configuration from what a caller holds: one of these, the `[columns]` as a mapping, or a TOML file.

        Raises:
            ConfigError: the file cannot be read, or holds what has no meaning.
        """
        if columns is None:
            return cls()
        if isinstance(columns, ReadConfig):
            return columns
        if isinstance(columns, Mapping):
            return cls.from_document({"columns": columns}, "columns")
        return cls.load(Path(columns))

    @classmethod
    def load(cls, path: Path) -> "ReadConfig":
        """The configuration in a TOML file; its other sections are left to those they concern.

        Raises:
            ConfigError: the file cannot be read, is not TOML, or holds what has no meaning.
        """
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise ConfigError(f"there is no file {path}; a {CONFIG_NAME} was wanted") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
        return cls.from_document(document, str(path))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], name: str = CONFIG_NAME) -> "ReadConfig":
        """The configuration in a parsed TOML document: its sections `read`, `tables` and `columns`.

        Raises:
            ConfigError: a setting has no meaning; the message says which and where.
        """
        given = {section: document[section] for section in ("tables", "columns") if section in document}
        read = document.get("read", {})
        if not isinstance(read, Mapping):
            raise ConfigError(f"{name}: `read` is {read!r}; a section [read] was wanted")
        try:
            return cls.model_validate({**read, **given})
        except ValidationError as error:
            problems = []
            for one in error.errors():
                where = ".".join(map(str, one["loc"]))
                problems.append(f"{where}: " * bool(where) + one["msg"].removeprefix("Value error, "))
            raise ConfigError(f"{name} has settings without meaning: {'; '.join(problems)}") from None


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write one such as 'Asia/Shanghai' or 'UTC'") from None
    return name


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"there is no encoding {name!r}; write one such as 'utf-8', 'gb18030', 'cp1252'") from None
