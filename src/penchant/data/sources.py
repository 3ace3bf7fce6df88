"""Where the five tables of an input stand: files of a folder, or tables of a database."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, cast

from penchant.data.batches import RawBatch
from penchant.data.blocks import TextFile
from penchant.data.columns import TABLES
from penchant.data.delimited import DelimitedFile
from penchant.data.json_lines import JsonLinesFile
from penchant.data.mapping import CONFIG_NAME, ReadConfig, TableName, TableSource
from penchant.data.parquet import ParquetFile
from penchant.data.sql import DatabaseTable, connect, is_database_url, is_query, table_names
from penchant.errors import ConfigError, ReadError

NEEDED: Final = ("items", "events")
_JSON: Final = (".jsonl", ".ndjson", ".json")
_SUFFIXES: Final = (".csv", ".tsv", *_JSON)
_ENDINGS: Final = (".parquet", *_SUFFIXES, *(f"{suffix}.gz" for suffix in _SUFFIXES))


class Batches(Protocol):
    """Rows in batches, from something that knows how far it has been read."""

    @property
    def size(self) -> int:
        """Bytes in all; zero where that is not known."""
        ...

    @property
    def bytes_read(self) -> int: ...

    def __iter__(self) -> Iterator[RawBatch]: ...


@dataclass(frozen=True)
class Source:
    """One file or database table with rows of one of our tables."""

    table: str
    name: str
    """What to call it in messages and in the log."""
    place: str
    """Its path, or its table: two sources of one place read the same rows."""
    batches: Batches
    text: TextFile | None = None
    """The text file underneath, where there is one."""
    distinct: bool = False
    """Whether rows may repeat an id of members or items."""

    @property
    def sparse(self) -> bool:
        """Whether a column may appear in later rows only, as keys of JSON do."""
        return isinstance(self.batches, JsonLinesFile)


def find_sources(source: Path | str | Mapping[str, Path | str], config: ReadConfig) -> tuple[list[Source], list[str]]:
    """The sources of an input in the order of the tables, and files beside them that are none.

    Args:
        source: a folder, a database URL, or a file for each table.
        config: `[tables]` may name sources of other names.

    Raises:
        ReadError: there is no such folder, or it lacks items or events, or has two files for one table.
        ConfigError: a table is none of ours.
    """
    ignored: list[str] = []
    if isinstance(source, Mapping):
        strangers = [name for name in source if name not in TABLES]
        if strangers:
            raise ConfigError(f"there is no table {strangers[0]!r}; the tables are {', '.join(TABLES)}")
        files = {name: Path(source[name]) for name in TABLES if name in source}
        # Labelled texts are an input of their own.
        if list(files) != ["labels"]:
            _need(files, "the input", sorted(source))
        found = [_file(name, path, path.name, config) for name, path in files.items()]
    elif is_database_url(str(source)):
        found = _database(str(source), config)
    else:
        found, ignored = _folder(Path(source), config)
    return [replace(one, distinct=_is_distinct(one, found, config)) for one in found], ignored


def _is_distinct(source: Source, found: list[Source], config: ReadConfig) -> bool:
    said = config.tables.get(cast(TableName, source.table), TableSource()).distinct
    if source.table not in ("members", "items"):
        return False
    shared = any(other.place == source.place and other.table != source.table for other in found)
    return shared if said is None else said


def _folder(folder: Path, config: ReadConfig) -> tuple[list[Source], list[str]]:
    if folder.is_file():
        raise ReadError(
            f"{folder} is a file; a folder with items and events was wanted, such as {folder.parent}, or a file for "
            "each table as a mapping"
        )
    if not folder.is_dir():
        raise ReadError(f"there is no folder {folder}; a folder with files such as items.csv and events.csv was wanted")
    try:
        present = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ReadError(f"{folder} cannot be listed: {error.strerror}") from error
    files = {name: found for name in TABLES if (found := _files(folder, name, config))}
    _need(files, str(folder), [name for name in present if name != CONFIG_NAME])
    sources = [
        _file(name, path, str(path.relative_to(folder)), config) for name, paths in files.items() for path in paths
    ]
    used = {source.name for source in sources} | {CONFIG_NAME}
    ignored = [name for name in present if name not in used and (folder / name).is_file()]
    return sources, ignored


def _files(folder: Path, table: str, config: ReadConfig) -> list[Path]:
    """The files of one table: those that the configuration names, the file of its name, or the folder of its name."""
    layout = config.tables.get(cast(TableName, table))
    if layout is not None and layout.source is not None:
        try:
            named = sorted(path for path in folder.glob(layout.source) if path.is_file())
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"tables.{table}: {layout.source!r} names no file inside {folder}: {error}") from error
        if not named:
            raise ReadError(f"{folder} has no file {layout.source!r}, which {CONFIG_NAME} names for {table}")
        return named
    whole = [folder / f"{table}{ending}" for ending in _ENDINGS if (folder / f"{table}{ending}").is_file()]
    if len(whole) > 1:
        raise ReadError(
            f"{folder} has {' and '.join(path.name for path in whole)}; keep one of them, or name the one to read in "
            f'{CONFIG_NAME}:\n[tables]\n{table} = "{whole[0].name}"'
        )
    parts = sorted(path for path in (folder / table).glob("*") if path.name.endswith(_ENDINGS) and path.is_file())
    if whole and parts:
        raise ReadError(f"{folder} has both {whole[0].name} and a folder {table}; keep one of them")
    return whole or parts


def _need(files: Mapping[str, object], where: str, present: list[str]) -> None:
    lacking = [name for name in NEEDED if name not in files]
    if not lacking:
        return
    table = lacking[0]
    stems = {name.split(".")[0].lower(): name for name in present}
    close = difflib.get_close_matches(table, stems, n=1, cutoff=0.6)
    advice = f"If {stems[close[0]]} is meant, rename it, or write" if close else "If they have another name, write"
    raise ReadError(
        f"{where} has no {' and no '.join(lacking)}; it has {', '.join(present) or 'nothing'}. "
        f"A file such as {table}.csv, {table}.jsonl or {table}.parquet was wanted. {advice} in {CONFIG_NAME}:\n"
        f'[tables]\n{table} = "{stems[close[0]] if close else "…"}"'
    )


def _file(table: str, path: Path, name: str, config: ReadConfig) -> Source:
    if path.suffix == ".parquet":
        return Source(table, name, str(path), ParquetFile(path))
    layout = config.tables.get(cast(TableName, table), TableSource())
    text = TextFile(path, layout.encoding or config.encoding)
    bare = path.name.removesuffix(".gz")
    if bare.endswith(_JSON):
        return Source(table, name, str(path), JsonLinesFile(text), text)
    separator = layout.separator or config.separator or ("\t" if bare.endswith(".tsv") else None)
    return Source(table, name, str(path), DelimitedFile(text, separator=separator, header=layout.header), text)


def _database(url: str, config: ReadConfig) -> list[Source]:
    engine = connect(url)
    present = table_names(engine)
    by_plain = {name.lower(): name for name in reversed(present)}
    sources = {}
    for table in TABLES:
        layout = config.tables.get(cast(TableName, table), TableSource())
        named = layout.source or by_plain.get(table)
        if named is not None:
            name = table if is_query(named) else named
            sources[table] = Source(table, name, named, DatabaseTable(engine, named))
    _need(sources, "the database", present)
    return list(sources.values())
