"""How to run, kept apart from what to learn: device, seed, threads, progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt


class Options(BaseModel):
    """Run conditions of a fit; the same configuration learns the same thing under any of them.

    >>> int(Options(seed=7).rng().integers(10))
    9
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the processor computes in it, else float32."""
    batch_size: PositiveInt | None = None
    """None lets each model choose."""
    threads: PositiveInt | None = None
    progress: bool = True

    def rng(self) -> np.random.Generator:
        """A fresh generator from the seed; the same each time it is asked for."""
        return np.random.default_rng(self.seed)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run a block with BLAS on one thread: `implicit` has threads of its own and the two fight."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
