# Everything runs in .venv, which is made from requirements.txt and nothing else. `make help` lists the commands.
# Only relative paths stand here, so that a clone may live in a folder whose name has a space.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help book serve test bench notebooks data lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: $(VENV)/package ## build the book (first makes the environment) and say where it is
	@$(RUN) -m casebook.site build

serve: $(VENV)/package ## build the book and serve it on this machine (PORT=8000)
	@$(RUN) -m casebook.site serve $(PORT)

test: $(VENV)/package ## check data, code, notebooks and the built pages (builds the book where they need it)
	@$(RUN) -m pytest

bench: $(VENV)/package ## measure import, build, estimates and simulated trials, beside the bars and beside lifelines and R
	@$(RUN) tests/bench.py
	@$(RUN) tests/bench_survival.py
	@$(RUN) tests/bench_timing.py
	@$(RUN) tests/bench_intervals.py
	@$(RUN) tests/bench_trials.py

notebooks: $(VENV)/package ## re-execute the chapters in place (ONLY=chapters/index.ipynb for one)
	@$(RUN) -m casebook.notebooks $(ONLY)

data: $(VENV)/package ## write the bounds of the printed statements again from their wording
	@$(RUN) -m casebook.report.wording data/report

lock: ## compile requirements.txt from pyproject.toml again (UPGRADE=--upgrade for newer versions)
	@$(CHECK_PYTHON)
	@$(PYTHON) -m venv _build/uv
	@_build/uv/bin/python -m pip install --quiet $(UV)
	_build/uv/bin/python -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet $(UPGRADE) --output-file requirements.txt

clean: ## remove what was built and cached (the environment stays: rm -r .venv)
	rm -rf _build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests chapters -name __pycache__ -prune -exec rm -rf {} +

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "casebook needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not to be found). Name another: make PYTHON=python3.12" >&2; \
	  exit 1; }

# The environment is for one lock, one Python and one folder (a copied clone's would still point at the old one). They are
# compared, not dated: a checkout touches files, and pyproject.toml holds more than the lock is made from. Unless another
# Python is named, the one that the environment was made with is kept.
STAMP := import hashlib, os, sys; lock = open("requirements.txt", "rb").read(); \
	print(hashlib.sha256(b"\0".join([lock, sys.version.encode(), os.getcwd().encode()])).hexdigest())
ASKED := $(if $(filter file,$(origin PYTHON)),$(RUN),$(PYTHON))
ifneq "$(shell $(ASKED) -c '$(STAMP)' 2>/dev/null)" "$(shell cat $(VENV)/installed 2>/dev/null)"
.PHONY: $(VENV)/installed
endif

# --clear: what an older lock installed must not linger. --no-compile: bytecode is made for what is used, when it is used.
# Of pip's hundreds of lines a few tell how far it is; all are kept, and the last shown if it fails (the file "done" is
# missing then: a pipe has the exit status of its last command).
$(VENV)/installed:
	@$(CHECK_PYTHON)
	@echo "Making the environment ($(VENV)) from requirements.txt: a minute or so, longer where packages must be downloaded."
	@$(PYTHON) -m venv --clear $(VENV)
	@{ $(RUN) -m pip install --require-hashes --no-deps --no-compile --progress-bar off -r requirements.txt && touch $(VENV)/done; } 2>&1 \
	  | tee $(VENV)/pip.log \
	  | awk '/^(Collecting|Processing)/ && ++n % 10 == 0 { print "  " n " packages collected"; fflush() } \
	    /^Installing/ { print "  all " n " collected; installing them"; fflush() } \
	    /^WARNING: Retrying/ { print; fflush() }'
	@[ -e $(VENV)/done ] || { tail -n 12 $(VENV)/pip.log >&2; echo "The environment was not made ($(VENV)/pip.log)." >&2; exit 1; }
	@$(RUN) -c '$(STAMP)' > $@

# The package itself, by date: a few seconds, and its name and version stand in pyproject.toml.
$(VENV)/package: $(VENV)/installed pyproject.toml
	@$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
