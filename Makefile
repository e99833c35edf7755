# Everything runs in .venv, which is made from requirements.txt and nothing else. `make help` lists the commands.
# Only relative paths stand here, so that a clone may live in a folder whose name has a space.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help book serve test notebooks data lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: $(VENV)/installed ## build the book (first makes the environment) and say where it is
	@$(RUN) -m casebook.site build

serve: $(VENV)/installed ## build the book and serve it on this machine (PORT=8000)
	@$(RUN) -m casebook.site serve $(PORT)

test: book ## check code, notebooks, data and the built pages
	@$(RUN) -m pytest

notebooks: $(VENV)/installed ## re-execute the chapters in place (ONLY=chapters/index.ipynb for one)
	@$(RUN) -m casebook.notebooks $(ONLY)

data: $(VENV)/installed ## write the bounds of the printed statements again from their wording
	@$(RUN) -m casebook.report.wording data/report

lock: ## compile requirements.txt from pyproject.toml again (UPGRADE=--upgrade for newer versions)
	@$(PYTHON) -m venv _build/uv
	@_build/uv/bin/python -m pip install --quiet uv
	_build/uv/bin/python -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet $(UPGRADE) --output-file requirements.txt

clean: ## remove what was built and cached (the environment stays: rm -r .venv)
	rm -rf _build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests chapters -name __pycache__ -prune -exec rm -rf {} +

# A copied or moved clone needs an environment of its own: the installed package would still point at the old folder.
ifneq "$(shell cat $(VENV)/installed 2>/dev/null)" "$(CURDIR)"
.PHONY: $(VENV)/installed
endif

# --clear: what an older lock installed must not linger. --no-compile: bytecode is made for what is used, when it is used.
$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "casebook needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@echo "Making the environment ($(VENV)) from requirements.txt: a minute or so, longer where packages must be downloaded."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) -m pip install --require-hashes --no-deps --no-compile --progress-bar off -r requirements.txt
	@$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@printf '%s' "$(CURDIR)" > $@
