# Two commands on a fresh machine: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export WEARFM_DATA ?= ../shared/data
export WEARFM_ORACLES ?= ../shared/oracles/dev
export PYTHONHASHSEED := 0

.PHONY: demo test lint bench fuzz kill clean env

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(STAMP)  ## simulate a cohort, pretrain, embed, evaluate, report
	$(BIN)/wearfm demo

# A process a core and one thread a process: many tests start processes of their own, and two cores are soon oversubscribed.
test: $(STAMP)  ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)  ## ratios against named references, interleaved, next to the machine's limit; figures are per core
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.run $(BENCH_ARGS)

fuzz: $(STAMP)  ## 2 000 mutated files a format (CI runs 200)
	WEARFM_FUZZ=2000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/readers/test_fuzz.py

kill: $(STAMP)  ## 1 000 random kills (CI runs 60)
	WEARFM_KILLS=1000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m kill

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
