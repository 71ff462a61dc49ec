# Each target makes and completes .venv by itself; a second call starts at once.
#   make demo         build the course, grade a class of made-up submissions, print the table
#   make test         everything that CI runs
#   make lab          JupyterLab on copies of the lessons, in work/
#   make bench        long measurements
#   make corpora      every hostile or awkward submission and every mutant; make test tries a part
#   make screenshot   the picture in the README
#   make backbone     train the weights of cnnlib.pretrained anew, in some minutes
#   make lock         write requirements.lock anew; UPGRADE=1 takes the newest of what is not pinned

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# `make test COVERAGE=` counts no lines, and is a little faster.
COVERAGE ?= --cov --cov-report=
PYTEST := $(BIN)/pytest --numprocesses=2 --dist=loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo test lint lab bench corpora screenshot backbone lock clean
.PHONY: bubblewrap chromium postgresql

help:
	@sed -n '2,9s/^# *//p' Makefile

PIP := $(BIN)/pip --quiet --disable-pip-version-check install

# Everything by its hash; then torch and torchvision, whose builds differ from machine to machine,
# and this package.
$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps --requirement requirements.lock
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

# $(call need,COMMAND,PACKAGE): find COMMAND, or install Debian's PACKAGE, or say how to.
define need
@command -v $(1) >/dev/null || { \
  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
    echo "installing Debian's $(2)"; \
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(2); } >/dev/null; \
  else \
    echo "$(1) is missing; install it with: sudo apt-get install $(2)" >&2; exit 1; \
  fi; }
endef

bubblewrap:
	$(call need,bwrap,bubblewrap)

chromium:
	$(call need,chromium,chromium)

postgresql:
	$(call need,pg_virtualenv,postgresql)

demo: $(READY) bubblewrap
	$(BIN)/autograder demo activations

# After two hours pytest is interrupted, and says what failed until then.
test: $(READY) bubblewrap chromium postgresql lint
	timeout --foreground --signal=INT --kill-after=60 7200 $(PYTEST) $(COVERAGE)
	@[ -z "$(COVERAGE)" ] || for package in autograder cnnlib course; do \
	  echo "$$package: $$($(BIN)/coverage report --format=total --include="$$package/*")" \
	    "percent of the lines ran in the tests' own processes"; \
	done

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/autograder build --check

# A learner's copy is never overwritten.
corpora: $(READY) bubblewrap postgresql
	WHOLE_CORPUS=1 $(PYTEST) --override-ini=faulthandler_timeout=3600 tests/grading

lab: $(READY)
	@mkdir -p work
	@for lesson in release/*/; do \
	  copy="work/$$(basename $$lesson)"; [ -e "$$copy" ] || cp -r "$$lesson" "$$copy"; \
	done
	$(BIN)/jupyter lab --notebook-dir=work

bench: $(READY) bubblewrap chromium
	$(BIN)/python -m tests.bench

screenshot: $(READY) chromium
	$(BIN)/python -m tests.browser.screenshot docs/lesson.png

backbone: $(READY)
	mkdir -p build
	$(BIN)/python -m course.datasets.glyphs build/glyphs.safetensors
	$(BIN)/python -m cnnlib.pretrained build/glyphs.safetensors cnnlib/glyphs.safetensors

# For every platform and Python at once. No package is fetched, only what it says of itself.
lock: $(READY)
	$(PIP) --no-build-isolation --editable '.[lock]'
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --extra dev $(if $(UPGRADE),--upgrade) \
	  --no-emit-package torch --no-emit-package torchvision \
	  --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
