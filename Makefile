# Two commands: `make` (environment, the default experiments, report) and `make test`. The rest are their parts.
VENV ?= .venv
PYTHON ?= python3
# another config than config.yaml: make CONFIG=configs/lm.yaml
CONFIG ?=
CONFIGFILE := $(if $(CONFIG),--configfile $(CONFIG))
# Modules are compiled when first imported, and kept (most of the 19,500 installed never are). Without that every job would spend
# two seconds on compiling its imports anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := all
.PHONY: all env run record restore report summary test test-system test-fast check format clean-env

all: run record report summary

env: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@

# the judge of our RO-Crates, which needs an environment of its own: tests that ask it are skipped without it
validator: .venv-crate/.installed

.venv-crate/.installed: tests/export/validator.txt
	$(PYTHON) -m venv .venv-crate
	.venv-crate/bin/python -m pip install --quiet --requirement tests/export/validator.txt
	touch $@

# the workflow: after this, plain `snakemake` from $(VENV)/bin does the same
run: env
	snakemake $(CONFIGFILE)

# Snakemake's hook has recorded already when something ran; this covers the case where nothing did
record: env
	heirloom record --complete --if-possible $(CONFIGFILE)

# after git checkout of another commit: its data, and Snakemake's records of the jobs that made them
restore: env
	heirloom restore

report: env
	snakemake $(CONFIGFILE) -- pages
	snakemake $(CONFIGFILE) --report results/snakemake-report.html --quiet all -- all pages

summary: env
	heirloom summary $(CONFIGFILE)

test: env
	python -m pytest -m "not system" --numprocesses auto --dist loadfile

test-system: env validator
	python -m pytest -m system --numprocesses auto --dist loadfile

test-fast: env
	python -m pytest -m "not slow and not system" --numprocesses auto --dist loadfile

check: env
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile rules
	codespell
	heirloom schema
	python -m pytest -q tests/workflow/test_rules.py

format: env
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

clean-env:
	rm -rf $(VENV)
