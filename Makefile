# One list of commands; CI runs exactly these.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8080
STAMP  := $(VENV)/.installed
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help install serve check format test test-deep contract bench endurance demo wheel clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(STAMP)  ## a virtual environment with everything, at the pinned versions

$(STAMP): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mockskaha needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable . $$($(BIN)/python .ci/development.py)
	@touch $@

serve: install  ## start the service on PORT (8080)
	$(BIN)/mockskaha serve --port $(PORT)

check: install  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## write the format that check asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install  ## every test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

test-deep: install  ## the same, with many more generated cases
	MOCKSKAHA_DEEP=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

contract: install  ## the contract's gates and Schemathesis alone
	$(BIN)/python -m pytest tests/contract

bench: install  ## measure, and write benchmarks/README.md
	$(BIN)/python -m benchmarks

endurance: install  ## a minute of mixed load on a server, 2,000 requests a second
	$(BIN)/python -m benchmarks.endurance

demo: install  ## a day of batch work with the real canfar client
	$(BIN)/python examples/batch_day.py

wheel: install  ## build the distribution into dist/
	$(BIN)/python -m build

clean:  ## remove what the other targets made
	rm -rf $(VENV) .venvs dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
