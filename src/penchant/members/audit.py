"""What was done with members' data, in a log that names nobody.

Each member has a random key, and a line of the log carries HMAC-SHA-256 of the id under it. Whoever holds the id and
the keys finds a member's lines; when the member is forgotten their key is destroyed, and the lines say nothing of
anybody.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from penchant.artifacts import storage_errors, write_atomically
from penchant.errors import StorageError

LOG: Final = "audit.jsonl"
_KEYS: Final = "audit-keys.json"


class AuditLog:
    """The audit log of a workspace.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     log = AuditLog(Path(folder))
    ...     log.add("export", "anna")
    ...     mine = log.of("anna")
    ...     log.destroy_key("anna")
    ...     [line["action"] for line in mine], log.of("anna"), len(log.lines())
    (['export'], [], 1)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, action: str, member_id: str | None = None, **told: Any) -> None:
        """Write a line, durably: what was done, when, to whom under their key, and numbers about it."""
        line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "action": action}
        if member_id is not None:
            with self._keys() as keys:
                key = keys["members"].setdefault(_pseudonym(keys["root"], member_id), secrets.token_hex(32))
            line["member"] = _pseudonym(key, member_id)
        path = self.folder / LOG
        with storage_errors(path), path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line | told, ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """All lines, oldest first."""
        path = self.folder / LOG
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []

    def of(self, member_id: str) -> list[dict[str, Any]]:
        """The lines about a member; none once their key is destroyed."""
        keys = self._read()
        key = keys["members"].get(_pseudonym(keys["root"], member_id))
        if key is None:
            return []
        name = _pseudonym(key, member_id)
        return [line for line in self.lines() if line.get("member") == name]

    def destroy_key(self, member_id: str) -> None:
        """Make what the log says of a member unreadable, for good."""
        with self._keys() as keys:
            keys["members"].pop(_pseudonym(keys["root"], member_id), None)

    def _read(self) -> dict[str, Any]:
        try:
            keys: dict[str, Any] = json.loads((self.folder / _KEYS).read_bytes())
        except FileNotFoundError:
            return {"root": secrets.token_hex(32), "members": {}}
        return keys

    @contextmanager
    def _keys(self) -> Iterator[dict[str, Any]]:
        """The keys, to be changed by one process at a time."""
        from filelock import FileLock, Timeout

        path = self.folder / _KEYS
        try:
            with FileLock(self.folder / ".audit.lock", timeout=60):
                keys = self._read()
                yield keys
                write_atomically(path, json.dumps(keys).encode())
                path.chmod(0o600)
        except Timeout as error:
            raise StorageError(f"{path} is held by another process for over a minute; end it and try again") from error


def _pseudonym(key: str, member_id: str) -> str:
    return hmac.new(bytes.fromhex(key), member_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
