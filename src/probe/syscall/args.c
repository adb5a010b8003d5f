/*
 * The types of arguments and how each is shown: as sysdig shows it, since rules compare the
 * rendered text. Flag values are Linux's user interface on x86-64 (include/uapi).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "event/errno.h"
#include "event/fd.h"
#include "probe/probe.h"
#include "probe/syscall/table.h"

/* Room for one rendered argument; longer flag lists are cut at a whole name. */
#define RENDER_BYTES 256

static bool text_put(struct arena *a, const char *text, size_t n, struct str *ret)
{
	char *p = arena_alloc(a, n);

	if (!p)
		return false;
	memcpy(p, text, n);
	*ret = (struct str){ p, n };
	return true;
}

/* @v in a base of at most 16, after @prefix, with at least @digits digits; printf is ten times slower. */
static bool number_put(struct arena *a, struct str prefix, unsigned base, unsigned digits,
		       uint64_t v, struct str *ret)
{
	char text[32];
	size_t at = sizeof(text);

	for (; v || digits; v /= base) {
		text[--at] = "0123456789abcdef"[v % base];
		digits -= digits > 0;
	}
	at -= prefix.n;
	memcpy(text + at, prefix.p, prefix.n);
	return text_put(a, text + at, sizeof(text) - at, ret);
}

static bool unsigned_put(struct arena *a, uint64_t v, struct str *ret)
{
	return number_put(a, STR(""), 10, 1, v, ret);
}

static bool signed_put(struct arena *a, int64_t v, struct str *ret)
{
	return number_put(a, v < 0 ? STR("-") : STR(""), 10, 1, (uint64_t)(v < 0 ? -v : v), ret);
}

static const struct rec_syscall *rec_of(const struct event *ev)
{
	return ev->body;
}

static bool dec_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	(void)t;
	return signed_put(a, (int32_t)rec_of(ev)->args[at], &ret->raw);
}

/* A number of bytes or entries. */
static bool len_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	(void)t;
	return unsigned_put(a, rec_of(ev)->args[at], &ret->raw);
}

/* What went over the wire, where that is all there is to know of the size. */
static bool done_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	(void)t;
	(void)at;
	return ev->ret >= 0 && unsigned_put(a, (uint64_t)ev->ret, &ret->raw);
}

static bool hex_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	(void)t;
	return number_put(a, STR("0x"), 16, 1, rec_of(ev)->args[at], &ret->raw);
}

/* As C writes it: 0644, and 0 for none. */
static bool octal_put(struct arena *a, uint64_t v, struct str *ret)
{
	return number_put(a, STR("0"), 8, 0, v, ret);
}

static bool octal_render(const struct arg_type *t, const struct event *ev, unsigned at,
			 struct arena *a, struct arg_text *ret)
{
	(void)t;
	return octal_put(a, rec_of(ev)->args[at] & 07777, &ret->raw);
}

/* Only a call that may create takes a mode: otherwise there is anything in its place. */
static bool open_mode_render(const struct arg_type *t, const struct event *ev, unsigned at,
			     struct arena *a, struct arg_text *ret)
{
	struct open_how_args o;

	(void)t;
	(void)at;
	return sys_open_args(sys_call_find(rec_of(ev)->nr), rec_of(ev), &o) &&
	       octal_put(a, o.mode, &ret->raw);
}

/* A uid or gid; -1 means "leave". */
static bool id_render(const struct arg_type *t, const struct event *ev, unsigned at,
		      struct arena *a, struct arg_text *ret)
{
	uint32_t id = (uint32_t)rec_of(ev)->args[at];

	(void)t;
	return id == UINT32_MAX ? signed_put(a, -1, &ret->raw) : unsigned_put(a, id, &ret->raw);
}

/* With the name that the node has for it, where that says anything. */
static bool account_render(const struct event *ev, unsigned at, bool group, struct arena *a,
			   struct arg_text *ret)
{
	uint32_t id = (uint32_t)rec_of(ev)->args[at];
	const struct account *known = NULL;

	if (ev->accounts && ev->proc)
		known = group ? ev->accounts->group(ev->accounts->ctx, id) :
				ev->accounts->user(ev->accounts->ctx, id);
	known = known ? proc_account(ev->proc, known) : NULL;
	if (known)
		ret->text = known->name;
	return id_render(NULL, ev, at, a, ret);
}

static bool uid_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	(void)t;
	return account_render(ev, at, false, a, ret);
}

static bool gid_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	(void)t;
	return account_render(ev, at, true, a, ret);
}

/* "<4t>10.0.0.1:5000->10.0.0.2:80", as sysdig shows a descriptor it knows. */
static bool fd_text(const struct event *ev, struct arena *a, struct str *ret)
{
	struct str name = STR_NONE;
	char proto = fd_l4_char(&ev->fd), *p;
	size_t n = 0;

	if (ev->fd.type == FD_NONE)
		return false;
	fd_name(&ev->fd, a, &name);
	p = arena_alloc(a, name.n + 4);
	if (!p)
		return false;
	p[n++] = '<';
	p[n++] = fd_type_char(ev->fd.type).p[0];
	if (proto)
		p[n++] = proto;
	p[n++] = '>';
	if (name.n)
		memcpy(p + n, name.p, name.n);
	*ret = (struct str){ p, n + name.n };
	return true;
}

static bool fd_render(const struct arg_type *t, const struct event *ev, unsigned at,
		      struct arena *a, struct arg_text *ret)
{
	fd_text(ev, a, &ret->text);
	return dec_render(t, ev, at, a, ret);
}

static bool errno_text(const struct event *ev, struct arena *a, struct arg_text *ret)
{
	if (ev->ret < 0)
		ret->text = errno_name(ev->ret);
	return ev->has_ret && signed_put(a, ev->ret, &ret->raw);
}

static bool errno_render(const struct arg_type *t, const struct event *ev, unsigned at,
			 struct arena *a, struct arg_text *ret)
{
	(void)t;
	(void)at;
	return errno_text(ev, a, ret);
}

static bool result_fd_render(const struct arg_type *t, const struct event *ev, unsigned at,
			     struct arena *a, struct arg_text *ret)
{
	(void)t;
	(void)at;
	if (ev->ret >= 0 && ev->fd.num == ev->ret)
		fd_text(ev, a, &ret->text);
	return errno_text(ev, a, ret);
}

static bool dir_render(const struct arg_type *t, const struct event *ev, unsigned at,
		       struct arena *a, struct arg_text *ret)
{
	if ((int)rec_of(ev)->args[at] == AT_FDCWD)
		ret->text = STR("AT_FDCWD");
	return dec_render(t, ev, at, a, ret);
}

/* The string as the program gave it. */
static bool text_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	int piece = sys_arg_piece(sys_call_find(r->nr), at);

	(void)t;
	(void)a;
	if (piece < 0 || (r->fault & REC_CUT(piece)))
		return false;
	ret->raw = rec_piece(r, r->hdr.len, r->piece[piece]);
	if (!ret->raw.p)
		ret->raw = STR("");
	return true;
}

/* A path, and what it comes to when it is relative or not normal. */
static bool path_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	int piece = sys_arg_piece(sys_call_find(r->nr), at);
	struct str base = STR_NONE, whole;

	if (!text_render(t, ev, at, a, ret))
		return false;
	if (ret->raw.n && ret->raw.p[0] != '/')
		base = walk_to_path(a, rec_piece(r, r->hdr.len, r->piece[SYS_BASE0 + piece]));
	whole = path_resolve(a, base, ret->raw);
	if (whole.p != ret->raw.p)
		ret->text = whole;
	return whole.p != NULL;
}

/* The names of the bits that are set, of the table's order; a row of no bits is for the value 0. */
static bool names_put(const struct flag_name *f, uint64_t v, struct arena *a, struct str *ret)
{
	char text[RENDER_BYTES];
	uint64_t left = v;
	size_t n = 0;

	for (; f->name; f++) {
		size_t len = strlen(f->name);

		if (f->bits ? (left & f->bits) != f->bits : v != 0)
			continue;
		if (n + len + 1 > sizeof(text))
			break;
		if (n)
			text[n++] = '|';
		memcpy(text + n, f->name, len);
		n += len;
		left &= ~f->bits;
	}
	return n == 0 || text_put(a, text, n, ret);
}

static bool flags_render(const struct arg_type *t, const struct event *ev, unsigned at,
			 struct arena *a, struct arg_text *ret)
{
	uint64_t v = (uint32_t)rec_of(ev)->args[at];

	return names_put(t->flags, v, a, &ret->text) && unsigned_put(a, v, &ret->raw);
}

/* What openat2 was told by way of memory; not in older captures. */
static bool resolve_render(const struct arg_type *t, const struct event *ev, unsigned at,
			   struct arena *a, struct arg_text *ret)
{
	return (rec_of(ev)->info & SYS_HOW_READ) && flags_render(t, ev, at, a, ret);
}

static bool mode_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	uint64_t v = rec_of(ev)->args[at] & 0177777;

	return names_put(t->flags, v, a, &ret->text) && octal_put(a, v, &ret->raw);
}

/* One of several values, not a set of bits; one that has two names is shown by both. */
static bool enum_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	uint32_t v = (uint32_t)rec_of(ev)->args[at];

	for (const struct flag_name *f = t->flags; f->name && !ret->text.p; f++)
		if (f->bits == v)
			ret->text = str_of(f->name);
	return unsigned_put(a, v, &ret->raw);
}

#define ACCESS(v)   ((uint64_t)(v) << 60) /* the access mode in open_names */
#define CREATED_BIT (1ull << 59)

/* The access mode is a number, the rest are bits: it is made a bit for the table. */
static bool open_flags_render(const struct arg_type *t, const struct event *ev, unsigned at,
			      struct arena *a, struct arg_text *ret)
{
	static const uint64_t access[] = { ACCESS(1), ACCESS(2), ACCESS(4), ACCESS(8) };
	struct open_how_args o;
	uint64_t v;

	(void)at;
	if (!sys_open_args(sys_call_find(rec_of(ev)->nr), rec_of(ev), &o))
		return false;
	v = (o.flags & 0xfffffffc) | access[o.flags & O_ACCMODE];
	if (rec_of(ev)->info & SYS_CREATED)
		v |= CREATED_BIT;
	return names_put(t->flags, v, a, &ret->text) && unsigned_put(a, o.flags, &ret->raw);
}

static bool ip_port_put(struct arena *a, int family, const void *ip, uint16_t port, struct str *ret)
{
	char text[INET6_ADDRSTRLEN + 16], host[INET6_ADDRSTRLEN];

	inet_ntop(family, ip, host, sizeof(host));
	snprintf(text, sizeof(text), "%s:%u", host, ntohs(port));
	return text_put(a, text, strlen(text), ret);
}

static bool addr_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	struct str raw = rec_piece(r, r->hdr.len, r->piece[SYS_ADDR]);
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	uint16_t family;

	(void)t;
	(void)at;
	if (raw.n < sizeof(family))
		return false;
	memcpy(&family, raw.p, sizeof(family));
	if (family == AF_INET && raw.n >= sizeof(in)) {
		memcpy(&in, raw.p, sizeof(in));
		return ip_port_put(a, AF_INET, &in.sin_addr, in.sin_port, &ret->raw);
	}
	if (family == AF_INET6 && raw.n >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&in6, raw.p, offsetof(struct sockaddr_in6, sin6_scope_id));
		return ip_port_put(a, AF_INET6, &in6.sin6_addr, in6.sin6_port, &ret->raw);
	}
	if (family == AF_UNIX) {
		raw = str_skip(raw, sizeof(family));
		ret->raw = raw.n && raw.p[0] == '\0' ? raw : str_fixed(raw.p, raw.n);
		return true;
	}
	return number_put(a, STR("family "), 10, 1, family, &ret->raw);
}

/* Both ends of the connection. */
static bool tuple_render(const struct arg_type *t, const struct event *ev, unsigned at,
			 struct arena *a, struct arg_text *ret)
{
	(void)t;
	(void)at;
	return fd_name(&ev->fd, a, &ret->raw);
}

static bool data_render(const struct arg_type *t, const struct event *ev, unsigned at,
			struct arena *a, struct arg_text *ret)
{
	const struct rec_syscall *r = rec_of(ev);

	(void)t;
	(void)at;
	(void)a;
	ret->raw = rec_piece(r, r->hdr.len, r->piece[SYS_DATA]);
	return ret->raw.p != NULL;
}

#define F(x) { x, #x }

/* In sysdig's order, which its rendering shows; what sysdig does not name comes last. */
static const struct flag_name open_names[] = {
	{ 0100000, "O_LARGEFILE" },
	F(O_TMPFILE),
	F(O_DIRECTORY),
	F(O_DIRECT),
	F(O_TRUNC),
	F(O_SYNC),
	F(O_NONBLOCK),
	F(O_EXCL),
	F(O_DSYNC),
	F(O_APPEND),
	F(O_CREAT),
	{ ACCESS(4), "O_RDWR" },
	{ ACCESS(2), "O_WRONLY" },
	{ ACCESS(1), "O_RDONLY" },
	{ ACCESS(8), "O_NONE" },
	F(O_CLOEXEC),
	{ CREATED_BIT, "O_F_CREATED" },
	F(O_NOCTTY),
	F(O_NOFOLLOW),
	F(O_NOATIME),
	F(O_PATH),
	{ 0, NULL },
};

static const struct flag_name fd_names[] = { F(O_NONBLOCK), F(O_CLOEXEC), { 0, NULL } };

static const struct flag_name resolve_names[] = {
	{ 8, "RESOLVE_BENEATH" },     { 16, "RESOLVE_IN_ROOT" }, { 2, "RESOLVE_NO_MAGICLINKS" },
	{ 4, "RESOLVE_NO_SYMLINKS" }, { 1, "RESOLVE_NO_XDEV" },	 { 32, "RESOLVE_CACHED" },
	{ 0, NULL },
};

#define MODE_BITS                                                             \
	F(S_IXOTH), F(S_IWOTH), F(S_IROTH), F(S_IXGRP), F(S_IWGRP),           \
		F(S_IRGRP), F(S_IXUSR), F(S_IWUSR), F(S_IRUSR), F(S_ISVTX), \
		F(S_ISGID), F(S_ISUID)

static const struct flag_name mode_names[] = { MODE_BITS, { 0, NULL } };

static const struct flag_name mknod_names[] = {
	MODE_BITS,	    { S_IFSOCK, "S_IFSOCK" }, { S_IFREG, "S_IFREG" },
	{ S_IFBLK, "S_IFBLK" }, { S_IFCHR, "S_IFCHR" },	  { S_IFIFO, "S_IFIFO" },
	{ 0, NULL },
};

static const struct flag_name at_names[] = {
	F(AT_SYMLINK_NOFOLLOW),
	{ AT_REMOVEDIR, "AT_REMOVEDIR" },
	F(AT_SYMLINK_FOLLOW),
	F(AT_EMPTY_PATH),
	{ 0, NULL },
};

static const struct flag_name clone_names[] = {
	F(CLONE_FILES),	 F(CLONE_FS),	 F(CLONE_IO),	 F(CLONE_NEWIPC),
	F(CLONE_NEWNET), F(CLONE_NEWNS), F(CLONE_NEWPID), F(CLONE_NEWUTS),
	F(CLONE_SYSVSEM), F(CLONE_THREAD), F(CLONE_VM),	 F(CLONE_NEWUSER),
	F(CLONE_NEWCGROUP), { 0x80, "CLONE_NEWTIME" }, { 0, NULL },
};

static const struct flag_name mount_names[] = {
	{ 1, "RDONLY" },
	{ 2, "NOSUID" },
	{ 4, "NODEV" },
	{ 8, "NOEXEC" },
	{ 16, "SYNCHRONOUS" },
	{ 32, "REMOUNT" },
	{ 64, "MANDLOCK" },
	{ 128, "DIRSYNC" },
	{ 1024, "NOATIME" },
	{ 2048, "NODIRATIME" },
	{ 4096, "BIND" },
	{ 8192, "MOVE" },
	{ 16384, "REC" },
	{ 32768, "SILENT" },
	{ 1 << 16, "POSIXACL" },
	{ 1 << 17, "UNBINDABLE" },
	{ 1 << 18, "PRIVATE" },
	{ 1 << 19, "SLAVE" },
	{ 1 << 20, "SHARED" },
	{ 1 << 21, "RELATIME" },
	{ 1 << 22, "KERNMOUNT" },
	{ 1 << 23, "I_VERSION" },
	{ 1 << 24, "STRICTATIME" },
	{ 1 << 25, "LAZYTIME" },
	{ 0, NULL },
};

static const struct flag_name umount_names[] = {
	{ 1, "FORCE" }, { 2, "DETACH" }, { 4, "EXPIRE" }, { 8, "NOFOLLOW" }, { 0, NULL },
};

static const struct flag_name module_names[] = {
	{ 1, "MODULE_INIT_IGNORE_MODVERSIONS" },
	{ 2, "MODULE_INIT_IGNORE_VERMAGIC" },
	{ 4, "MODULE_INIT_COMPRESSED_FILE" },
	{ 0, NULL },
};

static const struct flag_name unload_names[] = { F(O_NONBLOCK), F(O_TRUNC), { 0, NULL } };

static const struct flag_name memfd_names[] = {
	{ 1, "MFD_CLOEXEC" },	  { 2, "MFD_ALLOW_SEALING" }, { 4, "MFD_HUGETLB" },
	{ 8, "MFD_NOEXEC_SEAL" }, { 16, "MFD_EXEC" },	      { 0, NULL },
};

static const struct flag_name fault_names[] = {
	F(O_NONBLOCK), F(O_CLOEXEC), { 1, "UFFD_USER_MODE_ONLY" }, { 0, NULL },
};

/* Two families have two names, and sysdig shows both. */
static const struct flag_name domain_names[] = {
	{ AF_UNSPEC, "AF_UNSPEC" },	  { AF_UNIX, "AF_LOCAL|AF_UNIX" },
	F(AF_INET),			  F(AF_AX25),
	F(AF_IPX),			  F(AF_APPLETALK),
	F(AF_NETROM),			  F(AF_BRIDGE),
	F(AF_ATMPVC),			  F(AF_X25),
	F(AF_INET6),			  F(AF_ROSE),
	F(AF_DECnet),			  F(AF_NETBEUI),
	F(AF_SECURITY),			  F(AF_KEY),
	{ AF_NETLINK, "AF_ROUTE|AF_NETLINK" }, F(AF_PACKET),
	F(AF_ASH),			  F(AF_ECONET),
	F(AF_ATMSVC),			  F(AF_RDS),
	F(AF_SNA),			  F(AF_IRDA),
	F(AF_PPPOX),			  F(AF_WANPIPE),
	F(AF_LLC),			  F(AF_IB),
	F(AF_MPLS),			  F(AF_CAN),
	F(AF_TIPC),			  F(AF_BLUETOOTH),
	F(AF_IUCV),			  F(AF_RXRPC),
	F(AF_ISDN),			  F(AF_PHONET),
	F(AF_IEEE802154),		  F(AF_CAIF),
	F(AF_ALG),			  F(AF_NFC),
	F(AF_VSOCK),			  F(AF_KCM),
	F(AF_QIPCRTR),			  F(AF_SMC),
	F(AF_XDP),			  { 0, NULL },
};

static const struct flag_name rename_names[] = {
	{ 1, "RENAME_NOREPLACE" },
	{ 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" },
	{ 0, NULL },
};

static const struct flag_name accept_names[] = { F(SOCK_CLOEXEC), F(SOCK_NONBLOCK), { 0, NULL } };

static const struct flag_name ptrace_names[] = {
	F(PTRACE_TRACEME),     F(PTRACE_PEEKTEXT),   F(PTRACE_PEEKDATA),   { 3, "PTRACE_PEEKUSR" },
	F(PTRACE_POKETEXT),    F(PTRACE_POKEDATA),   { 6, "PTRACE_POKEUSR" },   F(PTRACE_CONT),
	F(PTRACE_KILL),	       F(PTRACE_SINGLESTEP), F(PTRACE_GETREGS),	   F(PTRACE_SETREGS),
	F(PTRACE_GETFPREGS),   F(PTRACE_SETFPREGS),  F(PTRACE_ATTACH),	   F(PTRACE_DETACH),
	F(PTRACE_GETFPXREGS),  F(PTRACE_SETFPXREGS), F(PTRACE_SYSCALL),	   F(PTRACE_SETOPTIONS),
	F(PTRACE_GETEVENTMSG), F(PTRACE_GETSIGINFO), F(PTRACE_SETSIGINFO), F(PTRACE_GETREGSET),
	F(PTRACE_SETREGSET),   F(PTRACE_SEIZE),	     F(PTRACE_INTERRUPT),  F(PTRACE_LISTEN),
	F(PTRACE_PEEKSIGINFO), F(PTRACE_GETSIGMASK), F(PTRACE_SETSIGMASK), { 21, "PTRACE_OLDSETOPTIONS" },
	{ 25, "PTRACE_GET_THREAD_AREA" }, { 26, "PTRACE_SET_THREAD_AREA" }, { 30, "PTRACE_ARCH_PRCTL" },
	{ 31, "PTRACE_SYSEMU" }, { 32, "PTRACE_SYSEMU_SINGLESTEP" }, { 33, "PTRACE_SINGLEBLOCK" },
	{ 0, NULL },
};

static const struct flag_name bpf_names[] = {
	F(BPF_MAP_CREATE),
	F(BPF_MAP_LOOKUP_ELEM),
	F(BPF_MAP_UPDATE_ELEM),
	F(BPF_MAP_DELETE_ELEM),
	F(BPF_MAP_GET_NEXT_KEY),
	F(BPF_PROG_LOAD),
	F(BPF_OBJ_PIN),
	F(BPF_OBJ_GET),
	F(BPF_PROG_ATTACH),
	F(BPF_PROG_DETACH),
	F(BPF_PROG_TEST_RUN),
	F(BPF_PROG_GET_NEXT_ID),
	F(BPF_MAP_GET_NEXT_ID),
	F(BPF_PROG_GET_FD_BY_ID),
	F(BPF_MAP_GET_FD_BY_ID),
	F(BPF_OBJ_GET_INFO_BY_FD),
	F(BPF_PROG_QUERY),
	F(BPF_RAW_TRACEPOINT_OPEN),
	F(BPF_BTF_LOAD),
	F(BPF_BTF_GET_FD_BY_ID),
	F(BPF_TASK_FD_QUERY),
	F(BPF_MAP_LOOKUP_AND_DELETE_ELEM),
	F(BPF_MAP_FREEZE),
	F(BPF_BTF_GET_NEXT_ID),
	F(BPF_MAP_LOOKUP_BATCH),
	F(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
	F(BPF_MAP_UPDATE_BATCH),
	F(BPF_MAP_DELETE_BATCH),
	F(BPF_LINK_CREATE),
	F(BPF_LINK_UPDATE),
	F(BPF_LINK_GET_FD_BY_ID),
	F(BPF_LINK_GET_NEXT_ID),
	F(BPF_ENABLE_STATS),
	F(BPF_ITER_CREATE),
	F(BPF_LINK_DETACH),
	F(BPF_PROG_BIND_MAP),
	{ 0, NULL },
};

#define NUMBER(class, render, type) { class, render, VALUE_##type, NULL }
#define TEXT(class, render)	    { class, render, VALUE_STR, NULL }
#define FLAGS(class, render, names) { class, render, VALUE_U64, names }

const struct arg_type arg_dec = NUMBER(CLASS_VALUE, dec_render, I64);
const struct arg_type arg_len = NUMBER(CLASS_VALUE, len_render, U64);
const struct arg_type arg_hex = NUMBER(CLASS_VALUE, hex_render, U64);
const struct arg_type arg_id = NUMBER(CLASS_VALUE, id_render, U64);
const struct arg_type arg_uid = NUMBER(CLASS_VALUE, uid_render, U64);
const struct arg_type arg_gid = NUMBER(CLASS_VALUE, gid_render, U64);
const struct arg_type arg_fd = NUMBER(CLASS_FD, fd_render, I64);
const struct arg_type arg_fd_other = NUMBER(CLASS_VALUE, dec_render, I64);
const struct arg_type arg_errno = NUMBER(CLASS_VALUE, errno_render, I64);
const struct arg_type arg_result_fd = NUMBER(CLASS_VALUE, result_fd_render, I64);
const struct arg_type arg_path = TEXT(CLASS_PATH, path_render);
const struct arg_type arg_text = TEXT(CLASS_PATH, text_render);
const struct arg_type arg_dir = NUMBER(CLASS_DIR, dir_render, I64);
const struct arg_type arg_addr = TEXT(CLASS_ADDR, addr_render);
const struct arg_type arg_peer = TEXT(CLASS_ADDR, tuple_render);
const struct arg_type arg_tuple = TEXT(CLASS_VALUE, tuple_render);
const struct arg_type arg_data = TEXT(CLASS_DATA, data_render);
const struct arg_type arg_msg = TEXT(CLASS_MSG, data_render);
const struct arg_type arg_done = NUMBER(CLASS_VALUE, done_render, U64);
const struct arg_type arg_octal = NUMBER(CLASS_VALUE, octal_render, U64);
const struct arg_type arg_open_mode = NUMBER(CLASS_VALUE, open_mode_render, U64);
const struct arg_type arg_mode = FLAGS(CLASS_VALUE, mode_render, mode_names);
const struct arg_type arg_mknod_mode = FLAGS(CLASS_VALUE, mode_render, mknod_names);
const struct arg_type arg_open_flags = FLAGS(CLASS_OPEN, open_flags_render, open_names);
const struct arg_type arg_fd_flags = FLAGS(CLASS_VALUE, flags_render, fd_names);
const struct arg_type arg_resolve = FLAGS(CLASS_VALUE, resolve_render, resolve_names);
const struct arg_type arg_at_flags = FLAGS(CLASS_VALUE, flags_render, at_names);
const struct arg_type arg_clone_flags = FLAGS(CLASS_VALUE, flags_render, clone_names);
const struct arg_type arg_mount_flags = FLAGS(CLASS_VALUE, flags_render, mount_names);
const struct arg_type arg_umount_flags = FLAGS(CLASS_VALUE, flags_render, umount_names);
const struct arg_type arg_rename_flags = FLAGS(CLASS_VALUE, flags_render, rename_names);
const struct arg_type arg_accept_flags = FLAGS(CLASS_VALUE, flags_render, accept_names);
const struct arg_type arg_module_flags = FLAGS(CLASS_VALUE, flags_render, module_names);
const struct arg_type arg_unload_flags = FLAGS(CLASS_VALUE, flags_render, unload_names);
const struct arg_type arg_memfd_flags = FLAGS(CLASS_VALUE, flags_render, memfd_names);
const struct arg_type arg_fault_flags = FLAGS(CLASS_VALUE, flags_render, fault_names);
const struct arg_type arg_domain = FLAGS(CLASS_VALUE, enum_render, domain_names);
const struct arg_type arg_ptrace = FLAGS(CLASS_VALUE, enum_render, ptrace_names);
const struct arg_type arg_bpf = FLAGS(CLASS_VALUE, enum_render, bpf_names);
