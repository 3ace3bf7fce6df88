"""constraints.txt pins everything that the dependencies of pyproject.toml bring in, and nothing else."""

import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
GPU_LIBRARIES = ("cuda-", "nvidia-", "triton")
"""What torch brings along where pip takes its GPU build; the CPU build, which is tested, needs none of it."""


def pinned():
    """The names in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    return {canonicalize_name(pin.name) for pin in pins}


def needed():
    """Every package that the project's extras lead to here, step by step through what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(line) for line in project["dependencies"]]
    waiting += [Requirement(line) for extra in project["optional-dependencies"].values() for line in extra]
    seen = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        step = (name, *sorted(wanted.extras))
        if name == "penchant" or name.startswith(GPU_LIBRARIES) or step in seen:
            continue
        seen.add(step)
        for line in distribution(name).requires or []:
            further = Requirement(line)
            extras = ["", *wanted.extras]
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return {step[0] for step in seen}


@pytest.mark.skipif(sys.platform != "linux", reason="the pins are those of Linux")
def test_every_dependency_is_pinned_and_every_pin_is_a_dependency():
    names, pins = needed(), pinned()
    assert names - pins == set(), "needed but not pinned"
    assert pins - names == set(), "pinned but not needed"
