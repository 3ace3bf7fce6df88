"""What a benchmark says: one JSON document whose shape never changes, so that runs can be compared over time."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_serializer, model_validator
from pydantic import SerializerFunctionWrapHandler as Serialise

from penchant.artifacts import write_atomically
from penchant.evaluation.bootstrap import Difference

WITHOUT_LANGUAGE_MODEL: Final = "without language model"
"""Name of the baseline that every benchmark of a system prints: the same system with the language model left out."""

PACKAGES: Final = (
    "penchant", "numpy", "scipy", "polars", "scikit-learn", "torch", "transformers", "onnxruntime", "implicit",
    "lightgbm", "bm25s", "sqlalchemy",
)  # fmt: skip
"""The packages whose versions can change a figure."""

_OPTIONAL: Final = ("differences", "tables")

Cell = FiniteFloat | int | bool | str | None
NotNegative = Annotated[FiniteFloat, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Frozen):
    """A metric over the seeds of a run: its mean and standard deviation, as fractions (0.53, not 53).

    >>> Figure.of([0.5, 1.0, 1.5])
    Figure(mean=1.0, sd=0.5)
    """

    mean: FiniteFloat
    sd: NotNegative
    """Of the sample (divisor n - 1); 0 where there is one seed."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """The figure of one value per seed."""
        return cls(mean=float(np.mean(values)), sd=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)


class Published(BaseModel):
    """Figures that others have printed, by metric, and where.

    >>> Published(source="RecBole, general models", **{"ndcg@10": 0.277}).figures
    {'ndcg@10': 0.277}
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, FiniteFloat]

    source: str = Field(min_length=1)

    @property
    def figures(self) -> dict[str, float]:
        """The figures alone, by metric."""
        return dict(self.__pydantic_extra__)


class Machine(_Frozen):
    """What the run ran on: enough to judge a time by, and nothing that names the machine."""

    cpu: str
    cores: int = Field(ge=1)
    """Those this process may use."""
    memory_gb: NotNegative
    system: str

    @classmethod
    def here(cls) -> "Machine":
        """This machine."""
        return cls(
            cpu=_cpu_name(), cores=_usable_cores(), memory_gb=_memory_gb(),
            system=f"{platform.system()} {platform.machine()}".strip(),
        )  # fmt: skip


class BenchResult(_Frozen):
    """A benchmark's answer; `write` puts it into a file, `penchant.benchmarks.report.show` prints it.

    Every number is finite: a metric that cannot be computed is left out, never NaN.
    """

    name: str = Field(min_length=1)
    """The benchmark, as in `penchant bench NAME`."""
    data: str = Field(min_length=1)
    """Name of the data set, or of the folder or file that held it; never a path."""
    protocol: str | None
    metrics: dict[str, Figure]
    baselines: dict[str, dict[str, Figure]] = Field(default_factory=dict)
    """Other systems in the same run, by name; `WITHOUT_LANGUAGE_MODEL` is one."""
    published: dict[str, Published] = Field(default_factory=dict)
    seconds: NotNegative
    peak_rss_mb: NotNegative
    seeds: list[int] = Field(min_length=1)
    versions: dict[str, str] = Field(default_factory=lambda: versions())
    machine: Machine = Field(default_factory=Machine.here)
    differences: dict[str, dict[str, Difference]] = Field(default_factory=dict)
    """Ours minus a baseline's, by baseline and metric, with bounds and p-value; absent from the JSON where empty."""
    tables: dict[str, list[dict[str, Cell]]] = Field(default_factory=dict)
    """Further tables by name, a mapping per row (such as `stages` and `modes`); absent from the JSON where empty."""

    @model_validator(mode="after")
    def _checked(self) -> "BenchResult":
        if not self.metrics and not self.tables:
            raise ValueError(f"the benchmark {self.name} has neither a metric nor a table; give it one")
        if "/" in self.data or "\\" in self.data:
            raise ValueError(f"data is {self.data!r}; give a name, not a path (see `data_name`)")
        strangers = set(self.differences) - set(self.baselines)
        if strangers:
            raise ValueError(f"differences from {sorted(strangers)}, which are not among the baselines")
        for name, difference in ((name, found) for row in self.differences.values() for name, found in row.items()):
            numbers = (difference.value, difference.low, difference.high, difference.p_value)
            if not np.isfinite(numbers).all():
                raise ValueError(f"the difference in {name} is not finite: {numbers}")
        return self

    @model_serializer(mode="wrap")
    def _without_empty_extras(self, serialise: Serialise) -> dict[str, Any]:
        document: dict[str, Any] = serialise(self)
        return {key: value for key, value in document.items() if value or key not in _OPTIONAL}

    def write(self, path: Path | str) -> None:
        """Write the JSON, whole or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        write_atomically(Path(path), (self.model_dump_json(indent=2) + "\n").encode())

    @classmethod
    def read(cls, path: Path | str) -> "BenchResult":
        """A result that was written before."""
        return cls.model_validate_json(Path(path).read_bytes())


def figures(per_seed: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """One figure per metric from the metrics of each seed; a metric that a seed lacks is left out.

    >>> figures([{"mrr": 0.2, "hit@10": 0.5}, {"mrr": 0.2}])
    {'mrr': Figure(mean=0.2, sd=0.0)}
    """
    shared = [key for key in per_seed[0] if all(key in metrics for metrics in per_seed)]
    return {key: Figure.of([metrics[key] for metrics in per_seed]) for key in shared}


def data_name(data: str | Path) -> str:
    """What to call the data of a run: a path's last part, any other name as it is.

    >>> data_name("ml-100k"), data_name("simulated:1000"), data_name("shop/of/anna/")
    ('ml-100k', 'simulated:1000', 'anna')
    """
    return Path(data).name or Path(data).resolve().name or "root"


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that can change a figure."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        brand = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return brand.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine() or "unknown"


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    return 0.0
