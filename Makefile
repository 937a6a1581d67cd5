# Two commands: `make` (environment, the default experiments, report) and `make test`. The rest are their parts.
VENV ?= .venv
PYTHON ?= python3
# uv where it can be had, or pip
INSTALLER ?= uv
# LOCKED=locked installs only files whose hashes are in locks/ (CI does); nothing takes the versions of constraints.txt
LOCKED ?=
# another config than config.yaml: make CONFIG=configs/lm.yaml
CONFIG ?=
CONFIGFILE := $(if $(CONFIG),--configfile $(CONFIG))
# where its results lie (heirloom/results.py): results/ for config.yaml, results/<name>/ for any other file
RESULTS := results$(addprefix /,$(basename $(notdir $(filter-out config.yaml ./config.yaml,$(CONFIG)))))
# Modules are compiled when first imported, and kept (most of the 19,500 installed never are). Without that every job would spend
# two seconds on compiling its imports anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := all
.PHONY: all env dev quick run record restore report summary docs test test-system test-fast test-faults format clean-env
.PHONY: check check-ruff check-format check-mypy check-snakefmt check-codespell check-schema check-rules check-docs
.PHONY: check-container example test-pythons licences locks

all: run record report summary

env: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt tools/install.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python tools/install.py $(VENV) $(INSTALLER) slurm $(LOCKED)
	touch $@

# what tests, checks and the examples read beside that
dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: $(VENV)/.installed
	$(VENV)/bin/python tools/install.py $(VENV) $(INSTALLER) dev $(LOCKED)
	touch $@

# the judges of our exports, each in an environment of its own: tests that ask one are skipped without it
validator: .venv-crate/.installed .venv-croissant/.installed .venv-signing/.installed

.venv-crate/.installed: tests/export/validator.txt
.venv-croissant/.installed: tests/export/croissant.txt
.venv-signing/.installed: tests/export/signing.txt

.venv-crate/.installed .venv-croissant/.installed .venv-signing/.installed:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --require-hashes --requirement locks/build.txt
	$(@D)/bin/python -m pip install --quiet --require-hashes --no-build-isolation --requirement $<
	touch $@

# the workflow: after this, plain `snakemake` from $(VENV)/bin does the same, without the pages that compare sets of rows, which are
# made here because the run's worker has their model at hand
run: env
	snakemake $(CONFIGFILE) -- all comparisons

# Snakemake's hook has recorded already when something ran; this covers the case where nothing did
record: env
	heirloom record --complete --if-possible $(CONFIGFILE)

# after git checkout of another commit: its data, and Snakemake's records of the jobs that made them
restore: env
	heirloom restore

# one text experiment with its page, in a minute after the environment
quick: env
	snakemake --configfile configs/quick.yaml -- all pages
	@echo "heirloom: the page of this run is results/quick/report.html"
	@echo "heirloom: heirloom summary --config configs/quick.yaml prints what was found, heirloom status --config configs/quick.yaml what is done"

# the page and its picture that README and docs/gallery.md show
example: quick
	cp results/quick/report.html docs/example/report.html
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1440,1000 \
	  --screenshot=docs/example/page.png "file://$(CURDIR)/docs/example/report.html"

# after the record, because the page shows what the jobs have cost
report: env
	snakemake $(CONFIGFILE) --report $(RESULTS)/snakemake-report.html --report-after-run -- all pages

summary: env
	heirloom summary $(CONFIGFILE)

test: dev
	python -m pytest -m "not system and not faults" --numprocesses auto --dist loadfile

test-system: dev validator
	python -m pytest -m system --numprocesses auto --dist loadfile

test-fast: dev
	python -m pytest -m "not slow and not system and not faults" --numprocesses auto --dist loadfile

# kills, full disks, malformed files and hostile configs in the numbers that docs/reliability.md gives: about twenty minutes
test-faults: dev
	python -m pytest -m faults --numprocesses auto --dist loadfile

# the fast tests on the other Pythons that pyproject.toml promises, each in an environment of its own, where there is one
test-pythons:
	for version in 3.12 3.13; do \
	  if python$$version --version > /dev/null 2>&1; then \
	    $(MAKE) test-fast PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else echo "python$$version: not on this machine"; fi; \
	done

# .pre-commit-config.yaml calls these one by one
check: check-ruff check-format check-mypy check-snakefmt check-codespell check-schema check-rules check-docs check-container

check-ruff: dev
	ruff check .

check-format: dev
	ruff format --check .

check-mypy: dev
	mypy

check-snakefmt: dev
	snakefmt --check Snakefile rules

check-codespell: dev
	codespell

check-schema: env
	heirloom schema

check-rules: dev
	python -m pytest -q tests/workflow/test_rules.py

# the site, without a network; a page in no menu, a link that leads nowhere and a docstring that cannot be read are errors
docs check-docs: dev
	python -m sphinx --quiet --fail-on-warning --keep-going -d build/doctrees -c docs . build/site
	@echo "heirloom: the site is build/site/index.html"

check-container: dev
	hadolint Containerfile

format: dev
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

# what is installed, with licences; licences.csv for a spreadsheet: make licences FORMAT=csv
FORMAT ?= plain
licences: dev
	pip-licenses --from=mixed --order=license --with-urls --format=$(FORMAT)

# locks/ and the hashes of the judges, after a change of constraints.txt or pyproject.toml; needs PyPI
locks: dev
	$(VENV)/bin/python tools/lock.py

clean-env:
	rm -rf $(VENV)
