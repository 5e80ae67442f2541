# Everything from a fresh clone with Python 3.11 (to 3.13), pip and make: each target installs what it needs into .venv.
# Versions come from requirements.lock, so that the same scenario and seed give the same bytes everywhere.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO := quickstart real_traffic

.DEFAULT_GOAL := help
.PHONY: help install dev demo test bench lint docs lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here; name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed ## The command simulator, in .venv/bin

dev: $(VENV)/.dev ## The same and what tests, types and lint need

# 99 is an answer too: a threshold is crossed or undecided.
demo: $(VENV)/.installed ## Two ready scenarios, 5 replications each; ends with verdicts and pictures
	@for scenario in $(DEMO); do \
	  $(BIN)/simulator run scenarios/$$scenario.yaml --replications 5; status=$$?; \
	  [ $$status -eq 0 ] || [ $$status -eq 99 ] || exit $$status; \
	done
	@echo
	@for scenario in $(DEMO); do sed -n '1p;3p' reports/$$scenario/summary.md; ls reports/$$scenario/*.png; done

test: $(VENV)/.dev ## All tests, on all cores
	$(BIN)/python -m pytest -n auto --dist loadfile

bench: $(VENV)/.dev ## Messages and copies a second beside a plain SimPy script, in one run
	$(BIN)/python -m tests.benchmarks.bench

lint: $(VENV)/.dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.installed ## Write docs/scenario-reference.md and docs/scenarios.md anew
	$(BIN)/simulator schema -o md > docs/scenario-reference.md
	$(BIN)/simulator scenarios -o md > docs/scenarios.md

lock: ## New versions for requirements.lock, from a fresh environment
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,cluster]'
	{ sed -n '/^#/p' requirements.lock; $(BIN)/python -m pip freeze --exclude-editable; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean: ## Remove the environment and the caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
