/*
 * Decoding system calls: the record plus its row of the table give the file or socket the event is
 * about; the arguments are rendered only when a field asks for them.
 */
#include "probe/syscall/syscall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/sock.h"
#include "probe/syscall/arg_fields.h"
#include "probe/syscall/table.h"
#include "wire/sock.h"

/* Ports below are not given out by themselves (net.ipv4.ip_local_port_range). */
#define PORT_EPHEMERAL 32768

static struct str call_piece(const struct rec_syscall *r, enum sys_piece which)
{
	return rec_piece(r, r->hdr.len, r->piece[which]);
}

static void file_fill(const struct rec_syscall *r, const struct sys_call *c, struct arena *a,
		      struct evt_fd *ret)
{
	enum sys_piece path = SYS_PATH0 + c->main_path, base = SYS_BASE0 + c->main_path;

	struct open_how_args o;

	ret->type = FD_FILE;
	if (sys_open_args(c, r, &o) && (o.flags & O_DIRECTORY) && (o.flags & O_TMPFILE) != O_TMPFILE)
		ret->type = FD_DIR;
	ret->nameraw = call_piece(r, path);
	if (ret->nameraw.n && ret->nameraw.p[0] == '/') {
		ret->name = path_resolve(a, STR_NONE, ret->nameraw);
	} else if (!(r->fault & (REC_CUT(path) | REC_CUT(base)))) {
		struct str from = walk_to_path(a, call_piece(r, base));

		ret->name = ret->nameraw.p ? path_resolve(a, from, ret->nameraw) : from;
	}
	ret->cut = r->cut & (REC_CUT(path) | REC_CUT(base));
}

/* What the last name of an anonymous inode says it is. */
static const struct {
	const char *name;
	enum fd_type type;
} anonymous[] = {
	{ "[eventfd]", FD_EVENTFD },
	{ "[eventpoll]", FD_EVENTPOLL },
	{ "inotify", FD_INOTIFY },
	{ "[signalfd]", FD_SIGNALFD },
	{ "[timerfd]", FD_TIMERFD },
	{ "bpf-map", FD_BPF },
	{ "bpf-prog", FD_BPF },
	{ "bpf_link", FD_BPF },
	{ "[userfaultfd]", FD_USERFAULTFD },
	{ "[io_uring]", FD_IO_URING },
	{ "[pidfd]", FD_PIDFD },
};

/* The type of a file by its mode's type and its walk, "name\0directory\0". */
static enum fd_type file_type(uint16_t ifmt, struct str walk)
{
	struct str name = walk.n ? str_fixed(walk.p, walk.n) : STR("");

	if (ifmt == (S_IFDIR & SYS_IFMT))
		return FD_DIR;
	if (ifmt == (S_IFIFO & SYS_IFMT))
		return FD_PIPE;
	if (name.n + 1 < walk.n || (ifmt && ifmt != (S_IFREG & SYS_IFMT)))
		return FD_FILE;
	if (ifmt && str_starts(name, STR("memfd:")))
		return FD_MEMFD;
	for (size_t i = 0; i < sizeof(anonymous) / sizeof(anonymous[0]); i++)
		if ((!ifmt || name.p[0] == '[') && str_eq(name, str_of(anonymous[i].name)))
			return anonymous[i].type;
	return FD_FILE;
}

/* The file behind a descriptor. */
static void walk_fill(const struct rec_syscall *r, struct arena *a, struct evt_fd *ret)
{
	struct str walk = call_piece(r, SYS_FILE);

	ret->type = file_type(r->info & SYS_IFMT, walk);
	ret->cut = r->cut & REC_CUT(SYS_FILE);
	if (ret->type == FD_FILE || ret->type == FD_DIR || ret->type == FD_MEMFD)
		ret->name = walk_to_path(a, walk);
	else if (walk.n > 1)
		ret->name = str_fixed(walk.p, walk.n);
}

/* What is recorded of opened files on request. */
static void opened_fill(const struct rec_syscall *r, struct arena *a, struct evt_fd *ret)
{
	struct str piece = call_piece(r, SYS_INODE);
	struct sys_inode id;

	if (piece.n != sizeof(id))
		return;
	memcpy(&id, piece.p, sizeof(id));
	ret->ino = id.ino;
	ret->dev = id.dev;
	ret->layer = id.layer;
	if (!(r->cut & REC_CUT(SYS_FILE)))
		ret->realpath = walk_to_path(a, call_piece(r, SYS_FILE));
}

/* A unix address as people write it: a path without its NUL, an abstract name after '@'. */
static struct str unix_name(struct arena *a, struct str raw)
{
	char *name;

	if (!raw.n)
		return STR_NONE;
	if (raw.p[0])
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
		return r->ret >= 0 ? r->ret : FD_FAILED;
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (c->args[at].name && c->args[at].type->class == CLASS_FD)
			return (int32_t)r->args[at];
	return -1;
}

/*
 * 1: the local end serves, 0: it is the client, -1: not known. Of calls that do not tell the ports
 * do: a server's is chosen, a client's given.
 */
static int8_t role_of(enum kind_id kind, const struct conn *c)
{
	switch (kind) {
	case KIND_ACCEPT:
	case KIND_LISTEN:
	case KIND_BIND:
		return 1;
	case KIND_CLOSE:
		return -1;
	case KIND_SEND:
	case KIND_RECV:
	case KIND_DUP:
		if (c->lport == c->rport ||
		    (c->lport >= PORT_EPHEMERAL && c->rport >= PORT_EPHEMERAL))
			return kind == KIND_RECV;
		return c->lport && c->lport < PORT_EPHEMERAL && (c->lport < c->rport || !c->rport);
	default:
		return 0;
	}
}

/* Has the socket a peer of its own? TCP's states; UDP and unix sockets use the first alone. */
static bool state_connected(uint8_t state)
{
	static const bool connected[] = {
		[1] = true,  /* ESTABLISHED */[3] = true, /* SYN_RECV */
		[4] = true,  /* FIN_WAIT1 */[5] = true,	  /* FIN_WAIT2 */
		[8] = true,  /* CLOSE_WAIT */[9] = true,  /* LAST_ACK */
		[11] = true,				  /* CLOSING */
	};

	return state < sizeof(connected) && connected[state];
}

/* Whether the program's own address tells the peer, where the kernel's socket does not. */
static bool addr_is_peer(enum kind_id kind, const struct conn *c)
{
	return kind == KIND_SEND || kind == KIND_RECV || (kind == KIND_CONNECT && !c->rport);
}

static void conn_fill(const struct rec_syscall *r, const struct sys_call *c, struct arena *a,
		      struct evt_fd *ret)
{
	const struct rec_sock *s = &r->sock;
	struct str addr = call_piece(r, SYS_ADDR);
	struct conn *conn = &ret->conn;

	sock_fd_fill(s, 0, ret);
	if (s->family == AF_UNIX) {
		ret->type = FD_UNIX;
		conn->unix_path = unix_name(a, call_piece(r, SYS_FILE));
	} else if (s->family == AF_NETLINK) {
		ret->type = FD_NETLINK;
	}
	if (addr_is_peer(c->kind, conn))
		addr_fill(addr, a, conn);
	conn->is_server = role_of(c->kind, conn);
	if (c->kind == KIND_CONNECT && sock_ip_any(&conn->local) && !conn->lport)
		conn->local.len = 0;
	if (s->family == AF_UNIX)
		ret->name = conn->unix_path;
	ret->num = fd_number(r, c);
	ret->connected = state_connected(s->state);
	ret->name_changed = r->info & SYS_PEER_NEW;
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
	} else if (sys_has_path(c)) {
		file_fill(r, c, a, &ret->fd);
		opened_fill(r, a, &ret->fd);
	} else if (r->piece[SYS_FILE].off) {
		walk_fill(r, a, &ret->fd);
		opened_fill(r, a, &ret->fd);
	}
	return 0;
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

/* A call that its tracepoint has another name for: that of its function in the kernel. */
static const char *tracepoint_of(const char *call)
{
	return strcmp(call, "umount2") == 0 ? "umount" : call;
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
		snprintf(event, sizeof(event), "sys_%s_%s", enter ? "enter" : "exit",
			 tracepoint_of(c->name));
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

#define SYSCALL_KINDS                                                                               \
	(KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) | KIND_BIT(KIND_DELETE) |                      \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_LINK) | KIND_BIT(KIND_CHMOD) |                       \
	 KIND_BIT(KIND_MOUNT) | KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT) |                    \
	 KIND_BIT(KIND_BIND) | KIND_BIT(KIND_LISTEN) | KIND_BIT(KIND_CLOSE) |                       \
	 KIND_BIT(KIND_MODULE) | KIND_BIT(KIND_PTRACE) | KIND_BIT(KIND_SETID) | KIND_BIT(KIND_NS) | \
	 KIND_BIT(KIND_BPF) | KIND_BIT(KIND_IO_URING) | KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_DUP) |  \
	 KIND_BIT(KIND_SOCKET) | KIND_BIT(KIND_SEND) | KIND_BIT(KIND_RECV) | KIND_BIT(KIND_MEMORY))

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
