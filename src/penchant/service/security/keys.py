"""API keys: made by the command line, shown once, kept as a hash, with scopes, an end and a way to revoke them."""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final

from sqlalchemy import select, update

from penchant.data.database import Database
from penchant.errors import ConfigError, StorageError, UnknownIdError
from penchant.service import tables

_LOG = logging.getLogger("penchant.service")

PREFIX: Final = "pnc"
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_AGAIN_SECONDS: Final = 0.2
"""Unknown keys make the table be read again at most so often, so that guessing does not load the database."""


class Scope(StrEnum):
    """What a key is good for: each scope is named by itself, none holds another."""

    SEND = "send"
    """Send events and ties."""
    READ = "read"
    """Ask for recommendations, interests, search results and all else that is known."""
    MANAGE = "manage"
    """Change items, builds and alerts; export and forget members."""


@dataclass(frozen=True)
class Key:
    """A key without its secret."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime | None = None) -> bool:
        """Whether it opens anything at a moment."""
        now = now or datetime.now(UTC)
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keyring:
    """The keys of one tenant, in the database, with a copy in memory that outlives the database for a while.

    Args:
        database: that `penchant.service.migrations.upgrade` has brought up to date.
        tenant: whose keys; those of others open nothing here.
        fresh_seconds: how long the copy is good for; a revoked key may open so long.
    """

    def __init__(self, database: Database, tenant: str, *, fresh_seconds: float = 1.0) -> None:
        self.database = database
        self.tenant = tenant
        self.fresh_seconds = fresh_seconds
        self._lock = Lock()
        self._read_at = -1e9
        self._copy: dict[str, tuple[Key, str]] = {}

    def make(self, name: str, scopes: Collection[Scope], *, days: float | None = 365) -> tuple[Key, str]:
        """A new key and its text, which nobody can find out again.

        Args:
            name: for people.
            scopes: at least one.
            days: until it expires; never if None.

        Raises:
            ConfigError: no scope, or a length of time that has no meaning.
        """
        if not scopes:
            raise ConfigError(f"a key needs at least one scope; there are {', '.join(Scope)}")
        if days is not None and not 0 < days <= 36_500:
            raise ConfigError(f"a key cannot expire in {days} days; name a number above 0")
        now = datetime.now(UTC)
        key = Key(
            secrets.token_hex(_ID_BYTES), name, frozenset(scopes), now,
            expires_at=None if days is None else now + timedelta(days=days),
        )  # fmt: skip
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self.database.writing() as connection:
            connection.execute(
                tables.keys.insert().values(
                    id=key.id,
                    tenant=self.tenant,
                    name=name,
                    scopes=" ".join(sorted(scopes)),
                    digest=_digest(secret),
                    created_at=tables.micros(now),
                    expires_at=None if key.expires_at is None else tables.micros(key.expires_at),
                )
            )
        return key, f"{PREFIX}_{key.id}_{secret}"

    def revoke(self, key_id: str) -> None:
        """Let a key open nothing from now on.

        Raises:
            UnknownIdError: there is no such key.
        """
        mine = (tables.keys.c.tenant == self.tenant) & (tables.keys.c.id == key_id)
        with self.database.writing() as connection:
            now = tables.micros()
            changed = connection.execute(
                update(tables.keys).where(mine, tables.keys.c.revoked_at.is_(None)).values(revoked_at=now)
            ).rowcount
        if not changed:
            raise UnknownIdError(f"no valid key has the id {key_id!r}; `penchant keys list` shows those that there are")
        self._read_at = -1e9

    def all(self) -> list[Key]:
        """Every key, the oldest first."""
        self.read()
        return sorted((key for key, _ in self._copy.values()), key=lambda key: key.created_at)

    def check(self, text: str) -> Key | None:
        """The key that a text stands for; None where it opens nothing. The table is read again where it is time."""
        if self.is_stale(text):
            self.refresh()
        return self.known(text)

    def known(self, text: str) -> Key | None:
        """The same from memory alone."""
        key_id, secret = _parts(text)
        found = self._copy.get(key_id)
        # An unknown id takes as long as a wrong secret.
        same = hmac.compare_digest(_digest(secret), found[1] if found is not None else _NOBODY)
        return found[0] if found is not None and same and found[0].is_valid() else None

    def is_stale(self, text: str) -> bool:
        """Whether the table should be read again before a text is judged."""
        since = time.monotonic() - self._read_at
        return since > self.fresh_seconds or (since > _AGAIN_SECONDS and _parts(text)[0] not in self._copy)

    def refresh(self) -> None:
        """Read the keys again; where the database is out of reach, those known go on to count."""
        try:
            self.read()
        except StorageError as error:
            self._read_at = time.monotonic()
            _LOG.warning("keys not read again", extra={"told": {"why": str(error)}})

    def read(self) -> None:
        """Read the keys again.

        Raises:
            StorageError: the database is out of reach.
        """
        with self._lock, self.database.reading() as connection:
            rows = connection.execute(select(tables.keys).where(tables.keys.c.tenant == self.tenant)).mappings()
            self._copy = {
                row["id"]: (
                    Key(
                        row["id"],
                        row["name"],
                        frozenset(Scope(scope) for scope in row["scopes"].split()),
                        tables.moment(row["created_at"]),
                        None if row["expires_at"] is None else tables.moment(row["expires_at"]),
                        None if row["revoked_at"] is None else tables.moment(row["revoked_at"]),
                    ),
                    row["digest"],
                )
                for row in rows
            }
            self._read_at = time.monotonic()


def _parts(text: str) -> tuple[str, str]:
    """Id and secret; both empty where the text is no key."""
    parts = text.split("_", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == PREFIX else ("", "")


def _digest(secret: str) -> str:
    # A secret of 256 random bits cannot be guessed, so a slow hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


_NOBODY: Final = _digest("nobody's")
