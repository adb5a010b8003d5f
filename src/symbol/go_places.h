#pragma once
/*
 * Where functions of a Go program begin and where they return, as offsets in its file: for probes. Go moves a
 * goroutine's stack, so that a return address may not be replaced (a uretprobe); each return instruction gets a
 * probe of its own instead.
 *
 * Functions are found by name in .gopclntab (symbol/go.h), which stripped programs have too; their code is decoded
 * from the first instruction to the last by Zydis. A probe in the middle of an instruction would break the
 * program, so nothing is given out unless all of it fits: the code begins by comparing the stack pointer with the
 * goroutine's bound ([r14+0x10], as compiled since Go 1.17, when arguments moved to registers: receiver in RAX, a
 * slice in RBX and RCX, results in RAX and RBX, the goroutine in R14), every byte up to the next function is an
 * instruction, none of them jumps out, and there is a return.
 *
 * The entry is the jump after that comparison, which the kernel emulates (symbol/code_insn.h), or the function's first
 * instruction where it cannot be: arguments and stack pointer are the same at both, and the function comes to either once
 * more when its stack had to grow.
 *
 * Arguments that a function needs after it has called another are kept in their slots above the return address, where
 * a return finds them when nobody saw the entry: `kept` says that the code stores the first two there.
 *
 * Reads the table once, in order: some ms for 10 MB. Limits: x86-64; tables of Go 1.16 on (their second to fourth
 * form) up to GO_TABLE_MAX; GO_PLACES functions at a time, each up to GO_CODE_MAX with GO_RETURNS returns.
 * No state, any thread.
 */
#include "symbol/image.h"

#define GO_TABLE_MAX (256ull << 20)
#define GO_FUNCTIONS (4u << 20)
#define GO_PLACES    8
#define GO_CODE_MAX  65536
#define GO_RETURNS   64

enum go_place {
	GO_ENTRY,
	GO_RETURN,
	GO_RETURN_KEPT, /* at [rsp+8] and [rsp+16] are the receiver and the begin of the slice */
};

/*
 * The functions called @names (@n of them, up to GO_PLACES). @add is called with the number of the name and one
 * place (enum go_place): of each function the returns, then the entry; what it returns other than 0 ends it. Names that are not
 * there are left out, except the first.
 *
 * 0; -ENOENT: not a Go program, or without the first function; -EBADMSG: it has it, but its code is not what is
 * said above; -EINVAL; or what @add returned. @fd is borrowed.
 */
int go_places(int fd, const char *const *names, size_t n,
	      int (*add)(void *ctx, size_t name, int place, uint64_t off), void *ctx);

/* The same of an image. */
int go_places_image(const struct image *im, const char *const *names, size_t n,
		    int (*add)(void *ctx, size_t name, int place, uint64_t off), void *ctx);
