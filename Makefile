# Two commands do everything on a fresh machine with Python 3.11 or newer: make demo, make test.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# the folder of the tables for quality and ablation; it is made if it is not there
DATA ?= benchmarks/data
# options of the benchmark: --quick, --only TASK..., --peers PEER...
BENCH ?=

# a benchmark or a test must not run at half speed because of a setting that is left over
unexport OPENBLAS_CORETYPE

.PHONY: help demo test coverage fuzz lint types docs bench growth sklearn quality ablation golden xor clean

help:
	@echo "make demo    a network learns XOR and a real table"
	@echo "make test    every test, doctest, type and style check"
	@echo "make coverage  how many lines of the core its own tests run: at least 98 of 100"
	@echo "make docs    the pages and the reference, into docs/_build/html"
	@echo "make bench   glassnet beside its peers, into benchmarks/RESULTS.md (BENCH=--quick)"
	@echo "make growth  how a step grows with rows, width, depth, members, into benchmarks/GROWTH.md"
	@echo "make sklearn glassnet's estimators beside scikit-learn's"
	@echo "make quality  the estimators for tables on 20 tables, beside their peers (DATA=folder)"
	@echo "make ablation what each part of them brings, on the same tables"
	@echo "make xor     how often the tutorial's listing and the demo solve XOR, over 1,000 seeds"
	@echo "make fuzz    bad tables and files, and trainings that are killed, into docs/fuzzing.md (hours)"
	@echo "make golden  make the golden values of the tests again (needs PyTorch)"
	@echo "make clean   remove the environment and what was built"

$(VENV)/demo.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[cli]"
	@touch $@

$(VENV)/dev.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@ $(VENV)/demo.done

demo: $(VENV)/demo.done
	@$(BIN)/glassnet demo

test: $(VENV)/dev.done lint types
	$(BIN)/python -m pytest -q -n auto

coverage: $(VENV)/dev.done
	$(BIN)/python tests/coverage_of_core.py

fuzz: $(VENV)/dev.done
	$(BIN)/python tests/fuzz/tables.py 20000
	$(BIN)/python tests/fuzz/csvs.py 500
	$(BIN)/python tests/fuzz/files.py 200000 --processes 2 --report
	$(BIN)/python tests/fuzz/kills.py 100
	GLASSNET_EVERYTHING=1 $(BIN)/python -m pytest -q tests/test_engines_compiled.py
	$(BIN)/python -m pip install --quiet cosmic-ray
	$(BIN)/python tests/fuzz/mutants.py 200 --report

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.done
	$(BIN)/mypy

docs: $(VENV)/dev.done
	rm -rf docs/_api
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/dev.done
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/bench.py $(BENCH)

growth: $(VENV)/dev.done
	$(BIN)/python benchmarks/growth.py

sklearn: $(VENV)/dev.done
	$(BIN)/python benchmarks/against_sklearn.py

$(DATA): | $(VENV)/dev.done
	$(BIN)/python benchmarks/tables.py $(DATA)

quality: $(VENV)/dev.done $(DATA)
	$(BIN)/python -m pip install --quiet --requirement benchmarks/peers-of-tables.txt
	$(BIN)/python benchmarks/quality.py $(DATA)

ablation: $(VENV)/dev.done $(DATA)
	$(BIN)/python benchmarks/ablation.py $(DATA)

xor: $(VENV)/dev.done
	$(BIN)/python benchmarks/xor.py

golden: $(VENV)/dev.done
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/python tests/golden/make_optimizers.py
	$(BIN)/python tests/golden/make_parts.py
	$(BIN)/python tests/golden/make_files.py

clean:
	rm -rf $(VENV) dist docs/_build docs/_api .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
