"""Lanes: work in the order in which it came, on a few threads, with so many waiting and no more."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from penchant.service.errors import Refused

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Lane:
    """A few threads, and a queue that refuses rather than grows.

    Args:
        name: for people and metrics.
        threads: that work.
        most: how many may wait or be worked on.
        seconds: after which an answer is given up.
    """

    def __init__(self, name: str, *, threads: int, most: int, seconds: float) -> None:
        self.name = name
        self.most = most
        self.seconds = seconds
        self.waiting = 0
        """Begun or waiting now."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"penchant-{name}")

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Have something done.

        Raises:
            Refused: 429 where too many wait already, 503 where it takes too long.
        """
        if self.waiting >= self.most:
            raise Refused(429, f"{self.most} requests are waiting for an answer; slow down", retry_after=1)
        self.waiting += 1
        loop = asyncio.get_running_loop()
        done = self._pool.submit(work, *args, **kwargs)
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave) if not loop.is_closed() else None)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), self.seconds)
        except TimeoutError:
            raise Refused(503, f"the answer takes longer than {self.seconds:g} s", retry_after=2) from None

    def stop(self) -> None:
        """Finish what has begun; what waits is not begun any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        self.waiting -= 1
