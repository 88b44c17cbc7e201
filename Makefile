# Frostline. `make` alone lists the targets. On a fresh machine with Go and a C compiler
# `make run` and `make test` do all their own set-up; neither asks for root.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The clock floor: before this second the wall clock is certainly wrong.
BUILT   ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y go.mod)
LDFLAGS := -X main.version=$(VERSION) -X main.built=$(BUILT)

# What a static release binary is built with; the 32-bit tests use the same.
STATIC_TAGS := netgo osusergo sqlite_omit_load_extension

PKGS       ?= ./...
RACE_PKGS  ?= $(PKGS)
FUZZTIME   ?= 30s
N          ?= 200
ARGS       ?=
PACKAGED   ?= amd64 arm64 armv7

export CGO_ENABLED := 1
export GO VERSION BUILT STATIC_TAGS FUZZTIME PACKAGED

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## build bin/frostline for this machine
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/frostline ./cmd/frostline

.PHONY: run
run: build ## build and start the demo (ARGS="--speed 60 --for 30s")
	./bin/frostline demo $(ARGS)

.PHONY: test
test: peers ## run all tests; the last line names what was left out (PKGS=./agent/...)
	@$(GO) run ./internal/testreport -shuffle=on $(PKGS)

.PHONY: peers
peers: ## get a real influxd and Mosquitto into .cache/bin (no root, no service)
	@.ci/peers

.PHONY: test-deps
test-deps: ## install with apt what tests and cross builds need (sudo unless root)
	@.ci/test-deps

.PHONY: test-race
test-race: peers ## run the tests under the race detector (RACE_PKGS=./agent/store/...)
	@$(GO) run ./internal/testreport -race -shuffle=on $(RACE_PKGS)

.PHONY: test-32
test-32: ## run the unit tests as 32-bit ARM under qemu-user
	@.ci/test-32

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s)
	@.ci/fuzz $(PKGS)

.PHONY: lint
lint: ## gofmt, go vet, shell syntax, and golangci-lint where it is installed
	@.ci/lint

.PHONY: generate
generate: ## write the generated files: driver lists, sample config, schema, docs
	$(GO) generate ./sensors/all ./sync/all ./agent/announce/all ./agent/alarm/all
	$(GO) generate ./...

.PHONY: check
check: ## everything CI runs, with the duration of each step
	@.ci/check

.PHONY: cover
cover: ## run the tests with coverage into .cache/cover.html
	@mkdir -p .cache
	@$(GO) run ./internal/testreport -coverprofile=.cache/cover.out -coverpkg=./... $(PKGS)
	@$(GO) tool cover -html=.cache/cover.out -o .cache/cover.html
	@$(GO) tool cover -func=.cache/cover.out | tail -n 1

.PHONY: bench
bench: build peers ## measure every line of the budgets with the real binary
	@$(GO) run ./internal/bench $(ARGS)

.PHONY: crash
crash: build peers ## kill the agent with SIGKILL N times (200) and compare ledger and store
	@$(GO) run ./internal/lab/crash -n $(N) $(ARGS)

.PHONY: lab-alarms
lab-alarms: ## live a seeded year of 20 rooms: which excursions the alarms raise, and what in vain
	@$(GO) run ./internal/lab/year -rooms 20 -days 365 -seed 1 $(ARGS)

.PHONY: cross
cross: ## build static binaries for amd64, arm64 and armv7 into dist/
	@.ci/cross

.PHONY: package
package: build cross ## build the .deb for each architecture into dist/
	@.ci/package

.PHONY: clean
clean: ## remove bin/ and dist/; .cache/ stays (remove it by hand to fetch the peers anew)
	rm -rf bin dist
