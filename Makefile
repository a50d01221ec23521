# Everything that a developer or a build server runs; `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help run test check gen bench fuzz toolchain

# Cases per property for `make fuzz`; a million take some minutes.
CASES ?= 1000000
# Extra arguments for `make bench`, for example BENCH="--quick".
BENCH ?=

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: toolchain ## build the server and start it on http://127.0.0.1:8080, data in ./data
	cargo run --release --package pileus -- serve --quickstart --data data --listen 127.0.0.1:8080

test: toolchain ## everything: style, unit tests, scenarios, kill test, client suites
	tests/run.sh

check: toolchain ## the fast part of `make test`: formatting, lints, unit tests and scenarios
	tests/run.sh fmt clippy unit

gen: toolchain ## write the generated reference documents again
	cargo xtask gen

bench: toolchain ## measure this build beside nginx on the same machine
	tests/lib/install.sh bench
	cargo build --release --package pileus --package pileus-bench
	cargo run --release --quiet --package pileus-bench -- $(BENCH)

fuzz: toolchain ## hostile input against every parser, CASES cases per property
	PILEUS_FUZZ_CASES=$(CASES) cargo test --release --workspace --test hostile
	PILEUS_FUZZ_CASES=$(CASES) cargo test --release --package pileus-server --lib hostile

# Bundled SQLite and the TLS library are C code, so a C compiler is needed besides Rust.
toolchain:
	@command -v cargo >/dev/null || { \
	  echo 'Rust is missing. Install it from https://rustup.rs, then try again.' >&2; exit 1; }
	@command -v cc >/dev/null || { \
	  echo 'A C compiler is missing. On Debian and Ubuntu: apt-get install build-essential' >&2; exit 1; }
