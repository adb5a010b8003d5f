// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * System calls, at their return. One worker behind two doors: a tracepoint per call (only the
 * wanted calls run it), or the raw tracepoint of all calls where tracefs cannot be read.
 */
#include "probe/syscall/syscall.h"

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
/* Size classes of a record's tail: one short path; relative paths; anything. */
#define TAIL_SMALL  PATH_SMALL
#define TAIL_MEDIUM 1280
#define TAIL_LARGE  (2 * REC_PATH_MAX + 3 * REC_WALK_MAX)
#define AT_FDCWD_V  (-100)
#define THREAD_BYTES 16384

struct sys_call {
	struct task_struct *task;
	const volatile struct sys_row *row;
	long nr, ret;
	u64 args[SYS_ARGS];
};

static __always_inline struct pt_regs *task_regs(struct task_struct *t)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf()); /* since 5.15 */
	return BPF_CORE_READ(t, stack) + THREAD_BYTES - bpf_core_type_size(struct pt_regs);
}

static __always_inline void regs_args(struct pt_regs *r, u64 *ret)
{
	ret[0] = BPF_CORE_READ(r, di);
	ret[1] = BPF_CORE_READ(r, si);
	ret[2] = BPF_CORE_READ(r, dx);
	ret[3] = BPF_CORE_READ(r, r10);
	ret[4] = BPF_CORE_READ(r, r8);
	ret[5] = BPF_CORE_READ(r, r9);
}

/* The argument at a run-time index; the switch keeps the array out of indirect stack reads. */
static __always_inline u64 arg_at(const struct sys_call *s, u8 at)
{
	switch (at) {
	case 0:
		return s->args[0];
	case 1:
		return s->args[1];
	case 2:
		return s->args[2];
	case 3:
		return s->args[3];
	case 4:
		return s->args[4];
	case 5:
		return s->args[5];
	default:
		return s->ret;
	}
}

/*
 * Whether an absolute path, as given, can have one of the wanted prefixes once it is normalised.
 * A path with "/." or "//" in it may become anything: it passes.
 */
static __always_inline bool path_pass(struct ctl *c, const char *path)
{
	const u64 *p = (const u64 *)path;

	if (path[0] != '/')
		return true;
	for (u32 i = 0; i < FILTER_PATHS; i++) {
		bool same = i < c->npaths;

		for (u32 w = 0; w < FILTER_PATH_BYTES / 8; w++)
			same &= ((p[w] ^ c->paths[i].word[w]) & c->paths[i].mask[w]) == 0;
		if (same)
			return true;
	}
	for (u32 i = 0; i < PATH_SMALL - 1; i++) {
		if (!path[i])
			return false;
		if (path[i] == '/' && (path[i + 1] == '.' || path[i + 1] == '/'))
			return true;
	}
	return true;
}

static __always_inline void piece_set(struct rec_syscall *r, u32 which, u32 from, u32 to, bool cut)
{
	r->piece[which].off = to > from ? sizeof(*r) + from : 0;
	r->piece[which].len = to - from;
	if (cut)
		r->cut |= REC_CUT(which);
}

/* The walk of the directory that path argument @n is relative to, or nothing. */
static __always_inline u32 base_fill(struct rec_syscall *r, const struct sys_call *s, u32 n,
				     const char *path, u32 at, const u32 cap)
{
	u8 dir = s->row->dir[n];
	struct fs_struct *fs;
	struct file *f;
	bool cut = false;
	u32 end;

	if (path[0] == '/')
		return at;
	if (dir == ARG_NONE || (int)arg_at(s, dir) == AT_FDCWD_V) {
		fs = BPF_CORE_READ(s->task, fs);
		end = walk_path(r->tail, at, cap, &fs->pwd, &cut);
	} else {
		f = task_file(s->task, (int)arg_at(s, dir));
		if (!f) {
			r->fault |= REC_CUT(SYS_BASE0 + n);
			return at;
		}
		end = walk_path(r->tail, at, cap, &f->f_path, &cut);
	}
	piece_set(r, SYS_BASE0 + n, at, end, cut);
	return end;
}

static __always_inline u32 path_fill(struct rec_syscall *r, const struct sys_call *s, u32 n, u32 at,
				     const u32 cap, const u32 max)
{
	long len;

	if (s->row->path[n] == ARG_NONE || at > cap - max)
		return at;
	len = bpf_probe_read_user_str(r->tail + at, max, (void *)arg_at(s, s->row->path[n]));
	if (len <= 0) {
		r->fault |= REC_CUT(n);
		return at;
	}
	len &= max * 2 - 1;
	piece_set(r, n, at, at + len - 1, len == max);
	return base_fill(r, s, n, r->tail + at, at + len, cap);
}

static __always_inline u32 addr_fill(struct rec_syscall *r, const struct sys_call *s, u32 at,
				     const u32 cap)
{
	u8 addr = s->row->addr;
	u32 n;

	if (addr == ARG_NONE || at > cap - 128)
		return at;
	n = arg_at(s, addr + 1);
	if (n > 127)
		n = 127;
	if (bpf_probe_read_user(r->tail + at, n & 127, (void *)arg_at(s, addr)) != 0) {
		r->fault |= REC_CUT(SYS_ADDR);
		return at;
	}
	piece_set(r, SYS_ADDR, at, at + (n & 127), false);
	return at + (n & 127);
}

static __always_inline u32 fd_fill(struct rec_syscall *r, const struct sys_call *s, u32 at,
				   const u32 cap)
{
	struct rec_sock *entered;
	struct sock *sk;
	struct file *f;
	bool cut = false;
	u32 end, tid = (u32)bpf_get_current_pid_tgid();

	if (s->row->fd == ARG_NONE)
		return at;
	if (s->row->flags & SYS_ENTER) {
		entered = bpf_map_lookup_elem(&sys_entered, &tid);
		if (entered)
			r->sock = *entered;
		return at;
	}
	f = task_file(s->task, (int)arg_at(s, s->row->fd));
	sk = file_sock(f);
	if (sk) {
		sock_fill(sk, &r->sock);
		end = r->sock.family == AF_UNIX_V ? sock_unix_name(sk, r->tail, at, cap) : at;
	} else if (f) {
		end = walk_path(r->tail, at, cap, &f->f_path, &cut);
	} else {
		return at;
	}
	piece_set(r, SYS_FILE, at, end, cut);
	return end;
}

static __always_inline void rec_start(struct rec_syscall *r, const struct sys_call *s, u32 number)
{
	hdr_fill(&r->hdr, REC_SYSCALL, s->task, number);
	__builtin_memcpy(r->args, s->args, sizeof(r->args));
	__builtin_memset(&r->sock, 0, sizeof(r->sock));
	__builtin_memset(r->piece, 0, sizeof(r->piece));
	r->ret = s->ret;
	r->nr = s->nr;
	r->cut = r->fault = r->pad = 0;
}

static __always_inline void rec_end(struct rec_syscall *r, const struct sys_call *s, u32 end)
{
	struct kind_stats *st = stats_get(s->row->kind);

	r->hdr.len = sizeof(*r) + end;
	if (st && r->cut)
		st->cut++;
	if (st && r->fault)
		st->fault++;
	record_submit(&ring_bulk, RING_BULK_BYTES, r, s->row->kind);
}

/* The common case: one path, absolute, already read. */
static __always_inline void send_small(const struct sys_call *s, const char *path, u32 len)
{
	struct rec_syscall *r;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r) + TAIL_SMALL, s->row->kind, &number);
	if (!r)
		return;
	rec_start(r, s, number);
	__builtin_memcpy(r->tail, path, PATH_SMALL);
	if (len > 1)
		piece_set(r, SYS_PATH0, 0, len - 1, false);
	rec_end(r, s, len);
}

/* Everything else. Returns false, with nothing sent, when it did not fit this size class. */
static __always_inline bool send_whole(const struct sys_call *s, const u32 cap, const u32 path_max,
				       const bool last)
{
	struct rec_syscall *r;
	u32 number, at;

	r = record_reserve(&ring_bulk, sizeof(*r) + cap, s->row->kind, &number);
	if (!r)
		return true;
	rec_start(r, s, number);
	at = path_fill(r, s, 0, 0, cap, path_max);
	at = path_fill(r, s, 1, at, cap, path_max);
	at = addr_fill(r, s, at, cap);
	at = fd_fill(r, s, at, cap);
	if (!last && r->cut) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return false;
	}
	rec_end(r, s, at);
	return true;
}

static __always_inline int call_send(const struct sys_call *s, struct ctl *c)
{
	const volatile struct sys_row *row = s->row;
	char path[PATH_SMALL] __attribute__((aligned(8)));
	long len = 0;

	if (row->path[0] != ARG_NONE) {
		len = bpf_probe_read_user_str(path, sizeof(path), (void *)arg_at(s, row->path[0]));
		if (len > 0 && (c->filters & FILTER_PATH) && !(row->flags & SYS_MAIN1) &&
		    (c->filtered_kinds & KIND_BIT(row->kind)) && !path_pass(c, path))
			return 0;
		if (len > 0 && len < PATH_SMALL && path[0] == '/' && row->path[1] == ARG_NONE &&
		    row->fd == ARG_NONE && row->addr == ARG_NONE) {
			send_small(s, path, len & (PATH_SMALL - 1));
			return 0;
		}
	}
	if (!send_whole(s, TAIL_MEDIUM, 512, false))
		send_whole(s, TAIL_LARGE, REC_PATH_MAX, true);
	return 0;
}

/* True when the call is asked for; fills what is needed to go on. */
static __always_inline bool call_asked(struct sys_call *s, struct ctl *c)
{
	u64 bit = KIND_BIT(s->row->kind & 63);
	u32 tid = (u32)bpf_get_current_pid_tgid();

	if (!s->row->used || !((c->wanted | c->counted) & bit))
		return false;
	if ((s->row->flags & SYS_FAILED) && s->ret >= 0)
		return false;
	if ((s->row->flags & SYS_ENTER) && !bpf_map_lookup_elem(&sys_entered, &tid))
		return false;
	if (c->counted & bit)
		count_add(s->row->kind, task_cgroup(s->task), s->ret < 0);
	return (c->wanted & bit) && filter_pass(c, s->row->kind, s->task);
}

static __always_inline int call_done(long nr, long ret, struct pt_regs *regs)
{
	struct sys_call s = { .nr = nr, .ret = ret, .task = (void *)bpf_get_current_task() };
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct ctl *c = ctl_get();

	if (!c || (u64)nr >= SYS_ROWS)
		return 0;
	s.row = &rows[nr];
	if (!call_asked(&s, c))
		return 0;
	regs_args(regs ? regs : task_regs(s.task), s.args);
	call_send(&s, c);
	if (s.row->flags & SYS_ENTER)
		bpf_map_delete_elem(&sys_entered, &tid);
	return 0;
}

SEC("tracepoint")
int syscall_exit(struct trace_event_raw_sys_exit *ctx)
{
	return call_done(ctx->id, ctx->ret, NULL);
}

SEC("raw_tp/sys_exit")
int BPF_PROG(syscall_exit_raw, struct pt_regs *regs, long ret)
{
	return call_done(BPF_CORE_READ(regs, orig_ax), ret, regs);
}

static __always_inline int call_entered(long nr, int fd)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct ctl *c = ctl_get();
	struct rec_sock sock;
	struct sock *sk;

	if (!c || (u64)nr >= SYS_ROWS || !(rows[nr].flags & SYS_ENTER) ||
	    !((c->wanted | c->counted) & KIND_BIT(rows[nr].kind & 63)))
		return 0;
	sk = file_sock(task_file(t, fd));
	if (!sk)
		return 0;
	sock_fill(sk, &sock);
	bpf_map_update_elem(&sys_entered, &tid, &sock, BPF_ANY);
	return 0;
}

SEC("tracepoint")
int syscall_enter(struct trace_event_raw_sys_enter *ctx)
{
	return call_entered(ctx->id, (int)ctx->args[0]);
}

SEC("raw_tp/sys_enter")
int BPF_PROG(syscall_enter_raw, struct pt_regs *regs, long nr)
{
	return call_entered(nr, (int)BPF_CORE_READ(regs, di));
}
