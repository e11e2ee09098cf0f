# Everything runs in .venv, which is made here; `make help` lists the targets.

PYTHON  ?= python3
WORKERS ?= 6
BIN     := .venv/bin
PIP     := $(BIN)/pip --disable-pip-version-check --quiet
PYTEST  := $(BIN)/python -m pytest
# Empty where there is no slipcover: it has no release for Python 3.15 yet.
COVER    = $(shell $(BIN)/python -c 'import slipcover' 2>/dev/null && echo '-m slipcover')
# What failed alongside others is run once more, alone, and has to pass there.
ALONE   := echo "== what failed, once more and alone"; $(PYTEST) --last-failed --last-failed-no-failures none
COMPILE := $(BIN)/pip-compile --quiet --upgrade --generate-hashes --all-build-deps --allow-unsafe \
           --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# Compiled once, and not by each worker and each process that a test starts.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test parts check format generate screenshots proof nightly faults faults-peers bench bench-daemon \
  bench-faults bench-gatus bench-health bench-hostile bench-independent bench-load bench-peers bench-page bench-regions \
  bench-rtc bench-rules bench-scale bench-series bench-status coverage dist flame sbom lock dashboards clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/runtime.stamp ## environment, install, one run against the built-in lab
	@$(BIN)/probe --once --lab

test: .venv/dev.stamp ## the tests, with the real parts that are there (WORKERS=N)
	@$(PYTEST) --numprocesses $(WORKERS) --dist worksteal --timeout 180 || { $(ALONE) --timeout 180; }

coverage: .venv/dev.stamp ## the same tests with coverage, which costs them a sixth of their time
	@$(BIN)/python $(COVER) -m pytest --numprocesses $(WORKERS) --dist worksteal --timeout 180
	@$(if $(COVER),$(BIN)/python $(COVER) --xml --out coverage.xml --merge .coverage.json)

parts: ## install the real parts of the tests: coturn, node, socket.io, prometheus, chromium, …
	@tests/servers/install

check: .venv/dev.stamp ## format, lint, types, shell scripts, Dockerfile, workflows, installed versions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/shellcheck .ci/run tests/servers/install .github/actions/probe/steps
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/zizmor --quiet --offline .github
	@if command -v actionlint >/dev/null; then actionlint; else echo "no actionlint: make parts" >&2; fi
	@$(BIN)/pip --disable-pip-version-check check

proof: .venv/dev.stamp ## the long forms of the tests, in about 20 minutes, at most 40
	@timeout --kill-after=30 2400 $(PYTEST) -m proof -rfEP --numprocesses 3 --dist worksteal || { code=$$?; \
	  [ $$code -ne 124 ] || { echo "stopped: the long forms took more than 40 minutes" >&2; exit $$code; }; \
	  $(ALONE) -m proof -rfEP; }

nightly: .venv/dev.stamp ## the longest forms of the tests, in hours: seeds, kills, damages, chaos
	@$(PYTEST) -m nightly -rfEP --numprocesses 2 --dist worksteal || { $(ALONE) -m nightly -rfEP; }

faults: .venv/dev.stamp ## system calls of a real daemon fail, as a table, in an hour (EVERY=N: each Nth case)
	@$(BIN)/python -m tests.faults $(or $(EVERY),1) $(WORKERS)

faults-peers: .venv/dev.stamp ## the same faults for the probe, Gatus and Alertmanager, as a table, in 10 minutes
	@$(BIN)/python -m tests.faults.peers

bench: .venv/dev.stamp ## how fast the command line is
	@$(BIN)/python -m tests.bench

bench-daemon: .venv/dev.stamp ## the daemon's memory, CPU, lateness and pages, in about 15 minutes
	@$(BIN)/python -m tests.bench.daemon

bench-peers: .venv/dev.stamp ## what a check costs, compared with Gatus, Cloudprober and blackbox_exporter
	@$(BIN)/python -m tests.bench.peers

bench-scale: .venv/dev.stamp ## cost and lateness up to 10,000 targets, and 200 relayed calls a minute
	@$(BIN)/python -m tests.bench.cost.scale

flame: .venv/dev.stamp ## where the daemon's CPU goes at 500 checks a second, as docs/images/flame.svg
	@$(BIN)/python -m tests.bench.cost.flame

bench-page: .venv/dev.stamp ## how soon a page leaves, compared with Prometheus and Alertmanager
	@$(BIN)/python -m tests.bench.page

bench-hostile: .venv/dev.stamp ## what hostile targets cost their neighbours, in 20 minutes (ONLY=word, BEFORE=folder)
	@BEFORE=$(BEFORE) $(BIN)/python -m tests.bench.hostile $(ONLY)

bench-independent: .venv/dev.stamp ## figures of --once compared with those of other programs (ROUNDS=N)
	@$(BIN)/python -m tests.bench.independent $(ROUNDS)

bench-load: .venv/dev.stamp ## a load compared with an independent generator, in about 8 minutes (ROUNDS=N)
	@$(BIN)/python -m tests.bench.load $(ROUNDS)

bench-rules: .venv/dev.stamp ## series, bytes and evaluation time of the rules for 1,000 checks, in 3 minutes
	@$(BIN)/python -m tests.bench.rules

bench-series: .venv/dev.stamp ## series and bytes of a scrape for 30, 300 and 1,000 checks, in a minute
	@$(BIN)/python -m tests.bench.rules sizes

bench-health: .venv/dev.stamp ## how soon /healthz and /metrics answer while 1,000 checks fail, in 5 minutes
	@$(BIN)/python -m tests.bench.health

bench-status: .venv/dev.stamp ## what the status page takes with 1,000 checks and 90 days
	@$(BIN)/python -m tests.bench.status_page

bench-regions: .venv/dev.stamp ## time to page and cost of 1, 3 and 5 probes, in about 4 minutes; needs root
	@$(BIN)/python -m tests.regions compare

bench-faults: .venv/dev.stamp ## time to page for each fault of the lab, in about 5 minutes a round (ROUNDS=N)
	@$(BIN)/python -m tests.alerts.time_to_page $(ROUNDS)

bench-gatus: .venv/dev.stamp ## the status page compared with Gatus' on the same outage, as pictures
	@$(BIN)/python -m tests.bench.beside_gatus

bench-rtc: .venv/dev.stamp ## a call's phases compared with Chromium's, in about 6 minutes (ROUNDS=N)
	@$(BIN)/python -m tests.bench.rtc $(ROUNDS)

format: .venv/dev.stamp ## format the code, and fix what lint can fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

generate: .venv/dev.stamp dashboards ## all that follows from the code: docs, .env.example, dashboards, rules
	@$(BIN)/python -m probe.generate

dashboards: .venv/dev.stamp ## dashboards and rules alone
	@$(BIN)/python -m dashboards.build

screenshots: .venv/dev.stamp ## the pictures of the documentation, with Chromium
	@$(BIN)/python -m tests.screenshots

dist: .venv/dev.stamp ## source distribution and wheel, in dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

sbom: .venv/dev.stamp ## bill of materials (CycloneDX) of what is locked, in dist
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --of JSON --output-file dist/probe.cdx.json requirements.txt 2>/dev/null
	@echo "dist/probe.cdx.json is made"

lock: .venv/dev.stamp ## resolve the dependencies anew into requirements*.txt
	@$(COMPILE) --output-file requirements.txt pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@for file in requirements.txt requirements-dev.txt; do \
	  { echo "# Made by \`make lock\` from pyproject.toml."; cat $$file; } > $$file.new && mv $$file.new $$file; \
	done
	@echo "requirements.txt and requirements-dev.txt are made anew"

clean: ## remove the environment, caches and what was built
	@rm -rf .venv build dist ./*.egg-info tests/servers/node/node_modules \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "probe needs Python 3.11 or newer: make PYTHON=python3.13 …" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv

# A stamp is newer than what was installed from, so nothing is installed twice.
# The build backend is locked with the rest; that's why no isolated build is needed.
.venv/runtime.stamp: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements.txt into .venv"
	@$(PIP) install --require-hashes --requirement requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/runtime.stamp
	@echo "installing requirements-dev.txt into .venv"
	@$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@
