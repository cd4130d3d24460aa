# SPDX-License-Identifier: MIT
# Makefile - build, test and install tcpd.  `make help` lists the targets.

O      ?= build
PREFIX ?= /usr/local
CC     ?= cc
Q      ?= @

# of the shared libraries: goes up with what breaks programs built before
ABI    := 0

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum \
	-Wformat=2 -Wundef -Wpointer-arith
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE \
	-fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common
OPT    ?= -O2 -g
SAN    ?=
COVER  ?=
ifneq ($(SAN),)
# a check of the stack's own that fails is fatal here (lib/tcp/conn.h)
SANFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-DTCPD_DEBUG
HARDEN := $(filter-out -D_FORTIFY_SOURCE=2,$(HARDEN))
endif
ifneq ($(COVER),)
# what tests execute, for scripts/check-complete
EXTRA  := --coverage -O0
HARDEN := $(filter-out -D_FORTIFY_SOURCE=2,$(HARDEN))
endif
CFLAGS   ?=
ALL_CFLAGS := -std=c11 $(WARN) $(OPT) $(HARDEN) $(SANFLAGS) $(EXTRA) $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANFLAGS) $(EXTRA) $(LDFLAGS)

pkg = $(shell pkg-config --$(1) $(2) 2>/dev/null)

# --- the stack: no I/O, so no _GNU_SOURCE and no libraries
STACK_SRC := $(sort $(wildcard lib/base/*.c lib/wire/*.c lib/tcp/*.c lib/stack/*.c))
APP_SRC   := $(sort $(filter-out %/preload.c,$(wildcard lib/proto/*.c lib/app/*.c)))
D_SRC     := $(sort $(wildcard daemon/*.c))
CTL_SRC   := $(sort $(wildcard daemon/ctl/*.c))
obj = $(patsubst %.c,$(O)/%.o,$(1))
pic = $(patsubst %.c,$(O)/pic/%.o,$(1))

D_LIBS   := -lev $(call pkg,libs,libconfuse jansson libmicrohttpd libmnl libcap-ng) -lpthread
D_CFLAGS := $(call pkg,cflags,libconfuse jansson libmicrohttpd libmnl libcap-ng)
CTL_LIBS := $(call pkg,libs,jansson)
CHECK_LIBS := $(call pkg,libs,check)

UNIT := $(patsubst test/unit/%.c,$(O)/test/unit/%,$(sort $(wildcard test/unit/test_*.c)))
EXAMPLES := $(patsubst examples/%.c,$(O)/examples/%,$(sort $(wildcard examples/*.c)))
SCRIPT_SRC := $(sort $(wildcard test/script/*.c))
SIM_SRC    := $(sort $(wildcard test/sim/*.c))
# what the tests in virtual time share
HARNESS    := $(O)/libharness.a
FUZZ := $(patsubst %.c,$(O)/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
RANDOM := $(O)/test/fuzz/random_packets
# the adapter for packetdrill: of the daemon what reads tcpd.conf
DRILL_SRC  := $(filter-out %/preload.c %/selftest.c,$(sort $(wildcard test/packetdrill/*.c))) \
	$(sort $(wildcard daemon/conf*.c)) daemon/stackmem.c daemon/tcpinfo.c
DRILL      := $(O)/tcpd-packetdrill.so $(O)/tcpd-packetdrill-preload.so \
	$(O)/test/packetdrill/selftest
TOOL_SRC   := $(sort $(wildcard test/net/*.c test/bench/*.c))
TOOLS      := $(patsubst %.c,$(O)/%,$(TOOL_SRC))

BINS := $(O)/tcpd $(O)/tcpctl
LIBS := $(O)/libtcpd.a $(O)/libtcpd.so $(O)/libtcpd-app.a $(O)/libtcpd-app.so

.PHONY: all help check check-sim check-net asan lint analyze bench install clean tests \
	fuzzers
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBS) $(BINS) $(EXAMPLES)

help:
	@sed -nE 's/^# (target|      ) (.*)/\2/p' Makefile

# target all         the libraries, tcpd, tcpctl and the examples, in $(O)
# target tests       the test programs
# target check       unit tests, conversations, simulation, layers, coverage,
#                    fuzzing
# target check-sim   50,000 seeds of the simulation, and the tables of goodput
# target check-net   namespace tests (root)
# target asan        check under ASan and UBSan, and check-net once
# target fuzzers     the fuzz targets (see scripts/fuzz)
# target lint        clang-format, clang-tidy, cppcheck, shellcheck
# target analyze     gcc -fanalyzer
# target bench       scripts/bench (root)
# target install     into $(DESTDIR)$(PREFIX)

tests: $(RANDOM) $(UNIT) $(DRILL) $(TOOLS) $(O)/test/link/link $(EXAMPLES) $(O)/scripts/conf_doc \
	$(if $(SCRIPT_SRC),$(O)/test/script/run) $(if $(SIM_SRC),$(O)/test/sim/sim)

INC_STACK := -Ilib -Ilib/include
INC_ALL   := -Ilib -Ilib/include -I. -D_GNU_SOURCE

$(O)/lib/base/%.o $(O)/lib/wire/%.o $(O)/lib/tcp/%.o $(O)/lib/stack/%.o: INC := $(INC_STACK) -ffreestanding -fno-builtin-malloc
$(O)/pic/lib/base/%.o $(O)/pic/lib/wire/%.o $(O)/pic/lib/tcp/%.o $(O)/pic/lib/stack/%.o: INC := $(INC_STACK)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(or $(INC),$(INC_ALL) $(D_CFLAGS)) -MMD -MP -c $< -o $@

$(O)/pic/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $< (shared)"
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC $(or $(INC),$(INC_ALL)) -MMD -MP -c $< -o $@

$(O)/libtcpd.a: $(call obj,$(STACK_SRC))
$(O)/libtcpd-app.a: $(call obj,$(APP_SRC))
$(HARNESS): $(call obj,$(sort $(wildcard test/harness/*.c)))
$(O)/%.a:
	@echo "  AR   $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/libtcpd.so: $(call pic,$(STACK_SRC))
$(O)/libtcpd-app.so: $(call pic,$(APP_SRC))
# what the public headers declare is exported, and nothing else
$(O)/%.so: lib/exports.map
	@echo "  LD   $@"
	$(Q)$(CC) -shared $(SANFLAGS) $(EXTRA) -Wl,-z,relro,-z,now \
		-Wl,-soname,$(@F).$(ABI) -Wl,--version-script,lib/exports.map \
		-o $@ $(filter %.o,$^)
	$(Q)ln -sf $(@F) $@.$(ABI)

$(O)/tcpd: $(call obj,$(D_SRC)) $(O)/libtcpd-app.a $(O)/libtcpd.a
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(D_LIBS)

$(O)/tcpctl: $(call obj,$(CTL_SRC) daemon/filter.c) $(O)/libtcpd-app.a $(O)/libtcpd.a
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS)

$(O)/examples/%: $(O)/examples/%.o $(O)/libtcpd-app.a
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

# --- tests: a unit test or fuzz target may link any object of the daemon that
# it names in a line "LINK: daemon/filter.c ..." of its own
link_of = $(call obj,$(shell sed -n 's/.*LINK: \(.*\)/\1/p' $(1) | sed 's,\*/,,'))
define unit_rule
$(O)/test/unit/$(1): $(O)/test/unit/$(1).o $(call link_of,test/unit/$(1).c) $(HARNESS) $(O)/libtcpd-app.a $(O)/libtcpd.a
	@echo "  LD   $$@"
	$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $(CHECK_LIBS) $(D_LIBS)
endef
$(foreach u,$(notdir $(UNIT)),$(eval $(call unit_rule,$(u))))

define fuzz_rule
$(O)/$(1): $(O)/$(1).o $(call link_of,$(1).c) $(HARNESS) $(O)/libtcpd-app.a $(O)/libtcpd.a
	@echo "  LD   $$@"
	$(Q)$$(CC) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $(D_LIBS)
endef
$(foreach f,$(FUZZ:$(O)/%=%),$(eval $(call fuzz_rule,$(f))))

# what is generated from the table of directives (scripts/gen-*)
$(O)/scripts/conf_doc: $(O)/scripts/conf_doc.o $(call link_of,scripts/conf_doc.c)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(O)/test/script/run: $(call obj,$(SCRIPT_SRC)) $(HARNESS) $(O)/libtcpd.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
$(O)/test/sim/sim: $(call obj,$(SIM_SRC)) $(HARNESS) $(O)/libtcpd.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
$(RANDOM): $(RANDOM).o $(HARNESS) $(O)/libtcpd.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
$(O)/test/link/link: $(call obj,$(sort $(wildcard test/link/*.c)))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
$(TOOLS): $(O)/%: $(O)/%.o $(O)/libtcpd-app.a $(O)/libtcpd.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lpthread

# neither is installed; packetdrill itself is none of ours (scripts/packetdrill)
$(O)/tcpd-packetdrill.so: $(call pic,$(DRILL_SRC) $(STACK_SRC) $(APP_SRC)) test/packetdrill/exports.map
	@echo "  LD   $@"
	$(Q)$(CC) -shared $(SANFLAGS) $(EXTRA) -Wl,-z,relro,-z,now \
		-Wl,--version-script,test/packetdrill/exports.map \
		-o $@ $(filter %.o,$^) $(call pkg,libs,libconfuse) -lpthread -ldl
$(O)/tcpd-packetdrill-preload.so: $(O)/pic/test/packetdrill/preload.o
	@echo "  LD   $@"
	$(Q)$(CC) -shared $(SANFLAGS) $(EXTRA) -Wl,-z,relro,-z,now -o $@ $^
$(O)/test/packetdrill/selftest: $(O)/test/packetdrill/selftest.o $(HARNESS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ldl -lpthread

check: all tests
	$(Q)scripts/check $(O)

check-sim:
	$(Q)scripts/sim --build $(O) --seeds 50000
	$(Q)scripts/golden --check --build $(O)

check-net: all tests
	$(Q)scripts/check-net $(O)

asan:
	$(Q)$(MAKE) O=$(O)/asan SAN=address,undefined OPT="-O1 -g" all tests
	$(Q)scripts/check --tests-only $(O)/asan
	$(Q)scripts/check-net $(O)/asan

# built by scripts/fuzz with clang and SAN=fuzzer-no-link,address,undefined
fuzzers: $(FUZZ)

lint:
	$(Q)scripts/lint

analyze:
	$(Q)$(MAKE) CC=gcc O=$(O)/analyze OPT="-O1" EXTRA="-fanalyzer -Werror" all

bench: all tests
	$(Q)scripts/bench/run --build $(O)

install: all
	install -D -m 755 $(O)/tcpd $(DESTDIR)$(PREFIX)/sbin/tcpd
	install -D -m 755 $(O)/tcpctl $(DESTDIR)$(PREFIX)/bin/tcpctl
	for l in libtcpd libtcpd-app; do \
		install -D -m 644 $(O)/$$l.a $(DESTDIR)$(PREFIX)/lib/$$l.a && \
		install -D -m 755 $(O)/$$l.so $(DESTDIR)$(PREFIX)/lib/$$l.so.$(ABI) && \
		ln -sf $$l.so.$(ABI) $(DESTDIR)$(PREFIX)/lib/$$l.so || exit 1; \
	done
	for h in lib/include/*.h; do \
		install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/$${h##*/} || exit 1; \
	done
	for d in tcpd.conf.example LICENSE README.md doc/*.md; do \
		install -D -m 644 $$d $(DESTDIR)$(PREFIX)/share/doc/tcpd/$${d##*/} || exit 1; \
	done
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,^ExecStart=[^ ]*/sbin/,ExecStart=$(PREFIX)/sbin/,' scripts/tcpd.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/tcpd.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/tcpd.service
	for m in doc/*.[158]; do \
		[ -e $$m ] || continue; \
		install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; \
	done

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
