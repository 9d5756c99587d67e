# Everything a developer does. `make` alone lists it; `make test` needs Go and nothing else.
SHELL := /bin/sh
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL := $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 30s
BENCH ?= .
BENCHTIME ?= 50ms
PKG ?= ./...

.PHONY: help run build test check race lint fmt gen golden fuzz bench sim e2e e2e-long oracle oracle-long vuln size compose clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: build ## build, and start the demo on ./.leat
	bin/leat dev --demo --data ./.leat || [ $$? -eq 130 ] # Ctrl-C is how it ends

build: ## build bin/leat, one static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/leat ./cmd/leat

test: ## everything this machine can check; says what it skipped
	@sh scripts/test.sh

check: test ## the same as test

race: ## the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $(PKG)

lint: ## go vet, formatting, golangci-lint, map order
	@sh scripts/test.sh vet fmt lint maprange

fmt: ## format the code
	$(TOOL) golangci-lint fmt

gen: ## generate code, then show what changed
	$(GO) generate ./...
	@git status --short -- '*_gen.go' '*_string.go'

golden: ## rewrite the golden files of the tests (look at the diff)
	@sh scripts/golden.sh

fuzz: ## fuzz every target for FUZZTIME (30s)
	@FUZZTIME=$(FUZZTIME) sh scripts/test.sh fuzz

bench: build ## micro benchmarks (BENCH=RE PKG=./pkg/sql/... narrow them), then the workloads beside their limits
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(PKG)
	bin/leat bench

sim: ## the seeded simulation, longer than in the tests
	LEAT_SIM_SEEDS=$${LEAT_SIM_SEEDS:-2000} $(GO) test -count 1 -timeout 30m -run 'Sim' ./internal/... ./services/...

e2e: build ## tests over real processes
	@sh scripts/test.sh e2e

e2e-long: build ## leat dev killed 100 times (LEAT_E2E_KILLS, LEAT_E2E_SEED)
	LEAT_BIN=$(CURDIR)/bin/leat LEAT_E2E_KILLS=$${LEAT_E2E_KILLS:-100} LEAT_E2E_SEED=$${LEAT_E2E_SEED:-1} \
		$(GO) test -tags e2e -count 1 -timeout 60m -run TestKillDev -v ./e2e/

oracle: ## Nexmark and random queries against DuckDB (needs a C compiler)
	@sh scripts/test.sh oracle

oracle-long: ## the same with 1 M events, message mode, and random queries for ORACLE_MINUTES (30) from ORACLE_SEED (1) on
	@ORACLE_TIMEOUT=24h ORACLE_FLAGS="-v -args -events $${ORACLE_EVENTS:-1000000} -message-events $${ORACLE_EVENTS:-1000000} \
		-minutes $${ORACLE_MINUTES:-30} -seed $${ORACLE_SEED:-1} -same 2000 -message-queries 200" sh scripts/test.sh oracle

vuln: ## known vulnerabilities in what we call (needs the network)
	$(TOOL) govulncheck ./...

size: build ## size of the binary by module
	@sh scripts/size.sh bin/leat

compose: build ## prepare deploy/compose: binaries and a password
	@sh scripts/compose.sh

clean: ## remove what was built
	rm -rf bin
