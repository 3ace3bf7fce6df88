"""Backups: one archive with a tenant's tables as they were at one moment, its builds and settings; and the way back."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import BigInteger, Boolean, Column, Connection, Double, Integer, Select, Table, func, select

from penchant import __version__
from penchant.artifacts import file_sha256, storage_errors
from penchant.data import schema
from penchant.data.database import BATCH
from penchant.data.store import Store
from penchant.errors import ArtifactError, InputError, StorageError
from penchant.service import tables
from penchant.service.migrations import upgrade
from penchant.workspace import CONFIG_FILE, Workspace

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_FILES: Final = (CONFIG_FILE, "rejected.jsonl", "reading.json", "alerts.yaml", "rules.yaml")
_FOLDERS: Final = ("builds",)

# Logins are not kept: whoever restores a backup has people log in again.
_TABLES: Final[tuple[Table, ...]] = (
    schema.attribute_columns, schema.members, schema.items, schema.events, schema.ties, schema.labels, schema.verdicts,
    tables.keys, tables.users, tables.audit, tables.subjects, tables.exposures, tables.alerts, tables.reviews,
)  # fmt: skip
_POINTING: Final[dict[str, dict[str, str]]] = {
    "events": {"member": "members", "item": "items"},
    "ties": {"member": "members", "other": "members"},
    "verdicts": {"member": "members"},
}
"""Columns that hold the key of a row of another table."""


class Manifest(BaseModel):
    """What an archive holds; its first file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    penchant: str
    schema_version: int
    tenant: str
    made_at: datetime
    expires_at: datetime | None
    rows: dict[str, int]
    sha256: dict[str, str]


def back_up(workspace: Workspace, archive: Path, *, keep_days: float | None = 30) -> Manifest:
    """Write all that a workspace is into one archive, while it may be served and written to.

    Archives beside it whose time is over are removed, so that what members had forgotten does not live on in them.

    Args:
        workspace: whose settings, tables and builds.
        archive: a file that does not exist, such as `shop-2026-03-01.tar.gz`.
        keep_days: after so many days the archive is no longer to be restored; for ever if None.

    Raises:
        InputError: the file is there already.
        StorageError: disk full, no permission, database out of reach.
    """
    if archive.exists():
        raise InputError(f"{archive} is there already; name another file, or remove it")
    partial = archive.with_name(f".{archive.name}.partial")
    with storage_errors(archive):
        archive.absolute().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".penchant-backup-", dir=archive.absolute().parent) as place:
        folder = Path(place)
        with workspace.store() as store:
            upgrade(store.database)
            with storage_errors(archive):
                rows = _dump(store, folder)
        with storage_errors(archive):
            _copy(workspace.path, folder)
            now = datetime.now(UTC)
            manifest = Manifest(
                format=FORMAT,
                penchant=__version__,
                schema_version=schema.SCHEMA_VERSION,
                tenant=workspace.config.store.tenant,
                made_at=now,
                expires_at=None if keep_days is None else now + timedelta(days=keep_days),
                rows=rows,
                sha256={name.as_posix(): file_sha256(folder / name) for name in _files(folder)},
            )
            try:
                with tarfile.open(partial, "w:gz", compresslevel=1) as tar:
                    content = manifest.model_dump_json(indent=1).encode()
                    head = tarfile.TarInfo(_MANIFEST)
                    head.size = len(content)
                    tar.addfile(head, io.BytesIO(content))
                    for name in _files(folder):
                        tar.add(folder / name, name.as_posix(), recursive=False)
                partial.chmod(0o600)
                partial.replace(archive)
            finally:
                partial.unlink(missing_ok=True)
    _expire(archive.absolute())
    return manifest


def restore(archive: Path, workspace: Path, *, store_url: str | None = None) -> Manifest:
    """Make a workspace of an archive.

    Args:
        archive: that `back_up` wrote.
        workspace: a folder that does not exist, or is empty.
        store_url: where the tables go; as the archive's settings say if absent. There the tenant must hold nothing.

    Raises:
        ArtifactError: the archive is damaged, of another format, or its time is over.
        InputError: the tenant holds something already.
        StorageError: disk full, database out of reach.
    """
    with TemporaryDirectory(prefix="penchant-restore-") as place:
        folder = Path(place)
        manifest = _unpack(archive, folder)
        if manifest.expires_at is not None and manifest.expires_at < datetime.now(UTC):
            raise ArtifactError(
                f"{archive} was to be kept until {manifest.expires_at:%Y-%m-%d}; it may hold members who have been "
                "forgotten since, and is not restored"
            )
        if workspace.exists() and any(workspace.iterdir()):
            raise InputError(f"{workspace} is not empty; name a new folder for the workspace")
        settings = (folder / CONFIG_FILE).read_text(encoding="utf-8")
        if store_url is not None:
            settings = _with_url(settings, store_url)
        made = Workspace.create(workspace, settings=settings)
        try:
            with made.store() as store:
                upgrade(store.database)
                if any(store.counts().values()):
                    raise InputError(
                        f"the tenant {store.tenant!r} of {store.database} holds {store.counts()} already; restore into "
                        "a database, or under a tenant, that is empty"
                    )
                _fill(store, folder)
            with storage_errors(workspace):
                for name in _FILES[1:]:
                    if (folder / name).is_file():
                        shutil.copy2(folder / name, workspace / name)
                for name in _FOLDERS:
                    if (folder / name).is_dir():
                        shutil.copytree(folder / name, workspace / name, dirs_exist_ok=True)
        except BaseException:
            shutil.rmtree(workspace, ignore_errors=True)
            raise
    return manifest


def read_manifest(archive: Path) -> Manifest:
    """What an archive says of itself, without reading the rest.

    Raises:
        ArtifactError: it is none.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            head = tar.next()
            stream = tar.extractfile(head) if head is not None and head.name == _MANIFEST else None
            if stream is None:
                raise ArtifactError(f"{archive} is no backup of Penchant: it does not begin with {_MANIFEST}")
            manifest = Manifest.model_validate_json(stream.read())
    except (OSError, tarfile.TarError, EOFError, ValidationError) as error:
        raise ArtifactError(f"{archive} cannot be read as a backup: {str(error).partition(chr(10))[0]}") from error
    if manifest.format != FORMAT:
        raise ArtifactError(f"{archive} is of format {manifest.format}; this version of Penchant reads format {FORMAT}")
    return manifest


# -- out --


def _dump(store: Store, folder: Path) -> dict[str, int]:
    """All rows of the tenant as Parquet, as one moment has them."""
    counted = {}
    with store.database.reading() as connection:
        tenant = connection.scalar(select(schema.tenants.c.key).where(schema.tenants.c.name == store.tenant))
        for table in _TABLES:
            own = store.tenant if table.name.startswith("service_") else tenant
            query = select(table).where(table.c.tenant == own).order_by(*table.primary_key.columns)
            counted[table.name] = 0
            place = folder / "tables" / table.name
            place.mkdir(parents=True)
            for number, part in enumerate(_parts(connection, query, table)):
                part.write_parquet(place / f"{number:06d}.parquet", compression="zstd")
                counted[table.name] += len(part)
    return counted


def _parts(connection: Connection, query: Select[Any], table: Table) -> Iterator[pl.DataFrame]:
    types = {column.name: _type(column) for column in table.columns}
    with connection.execute(query) as result:
        for part in result.partitions(BATCH):
            columns = zip(types.items(), zip(*part, strict=True), strict=True)
            yield pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in columns])


def _type(column: Column[Any]) -> pl.DataType:
    if isinstance(column.type, Boolean):
        return pl.Boolean()
    if isinstance(column.type, BigInteger | Integer):
        return pl.Int64()
    return pl.Float64() if isinstance(column.type, Double) else pl.String()


def _copy(source: Path, folder: Path) -> None:
    for name in _FILES:
        if (source / name).is_file():
            shutil.copy2(source / name, folder / name)
    for name in _FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns(".*"))


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _expire(written: Path) -> None:
    """Remove the archives beside one whose time is over."""
    for other in written.parent.glob("*.tar.gz"):
        if other == written:
            continue
        try:
            manifest = read_manifest(other)
        except ArtifactError:
            continue
        if manifest.expires_at is not None and manifest.expires_at < datetime.now(UTC):
            with storage_errors(other):
                other.unlink()


# -- in --


def _unpack(archive: Path, folder: Path) -> Manifest:
    manifest = read_manifest(archive)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ArtifactError(f"{archive} is damaged: {error}") from error
    except OSError as error:
        raise StorageError(f"{archive} cannot be unpacked: {error}") from error
    found = {name.as_posix() for name in _files(folder)} - {_MANIFEST}
    if found != set(manifest.sha256):
        odd = sorted(found ^ set(manifest.sha256))
        raise ArtifactError(f"{archive} is damaged: {odd[0]} is missing or was added")
    for name, expected in manifest.sha256.items():
        if file_sha256(folder / name) != expected:
            raise ArtifactError(f"{archive} is damaged: {name} is not what was backed up")
    return manifest


def _fill(store: Store, folder: Path) -> None:
    database = store.database
    with database.writing() as connection:
        tenant = connection.scalar(select(schema.tenants.c.key).where(schema.tenants.c.name == store.tenant))
        shift = {table.name: _highest(connection, table) for table in _TABLES if "key" in table.c}
        for table in _TABLES:
            own = store.tenant if table.name.startswith("service_") else tenant
            for path in sorted((folder / "tables" / table.name).glob("*.parquet")):
                part = pl.read_parquet(path).with_columns(pl.lit(own).alias("tenant"))
                # Keys start above those that other tenants hold there.
                pointing = {"key": table.name, **_POINTING.get(table.name, {})}
                part = part.with_columns(
                    pl.col(name) + shift[other] for name, other in pointing.items() if name in part.columns
                )
                database.insert(connection, table.name, part)
            if not database.is_sqlite and "key" in table.c:
                _count_on(connection, table)


def _highest(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.max(table.c.key))) or 0


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL give new rows keys above those that came with the backup."""
    connection.exec_driver_sql(
        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'key'), "
        f"GREATEST((SELECT max(key) FROM {table.name}), 1), (SELECT count(*) > 0 FROM {table.name}))"
    )


def _with_url(settings: str, url: str) -> str:
    """The settings with another address of the store."""
    import tomllib

    document = tomllib.loads(settings)
    lines = settings.splitlines()
    if "url" in document.get("store", {}):
        lines = [line for line in lines if not line.strip().startswith("url")]
    if "store" not in document:
        return "\n".join([*lines, "", "[store]", f"url = {json.dumps(url)}", ""])
    at = next(place for place, line in enumerate(lines) if line.strip() == "[store]")
    return "\n".join([*lines[: at + 1], f"url = {json.dumps(url)}", *lines[at + 1 :], ""])
