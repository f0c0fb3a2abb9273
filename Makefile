# The commands of the project. Each does its own set-up: a machine with cargo and Debian's apt is enough.
#
#   make demo    the main job on real images: Nix → archive → registry → a container on each architecture
#   make test    every test: Rust, Nix, the documentation, the examples, and other tools
#   make bench   polyarch compared with other tools and with the machine; writes docs/benchmarks.md
#   make release  the program of a release for this machine, and its checksum, in target/release-files
#   make test-release  the programs of a release for both architectures: same bytes, run here (20 minutes)
#   make lint    formatting, lints, and phrases that the style guide replaces
#   make fuzz    searches for inputs that break polyarch, FUZZ_SECONDS=60 for each target; needs a nightly Rust
#   make soak    random images through every consumer, kills, full disks and other faults, for SECONDS=600
#   make docs    the book of docs/, in target/book
#   make docs-nix  generates docs/nix.md from the comments in nix/
#   make docs-interop  writes the tables of docs/interop.md, from the results of other tools
#   make docs-picture  writes docs/analysis.png, the picture of the analysis page

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

ifeq (,$(shell command -v cargo))
$(error cargo is missing; install Rust 1.88 or newer)
endif

host := $(shell rustc -vV | sed -n 's/^host: //p')
export POLYARCH := $(CURDIR)/target/$(host)/release/polyarch

# In parts of `make test`, cargo would look for the job server of make, which only recipes that run make can use.
alone := env -u MAKEFLAGS -u MFLAGS

# No step waits for ever. Each takes some minutes.
limit := $(alone) timeout --foreground --kill-after=60 5400

.PHONY: test compiled-tests release newer-tools sbom-tools example-packages bench fuzz soak demo test-release lint docs docs-nix docs-interop docs-picture setup bench-setup demo-setup static

# Nix, pushes, the examples and the consumers are tested twice: with the tools of this machine and with the newest ones of Debian.
test: setup
	@# At once: downloads wait for the network, and the ends of both compilations for one processor.
	$(MAKE) --no-print-directory --jobs=5 static compiled-tests newer-tools sbom-tools example-packages
	@# Two at once, each printed when it ends: most of them wait for other programs.
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(parts)
	tests/both tests/versions

# The longest come first.
parts := test-nix test-rust test-interop test-examples test-push test-readme test-page test-docs
.PHONY: $(parts)

test-rust:
	$(limit) env POLYARCH_TOOLS=required cargo test --locked

test-nix test-push test-examples test-interop: test-%:
	$(limit) tests/both tests/$*/run

test-readme test-page test-docs: test-%:
	$(limit) tests/$*/run

bench: bench-setup static
	tests/bench/run
	tests/bench/loop

fuzz:
	tests/fuzz/run

# SEED=N starts with the round that a failure has printed. First the tables of docs/verify.md, in some minutes: who
# refuses which images and layers.
soak: setup newer-tools
	POLYARCH_TOOLS=required nice -n 19 cargo test --locked --test integration -- --ignored refuse
	POLYARCH_TOOLS=required SOAK_SECONDS=$(or $(SECONDS),600) SOAK_SEED=$(SEED) \
		nice -n 19 cargo test --locked --test integration -- --exact soak::soak --ignored --nocapture

demo: demo-setup static
	tests/demo/run

test-release: setup
	tests/release/run

nix_files = $$(git ls-files '*.nix')
# Files that only another script sources are checked with it.
shell_scripts = $$(git grep -lE '^\#!.*\<(ba)?sh$$' -- ':!docs' ':!examples' ':!*.sh') nix/scripts/*.sh tests/nix/cases/*.sh

lint:
	tests/lint-tools
	target/tools/bin/nixfmt --check $(nix_files)
	target/tools/bin/deadnix --fail $(nix_files)
	cargo fetch --locked --quiet
	target/tools/bin/cargo-deny --offline --locked check licenses bans sources
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck -x $(shell_scripts)
	tests/examples/lint
	tests/lint-prose

# docs/nix.md is generated from the comments in nix/. `make test` fails if it is stale.
docs-nix:
	nix/docs >docs/nix.md

# The book of docs/, in target/book. Its commands and links are tested by `make test`, which needs no mdBook.
docs:
	tests/lint-tools mdbook
	target/tools/bin/mdbook build docs

# Both tables of docs/interop.md.
docs-interop: setup static newer-tools
	tests/interop/run --write
	target/newer/run tests/interop/run --write

setup:
	tests/setup

# Takes the picture of the analysis page, from files of Debian's packages.
docs-picture: setup static example-packages
	tests/docs/picture.py

# The newest Nix, skopeo, podman, Docker and others of Debian, beside those of this machine, in target/newer.
newer-tools:
	tests/newer-tools

# The libraries that validate documents of SPDX and CycloneDX, in target/sbom-tools.
sbom-tools:
	tests/sbom-tools

# What the examples build with, in target/examples.
example-packages:
	tests/examples/get

compiled-tests:
	$(alone) cargo test --locked --no-run --quiet

bench-setup:
	tests/setup bench

release:
	release/build

# Only what the demo uses.
demo-setup:
	tests/setup demo

# Cargo knows best whether there is something to do. Linked statically, because nothing else runs in a Nix sandbox
# without nixpkgs; with a separate target, so that the flags do not disturb other builds.
static:
	@echo 'Compiling polyarch, linked statically, into $(POLYARCH:$(CURDIR)/%=%) (minutes on the first run)' >&2
	@RUSTFLAGS='-C target-feature=+crt-static' $(alone) cargo build --locked --release --target $(host)
