"""Lanes: work in the order in which it came, on a few threads, with so many waiting, so long, and no more."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Final, ParamSpec, TypeVar

from penchant.service.errors import Refused

_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")

_WEIGHT: Final = 0.1
"""Of the newest work in the running mean of how long work takes."""


class Lane:
    """A few threads, and a queue that refuses rather than grows.

    Whoever would have to wait too long is told so at once, from how long work has taken of late; and whoever has waited
    too long all the same is told then, and costs no work any more.

    Args:
        name: for people and metrics.
        threads: that work.
        most: how many may wait or be worked on.
        seconds: after which an answer is given up.
        patience: seconds that one may wait for its turn.
    """

    def __init__(self, name: str, *, threads: int, most: int, seconds: float, patience: float) -> None:
        self.name = name
        self.most = most
        self.seconds = seconds
        self.patience = min(patience, seconds)
        self.waiting = 0
        """Begun or waiting now."""
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"penchant-{name}")
        self._lock = Lock()
        self._each = 0.0
        """Seconds that a piece of work takes, a running mean from 0, since the first is often slow."""

    @property
    def wait(self) -> float:
        """Seconds until work that comes now would begin, by what work has taken of late."""
        return max(0, self.waiting - self._threads + 1) * self._each / self._threads

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Have something done.

        Raises:
            Refused: 429 where too many wait already, or its turn is too far off; 503 where it takes too long.
        """
        if self.waiting >= self.most:
            raise self._later(f"{self.most} requests are waiting for an answer")
        if (wait := self.wait) > self.patience:
            raise self._later(f"{self.waiting} requests are before this one, and its turn would come in {wait:.1f} s")
        self.waiting += 1
        loop = asyncio.get_running_loop()
        done: Future[_R] = self._pool.submit(self._timed, partial(work, *args, **kwargs))
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave) if not loop.is_closed() else None)
        answer = asyncio.wrap_future(done)
        try:
            finished, _ = await asyncio.wait([answer], timeout=self.patience)
            if not finished and done.cancel():
                raise self._later(f"its turn did not come within {self.patience:g} s")
            return await asyncio.wait_for(answer, self.seconds - (0 if finished else self.patience))
        except TimeoutError:
            raise Refused(503, f"the answer takes longer than {self.seconds:g} s", retry_after=2) from None
        finally:
            answer.cancel()

    def stop(self) -> None:
        """Finish what has begun; what waits is not begun any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- inside --

    def _timed(self, work: Callable[[], _T]) -> _T:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            # One build that is read tells little of how long the next answer takes.
            took = min(time.perf_counter() - begun, self.patience)
            with self._lock:
                self._each += (took - self._each) * _WEIGHT

    def _later(self, why: str) -> Refused:
        return Refused(429, f"{why}; slow down", retry_after=max(1, math.ceil(self.wait)))

    def _leave(self) -> None:
        self.waiting -= 1
