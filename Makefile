# make run    a private XMPP server, the bridge and the page     (HOST=192.0.2.10 PORT=8443)
# make test   everything, with real browsers
# make check  lint, types, unit tests and each branch of protocol/: fast
# make full   and a million random edits, hostile peers, all benchmarks
# make fuzz   a million random edits through the mapping         (FUZZ_ARGS="--seed 2")
# make hostile  100,000 hostile stanzas, hijacks and floods        (HOSTILE_ARGS="--seed 2")
SHELL := /bin/bash
BIN := .venv/bin
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix

# Only what is said on the command line counts: shells and platforms export HOST and PORT too.
given = $(if $(filter command line,$(origin $(1))),--$(2) "$($(1))")
PYTEST_ARGS ?=
FUZZ_ARGS ?=
HOSTILE_ARGS ?=

.NOTPARALLEL:
.PHONY: run test check full fuzz hostile lint types unit coverage web lock reference clean

run:
	@scripts/setup run
	@exec $(BIN)/jinglebridge dev $(call given,HOST,host) $(call given,PORT,port)

test: setup-test lint types web-check coverage
	$(BIN)/pytest $(PYTEST_ARGS)

check: setup-check lint types web-check coverage unit

full: test fuzz hostile
	@for name in mapping setup_time outages; do echo "== $$name" \
		&& $(BIN)/python "benchmarks/$$name.py" --report "docs/results/$${name//_/-}" || exit; done

fuzz: setup-check
	$(BIN)/python tests/fuzz/mapping.py --report docs/results/fuzz-mapping.md $(FUZZ_ARGS)

hostile: setup-test
	$(BIN)/python tests/hostile/run.py --report $(HOSTILE_ARGS)

.PHONY: setup-test setup-check web-check
setup-test setup-check:
	@scripts/setup $(@:setup-%=%)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

unit:
	$(BIN)/pytest -m "not e2e and not server" $(PYTEST_ARGS)

# Without the tests that draw at random: what they happen to reach today they may miss tomorrow.
# The vectors and hostile edits add time and no branch.
coverage:
	$(BIN)/pytest -q -m "not hypothesis" tests/protocol \
		--ignore=tests/protocol/test_vectors.py --ignore=tests/protocol/test_hostile.py \
		--cov=jinglebridge.protocol --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered

web-check:
	$(NPM) web run --silent check

web:
	@scripts/setup run

lock:
	scripts/lock

reference:
	$(BIN)/python scripts/config-reference

clean:
	rm -rf .venv web/node_modules web/dist tests/e2e/driver/node_modules \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
