"""The Makefile installs once and again only when the pins change; `.ci/run` fails where a job does."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("make", "bash")), reason="make or bash is not installed"
)


# Make tells the makes it starts how they are to run; these tests may run inside `make test`.
OURS = ("PENCHANT_", "MAKE", "MFLAGS")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose set-up was done an hour after its pins were written."""
    folder = tmp_path / "checkout"
    venv = folder / ".venv"
    venv.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
        os.utime(folder / name, (1_000_000, 1_000_000))
    for minutes, name in enumerate(("pyvenv.cfg", ".installed-runtime", ".installed-development")):
        (venv / name).touch()
        os.utime(venv / name, (1_003_600 + 60 * minutes, 1_003_600 + 60 * minutes))
    return folder


def make(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `make` as a user would."""
    return subprocess.run(["make", *words], cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def would_do(checkout: Path, job: str) -> str:
    """The commands that `make` would run."""
    run = make(checkout, "--dry-run", job)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("job", ["demo", "test", "check", "setup"])
def test_a_second_run_installs_nothing(checkout: Path, job: str) -> None:
    assert "pip install" not in would_do(checkout, job)


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
@pytest.mark.parametrize("job", ["demo", "test", "check"])
def test_changed_pins_are_installed_again(checkout: Path, job: str, changed: str) -> None:
    (checkout / changed).touch()
    planned = would_do(checkout, job)
    assert "-e ." in planned
    assert "venv .venv" not in planned


def test_a_fresh_checkout_installs_torch_by_its_pin_before_the_rest_and_nothing_for_tests_in_a_demo(
    checkout: Path,
) -> None:
    shutil.rmtree(checkout / ".venv")
    planned = would_do(checkout, "demo")
    assert planned.index("venv .venv") < planned.index("torch==") < planned.index("-e .")
    assert "[dev]" not in planned
    assert "-e '.[dev]'" in would_do(checkout, "test")


def test_an_old_python_is_refused_by_name(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    run = make(checkout, "setup", "PYTHON=/bin/false")
    assert run.returncode != 0
    assert "Found no Python 3.11 or newer" in run.stdout
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("failing", "code"), [("none", 0), ("check", 1), ("test", 1)])
def test_continuous_integration_runs_both_jobs_and_fails_where_one_does(
    checkout: Path, failing: str, code: int
) -> None:
    (checkout / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    # Jobs that do nothing but say what they were given, in place of those that install and test for minutes.
    (checkout / "Makefile").write_text(
        "check test:\n"
        '\t@echo "doing $@ CI=$$CI data=$$PENCHANT_DATA temporary=$$TMPDIR"\n'
        f'\t@test "$@" != "{failing}"\n'
    )
    # As if Chromium were there, so that nothing is installed.
    tools = checkout / "tools"
    tools.mkdir()
    (tools / "chromium").write_text("#!/bin/sh\n")
    (tools / "chromium").chmod(0o755)
    public = checkout.parent / "shared" / "data"
    public.mkdir(parents=True)
    run = subprocess.run(
        [str(checkout / ".ci" / "run")],
        cwd=checkout.parent,
        env=ENVIRONMENT | {"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(checkout / "absent")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    for job in ("check", "test"):
        assert f"doing {job} CI=true data={public} temporary=/" in run.stdout
        assert f"make {job} {'FAILED' if job == failing else 'passed'}" in run.stdout
    left = run.stdout.split("temporary=")[1].split()[0]
    assert not Path(left).exists()
