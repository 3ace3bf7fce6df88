"""Where alarms go: a file, a webhook that can tell they are ours, and never the same alarm twice."""

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors, write_atomically
from penchant.errors import ConfigError
from penchant.members.alarms import Alarm
from penchant.members.masking import mask

SIGNATURE: Final = "Penchant-Signature"
"""Header `t=SECONDS,v1=HEX`: HMAC-SHA-256 under the secret of the seconds, a full stop, and the body."""
DELIVERY: Final = "Penchant-Delivery"
"""Header that names the alarm, the same at every try, so that a receiver whose answer was lost can drop the repeat."""
_TOLD: Final = "alerts-told.txt"
_NOT_NOW: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which it makes sense to try again."""


class AlertConfig(BaseModel):
    """Where alarms are sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = Field(default="alerts.jsonl", min_length=1)
    """A file of JSON Lines to append to, in the workspace's `logs` unless a full path; None writes none."""
    webhook: str | None = Field(default=None, pattern=r"^https?://")
    """An address that each alarm is posted to, as JSON."""
    tries: PositiveInt = 5
    """How often a webhook is called for one alarm before it is left for the next run."""
    pause_seconds: NonNegativeFloat = 1.0
    """Before the second try; each further pause is twice as long."""
    timeout_seconds: PositiveFloat = 10.0
    """How long the receiver may take to answer."""


@dataclass(frozen=True)
class Delivered:
    """What became of some alarms."""

    new: int
    """Alarms that had not been told before."""
    posted: int
    """Of them, accepted by the webhook."""
    waiting: int
    """Left for the next run, since the webhook did not take them."""
    problem: str | None = None
    """Why, in the words of the last try."""


def deliver(
    alarms: Iterable[Alarm], folder: Path | str, config: AlertConfig | None = None, *, secret: str | None = None
) -> Delivered:
    """Tell of those alarms that were not told before: to the file at once, to the webhook until it accepts.

    What was told is remembered in the folder under a keyed hash, so that a second run, or a build over the same events,
    tells nothing twice. Personal data in the texts of evidence are masked.

    Args:
        alarms: the latest, among them those of earlier runs.
        folder: the workspace's logs.
        config: where to.
        secret: shared with the receiver, for the signature; a webhook needs one.

    Raises:
        ConfigError: there is a webhook and no secret.
        StorageError: the folder cannot be written.
    """
    config, folder = config or AlertConfig(), Path(folder)
    if config.webhook is not None and not secret:
        raise ConfigError(
            "a webhook needs a secret, by which its receiver knows who calls; "
            "set PENCHANT_WEBHOOK_SECRET in the environment"
        )
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    told = _Told(folder / _TOLD)
    fresh = posted = waiting = 0
    problem: str | None = None
    for alarm in alarms:
        name = told.name_of(alarm)
        body = json.dumps({"id": name, **alarm_document(alarm)}, ensure_ascii=False, default=str)
        if not told.has("file", name):
            fresh += 1
            if config.file is not None:
                path = folder / config.file
                with storage_errors(path), path.open("a", encoding="utf-8") as stream:
                    stream.write(body + "\n")
            told.add("file", name)
        if config.webhook is None or told.has("webhook", name):
            continue
        # A receiver that is down is not asked again for every alarm.
        problem = problem or _post(config, secret or "", name, body)
        if problem is None:
            told.add("webhook", name)
            posted += 1
        else:
            waiting += 1
    return Delivered(fresh, posted, waiting, problem)


def forget_told(folder: Path, member_id: str) -> None:
    """Forget that alarms on a member were told, in the folder of `deliver`."""
    if (folder / _TOLD).is_file():
        _Told(folder / _TOLD).forget(member_id)


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """An alarm as JSON can hold it, personal data in its texts masked."""
    document = asdict(alarm) | {"said": {"en": alarm.said.en, "zh": alarm.said.zh}, "kind": alarm.kind.value}
    document.pop("events")
    for piece in document["evidence"]:
        piece["text"] = None if piece["text"] is None else mask(piece["text"]).text
        piece["at"] = None if piece["at"] is None else piece["at"].isoformat()
    document["at"] = alarm.at.isoformat()
    return document


def signature(secret: str, body: bytes, seconds: int) -> str:
    """What the header `Penchant-Signature` holds; a receiver computes it anew and compares.

    >>> signature("s3cret", b"{}", 0)[:12]
    't=0,v1=4f082'
    """
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _post(config: AlertConfig, secret: str, name: str, body: str) -> str | None:
    """Call the webhook until it accepts; None, or why it did not."""
    import httpx

    assert config.webhook is not None
    content = body.encode()
    problem = None
    for turn in range(config.tries):
        if turn:
            time.sleep(config.pause_seconds * 2 ** (turn - 1))
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(secret, content, int(time.time())),
            DELIVERY: name,
        }
        try:
            answer = httpx.post(config.webhook, content=content, headers=headers, timeout=config.timeout_seconds)
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        if answer.is_success:
            return None
        problem = f"it answered {answer.status_code}"
        if answer.status_code not in _NOT_NOW:
            break
    return problem


class _Told:
    """Which alarms were told, and where: a line each, durable, naming nobody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines: Sequence[str] = path.read_text("utf-8").splitlines() if path.is_file() else ()
        self._key = lines[0] if lines else secrets.token_hex(32)
        self._held = set(lines[1:])
        if not lines:
            self._write(self._key)

    def name_of(self, alarm: Alarm) -> str:
        return self._hash(alarm.member_id) + self._hash(f"{alarm.member_id} {alarm.kind.value} {alarm.at.isoformat()}")

    def forget(self, member_id: str) -> None:
        """Drop the lines of a member's alarms."""
        mine = self._hash(member_id)
        kept = [line for line in sorted(self._held) if not line.partition(" ")[2].startswith(mine)]
        if len(kept) < len(self._held):
            write_atomically(self.path, "".join(line + "\n" for line in [self._key, *kept]).encode())
            self._held = set(kept)

    def _hash(self, text: str) -> str:
        return hmac.new(self._key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]

    def has(self, where: str, name: str) -> bool:
        return f"{where} {name}" in self._held

    def add(self, where: str, name: str) -> None:
        self._held.add(f"{where} {name}")
        self._write(f"{where} {name}")

    def _write(self, line: str) -> None:
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
