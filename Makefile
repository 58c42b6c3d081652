.DEFAULT_GOAL := help
.PHONY: help system venv frontend demo test bench quality messages clean

PYTHON ?= python3.11
HOST ?= 127.0.0.1:8000
# Where tox finds the newer column's interpreter when only pyenv has it, whose shims do not lead there.
PYTHON312 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.12.*/bin/python3.12))

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

system: ## Install what the tests need of the system: Chromium, MariaDB, Redis, gettext
	@scripts/system

venv: .venv/.made ## Make the environment .venv, with the pins of the older platform release

# What the plugin runs in. The demo needs no more, so that it needs no compiler and no database's headers.
.venv/.runs: setup.py requirements/older.txt requirements/train.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade pip
	.venv/bin/python -m pip install --quiet -r requirements/older.txt -r requirements/train.txt --editable .
	touch $@

.venv/.made: .venv/.runs $(wildcard requirements/*.txt)
	.venv/bin/python -m pip install --quiet -r requirements/older.txt -r requirements/train.txt -r requirements/test.txt -r requirements/bench.txt tox
	touch $@

frontend: frontend/node_modules ## Build the browser bundles from their sources
	cd frontend && npm run --silent build

demo: .venv/.runs ## Serve a small course with the plugin at work; DATA=path reads your own tracking logs
	NUDGE_DEMO_DATA='$(DATA)' NUDGE_DEMO_URL='http://$(HOST)' .venv/bin/python demo/manage.py demo --serve $(HOST)

frontend/node_modules: frontend/package-lock.json
	cd frontend && npm ci --silent
	touch $@

test: .venv/.made system frontend/node_modules ## Run every test and check
	.venv/bin/tox run-parallel --parallel 2 --parallel-no-spinner $(if $(PYTHON312),--discover $(PYTHON312))

bench: .venv/.made ## Measure every figure in benchmarks/README.md, each beside a rival
	.venv/bin/python -m benchmarks

quality: .venv/.made ## Check style, types and import contracts
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

messages: .venv/.made ## Extract the texts into nudge_xblock/locale and compile their translations
	cd nudge_xblock && ../.venv/bin/django-admin makemessages --locale ar --symlinks --no-location --no-obsolete --keep-pot
	cd nudge_xblock/locale && for po in */LC_MESSAGES/django.po; do \
		msgmerge --quiet --update --backup=none --no-fuzzy-matching --no-location $$po django.pot && \
		msgattrib --no-obsolete --output-file=$$po $$po && \
		msgfmt --check --output-file=$${po%.po}.mo $$po || exit 1; done
	rm nudge_xblock/locale/django.pot

clean: ## Remove the environment and everything made
	rm -rf .venv .tox var build dist *.egg-info frontend/node_modules
