# Everything starts from here; `make help` lists it. Needs Python 3.11 or newer, nothing else.
.PHONY: help demo demo-reset test quick check bench nightly clean
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
BOOTSTRAP := $(if $(PYTHON),@$(PYTHON) -I trialmgr/demo/bootstrap.py,\
	@echo 'Python 3.11 or newer is needed: install it first' >&2; exit 1;)

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

demo:  ## run the whole of trialmgr here, with a demo trial; PORT_BASE=9000 moves its ports
	$(BOOTSTRAP) run -m trialmgr.demo

demo-reset:  ## throw the demo's data away; the next `make demo` starts afresh
	$(BOOTSTRAP) run -m trialmgr.demo.reset

test:  ## every test, browser tests included; a skipped test counts as a failure
	$(BOOTSTRAP) browser tests/run.py --complete

quick:  ## the tests that are not slow
	$(BOOTSTRAP) dev tests/run.py --quick

check:  ## format, lint, types, import contracts, templates, migrations, rights, translations
	$(BOOTSTRAP) dev tests/check.py

bench:  ## benchmarks, ours beside a reference in one run
	$(BOOTSTRAP) dev bench/run.py

nightly:  ## calibration by simulation; takes long
	$(BOOTSTRAP) dev tests/run.py --nightly

clean:  ## remove the virtual environment and caches, not the demo's data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
