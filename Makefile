# The package nats for Tcl. "make" builds it into build/, ready for TCLLIBPATH=$PWD/build.
#
#   make demo                            runs the examples against a server of its own
#   make bench BENCH="-rounds 1"         what the package costs beside other clients and Tcl itself
#   make bench-guard                     counts of instructions against the recorded ones
#   make test                            everything; see scripts/test
#   make test-matrix                     what takes longer; see scripts/test-matrix
#   make soak SOAK_MINUTES=10             a long run whose memory must stay flat; see docs/soak.md
#   make test-tcl FILES=x.test TCLSH=…   some suites in one shell
#   make install PREFIX=… DESTDIR=…      into $(PREFIX)/lib; natstcl into bin, manual pages into share/man

PREFIX     ?= /usr/local
TCLSH      ?= tclsh
VERSION    := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The same two words that Tcl has in tcl_platform, which pkgIndex.tcl looks for.
PLATFORM   := $(shell uname -s | tr A-Z a-z)-$(shell uname -m)
EXTENSION  := $(if $(filter darwin-%,$(PLATFORM)),.dylib,.so)
CARGO_OUT  := $(or $(CARGO_TARGET_DIR),target)/release/libnats$(EXTENSION)
PACKAGE    := build/nats$(VERSION)
LIBRARY    := $(PACKAGE)/$(PLATFORM)/libnats$(VERSION)$(EXTENSION)
# Where Tcl looks for packages below PREFIX: Debian's has lib/tcltk in place of lib.
LIB        := $(or $(shell echo 'puts [expr {"$(PREFIX)/lib/tcltk" in $$auto_path ? "lib/tcltk" : "lib"}]' | \
    env -u TCLLIBPATH $(TCLSH) 2>/dev/null),lib)
INSTALLED   = $(DESTDIR)$(PREFIX)/$(LIB)/nats$(VERSION)
TOOL        = $(DESTDIR)$(PREFIX)/bin/natstcl
MANUAL      = $(DESTDIR)$(PREFIX)/share/man
PAGES      := nats.n nats_jetstream.n nats_kv.n natstcl.1
# Where the link to the tool leads, as seen from its folder.
TOOL_TARGET = ../$(LIB)/nats$(VERSION)/natstcl/natstcl

.PHONY: all manpages library library-path demo bench bench-guard test test-matrix soak test-tcl prepare \
    install uninstall clean distclean

all: $(PACKAGE)/pkgIndex.tcl library

manpages: build/man/nats.n

# One run writes all pages.
build/man/nats.n: scripts/manpages Cargo.toml $(wildcard docs/*.md)
	$(TCLSH) scripts/manpages build/man

# Cargo knows best what is stale, so it is always asked. An unchanged library keeps its file. Only root, in
# "sudo make install", may have no cargo, and gets what the user has built.
library:
	@if [ -f $(LIBRARY) ] && ! command -v cargo >/dev/null; then exit; fi; \
		set -x; cargo build --release --locked
	@mkdir -p $(dir $(LIBRARY))
	@cmp -s $(CARGO_OUT) $(LIBRARY) || install -m 755 $(CARGO_OUT) $(LIBRARY)

library-path:
	@echo $(LIBRARY)

$(PACKAGE)/pkgIndex.tcl: pkgIndex.tcl.in Cargo.toml
	@mkdir -p $(PACKAGE)
	sed 's/@VERSION@/$(VERSION)/g' $< > $@

demo: all
	scripts/demo

bench: all
	TCLSH=$(TCLSH) benches/run $(BENCH)

bench-guard: all
	TCLLIBPATH=$(CURDIR)/build tclsh8.6 benches/guard/guard.tcl

test:
	scripts/test

test-matrix:
	scripts/test-matrix

soak:
	scripts/soak

test-tcl: all
	NATS_SERVER="$${NATS_SERVER:-$$(scripts/nats-server)}" TCLLIBPATH=$(CURDIR)/build \
		$(TCLSH) tests/all.tcl $(FILES)

prepare:
	scripts/prepare

install: all manpages
	install -d $(INSTALLED)/$(PLATFORM)
	install -m 644 $(PACKAGE)/pkgIndex.tcl $(INSTALLED)/pkgIndex.tcl
	install -m 755 $(LIBRARY) $(INSTALLED)/$(PLATFORM)/$(notdir $(LIBRARY))
	install -d $(INSTALLED)/natstcl $(dir $(TOOL))
	install -m 644 tools/natstcl/*.tcl $(INSTALLED)/natstcl
	install -m 755 tools/natstcl/natstcl $(INSTALLED)/natstcl
	ln -sfn $(TOOL_TARGET) $(TOOL)
	install -d $(MANUAL)/mann $(MANUAL)/man1
	install -m 644 $(addprefix build/man/,$(filter %.n,$(PAGES))) $(MANUAL)/mann
	install -m 644 $(addprefix build/man/,$(filter %.1,$(PAGES))) $(MANUAL)/man1
	@echo "If your shell does not look there by itself: TCLLIBPATH=$(PREFIX)/$(LIB)"

# A tool that belongs to another version stays.
uninstall:
	rm -rf $(INSTALLED)
	if [ "$$(readlink $(TOOL))" = $(TOOL_TARGET) ]; then rm $(TOOL); fi
	rm -f $(addprefix $(MANUAL)/mann/,$(filter %.n,$(PAGES))) $(addprefix $(MANUAL)/man1/,$(filter %.1,$(PAGES)))

clean:
	rm -rf build
	cargo clean

distclean: clean
	rm -rf .cache
