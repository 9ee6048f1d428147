# make run: the app on localhost:8501. make test: everything that is checked. The README gives the lines without make.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8501
SMOLLM2 := smollm2-135m-instruct

.PHONY: run setup test lint bench gpu record accuracy traces screenshots

run: setup
	@$(PY) -m engine models --fetch $(SMOLLM2) || echo 'Serving without it, with the nano models.'
	@$(VENV)/bin/streamlit run app.py --server.port $(PORT) || { echo 'If the port is taken, choose another: make run PORT=8600'; exit 1; }

setup: $(VENV)/.runtime

$(VENV)/.runtime: requirements.txt constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(PY) -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

test: lint
	@$(PY) -m engine models --fetch $(SMOLLM2)
	@sh tests/install_browser.sh
	$(PY) -m pytest

bench: $(VENV)/.dev
	@$(PY) -m engine models --fetch $(SMOLLM2)
	$(PY) -m tests.bench

gpu: $(VENV)/.dev
	@$(PY) -c "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 'make gpu needs a CUDA device, and torch sees none here')"
	$(PY) -m pytest -m gpu

record: $(VENV)/.dev
	$(PY) -m engine.training.record

accuracy: $(VENV)/.dev
	$(PY) -m engine.planner.accuracy --write

traces: $(VENV)/.dev
	$(PY) -m engine.trace.make 1000
	$(PY) -m engine.trace.against_rows --write

screenshots: $(VENV)/.dev
	$(PY) -m tests.e2e.screenshots
