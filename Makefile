# The commands of this project. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CARGO ?= cargo

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
MAJOR := $(firstword $(subst ., ,$(VERSION)))
SONAME := libpact_telemetry.so.$(MAJOR)
# A folder apart from target/, where cargo also builds the rlib: with an rlib it does no link-time optimisation
# (cargo#5791).
CARGO_OUT := build/cargo/release
COMMAND := target/debug/pact-telemetry
# The file that cargo builds, the name by which a program asks for it, and how the loader writes a program's own folder.
ifeq ($(shell uname -s),Darwin)
LIBRARY := libpact_telemetry.dylib
LOADED := libpact_telemetry.$(MAJOR).dylib
HERE := @loader_path
else
LIBRARY := libpact_telemetry.so
LOADED := $(SONAME)
HERE := '$$ORIGIN'
endif
RELEASE_COMMAND := target/command/pact-telemetry

# Where bash, zsh and fish look for completions.
COMPLETIONS := share/bash-completion/completions/pact-telemetry share/zsh/site-functions/_pact-telemetry \
    share/fish/vendor_completions.d/pact-telemetry.fish

# Variables by which cargo describes a package to its tests. ring's build script reads them, so a build that a test
# starts would differ from any other build, and each of the two would have to build everything again.
unexport CARGO_MANIFEST_DIR CARGO_MANIFEST_LINKS CARGO_PKG_NAME CARGO_PKG_VERSION_MAJOR CARGO_PKG_VERSION_MINOR
unexport CARGO_PKG_VERSION_PATCH CARGO_PKG_VERSION_PRE OUT_DIR

# What comes with every copy of the library: the licences of what is linked into it, its bill of materials, and the list
# of what is collected.
DOCUMENTS := LICENSE docs/licences.txt docs/pact_telemetry.cdx.json docs/privacy.md
DOC := share/doc/pact_telemetry
CPP_CMAKE := $(addprefix lib/cmake/pact_telemetry/pact_telemetry-config,.cmake -version.cmake)

.PHONY: FORCE help lib platforms platform command panicking-library scripted-client demo setup test check unit \
    workflows soak abi reproducible supply sanitize fuzz mutants model headers docs bench \
    bench-check bench-program dist version version-check publish lint format install uninstall \
    clean

help: ## lists these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

lib: ## builds the release library: build/lib/libpact_telemetry.so and .a
	@CARGO_ENCODED_RUSTFLAGS="$$(packaging/rustflags)" $(CARGO) rustc --quiet --locked --release --lib --features reserve \
	    --crate-type cdylib,staticlib --target-dir build/cargo -- -C strip=symbols
	@mkdir -p build/lib
	@cmp -s $(CARGO_OUT)/libpact_telemetry.so build/lib/$(SONAME) \
	    || install -m 755 $(CARGO_OUT)/libpact_telemetry.so build/lib/$(SONAME)
	@[ build/lib/libpact_telemetry.a -nt $(CARGO_OUT)/libpact_telemetry.a ] \
	    || packaging/archive $(CARGO_OUT)/libpact_telemetry.a build/lib/libpact_telemetry.a
	@ln -sf $(SONAME) build/lib/libpact_telemetry.so

platforms: ## builds the libraries of all seven platforms: build/platforms/; says what cannot be built here
	@packaging/platforms/build || [ $$? = 77 ]

platform: ## builds the library of one platform: PLATFORM=linux-arm64-musl
	@packaging/platforms/build $(PLATFORM)

command: ## builds the companion command: target/debug/pact-telemetry
	@$(CARGO) build --quiet --locked -p pact-telemetry-cli

panicking-library: # a library for tests: panics when told to, and in a sum that overflows; abidiff reads its types
	@CARGO_PROFILE_DEV_DEBUG=line-tables-only $(CARGO) rustc --quiet --locked --features force-panic --lib \
	    --crate-type cdylib --target-dir build/force-panic -- -C debuginfo=2

scripted-client: # a program of the tests
	@$(CARGO) build --quiet --locked --example scripted_client

demo: lib command ## shows the main job: a C program's four events arrive at a collector
	@$(CC) -std=c99 -Wall -Wextra -Iinclude examples/c/four_events.c -o build/four_events \
	    -Lbuild/lib -lpact_telemetry -Wl,-rpath,'$$ORIGIN/lib'
	@$(COMMAND) demo build/four_events

setup: ## installs what the tests need: packages (Debian and its derivatives, as root), and tools into build/
	@tests/setup

test: ## runs every test; installs what is missing before, unless SETUP=no; says what it could not run
	@[ "$(SETUP)" = no ] || tests/setup
	@tests/run

check: lint unit command ## runs lint, unit tests and one round trip of a C program, in minutes; installs nothing
	@$(CARGO) rustc --quiet --locked --lib --crate-type cdylib
	@mkdir -p build/check
	@cp target/debug/$(LIBRARY) build/check/$(LOADED) && ln -sf $(LOADED) build/check/$(LIBRARY)
	@$(CC) -std=c99 -Wall -Wextra -Iinclude examples/c/four_events.c -o build/check/four_events \
	    -Lbuild/check -lpact_telemetry -Wl,-rpath,$(HERE)
	@$(COMMAND) demo build/check/four_events

unit: ## runs only the unit tests; TARGET=x86_64-unknown-linux-musl: for another target that runs here
	@$(CARGO) test --quiet --locked --workspace --lib --bins $(if $(TARGET),--target $(TARGET))

workflows: ## checks .github/ with actionlint and zizmor
	@tests/workflows

TIMES ?= 5
soak: command $(if $(PLATFORM),platform,lib) ## tries faults, kills, slow servers; minutes. PLATFORM=win32-x64: emulated
	@$(if $(PLATFORM),,$(CARGO) test --quiet --locked --test soak -- --long)
	@tests/platforms/programs --long --times $(TIMES) $(PLATFORM) || [ $$? = 77 ]
	@tests/platforms/units --long $(PLATFORM) || [ $$? = 77 ]

abi: ## checks what a linker and a loader see: headers, abidiff, hardening, exported names (a part of make test)
	@$(CARGO) test --quiet --locked --test c_programs -- abi:: artifacts::the_library

reproducible: ## builds in two folders, and compares the bytes; minutes. PLATFORM="darwin-arm64 win32-x64", or all
	@packaging/reproducible $(PLATFORM)

supply: ## checks licences, origins, vulnerabilities and bill of materials of the dependencies; installs tools
	@packaging/supply

sanitize: ## runs the C programs under the sanitizers and under Valgrind
	@tests/sanitize/run

fuzz: ## runs each fuzz target for FUZZ_SECONDS (30) seconds
	@fuzz/run

mutants: ## runs mutation tests of the files that decide (cargo-mutants); two hours. ONLY=retry: one part
	@tests/mutants $(ONLY)

model: ## tries the lock-free parts in every order that threads and memory allow (loom)
	@RUSTFLAGS="--cfg loom" $(CARGO) test --quiet --locked --lib --target-dir build/loom model::

headers: ## writes include/ and the lists in docs/privacy.md and docs/dependencies.md anew from the sources
	@PACT_TELEMETRY_BLESS=1 $(CARGO) test --quiet --locked --test headers --test docs --test dependencies

docs: ## builds the reference of the Rust API (target/doc) and, by Doxygen, of the C ABI (build/docs/c/html)
	@tests/docs

bench: command bench-program ## measures the cost beside alternatives; writes docs/performance.md; ONLY=arrives: a part
	@benches/build
	@benches/bindings
	@$(BENCH) $(if $(ONLY),only $(ONLY))

bench-check: bench-program ## compares the instructions of an event with benches/instructions
	@$(BENCH) check

# Cargo prints the path, since several builds of the program may exist.
BENCH = $$($(CARGO) bench --locked --bench cost --no-run 2>&1 | sed -n 's/.*(\(.*\/cost-.*\)).*/\1/p')

bench-program: lib # the collector, and the program that measures
	@$(CARGO) build --quiet --locked --release -p pact-telemetry-cli
	@$(CARGO) bench --quiet --locked --bench cost --no-run

dist: lib command ## makes the packages of all languages with the library inside, and tries each in an empty project
	@packaging/platforms/build || [ $$? = 77 ]
	@packaging/pack
	@packaging/try

version: ## sets the version in all the places that hold it: VERSION=1.2.3
	@packaging/version $(VERSION)

version-check: ## checks that all places of the version agree; TAG=v1.2.3: also the tag and the changelog
	@packaging/version --check $(TAG)

publish: ## publishes the packages (RELEASING.md): REGISTRY=npm prints the commands, CONFIRM=yes runs them
	@packaging/publish $(if $(filter yes,$(CONFIRM)),--confirm) $(REGISTRY)

lint: ## runs the formatters and linters of Rust, C, Python and the shell, warnings denied
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --quiet --locked --workspace --all-targets -- -D warnings
	@tests/lint

format: ## formats all sources of Rust, C and Python
	@$(CARGO) fmt --all
	@tests/lint --fix

$(RELEASE_COMMAND): FORCE
	@$(CARGO) build --quiet --locked --profile command -p pact-telemetry-cli
	@rm -rf build/man && mkdir -p build/man && $@ man build/man

FORCE:

install: lib $(RELEASE_COMMAND) ## installs library, headers, pkg-config file, command, manual into $(DESTDIR)$(PREFIX)
	@install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	@install -m 755 build/lib/$(SONAME) $(DESTDIR)$(PREFIX)/lib/
	@ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libpact_telemetry.so
	@install -m 644 build/lib/libpact_telemetry.a $(DESTDIR)$(PREFIX)/lib/
	@install -m 644 include/pact_telemetry.h include/pact_telemetry.ffi.h $(DESTDIR)$(PREFIX)/include/
	@sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' pact_telemetry.pc.in \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/pact_telemetry.pc
	@bindings/cpp/install $(DESTDIR)$(PREFIX) $(PREFIX)
	@install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin share/man/man1 $(DOC) $(dir $(COMPLETIONS)))
	@install -m 644 $(DOCUMENTS) $(DESTDIR)$(PREFIX)/$(DOC)/
	@install -m 755 $(RELEASE_COMMAND) $(DESTDIR)$(PREFIX)/bin/
	@install -m 644 build/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	@for shell in bash zsh fish; do \
	    $(RELEASE_COMMAND) completions $$shell > build/completions.$$shell || exit 1; done
	@install -m 644 build/completions.bash $(DESTDIR)$(PREFIX)/$(word 1,$(COMPLETIONS))
	@install -m 644 build/completions.zsh $(DESTDIR)$(PREFIX)/$(word 2,$(COMPLETIONS))
	@install -m 644 build/completions.fish $(DESTDIR)$(PREFIX)/$(word 3,$(COMPLETIONS))

uninstall: ## removes what install put there
	@rm -f $(addprefix $(DESTDIR)$(PREFIX)/,lib/$(SONAME) lib/libpact_telemetry.so lib/libpact_telemetry.a \
	    include/pact_telemetry.h include/pact_telemetry.ffi.h lib/pkgconfig/pact_telemetry.pc bin/pact-telemetry \
	    include/pact_telemetry.hpp lib/pkgconfig/pact_telemetry-cpp.pc $(CPP_CMAKE) \
	    $(addprefix $(DOC)/,$(notdir $(DOCUMENTS))) $(COMPLETIONS)) $(DESTDIR)$(PREFIX)/share/man/man1/pact-telemetry*.1

clean: ## removes everything that was built
	@$(CARGO) clean
	@rm -rf build
