# `make` lists the targets. Everything happens in .venv; nothing else on the machine is touched.

VENV := .venv
BIN := $(VENV)/bin
# The first Python at hand that is new enough, and not too new.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
  && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help install sweep test test-browser test-faults test-servers test-launchers test-slurm test-ray test-onnx \
  lint format docs screenshots clean
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with pinned versions

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 must be installed; or pass PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[dev]'
	@touch $@

sweep: install ## the main job: six trials on generated data, in minutes
	$(BIN)/python -m qa_sweep -m

test: install ## the tests
	$(BIN)/python -m pytest -n auto --dist loadfile

test-browser: install ## the tests in a browser (needs Chromium and its driver)
	$(INSTALL) -e '.[browser]'
	$(BIN)/python -m pytest -m browser

test-faults: install ## tracking on full and read-only disks, and with servers that die (needs root)
	$(BIN)/python -m pytest -m faults

test-servers: install ## the sweeper on PostgreSQL and MariaDB (needs their programs)
	$(INSTALL) -e '.[postgresql,mysql,grpc]'
	$(BIN)/python -m pytest -n auto --dist loadfile -m servers

test-launchers: install ## the sweeper on submitit and joblib, on this machine
	$(INSTALL) -e '.[slurm,joblib]'
	$(BIN)/python -m pytest -m launchers

test-slurm: install ## the sweeper on Slurm (needs one: .ci/slurm starts it)
	$(INSTALL) -e '.[slurm]'
	$(BIN)/python -m pytest -m slurm

test-ray: install ## the sweeper on Ray
	$(INSTALL) -e '.[ray]'
	$(BIN)/python -m pytest -m ray

test-onnx: install ## models exported to ONNX, beside PyTorch
	$(INSTALL) -e '.[onnx]'
	$(BIN)/python -m pytest -m onnx

lint: install ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## the pages of docs/ as a site: build/docs/index.html
	$(INSTALL) -e '.[docs]'
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/api.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	@echo "build/docs/index.html"

screenshots: install ## the pictures of the docs, from the runs in this folder (needs Chromium)
	$(INSTALL) -e '.[browser]'
	$(BIN)/python docs/screenshots.py . docs/images

clean: ## remove .venv and the caches, not the results
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
