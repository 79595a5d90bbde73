# demo · test · lint · up · bench     each sets up .venv by itself, from requirements.lock

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/ready
WARM   := .venv/warm
# Bytecode is kept: without it each process compiles Prefect anew, four seconds instead of one.
unexport PYTHONDONTWRITEBYTECODE
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
# Half of a test's time is waiting for sockets and processes: twice as many workers as cores.
WORKERS := $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

.DEFAULT_GOAL := help
.PHONY: help demo test coverage chaos lint up bench verify-outside lock clean

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(READY)   ## the main job, on emulated tenants: three leavers, from HR's notice to the sealed record
	@$(BIN)/lastday demo

test: $(WARM)    ## every essential test, offline
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: $(READY)  ## the same with the branch coverage of the rooms that decide: more than twice as long
	@$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered $(ARGS)

chaos: $(READY)  ## every write, every fault: slow; ends with a table of faults, recovery, and what was lost
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m chaos $(ARGS)

lint: $(READY)   ## ruff, mypy --strict, import-linter; textlint over the Japanese texts, where node is
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.textlint

up: $(READY)     ## a Prefect server, a worker and the sweep, on this machine, until interrupted
	@$(BIN)/lastday up

bench: $(READY)  ## figures and ratios beside the first core's; SIZE=full: an hour of them, SIZE=profile: where the CPU goes
	@$(BIN)/python -m tests.bench $(SIZE)

verify-outside: $(READY)  ## open a fresh trail with tools that are not ours; lists those that ran
	@$(BIN)/python -m tests.audit.outside

lock:            ## write requirements.lock anew (needs uv); names no host
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --universal \
	  --python-version 3.11 --custom-compile-command "make lock" --output-file requirements.lock

clean:           ## remove .venv and var/
	rm -rf .venv var

# Workers that each compile the SDKs take longer than one that has done it before.
$(WARM): $(READY)
	@$(BIN)/python -m pytest --collect-only -q > $@ || { tail -20 $@; rm $@; exit 1; }

# The lock is whole, so pip resolves nothing (--no-deps).  Bytecode is left to the first import: msgraph-sdk alone has 16,741 files, of which a few hundred are used.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "lastday needs Python 3.11 to 3.13: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "This Python has no venv. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "setting up .venv from requirements.lock (about a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
