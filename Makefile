# Every job of a checkout. `make demo` and `make test` work on a fresh machine with Python 3.11 and make alone.
#
# Dependencies go into .venv, pinned by constraints.txt; two stamp files there tell what is installed, so a second run
# installs nothing unless pyproject.toml or constraints.txt has changed.

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3.11 python3 python; do $$each -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$each && break; done)
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)
# A test process computes on one core each, so that JOBS of them do not fight over the cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

.DEFAULT_GOAL := help
.PHONY: help setup demo test check clean

help:
	@echo "make demo    set up, then do the main job on real films and write a report"
	@echo "make test    set up, then run the tests (JOBS=$(JOBS) at a time)"
	@echo "make check   set up, then ruff (lint and format), mypy and the order of imports"
	@echo "make setup   only set up: $(VENV) with everything pinned"
	@echo "make clean   remove $(VENV) and the caches of the tools"

setup: $(DEVELOPMENT)

demo: $(RUNTIME)
	$(BIN)/penchant demo

test: $(DEVELOPMENT)
	@echo "==> Testing: pytest, $(JOBS) processes"
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: $(DEVELOPMENT)
	@echo "==> Checking: lint, format, types, order of imports"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

$(VENV)/pyvenv.cfg:
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "Found no Python 3.11 or newer; install one, or say where it is: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "==> Making $(VENV) with `$(PYTHON) -V`"
	$(PYTHON) -m venv $(VENV)

# torch goes first and alone: without its pin in sight the resolver may pick a build with gigabytes of GPU libraries.
$(RUNTIME): $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo "==> Installing Penchant and what it runs on (about 2 GB; some minutes the first time, nothing after)"
	$(PIP) $(TORCH)
	$(PIP) -e .
	@touch $@

$(DEVELOPMENT): $(RUNTIME)
	@echo "==> Installing what tests and checks need"
	$(PIP) --quiet -e '.[dev]'
	@touch $@
