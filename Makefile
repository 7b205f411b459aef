# make demo   installs into .venv and trains on scikit-learn's digits: three minutes, two cores
# make test   the test suite
# make check  format, lint, types, layers
# make clean  removes .venv and caches; runs/ stays

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
MINUTES ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test check clean

help:
	@sed -n '1,4s/^# //p' Makefile

demo: $(VENV)/.installed
	@run=runs/digits; n=1; \
	while [ -e "$$run" ]; do n=$$((n + 1)); run=runs/digits-$$n; done; \
	$(BIN)/gantlet train digits --minutes $(MINUTES) --out "$$run" && \
	$(BIN)/gantlet sample "$$run" -n 100 --out "$$run/samples.png" && \
	echo && \
	echo "samples of the trained generator:  $$run/samples.png" && \
	echo "how they came about, step by step: $$run/previews/" && \
	echo "go on training:                    $(BIN)/gantlet resume $$run --minutes 10" && \
	echo "train on your own pictures:        $(BIN)/gantlet train FOLDER"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Gantlet needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)."; \
	echo "Name another, for example: make $(or $(MAKECMDGOALS),demo) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	echo "'$(PYTHON)' has no venv module; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Torch first and pinned: a bare requirement would fetch the newest, which nobody has tried.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) $$(grep '^torch==' constraints.txt)
	$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@
