# The two commands of a newcomer: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
NAME ?= default
BIN := .venv/bin

.PHONY: help up down purge status test test-fast test-contract test-browser test-integration lint format pictures drills bench lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

# Everything a command needs in Python, from hash-locked requirements; remade when they change.
.venv/ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"$(PYTHON) is Python {sys.version.split()[0]}, but 3.11 or newer is needed: install it, or name another one with PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "python: installing the locked requirements into .venv (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

up: .venv/ready ## bring the testbed and the three stacks up, then say where everything is
	@$(BIN)/bighpc testbed up --name $(NAME)
	@$(BIN)/bighpc testbed deploy --name $(NAME)

down: .venv/ready ## end everything the testbed runs; its data stays
	@$(BIN)/bighpc testbed down --name $(NAME)

purge: .venv/ready ## end everything and remove the testbed's data
	@$(BIN)/bighpc testbed down --purge --name $(NAME)

status: .venv/ready ## what runs, what is real and what is simulated
	@$(BIN)/bighpc testbed status --name $(NAME)

test: .venv/ready ## every check and test; brings up a testbed of its own
	@for stage in lint test-fast test-contract test-browser test-integration; do \
		begun=$$SECONDS; $(MAKE) --no-print-directory $$stage; echo "$$stage took $$((SECONDS - begun)) s"; \
	done

test-fast: .venv/ready ## unit and meta tests, offline
	@$(BIN)/python -m pytest -q -n auto

test-contract: .venv/ready ## the doubles, driven by the unmodified clients and git
	@$(BIN)/bighpc testbed prepare
	@$(BIN)/python -m pytest -q -n auto tests/contract

test-browser: .venv/ready ## the double's page in headless Chromium
	@$(BIN)/python -m tests.packages browser
	@$(BIN)/python -m pytest -q -m browser tests/browser

test-integration: .venv/ready ## real engine, real Kubernetes, on a testbed of the run's own
	@$(BIN)/bighpc testbed prepare
	@$(BIN)/python -m tests.packages integration
	@$(BIN)/python -m pytest -m 'integration or e2e' --durations=15 tests/integration tests/e2e

lint: .venv/ready ## style, types, import contracts: zero findings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: .venv/ready ## let ruff lay the code out
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

pictures: .venv/ready ## take the pictures of the documentation anew, on a testbed of the run's own
	@$(BIN)/python -m tests.packages integration
	@BIGHPC_TAKE_PICTURES=1 $(BIN)/python -m pytest -m 'browser or integration or e2e' $$(grep -lr 'picture(' tests --include='test_*.py')

drills: .venv/ready ## break dev of a running testbed in every known way, and see that a revert restores it
	@eval "$$($(BIN)/bighpc testbed env --name $(NAME))"; export PATH="$$PWD/$(BIN):$$PATH"; failed=0; \
	for drill in $$(bighpc drill list | cut -d' ' -f1); do bighpc drill $$drill dev --json || failed=1; done; exit $$failed

bench: .venv/ready ## figures as ratios, measured side by side
	@eval "$$($(BIN)/bighpc testbed env --name $(NAME))" && $(BIN)/python -m bench.preview

lock: .venv/ready ## write the requirement files anew from pyproject.toml (asks the package index)
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	@.venv-lock/bin/uv pip compile --quiet --upgrade pyproject.toml --extra dev -o requirements-dev.txt
	@.venv-lock/bin/uv pip compile --quiet pyproject.toml -c requirements-dev.txt -o requirements.txt
	@rm -rf .venv-lock

clean: ## remove what was made in the checkout (not the testbed, not the tools)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
