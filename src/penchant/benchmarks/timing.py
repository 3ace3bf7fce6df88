"""How long single answers take: on the clock, and of the processor's time."""

from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Final, TypeVar

import numpy as np

WARM: Final = 5
"""Answers before those that are timed."""
Thing = TypeVar("Thing")


def median_ms(answer: Callable[[Thing], object], asked: Sequence[Thing]) -> tuple[float, float]:
    """Milliseconds of an answer, the median over all: passed on the clock, and worked by this process.

    On a machine that has other things to do the two part, and the second tells what the answer itself costs.

    >>> wall, worked = median_ms(lambda number: number**2, [1, 2, 3])
    >>> 0 <= worked < 1000, 0 < wall < 1000
    (True, True)
    """
    for one in asked[:WARM]:
        answer(one)
    passed, worked = [], []
    for one in asked:
        began, before = perf_counter(), process_time()
        answer(one)
        passed.append(perf_counter() - began)
        worked.append(process_time() - before)
    return float(np.median(passed)) * 1e3, float(np.median(worked)) * 1e3
