# Two targets do it all on a machine with Python 3.11 and make: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Tests on real footage skip themselves where this folder is missing.
export LIA_BENCH_TEST_DATA ?= $(abspath ../shared/data)

.PHONY: demo test lint types tests format clean

demo: $(INSTALLED)
	$(BIN)/lia-bench quickstart

test: lint types tests

$(INSTALLED): pyproject.toml setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy knows no package-dir mapping, so it reads everything through links laid out as it is installed.
types: $(INSTALLED)
	rm -rf build/types
	mkdir -p build/types/lia_bench
	ln -s $(addprefix $(CURDIR)/lia_bench/,animation core cli py.typed) $(wildcard $(CURDIR)/lia_bench/*.py) build/types/lia_bench/
	ln -s $(addprefix $(CURDIR)/,models preprocessing metrics leaderboards) build/types/lia_bench/
	ln -s $(addprefix $(CURDIR)/,tests benchmarks tests/plugin/theirs) build/types/
	cd build/types && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache \
		lia_bench theirs tests benchmarks

# One thread a process, since the processes fill the cores.
tests: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build
