# Every target sets up what it needs: .venv in this folder, from the lock file, and nothing elsewhere.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] < (3, 14); \
	sys.exit(None if ok else "Heed needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (a few minutes the first time: TensorFlow is large) ..."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(READY) ## Make .venv with everything in it.

.PHONY: demo
demo: $(READY) ## Train a small model, serve it, ask it, and show the attention.
	@$(VENV)/bin/python tools/demo.py $(DEMO)

.PHONY: test
test: $(READY) lint types imports protos ## Check the code and run every test.
	@tools/install_chromium.sh
	@$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(TESTS)

.PHONY: fuzz
fuzz: $(READY) ## Fuzz whatever takes input from outside: FUZZ_S=20 seconds for each target.
	@$(VENV)/bin/python tools/fuzz.py --seconds-each $(or $(FUZZ_S),20)

MODELS_DIR ?= models
MODEL ?= g2p-quick

.PHONY: loadtest
loadtest: $(READY) $(MODELS_DIR)/$(MODEL) ## The highest rate within loadtest/objectives.toml: MODEL=NAME, LOADTEST="FLAGS".
	@$(VENV)/bin/heed loadtest search $(MODELS_DIR)/$(MODEL) $(LOADTEST)

COMPARE_MODEL ?= multi30k-en-de

.PHONY: loadtest-compare
loadtest-compare: $(READY) $(MODELS_DIR)/$(COMPARE_MODEL) ## Heed beside TF Serving's batching and CTranslate2: COMPARE_MODEL=NAME of a Transformer.
	@$(VENV)/bin/python -m benchmarks.compare_servers $(MODELS_DIR)/$(COMPARE_MODEL) --run runs/$(COMPARE_MODEL) $(LOADTEST)

RUN ?= runs/multi30k-en-de

.PHONY: bench-decoding
bench-decoding: $(READY) ## Decoding beside CTranslate2: RUN=FOLDER of a Transformer, BENCH="FLAGS" (--help tells them).
	@$(VENV)/bin/python -m benchmarks.decoding $(RUN) $(BENCH)

.PHONY: compare-attention
compare-attention: $(READY) ## Train every attention under one budget, and write docs/attention-compared.md: COMPARE="FLAGS".
	@$(VENV)/bin/python -m benchmarks.attention_comparison $(COMPARE)

$(MODELS_DIR)/%: | $(READY)
	@$(VENV)/bin/heed train $* --out runs/$*
	@$(VENV)/bin/heed export runs/$* --models-dir $(MODELS_DIR)

.PHONY: test-tf-serving
test-tf-serving: $(READY) ## Test a real TensorFlow Serving: IMAGE=tensorflow/serving:2.20.0 (Linux, Docker).
	@PYTHON=$(VENV)/bin/python tools/test_tf_serving.sh "$(IMAGE)" $(TESTS)

.PHONY: test-deploy
test-deploy: $(READY) ## Build the containers and hurt them: ENGINE=PROGRAM starts Docker where it does not run.
	@PYTHON=$(VENV)/bin/python tools/test_deploy.sh "$(ENGINE)" $(TESTS)

.PHONY: check
check: lint types imports protos ## All checks without the tests.

.PHONY: lint
lint: $(READY) ## Lint and check the format (mend with: make format).
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

.PHONY: format
format: $(READY) ## Format the code and mend what the linter can.
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

.PHONY: types
types: $(READY) ## Check the types, strictly.
	@$(VENV)/bin/mypy

.PHONY: imports
imports: $(READY) ## Check who imports whom.
	@$(VENV)/bin/lint-imports --no-cache

.PHONY: protos
protos: $(READY) ## Lint the protos (the tests check that the generated code is theirs).
	@cd protos && ../$(VENV)/bin/buf lint

.PHONY: generate
generate: $(READY) ## Generate the Python messages from protos/.
	@tools/generate_protos.sh

.PHONY: web
web: ## Build the attention explorer from web/ into heed/page (needs Node.js 20 or newer).
	@cd web && npm ci --silent && npm run --silent build

.PHONY: docs
docs: $(READY) ## Write the pages that are made from the code, and build the documentation into site/.
	@$(VENV)/bin/python tools/document_errors.py
	@$(VENV)/bin/python tools/document_metrics.py
	@$(VENV)/bin/python tools/document_settings.py
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
	@echo "Read it: make read-docs, or open site/index.html"

.PHONY: read-docs
read-docs: $(READY) ## Show the documentation at http://127.0.0.1:8000, and again whenever a page changes.
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs serve

.PHONY: dashboards
dashboards: $(READY) ## Write Grafana's dashboards from tools/dashboards.
	@$(VENV)/bin/python -m tools.dashboards

.PHONY: lock
lock: $(READY) ## Renew the lock files.
	@tools/lock.sh

.PHONY: clean
clean: ## Remove caches, the built documentation and what the demo made (runs/, models/); keep .venv.
	rm -rf runs models site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
