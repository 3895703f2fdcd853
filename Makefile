# lab, test, check, studies, clean: each prepares .venv itself, once. PYTHON=python3.13
# chooses another Python (after make clean, where there is a .venv already).
PYTHON ?= python3
PORT ?= 8888
BROWSER ?= yes
FUZZ_SECONDS ?= 60
MUTATION_SECONDS ?= 900

BIN := .venv/bin
INSTALLED := .venv/installed
NOTEBOOKS := $(wildcard notebooks/[0-9]*.ipynb)
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with notebooks/nbval.cfg

.PHONY: help lab test check studies clean
.DEFAULT_GOAL := help

help:
	@echo "make lab      open the notebooks in JupyterLab (PORT=8888, BROWSER=no to open none)"
	@echo "make test     unit tests, doctests, README and every notebook, strictly compared"
	@echo "make check    ruff and mypy"
	@echo "make studies  coverage and recovery studies, fuzzing, mutation testing (long)"
	@echo "make clean    remove .venv, caches and build output"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "viralkit needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies and viralkit into .venv (once, some minutes)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m jupyterlab.labextensions disable --level=sys_prefix \
	  "@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch $@

lab: $(INSTALLED)
	@echo "Opening notebooks/ in JupyterLab on 127.0.0.1, port $(PORT) (Ctrl-C stops it)"
	@$(BIN)/python -m jupyterlab notebooks --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) \
	  $(if $(filter no,$(BROWSER)),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

test: $(INSTALLED)
	@echo "Unit tests, doctests and README; then $(words $(NOTEBOOKS)) notebooks, each output compared strictly"
	@status=0; \
	$(BIN)/python -m pytest tests viralkit --doctest-modules --ignore=tests/browser \
	  --ignore=tests/statistics -n 2 --cov --cov-report=term || status=$$?; \
	$(if $(NOTEBOOKS),$(BIN)/python -m pytest $(NBVAL) -n 2 --dist loadfile $(NOTEBOOKS) || status=$$?;) \
	exit $$status

check: $(INSTALLED)
	@echo "Style, format and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

studies: $(INSTALLED)
	@echo "Coverage and recovery studies"
	@$(BIN)/python -m pytest tests/statistics
	@echo "Fuzzing the readers for $(FUZZ_SECONDS) s, after a small corpus"
	@$(BIN)/python tests/fuzz_readers.py $(FUZZ_SECONDS)
	@echo "Mutation testing for at most $(MUTATION_SECONDS) s, after the mutants are written"
	@$(BIN)/python tests/mutation.py $(MUTATION_SECONDS)

clean:
	@echo "Removing .venv, caches and build output"
	@rm -rf .venv build dist mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	@find viralkit tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} +
