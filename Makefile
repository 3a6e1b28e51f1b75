# `make demo` and `make test` fetch what they need: Python packages by uv, and uv itself where it is absent.
VENV ?= .venv
PYTHON := $(VENV)/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
INSTALL := $(UV) pip install --quiet --python $(PYTHON)

.PHONY: demo test lint bench results lock clean

demo: $(VENV)/.core
	@$(VENV)/bin/reelgraph demo

test: $(VENV)/.dev
	$(PYTHON) -m pytest -n auto $(TESTS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# Every number that the documentation quotes; about half an hour. `make bench ONLY=title_search` runs one.
bench: $(VENV)/.dev
	$(PYTHON) benchmarks/run.py $(ONLY)

# docs/results.md, from real data (REELGRAPH_DATA); about an hour. `make results ONLY=rating` makes one table again.
results: $(VENV)/.dev
	$(PYTHON) -m benchmarks.results $(addprefix --only ,$(ONLY))

# No index address goes into the locked files: what a program needs, a container that serves, one that trains, and all.
LOCK := $(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet
SERVE := --extra neo4j --extra neptune --extra redis --extra tracing

lock: $(VENV)/.core
	$(LOCK) pyproject.toml -o requirements/core.txt
	$(LOCK) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml $(SERVE) -c requirements/dev.txt -o requirements/serve.txt
	$(LOCK) pyproject.toml $(SERVE) --extra train -c requirements/dev.txt -o requirements/train.txt

$(VENV)/.core: requirements/core.txt | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements/core.txt
	$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.core
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/bin/python: | $(UV)
	$(UV) venv --quiet --python "$$(cat .python-version)" $(VENV)

# uv by pip in an environment of its own; where Python comes without venv or pip (Debian), by its own installer.
.uv/bin/uv:
	@echo "Fetching uv into .uv …"
	@(python3 -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check "uv>=0.5") 2>/dev/null \
	  || (curl -LsSf https://astral.sh/uv/install.sh | env UV_UNMANAGED_INSTALL=.uv/bin sh)

clean:
	rm -rf $(VENV) .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis
