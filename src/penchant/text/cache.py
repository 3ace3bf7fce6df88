"""Vectors kept on disk by encoder and text: no text is encoded twice, and a killed process loses one chunk at most.

Two files that only grow: vectors, then the keys that make them count. A key is a 128-bit BLAKE2b hash of the text,
beside a CRC-32 of key and vector, so that a row torn by a crash is seen and encoded again.
"""

import hashlib
import json
import os
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.artifacts import storage_errors, write_atomically
from penchant.errors import StorageError
from penchant.text.batching import ENCODING
from penchant.text.encoder import Encoder
from penchant.text.progress import progress
from penchant.training.options import Options
from penchant.vectors import Floats, chunks

_ENTRY: Final = np.dtype([("high", "<u8"), ("low", "<u8"), ("crc", "<u4")])
_CHUNK: Final = 512
"""Texts encoded between two writes: what a killed process can lose."""


class CachedEncoder:
    """An encoder that remembers on disk; same vectors, same contract.

    Several processes may share a folder. Encoders of different names have files of their own in it. Progress is shown
    as the encoder's options say, or as `shown` says.
    """

    def __init__(self, encoder: Encoder, folder: Path | str, *, shown: bool | None = None) -> None:
        self.encoder = encoder
        self.vectors = VectorFile(Path(folder), encoder.name, encoder.width)
        if shown is None:
            options = getattr(encoder, "options", None)
            shown = options.progress if isinstance(options, Options) else True
        self._shown = shown

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def width(self) -> int:
        return self.encoder.width

    def __len__(self) -> int:
        return len(self.vectors)

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm, in the order of the texts; only new texts are computed.

        Raises:
            StorageError: the folder cannot be written.
        """
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        unique = list(rows)
        keys = text_keys(unique)
        found, known = self.vectors.read(keys)
        # Longest first, so that the texts of a chunk are of like length, as an encoder's batches want them.
        missing = sorted(np.flatnonzero(~known).tolist(), key=lambda row: -len(unique[row]))
        with progress(ENCODING, len(missing), shown=self._shown) as advance:
            for part in chunks(len(missing), _CHUNK):
                chosen = missing[part]
                found[chosen] = self.encoder.encode([unique[row] for row in chosen])
                self.vectors.append(keys[chosen], found[chosen])
                advance(len(chosen))
        return found[[rows[text] for text in texts]] if len(unique) < len(texts) else found

    def forget(self, texts: Sequence[str]) -> int:
        """Erase the vectors of these texts from the disk; how many were held."""
        return self.vectors.erase(text_keys(texts))


class VectorFile:
    """Unit vectors by 128-bit key in two files: fixed rows of float32, and the keys and checksums of those rows."""

    def __init__(self, folder: Path, name: str, width: int) -> None:
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:60]
        self.folder = folder / f"{slug}-{hashlib.blake2b(f'{name}/{width}'.encode(), digest_size=4).hexdigest()}"
        self.width = width
        self._row_bytes = 4 * width
        self._guard = threading.RLock()
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "about.json").exists():
                about = {"encoder": name, "width": width}
                write_atomically(self.folder / "about.json", json.dumps(about, ensure_ascii=False).encode())
            for path in (self._keys_path, self._vectors_path):
                path.touch()
        self._entries = np.empty(0, dtype=_ENTRY)
        self._order = np.empty(0, dtype=np.int64)
        self._refresh()

    @property
    def _keys_path(self) -> Path:
        return self.folder / "keys.bin"

    @property
    def _vectors_path(self) -> Path:
        return self.folder / "vectors.f32"

    def __len__(self) -> int:
        with self._guard:
            self._refresh()
            return len(self._order)

    def read(self, keys: NDArray) -> tuple[Floats, NDArray[np.bool_]]:
        """(keys, width) vectors and which of them are held; a row whose checksum is wrong counts as not held."""
        found = np.zeros((len(keys), self.width), dtype=np.float32)
        known = np.zeros(len(keys), dtype=bool)
        with self._guard:
            self._refresh()
            rows = self._rows_of(keys)
            wanted = np.flatnonzero(rows >= 0)
            if len(wanted):
                stored = np.memmap(self._vectors_path, "<f4", "r", shape=(len(self._entries), self.width))
                found[wanted] = stored[rows[wanted]]
                for position in wanted:
                    entry = self._entries[rows[position]]
                    known[position] = entry["crc"] == _checksum(keys[position], found[position])
        found[~known] = 0
        return found, known

    def append(self, keys: NDArray, vectors: Floats) -> None:
        """Add rows at the end; they count from the moment their keys are written."""
        rows = np.ascontiguousarray(vectors, dtype="<f4")
        entries = np.empty(len(keys), dtype=_ENTRY)
        entries["high"], entries["low"] = keys["high"], keys["low"]
        entries["crc"] = [_checksum(key, row) for key, row in zip(keys, rows, strict=True)]
        with self._guard, self._locked(), storage_errors(self.folder):
            count = self._whole_rows()
            with self._vectors_path.open("r+b") as stream:
                stream.truncate(count * self._row_bytes)
                stream.seek(0, os.SEEK_END)
                stream.write(rows.data)
            with self._keys_path.open("r+b") as stream:
                stream.truncate(count * _ENTRY.itemsize)
                stream.seek(0, os.SEEK_END)
                stream.write(entries.tobytes())
            self._refresh()

    def erase(self, keys: NDArray) -> int:
        """Overwrite the rows of these keys with zeros, vectors first, and wait until the disk has them."""
        with self._guard, self._locked(), storage_errors(self.folder):
            self._refresh()
            # Every copy goes, also one that a later row of the same key hides.
            held = np.flatnonzero(
                np.isin(self._entries["high"], keys["high"]) & np.isin(self._entries["low"], keys["low"])
            )
            erased = len(np.unique(self._entries[held][["high", "low"]]))
            for path, size in ((self._vectors_path, self._row_bytes), (self._keys_path, _ENTRY.itemsize)):
                with path.open("r+b") as stream:
                    for row in held:
                        stream.seek(int(row) * size)
                        stream.write(bytes(size))
                    stream.flush()
                    os.fsync(stream.fileno())
            self._entries = np.empty(0, dtype=_ENTRY)
            self._refresh()
            return erased

    def _whole_rows(self) -> int:
        """Rows of which both files hold every byte."""
        keys, vectors = self._keys_path.stat().st_size, self._vectors_path.stat().st_size
        return min(keys // _ENTRY.itemsize, vectors // self._row_bytes)

    def _refresh(self) -> None:
        """Take in rows that were appended since, by this process or another."""
        with storage_errors(self.folder):
            count = self._whole_rows()
            if count == len(self._entries):
                return
            self._entries = np.fromfile(self._keys_path, dtype=_ENTRY, count=count)
        high = self._entries["high"]
        order = np.argsort(high, kind="stable")
        # Of rows with one key the last one counts; erased rows have the key zero.
        last = np.append(high[order][1:] != high[order][:-1], True) if count else np.empty(0, dtype=bool)
        order = order[last]
        self._order = order[high[order] != 0]

    def _rows_of(self, keys: NDArray) -> NDArray[np.int64]:
        if not len(self._order):
            return np.full(len(keys), -1, dtype=np.int64)
        held = self._entries["high"][self._order]
        place = np.minimum(np.searchsorted(held, keys["high"]), len(held) - 1)
        rows = self._order[place]
        same = (self._entries["high"][rows] == keys["high"]) & (self._entries["low"][rows] == keys["low"])
        return np.where(same, rows, -1)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / ".lock", timeout=60):
                yield
        except Timeout as error:
            raise StorageError(
                f"{self.folder} is held by another process for over a minute; end that process and run again"
            ) from error


def erase_texts(folder: Path, texts: Sequence[str]) -> int:
    """Overwrite the vectors of some texts in every encoder's file of a folder; how many were held."""
    erased = 0
    for about in sorted(folder.glob("*/about.json")):
        said = json.loads(about.read_bytes())
        erased += VectorFile(folder, said["encoder"], said["width"]).erase(text_keys(texts))
    return erased


def text_keys(texts: Sequence[str]) -> NDArray:
    """The 128-bit keys of texts.

    >>> len(text_keys(["连衣裙", ""]))
    2
    """
    hashes = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
    return np.frombuffer(b"".join(hashes), dtype=[("high", "<u8"), ("low", "<u8")])


def _checksum(key: np.void, vector: Floats) -> int:
    return zlib.crc32(vector.tobytes(), zlib.crc32(int(key["low"]).to_bytes(8, "little")))
