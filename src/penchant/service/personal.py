"""What is held about one member, whole; and forgetting them everywhere."""

import json
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from penchant.errors import NotBuiltError, UnknownIdError
from penchant.service.state import State


def plain(value: Any) -> Any:
    """A value as JSON can hold it.

    >>> plain({"at": date(2026, 1, 5), "n": Decimal("1.5"), "long": timedelta(minutes=2)})
    {'at': '2026-01-05', 'n': 1.5, 'long': 120.0}
    """
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value != value:
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def export(service: State, member_id: str, who: str) -> bytes:
    """Everything held about a member as one JSON document.

    Raises:
        UnknownIdError: there is no such member.
    """
    from penchant.members import export_member

    service.store.member(member_id)
    service.audit.add(who, "export member", member_id=member_id)
    document = export_member(service.workspace, member_id)
    document["interests"] = None
    with suppress(NotBuiltError):
        found = service.builds.of(member_id).loaded.fresh_interests(member_id, service.live.usable_history(member_id))
        document["interests"] = [
            {"label": one.label, "tier": one.tier.value, "share": one.share, "interval": one.interval}
            for one in found.interests
        ]
    document["trials"] = service.exposures.of(member_id)
    document["reviews"] = service.reviews_of(member_id)
    document["alerts"] = [
        {"at": alert.at, "rule": alert.rule, "message": alert.message.en, "state": alert.state}
        for alert in service.alerts.list(member_id=member_id, limit=1_000)
    ]
    return json.dumps(plain(document), ensure_ascii=False, indent=1).encode()


def forget(service: State, member_id: str, who: str) -> int:
    """Take out a member everywhere that a service holds anything of them; how many there were.

    The store, the builds and logs on disk, the service's own tables, and what is in memory; the builds in memory are
    read again without them. What the audit log says of them stays, and can be traced to nobody.

    Raises:
        WorkspaceBusyError: a build is being made; try again when it has ended.
        StorageError: the store is out of reach, or could not be emptied of them.
    """
    try:
        service.store.member(member_id)
    except UnknownIdError:
        if member_id in service.live:
            # Forgotten elsewhere, or by halves: the rest is done now.
            service.live.forget(member_id)
            service.exposures.forget(member_id)
            _tell(service)
        return 0
    with service.changing:
        try:
            _forget(service, member_id, who)
        finally:
            # Whatever failed on the way, the store may be without them.
            _tell(service)
        service.builds.read_again(service.whole())
    return 1


def _forget(service: State, member_id: str, who: str) -> None:
    from penchant.members import forget_member

    # The entry is written while there is a key to hash them with, and the key goes with the rest.
    service.audit.add(who, "forget member", member_id=member_id)
    service.exposures.forget(member_id)
    forget_member(service.workspace, member_id)
    service.alerts.forget(member_id)
    service.live.forget(member_id)
    for loaded in service.builds.loaded():
        loaded.people.forget(member_id)
    service.audit.forget(member_id)


def _tell(service: State) -> None:
    service.changes.tell("forgotten")
    # Their ties have gone with them.
    service.changes.tell("ties")
