# make demo    sets up .venv, runs the bundled study, prints the results and the path of the report
# make test    sets up .venv, runs all tests
# make quick   the tests that load no real model and take seconds
# make lint    ruff and mypy
# make bench   measured against the floor (benchmarks/)

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: demo test quick lint format bench clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# torch goes first and alone: with it installed, nothing asks for another build of it.
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing neuroglot and the demo model into $(VENV) (once; a few minutes) ..."
	$(PIP) torch
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) --editable '.[demo,dev]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/neuroglot demo $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

quick: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not real and not slow and not browser" $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/bench.py $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
