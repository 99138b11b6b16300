# make demo [ARGS=--once]   sets up, then shows swproxy at work on a site of its own
# make test [ARGS=...]      sets up, then runs all tests; ARGS go to pytest
# make bench                measures speed and memory against peers
# make wpt WPT_DIR=DIR [WPT_ONLY=TEXT] [ARGS=...]
#                           runs the web platform tests of a checkout in workers, and writes docs/conformance.md
# make wpt-page WPT_DIR=DIR [WPT_ONLY=TEXT] [ARGS=...]
#                           runs those that are pages in Chromium, and writes docs/page-conformance.md
# make lint, make clean

# The newest interpreter that works, also one under ~/.pyenv/versions.
PYTHON ?= $(shell for minor in 14 13 12 11; do \
	for python in python3.$$minor "$$HOME"/.pyenv/versions/3.$$minor.*/bin/python3 python3; do \
	"$$python" -c "import ensurepip, ssl, sqlite3, sys, venv; sys.exit(sys.version_info[:2] != (3, $$minor))" \
	2>/dev/null && echo "$$python" && exit; done; done)
VENV := .venv/bin

.PHONY: demo test bench wpt wpt-page lint clean

demo: .venv/installed
	$(VENV)/swproxy demo $(ARGS)

test: .venv/tests-installed
	sh tests/set-up.sh
	$(VENV)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

bench: .venv/tests-installed
	$(VENV)/python -m tests.bench $(ARGS)

wpt: .venv/tests-installed
	@test -n "$(WPT_DIR)" || { echo "make wpt needs WPT_DIR=<a checkout of the web platform tests>."; exit 2; }
	$(VENV)/python -m tests.wpt "$(WPT_DIR)" --only "$(WPT_ONLY)" $(ARGS)

wpt-page: .venv/tests-installed
	@test -n "$(WPT_DIR)" || { echo "make wpt-page needs WPT_DIR=<a checkout of the web platform tests>."; exit 2; }
	$(VENV)/python -m tests.wpt.pages "$(WPT_DIR)" --only "$(WPT_ONLY)" $(ARGS)

lint: .venv/tests-installed
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy

clean:
	rm -rf .venv tests/node_modules

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "swproxy needs Python 3.11 or newer with the venv module."; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(VENV)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(VENV)/pip install --quiet --editable .
	@touch $@

.venv/tests-installed: .venv/installed
	$(VENV)/pip install --quiet --group dev
	@touch $@
