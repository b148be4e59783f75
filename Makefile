# Everything runs in .venv, which is created when it is first needed.

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check --no-input
export PYTHON

# Markers of installed packages. They are reinstalled when a pinned requirement or the project's
# metadata changes.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
# The kernel, built from kernel/. It is built again when its sources change.
KERNEL := $(VENV)/.kernel-installed
# The engines that csvmill is compared with.
PEERS := build/peers
# What builds the site of the documents.
DOCS := build/docs-tools
# The tools of `make sbom` and `make audit`.
AUDIT := build/audit
KERNEL_SOURCES := $(shell find kernel/CMakeLists.txt kernel/src -type f)

# What is shipped, and what builds it.
OURS := gateway processor storage shared csvmill scripts

FILE ?=
T ?= tests
ARGS ?=
WORKERS ?= 3
MINUTES ?= 2
MACHINE ?= $(shell uname -m)
SEED ?= 1

# Whole files, in the order of tests/order.py.
IN_PARALLEL = $(if $(filter-out 0,$(WORKERS)),-n $(WORKERS) --dist loadfile --no-loadscope-reorder)

.DEFAULT_GOAL := help
.PHONY: help env demo serve test long chaos lint kernel wheel fuzz benchmark structure docs sbom audit lock venv clean
.DELETE_ON_ERROR:

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: ## create .env and random secrets for docker compose; ARGS="--renew storage_token" replaces one
	@$(PYTHON) scripts/make_env.py $(ARGS)

demo: $(RUNTIME) $(KERNEL) ## aggregate a large CSV with the real service and check every total; FILE=my.csv uses yours
	@$(VENV)/bin/python -m csvmill.demo $(if $(FILE),'$(FILE)') $(ARGS)

serve: $(RUNTIME) $(KERNEL) ## run the standalone service on port 8000; ARGS="--port 9000 --data-dir DIR"
	@$(VENV)/bin/csvmill serve $(ARGS)

# Unit tests start no server. Exit code 3 of the script means that tests with JavaScript clients are
# skipped.
test: $(DEV) $(KERNEL) ## run all tests, with PostgreSQL and RabbitMQ; T=tests/unit or T=kernel a part, WORKERS=0 one by one
	@$(if $(filter tests/unit% kernel,$(T)),,scripts/install_test_servers)
	@$(if $(filter tests tests/e2e%,$(T)),scripts/install_foreign_clients || [ $$? = 3 ])
	@$(if $(filter tests kernel,$(T)),scripts/test_kernel $(VENV))
	@$(if $(filter tests tests/compose%,$(T)),$(VENV)/bin/python -m tests.compose.build)
	@$(if $(filter kernel,$(T)),,$(VENV)/bin/python -m pytest $(IN_PARALLEL) $(T) $(ARGS))

long: $(DEV) $(KERNEL) ## run the tests that take minutes: outages, a very long job, two minutes of chaos
	@scripts/install_test_servers
	@scripts/install_spark || [ $$? = 3 ]
	@$(VENV)/bin/python -m pytest -m long $(IN_PARALLEL) $(T) $(ARGS)

chaos: $(DEV) $(KERNEL) ## kill, pause and disconnect everything for MINUTES, by SEED; prints figures at the end
	@scripts/install_test_servers
	@$(VENV)/bin/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED)

lint: $(DEV) ## check style, types, imports between modules, security, and forbidden content of files
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive $(OURS)
	@$(VENV)/bin/python scripts/check_files.py
	@$(VENV)/bin/python scripts/structure.py --check > /dev/null
	@scripts/lint_kernel $(VENV)
	@scripts/lint_page

kernel: $(KERNEL) ## build the kernel, the native program that aggregates

wheel: $(RUNTIME) ## build a wheel for glibc 2.28 and newer in dist; MACHINE=aarch64 for another machine
	@$(VENV)/bin/python scripts/build_wheel dist $(MACHINE)

fuzz: $(DEV) ## fuzz the kernel's readers for MINUTES, with sanitizers; needs clang
	@scripts/fuzz_kernel $(VENV) $(MINUTES)

benchmark: $(DEV) $(KERNEL) $(PEERS)/.installed ## compare the kernel with other engines; ARGS="--rows few wide --size 100" a part
	@$(VENV)/bin/python -m benchmarks.engines $(ARGS)

structure: $(RUNTIME) ## count packages, imports and import cycles of the code; ARGS="--imports gateway" lists them
	@$(VENV)/bin/python scripts/structure.py $(ARGS)

docs: $(DOCS)/.installed ## build the documents as a site in build/docs/site, and check its links
	@$(DOCS)/bin/python scripts/docs_site.py

sbom: $(AUDIT)/.installed ## write the bill of materials of the services to dist/sbom.json (CycloneDX)
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(AUDIT)/bin/cyclonedx-py requirements requirements/runtime.txt \
		--pyproject pyproject.toml --output-reproducible --output-format JSON --output-file dist/sbom.json

audit: $(AUDIT)/.installed ## compare the packages of the services with published advisories; needs the internet
	@$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements/runtime.txt

lock: ## compile requirements/*.in; ARGS=--upgrade selects the newest versions
	@scripts/lock $(ARGS)

venv: $(DEV) $(KERNEL) ## create .venv with everything that the other commands need

clean: ## remove .venv and the files of tools
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache tests/e2e/foreign/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DOCS)/.installed: requirements/docs.txt scripts/make_venv
	@echo "Installing what builds the documents into $(DOCS) ..."
	@scripts/make_venv $(DOCS)
	@$(DOCS)/bin/python -m pip --quiet --disable-pip-version-check --no-input install --require-hashes -r $<
	@touch $@

$(AUDIT)/.installed: requirements/audit.txt scripts/make_venv
	@echo "Installing the tools of audits into $(AUDIT) ..."
	@scripts/make_venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip --quiet --disable-pip-version-check --no-input install --require-hashes -r $<
	@touch $@

# --require-hashes: only pinned packages are installed. The project itself is installed in place with
# the pinned tools, so no build environment is downloaded, and without the kernel, which $(KERNEL) builds.
$(RUNTIME): requirements/runtime.txt requirements/build.txt pyproject.toml scripts/make_venv
	@echo "Installing csvmill into $(VENV) ..."
	@scripts/make_venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --config-settings wheel.cmake=false --editable .
	@touch $@

$(KERNEL): $(RUNTIME) $(KERNEL_SOURCES) scripts/build_kernel scripts/compiler.py
	@echo "Building the native kernel ..."
	@scripts/build_kernel $(VENV)
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "Installing the tools for tests and checks into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(PEERS)/.installed: requirements/benchmarks.txt scripts/make_venv
	@echo "Installing other engines into $(PEERS) ..."
	@scripts/make_venv $(PEERS)
	@$(PEERS)/bin/python -m pip --quiet --disable-pip-version-check --no-input install --require-hashes -r $<
	@touch $@
