"""The runs behind every number in the docs: `penchant bench NAME`."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from penchant.errors import ConfigError

if TYPE_CHECKING:
    from penchant.benchmarks.result import BenchResult

BENCHMARKS: Final = ("encode", "recommend", "build")
"""Every benchmark by name; each is the module of the same name here, loaded when it is asked for."""


class Run(Protocol):
    """What a benchmark's module offers as `run`."""

    def __call__(self, data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> "BenchResult":
        """Measure on some data.

        Args:
            data: a path, or the name of a public set (see `penchant.data.public`).
            protocol: one of the benchmark's own; None for its first.
            seeds: a repetition for each; None for as many as the benchmark is reported with.
        """
        ...


def benchmark(name: str) -> Run:
    """The run of a benchmark by name.

    Raises:
        ConfigError: there is no such benchmark.

    >>> benchmark("speed")
    Traceback (most recent call last):
    penchant.errors.ConfigError: no benchmark is called 'speed'; there are encode, recommend, build
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"no benchmark is called {name!r}; there are {', '.join(BENCHMARKS)}")
    run: Run = import_module(f"penchant.benchmarks.{name}").run
    return run
