/*
 * The types of arguments and how each is shown: as sysdig shows it, since rules compare the
 * rendered text.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "event/errno.h"
#include "event/fd.h"
#include "probe/probe.h"
#include "probe/syscall/arg_names.h"

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
		known = group ? ev->accounts->group(ev->accounts->ctx, ev->proc, id) :
				ev->accounts->user(ev->accounts->ctx, ev->proc, id);
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

/* The access mode is a number, the rest are bits: it is made a bit for the table. */
static bool open_flags_render(const struct arg_type *t, const struct event *ev, unsigned at,
			      struct arena *a, struct arg_text *ret)
{
	struct open_how_args o;
	uint64_t v;

	(void)at;
	if (!sys_open_args(sys_call_find(rec_of(ev)->nr), rec_of(ev), &o))
		return false;
	v = (o.flags & 0xfffffffc) | ACCESS(1 << (o.flags & O_ACCMODE));
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
