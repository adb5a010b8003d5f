/* Decoding the totals of system calls, their fields, and the calls' names (libseccomp's table). */
#include "probe/calls/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "event/errno.h"
#include "probe/calls/names.h"
#include "probe/probe.h"

#define CALLS_TYPE "calls"
#define IO_TYPE	   "calls_io"

static int decode_as(const struct rec_hdr *h, size_t size, struct str type, struct event *ret)
{
	if (h->len < size)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_CALLS];
	ret->type = type;
	ret->fd.num = -1;
	return 0;
}

static int calls_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	(void)a;
	return decode_as(h, sizeof(struct rec_calls), STR(CALLS_TYPE), ret);
}

static int io_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	int err = decode_as(h, sizeof(struct rec_calls_io), STR(IO_TYPE), ret);

	(void)a;
	if (!err)
		ret->fd.num = ((const struct rec_calls_io *)h)->fd;
	return err;
}

bool call_name(uint16_t nr, char *text, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "syscall_%u", nr);
	free(name);
	return true;
}

enum calls_field {
	CALLS_NAME,
	CALLS_ERROR,
	CALLS_COUNT,
	CALLS_BYTES,
};

static bool text_get(struct value *ret, const char *text)
{
	size_t n = strlen(text);
	char *p = arena_alloc(field_arena(), n);

	if (!p)
		return false;
	memcpy(p, text, n);
	ret->str = (struct str){ p, n };
	return true;
}

static bool total_get(const struct rec_calls *r, enum calls_field which, struct value *ret)
{
	char text[64];

	switch (which) {
	case CALLS_NAME:
		return call_name(r->nr, text, sizeof(text)) && text_get(ret, text);
	case CALLS_ERROR:
		if (r->error == CALLS_NOTHING)
			return text_get(ret, "nothing");
		return r->error ? text_get(ret, strerrorname_np(r->error) ?: "?") :
				  text_get(ret, "SUCCESS");
	case CALLS_COUNT:
		ret->u64 = r->count;
		return true;
	case CALLS_BYTES:
		ret->u64 = r->bytes;
		return true;
	}
	return false;
}

static bool calls_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct rec_calls_io *io = ev->body;

	if (nth)
		return false;
	ret->type = ref->field->type;
	if (ev->hdr->type == REC_CALLS)
		return total_get(ev->body, ref->field->arg, ret);
	if (ev->hdr->type != REC_CALLS_IO)
		return false;
	switch ((enum calls_field)ref->field->arg) {
	case CALLS_NAME:
		return text_get(ret, io->writes ? "writes" : "reads");
	case CALLS_COUNT:
		ret->u64 = io->calls;
		return true;
	case CALLS_BYTES:
		ret->u64 = io->bytes;
		return true;
	default:
		return false;
	}
}

#define CALLS(arg) KIND_BIT(KIND_CALLS), FIELD_DEFAULT | FIELD_BRIEF, calls_get, arg

static const struct field calls_fields[] = {
	{ "calls.name", VALUE_STR, "", CALLS(CALLS_NAME),
	  "the system call; of calls_io: reads or writes, of any call" },
	{ "calls.error", VALUE_STR, "", CALLS(CALLS_ERROR),
	  "SUCCESS, ENOENT, ...; \"nothing\" for a call that waits for events and found none" },
	{ "calls.count", VALUE_U64, "", CALLS(CALLS_COUNT), "how often, since the watch began" },
	{ "calls.bytes", VALUE_U64, "bytes", CALLS(CALLS_BYTES), "moved by them" },
	{ NULL },
};

static uint64_t calls_type_kinds(struct str type)
{
	return str_eq(type, STR(CALLS_TYPE)) || str_eq(type, STR(IO_TYPE)) ? KIND_BIT(KIND_CALLS) : 0;
}

static const struct probe_decoder calls_decoders[] = {
	{ REC_CALLS, calls_decode },
	{ REC_CALLS_IO, io_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook calls_hooks[] = {
	{ "calls_exit", NULL, "sys_exit" },
	{ "calls_each", NULL, "map iterator", .clock = true, .map = "calls_n" },
	{ "calls_io_each", NULL, "map iterator", .clock = true, .map = "calls_io" },
	{ NULL },
};

extern const char calls_bpf_elf[], calls_bpf_elf_end[];

const struct probe probe_calls = {
	.name = "calls",
	.help = "system calls, counted",
	.elf = calls_bpf_elf,
	.elf_end = calls_bpf_elf_end,
	.kinds = KIND_BIT(KIND_CALLS),
	.hooks = calls_hooks,
	.decoders = calls_decoders,
	.fields = calls_fields,
	.type_kinds = calls_type_kinds,
};
