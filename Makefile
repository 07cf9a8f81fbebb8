# One environment, two commands: `make app` and `make test`. `make help` lists the rest.

PYTHON ?= python3
PORT ?= 8501
DATA ?=
EXTRACTOR ?= auto
CACHE ?= cache
UPLOADS ?=
UV_VERSION := 0.13.9

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help app install test test-slow check look walk smoke bench lock clean

help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo ""
	@echo "  make app DATA=/path/to/covid-chestxray-dataset   the dashboard on a cohort of your own"
	@echo "  make app PORT=8600                               on another port"
	@echo "  make app EXTRACTOR=densenet121-res224-all        with the pretrained network (28 MB download)"

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is %s. Name another: make PYTHON=/path/to/python3.12 ..." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: on Debian or Ubuntu install python3-venv."; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(RUN_STAMP): requirements.txt | $(UV)
	@echo "Installing what the dashboard needs: about 3 GB to download, 7 GB on disk (PyTorch with GPU support)."
	$(UV) pip install --system-certs --python $(PY) --compile-bytecode -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP) | $(UV)
	@echo "Installing what the tests need"
	$(UV) pip install --system-certs --python $(PY) --compile-bytecode -r requirements.txt -r requirements-dev.txt
	@touch $@

install: $(RUN_STAMP) ## Install what the dashboard needs into .venv
	@echo "Installed."

app: $(RUN_STAMP) ## Serve the dashboard on the demo cohort, or on DATA=folder, at PORT=8501; UPLOADS=1 lets X-rays be placed
	@$(PY) -m cxrlib serve --port $(PORT) --cache "$(CACHE)" --extractor "$(EXTRACTOR)" $(if $(DATA),--data "$(DATA)") $(if $(UPLOADS),--allow-uploads)

test: $(DEV_STAMP) ## Install what the tests need and run them
	$(PY) -m pytest -m "not slow"

test-slow: $(DEV_STAMP) ## Run the slow tests (whole cohorts, UMAP, the network)
	$(PY) -m pytest -m slow -o faulthandler_timeout=1200

check: $(DEV_STAMP) ## Check style and types (ruff, mypy)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy cxrlib ui pages app.py

look: $(DEV_STAMP) ## Take screenshots of every page into look/ (needs Chromium)
	$(PY) -m tests.browser.look --out look $(if $(DATA),--data "$(DATA)")
	$(PY) -m tests.browser.viewer --out look $(if $(DATA),--data "$(DATA)")
	$(PY) -m tests.browser.map_play --cache "$(CACHE)"
	$(PY) -m tests.browser.upload --out look
	$(PY) -m tests.browser.history

walk: $(DEV_STAMP) ## Use one server from two browsers: jobs, restart, links (needs Chromium)
	$(PY) -m tests.browser.two_browsers --out look

smoke: $(DEV_STAMP) ## The browser smoke test: look, on the demo, quickly
	$(PY) -m tests.browser.look --out look --quick

bench: $(DEV_STAMP) ## Run the benchmarks (benchmarks/README.md says what each compares)
	@for file in benchmarks/bench_*.py; do \
	    name=$$(basename $$file .py); echo "== $$name"; $(PY) -m benchmarks.$$name || exit 1; \
	done

lock: | $(UV) ## Pin every package again from requirements*.in
	$(UV) pip compile -q --universal --python-version 3.11 --no-header --annotation-style line requirements.in -o requirements.txt
	$(UV) pip compile -q --universal --python-version 3.11 --no-header --annotation-style line -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## Remove what was generated: cache, screenshots, tool caches (the environment stays)
	find cache -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf look .pytest_cache .mypy_cache .ruff_cache
