# `make` lists the targets. Everything happens in .venv; nothing else on the machine is touched.

VENV := .venv
BIN := $(VENV)/bin
# The first Python at hand that is new enough, and not too new.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
  && echo $$p && break; done)
PYTHON312 ?= python3.12
# What is tried with other versions: something of each package that we build upon. Not test_preparation, which holds
# windows against those of the tokenizers of today: older ones cut them elsewhere.
TESTS ?= $(patsubst %,tests/test_%.py,composing cleaning data_report device journal local_data metric model \
  model_card parabola_app patience predictions pruners reader report_parts samplers space spans \
  storage tracking tracking_callback training windows)

.DEFAULT_GOAL := help
.PHONY: help install install-all sweep test test-browser test-faults test-servers test-launchers test-slurm \
  test-ray test-onnx test-wheel test-lowest test-312 lint format docs screenshots clean
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
EXTRAS := browser joblib mysql onnx postgresql ray slurm
TEST_IN_PARALLEL := $(BIN)/python -m pytest -n auto --dist

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with pinned versions

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 must be installed; or pass PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.has-%: $(VENV)/.installed
	$(INSTALL) -e '.[$*]'
	@touch $@

empty :=
space := $(empty) $(empty)
comma := ,
install-all: install ## all extras too, at once
	$(INSTALL) -e '.[$(subst $(space),$(comma),$(EXTRAS))]'
	@touch $(EXTRAS:%=$(VENV)/.has-%)

sweep: install ## the main job: six trials on generated data, in minutes
	$(BIN)/python -m qa_sweep -m

test: install ## the tests
	$(TEST_IN_PARALLEL) loadfile

test-browser: $(VENV)/.has-browser ## the tests in a browser (needs Chromium and its driver)
	$(TEST_IN_PARALLEL) loadfile -m browser

test-faults: install ## sweeps killed and stopped, disks full, memory gone, servers dead (some need root or a C compiler)
	$(BIN)/python -m pytest -n 4 --dist loadfile -m faults # they mostly wait

test-servers: $(VENV)/.has-postgresql $(VENV)/.has-mysql ## the sweeper on PostgreSQL and MariaDB (needs their programs)
	$(TEST_IN_PARALLEL) loadgroup -m servers

test-launchers: $(VENV)/.has-slurm $(VENV)/.has-joblib ## the sweeper on submitit and joblib, on this machine
	$(TEST_IN_PARALLEL) loadgroup -m launchers

test-slurm: $(VENV)/.has-slurm ## the sweeper on Slurm (needs one: .ci/slurm starts it)
	$(BIN)/python -m pytest -m slurm

test-ray: $(VENV)/.has-ray ## the sweeper on Ray
	$(BIN)/python -m pytest -m ray

test-onnx: $(VENV)/.has-onnx ## models exported to ONNX, beside PyTorch
	$(BIN)/python -m pytest -m onnx

test-wheel: install ## the wheel in an empty environment
	.ci/wheel

test-lowest: install ## the wheel with the lowest versions that it allows, and tests there (TESTS=… chooses)
	.ci/wheel $(BIN)/python constraints-lowest.txt $(TESTS)

test-312: install ## the same with Python 3.12 (or PYTHON312=…) and pinned versions
	.ci/wheel $(PYTHON312) constraints.txt $(TESTS)

lint: install ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## the pages of docs/ as a site: build/docs/index.html
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/api.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	@echo "build/docs/index.html"

screenshots: $(VENV)/.has-browser ## the pictures of the docs, from the runs in this folder (needs Chromium)
	$(BIN)/python docs/screenshots.py . docs/images

clean: ## remove .venv and the caches, not the results
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
