#pragma once
/*
 * Where in a C function a probe is cheap: at instructions that the kernel emulates (symbol/code_insn.h).
 *
 *     sub  rsp, 0x18
 *     mov  rax, fs:[0x28]
 *     mov  [rsp+8], rax
 *     test edx, edx
 *     js   error               <- entry, 0x18 bytes below the return address
 *     ...
 *     mov  rdx, [rsp+8]
 *     sub  rdx, fs:[0x28]
 *     jne  smashed             <- return, 0x18 bytes below the return address; EAX is the result
 *     add  rsp, 0x18
 *     ret
 *
 * The entry stands on the straight line from the first instruction, where nobody joins, nothing has been called, and the
 * argument registers RDI, RSI, RDX and RCX are as the caller left them. Returns are known only when each `ret`
 * is reached over the stack protector's jump and nothing after that writes to RAX, and when the function is left in no
 * other way (tail calls). Where the code jumps to cannot always be told (tables, parts of the function at
 * another place, which may jump back): then there are no returns, and the entry is the first instruction, not
 * counting endbr64, or none.
 *
 * Code is decoded from the first byte to the last: a place is the begin of an instruction. All jumps must lead to
 * instructions, or nothing is said. Pure; bounded by CODE_BYTES. Limits: x86-64.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_BYTES   16384
#define CODE_RETURNS 8

struct code_place {
	uint32_t at;	/* from the function's first byte */
	uint32_t depth; /* bytes from the stack pointer up to the return address */
};

struct code_places {
	bool cheap; /* there is an entry */
	struct code_place entry;
	struct code_place ret[CODE_RETURNS];
	size_t n; /* 0: returns are not known */
};

/* The @len bytes of a function. 0; -E2BIG: more than CODE_BYTES; -EBADMSG: not code that can be followed. */
int code_places(const uint8_t *code, size_t len, struct code_places *ret);
