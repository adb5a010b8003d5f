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
#include <sys/un.h>

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

static bool dec_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
		       struct arena *a, struct str *ret)
{
	int64_t v = (int32_t)r->args[at];

	(void)t;
	return number_put(a, v < 0 ? STR("-") : STR(""), 10, 1, (uint64_t)(v < 0 ? -v : v), ret);
}

static bool hex_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
		       struct arena *a, struct str *ret)
{
	(void)t;
	return number_put(a, STR("0x"), 16, 1, r->args[at], ret);
}

static bool mode_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			struct arena *a, struct str *ret)
{
	(void)t;
	return number_put(a, STR("0"), 8, 3, r->args[at] & 07777, ret);
}

/* A uid or gid; -1 means "leave". */
static bool id_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
		      struct arena *a, struct str *ret)
{
	if ((uint32_t)r->args[at] == UINT32_MAX)
		return dec_render(t, r, at, a, ret);
	return unsigned_put(a, (uint32_t)r->args[at], ret);
}

static bool dir_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
		       struct arena *a, struct str *ret)
{
	if ((int)r->args[at] != AT_FDCWD)
		return dec_render(t, r, at, a, ret);
	*ret = STR("-100(AT_FDCWD)");
	return true;
}

static bool path_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			struct arena *a, struct str *ret)
{
	int piece = sys_arg_piece(sys_call_find(r->nr), at);
	struct str path;

	(void)t;
	if (piece < 0 || (r->fault & REC_CUT(piece)))
		return false;
	path = rec_piece(r, r->hdr.len, r->piece[piece]);
	if (!path.p)
		path = STR("");
	if (path.n && path.p[0] != '/') {
		struct str base = rec_piece(r, r->hdr.len, r->piece[SYS_BASE0 + piece]);

		*ret = path_resolve(a, walk_to_path(a, base), path);
	} else {
		*ret = path_resolve(a, STR_NONE, path);
	}
	return ret->p != NULL;
}

/* A string that is no path of this process: a link's target, a device's name. */
static bool text_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			struct arena *a, struct str *ret)
{
	int piece = sys_arg_piece(sys_call_find(r->nr), at);

	(void)t;
	(void)a;
	if (piece < 0 || (r->fault & REC_CUT(piece)))
		return false;
	*ret = rec_piece(r, r->hdr.len, r->piece[piece]);
	if (!ret->p)
		*ret = STR("");
	return true;
}

static bool flags_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			 struct arena *a, struct str *ret)
{
	char text[RENDER_BYTES];
	uint64_t left = (uint32_t)r->args[at];
	size_t n = 0;

	for (const struct flag_name *f = t->flags; f->name; f++) {
		size_t len = strlen(f->name);

		if ((left & f->bits) != f->bits || (f->bits == 0 && r->args[at] != 0))
			continue;
		if (n + len + 1 > sizeof(text))
			break;
		if (n)
			text[n++] = '|';
		memcpy(text + n, f->name, len);
		n += len;
		left &= ~f->bits;
	}
	if (n == 0)
		return unsigned_put(a, left, ret);
	return text_put(a, text, n, ret);
}

/* One of several values, not a set of bits. */
static bool enum_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			struct arena *a, struct str *ret)
{
	for (const struct flag_name *f = t->flags; f->name; f++)
		if (f->bits == (uint32_t)r->args[at]) {
			*ret = str_of(f->name);
			return true;
		}
	return unsigned_put(a, (uint32_t)r->args[at], ret);
}

/* The access mode is a number, the rest are bits. */
static bool open_flags_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			      struct arena *a, struct str *ret)
{
	static const struct str access[] = {
		{ "O_RDONLY", 8 },
		{ "O_WRONLY", 8 },
		{ "O_RDWR", 6 },
		{ "O_RDWR|O_WRONLY", 15 },
	};
	uint64_t v = r->args[at];
	char text[RENDER_BYTES];
	size_t n = access[v & O_ACCMODE].n;

	memcpy(text, access[v & O_ACCMODE].p, n);
	v &= ~(uint64_t)O_ACCMODE;
	for (const struct flag_name *f = t->flags; f->name; f++) {
		size_t len = strlen(f->name);

		if ((v & f->bits) != f->bits || n + len + 1 > sizeof(text))
			continue;
		text[n++] = '|';
		memcpy(text + n, f->name, len);
		n += len;
		v &= ~f->bits;
	}
	return text_put(a, text, n, ret);
}

static bool addr_render(const struct arg_type *t, const struct rec_syscall *r, unsigned at,
			struct arena *a, struct str *ret)
{
	struct str raw = rec_piece(r, r->hdr.len, r->piece[SYS_ADDR]);
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	uint16_t family;

	(void)t;
	(void)at;
	if (raw.n < sizeof(family))
		return false;
	memcpy(&family, raw.p, sizeof(family));
	if (family == AF_INET && raw.n >= sizeof(in)) {
		memcpy(&in, raw.p, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "%s:%u", ip, ntohs(in.sin_port));
		return text_put(a, text, strlen(text), ret);
	}
	if (family == AF_INET6 && raw.n >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&in6, raw.p, offsetof(struct sockaddr_in6, sin6_scope_id));
		inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "%s:%u", ip, ntohs(in6.sin6_port));
		return text_put(a, text, strlen(text), ret);
	}
	if (family == AF_UNIX) {
		raw = str_skip(raw, sizeof(family));
		*ret = raw.n && raw.p[0] == '\0' ? raw : str_fixed(raw.p, raw.n);
		return true;
	}
	return number_put(a, STR("family "), 10, 1, family, ret);
}

#define F(x) { x, #x }

static const struct flag_name open_names[] = {
	F(O_CREAT),    F(O_EXCL),      F(O_NOCTTY),   F(O_TRUNC),   F(O_APPEND),
	F(O_NONBLOCK), F(O_SYNC),      F(O_DSYNC),    F(O_DIRECT),  { 0100000, "O_LARGEFILE" },
	F(O_TMPFILE),  F(O_DIRECTORY), F(O_NOFOLLOW), F(O_NOATIME), F(O_CLOEXEC),
	F(O_PATH),     { 0, NULL },
};

static const struct flag_name at_names[] = {
	F(AT_SYMLINK_NOFOLLOW),
	{ AT_REMOVEDIR, "AT_REMOVEDIR" },
	F(AT_SYMLINK_FOLLOW),
	F(AT_EMPTY_PATH),
	{ 0, NULL },
};

static const struct flag_name clone_names[] = {
	F(CLONE_NEWNS),	  F(CLONE_NEWCGROUP), F(CLONE_NEWUTS),		 F(CLONE_NEWIPC),
	F(CLONE_NEWUSER), F(CLONE_NEWPID),    F(CLONE_NEWNET),		 F(CLONE_FILES),
	F(CLONE_FS),	  F(CLONE_SYSVSEM),   { 0x80, "CLONE_NEWTIME" }, { 0, NULL },
};

static const struct flag_name mount_names[] = {
	{ 1, "MS_RDONLY" },
	{ 2, "MS_NOSUID" },
	{ 4, "MS_NODEV" },
	{ 8, "MS_NOEXEC" },
	{ 16, "MS_SYNCHRONOUS" },
	{ 32, "MS_REMOUNT" },
	{ 64, "MS_MANDLOCK" },
	{ 128, "MS_DIRSYNC" },
	{ 1024, "MS_NOATIME" },
	{ 2048, "MS_NODIRATIME" },
	{ 4096, "MS_BIND" },
	{ 8192, "MS_MOVE" },
	{ 16384, "MS_REC" },
	{ 32768, "MS_SILENT" },
	{ 1 << 16, "MS_POSIXACL" },
	{ 1 << 17, "MS_UNBINDABLE" },
	{ 1 << 18, "MS_PRIVATE" },
	{ 1 << 19, "MS_SLAVE" },
	{ 1 << 20, "MS_SHARED" },
	{ 1 << 21, "MS_RELATIME" },
	{ 1 << 24, "MS_STRICTATIME" },
	{ 1 << 25, "MS_LAZYTIME" },
	{ 0, NULL },
};

static const struct flag_name umount_names[] = {
	{ 1, "FORCE" }, { 2, "DETACH" }, { 4, "EXPIRE" }, { 8, "NOFOLLOW" }, { 0, NULL },
};

static const struct flag_name rename_names[] = {
	{ 1, "RENAME_NOREPLACE" },
	{ 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" },
	{ 0, NULL },
};

static const struct flag_name accept_names[] = { F(SOCK_CLOEXEC), F(SOCK_NONBLOCK), { 0, NULL } };

static const struct flag_name ptrace_names[] = {
	F(PTRACE_TRACEME),     F(PTRACE_PEEKTEXT),   F(PTRACE_PEEKDATA),   F(PTRACE_PEEKUSER),
	F(PTRACE_POKETEXT),    F(PTRACE_POKEDATA),   F(PTRACE_POKEUSER),   F(PTRACE_CONT),
	F(PTRACE_KILL),	       F(PTRACE_SINGLESTEP), F(PTRACE_GETREGS),	   F(PTRACE_SETREGS),
	F(PTRACE_GETFPREGS),   F(PTRACE_SETFPREGS),  F(PTRACE_ATTACH),	   F(PTRACE_DETACH),
	F(PTRACE_GETFPXREGS),  F(PTRACE_SETFPXREGS), F(PTRACE_SYSCALL),	   F(PTRACE_SETOPTIONS),
	F(PTRACE_GETEVENTMSG), F(PTRACE_GETSIGINFO), F(PTRACE_SETSIGINFO), F(PTRACE_GETREGSET),
	F(PTRACE_SETREGSET),   F(PTRACE_SEIZE),	     F(PTRACE_INTERRUPT),  F(PTRACE_LISTEN),
	F(PTRACE_PEEKSIGINFO), F(PTRACE_GETSIGMASK), F(PTRACE_SETSIGMASK), { 0, NULL },
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

const struct arg_type arg_dec = { CLASS_VALUE, dec_render, NULL };
const struct arg_type arg_hex = { CLASS_VALUE, hex_render, NULL };
const struct arg_type arg_id = { CLASS_VALUE, id_render, NULL };
const struct arg_type arg_fd = { CLASS_FD, dec_render, NULL };
const struct arg_type arg_path = { CLASS_PATH, path_render, NULL };
const struct arg_type arg_text = { CLASS_PATH, text_render, NULL };
const struct arg_type arg_dir = { CLASS_DIR, dir_render, NULL };
const struct arg_type arg_addr = { CLASS_ADDR, addr_render, NULL };
const struct arg_type arg_mode = { CLASS_VALUE, mode_render, NULL };
const struct arg_type arg_open_flags = { CLASS_VALUE, open_flags_render, open_names };
const struct arg_type arg_at_flags = { CLASS_VALUE, flags_render, at_names };
const struct arg_type arg_clone_flags = { CLASS_VALUE, flags_render, clone_names };
const struct arg_type arg_mount_flags = { CLASS_VALUE, flags_render, mount_names };
const struct arg_type arg_umount_flags = { CLASS_VALUE, flags_render, umount_names };
const struct arg_type arg_rename_flags = { CLASS_VALUE, flags_render, rename_names };
const struct arg_type arg_accept_flags = { CLASS_VALUE, flags_render, accept_names };
const struct arg_type arg_ptrace = { CLASS_VALUE, enum_render, ptrace_names };
const struct arg_type arg_bpf = { CLASS_VALUE, enum_render, bpf_names };
