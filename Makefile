# `make quickstart` and `make test` do all the set-up they need, with nothing but Python and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The CPU build of torch where there is one; pip goes on without that index if it cannot be reached.
PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --retries 0 -c constraints.txt
CPU_INDEX = --extra-index-url https://download.pytorch.org/whl/cpu
# One worker a processor; a worker takes over tests of another that has more left than it.
PYTEST = $(BIN)/python -m pytest -n auto --dist worksteal
# Tests start many processes; each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart test coverage test-fast fuzz lint docs gallery notebook clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

quickstart: $(VENV)/.core ## simulate, train and score in the folder quickstart
	$(BIN)/hybridwing quickstart --out quickstart --overwrite

test: lint ## check style, types and layers, then run every test
	$(PYTEST)

coverage: lint ## the same, and measure what the tests cover, branches too
	$(PYTEST) --cov --cov-report=term --cov-fail-under=96

test-fast: $(VENV)/.dev ## run the tests that need neither patience, torch, Ray, a browser nor a sandbox
	$(PYTEST) -m "not (slow or torch or ray or browser or sandbox)"

fuzz: $(VENV)/.dev ## search for examples that fail property tests, anew each time
	$(PYTEST) -m hypothesis --hypothesis-profile=fuzz

lint: $(VENV)/.dev ## check style, types and that no room imports a higher one
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

docs: $(VENV)/.docs ## build the documentation in the folder site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

gallery: $(VENV)/.core ## draw the pictures of the documentation's gallery
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python docs/draw_gallery.py

notebook: $(VENV)/.notebook ## open the notebook
	$(BIN)/jupyter lab notebooks/butterfly_sample_notebook.ipynb

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) $(CPU_INDEX) -e '.[torch,openvino,ray,dev,docs]'
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e '.[docs]'
	touch $@

$(VENV)/.notebook: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) $(CPU_INDEX) -e '.[torch,notebook]'
	touch $@

clean: ## remove .venv and what the other targets made
	rm -rf .venv quickstart site .coverage .hypothesis
