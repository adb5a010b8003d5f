# porthole: one binary from src/. Every file finds its place by its name:
#   src/ROOM/x.c             compiled into the library behind the binary
#   src/ROOM/x_test.c        one cmocka program, linked with the library
#   src/ROOM/x_fuzz.c        one libFuzzer target; its stored inputs are in x_fuzz.d/
#   src/probe/NAME/NAME.bpf.c  one BPF object, embedded into the binary
#   test/e2e/*.sh            one end-to-end program each, prints TAP
# A new file needs no edit here.

B       ?= build
CC      ?= gcc
CLANG   ?= clang-19
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)

PKGS    := libbpf libelf yaml-0.1 libcurl libzstd jansson libmicrohttpd libcap
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wno-missing-field-initializers
OPT     ?= -O2 -g
CFLAGS  += -std=gnu11 $(OPT) $(WARN) -Isrc -I$(B)/gen -D_GNU_SOURCE \
           -DPORTHOLE_VERSION='"$(VERSION)"' $(SAN) $(PKG_CFLAGS)
LDLIBS   = $(PKG_LIBS) -lpthread -lm
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
           -Wno-missing-declarations -Wno-address-of-packed-member -Isrc -D__TARGET_ARCH_x86

ALL     := $(wildcard src/*/*.c src/*/*/*.c)
BPF_SRC := $(filter %.bpf.c,$(ALL))
TEST_SRC:= $(filter %_test.c,$(ALL))
FUZZ_SRC:= $(filter %_fuzz.c,$(ALL))
MAIN    := src/cli/main.c
LIB_SRC := $(filter-out $(BPF_SRC) $(TEST_SRC) $(FUZZ_SRC) $(MAIN),$(ALL))

LIB_OBJ := $(LIB_SRC:src/%.c=$(B)/obj/%.o) $(BPF_SRC:src/%.bpf.c=$(B)/obj/%.embed.o)
TESTS   := $(TEST_SRC:src/%.c=$(B)/test/%)
FUZZERS := $(FUZZ_SRC:src/%.c=$(B)/fuzz/%)

.PHONY: all run check units bench fuzz fmt install clean deps
.SECONDARY:
all: $(B)/porthole

$(B)/porthole: $(B)/obj/cli/main.o $(B)/libporthole.a
	$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libporthole.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/obj/%.o: src/%.c Makefile VERSION
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/bpf/%.bpf.o: src/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

# The BPF object becomes bytes in the binary: NAME_bpf_elf .. NAME_bpf_elf_end.
$(B)/obj/%.embed.o: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	@printf '.section .rodata\n.balign 16\n.global %s_bpf_elf\n%s_bpf_elf:\n.incbin "%s"\n.global %s_bpf_elf_end\n%s_bpf_elf_end:\n.section .note.GNU-stack,"",@progbits\n' \
		$(notdir $*) $(notdir $*) $< $(notdir $*) $(notdir $*) > $(@:.o=.S)
	$(CC) -c -o $@ $(@:.o=.S)

$(B)/test/%: src/%.c $(B)/libporthole.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libporthole.a -lcmocka $(LDLIBS)

units: $(TESTS)

clean:
	rm -rf $(B)

-include $(LIB_OBJ:.o=.d) $(B)/obj/cli/main.d $(TESTS:=.d) $(patsubst src/%.bpf.c,$(B)/bpf/%.bpf.d,$(BPF_SRC))
