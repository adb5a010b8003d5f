/* Functions written byte by byte: as compilers begin and end them, and what must keep a probe away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "symbol/code_insn.h"
#include "symbol/code_places.h"

#define SUB	 "\x48\x83\xec\x18"			/* sub rsp, 0x18 */
#define ADD	 "\x48\x83\xc4\x18"			/* add rsp, 0x18 */
#define LOAD	 "\x64\x48\x8b\x04\x25\x28\x00\x00\x00" /* mov rax, fs:[0x28] */
#define STORE	 "\x48\x89\x44\x24\x08"			/* mov [rsp+8], rax */
#define ZERO	 "\x31\xc0"				/* xor eax, eax */
#define TEST	 "\x85\xd2"				/* test edx, edx */
#define CALL	 "\xe8\x00\x10\x00\x00"			/* out of the function */
#define JS(n)	 "\x78" n
#define JNE(n)	 "\x75" n
#define JMP(n)	 "\xeb" n
#define LOAD_DX	 "\x48\x8b\x54\x24\x08"			/* mov rdx, [rsp+8] */
#define CANARY	 "\x64\x48\x2b\x14\x25\x28\x00\x00\x00" /* sub rdx, fs:[0x28] */
#define ZERO_DX	 "\x31\xd2"
#define RET	 "\xc3"
#define PUSH_BX	 "\x53"
#define POP_BX	 "\x5b"
#define PUSH_R12 "\x41\x54"
#define POP_R12	 "\x41\x5c"
#define MOV_EAX	 "\x89\xd8" /* mov eax, ebx */
#define ENDBR	 "\xf3\x0f\x1e\xfa"
#define JMP_RAX	 "\xff\xe0"

#define PLACES(text, ret) code_places((const uint8_t *)(text), sizeof(text) - 1, ret)

/* Of SSL_read: 22 bytes until its js, which leads to the second half; both end at one return. */
#define HEAD SUB LOAD STORE ZERO TEST
#define TAIL LOAD_DX CANARY JNE("\x07") ADD ZERO_DX RET /* and then what the jump leads to */

static const char usual[] = HEAD JS("\x21") CALL TAIL CALL CALL JMP("\xdd");

static void both(void **state)
{
	static const char other[] = HEAD JS("\x1e") CALL TAIL JMP("\xe7") CALL;
	struct code_places p;

	(void)state;
	/* 22 js, 24 call, 29 mov, 34 sub, 43 jne +7 -> 52, 45 add, 49 xor, 51 ret, 52 call, 57 call, 62 jmp -> 29 */
	assert_int_equal(PLACES(usual, &p), 0);
	assert_true(p.cheap);
	assert_int_equal(p.entry.at, 22);
	assert_int_equal(p.entry.depth, 0x18);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.ret[0].at, 43);
	assert_int_equal(p.ret[0].depth, 0x18);
	/* What the jump leads to is no call. */
	assert_int_equal(PLACES(other, &p), 0);
	assert_int_equal(p.n, 0);
	assert_true(p.cheap);
}

static void pushes(void **state)
{
	struct code_places p;

	(void)state;
	/* 0 push, 1 push, 3 call, 8 mov, 13 sub, 22 jne +5 -> 29, 24 pop, 26 pop, 27 ret, 28 nop */
	assert_int_equal(PLACES(PUSH_BX PUSH_R12 CALL LOAD_DX CANARY JNE("\x05") POP_R12 POP_BX RET
				"\x90" CALL,
				&p),
			 0);
	assert_true(p.cheap);
	assert_int_equal(p.entry.at, 0);
	assert_int_equal(p.entry.depth, 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.ret[0].at, 22);
	assert_int_equal(p.ret[0].depth, 16);
}

static void endbr(void **state)
{
	struct code_places p;

	(void)state;
	assert_int_equal(PLACES(ENDBR PUSH_BX CALL POP_BX RET, &p), 0);
	assert_true(p.cheap);
	assert_int_equal(p.entry.at, 4);
	assert_int_equal(p.entry.depth, 0);
	assert_int_equal(p.n, 0);
	/* As far as that it is the first, whatever else may be jumped to. */
	assert_int_equal(PLACES(ENDBR PUSH_BX CALL JMP_RAX, &p), 0);
	assert_true(p.cheap);
	assert_int_equal(p.entry.at, 4);
}

struct no {
	const char *code;
	size_t n;
	const char *why;
};
#define NO(text, why) { text, sizeof(text) - 1, (why) }

static const struct no no_entry[] = {
	NO(SUB CALL ADD RET, "the line ends at a call"),
	NO(SUB "\x89\xd1" TEST JS("\x00") RET, "writes to ecx"),
	NO("\x40\xb7\x01" TEST JS("\x00") RET, "writes to dil"),
	NO("\x48\x0f\x44\xf0" JS("\x00") RET, "may write to rsi"),
	NO(SUB TEST JS("\xfc") RET, "is jumped to"),
	NO(SUB "\x48\x85\xd2" JS("\xfb") RET, "the line is jumped to"),
	NO(SUB TEST JS("\x00") JMP_RAX, "jumps to anywhere"),
	NO(SUB TEST JS("\x7f") RET, "jumps out"),
	NO("\x48\x83\xe4\xf0" JS("\x00") RET, "the stack is aligned"),
	NO("\xc8\x10\x00\x00" JS("\x00") RET, "enter"),
	NO(SUB TEST "\x2e" JS("\x00") RET, "a jump with a prefix"),
	NO("\x66\x90" RET, "a nop with a prefix"),
	NO("\x0f\x05" JS("\x00") RET, "a system call"),
	NO("\x0f\xa2" JS("\x00") RET, "cpuid"),
	NO("\xf3\xa4" JS("\x00") RET, "rep movs"),
	NO(RET, "nothing but a return"),
};

static const struct no no_returns[] = {
	NO(CALL LOAD_DX CANARY JNE("\x07") MOV_EAX ADD RET CALL, "the result comes later"),
	NO(CALL LOAD_DX CANARY JNE("\x06") "\xb0\x01" POP_R12 POP_BX RET CALL, "part of it does"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET ADD RET, "no call where the jump leads"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL RET, "a return without"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL JMP_RAX, "another way out"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL JMP("\x70"), "a tail call"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL JMP("\xf4"), "joined after the jump"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL JMP("\xf8"), "joined at the return"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL JMP("\xf2"), "the jump alone is jumped to"),
	NO(CALL LOAD_DX CANARY ZERO_DX JNE("\x05") ADD RET CALL, "what decides is something else"),
	NO(CALL LOAD_DX "\x64\x48\x2b\x14\x25\x20\x00\x00\x00" JNE("\x05") ADD RET CALL, "fs:[0x20]"),
	NO(CALL LOAD_DX CANARY JNE("\x02") "\xc9" RET CALL, "leave"),
	NO(CALL LOAD_DX CANARY JNE("\x07") JS("\x00") ADD RET CALL, "one more jump"),
	NO(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL ADD, "runs on behind its end"),
};

static void refused(void **state)
{
	struct code_places p;

	(void)state;
	for (size_t i = 0; i < sizeof(no_entry) / sizeof(no_entry[0]); i++) {
		const struct no *n = &no_entry[i];

		if (code_places((const uint8_t *)n->code, n->n, &p) != 0 || p.cheap)
			fail_msg("an entry at %u: %s", p.entry.at, n->why);
	}
	for (size_t i = 0; i < sizeof(no_returns) / sizeof(no_returns[0]); i++) {
		const struct no *n = &no_returns[i];

		if (code_places((const uint8_t *)n->code, n->n, &p) != 0 || p.n)
			fail_msg("a return at %u: %s", p.ret[0].at, n->why);
	}
	/* The same without what is wrong. */
	assert_int_equal(PLACES(CALL LOAD_DX CANARY JNE("\x05") ADD RET CALL, &p), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(PLACES(SUB TEST JS("\x00") RET, &p), 0);
	assert_true(p.cheap);
}

static void bad(void **state)
{
	static uint8_t nops[CODE_BYTES + 1];
	struct code_places p;

	(void)state;
	memset(nops, 0x90, sizeof(nops));
	assert_int_equal(code_places(nops, 0, &p), -EBADMSG);
	assert_int_equal(code_places(nops, CODE_BYTES + 1, &p), -E2BIG);
	assert_int_equal(code_places(nops, CODE_BYTES, &p), 0);
	assert_int_equal(p.n, 0);
	assert_int_equal(PLACES(SUB JMP("\xfd") RET, &p), -EBADMSG); /* into an instruction */
	assert_int_equal(PLACES("\x06" RET, &p), -EBADMSG);
	for (size_t n = 1; n + 1 < sizeof(usual); n++) {
		int err = code_places((const uint8_t *)usual, n, &p);

		assert_true(err == -EBADMSG || (err == 0 && p.entry.at < n));
	}
}

static void emulated(void **state)
{
	(void)state;
	assert_true(insn_emulated((const uint8_t *)"\x0f\x88\0\0\0\0", 6));
	assert_true(insn_emulated((const uint8_t *)"\xe9\0\0\0\0", 5));
	assert_true(insn_emulated((const uint8_t *)"\x41\x57", 2));
	assert_false(insn_emulated((const uint8_t *)"\xe8\0\0\0\0", 5));
	assert_false(insn_emulated((const uint8_t *)"\x41\x5f", 2));
	assert_false(insn_emulated((const uint8_t *)"\xe3\0", 2));
	assert_false(insn_emulated((const uint8_t *)"\xc3", 1));
	assert_false(insn_emulated((const uint8_t *)"\x5b", 1));
	assert_false(insn_emulated((const uint8_t *)"\x0f\xa2\0\0\0\0", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both),	   cmocka_unit_test(pushes), cmocka_unit_test(endbr),
		cmocka_unit_test(refused), cmocka_unit_test(bad),    cmocka_unit_test(emulated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
