/* Linkage tables and entry stubs by their bytes. Source: x86-64 psABI, "Procedure Linkage Table". */
#include <errno.h>

#include "base/cleanup.h"
#include "symbol/unwind_rule.h"
#include "symbol/unwind_stub.h"

#define PLT_BYTES_MAX (8u << 20)
#define PLT_ENTRY     16
#define ENTRY_BYTES   64
#define CALL_BYTES    5
#define FRAMES_MIN    (64u << 10)
#define FRAMES_MAX    (32u << 20)
#define FRAMES_EACH   4096 /* bytes that one function's beginning stands for */

/* '?' is any byte. */
struct form {
	struct str code; /* of one entry */
	int32_t pushed;	 /* from this byte of the entry on the index is on the stack; 0: never */
};

/* clang-format off */
static const struct form forms[] = {
	/* jmp *slot(%rip); push $index; jmp first */
	{ STR("\xff\x25????\x68????\xe9????"), 11 },
	/* endbr64; push $index; [bnd] jmp first */
	{ STR("\xf3\x0f\x1e\xfa\x68????\xf2\xe9????\x90"), 9 },
	{ STR("\xf3\x0f\x1e\xfa\x68????\xe9????\x66\x90"), 9 },
	/* [endbr64;] [bnd] jmp *slot(%rip) */
	{ STR("\xff\x25????\x66\x90"), 0 },
	{ STR("\xf3\x0f\x1e\xfa\xff\x25??????????"), 0 },
	{ STR("\xf3\x0f\x1e\xfa\xf2\xff\x25?????????"), 0 },
};

/* push link_map(%rip); [bnd] jmp *resolver(%rip) */
static const struct str firsts[] = {
	STR("\xff\x35????\xff\x25????????"),
	STR("\xff\x35????\xf2\xff\x25???????"),
};
/* clang-format on */

static bool matches(struct cur *c, struct str form)
{
	struct cur at = *c;
	struct str code;

	if (!cur_str(&at, form.n, &code))
		return false;
	for (size_t i = 0; i < form.n; i++)
		if (form.p[i] != '?' && form.p[i] != code.p[i])
			return false;
	*c = at;
	return true;
}

static bool all_match(struct cur c, const struct form *f)
{
	if (!cur_left(&c))
		return false;
	while (cur_left(&c))
		if (!matches(&c, f->code))
			return false;
	return true;
}

static bool plt_rows(struct cur c, struct stub *s)
{
	bool first = matches(&c, firsts[0]) || matches(&c, firsts[1]);
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!all_match(c, &forms[i]))
			continue;
		if (first) {
			s->rule[n++] = unwind_rule_rsp(16);
			s->at[n] = 6;
			s->rule[n++] = unwind_rule_rsp(24);
			s->at[n] = PLT_ENTRY;
		}
		s->rule[n] = forms[i].pushed ? unwind_rule_plt(forms[i].pushed) : unwind_rule_rsp(8);
		return true;
	}
	return false;
}

static int plt(const struct elf *e, const struct elf_section *sect, struct stubs *to)
{
	_cleanup_(elf_bytes_free) struct elf_bytes b = { 0 };
	struct stub s = { .len = sect->size };
	uint64_t left;
	int err;

	/* The rule looks at the low four bits of addresses. */
	if (sect->vaddr % PLT_ENTRY || !elf_code_off(e, sect->vaddr, &s.off, &left) ||
	    left < sect->size || s.off != sect->off)
		return 0;
	err = elf_section_bytes(e, sect, PLT_BYTES_MAX, &b);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (plt_rows(cur_of(b.p, b.n), &s))
		to->stubs[to->n++] = s;
	return 0;
}

/*
 * An entry stub clears rbp first, as the psABI wants, and leaves by a call that does not return. A
 * byte that only looks like one makes the stub shorter than it is, never longer.
 */
static int entry(const struct elf *e, struct stubs *to)
{
	_cleanup_(elf_bytes_free) struct elf_bytes b = { 0 };
	struct stub s = { .rule = { { .cfa = UW_STOP } } };
	uint64_t left;
	struct cur c;
	bool clears;
	int err;

	if (!e->entry || !elf_code_off(e, e->entry, &s.off, &left))
		return 0;
	err = elf_copy(e, s.off, left < ENTRY_BYTES ? left : ENTRY_BYTES, &b);
	if (err)
		return err == -ENOMEM ? err : 0;
	c = cur_of(b.p, b.n);
	(void)matches(&c, STR("\xf3\x0f\x1e\xfa"));
	clears = matches(&c, STR("\x31\xed")) || matches(&c, STR("\x48\x31\xed"));
	while (clears && cur_left(&c) >= CALL_BYTES) {
		if (matches(&c, STR("\xe8????")) || matches(&c, STR("\xff\x15????"))) {
			s.len = (uint64_t)(c.p - b.p);
			to->stubs[to->n++] = s;
			return 0;
		}
		if (!cur_skip(&c, 1))
			return 0;
	}
	return 0;
}

bool stubs_keep_frames(const struct elf *e, uint64_t start, uint64_t end)
{
	static const uint8_t begin[] = { 0x55, 0x48, 0x89, 0xe5 }; /* push rbp; mov rbp, rsp */
	_cleanup_(elf_bytes_free) struct elf_bytes b = { 0 };
	const uint8_t *at, *stop;
	uint64_t n = 0;

	if (end - start < FRAMES_MIN || end - start > FRAMES_MAX ||
	    elf_copy(e, start, end - start, &b))
		return false;
	stop = b.p + b.n;
	for (at = b.p; (at = memmem(at, (size_t)(stop - at), begin, sizeof(begin)));
	     at += sizeof(begin))
		n++;
	return n * FRAMES_EACH >= b.n;
}

int stubs_find(const struct elf *e, struct stubs *ret)
{
	struct stubs found = { 0 };
	int err = 0;

	for (unsigned i = 0; i < e->nplt && !err; i++)
		err = plt(e, &e->plt[i], &found);
	if (!err)
		err = entry(e, &found);
	if (err)
		return err;
	*ret = found;
	return 0;
}
