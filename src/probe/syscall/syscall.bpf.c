// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * System calls, at their return. One worker behind two doors: a tracepoint per call (only the
 * wanted calls run it), or the raw tracepoint of all calls where tracefs cannot be read.
 */
#include "probe/syscall/syscall.h"

#include "bpf/call_filter.h"
#include "bpf/ends_filter.h"
#include "bpf/overlay.h"
#include "bpf/path_filter.h"
#include "bpf/peer.h"
#include "bpf/piece.h"
#include "bpf/record.h"
#include "bpf/sock.h"
#include "bpf/walk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct sys_row rows[SYS_ROWS] SEC(".rodata.rows");

/* Sockets seen at the entry of calls that take them away (close). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct rec_sock);
} sys_entered SEC(".maps");

#define PATH_SMALL 256
/* Sizes of a record's tail: one short path; relative paths; anything (see TAIL_BYTES). */
#define MASK_MESSAGE	511
#define MASK_MEDIUM	1023
#define PATH_MEDIUM	256
#define MASK_LARGE	16383
#define AT_FDCWD_V	(-100)
#define O_CREAT_V	0100
#define FMODE_CREATED_V 0x100000 /* since 4.19 */

/* What a system call's own tracepoints give, as their format files have it. */
struct exit_ctx {
	u64 common;
	s32 nr;
	u32 pad; /* not set by the kernel */
	s64 ret;
};

struct enter_ctx {
	u64 common;
	s32 nr;
	u32 pad;
	u64 args[1]; /* as many as the call has */
};

struct sys_call {
	struct task_struct *task;
	struct pt_regs *regs;
	u64 given; /* regs as the hook gave them, or 0 */
	long ret;
	u32 nr;
	u32 info;    /* enum sys_info */
	bool opened; /* where the opened file is was asked for */
};

/* struct msghdr and struct iovec of a program of 64 bits; struct mmsghdr has a length behind. */
struct user_msg {
	u64 name;
	u32 name_len, pad;
	u64 iov, iov_n;
};

struct user_iov {
	u64 at, len;
};

#define USER_MSG_BYTES 56

/* The address and the data that a call names, in the program's memory; 0: none. */
struct message {
	u64 addr, data;
	u32 addr_len, data_len;
};

/* Since 5.15. */
static __always_inline bool regs_typed(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs);
}

/*
 * Where the arguments are in struct pt_regs: di, si, dx, r10, r8, r9. The layout is x86-64's user
 * interface (ptrace). A table, so that reading one is no branch for the verifier to follow.
 */
#define ARG_R8	   4  /* the place of the argument in r8 */
#define REGS_R10   56 /* r10 to di stand together */
#define REGS_BYTES 64
const volatile u8 reg_offsets[8] SEC(".rodata.regs") = { 112, 104, 96, 56, 72, 64, 64, 64 };

/* An argument by its place; ARG_RET gives the result. */
static __always_inline u64 arg_at(const struct sys_call *s, u8 at)
{
	u32 slot = at;
	u64 v = 0;

	if (at == ARG_RET)
		return s->ret;
	asm volatile("" : "+r"(slot));
	bpf_probe_read_kernel(&v, sizeof(v), (void *)s->regs + reg_offsets[slot & 7]);
	return v;
}

/* The arguments in their order, as plain loads through a typed pointer; see regs_typed. */
static __always_inline void args_load(u64 *ret)
{
	struct pt_regs *r = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	ret[0] = r->di;
	ret[1] = r->si;
	ret[2] = r->dx;
	ret[3] = r->r10;
	ret[4] = r->r8;
	ret[5] = r->r9;
}

/* Masked where it is used: older verifiers forget bounds that were checked elsewhere. */
static __always_inline const volatile struct sys_row *row_at(u32 nr)
{
	asm volatile("" : "+r"(nr));
	return &rows[nr & (SYS_ROWS - 1)];
}

static __always_inline const volatile struct sys_row *row_of(const struct sys_call *s)
{
	return row_at(s->nr);
}

/* The string of path argument @n. */
static __always_inline void path_fill(struct rec_syscall *r, const struct sys_call *s, u32 n,
				      const struct tail *t, const u32 max)
{
	u8 arg = row_of(s)->path[n];
	u32 at = tail_end(t);
	long len;

	if (arg == ARG_NONE)
		return;
	if (at > t->mask - max) {
		r->cut |= REC_CUT(n);
		return;
	}
	len = bpf_probe_read_user_str(t->p + at, max, (void *)arg_at(s, arg));
	if (len <= 0) {
		r->fault |= REC_CUT(n);
		return;
	}
	*t->end = at + ((len - 1) & (max - 1));
	piece_set(r, n, at, t, len == max);
}

/* The directory that path argument @n starts from, or NULL when it starts from none. */
static __always_inline struct path *base_of(struct rec_syscall *r, const struct sys_call *s, u32 n)
{
	u8 arg = row_of(s)->path[n], dir = row_of(s)->dir[n];
	struct task_struct *task = s->task;
	struct fs_struct *fs;
	struct file *f;
	char first = 0;

	if (arg == ARG_NONE || (r->fault & REC_CUT(n)))
		return NULL;
	bpf_probe_read_user(&first, 1, (void *)arg_at(s, arg));
	if (first == '/')
		return NULL;
	if (dir == ARG_NONE || (int)arg_at(s, dir) == AT_FDCWD_V) {
		fs = BPF_CORE_READ(task, fs);
		return &fs->pwd;
	}
	f = task_file(task, (int)arg_at(s, dir));
	if (!f)
		r->fault |= REC_CUT(SYS_BASE0 + n);
	return f ? &f->f_path : NULL;
}

static __always_inline void message_args(const struct sys_call *s, struct message *ret)
{
	const volatile struct sys_row *row = row_of(s);

	if (row->addr != ARG_NONE) {
		ret->addr = arg_at(s, row->addr);
		ret->addr_len = arg_at(s, row->addr + 1);
		if (row->flags & SYS_LEN_AT)
			bpf_probe_read_user(&ret->addr_len, 4, (void *)arg_at(s, row->addr + 1));
	}
	if (row->data != ARG_NONE) {
		ret->data = arg_at(s, row->data);
		ret->data_len = arg_at(s, row->data + 1);
	}
}

/* What went over the wire, not what was asked for: a failed call has no data. */
static __always_inline void message_read(const struct sys_call *s, struct message *ret)
{
	const volatile struct sys_row *row = row_of(s);
	u32 done = s->ret > 0 ? s->ret : 0;
	struct user_iov first = {};
	struct user_msg m = {};

	__builtin_memset(ret, 0, sizeof(*ret));
	if (row->msg == ARG_NONE) {
		message_args(s, ret);
	} else {
		void *at = (void *)arg_at(s, row->msg);

		bpf_probe_read_user(&m, sizeof(m), at);
		if (m.iov_n)
			bpf_probe_read_user(&first, sizeof(first), (void *)m.iov);
		*ret = (struct message){ m.name, first.at, m.name_len, first.len };
		if (done && (row->flags & SYS_MANY))
			bpf_probe_read_user(&done, sizeof(done), at + USER_MSG_BYTES);
	}
	if (ret->data_len > done)
		ret->data_len = done;
}

static __always_inline void addr_fill(struct rec_syscall *r, const struct sys_call *s,
				      const struct tail *t)
{
	u8 addr = row_of(s)->addr;

	if (addr != ARG_NONE)
		bytes_fill(r, SYS_ADDR, arg_at(s, addr), arg_at(s, addr + 1), t, false);
}

/* What the call's entry left. */
static __always_inline struct rec_sock *entered_get(void)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&sys_entered, &tid);
}

static __always_inline void entered_forget(void)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&sys_entered, &tid);
}

/* The descriptor: a socket's two ends go into the record; of anything else the path is returned. */
static __always_inline struct path *fd_fill(struct rec_syscall *r, const struct sys_call *s,
					    const struct tail *t)
{
	const volatile struct sys_row *row = row_of(s);
	u32 from = tail_end(t);
	struct rec_sock *entered;
	struct sock *sk;
	struct file *f;

	if (row->fd == ARG_NONE)
		return NULL;
	if (row->flags & SYS_ENTER) {
		entered = entered_get();
		if (entered)
			r->sock = *entered;
		return NULL;
	}
	f = task_file(s->task, (int)arg_at(s, row->fd));
	if (!f)
		return NULL;
	r->info |= BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V;
	sk = file_sock(f);
	if (!sk)
		return &f->f_path;
	sock_fill(sk, &r->sock);
	if (r->sock.family == AF_UNIX_V)
		sock_unix_name(sk, t);
	piece_set(r, SYS_FILE, from, t, false);
	return NULL;
}

static __always_inline void walk_fill(struct rec_syscall *r, u32 which, const struct tail *t,
				      struct path *path)
{
	u32 from = tail_end(t);

	path = (void *)tail_forget(t, (u64)path);
	which = tail_forget(t, which);
	if (path)
		piece_set(r, which, from, t, walk_path(t, path));
}

/* Of an open: openat2's flags, for which the record has room, and whether the file is new. */
static __always_inline void open_fill(struct rec_syscall *r, const struct sys_call *s)
{
	const volatile struct sys_row *row = row_of(s);
	u64 flags = arg_at(s, row->open);
	struct file *f;

	if (row->flags & SYS_HOW) {
		if (bpf_probe_read_user(&r->args[2], 24, (void *)flags) != 0)
			return;
		r->info |= SYS_HOW_READ;
		flags = r->args[2];
	}
	if (s->ret < 0 || !((flags & O_CREAT_V) || (row->flags & SYS_CREAT)))
		return;
	f = task_file(s->task, s->ret);
	if (f && (BPF_CORE_READ(f, f_mode) & FMODE_CREATED_V))
		r->info |= SYS_CREATED;
}

/* The opened file's own path, links followed, and which file it is. */
static __always_inline struct path *opened_fill(struct rec_syscall *r, const struct sys_call *s,
						const struct tail *t)
{
	struct file *f = s->opened ? task_file(s->task, s->ret) : NULL;
	struct sys_inode id = {};
	u32 at = tail_end(t);

	if (!f)
		return NULL;
	r->info |= BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V;
	id.ino = BPF_CORE_READ(f, f_inode, i_ino);
	id.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
	id.layer = inode_layer(BPF_CORE_READ(f, f_inode), BPF_CORE_READ(f, f_inode, i_sb));
	if (at <= t->mask - sizeof(id)) {
		bpf_probe_read_kernel(t->p + at, sizeof(id), &id);
		*t->end = at + sizeof(id);
		piece_set(r, SYS_INODE, at, t, false);
	}
	return &f->f_path;
}

static __always_inline void rec_start(struct rec_syscall *r, const struct sys_call *s, u32 number)
{
	u64 *raw = (u64 *)r->args; /* r10, r9, r8, ax, cx, dx, si, di at first: the rest of the record */
	u64 dx, si, di;		   /* is written after this */

	hdr_fill(&r->hdr, REC_SYSCALL, s->task, number);
	bpf_probe_read_kernel(raw, REGS_BYTES, (void *)s->regs + REGS_R10);
	dx = raw[5];
	si = raw[6];
	di = raw[7];
	raw[5] = raw[1];
	raw[4] = raw[2];
	raw[3] = raw[0];
	raw[2] = dx;
	raw[1] = si;
	raw[0] = di;
	__builtin_memset(&r->sock, 0, sizeof(r->sock));
	__builtin_memset(r->piece, 0, sizeof(r->piece));
	r->ret = s->ret;
	r->nr = s->nr;
	r->cut = r->fault = 0;
	r->info = s->info;
	if (row_of(s)->open != ARG_NONE)
		open_fill(r, s);
}

static __always_inline void rec_end(struct rec_syscall *r, u32 kind, u32 end)
{
	struct kind_stats *st = stats_get(kind);

	r->hdr.len = sizeof(*r) + end;
	if (st && r->cut)
		st->cut++;
	if (st && r->fault)
		st->fault++;
	record_submit(&ring_bulk, RING_BULK_BYTES, r, kind);
}

/* The common case: one path, absolute, already read. */
static __always_inline void send_small(const struct sys_call *s, const char *path, u32 len)
{
	u32 number, kind = row_of(s)->kind;
	struct rec_syscall *r;

	r = record_reserve(&ring_bulk, sizeof(*r) + PATH_SMALL, kind, &number);
	if (!r)
		return;
	rec_start(r, s, number);
	__builtin_memcpy(r->tail, path, PATH_SMALL);
	r->piece[SYS_PATH0].off = sizeof(*r);
	r->piece[SYS_PATH0].len = len;
	rec_end(r, kind, len);
}

/* What was found out about the call on the way here is of no use to the verifier (tail_forget). */
static __always_inline void call_forget(const struct tail *t, struct sys_call *s)
{
	s->nr = tail_forget(t, s->nr);
	s->ret = tail_forget(t, s->ret);
	s->task = (void *)tail_forget(t, (u64)s->task);
	s->regs = (void *)tail_forget(t, (u64)s->regs);
	s->opened = tail_forget(t, s->opened) & 1;
}

/*
 * Everything else. Returns 0, with nothing sent, when it did not fit and a larger size is left. No
 * call has both a path and a descriptor, so one walk serves either. @two: there is a second walk, of
 * the second path's directory or of the file that was opened.
 */
static __always_inline int send_whole(struct sys_call *s, const u32 mask, const u32 path_max,
				      const bool two, const bool large)
{
	u32 number, kind = row_of(s)->kind, which = SYS_BASE0;
	struct rec_syscall *r;
	struct path *path;
	struct tail t;

	r = record_reserve(&ring_bulk, sizeof(*r) + TAIL_BYTES(mask), kind, &number);
	if (!r)
		return 1;
	rec_start(r, s, number);
	t = (struct tail){ r->tail, &r->hdr.len, mask };
	path_fill(r, s, 0, &t, path_max);
	if (large)
		path_fill(r, s, 1, &t, path_max);
	addr_fill(r, s, &t);
	call_forget(&t, s);
	path = fd_fill(r, s, &t);
	call_forget(&t, s);
	if (path)
		which = SYS_FILE;
	else
		path = base_of(r, s, 0);
	walk_fill(r, which, &t, path);
	if (two) {
		call_forget(&t, s);
		which = SYS_FILE;
		path = opened_fill(r, s, &t);
		if (!path && large) {
			which = SYS_BASE1;
			path = base_of(r, s, 1);
		}
		walk_fill(r, which, &t, path);
	}
	if (!large && r->cut) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	rec_end(r, kind, tail_end(&t));
	return 1;
}

/* The larger pieces are functions of their own; each has a stack of its own. */
#define CALL_PARAMS	 u64 nr, u64 ret, u64 regs, u64 more
#define CALL_NUMBERS(s)	 (s)->nr, (s)->ret, (s)->given, ((s)->info | ((s)->opened ? CALL_OPENED : 0))
#define CALL_OPENED	 (1ull << 32)
#define CALL_OF_PARAMS() call_of(nr, ret, regs, more)

/* @regs: 0: the running task's own. */
static __always_inline struct sys_call call_of(u64 nr, u64 ret, u64 regs, u64 more)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	return (struct sys_call){
		.task = t,
		.regs = regs ? (void *)regs : task_regs(t),
		.given = regs,
		.ret = ret,
		.nr = nr,
		.info = (u32)more,
		.opened = more & CALL_OPENED,
	};
}

VERIFIED_ONCE int send_medium(CALL_PARAMS)
{
	struct sys_call s = CALL_OF_PARAMS();

	return send_whole(&s, MASK_MEDIUM, PATH_MEDIUM, false, false);
}

VERIFIED_ONCE int send_opened(CALL_PARAMS)
{
	struct sys_call s = CALL_OF_PARAMS();

	return send_whole(&s, MASK_MEDIUM, PATH_MEDIUM, true, false);
}

VERIFIED_ONCE int send_large(CALL_PARAMS)
{
	struct sys_call s = CALL_OF_PARAMS();

	return send_whole(&s, MASK_LARGE, REC_PATH_MAX, true, true);
}

/* A message on a socket: its peer's address and, where asked for, its first bytes. */
VERIFIED_ONCE int send_message(CALL_PARAMS)
{
	struct sys_call call = CALL_OF_PARAMS(), *s = &call;
	u32 number, kind = row_of(s)->kind;
	struct ctl *c = ctl_get();
	struct rec_syscall *r;
	struct message m;
	struct tail t;

	r = record_reserve(&ring_bulk, sizeof(*r) + TAIL_BYTES(MASK_MESSAGE), kind, &number);
	if (!r)
		return 0;
	rec_start(r, s, number);
	t = (struct tail){ r->tail, &r->hdr.len, MASK_MESSAGE };
	message_read(s, &m);
	bytes_fill(r, SYS_ADDR, m.addr, m.addr_len, &t, false);
	if (c && (c->want_flags & WANT_DATA))
		bytes_fill(r, SYS_DATA, m.data, m.data_len, &t, false);
	fd_fill(r, s, &t);
	rec_end(r, kind, tail_end(&t));
	return 0;
}

/*
 * SYS_PEER_NEW when the call names another peer than the socket's last one did, and notes it. Asked
 * before any filter: which events are recorded must not change the answer.
 */
VERIFIED_ONCE int peer_note(CALL_PARAMS)
{
	struct sys_call call = CALL_OF_PARAMS(), *s = &call;
	struct peer now = {};
	struct message m;

	if (s->ret < 0 && s->ret != -EINPROGRESS_V)
		return 0;
	message_read(s, &m);
	if (!peer_named(m.addr, m.addr_len, false, &now))
		return 0;
	return peer_changed(task_file(s->task, (int)arg_at(s, row_of(s)->fd)), &now) ? SYS_PEER_NEW :
										       0;
}

/* True when the path was all there is to it: sent. */
VERIFIED_ONCE int path_done(CALL_PARAMS)
{
	struct sys_call call = CALL_OF_PARAMS(), *s = &call;
	const volatile struct sys_row *row = row_of(s);
	char path[PATH_SMALL] __attribute__((aligned(8)));
	long len;

	len = bpf_probe_read_user_str(path, sizeof(path), (void *)arg_at(s, row->path[0]));
	if (len <= 0)
		return 0;
	if (len == PATH_SMALL || len == 1 || path[0] != '/' || row->path[1] != ARG_NONE ||
	    s->opened || row->fd != ARG_NONE || row->addr != ARG_NONE)
		return 0;
	send_small(s, path, (len - 1) & (PATH_SMALL - 1));
	return 1;
}

static __always_inline bool is_message(const struct sys_call *s)
{
	return row_of(s)->msg != ARG_NONE || row_of(s)->data != ARG_NONE;
}

static __always_inline void call_send(const struct sys_call *s)
{
	if (is_message(s)) {
		send_message(CALL_NUMBERS(s));
		return;
	}
	if (row_of(s)->path[0] != ARG_NONE && path_done(CALL_NUMBERS(s)))
		return;
	if (row_of(s)->path[1] == ARG_NONE &&
	    (s->opened ? send_opened(CALL_NUMBERS(s)) : send_medium(CALL_NUMBERS(s))))
		return;
	send_large(CALL_NUMBERS(s));
}

/* True when the call is asked for; fills what is needed to go on. */
static __always_inline bool call_asked(struct sys_call *s, struct ctl *c)
{
	u64 bit = KIND_BIT(row_of(s)->kind & 63);

	if (!row_of(s)->used || !((c->wanted | c->counted) & bit))
		return false;
	if ((row_of(s)->flags & SYS_FAILED) && s->ret >= 0)
		return false;
	if ((row_of(s)->flags & SYS_ENTER) && !entered_get())
		return false;
	if (c->counted & bit)
		count_add(row_of(s)->kind, current_cgroup((void *)bpf_get_current_task()),
			  s->ret < 0);
	return c->wanted & bit;
}

/*
 * Whether the call can match anything: the way of nearly every call that is looked at, so each helper
 * call counts (10 ns where returns are hardened). All arguments are loaded at once where that needs
 * none.
 */
struct judged {
	struct sys_call call; /* with regs_typed, without task and regs */
	u64 args[8];	      /* with regs_typed */
};

static __always_inline u64 judged_arg(const struct judged *j, u8 at)
{
	if (regs_typed() && at != ARG_RET)
		return j->args[at & 7];
	return arg_at(&j->call, at);
}

/* What the path that the event is about leaves of the clauses. */
static __always_inline u64 call_path_mask(const struct judged *j, u64 other, u64 want)
{
	const volatile struct sys_row *row = row_of(&j->call);
	bool second = row->flags & SYS_MAIN1;
	u8 path = second ? row->path[1] : row->path[0], dir = second ? row->dir[1] : row->dir[0];

	if (path == ARG_NONE || row->fd != ARG_NONE)
		return ~0ull;
	return filter_path(judged_arg(j, path),
			   dir == ARG_NONE ? AT_CWD_V : (int)judged_arg(j, dir), other, want);
}

/* What the system call, its result and its flags leave. */
static __always_inline u64 call_mask(const struct judged *j, const struct ctl *c, u64 m)
{
	struct filter_call *f = filter_call_get(j->call.nr);
	u64 access = 0;

	if (!f)
		return m;
	if (f->access == CALL_BY_PEER)
		access = (j->call.info & SYS_PEER_NEW) != 0;
	else if (f->access != CALL_NO_ARG)
		access = judged_arg(j, f->access);
	m &= filter_call_mask(f, j->call.ret, access);
	if ((m & c->dim[DIM_ARG]) && f->arg != CALL_NO_ARG)
		m &= filter_arg_mask(f, j->call.nr, judged_arg(j, f->arg));
	return m;
}

static __always_inline u32 judged_family(const struct judged *j)
{
	u8 fd = row_of(&j->call)->fd;

	return file_family(task_file((void *)bpf_get_current_task(), (int)judged_arg(j, fd)));
}

/* What the ends of the connection leave of the clauses, and the peer that the call names. */
VERIFIED_ONCE u64 call_ends(CALL_PARAMS, u64 other)
{
	struct sys_call call = CALL_OF_PARAMS(), *s = &call;
	struct sock *sk = file_sock(task_file(s->task, (int)arg_at(s, row_of(s)->fd)));
	struct peer named = {};
	struct message m;

	if (!sk)
		return other;
	message_read(s, &m);
	if (peer_named(m.addr, m.addr_len, false, &named))
		other |= end_of(named.family, named.addr, bpf_ntohs(named.port));
	return other | sock_ends_mask(sk);
}

VERIFIED_ONCE int call_pass(CALL_PARAMS)
{
	struct judged j = { .call = { .nr = nr, .ret = ret, .info = (u32)more } };
	const struct sys_call *s = &j.call;
	struct ctl *c = ctl_get();
	u64 m;

	if (!c)
		return 0;
	if (regs_typed())
		args_load(j.args);
	else
		j.call = CALL_OF_PARAMS();
	m = kind_mask(c, row_of(s)->kind);
	if (m & c->dim[DIM_CALL])
		m = call_mask(&j, c, m);
	m = task_mask(c, m, (void *)bpf_get_current_task());
	if ((m & c->dim[DIM_FAMILY]) && row_of(s)->fd != ARG_NONE && !(row_of(s)->flags & SYS_ENTER))
		m &= c->family[judged_family(&j) & 3];
	if ((m & c->dim[DIM_ENDS]) && row_of(s)->fd != ARG_NONE && !(row_of(s)->flags & SYS_ENTER))
		m &= call_ends(nr, ret, regs, more, c->other[DIM_ENDS]);
	if (m & c->dim[DIM_PATH])
		m &= call_path_mask(&j, c->other[DIM_PATH], m);
	return m && bpf_get_current_pid_tgid() >> 32 != c->self;
}

/* A send on a connection names nobody: by far the commonest, told by a load of its fifth argument. */
static __always_inline bool names_nobody(const struct sys_call *s)
{
	const volatile struct sys_row *row = row_of(s);
	struct pt_regs *r;

	if (!regs_typed() || row->msg != ARG_NONE || row->addr != ARG_R8)
		return false;
	r = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return r->r8 == 0;
}

static __always_inline int call_done(long nr, long ret, struct pt_regs *regs, const bool given)
{
	struct sys_call s = {
		.nr = nr,
		.ret = ret,
		.given = given ? (u64)regs : 0,
	};
	struct ctl *c = ctl_get();

	if (!c || (u64)nr >= SYS_ROWS)
		return 0;
	if (!call_asked(&s, c))
		return 0;
	s.opened = (c->want_flags & WANT_FILE) && row_of(&s)->open != ARG_NONE && ret >= 0;
	if ((row_of(&s)->flags & SYS_PEER) && !names_nobody(&s))
		s.info = peer_note(CALL_NUMBERS(&s));
	if (call_pass(CALL_NUMBERS(&s)))
		call_send(&s);
	if (row_of(&s)->flags & SYS_ENTER)
		entered_forget();
	return 0;
}

SEC("tracepoint")
int syscall_exit(struct exit_ctx *ctx)
{
	return call_done(ctx->nr, ctx->ret, NULL, false);
}

/* Every system call of the machine comes here: most leave after two loads. */
SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit_raw, struct pt_regs *regs, long ret)
{
	u64 nr = regs->orig_ax, given = 0;

	if (nr >= SYS_ROWS || !row_at(nr)->used)
		return 0;
	/* As a mere number, which functions that are verified by themselves can be given. */
	bpf_probe_read_kernel(&given, sizeof(given), &regs);
	return call_done(nr, ret, (void *)given, true);
}

static __always_inline int call_entered(long nr, int fd)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct ctl *c = ctl_get();
	struct rec_sock sock;
	struct sock *sk;

	if (!c || (u64)nr >= SYS_ROWS || !(row_at(nr)->flags & SYS_ENTER) ||
	    !((c->wanted | c->counted) & KIND_BIT(row_at(nr)->kind & 63)))
		return 0;
	sk = file_sock(task_file(t, fd));
	if (!sk)
		return 0;
	sock_fill(sk, &sock);
	bpf_map_update_elem(&sys_entered, &tid, &sock, BPF_ANY);
	return 0;
}

SEC("tracepoint")
int syscall_enter(struct enter_ctx *ctx)
{
	return call_entered(ctx->nr, (int)ctx->args[0]);
}

SEC("raw_tp/sys_enter")
int BPF_PROG(syscall_enter_raw, struct pt_regs *regs, long nr)
{
	return call_entered(nr, (int)BPF_CORE_READ(regs, di));
}
