"""The tree of errors as it is drawn, and the exit codes that scripts rely on."""

import inspect
import re

import pytest

from penchant import errors
from penchant.errors import MissingExtraError, PenchantError

CODES = {
    "PenchantError": 1, "InputError": 2, "ReadError": 2, "ColumnError": 2, "ConfigError": 2, "UnknownIdError": 2,
    "WorkspaceError": 3, "WorkspaceBusyError": 3, "NotBuiltError": 3, "StorageError": 3, "ArtifactError": 3,
    "ModelError": 4, "NotFittedError": 4, "WeightsError": 4, "TrainingError": 4, "TooLittleDataError": 4,
    "MissingExtraError": 5,
}  # fmt: skip
CLASSES = dict(inspect.getmembers(errors, lambda value: inspect.isclass(value) and issubclass(value, PenchantError)))


def test_exit_codes_are_what_scripts_were_promised():
    assert {name: one.exit_code for name, one in CLASSES.items()} == CODES


def test_the_drawing_is_the_tree():
    drawn: list[tuple[str, str]] = []
    stack: list[tuple[int, str]] = []
    for line in inspect.getdoc(errors).splitlines():
        found = re.search(r"[A-Z]\w+Error\b", line)
        if found is None:
            continue
        while stack and stack[-1][0] >= found.start():
            stack.pop()
        drawn.append((found[0], stack[-1][1] if stack else "Exception"))
        stack.append((found.start(), found[0]))
    assert sorted(drawn) == sorted((name, one.__bases__[0].__name__) for name, one in CLASSES.items())


@pytest.mark.parametrize("name", CODES)
def test_every_error_says_when_it_is_raised(name):
    assert CLASSES[name].__doc__


def test_a_missing_extra_names_the_command_that_brings_it():
    with pytest.raises(PenchantError, match=r"the package psycopg, .*: pip install 'penchant\[postgres\]'"):
        raise MissingExtraError("psycopg", "postgres")
