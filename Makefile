# Every target makes what it needs; `make help` lists them.
# Windows without make: CONTRIBUTING.md has the same in plain lines.

PYTHON ?= python3
ARGS ?=
# Tests side by side, in the order of tests/conftest.py; make test WORKERS= runs them one by one.
WORKERS ?= --numprocesses 4 --dist loadfile --no-loadscope-reorder

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

.DEFAULT_GOAL := help
.PHONY: help run test style types check format coverage bench bench-full soak fuzz reproduce mutants \
	clean environment environment-dev

help: ## list the targets (ARGS="..." is handed on: make run ARGS="--epochs 5")
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

run: environment ## train, evaluate and picture the notebook's best network
	@$(BIN)/fittingroom train $(ARGS)

test: environment-dev ## run the tests
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

style: environment-dev
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

types: environment-dev
	@$(BIN)/python -m mypy

check: style types test ## style, types and tests: what a change must pass; -j2 for two at once

format: environment-dev ## put the code into the project's style
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

coverage: environment-dev ## run the tests and show the lines and branches that none of them reaches
	@$(BIN)/python -m pytest $(WORKERS) --cov $(ARGS)

bench: environment-dev ## time the program beside what it is compared with, in ten minutes
	@$(BIN)/python benchmarks --quick $(ARGS)

bench-full: environment-dev ## the same whole, for docs/speed.md: hours; goes on where it was
	@$(BIN)/python benchmarks $(ARGS)

soak: environment-dev ## kill trainings and studies at random moments, go on, compare: docs/reliability.md
	@$(BIN)/python reliability/soak.py $(ARGS)

fuzz: environment-dev ## invent hostile files for every reader, guided by coverage
	@$(BIN)/python reliability/fuzz.py $(ARGS)

reproduce: environment-dev ## list the runs behind the numbers of README and docs; repeat those in ARGS
	@$(BIN)/python reliability/published.py $(ARGS)

mutants: environment-dev ## plant mistakes in the source, and count those that no test notices
	@$(BIN)/python reliability/mutants.py $(ARGS)

clean: ## remove caches and build products; keeps .venv, runs and data
	@rm -rf build dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	@find src tests benchmarks reliability examples scripts -name __pycache__ -type d -exec rm -rf {} +

# The script returns at once if there is nothing to do, and knows better than file times when there is.
environment:
	@$(PYTHON) scripts/setup.py

environment-dev:
	@$(PYTHON) scripts/setup.py --dev
