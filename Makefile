# porthole: one binary from src/. Every file finds its place by its name:
#   src/ROOM/x.c             compiled into the library behind the binary
#   src/ROOM/x_test.c        one cmocka program, linked with the library
#   src/ROOM/x_fuzz.c        one libFuzzer target; its stored inputs are in x_fuzz.d/
#   src/probe/NAME/NAME.bpf.c  one BPF object, embedded into the binary
#   src/ui/NAME/NAME.html    one web page with its parts (tools/page), embedded likewise
#   test/e2e/*.sh test/kube/*.sh  one end-to-end program each, prints TAP
# A new file needs no edit here. `make help` names the targets.

B       ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG   ?= clang-19
FORMAT  ?= clang-format-19
PREFIX  ?= /usr/local
DESTDIR ?=
ARGS    ?=
FUZZ_SECONDS ?= 30
JOBS    ?= $(shell nproc)
VERSION := $(file <VERSION)

# pkg-config is asked once, when the first compiler line needs it: tools/deps may come before.
PKGS    := libseccomp libbpf libelf yaml-0.1 libcurl libzstd zlib jansson libmicrohttpd libcap re2 libdw liblzma libpcap sqlite3
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

# CFLAGS and LDFLAGS are the user's, SAN the sanitizers'.
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wno-missing-field-initializers
OPT     ?= -O2 -g
SAN     ?=
C_FLAGS  = -std=gnu11 $(OPT) $(WARN) -Isrc -I$(B)/gen -D_GNU_SOURCE \
           -DPORTHOLE_VERSION='"$(VERSION)"' $(SAN) $(PKG_CFLAGS) $(CFLAGS)
LDLIBS   = $(PKG_LIBS) -liberty -lZydis -lstdc++ -lpthread -lm
MACHINE := $(shell uname -m)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
           -Wno-missing-declarations -Wno-address-of-packed-member -Isrc \
           -I/usr/include/$(MACHINE)-linux-gnu -D__TARGET_ARCH_$(BPF_ARCH)
BPF_OUT ?= $(B)/bpf

ALL     := $(sort $(wildcard src/*/*.c src/*/*/*.c))
BPF_SRC := $(filter %.bpf.c,$(ALL))
TEST_SRC:= $(filter %_test.c,$(ALL))
FUZZ_SRC:= $(filter %_fuzz.c,$(ALL))
MAIN    := $(wildcard src/cli/main.c)
LIB_SRC := $(filter-out $(BPF_SRC) $(TEST_SRC) $(FUZZ_SRC) $(MAIN),$(ALL))
FORMAT_SRC := $(sort $(wildcard src/*/*.[ch] src/*/*/*.[ch] src/*/*.cc))

CXX_SRC := $(wildcard src/*/*.cc)
PAGES   := $(wildcard src/ui/*/*.html)
LIB_OBJ := $(LIB_SRC:src/%.c=$(B)/obj/%.o) $(CXX_SRC:src/%.cc=$(B)/obj/%.o) \
           $(BPF_SRC:src/%.bpf.c=$(B)/obj/%.embed.o) $(B)/obj/rules.embed.o \
           $(PAGES:src/%.html=$(B)/obj/%.page.o)
TESTS   := $(TEST_SRC:src/%.c=$(B)/test/%)
FUZZERS := $(FUZZ_SRC:src/%.c=$(B)/fuzz/%)

# Not pointer-overflow: an absent slice is {NULL, 0}, and C2y made NULL + 0 what it always was.
SANITIZE := address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined \
           -fno-omit-frame-pointer
SAN_B   := $(B)/san
SAN_MAKE = $(MAKE) B=$(SAN_B) BPF_OUT=$(BPF_OUT) OPT='-O1 -g' SAN='-fsanitize=$(SANITIZE)'
FUZZ_B  := $(B)/fuzzing
FUZZ_MAKE = $(MAKE) B=$(FUZZ_B) BPF_OUT=$(BPF_OUT) CC=$(CLANG) OPT='-O1 -g' \
           SAN='-fsanitize=fuzzer-no-link,$(SANITIZE)'

# Commands are shown by V=1; without it, one short line each.
Q   := $(if $(V),,@)
say  = $(if $(V),@:,@printf '  %-4s %s\n' $(1) $@)

.PHONY: all help run check units e2e fuzz fuzzers unit-build fuzz-build san-build vm bench lab servers demo portable debian13 \
        fmt fmt-check headers install clean deps
MAKEFLAGS += --no-print-directory
.SECONDARY:
.DELETE_ON_ERROR:

all: $(if $(MAIN),$(B)/porthole,$(B)/libporthole.a)

help:
	@echo 'make            build $(B)/porthole'
	@echo 'make run        install what is missing, build, start porthole (ARGS="...")'
	@echo 'make check      install what is missing, build, run all tests'
	@echo 'make units      build and run the unit tests        make e2e    the end-to-end tests'
	@echo 'make fuzz       each fuzzer for FUZZ_SECONDS=30     make vm     the kernels under qemu'
	@echo 'make bench      measure                             make fmt    format src/'
	@echo 'make lab        does porthole why name what is made sick on purpose (CASES="hot_*" NEIGHBOUR=1)'
	@echo 'make servers    does porthole requests tell what real servers logged (ARGS="dns nginx")'
	@echo 'make install    DESTDIR=, PREFIX=/usr/local         make debian13  build and test there'

# What was built with other flags, or from another set of files, is built again.
BUILT_WITH := $(CC) $(OPT) $(SAN) $(CFLAGS) $(LDFLAGS)
$(shell mkdir -p $(B))
ifneq ($(file <$(B)/built-with),$(BUILT_WITH))
$(file >$(B)/built-with,$(BUILT_WITH))
endif
ifneq ($(file <$(B)/built-from),$(LIB_OBJ))
$(file >$(B)/built-from,$(LIB_OBJ))
endif

$(B)/porthole: $(B)/obj/cli/main.o $(B)/libporthole.a
	$(call say,LD)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libporthole.a: $(LIB_OBJ) $(B)/built-from
	@rm -f $@
	$(call say,AR)
	$(Q)ar qcs $@ $(LIB_OBJ)

$(B)/obj/%.o: src/%.c Makefile VERSION $(B)/built-with
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(C_FLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: src/%.cc Makefile $(B)/built-with
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)$(CC) -x c++ -std=c++17 $(OPT) -Wall -Wextra -Werror -Isrc $(SAN) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BPF_OUT)/%.bpf.o: src/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

# The prerequisite becomes bytes in the binary: SYMBOL .. SYMBOL_end.
embed = @printf '.section .rodata\n.balign 16\n.global $(1)\n$(1):\n.incbin "$<"\n.global $(1)_end\n$(1)_end:\n.byte 0\n.section .note.GNU-stack,"",%%progbits\n' \
	> $(@:.o=.S) && $(CC) -c -o $@ $(@:.o=.S)

# The shipped rules: porthole_rules.
$(B)/obj/rules.embed.o: rules/porthole_rules.yaml Makefile
	@mkdir -p $(@D)
	$(call embed,porthole_rules)

# BPF objects: NAME_bpf_elf.
$(B)/obj/%.embed.o: $(BPF_OUT)/%.bpf.o
	@mkdir -p $(@D)
	$(call embed,$(notdir $*)_bpf_elf)

# Pages: ui_NAME. A page may include parts of another, hence all of them.
$(B)/page/%.html: src/%.html $(wildcard src/ui/*/*) tools/page
	@mkdir -p $(@D)
	$(call say,PAGE)
	$(Q)tools/page $< >$@

$(B)/obj/%.page.o: $(B)/page/%.html
	@mkdir -p $(@D)
	$(call embed,ui_$(notdir $*))

$(B)/test/%: src/%.c $(B)/libporthole.a
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(C_FLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(B)/libporthole.a -lcmocka $(LDLIBS)

# What a library says is the judge of what we say.
$(B)/test/proto/http2/hpack_test: LDLIBS += -lnghttp2

$(B)/fuzz/%: src/%.c $(B)/libporthole.a
	@mkdir -p $(@D)
	$(call say,FUZZ)
	$(Q)$(CC) $(C_FLAGS) -Wno-missing-prototypes -fsanitize=fuzzer -MMD -MP -MF $@.d $(LDFLAGS) \
		-o $@ $< $(B)/libporthole.a $(LDLIBS)

unit-build: $(TESTS)
fuzz-build: $(FUZZERS)
fuzzers: ; +@$(FUZZ_MAKE) fuzz-build
san-build: ; +@$(SAN_MAKE) unit-build

deps:
	tools/deps build

run: deps
	@$(MAKE) -j$(JOBS) all
	exec $(B)/porthole run $(ARGS)

# --- tests: tools/run_tests runs the groups in this order and prints the closing line ---

RUN_TESTS = PORTHOLE=$(abspath $(B))/porthole B=$(B) tools/run_tests --closing $(B)/closing-line
SCRIPTS  := $(sort $(wildcard test/e2e/*.sh test/kube/*.sh))
VM_RUN   := $(wildcard test/vm/run)

CHECKS   := 'tools/check_layers' 'tools/check_limits' '$(MAKE) fmt-check'
BUILDS   := '$(MAKE) -k -j$(JOBS) all unit-build' '$(MAKE) -k -j$(JOBS) san-build' \
            '$(MAKE) -k -j$(JOBS) fuzzers' '$(MAKE) headers'
FUZZ_RUNS = $(foreach f,$(FUZZ_SRC:src/%.c=%),'tools/fuzz 0 $(FUZZ_B)/fuzz/$(f) src/$(f).d $(B)/corpus/$(f)')

check:
	@tools/deps build test
	@$(RUN_TESTS) -j$(JOBS) \
		--steps checks 60 $(CHECKS) \
		--steps build 900 $(BUILDS) \
		--tests units 60 $(TESTS) \
		--tests sanitized 120 $(TESTS:$(B)/%=$(SAN_B)/%) \
		--runs fuzz-inputs 120 $(FUZZ_RUNS) \
		--live e2e 120 $(SCRIPTS) \
		--live vm 1200 $(VM_RUN)

units: unit-build
	@$(RUN_TESTS) -j$(JOBS) --tests units 60 $(TESTS)

e2e: all
	@$(RUN_TESTS) -j$(JOBS) --live e2e 120 $(SCRIPTS)

vm: all
	@$(RUN_TESTS) --live vm 1200 $(VM_RUN)

fuzz: fuzzers
	@$(RUN_TESTS) -j$(JOBS) --runs fuzz $$(($(FUZZ_SECONDS) + 120)) \
		$(foreach f,$(FUZZ_SRC:src/%.c=%),'tools/fuzz $(FUZZ_SECONDS) $(FUZZ_B)/fuzz/$(f) src/$(f).d $(B)/corpus/$(f)')

headers:
	@tools/check_headers '$(CC) $(C_FLAGS)' '$(CLANG) $(BPF_CFLAGS)'

fmt:
	$(FORMAT) -i $(FORMAT_SRC)

fmt-check:
	@command -v $(FORMAT) >/dev/null || { echo "$(FORMAT) is not installed"; exit 1; }
	@bad=$$($(FORMAT) --dry-run -Werror $(FORMAT_SRC) 2>&1 | sed -n 's/^\([^ :]*\):.*error: .*/\1/p' | \
		sort -u); \
	[ -z "$$bad" ] || { echo "not as clang-format 19 has it (make fmt):" $$bad; exit 1; }

bench:
	@tools/deps build test bench
	@$(MAKE) -j$(JOBS) all
	@if [ -x bench/run ]; then exec bench/run; fi; \
	for f in bench/*.sh; do PORTHOLE=$(abspath $(B))/porthole sh "$$f" || exit 1; done

# The laboratory; ARGS are test/lab/run's (--help tells).
# A container that is sick, and why.
demo:
	@tools/deps build test
	@$(MAKE) -j$(JOBS) all
	@PORTHOLE=$(abspath $(B))/porthole test/lab/run --build $(B)/lab --tell --for 5 $(or $(CASES),throttled_low)

lab:
	@tools/deps build test
	@$(MAKE) -j$(JOBS) all
	@PORTHOLE=$(abspath $(B))/porthole test/lab/run --build $(B)/lab $(if $(NEIGHBOUR),--neighbour) \
		$(if $(FOR),--for $(FOR)) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json $(JSON)) $(ARGS) $(CASES)

# Installs servers (half a gigabyte), so no part of `check`.
servers:
	@tools/deps build test servers
	@$(MAKE) -j$(JOBS) all
	@PORTHOLE=$(abspath $(B))/porthole test/servers/run $(ARGS)

# What needs no kernel of a certain kind: units and the scripts that say `# portable`. Any Debian.
PORTABLE := $(if $(SCRIPTS),$(shell grep -lx '\# portable' $(SCRIPTS)))

portable:
	@tools/deps build units
	@$(RUN_TESTS) -j$(JOBS) \
		--steps build 900 '$(MAKE) -k -j$(JOBS) all unit-build' '$(MAKE) -k -j$(JOBS) san-build' \
		--tests units 60 $(TESTS) \
		--tests sanitized 120 $(TESTS:$(B)/%=$(SAN_B)/%) \
		--tests replay 120 $(PORTABLE)

debian13:
	tools/fresh trixie $(B)/debian13 sh -c 'apt-get -qq install make >/dev/null && \
		make portable && make portable CC=clang-19 B=build/clang'

install: all
	install -Dm755 $(B)/porthole $(DESTDIR)$(PREFIX)/bin/porthole
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/porthole LICENSE LICENSES/*
	$(B)/porthole manual > $(B)/porthole.1
	install -Dm644 $(B)/porthole.1 $(DESTDIR)$(PREFIX)/share/man/man1/porthole.1
	for c in $$($(B)/porthole --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do \
		$(B)/porthole manual $$c > $(B)/porthole-$$c.1 && install -Dm644 $(B)/porthole-$$c.1 \
			$(DESTDIR)$(PREFIX)/share/man/man1/porthole-$$c.1 || exit 1; done
	$(B)/porthole completion bash > $(B)/completion.bash
	install -Dm644 $(B)/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/porthole
	$(B)/porthole completion zsh > $(B)/completion.zsh
	install -Dm644 $(B)/completion.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_porthole

clean:
	rm -rf $(B)

-include $(LIB_OBJ:.o=.d) $(B)/obj/cli/main.d $(TESTS:=.d) $(FUZZERS:=.d) \
	$(BPF_SRC:src/%.bpf.c=$(BPF_OUT)/%.bpf.d)
