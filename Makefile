# `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export CARGO_TERM_COLOR ?= auto
CARGO := cargo
CHART := charts/rollcall
SCRIPTS := $(shell git ls-files '*.sh') .ci/run

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Watch people become accounts: a control plane, two SCIM servers, a small company (KEEP=1 leaves it running)
	@hack/demo.sh

.PHONY: demo-kept
demo-kept: ## Check that a demo that is left running can be looked at, and ended
	@hack/demo-kept.sh

.PHONY: test
test: ## Every test, against a real Kubernetes API server and real SCIM servers, directories and databases
	@hack/test.sh

# How much, from which seed, and for how many days: make simulate SEEDS=1000 SEED=1 DAYS=365
.PHONY: simulate
simulate: export SEEDS := $(or $(SEEDS),100)
simulate: export SEED := $(or $(SEED),1)
simulate: export DAYS := $(or $(DAYS),365)
simulate: export KEEP := 1
simulate: ## Let simulated companies live, a year for each seed (SEEDS=1000); one that fails prints its shortest history and keeps it as a test
	$(CARGO) test --release --locked --test simulation -- --nocapture a_simulated_company

.PHONY: break
break: ## Break the program on purpose, in one place after another, and see that simulated companies notice
	@hack/break.sh

.PHONY: lint
lint: ## Formatting, clippy, scripts, dependencies
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	@hack/lint-scripts.sh $(SCRIPTS)
	@hack/deny.sh
	@git apply --check tests/simulation/breaks.patch || { echo "error: tests/simulation/breaks.patch does not fit any more: see docs/simulation.md" >&2; exit 1; }

.PHONY: generate
generate: ## Write what is generated from the Rust types: the CRDs in crds/, and in the chart
	$(CARGO) run --quiet --locked -- crds --output-dir crds
	$(CARGO) run --quiet --locked -- crds --output-dir $(CHART)/files/crds

.PHONY: check-drift
check-drift: ## Fail where something generated is not what the types say
	$(CARGO) run --quiet --locked -- crds --check crds
	$(CARGO) run --quiet --locked -- crds --check $(CHART)/files/crds

.PHONY: chart
chart: ## Check the Helm chart and pack it into target/ (the tests install it)
	@helm=$$(hack/helm/install.sh); \
	"$$helm" lint --strict $(CHART) --set installation=acme,image.repository=registry.example.com/rollcall; \
	"$$helm" package $(CHART) --destination target

# What and how much: make bench WHAT="storm idle" PEOPLE=10000 ROUNDS=1 INTO=PostgreSQL
.PHONY: bench
bench: ## Measure against a raw client, and at rest; prints a table and writes target/bench/report.json
	$(CARGO) bench --locked --bench rollcall -- $(if $(PEOPLE),--people $(PEOPLE)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(INTO),--into $(INTO)) $(WHAT)

.PHONY: clean
clean: ## Remove what was built here (the cache of test programs stays: see hack/lib/common.sh)
	$(CARGO) clean
	rm -rf demo
