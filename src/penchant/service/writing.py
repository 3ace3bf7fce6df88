"""The one writer: batches of many senders in one transaction, each acknowledged when the disk has it."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

import polars as pl

from penchant.data.appending import Written
from penchant.data.store import Store
from penchant.errors import InputError, StorageError
from penchant.service.errors import Refused
from penchant.service.incoming import Incoming, event_table
from penchant.service.live import Live

_LOG = logging.getLogger("penchant.service")

_TOGETHER: Final = 64
"""Batches written in one transaction at most."""


@dataclass(eq=False)
class _Waiting:
    batch: Incoming
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Written]"


class Writer:
    """Writes batches of events in the order in which they come, as many at once as wait.

    A batch is acknowledged when its transaction is on disk and the histories in memory have its events, so that the
    next answer knows them.

    Args:
        store: where to.
        live: told of what was written.
        most: batches that may wait.
        seconds: how long one may wait for its answer.
    """

    def __init__(self, store: Store, live: Live, *, most: int, seconds: float) -> None:
        self.store = store
        self.live = live
        self.most = most
        self.seconds = seconds
        self._queue: deque[_Waiting] = deque()
        self._changed = Condition()
        self._stopping = False
        self._begun: float | None = None
        """When the store was handed what it is writing now; None while it writes nothing."""
        self._thread = Thread(target=self._run, name="penchant-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Batches that wait."""
        return len(self._queue)

    async def write(self, batch: Incoming) -> Written:
        """Have a batch written; it is on disk when this returns.

        Raises:
            Refused: 429 where too many wait already; 503 where the writing takes too long, or has taken too long for
                those before, or the service is stopping.
            StorageError: the store is out of reach; nothing of the batch is there.
            InputError: a value that no database can keep.
        """
        if self._stopping:
            raise Refused(503, "the service is stopping; send the batch again", retry_after=2)
        if len(self._queue) >= self.most:
            raise Refused(429, f"{self.most} batches are waiting to be written; slow down", retry_after=1)
        begun = self._begun
        if begun is not None and time.monotonic() - begun > self.seconds:
            raise Refused(503, "the store does not answer; send the batch again in a while", retry_after=5)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(batch, loop, loop.create_future())
        with self._changed:
            self._queue.append(waiting)
            self._changed.notify()
        try:
            return await asyncio.wait_for(waiting.answer, self.seconds)
        except TimeoutError:
            raise Refused(
                503,
                "the store has not answered in time; send the batch again under the same Idempotency-Key, and what was "
                "written meanwhile is not written twice",
                retry_after=2,
            ) from None

    def stop(self) -> None:
        """Write what waits, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                if not self._queue:
                    return
                group = [self._queue.popleft() for _ in range(min(len(self._queue), _TOGETHER))]
            # Whoever has given up waiting was told to send again, so writing theirs would only delay the others.
            self._begun = time.monotonic()
            try:
                self._write([waiting for waiting in group if not waiting.answer.cancelled()])
            finally:
                self._begun = None

    def _write(self, group: list[_Waiting]) -> None:
        if not group:
            return
        try:
            events = event_table(waiting.batch.columns for waiting in group)
            keys = pl.Series("event_key", [key for waiting in group for key in waiting.batch.keys], dtype=pl.String)
            lengths = [len(waiting.batch) for waiting in group]
            written = self.store.append_together(events.with_columns(keys), lengths)
        except InputError as error:
            if len(group) == 1:
                _tell(group[0], error)
                return
            # One of them cannot be kept; the others are not to suffer for it.
            for waiting in group:
                self._write([waiting])
            return
        except Exception as error:
            if not isinstance(error, StorageError):
                _LOG.exception("writer")
            for waiting in group:
                _tell(waiting, error)
            return
        self._show(events, lengths, written)
        for waiting, result in zip(group, written, strict=True):
            _tell(waiting, result)

    def _show(self, events: pl.DataFrame, lengths: list[int], written: list[Written]) -> None:
        """Let the histories in memory have what was written."""
        passed, again = set(), set()
        start = 0
        for length, result in zip(lengths, written, strict=True):
            passed |= {start + place for place in result.unknown}
            if result.repeated:
                # Which of them were here already is not known, so their members are read anew.
                again |= set(range(start, start + length)) - passed
            start += length
        kept = events.filter(~pl.int_range(pl.len()).is_in(list(passed | again))) if passed or again else events
        self.live.append(kept)
        for member in events[sorted(again)]["member_id"].unique() if again else ():
            self.live.read_again(member)


def _tell(waiting: _Waiting, result: Written | Exception) -> None:
    def settle() -> None:
        if waiting.answer.done():
            return
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)

    call: Callable[[], object] = settle
    try:
        waiting.loop.call_soon_threadsafe(call)
    except RuntimeError:
        # The loop has ended with its service; what was written is written.
        _LOG.warning("nobody left to tell of a batch")
