# The commands of the project. Each does its own set-up: a machine with cargo and Debian's apt is enough.
#
#   make demo    the main job on real images: Nix → archive → registry → a container on each architecture
#   make test    every test: Rust, Nix and what the README says
#   make bench   polyarch against its peers and against the machine; writes docs/benchmarks.md
#   make aarch64 the same bytes from an aarch64 build, emulated (minutes)
#   make lint    formatting and lints

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

ifeq (,$(shell command -v cargo))
$(error cargo is not there; install Rust 1.88 or newer)
endif

host := $(shell rustc -vV | sed -n 's/^host: //p')
export POLYARCH := $(CURDIR)/target/$(host)/release/polyarch

.PHONY: test bench demo aarch64 lint setup bench-setup static

test: setup static
	POLYARCH_TOOLS=required cargo test --locked
	tests/nix/run
	tests/readme/run

bench: bench-setup static
	tests/bench/run

demo: setup static
	tests/demo/run

aarch64: setup static
	tests/aarch64/run

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck -x .ci/run tests/setup tests/aarch64/run tests/nix/run tests/readme/run tests/demo/run

setup:
	tests/setup

bench-setup:
	tests/setup bench

# Cargo knows best whether there is something to do. Linked statically, because nothing else runs in a Nix sandbox
# without nixpkgs; with a target of its own, so that the flags do not disturb other builds.
static:
	RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --release --quiet --target $(host)
