/* Decoding samples, and the fields that only they have. */
#include "probe/profile/profile.h"

#include <errno.h>

#include "probe/probe.h"
#include "probe/stack.h"

#define STACK_AT (sizeof(struct rec_sample) - sizeof(struct rec_stack))

static int sample_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_sample *r = (const void *)h;
	struct stack s;

	(void)a;
	if (h->len < sizeof(*r) || (r->flags & ~SAMPLE_USER) ||
	    stack_read(&r->stack, h->len - STACK_AT, &s) != 0)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_SAMPLE];
	ret->type = STR("sample");
	ret->fd.num = -1;
	return 0;
}

static size_t sample_stack_at(const struct rec_hdr *h)
{
	return h->len < sizeof(struct rec_sample) ? 0 : STACK_AT;
}

enum sample_field {
	SAMPLE_MODE,
	SAMPLE_DEPTH,
	SAMPLE_KERNEL_DEPTH,
	SAMPLE_END,
	SAMPLE_INTERP_DEPTH,
	SAMPLE_INTERP_END,
	SAMPLE_ADDRESSES,
};

static bool addresses_get(const struct event *ev, struct value *ret)
{
	const struct rec_sample *r = ev->body;
	struct stack s;

	if (stack_read(&r->stack, ev->hdr->len - STACK_AT, &s) != 0)
		return false;
	ret->str = stack_text(&s, field_arena());
	return ret->str.n;
}

static bool interp_get(const struct event *ev, enum sample_field field, struct value *ret)
{
	const struct rec_sample *r = ev->body;
	struct stack s;

	if (stack_read(&r->stack, ev->hdr->len - STACK_AT, &s) != 0 || !s.interp)
		return false;
	if (field == SAMPLE_INTERP_DEPTH)
		ret->u64 = s.interp->n;
	else
		ret->str = str_of(interp_end_name(s.interp->end));
	return true;
}

static bool sample_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_sample *r = ev->body;

	if (nth || ev->hdr->type != REC_SAMPLE)
		return false;
	ret->type = ref->field->type;
	switch ((enum sample_field)ref->field->arg) {
	case SAMPLE_MODE:
		ret->str = r->flags & SAMPLE_USER ? STR("user") : STR("kernel");
		return true;
	case SAMPLE_DEPTH:
		ret->u64 = r->stack.nuser;
		return true;
	case SAMPLE_KERNEL_DEPTH:
		ret->u64 = r->stack.nkernel;
		return true;
	case SAMPLE_END:
		ret->str = str_of(stack_end_name(r->stack.end));
		return true;
	case SAMPLE_INTERP_DEPTH:
	case SAMPLE_INTERP_END:
		return interp_get(ev, ref->field->arg, ret);
	case SAMPLE_ADDRESSES:
		return addresses_get(ev, ret);
	}
	return false;
}

#define SAMPLE KIND_BIT(KIND_SAMPLE), FIELD_DEFAULT, sample_get

static const struct field sample_fields[] = {
	{ "sample.mode", VALUE_STR, "", SAMPLE, SAMPLE_MODE,
	  "user (the program's own code ran) or kernel" },
	{ "sample.depth", VALUE_U64, "", SAMPLE, SAMPLE_DEPTH, "frames of the program's stack" },
	{ "sample.kernel_depth", VALUE_U64, "", SAMPLE, SAMPLE_KERNEL_DEPTH,
	  "frames of the kernel's stack" },
	{ "sample.end", VALUE_STR, "", SAMPLE, SAMPLE_END,
	  "why the program's stack ends there: whole, none (no program, or not asked for), deep (more "
	  "than the maximum), no-mapping, no-table (of the file, not yet), no-row (code that its table "
	  "does not describe), unreadable, register (one that is not known any more), stuck" },
	{ "sample.interp_depth", VALUE_U64, "", KIND_BIT(KIND_SAMPLE), 0, sample_get,
	  SAMPLE_INTERP_DEPTH, "frames of the interpreter (CPython) that the program's stack runs" },
	{ "sample.interp_end", VALUE_STR, "", KIND_BIT(KIND_SAMPLE), 0, sample_get, SAMPLE_INTERP_END,
	  "why the interpreter's frames end there: whole, no-thread (it runs none of its code), "
	  "unreadable, deep (more than the maximum)" },
	{ "sample.addresses", VALUE_STR, "", KIND_BIT(KIND_SAMPLE), 0, sample_get, SAMPLE_ADDRESSES,
	  "the frames of the program's stack, innermost first: where each runs, or is in a call" },
	{ NULL },
};

static uint64_t sample_type_kinds(struct str type)
{
	return str_eq(type, STR("sample")) ? KIND_BIT(KIND_SAMPLE) : 0;
}

static const struct probe_decoder sample_decoders[] = {
	{ REC_SAMPLE, sample_decode, sample_stack_at },
	{ REC_NONE, NULL },
};

static const struct probe_hook sample_hooks[] = {
	{ "profile_sample", NULL, "perf event cpu-clock", .perf = true, .stacks = true },
	{ NULL },
};

extern const char profile_bpf_elf[], profile_bpf_elf_end[];

const struct probe probe_profile = {
	.name = "profile",
	.help = "samples of what the CPUs do, with stacks",
	.elf = profile_bpf_elf,
	.elf_end = profile_bpf_elf_end,
	.kinds = KIND_BIT(KIND_SAMPLE),
	.hooks = sample_hooks,
	.decoders = sample_decoders,
	.fields = sample_fields,
	.type_kinds = sample_type_kinds,
};
