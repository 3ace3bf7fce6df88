"""Search by meaning: an index over the vectors of an encoder, with items added and changed at any time."""

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.artifacts import storage_errors
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, chunks, top_k, unit_rows

if TYPE_CHECKING:
    from usearch.index import Index

FILE: Final = "vectors.usearch"
_AT_ONCE: Final = 4_096


class DenseConfig(BaseModel):
    """How vectors are kept and searched.

    >>> DenseConfig(form="i8").exact_below
    5000
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["f32", "f16", "i8"] = "f16"
    """What a number of a vector is kept as: `f16` halves the memory at no loss, `i8` quarters it at a small one."""
    exact_below: PositiveInt = 5_000
    """Among no more items than this, each is compared; above, a graph of neighbours is walked (HNSW)."""
    connectivity: PositiveInt = 16
    """Neighbours of each item in the graph."""
    expansion_add: PositiveInt = 128
    """Candidates looked at to place an item in the graph."""
    expansion_search: PositiveInt = 128
    """Candidates looked at to answer a query: more find more of what is there, in more time."""


class Dense:
    """Unit vectors in a graph of neighbours (Malkov and Yashunin, 2016) as the library usearch builds it.

    >>> index = Dense().fit(np.eye(3, dtype=np.float32))
    >>> rows, cosines = index.search(np.array([0, 1, 0], dtype=np.float32), k=1)
    >>> rows.tolist(), cosines.tolist()
    ([1], [1.0])
    """

    def __init__(self, config: DenseConfig | None = None) -> None:
        self.config = config or DenseConfig()
        self.width = 0
        self.largest = 1.0
        """What the largest whole number stands for, where vectors are kept as such."""
        self._index: Index | None = None
        self._file: Path | None = None
        """Where the index is mapped from; None once it is in memory, where it may be changed."""
        self._held: tuple[Rows, Floats] | None = None
        """Rows and their vectors in one block, where there are few enough to compare each, or while they are held."""

    def __len__(self) -> int:
        return 0 if self._index is None else len(self._index)

    def fit(self, vectors: Floats) -> Self:
        """Index one vector a row, from nothing."""
        usearch = _usearch()
        self.width = vectors.shape[1]
        self.largest = float(np.abs(vectors).max(initial=0)) or 1.0
        self._file, self._held = None, None
        self._index = usearch.Index(
            ndim=self.width,
            metric=usearch.MetricKind.Cos,
            dtype=self.config.form,
            connectivity=self.config.connectivity,
            expansion_add=self.config.expansion_add,
            expansion_search=self.config.expansion_search,
        )
        for part in chunks(len(vectors), _AT_ONCE):
            self._add(np.arange(len(vectors))[part], vectors[part])
        return self

    def put(self, rows: Rows, vectors: Floats) -> None:
        """Give rows, new or known, other vectors."""
        self.drop(rows)
        self._add(rows, vectors)

    def drop(self, rows: Rows) -> None:
        """Leave rows without a vector."""
        index = self._changeable()
        for row in rows:
            if index.contains(int(row)):
                index.remove(int(row))

    def search(self, vector: Floats, k: int, *, among: NDArray[np.bool_] | None = None) -> tuple[Rows, Floats]:
        """The k nearest rows and their cosines, nearest first.

        Args:
            vector: of unit length.
            k: how many; fewer come back where there are fewer.
            among: (rows,) True where a row may come back; all of them if absent.
        """
        held = len(self)
        if held <= self.config.exact_below:
            self.hold()
        count = held if among is None else int(np.count_nonzero(among))
        if self._index is None or not held or not count:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if count <= self.config.exact_below:
            return self._compared(vector, k, among)
        wanted = k
        while True:
            # Rows that may not come back stand among the nearest like any other, so more are asked for.
            asked = min(held, wanted if among is None else int(1.5 * wanted * held / count) + 16)
            found = self._index.search(self._stored(vector[None])[0], asked)
            rows, cosines = found.keys.astype(np.int64), 1 - np.asarray(found.distances, dtype=np.float32)
            if among is not None:
                kept = among[rows]
                rows, cosines = rows[kept], cosines[kept]
            if len(rows) >= min(k, count) or asked >= held:
                return rows[:k], cosines[:k]
            wanted *= 4

    def cosines(self, vector: Floats, rows: Rows) -> Floats:
        """The cosine of each of these rows with a vector; zero where a row has none."""
        return self.vectors(rows) @ vector

    def vectors(self, rows: Rows) -> Floats:
        """(rows, width) unit vectors as they are kept; zeros where a row has none."""
        if self._held is not None:
            known, block = self._held
            if len(known) == 0 or len(rows) == 0:
                return np.zeros((len(rows), self.width), dtype=np.float32)
            place = np.searchsorted(known, rows).clip(max=len(known) - 1)
            return np.where((known[place] == rows)[:, None], block[place], np.float32(0))
        return self._read(rows)

    def hold(self) -> None:
        """Keep all vectors in one block until an item changes: whoever asks often is answered many times faster."""
        if self._held is None and self._index is not None:
            known = np.sort(np.asarray(self._index.keys, dtype=np.int64))
            self._held = known, self._read(known)

    def release(self) -> None:
        """Let the block go."""
        self._held = None

    def _read(self, rows: Rows) -> Floats:
        """Vectors as the index hands them out, one by one."""
        found = np.zeros((len(rows), self.width), dtype=np.float32)
        if self._index is not None and len(rows):
            held: Any = self._index.get(np.asarray(rows, dtype=np.uint64))
            for place, vector in enumerate(held):
                if vector is not None:
                    found[place] = vector
        return unit_rows(found)

    def _compared(self, vector: Floats, k: int, among: NDArray[np.bool_] | None) -> tuple[Rows, Floats]:
        assert self._index is not None
        if among is None and self._held is not None:
            rows, cosines = self._held[0], self._held[1] @ vector
        else:
            rows = np.sort(np.asarray(self._index.keys, dtype=np.int64)) if among is None else np.flatnonzero(among)
            cosines = self.cosines(vector, rows)
        best = top_k(cosines[None], k)[0]
        return rows[best], cosines[best]

    def _add(self, rows: Rows, vectors: Floats) -> None:
        # On one thread, as the graph depends on the order in which threads come to it.
        self._changeable().add(np.asarray(rows, dtype=np.uint64), self._stored(vectors), threads=1)

    def _stored(self, vectors: Floats) -> NDArray[Any]:
        if self.config.form != "i8":
            return vectors.astype({"f16": np.float16, "f32": np.float32}[self.config.form])
        # usearch would scale by the vector's length, and leave a tenth of the numbers an eighth of a byte holds.
        return np.clip(np.rint(vectors * (127 / self.largest)), -127, 127).astype(np.int8)

    def _changeable(self) -> "Index":
        assert self._index is not None, "fit or load comes first"
        self._held = None
        if self._file is not None:
            self._index, self._file = self._restored(self._file, view=False), None
        return self._index

    def save(self, folder: Path) -> list[str]:
        """Write the index; the names of its files."""
        assert self._index is not None, "fit or load comes first"
        with storage_errors(folder):
            self._index.save(folder / FILE)
        return [FILE]

    @classmethod
    def load(cls, folder: Path, config: DenseConfig, *, width: int, largest: float) -> Self:
        """Read back what `save` wrote, memory-mapped until it is changed."""
        dense = cls(config)
        dense.width, dense.largest, dense._file = width, largest, folder / FILE
        dense._index = dense._restored(folder / FILE, view=True)
        return dense

    def _restored(self, file: Path, *, view: bool) -> "Index":
        index = _usearch().Index.restore(file, view=view)
        # The file does not hold them.
        index.expansion_add, index.expansion_search = self.config.expansion_add, self.config.expansion_search
        return index


def _usearch() -> Any:
    """The library, loaded so that those loaded after it still work.

    Its wheel carries a C++ runtime of its own; where that is the first in the process, LightGBM loaded later takes part
    of it and writes numbers as nothing. So the system's runtime is loaded before it, where there is one.
    """
    with suppress(OSError):
        ctypes.CDLL("libstdc++.so.6", mode=ctypes.RTLD_GLOBAL)
    from usearch import index

    return index


def for_queries(encoder: Encoder) -> Encoder:
    """The encoder for what people search for, where it tells that from what is to be found.

    What people search for is not kept on disk, so a cache is left out.
    """
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import TransformerEncoder

    inner = encoder.encoder if isinstance(encoder, CachedEncoder) else encoder
    return inner.for_role("query") if isinstance(inner, TransformerEncoder) else inner


def encoded(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """(texts, width) vectors, also of no text at all."""
    return encoder.encode(texts) if len(texts) else np.zeros((0, encoder.width), dtype=np.float32)


def same_vectors(encoder: str, other: str) -> bool:
    """Whether vectors of two encoders, by their names, can be compared: those of one model in two precisions can.

    >>> same_vectors("e5-small@1/passage/512/float32", "e5-small@1/passage/512/bfloat16")
    True
    """

    def model(name: str) -> str:
        start, _, precision = name.rpartition("/")
        return start if precision in ("float32", "bfloat16") else name

    return model(encoder) == model(other)
