// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * io_uring requests, noted at submission and told at completion; see uring.h. One worker each behind
 * a door for every shape that the two tracepoints have had; user space opens those that fit.
 *
 * The subject is the submitting task: with a submission queue's own thread, that thread, which
 * belongs to the process. A completion may run elsewhere (a worker of the process, a kernel thread
 * when the process is gone): then the header stays as it was noted.
 *
 * Limits: of an accept that goes on (multishot) each connection is told; two accepts of one ring
 * under the same user_data are one here. Where completions name no request (before 5.19) the first
 * of two requests of one ring with the same user_data gets the first result, the other is told as
 * assumed. Results that are descriptors of the ring's own table (direct descriptors) are its
 * indices, and the files and sockets there are not looked up. Of a receive that goes on only the end is
 * told, and of messages not their data.
 */
#include "probe/uring/uring.h"

#include "bpf/call_filter.h"
#include "bpf/io_uring.h"
#include "bpf/overlay.h"
#include "bpf/path_filter.h"
#include "bpf/peer.h"
#include "bpf/piece.h"
#include "bpf/record.h"
#include "bpf/sock.h"
#include "bpf/walk.h"
#include "probe/sys_record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct uring_op ops[URING_OPS] SEC(".rodata.ops");
/* The door of completions that name no request is the one in use. */
const volatile u32 by_data SEC(".rodata.shape");

/* Of a request's flags, those that are the submission entry's (IOSQE_*). */
#define REQ_FIXED_FILE (1u << 0)
#define REQ_CQE_SKIP   (1u << 6)
#define CQE_MORE       (1u << 1)

/* Sizes of tails, see TAIL_BYTES; what is kept until completion has the middle one. */
#define MASK_SMALL 255
#define MASK_KEPT  1023
#define MASK_LARGE 16383
#define PATH_KEPT  256
#define AT_FDCWD_V (-100)

/* By the request, or {ring, user_data} where the completion names none. */
struct uring_key {
	u64 a, b;
};

struct uring_asked {
	u64 req; /* struct io_kiocb *; alive until completed */
	u64 ring;
	u64 user_data;
	u8 op;
	u8 kind;
	u8 wanted;  /* as a record: rec is filled */
	u8 counted; /* for the board */
	u32 slot;   /* see struct uring_args */
	u64 rec[(sizeof(struct rec_syscall) + TAIL_BYTES(MASK_KEPT)) / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, URING_ASKED_MAX);
	__type(key, struct uring_key);
	__type(value, struct uring_asked);
} uring_asked SEC(".maps");

const volatile struct uring_asked asked_none SEC(".rodata.none") = {};

/* A request that is being submitted. */
struct submission {
	struct io_kiocb *req;
	struct task_struct *task;
	u32 op;
	u32 flags;
	u8 kind;
	u8 wanted;
	u8 counted;
	u16 info; /* SYS_PEER_NEW */
	struct uring_args args;
};

static __always_inline const volatile struct uring_op *op_at(u32 op)
{
	asm volatile("" : "+r"(op));
	return &ops[op & (URING_OPS - 1)];
}

static __always_inline bool op_has_path(u32 op)
{
	return op == OP_OPENAT || op == OP_OPENAT2 || (op >= OP_RENAMEAT && op <= OP_LINKAT);
}

static __always_inline bool op_is_message(u32 op)
{
	return op == OP_SENDMSG || op == OP_RECVMSG || op == OP_SEND || op == OP_RECV ||
	       op == OP_SEND_ZC || op == OP_SENDMSG_ZC;
}

/* A typed pointer as a mere number, which a function that is verified by itself can be given. */
static __always_inline u64 number_of(const void *p)
{
	u64 ret = 0;

	bpf_probe_read_kernel(&ret, sizeof(ret), &p);
	return ret;
}

static __always_inline void path_fill(struct rec_syscall *r, const struct uring_args *a, u32 n,
				      const struct tail *t, const u32 max)
{
	u32 at = tail_end(t);
	long len;

	if (n >= a->paths)
		return;
	if (at > t->mask - max) {
		r->cut |= REC_CUT(n);
		return;
	}
	len = bpf_probe_read_kernel_str(t->p + at, max, a->name[n]);
	if (len <= 0) {
		r->fault |= REC_CUT(n);
		return;
	}
	*t->end = at + ((len - 1) & (max - 1));
	piece_set(r, n, at, t, len == max);
}

/* The directory that a relative path starts from. */
static __always_inline void base_fill(struct rec_syscall *r, const struct submission *s,
				      const struct uring_args *a, u32 n, const struct tail *t)
{
	struct task_struct *task = s->task;
	u32 from = tail_end(t);
	struct fs_struct *fs;
	struct path *path;
	struct file *f;
	char first = 0;

	if (a->dir[n] == NO_DIR || (r->fault & REC_CUT(n)))
		return;
	bpf_probe_read_kernel(&first, 1, a->name[n]);
	if (first == '/')
		return;
	if (a->dir[n] == AT_FDCWD_V) {
		fs = BPF_CORE_READ(task, fs);
		path = &fs->pwd;
	} else {
		f = task_file(task, a->dir[n]);
		path = f ? &f->f_path : NULL;
	}
	if (path)
		piece_set(r, SYS_BASE0 + n, from, t, walk_path(t, path));
	else
		r->fault |= REC_CUT(SYS_BASE0 + n);
}

/* All that is known at submission; hdr.len is the tail's end meanwhile. */
static __always_inline void asked_fill(struct rec_syscall *r, const struct submission *s,
				       const u32 mask, const u32 path_max)
{
	struct tail t = { r->tail, &r->hdr.len, mask };
	const struct uring_args *a = &s->args;

	hdr_fill(&r->hdr, REC_SYSCALL, s->task, 0);
	__builtin_memcpy(r->args, a->v, sizeof(r->args));
	__builtin_memset(&r->sock, 0, sizeof(r->sock));
	__builtin_memset(r->piece, 0, sizeof(r->piece));
	r->ret = 0;
	r->nr = op_at(s->op)->nr;
	r->cut = r->fault = 0;
	r->info = SYS_VIA_URING | s->info | (s->op == OP_OPENAT2 ? SYS_HOW_READ : 0);
	path_fill(r, a, 0, &t, path_max);
	path_fill(r, a, 1, &t, path_max);
	bytes_fill(r, SYS_ADDR, (u64)a->addr, a->addr_bytes, &t, a->addr_kernel);
	base_fill(r, s, a, 0, &t);
	base_fill(r, s, a, 1, &t);
}

static __always_inline void sock_add(struct rec_syscall *r, struct file *f, const struct tail *t)
{
	struct sock *sk = file_sock(f);
	u32 from = tail_end(t);

	if (!sk)
		return;
	r->info |= S_IFSOCK_V;
	sock_fill(sk, &r->sock);
	if (r->sock.family == AF_UNIX_V)
		sock_unix_name(sk, t);
	piece_set(r, SYS_FILE, from, t, false);
}

/* Where the kernel put the sender's address; the program's message is looked at again. */
static __always_inline void sender_add(struct rec_syscall *r, const struct tail *t)
{
	struct user_msg m = {};

	if (r->ret >= 0 && bpf_get_current_pid_tgid() >> 32 == r->hdr.pid &&
	    bpf_probe_read_user(&m, sizeof(m), (void *)r->args[1]) == 0)
		bytes_fill(r, SYS_ADDR, m.name, m.name_len, t, false);
}

/* Ends the record whose tail's end is in hdr.len, and sends it. */
static __always_inline void rec_send(struct rec_syscall *r, u32 kind, u32 mask)
{
	struct kind_stats *st = stats_get(kind);

	r->hdr.len = sizeof(*r) + (r->hdr.len & mask);
	if (st && r->cut)
		st->cut++;
	if (st && r->fault)
		st->fault++;
	record_submit(&ring_bulk, RING_BULK_BYTES, r, kind);
}

/* Whether the record can match anything, its result being @res: as of a system call. */
static __always_inline bool call_pass(const struct rec_syscall *r, u32 kind, s64 res)
{
	struct ctl *c = ctl_get();
	struct filter_call *f;
	u64 m, access = 0;

	if (!c)
		return false;
	m = kind_mask(c, kind);
	f = m & c->dim[DIM_CALL] ? filter_call_get(r->nr) : NULL;
	if (!f)
		return m;
	if (f->access == CALL_BY_PEER)
		access = (r->info & SYS_PEER_NEW) != 0;
	else if (f->access < SYS_ARGS)
		access = r->args[f->access];
	return m & filter_call_mask(f, res, access);
}

/*
 * Told at submission, at full length: what cannot be kept, because of its paths or because too much is.
 */
static __noinline int now_send(const struct submission *s)
{
	struct rec_syscall *r;
	struct tail t;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r) + TAIL_BYTES(MASK_LARGE), s->kind, &number);
	if (!r)
		return 0;
	asked_fill(r, s, MASK_LARGE, REC_PATH_MAX);
	if (!call_pass(r, s->kind, 0)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	r->hdr.seq = number;
	r->info |= SYS_VIA_ASSUMED;
	t = (struct tail){ r->tail, &r->hdr.len, MASK_LARGE };
	if ((s->op == OP_CONNECT || op_is_message(s->op)) && !(s->flags & REQ_FIXED_FILE))
		sock_add(r, task_file(s->task, uring_fd(s->req)), &t);
	rec_send(r, s->kind, MASK_LARGE);
	return 0;
}

/* --- told at completion --- */

/* The header as it is now, when this is still the process; else only the moment. */
static __always_inline void hdr_now(struct rec_hdr *h, u32 number)
{
	u32 tid = h->tid, len = h->len;

	if (bpf_get_current_pid_tgid() >> 32 == h->pid) {
		hdr_fill(h, REC_SYSCALL, (void *)bpf_get_current_task(), number);
		h->tid = tid;
		h->len = len;
		return;
	}
	h->time_ns = bpf_ktime_get_boot_ns();
	h->seq = number;
	h->cpu = bpf_get_smp_processor_id();
}

/* The descriptor that is the result, in the process's table; NULL: it is none, or no more. */
static __always_inline struct file *kept_made(const struct uring_asked *a,
					      const struct rec_syscall *r)
{
	if (r->ret < 0 || a->slot || (r->info & SYS_VIA_ASSUMED) ||
	    bpf_get_current_pid_tgid() >> 32 != r->hdr.pid)
		return NULL;
	return task_file((void *)bpf_get_current_task(), (int)r->ret);
}

/* The socket an operation was about, or made. A request has its file only when it has run. */
static __always_inline void kept_sock(struct rec_syscall *r, const struct uring_asked *a,
				      const struct tail *t)
{
	struct io_kiocb *req = (void *)a->req;
	struct file *f = BPF_CORE_READ(req, file);

	if (a->op == OP_ACCEPT || a->op == OP_SOCKET)
		f = kept_made(a, r);
	else if ((r->info & SYS_VIA_ASSUMED) && !a->slot)
		f = task_file((void *)bpf_get_current_task(), (int)r->args[0]);
	else if (r->info & SYS_VIA_ASSUMED)
		f = NULL;
	sock_add(r, f, t);
	/* A refused connect has given its port back: no address goes with that. */
	if (a->op == OP_CONNECT && !r->sock.lport)
		__builtin_memset(r->sock.local, 0, sizeof(r->sock.local));
}

/* The opened file: whether it is new; where asked for, its own path and which file it is. */
static __always_inline void kept_file(struct rec_syscall *r, const struct uring_asked *a,
				      const struct tail *t, bool whole)
{
	struct file *f = kept_made(a, r);
	u32 at = tail_end(t);
	struct sys_inode id = {};

	if (!f)
		return;
	if ((r->args[2] & O_CREAT_V) && (BPF_CORE_READ(f, f_mode) & FMODE_CREATED_V))
		r->info |= SYS_CREATED;
	if (!whole || at > t->mask - sizeof(id))
		return;
	r->info |= BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V;
	id.ino = BPF_CORE_READ(f, f_inode, i_ino);
	id.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
	id.layer = inode_layer(BPF_CORE_READ(f, f_inode), BPF_CORE_READ(f, f_inode, i_sb));
	bpf_probe_read_kernel(t->p + at, sizeof(id), &id);
	*t->end = at + sizeof(id);
	piece_set(r, SYS_INODE, at, t, false);
	at = tail_end(t);
	piece_set(r, SYS_FILE, at, t, walk_path(t, &f->f_path));
}

static __always_inline void kept_send(const struct uring_asked *a, s64 res, u32 via, const u32 mask,
				      bool whole)
{
	struct rec_syscall *r;
	struct tail t;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r) + TAIL_BYTES(mask), a->kind, &number);
	if (!r)
		return;
	bpf_probe_read_kernel(r, sizeof(*r) + TAIL_BYTES(mask), a->rec);
	t = (struct tail){ r->tail, &r->hdr.len, mask };
	r->ret = res;
	r->info |= via;
	hdr_now(&r->hdr, number);
	if (a->kind == KIND_OPEN)
		kept_file(r, a, &t, whole);
	else if (!op_has_path(a->op))
		kept_sock(r, a, &t);
	if (a->op == OP_RECVMSG)
		sender_add(r, &t);
	rec_send(r, a->kind, mask);
}

static __noinline int kept_small(const struct uring_asked *a, s64 res, u32 via)
{
	kept_send(a, res, via, MASK_SMALL, false);
	return 0;
}

static __noinline int kept_whole(const struct uring_asked *a, s64 res, u32 via, bool whole)
{
	kept_send(a, res, via, MASK_KEPT, whole);
	return 0;
}

/* Tells what is kept under this key. Not static: it is verified once, whatever calls it how often. */
__noinline int kept_tell(u64 key_a, u64 key_b, s64 res, u32 via)
{
	struct uring_key key = { key_a, key_b };
	struct uring_asked *a = bpf_map_lookup_elem(&uring_asked, &key);
	struct ctl *c = ctl_get();
	struct rec_syscall *kept;
	bool whole;

	if (!a || !c)
		return 0;
	kept = (void *)a->rec;
	if (res < 0 && res != -EINPROGRESS_V)
		kept->info &= ~SYS_PEER_NEW; /* as of a system call */
	if (a->counted)
		count_add(a->kind, current_cgroup((void *)bpf_get_current_task()), res < 0);
	if (!a->wanted || !call_pass(kept, a->kind, res))
		return 0;
	whole = (c->want_flags & WANT_FILE) && a->kind == KIND_OPEN;
	if (whole || kept->hdr.len >= MASK_SMALL - ADDR_MAX)
		return kept_whole(a, res, via, whole);
	return kept_small(a, res, via);
}

/* --- submission --- */

/* Notes the request under @key; false: it does not fit. */
static __always_inline bool asked_note(const struct submission *s, const struct uring_key *key,
				       u64 ring, u64 data)
{
	struct uring_asked *a;

	if (bpf_map_update_elem(&uring_asked, key, (void *)&asked_none, BPF_ANY) != 0)
		return false;
	a = bpf_map_lookup_elem(&uring_asked, key);
	if (!a)
		return false;
	a->req = (u64)s->req;
	a->ring = ring;
	a->user_data = data;
	a->op = s->op;
	a->kind = s->kind;
	a->counted = s->counted;
	if (!s->wanted)
		return true;
	asked_fill((void *)a->rec, s, MASK_KEPT, PATH_KEPT);
	a->slot = s->flags & REQ_FIXED_FILE ? 1 : s->args.slot;
	a->wanted = 1;
	return !((struct rec_syscall *)a->rec)->cut;
}

/* True when it will be told at its completion, or was told now. */
static __always_inline bool asked_keep(const struct submission *s)
{
	struct io_kiocb *req = s->req;
	u64 ring = (u64)BPF_CORE_READ(req, ctx), data = uring_user_data(req);
	struct uring_key key = { number_of(req), 0 };
	bool wait = !(s->flags & REQ_CQE_SKIP), known;

	if (by_data || s->op == OP_ACCEPT)
		key = (struct uring_key){ ring, data };
	known = bpf_map_lookup_elem(&uring_asked, &key) != NULL;
	if (by_data && known)
		wait = false;		      /* whose completion comes first cannot be told */
	else if (known && s->op != OP_ACCEPT) /* its own was not seen; its memory is used again */
		kept_tell(key.a, key.b, 0, SYS_VIA_ASSUMED);
	if (!wait)
		key = (struct uring_key){ number_of(req), 1 };
	if (!asked_note(s, &key, ring, data)) {
		bpf_map_delete_elem(&uring_asked, &key);
		return false;
	}
	if (!wait) {
		kept_tell(key.a, key.b, 0, SYS_VIA_ASSUMED);
		bpf_map_delete_elem(&uring_asked, &key);
	}
	return true;
}

/*
 * SYS_PEER_NEW when the request names another peer than the socket's last event did. Success is
 * assumed. Where the socket is not known yet (a file of the ring's own table, before 5.19), or its
 * sender (a receive), each counts as another.
 */
static __always_inline u16 peer_note(const struct submission *s)
{
	struct peer now = {};
	struct file *f;
	int fd = uring_fd(s->req);

	if (s->op == OP_RECVMSG)
		return s->args.addr ? SYS_PEER_NEW : 0;
	if (!peer_named((u64)s->args.addr, s->args.addr_bytes, s->args.addr_kernel, &now))
		return 0;
	f = fd < 0 || (s->flags & REQ_FIXED_FILE) ? NULL : task_file(s->task, fd);
	return !file_sock(f) || peer_changed(f, &now) ? SYS_PEER_NEW : 0;
}

/* What the call leaves of the clauses, whatever its result: most messages name no new peer. */
static __always_inline u64 asked_call_mask(struct ctl *c, const struct submission *s, u64 m)
{
	struct filter_call *f = m & c->dim[DIM_CALL] ? filter_call_get(op_at(s->op)->nr) : NULL;
	u64 any = 0;

	if (!f || f->access != CALL_BY_PEER)
		return m;
	for (int i = 0; i < RESULT_COUNT; i++)
		any |= f->mask[i][(s->info & SYS_PEER_NEW) != 0];
	return m & any;
}

/* Whether it can match anything, of what is known before its result. */
static __always_inline bool asked_pass(struct ctl *c, const struct submission *s)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32, main = s->op == OP_SYMLINKAT;
	u64 m = asked_call_mask(c, s, kind_mask(c, s->kind));

	if (pid == c->self)
		return false;
	m = task_mask(c, m, s->task);
	if ((m & c->dim[DIM_PATH]) && s->args.paths > main)
		m &= filter_path_copied((u64)s->args.name[main], s->args.dir[main],
					c->other[DIM_PATH], m);
	return m;
}

/* Most requests read or write: they cost what stands before the first return. */
static __always_inline int submitted(struct io_kiocb *req)
{
	u32 op = BPF_CORE_READ(req, opcode);
	struct submission s;
	struct ctl *c;
	u64 bit;

	if (op >= URING_OPS || !op_at(op)->used)
		return 0;
	c = ctl_get();
	bit = KIND_BIT(op_at(op)->kind & 63);
	if (!c || !((c->wanted | c->counted) & bit))
		return 0;
	s = (struct submission){ .req = req, .op = op };
	s.task = (void *)bpf_get_current_task();
	s.flags = BPF_CORE_READ(req, flags);
	s.kind = op_at(s.op)->kind;
	s.counted = (c->counted & bit) != 0;
	if (c->wanted & bit) {
		uring_args_of(req, s.op, &s.args);
		/* Whatever the operation, the verifier goes on with one state. */
		bpf_probe_read_kernel(&s.args, sizeof(s.args), &s.args);
		if (op_is_message(s.op) || s.op == OP_CONNECT)
			s.info = peer_note(&s);
		s.wanted = asked_pass(c, &s);
	}
	if ((!s.wanted && !s.counted) || asked_keep(&s))
		return 0;
	if (s.counted)
		count_add(s.kind, current_cgroup(s.task), false);
	if (s.wanted)
		now_send(&s);
	return 0;
}

/* Since 6.4. */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(submit_req, struct io_kiocb *req)
{
	return submitted(req);
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(submit_sqe, struct io_kiocb *req)
{
	return submitted(req);
}

/* Before 6.0. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(submit_ctx, void *ring, struct io_kiocb *req)
{
	return submitted(req);
}

/* --- completion --- */

static __always_inline int completed(const struct uring_key *key, s64 res, u32 flags)
{
	struct uring_asked *a = bpf_map_lookup_elem(&uring_asked, key);

	if (!a)
		return 0;
	/* What more a send without copies has to say is said by a request of its own. */
	if (a->op != OP_ACCEPT)
		flags &= ~CQE_MORE;
	kept_tell(key->a, key->b, res, 0);
	if (!(flags & CQE_MORE))
		bpf_map_delete_elem(&uring_asked, key);
	return 0;
}

/* Whether a completion of @req can be one that was noted; NULL: of a request that goes on. */
static __always_inline bool noted(struct io_kiocb *req)
{
	return !req || op_at(BPF_CORE_READ(req, opcode))->used;
}

/* A request that goes on is known by the ring and its data alone. */
static __always_inline int completed_req(void *ring, struct io_kiocb *req, u64 data, s32 res,
					 u32 flags)
{
	struct uring_key key = { number_of(req), 0 };

	if (!req || BPF_CORE_READ(req, opcode) == OP_ACCEPT)
		key = (struct uring_key){ number_of(ring), data };
	return completed(&key, res, flags);
}

/* Since 6.16. The entry is in memory that the program can write: the request's own copy counts. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(complete_cqe, struct io_ring_ctx *ring, struct io_kiocb *req, struct io_uring_cqe *cqe)
{
	if (!noted(req))
		return 0;
	if (req)
		return completed_req(ring, req, BPF_CORE_READ(req, cqe.user_data),
				     BPF_CORE_READ(req, cqe.res), BPF_CORE_READ(req, cqe.fd));
	return completed_req(ring, NULL, BPF_CORE_READ(cqe, user_data), BPF_CORE_READ(cqe, res),
			     BPF_CORE_READ(cqe, flags));
}

/* Since 5.19. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(complete_req, void *ring, struct io_kiocb *req, u64 data, int res, u32 flags)
{
	return noted(req) ? completed_req(ring, req, data, res, flags) : 0;
}

/* Since 5.13. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(complete_data, void *ring, u64 data, int res, u32 flags)
{
	struct uring_key key = { number_of(ring), data };

	return completed(&key, res, flags);
}

/* A completion that found no room is not told by the tracepoint above, and this one names no request. */
struct overflow {
	u64 ring, user_data;
	s64 res;
};

static long overflow_tell(void *map, struct uring_key *key, struct uring_asked *a, struct overflow *o)
{
	if (a->ring != o->ring || a->user_data != o->user_data)
		return 0;
	kept_tell(key->a, key->b, o->res, 0);
	bpf_map_delete_elem(map, key);
	return 0;
}

SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(complete_overflow, void *ring, u64 data, int res)
{
	struct overflow o = { (u64)ring, data, res };

	bpf_for_each_map_elem(&uring_asked, overflow_tell, &o, 0);
	return 0;
}
