# Needs python3 (3.11 to 3.13) and make; every target makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check

# TensorFlow's start-up notices are no news to a reader of these targets.
export TF_CPP_MIN_LOG_LEVEL ?= 2
# What the command line gives goes to the recipe unexpanded and through the environment, so that a path or
# a column name may hold any character. Variables of the same names in the user's environment do not count.
CSV :=
TEXT :=
TARGET :=
override CSV := $(value CSV)
override TEXT := $(value TEXT)
override TARGET := $(value TARGET)
export CSV TEXT TARGET

SHARE := 1
FITS := 200
ROWS := 10000000

.DEFAULT_GOAL := help
.PHONY: help setup demo test hosts distributed fuzz soak lint format bench leaks docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-test ## make .venv with the package, the test tools and every Keras backend

demo: $(VENV)/.ready ## compare four ways to use a text column; CSV=file.csv TEXT=column TARGET=column adds your table
	$(PY) -m textcnn.cli demo $${CSV:+"--csv=$$CSV"} $${TEXT:+"--text=$$TEXT"} $${TARGET:+"--target=$$TARGET"}

# Two processes with a thread each: with more they would only wait for one another.
test: lint ## lint, tests with warnings as errors, README code, doctests, examples
	$(PY) examples/01_reviews_in_a_table.py --quick
	$(PY) -m pytest --doctest-modules textcnn
	TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile --durations=25

hosts: ## install each AutoML host in an environment of its own and try it; HOSTS="flaml h2o" for some
	$(PYTHON) hosts/run.py $(HOSTS)

distributed: ## fit and transform on dask, Ray and Spark for real, with workers killed; ENGINES="dask ray" for some
	$(PYTHON) hosts/run.py --folder engines $(ENGINES)

fuzz: $(VENV)/.ready-test ## 100,000 hostile texts, frames and files; SHARE=0.01 for a hundredth of it
	-$(INSTALL) atheris  # where it has a wheel
	$(PY) hardening/fuzz.py --share $(SHARE)

soak: $(VENV)/.ready-test ## 200 fits and 10 million rows in one process; FITS=20 ROWS=1000000 for less
	$(PY) hardening/soak.py --fits $(FITS) --rows $(ROWS)

lint: $(VENV)/.ready-test ## ruff check and format check, changing nothing
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/.ready-test ## let ruff rewrite what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(VENV)/.ready-bench ## time the encoder against its peers and write benchmarks/SPEED.md
	$(PY) benchmarks/suite.py

leaks: $(VENV)/.ready-test ## look for leaks in features of noise, estimator by estimator; writes benchmarks/LEAKS.md
	OMP_NUM_THREADS=1 $(PY) benchmarks/leaks.py --write

docs: $(VENV)/.ready-test ## build the pages in docs/ to docs/_build/html, warnings as errors
	$(PY) -m sphinx -W -q -b html docs docs/_build/html

clean: ## remove the virtual environment, caches and built files
	rm -rf $(VENV) hosts/.venvs engines/.venvs build dist docs/_build docs/generated .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"textcnn needs Python 3.11, 3.12 or 3.13. Received: {sys.version.split()[0]}. Type: make PYTHON=python3.13 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

# Stamps: set-up runs again only when pyproject.toml is newer. The larger one also serves the demo.
$(VENV)/.ready: pyproject.toml | $(PY)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.ready-test: pyproject.toml | $(PY)
	$(INSTALL) --editable '.[test,backends]'
	touch $(VENV)/.ready $@

$(VENV)/.ready-bench: $(VENV)/.ready-test
	$(INSTALL) --editable '.[bench]'
	touch $@
