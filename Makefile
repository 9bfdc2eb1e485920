# `make quickstart` and `make test` do all the set-up they need, with nothing but Python and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The CPU build of torch where there is one; pip goes on without that index if it cannot be reached.
PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --retries 0 -c constraints.txt
CPU_INDEX = --extra-index-url https://download.pytorch.org/whl/cpu

.PHONY: quickstart test lint notebook clean help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

quickstart: $(VENV)/.core ## simulate, train and score in the folder quickstart
	$(BIN)/hybridwing quickstart --out quickstart --overwrite

test: lint ## check style and types, then run the tests
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90

notebook: $(VENV)/.notebook ## open the notebook
	$(BIN)/jupyter lab notebooks/butterfly_sample_notebook.ipynb

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) $(CPU_INDEX) -e '.[torch,openvino,ray,dev]'
	touch $@

$(VENV)/.notebook: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) $(CPU_INDEX) -e '.[torch,notebook]'
	touch $@

clean: ## remove .venv and what the quickstart made
	rm -rf .venv quickstart
