"""The public names are a list, and `import penchant` brings in nothing large."""

import subprocess
import sys
import types

import pytest

import penchant

NAMES = {
    "BatchReader",
    "Community",
    "Options",
    "PenchantError",
    "ReadConfig",
    "Reading",
    "Store",
    "Workspace",
    "build",
    "read",
    "read_community",
}
MODULES = {"drift", "errors", "interests", "members", "recommend", "search", "social"}


def test_the_list_is_exact():
    assert set(penchant.__all__) == NAMES | MODULES | {"__version__"}
    assert dir(penchant) == penchant.__all__


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_is_there_and_documented(name):
    value = getattr(penchant, name)
    assert value.__name__ == name
    assert value.__doc__


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_is_there(name):
    assert isinstance(getattr(penchant, name), types.ModuleType)


def test_the_names_of_interests_are_there_whatever_was_imported_before():
    import penchant.interests.audience
    import penchant.interests.whole

    for name in penchant.interests.__all__:
        value = getattr(penchant.interests, name)
        assert callable(value), name
        assert value.__doc__, name
    assert {"audience", "discover", "evaluate", "learn", "stratify", "train"} <= set(dir(penchant.interests))
    with pytest.raises(AttributeError, match=r"penchant\.interests has no public name 'stratum'"):
        _ = penchant.interests.stratum


def test_a_name_that_is_not_there_is_an_error_that_lists_those_that_are():
    with pytest.raises(AttributeError, match=r"penchant has no public name 'recomend'; it has .*recommend"):
        _ = penchant.recomend


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_brings_in_no_large_library():
    large = {
        "torch",
        "transformers",
        "sklearn",
        "pandas",
        "polars",
        "numpy",
        "scipy",
        "pydantic",
        "sqlalchemy",
        "lightgbm",
    }
    loaded = run("import sys, penchant; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert large.isdisjoint(loaded)


def test_reading_needs_no_torch():
    """Reading loads polars and what the tables need, and none of what models need."""
    loaded = run("import sys, penchant; penchant.read; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert "polars" in loaded
    assert {"torch", "transformers", "sklearn", "pandas", "lightgbm", "implicit"}.isdisjoint(loaded)


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert penchant.__version__ == version("penchant")
