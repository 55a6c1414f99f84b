# Needs python3 (3.11 to 3.13) and make; every target makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check

# Hide TensorFlow's start-up messages.
export TF_CPP_MIN_LOG_LEVEL ?= 2
# Command-line values are passed to the recipe unexpanded, through the environment, so that a path or a
# column name may contain any character. Variables of the same names in the user's environment are ignored.
CSV :=
TEXT :=
TARGET :=
DROP :=
override CSV := $(value CSV)
override TEXT := $(value TEXT)
override TARGET := $(value TARGET)
override DROP := $(value DROP)
export CSV TEXT TARGET DROP

# Two processes with a thread each: with more they would only wait for one another.
PYTEST = TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal
# What these targets read of the folder TEXTCNN_DATA.
TEST_DATA := text/chnsenticorp_hotel.csv.gz text/mr.csv.gz tables/airline_tweets.csv.gz \
	tables/womens_clothing.csv.gz vectors \
	images/mnist/t10k-labels-idx1-ubyte.gz images/ants_bees_small_jpg.tar
BENCH_DATA := text tables vectors/domain.50k.100d.txt.gz

# Modules that need no trained network, and one fit of each class.
CHECK := tests/text tests/crossfit tests/image/test_idx.py tests/image/test_reader.py \
	tests/test_datasets.py tests/test_every_class.py tests/test_makefile.py tests/test_public_api.py

# `make compat` runs these too, with other versions of Python and of the packages.
COMPAT := $(CHECK) tests/test_encoders.py tests/test_linear_encoder.py tests/test_saving.py \
	tests/test_table_features.py

# The dependencies of the package without those that only other networks and word vectors need.
DEMO_NEEDS = import re, tomllib; \
	names = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
	print(*(name for name in names if not re.match("tensorflow|keras|gensim", name)))

SHARE := 1
FITS := 200
ROWS := 10000000

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-data hosts distributed compat package fuzz soak lint format bench leaks docs clean \
	data-for-test data-for-bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-test ## make .venv with the package, the test tools and every Keras backend

demo: $(VENV)/.ready ## compare four ways to use a text column; CSV=file.csv TEXT=column TARGET=column adds your table
	env -u KERAS_BACKEND CUDA_VISIBLE_DEVICES= $(PY) -m textcnn demo $${CSV:+"--csv=$$CSV"} \
		$${TEXT:+"--text=$$TEXT"} $${TARGET:+"--target=$$TARGET"} $${DROP:+"--drop=$$DROP"}

check: lint ## lint and the fast tests, while you work: under 3 minutes on two cores
	$(PYTEST) -q $(CHECK)

test: lint ## lint, tests with warnings as errors, README code, doctests, examples
	$(PYTEST) --durations=25 --doctest-modules textcnn tests
	@echo 'make test left out what only real data prove. To run it: make test-data, with TEXTCNN_DATA set to their folder.'

test-data: data-for-test $(VENV)/.ready-test ## tests on real data sets, in the folder TEXTCNN_DATA (default ../shared/data)
	$(PYTEST) tests/real_data

hosts: ## test inside each AutoML tool, installed in its own environment; HOSTS="flaml h2o" for some of them
	$(PYTHON) hosts/run.py $(HOSTS)

distributed: ## test fit and transform on dask, Ray and Spark, killing workers; ENGINES="dask ray" for some of them
	$(PYTHON) hosts/run.py --folder engines $(ENGINES)

compat: ## test on Python 3.11 to 3.13 and on the lowest versions promised; SETTINGS="3.13 3.11-lowest" for some
	$(PYTHON) compat/run.py $(SETTINGS) --tests "$(COMPAT)"

package: ## build sdist and wheel, check them, install and use the wheel in an empty environment
	$(PYTHON) compat/package.py

fuzz: $(VENV)/.ready-test ## fuzz with 100,000 hostile texts, frames and files; SHARE=0.01 for one per cent of them
	-$(INSTALL) atheris  # fails where it has no wheel, which is ignored
	$(PY) hardening/fuzz.py --share $(SHARE)

soak: $(VENV)/.ready-test ## memory test: 200 fits and 10 million rows in one process; FITS=20 ROWS=1000000 for less
	$(PY) hardening/soak.py --fits $(FITS) --rows $(ROWS)

lint: $(VENV)/.ready-test ## ruff check and format check, and which module may import which
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.ready-test ## fix lint errors and format the code with ruff
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: data-for-bench $(VENV)/.ready-bench ## time the encoder against other libraries and write benchmarks/SPEED.md
	$(PY) benchmarks/suite.py

leaks: $(VENV)/.ready-test ## look for leaks in features of noise, estimator by estimator; writes benchmarks/LEAKS.md
	OMP_NUM_THREADS=1 $(PY) benchmarks/leaks.py --write

docs: $(VENV)/.ready-test ## build the documentation to docs/_build/html; warnings are errors
	$(PY) -m sphinx -W -q -b html docs docs/_build/html

clean: ## remove the virtual environment, caches and built files
	rm -rf $(VENV) hosts/.venvs engines/.venvs compat/.venvs build dist docs/_build docs/generated .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"textcnn needs Python 3.11, 3.12 or 3.13. Received: {sys.version.split()[0]}. Type: make PYTHON=python3.13 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

# Said before anything is installed: which files of the folder TEXTCNN_DATA are missing.
data-for-test:
	@$(PYTHON) benchmarks/shared_data.py $(TEST_DATA)

data-for-bench:
	@$(PYTHON) benchmarks/shared_data.py $(BENCH_DATA)

# Stamps: set-up runs again only when pyproject.toml is newer. The larger one also serves the demo,
# which needs neither TensorFlow and Keras (2 GB) nor gensim. Modules are compiled when imported.
$(VENV)/.ready: pyproject.toml | $(PY)
	$(INSTALL) --no-compile rich $$($(PY) -c '$(DEMO_NEEDS)')
	$(INSTALL) --no-compile --no-deps --editable .
	touch $@

$(VENV)/.ready-test: pyproject.toml | $(PY)
	$(INSTALL) --editable '.[test,backends]'
	touch $(VENV)/.ready $@

$(VENV)/.ready-bench: $(VENV)/.ready-test
	$(INSTALL) --editable '.[bench]'
	touch $@
