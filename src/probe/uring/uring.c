/*
 * The io_uring probe: which operations are told as which system calls, and which of the kernel
 * program's doors fit this kernel. Decoding is the syscall probe's.
 */
#include "probe/uring/uring.h"

#include <asm/unistd_64.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>

#include "base/cleanup.h"
#include "probe/probe.h"
#include "probe/sys_record.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Numbers are enum io_uring_op's: older headers lack the newest. */
static const struct uring_call {
	uint8_t op;
	const char *name;
	uint16_t nr;
	enum kind_id kind;
} uring_calls[] = {
	{ 9, "sendmsg", __NR_sendmsg, KIND_SEND },
	{ 10, "recvmsg", __NR_recvmsg, KIND_RECV },
	{ 13, "accept4", __NR_accept4, KIND_ACCEPT },
	{ 16, "connect", __NR_connect, KIND_CONNECT },
	{ 18, "openat", __NR_openat, KIND_OPEN },
	{ 26, "sendto", __NR_sendto, KIND_SEND },
	{ 27, "recvfrom", __NR_recvfrom, KIND_RECV },
	{ 28, "openat2", __NR_openat2, KIND_OPEN },
	{ 35, "renameat2", __NR_renameat2, KIND_RENAME },
	{ 36, "unlinkat", __NR_unlinkat, KIND_DELETE },
	{ 37, "mkdirat", __NR_mkdirat, KIND_CREATE },
	{ 38, "symlinkat", __NR_symlinkat, KIND_CREATE },
	{ 39, "linkat", __NR_linkat, KIND_LINK },
	{ 45, "socket", __NR_socket, KIND_SOCKET },
	{ 47, "sendto", __NR_sendto, KIND_SEND },   /* without copies */
	{ 48, "sendmsg", __NR_sendmsg, KIND_SEND }, /* likewise */
	{ 56, "bind", __NR_bind, KIND_BIND },
	{ 57, "listen", __NR_listen, KIND_LISTEN },
};

#define URING_KINDS                                                              \
	(KIND_BIT(KIND_ACCEPT) | KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_OPEN) |  \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_DELETE) | KIND_BIT(KIND_CREATE) | \
	 KIND_BIT(KIND_LINK) | KIND_BIT(KIND_BIND) | KIND_BIT(KIND_LISTEN) |     \
	 KIND_BIT(KIND_SOCKET) | KIND_BIT(KIND_SEND) | KIND_BIT(KIND_RECV))

/* The shapes the tracepoints have had, by their number of arguments and the type of one. */
static const struct door {
	const char *program, *tracepoint;
	unsigned args[2]; /* either */
	unsigned pointer; /* this argument, from 1, is a pointer; 0: none is asked for */
} doors[] = {
	{ "submit_req", "btf_trace_io_uring_submit_req", { 1, 1 }, 1 },
	{ "submit_sqe", "btf_trace_io_uring_submit_sqe", { 2, 2 }, 1 },
	{ "submit_ctx", "btf_trace_io_uring_submit_sqe", { 7, 7 }, 2 },
	{ "complete_cqe", "btf_trace_io_uring_complete", { 3, 3 }, 3 },
	{ "complete_req", "btf_trace_io_uring_complete", { 5, 7 }, 2 },
	{ "complete_data", "btf_trace_io_uring_complete", { 4, 4 }, 0 },
	{ "complete_overflow", "btf_trace_io_uring_cqe_overflow", { 5, 5 }, 0 },
};

/* A tracepoint's type: a pointer to a function whose first argument is the program's own. */
static bool door_fits(const struct btf *btf, const struct door *d)
{
	int id = btf__find_by_name_kind(btf, d->tracepoint, BTF_KIND_TYPEDEF);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	unsigned n;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t))
		return false;
	n = btf_vlen(t) - 1u;
	if (n != d->args[0] && n != d->args[1])
		return false;
	if (!d->pointer)
		return true;
	t = btf__type_by_id(btf, btf_params(t)[d->pointer].type);
	return t && btf_is_ptr(t);
}

static void btf_freep(struct btf **p)
{
	btf__free(*p);
}

static int uring_rows(struct bpf_object *obj, bool by_data)
{
	struct bpf_map *rows = bpf_object__find_map_by_name(obj, ".rodata.ops");
	struct bpf_map *shape = bpf_object__find_map_by_name(obj, ".rodata.shape");
	struct uring_op ops[URING_OPS] = { 0 };
	uint32_t value = by_data;
	int err;

	if (!rows || !shape)
		return -ENOENT;
	for (size_t i = 0; i < N(uring_calls); i++)
		ops[uring_calls[i].op] = (struct uring_op){
			.used = 1,
			.kind = (uint8_t)uring_calls[i].kind,
			.nr = uring_calls[i].nr,
		};
	err = bpf_map__set_initial_value(rows, ops, sizeof(ops));
	return err ? err : bpf_map__set_initial_value(shape, &value, sizeof(value));
}

/* Only the doors that fit stay: one to come in by and one to go out by are needed. */
static int uring_prepare(struct bpf_object *obj)
{
	_cleanup_(btf_freep) struct btf *btf = btf__load_vmlinux_btf();
	bool in = false, out = false, by_data = false;

	if (!btf)
		return -errno;
	for (size_t i = 0; i < N(doors); i++) {
		const char *name = doors[i].program;
		struct bpf_program *prog = bpf_object__find_program_by_name(obj, name);
		bool fits = door_fits(btf, &doors[i]);

		if (!prog)
			return -ENOENT;
		bpf_program__set_autoload(prog, fits);
		in = in || (fits && strncmp(name, "submit", 6) == 0);
		out = out || (fits && strncmp(name, "complete", 8) == 0);
		by_data = by_data || (fits && strcmp(name, "complete_data") == 0);
	}
	return in && out ? uring_rows(obj, by_data) : -EOPNOTSUPP;
}

static uint64_t uring_type_kinds(struct str type)
{
	uint64_t set = 0;

	for (size_t i = 0; i < N(uring_calls); i++)
		if (str_eq(type, str_of(uring_calls[i].name)))
			set |= KIND_BIT(uring_calls[i].kind);
	return set;
}

/* Whether a flag of the record is set; of every system call's event. */
static bool via_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct rec_syscall *r = ev->body;

	if (nth || ev->hdr->type != REC_SYSCALL || !field_of_kind(ref, ev))
		return false;
	ret->type = VALUE_BOOL;
	ret->b = (r->info & ref->field->arg) != 0;
	return true;
}

static const struct field uring_fields[] = {
	{ "evt.io_uring", VALUE_BOOL, "", URING_KINDS, 0, via_get, SYS_VIA_URING,
	  "whether the operation was asked for through io_uring, not by the system call" },
	{ "evt.io_uring.assumed", VALUE_BOOL, "", URING_KINDS, 0, via_get, SYS_VIA_ASSUMED,
	  "whether success is assumed because no completion tells the result" },
	{ NULL },
};

static const struct probe_decoder uring_decoders[] = {
	{ REC_NONE, NULL }, /* its records are the syscall probe's */
};

static const struct probe_hook uring_hooks[] = {
	{ "submit_req", NULL, "io_uring:io_uring_submit_req" },
	{ "submit_sqe", NULL, "io_uring:io_uring_submit_sqe" },
	{ "submit_ctx", NULL, "io_uring:io_uring_submit_sqe" },
	{ "complete_cqe", NULL, "io_uring:io_uring_complete" },
	{ "complete_req", NULL, "io_uring:io_uring_complete" },
	{ "complete_data", NULL, "io_uring:io_uring_complete" },
	{ "complete_overflow", NULL, "io_uring:io_uring_cqe_overflow" },
	{ NULL },
};

extern const char uring_bpf_elf[], uring_bpf_elf_end[];

const struct probe probe_uring = {
	.name = "uring",
	.help = "operations asked for through io_uring, as the system calls they stand for",
	.elf = uring_bpf_elf,
	.elf_end = uring_bpf_elf_end,
	.kinds = URING_KINDS,
	.late = true,
	.hooks = uring_hooks,
	.decoders = uring_decoders,
	.fields = uring_fields,
	.prepare = uring_prepare,
	.missing = "this kernel has no io_uring, or one that does not tell its requests "
		   "(before 5.10.162 and 5.14)",
	.type_kinds = uring_type_kinds,
};
