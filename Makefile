# Two targets do it all on a machine with Python 3.11, 3.12 or 3.13 and make: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
INSTALLED := $(VENV)/.installed

# Tests on real footage skip themselves where this folder is missing.
export LIA_BENCH_TEST_DATA ?= $(abspath ../shared/data)

.PHONY: demo test lint types tests test-lowest dist docs format clean

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
	ln -s $(addprefix $(CURDIR)/lia_bench/,animation core cli studio py.typed) $(wildcard $(CURDIR)/lia_bench/*.py) build/types/lia_bench/
	ln -s $(addprefix $(CURDIR)/,models preprocessing metrics leaderboards) build/types/lia_bench/
	ln -s $(addprefix $(CURDIR)/,tests benchmarks website tests/plugin/theirs) build/types/
	cd build/types && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache \
		lia_bench theirs tests benchmarks website

# One thread a process, since the processes fill the cores. Modules are compiled once, not by every process and run.
tests: $(INSTALLED)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# The oldest versions that pyproject.toml allows, in an environment of their own.
test-lowest:
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	VIRTUAL_ENV=$(abspath $(LOWEST)) $(LOWEST)/bin/uv pip install --quiet --resolution lowest-direct --editable '.[dev]'
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest --numprocesses auto --dist worksteal

# Archive and wheel, each installed into an empty environment, where the whole chain runs once.
dist: $(INSTALLED)
	rm -rf dist
	$(BIN)/python -m build --quiet
	set -e; for file in dist/*.tar.gz dist/*.whl; do \
		rm -rf build/empty; $(PYTHON) -m venv build/empty; \
		build/empty/bin/python -m pip install --quiet --constraint constraints.txt "$$file"; \
		(cd build/empty && bin/lia-bench quickstart --smoke --folder smoke); \
	done

# The site in build/website/html; fails on a broken link, and on a page that the navigation does not name.
docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m website

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build
