/*
 * Decoding system calls: the record plus its row of the table give the file or socket the event is
 * about; the arguments are rendered only when a field asks for them.
 */
#include "probe/syscall/syscall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "probe/probe.h"
#include "probe/sock.h"
#include "probe/syscall/table.h"
#include "wire/sock.h"

/* Distinct argument names in the table, and the few other fields of this probe. */
#define SYSCALL_FIELDS_MAX 96

static struct str call_piece(const struct rec_syscall *r, enum sys_piece which)
{
	return rec_piece(r, r->hdr.len, r->piece[which]);
}

static void file_fill(const struct rec_syscall *r, const struct sys_call *c, struct arena *a,
		      struct evt_fd *ret)
{
	enum sys_piece path = SYS_PATH0 + c->main_path, base = SYS_BASE0 + c->main_path;

	ret->type = FD_FILE;
	ret->nameraw = call_piece(r, path);
	if (ret->nameraw.n && ret->nameraw.p[0] == '/') {
		ret->name = path_resolve(a, STR_NONE, ret->nameraw);
	} else if (!(r->fault & (REC_CUT(path) | REC_CUT(base)))) {
		struct str from = walk_to_path(a, call_piece(r, base));

		ret->name = ret->nameraw.p ? path_resolve(a, from, ret->nameraw) : from;
	}
	ret->cut = r->cut & (REC_CUT(path) | REC_CUT(base));
}

/* A unix address as people write it: a path without its NUL, an abstract name after '@'. */
static struct str unix_name(struct arena *a, struct str raw)
{
	char *name;

	if (!raw.n || raw.p[0])
		return str_fixed(raw.p, raw.n);
	name = arena_alloc(a, raw.n);
	if (!name)
		return STR_NONE;
	memcpy(name, raw.p, raw.n);
	name[0] = '@';
	return (struct str){ name, raw.n };
}

/* What the program gave as the peer, where the kernel does not have it (refused, UDP). */
static void addr_fill(struct str raw, struct arena *a, struct conn *ret)
{
	struct sockaddr_in6 in6 = { 0 };
	struct sockaddr_in in;
	uint16_t family;

	if (raw.n < sizeof(family))
		return;
	memcpy(&family, raw.p, sizeof(family));
	if (family == AF_INET && raw.n >= sizeof(in)) {
		memcpy(&in, raw.p, sizeof(in));
		ret->remote = (struct ip){ .len = 4 };
		memcpy(ret->remote.b, &in.sin_addr, 4);
		ret->rport = ntohs(in.sin_port);
	} else if (family == AF_INET6 && raw.n >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&in6, raw.p, offsetof(struct sockaddr_in6, sin6_scope_id));
		ret->remote = sock_ip((const uint8_t *)&in6.sin6_addr, true);
		ret->rport = ntohs(in6.sin6_port);
	} else if (family == AF_UNIX && raw.n > sizeof(family)) {
		ret->unix_path = unix_name(a, str_skip(raw, sizeof(family)));
	}
}

/* The descriptor number the event is about, or -1. */
static int64_t fd_number(const struct rec_syscall *r, const struct sys_call *c)
{
	if (c->ret_is_fd || c->kind == KIND_OPEN)
		return r->ret >= 0 ? r->ret : -1;
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (c->args[at].name && c->args[at].type->class == CLASS_FD)
			return (int32_t)r->args[at];
	return -1;
}

/* 1: the local end serves, 0: it is the client, -1: the call does not tell. */
static int8_t role_of(enum kind_id kind)
{
	static const int8_t roles[KIND_COUNT] = {
		[KIND_ACCEPT] = 1,
		[KIND_LISTEN] = 1,
		[KIND_BIND] = 1,
		[KIND_CLOSE] = -1,
	};

	return roles[kind];
}

static void conn_fill(const struct rec_syscall *r, const struct sys_call *c, struct arena *a,
		      struct evt_fd *ret)
{
	const struct rec_sock *s = &r->sock;
	struct str addr = call_piece(r, SYS_ADDR);
	struct conn *conn = &ret->conn;

	sock_fd_fill(s, role_of(c->kind), ret);
	if (s->family == AF_UNIX) {
		ret->type = FD_UNIX;
		conn->unix_path = unix_name(a, call_piece(r, SYS_FILE));
	}
	/* A failed connect leaves the socket without ends: then the program's address tells. */
	if (c->kind == KIND_CONNECT && !conn->rport)
		addr_fill(addr, a, conn);
	if (c->kind == KIND_CONNECT && sock_ip_any(&conn->local) && !conn->lport)
		conn->local.len = 0;
	if (s->family == AF_UNIX)
		ret->name = conn->unix_path;
	ret->num = fd_number(r, c);
}

static bool call_has_path(const struct sys_call *c)
{
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (sys_arg_piece(c, at) >= 0)
			return true;
	return false;
}

static int syscall_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_syscall *r = (const void *)h;
	const struct sys_call *c;

	if (h->len < sizeof(*r))
		return -EBADMSG;
	c = sys_call_find(r->nr);
	if (!c)
		return -EBADMSG;
	ret->kind = &kind_table[c->kind];
	ret->type = str_of(c->name);
	ret->has_ret = true;
	ret->ret = r->ret;
	ret->fd.num = fd_number(r, c);
	if (r->sock.family) {
		conn_fill(r, c, a, &ret->fd);
	} else if (call_has_path(c)) {
		file_fill(r, c, a, &ret->fd);
	} else if (r->piece[SYS_FILE].off) {
		ret->fd.type = FD_FILE;
		ret->fd.name = walk_to_path(a, call_piece(r, SYS_FILE));
		ret->fd.cut = r->cut & REC_CUT(SYS_FILE);
	}
	return 0;
}

/* evt.arg.NAME: field->arg is the argument's name in the table. */
static bool arg_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const char *name = (const char *)ref->field->arg;
	const struct rec_syscall *r = ev->body;
	const struct sys_call *c;

	if (nth || ev->hdr->type != REC_SYSCALL)
		return false;
	c = sys_call_find(r->nr);
	ret->type = VALUE_STR;
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (c->args[at].name && strcmp(c->args[at].name, name) == 0)
			return c->args[at].type->render(c->args[at].type, r, at, field_arena(),
							&ret->str);
	return false;
}

enum {
	OPEN_ACCESS_WRITE = 3
};

/* evt.is_open_read, evt.is_open_write: from the access mode of a call that opens. */
static bool open_mode_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			  struct value *ret)
{
	const struct rec_syscall *r = ev->body;
	const struct sys_call *c;

	if (nth || ev->hdr->type != REC_SYSCALL || ev->kind->id != KIND_OPEN)
		return false;
	c = sys_call_find(r->nr);
	ret->type = VALUE_BOOL;
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (c->args[at].type == &arg_open_flags) {
			uint64_t mode = r->args[at] & OPEN_ACCESS_WRITE;

			ret->b = ref->field->arg ? mode == 1 || mode == 2 : mode == 0 || mode == 2;
			return true;
		}
	ret->b = ref->field->arg; /* creat(2) writes */
	return strcmp(c->name, "creat") == 0;
}

static struct field syscall_fields[SYSCALL_FIELDS_MAX + 1] = {
	{ "evt.is_open_read", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_mode_get, 0,
	  "whether the file was opened for reading" },
	{ "evt.is_open_write", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_mode_get, 1,
	  "whether the file was opened for writing" },
};

static struct field *arg_field(const char *name)
{
	struct field *f = syscall_fields;

	for (; f->name; f++)
		if (f->get == arg_get && strcmp((const char *)f->arg, name) == 0)
			return f;
	return f < syscall_fields + SYSCALL_FIELDS_MAX ? f : NULL;
}

/* The fields evt.arg.NAME come from the table of calls: there is no second list of them. */
__attribute__((constructor)) static void arg_fields_make(void)
{
	static char names[SYSCALL_FIELDS_MAX][40];

	for (size_t i = 0; i < sys_calls_n * SYS_ARGS; i++) {
		const struct sys_call *c = &sys_calls[i / SYS_ARGS];
		const char *name = c->args[i % SYS_ARGS].name;
		struct field *f = name ? arg_field(name) : NULL;
		char *full;

		if (!f)
			continue;
		if (!f->name) {
			full = names[f - syscall_fields];
			snprintf(full, sizeof(names[0]), "evt.arg.%s", name);
			*f = (struct field){ full,
					     VALUE_STR,
					     "",
					     0,
					     FIELD_DEFAULT,
					     arg_get,
					     (uintptr_t)name,
					     "argument of the system call, as text" };
		}
		f->kinds |= KIND_BIT(c->kind);
	}
}

static int syscall_prepare(struct bpf_object *obj)
{
	struct bpf_map *m = bpf_object__find_map_by_name(obj, ".rodata.rows");
	struct sys_row rows[SYS_ROWS] = { 0 };

	if (!m)
		return -ENOENT;
	sys_rows_fill(rows);
	return bpf_map__set_initial_value(m, rows, sizeof(rows));
}

/* One tracepoint per wanted call: sys_exit_NAME, and sys_enter_NAME for those looked at there. */
static int syscall_targets(const struct probe_hook *hook, uint64_t kinds, probe_target_add add,
			   void *ctx)
{
	bool enter = strcmp(hook->program, "syscall_enter") == 0;
	char event[64];

	for (size_t i = 0; i < sys_calls_n; i++) {
		const struct sys_call *c = &sys_calls[i];
		int err;

		if (!(kinds & KIND_BIT(c->kind)) || (enter && !(c->flags & SYS_ENTER)))
			continue;
		snprintf(event, sizeof(event), "sys_%s_%s", enter ? "enter" : "exit", c->name);
		err = add(ctx, "syscalls", event);
		if (err)
			return err;
	}
	return 0;
}

static uint64_t syscall_type_kinds(struct str type)
{
	uint64_t set = 0;

	for (size_t i = 0; i < sys_calls_n; i++)
		if (str_eq(type, str_of(sys_calls[i].name)))
			set |= KIND_BIT(sys_calls[i].kind);
	return set;
}

#define SYSCALL_KINDS                                                            \
	(KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) | KIND_BIT(KIND_DELETE) |   \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_LINK) | KIND_BIT(KIND_CHMOD) |    \
	 KIND_BIT(KIND_MOUNT) | KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT) | \
	 KIND_BIT(KIND_BIND) | KIND_BIT(KIND_LISTEN) | KIND_BIT(KIND_CLOSE) |    \
	 KIND_BIT(KIND_MODULE) | KIND_BIT(KIND_PTRACE) | KIND_BIT(KIND_SETID) |  \
	 KIND_BIT(KIND_NS) | KIND_BIT(KIND_BPF) | KIND_BIT(KIND_IO_URING) | KIND_BIT(KIND_EXEC))

static const struct probe_decoder syscall_decoders[] = {
	{ REC_SYSCALL, syscall_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook syscall_hooks[] = {
	{ "syscall_exit", "syscall_exit_raw", "syscalls:sys_exit_*", .targets = true },
	{ "syscall_enter", "syscall_enter_raw", "syscalls:sys_enter_*", KIND_BIT(KIND_CLOSE),
	  .targets = true },
	{ NULL },
};

extern const char syscall_bpf_elf[], syscall_bpf_elf_end[];

const struct probe probe_syscall = {
	.name = "syscall",
	.help = "system calls with arguments and results",
	.elf = syscall_bpf_elf,
	.elf_end = syscall_bpf_elf_end,
	.kinds = SYSCALL_KINDS,
	.hooks = syscall_hooks,
	.decoders = syscall_decoders,
	.fields = syscall_fields,
	.prepare = syscall_prepare,
	.targets = syscall_targets,
	.type_kinds = syscall_type_kinds,
};
