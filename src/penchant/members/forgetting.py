"""Forgetting a member: everything held about them goes, and a search of the workspace's bytes says that it is gone."""

import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from penchant.artifacts import storage_errors
from penchant.data.store import Store
from penchant.errors import StorageError
from penchant.members.alerts import forget_told
from penchant.members.audit import AuditLog
from penchant.members.home import Home
from penchant.members.needles import Needles
from penchant.members.scrubbing import Scrubber
from penchant.members.seals import fingerprints, follow, reseal
from penchant.members.traces import Trace, files_of, traces
from penchant.members.whereabouts import MEMBERS_FILE, build_folders, place_in
from penchant.text.cache import erase_texts

_MADE_AGAIN: Final = (".html", ".png", ".svg", ".pdf")
"""Files that tell of members and are made anew with one command."""
_PEOPLES_OWN: Final = (".toml", ".yaml", ".yml")
"""Files that people write; what stands in them is theirs to change."""


@dataclass(frozen=True)
class ForgetReport:
    """What was held about a member and is gone."""

    rows: int
    """Rows of the store: the member, events, ties, verdicts, labelled texts."""
    vectors: int
    """Texts whose cached vectors were overwritten."""
    rewritten: dict[str, int]
    """Rows, lines and values taken out of builds, logs and rejected rows."""
    deleted: tuple[str, ...]
    """Files deleted, such as the report; it is made anew with one command."""
    builds: tuple[str, ...]
    """Versions of builds whose models were fitted with the member among others: build again to fit them without."""
    left: tuple[str, ...]
    """Files that still name the member and are not ours to change: settings and rules that people wrote."""
    receipt: str
    """The member's name in the last line of the audit log. Kept nowhere else, it is for them to keep."""


def forget_member(home: Home, member_id: str) -> ForgetReport:
    """Take everything about a member out of a workspace: store, caches, builds past and present, logs, rejected rows.

    What another member wrote word for word too, and what is a title or a label, is not only theirs and stays. Models
    are not fitted anew here, and the report names the builds with such models. Backups and the files that the data were
    read from lie outside of the workspace and are not reached.

    Args:
        home: the workspace.
        member_id: who need not be in the store any more: what is left elsewhere goes too.

    Raises:
        WorkspaceBusyError: the workspace is being built or read into.
        StorageError: a file cannot be written, or something is still found afterwards.
    """
    with home.lock():
        with home.store() as store:
            needles, texts = _needles(store, home.path, member_id)
            rows = _out_of_store(store, needles)
        vectors = erase_texts(home.path / "vectors", texts)
        scrubber = Scrubber(needles, f"forgotten-{secrets.token_hex(8)}")
        deleted, builds = _out_of_files(home.path, scrubber)
        forget_told(home.path / "logs", member_id)
        audit = AuditLog(home.path)
        audit.add("forget", member_id, rows=rows, vectors=vectors)
        receipt = audit.lines()[-1]["member"]
        audit.destroy_key(member_id)
        found = list(traces(home.path, needles))
    left = tuple(dict.fromkeys(str(trace.path) for trace in found if trace.path.suffix in _PEOPLES_OWN))
    if missed := [trace for trace in found if trace.path.suffix not in _PEOPLES_OWN]:
        raise StorageError(
            f"{len(missed)} places in {home.path} still tell of this member, the first {missed[0].path} "
            f"({missed[0].place}); delete that file if it is not needed, and forget the member once more"
        )
    return ForgetReport(rows, vectors, scrubber.rewritten, deleted, builds, left, receipt)


def remaining(home: Home, member_id: str, texts: Iterable[str] = ()) -> list[Trace]:
    """Where a workspace still tells of a member: by their id, and by texts that whoever asks remembers."""
    return list(traces(home.path, Needles.of(member_id, texts)))


def _needles(store: Store, folder: Path, member_id: str) -> tuple[Needles, list[str]]:
    """What tells of the member, from the store or, where they left it, from the builds; and all they alone wrote."""
    community = store.read()
    written: list[str] = []
    common: list[str] = [*community.titles, *community.items["text"].drop_nulls().to_list()]
    for column in ("categories", "tags"):
        common += community.items[column].explode(empty_as_null=False, keep_nulls=False).to_list()
    common += community.labels["labels"].explode(empty_as_null=False, keep_nulls=False).to_list()
    row = community.member_ids.row_or_none(member_id)
    texts = community.events.filter(pl.col("text").is_not_null())
    if row is not None:
        written += texts.filter(pl.col("member") == row)["text"].to_list()
        texts = texts.filter(pl.col("member") != row)
    common += texts["text"].to_list()
    for build in build_folders(folder):
        with suppress(OSError, pl.exceptions.PolarsError):
            events = pl.read_parquet(build / "community" / "events.parquet", columns=["member", "text"])
            members = pl.read_parquet(build / MEMBERS_FILE, columns=["member_id"])["member_id"]
            if len(found := (members == member_id).arg_true()):
                written += events.filter(pl.col("member") == found[0])["text"].drop_nulls().to_list()
    known = set(common)
    ids = [*community.item_ids.ids, *community.items["seller"].drop_nulls()]
    return Needles.of(member_id, written, common, ids), [text for text in written if text not in known]


def _out_of_store(store: Store, needles: Needles) -> int:
    before = sum(store.counts().values())
    # An id in what others wrote, in their attributes or in verdicts on them; one that tells little, as a whole value.
    holding = [needles.member_id if needles.id_tells else json.dumps(needles.member_id), *needles.texts]
    store.delete_labels(needles.texts)
    store.replace_texts(holding, lambda text: _without(text, needles))
    beside = store.forget_beside(needles.member_id)
    # Last, since it writes the file of SQLite anew.
    store.forget(needles.member_id)
    return beside + before - sum(store.counts().values())


def _without(text: str, needles: Needles) -> str:
    """A text of the store, which may be JSON, without the member."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict | list):
        return needles.replaced(text, "[forgotten]")
    return json.dumps(needles.walk(value, "[forgotten]"), ensure_ascii=False) if needles.any_in(value) else text


def _out_of_files(folder: Path, scrubber: Scrubber) -> tuple[tuple[str, ...], tuple[str, ...]]:
    deleted: list[str] = []
    fitted: list[str] = []
    for build in build_folders(folder):
        row, members, items = place_in(build, scrubber.needles.member_id)
        before = fingerprints(build) if row is not None else {}
        changed = [path for path in files_of(build) if scrubber.file(path, row, members, items)]
        reseal(build, [*changed, *follow(build, before)])
        if row is not None:
            fitted.append(build.name)
    for path in files_of(folder):
        if path.is_relative_to(folder / "builds") and path.parent != folder / "builds":
            continue
        if path.name.endswith(".partial"):
            # The workspace is ours alone, so nobody is writing it.
            path.unlink()
        elif path.suffix in _MADE_AGAIN:
            if _tells(path, scrubber.needles):
                path.unlink()
                deleted.append(str(path.relative_to(folder)))
        elif path.suffix not in _PEOPLES_OWN:
            scrubber.file(path, None, None, None)
    return tuple(deleted), tuple(fitted)


def _tells(path: Path, needles: Needles) -> bool:
    with storage_errors(path):
        return needles.is_in_bytes(path.read_bytes())
