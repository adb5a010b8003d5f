/*
 * Names are looked for in the block of names first; then one pass over the functions compares numbers. Both read
 * through a window. A table whose records lie in no order would make the window jump: how often it may is bounded
 * by the table's size.
 */
#include "symbol/go_places.h"

#include <Zydis/Zydis.h>
#include <errno.h>

#include "base/cleanup.h"
#include "symbol/code_insn.h"
#include "symbol/go.h"

#define WINDOW	  65536
#define NAME_LEN  256	     /* of a wanted name, at most */
#define PROLOGUE  4	     /* instructions until the stack's bound must have been looked at */
#define G_BOUND	  16	     /* g.stackguard0 */
#define OLD_MAGIC 0xfffffffa /* 1.16, 1.17: entries of words */
#define NO_NAME	  UINT64_MAX

struct window {
	uint64_t at;
	size_t n;
	uint64_t *moves; /* left */
	uint8_t bytes[WINDOW];
};

struct place {
	uint64_t name; /* offset in the block of names */
	uint64_t begin, end;
	uint64_t off;
	uint64_t entry; /* in the file too */
	uint64_t ret[GO_RETURNS];
	size_t n;
	bool kept;
};

struct search {
	const struct image *im;
	struct go_table table;
	uint64_t moves;
	struct window functions, records;
	struct place places[GO_PLACES];
	uint8_t code[GO_CODE_MAX];
};

/* --- names --- */

static void names_in(struct search *s, const char *const *names, size_t n, const uint8_t *p,
		     size_t len, uint64_t at)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *hit;

		if (s->places[i].name != NO_NAME)
			continue;
		/* With its end; a name before which none ends is the tail of a longer one. */
		for (size_t from = 0; from < len; from = (size_t)(hit - p) + 1) {
			hit = memmem(p + from, len - from, names[i], strlen(names[i]) + 1);
			if (!hit)
				break;
			if (hit == p ? at == 0 : hit[-1] == '\0') {
				s->places[i].name = at + (uint64_t)(hit - p);
				break;
			}
		}
	}
}

/* Where in the block each of @names is. */
static void names_find(struct search *s, const char *const *names, size_t n)
{
	const struct go_table *t = &s->table;
	uint64_t end = t->units > t->names ? t->units : t->end;

	for (size_t i = 0; i < n; i++)
		s->places[i].name = NO_NAME;
	for (uint64_t at = t->names; at < end; at += WINDOW - NAME_LEN) {
		uint8_t *p = s->functions.bytes;
		size_t len = bytes_some(&s->im->bytes, at, end, p, WINDOW);

		names_in(s, names, n, p, len, at - t->names);
		if (len < WINDOW)
			return;
	}
}

/* --- functions --- */

static bool window_read(const struct search *s, struct window *w, uint64_t at, void *ret, size_t size)
{
	if (at < s->table.at || at > s->table.end || size > s->table.end - at)
		return false;
	if (at < w->at || at - w->at > w->n || w->n - (at - w->at) < size) {
		if (!*w->moves)
			return false;
		--*w->moves;
		w->at = at;
		w->n = bytes_some(&s->im->bytes, at, s->table.end, w->bytes, WINDOW);
		if (w->n < size)
			return false;
	}
	memcpy(ret, w->bytes + (at - w->at), size);
	return true;
}

/* Entry @i: where the function begins and the offset of its record. */
static bool entry_read(struct search *s, uint64_t i, uint64_t *ret_pc, uint64_t *ret_record)
{
	size_t size = s->table.magic == OLD_MAGIC ? 8 : 4;
	uint64_t at = s->table.functions + i * 2 * size, pc = 0, record = 0;

	if (!window_read(s, &s->functions, at, &pc, size) ||
	    (i < s->table.count && !window_read(s, &s->functions, at + size, &record, size)) ||
	    record > s->table.end - s->table.functions)
		return false;
	*ret_pc = pc + s->table.text;
	*ret_record = s->table.functions + record + size;
	return true;
}

static int functions_find(struct search *s, size_t n)
{
	uint64_t pc, record, next, after;
	size_t left = 0;
	uint32_t name;

	for (size_t i = 0; i < n; i++)
		left += s->places[i].name != NO_NAME;
	if (!entry_read(s, 0, &pc, &record))
		return -EBADMSG;
	for (uint64_t i = 0; i < s->table.count && left; i++) {
		if (!entry_read(s, i + 1, &next, &after) ||
		    !window_read(s, &s->records, record, &name, sizeof(name)))
			return -EBADMSG;
		for (size_t k = 0; k < n; k++) {
			struct place *p = &s->places[k];

			if (p->name != name || p->end)
				continue;
			p->begin = pc;
			p->end = next;
			left--;
		}
		pc = next;
		record = after;
	}
	return 0;
}

/* --- code --- */

/* Whether it is a comparison with the goroutine's bound of its stack. */
static bool bound_compared(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	const ZydisDecodedOperand *m = &op[1];

	return in->mnemonic == ZYDIS_MNEMONIC_CMP && in->operand_count_visible == 2 &&
	       op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && m->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       m->mem.base == ZYDIS_REGISTER_R14 && m->mem.index == ZYDIS_REGISTER_NONE &&
	       m->mem.disp.value == G_BOUND && m->size == 64;
}

/* A jump or call's target must be known only of jumps: out of the function would be a return that we miss. */
static bool stays(const ZydisDecodedInstruction *in, uint64_t at, uint64_t len)
{
	uint64_t to = at + in->length + (uint64_t)in->raw.imm[0].value.s;

	return (in->meta.category != ZYDIS_CATEGORY_UNCOND_BR &&
		in->meta.category != ZYDIS_CATEGORY_COND_BR) ||
	       !in->raw.imm[0].is_relative || to < len;
}

/* What the code has done to the stack pointer so far, and which arguments it has stored. */
struct frame {
	uint64_t size;
	bool made;
	bool kept[2];
};

/* A function's frame is made by pushes and one subtraction, before anything is stored above it. */
static void frame_follow(struct frame *f, const ZydisDecodedInstruction *in,
			 const ZydisDecodedOperand *op)
{
	static const ZydisRegister kept[] = { ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RBX };

	if (!f->made && in->mnemonic == ZYDIS_MNEMONIC_PUSH)
		f->size += 8;
	if (!f->made && in->mnemonic == ZYDIS_MNEMONIC_SUB &&
	    op[0].reg.value == ZYDIS_REGISTER_RSP && op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		f->size += op[1].imm.value.u;
		f->made = true;
	}
	if (!f->made || in->mnemonic != ZYDIS_MNEMONIC_MOV ||
	    op[0].type != ZYDIS_OPERAND_TYPE_MEMORY || op[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    op[0].mem.base != ZYDIS_REGISTER_RSP || op[0].mem.index != ZYDIS_REGISTER_NONE)
		return;
	for (size_t i = 0; i < 2; i++)
		f->kept[i] |= op[1].reg.value == kept[i] &&
			      (uint64_t)op[0].mem.disp.value == f->size + 8 * (i + 1);
}

/* The prologue: where the jump is that the comparison decides, and whether all is there as it was at the begin. */
struct prologue {
	uint64_t compared; /* the end of the comparison; 0: none so far */
	uint64_t jump;	   /* 0: none that serves */
	uint64_t joined;   /* where the first jump leads to, not counting the begin */
	bool spoilt;
};

static void prologue_follow(struct prologue *p, const ZydisDecodedInstruction *in,
			    const ZydisDecodedOperand *op, const uint8_t *code, uint64_t at)
{
	static const ZydisRegister kept[] = { ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RBX,
					      ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_RSP,
					      ZYDIS_REGISTER_R14 };
	uint64_t to = at + in->length + (uint64_t)in->raw.imm[0].value.s;

	if (in->raw.imm[0].is_relative && to && to < p->joined)
		p->joined = to;
	if (!p->compared)
		p->compared = bound_compared(in, op) ? at + in->length : 0;
	else if (at == p->compared && !p->spoilt && in->mnemonic == ZYDIS_MNEMONIC_JBE &&
		 insn_emulated(code + at, in->length))
		p->jump = at;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		p->spoilt |= insn_writes(in, op, kept[i]);
}

/* The returns among @len bytes of code, and the entry. */
static bool code_read(const uint8_t *code, size_t len, struct place *p)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	struct prologue prologue = { .joined = UINT64_MAX };
	struct frame frame = { 0 };
	ZydisDecoder d;
	size_t count = 0;

	if (!ZYAN_SUCCESS(ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return false;
	for (size_t at = 0; at < len; at += in.length, count++) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, code + at, len - at, &in, op)) ||
		    !stays(&in, at, len))
			return false;
		prologue_follow(&prologue, &in, op, code, at);
		if (count + 1 >= PROLOGUE && !prologue.compared)
			return false;
		frame_follow(&frame, &in, op);
		if (in.mnemonic != ZYDIS_MNEMONIC_RET)
			continue;
		if (p->n == GO_RETURNS)
			return false;
		p->ret[p->n++] = p->off + at;
	}
	p->kept = frame.kept[0] && frame.kept[1];
	p->entry = p->off + (prologue.jump < prologue.joined ? prologue.jump : 0);
	return prologue.compared && p->n;
}

static bool place_read(struct search *s, struct place *p)
{
	uint64_t len = p->end - p->begin;

	if (p->end <= p->begin || len > GO_CODE_MAX)
		return false;
	for (unsigned i = 0; i < s->im->nseg; i++) {
		const struct image_segment *g = &s->im->seg[i];

		if (!g->exec || p->begin < g->vaddr || p->begin - g->vaddr >= g->size ||
		    len > g->size - (p->begin - g->vaddr))
			continue;
		p->off = g->off + (p->begin - g->vaddr);
		return bytes_read(&s->im->bytes, p->off, s->code, len) && code_read(s->code, len, p);
	}
	return false;
}

/* --- all of it --- */

static int places_give(struct search *s, size_t n,
		       int (*add)(void *ctx, size_t name, int place, uint64_t off), void *ctx)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct place *p = &s->places[i];

		for (size_t k = 0; k < p->n && !err; k++)
			err = add(ctx, i, p->kept ? GO_RETURN_KEPT : GO_RETURN, p->ret[k]);
		if (p->n && !err)
			err = add(ctx, i, GO_ENTRY, p->entry);
	}
	return err;
}

static int search_run(struct search *s, const char *const *names, size_t n)
{
	const struct go_table *t = &s->table;
	int err;

	if (t->magic == 0xfffffffb || t->word != 8 || t->quantum != 1)
		return -ENOENT;
	if (t->end - t->at > GO_TABLE_MAX || t->count > GO_FUNCTIONS)
		return -EBADMSG;
	s->moves = 2 * ((t->end - t->at) / WINDOW) + 16;
	s->functions.moves = s->records.moves = &s->moves;
	names_find(s, names, n);
	s->functions.n = 0;
	if (s->places[0].name == NO_NAME)
		return -ENOENT;
	err = functions_find(s, n);
	if (!err && !s->places[0].end)
		return -ENOENT;
	for (size_t i = 0; i < n && !err; i++)
		if (s->places[i].end && !place_read(s, &s->places[i]))
			err = -EBADMSG;
	return err;
}

int go_places_image(const struct image *im, const char *const *names, size_t n,
		    int (*add)(void *ctx, size_t name, int place, uint64_t off), void *ctx)
{
	_cleanup_(freep) struct search *s = NULL;
	struct go_table t;
	int err;

	if (n == 0 || n > GO_PLACES)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) >= NAME_LEN)
			return -EINVAL;
	if (!im->elf64 || !go_open(im, &t))
		return -ENOENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->im = im;
	s->table = t;
	err = search_run(s, names, n);
	return err ? err : places_give(s, n, add, ctx);
}

int go_places(int fd, const char *const *names, size_t n,
	      int (*add)(void *ctx, size_t name, int place, uint64_t off), void *ctx)
{
	struct image im;
	int err = image_borrow(fd, &im);

	if (err)
		return err == -ENOEXEC ? -ENOENT : err;
	err = go_places_image(&im, names, n, add, ctx);
	image_close(&im);
	return err;
}
