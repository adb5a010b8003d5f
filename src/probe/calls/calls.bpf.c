// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Counting system calls at their return. A call of a process that nobody asked for leaves after two
 * loads and the filter; one that is counted costs one or two additions, and no record. The totals
 * are read by iterators once a second.
 */
#include "probe/calls/calls.h"

#include "bpf/owner.h"
#include "bpf/sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CALLS_ROWS 512

/* What a call is to us. */
enum call_sort {
	SORT_OTHER,
	SORT_READS, /* argument 0 is the descriptor, the result bytes */
	SORT_WRITES,
	SORT_WAITS, /* a result of 0: nothing came */
};

/* x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl). */
const volatile u8 sorts[CALLS_ROWS] SEC(".rodata.sorts") = {
	[0] = SORT_READS,    /* read */
	[17] = SORT_READS,   /* pread64 */
	[19] = SORT_READS,   /* readv */
	[45] = SORT_READS,   /* recvfrom */
	[47] = SORT_READS,   /* recvmsg */
	[295] = SORT_READS,  /* preadv */
	[327] = SORT_READS,  /* preadv2 */
	[1] = SORT_WRITES,   /* write */
	[18] = SORT_WRITES,  /* pwrite64 */
	[20] = SORT_WRITES,  /* writev */
	[40] = SORT_WRITES,  /* sendfile: to argument 0 */
	[44] = SORT_WRITES,  /* sendto */
	[46] = SORT_WRITES,  /* sendmsg */
	[296] = SORT_WRITES, /* pwritev */
	[328] = SORT_WRITES, /* pwritev2 */
	[7] = SORT_WAITS,    /* poll */
	[23] = SORT_WAITS,   /* select */
	[232] = SORT_WAITS,  /* epoll_wait */
	[270] = SORT_WAITS,  /* pselect6 */
	[271] = SORT_WAITS,  /* ppoll */
	[281] = SORT_WAITS,  /* epoll_pwait */
	[441] = SORT_WAITS,  /* epoll_pwait2 */
};

struct calls_val {
	u64 count, bytes;
	struct owner owner;
};

struct calls_io_val {
	u64 calls, bytes;
	u32 mode, flags;
	struct owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALLS_ENTRIES);
	__type(key, struct calls_key);
	__type(value, struct calls_val);
} calls_n SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALLS_IO_ENTRIES);
	__type(key, struct calls_io_key);
	__type(value, struct calls_io_val);
} calls_io SEC(".maps");

static __always_inline void full_count(void)
{
	struct kind_stats *s = stats_get(KIND_CALLS);

	if (s)
		s->map_full++;
}

static __always_inline void call_count(u32 pid, u32 nr, u32 error, u64 bytes)
{
	struct calls_key key = { .pid = pid, .nr = nr, .error = error };
	struct calls_val *v = bpf_map_lookup_elem(&calls_n, &key), one = {};

	if (v) {
		__sync_fetch_and_add(&v->count, 1);
		if (bytes)
			__sync_fetch_and_add(&v->bytes, bytes);
		return;
	}
	one.count = 1;
	one.bytes = bytes;
	owner_of((void *)bpf_get_current_task(), &one.owner);
	if (bpf_map_update_elem(&calls_n, &key, &one, BPF_NOEXIST) != 0)
		full_count();
}

static __always_inline void io_count(u32 pid, int fd, bool writes, u64 bytes)
{
	struct calls_io_key key = { .pid = pid, .fd = fd, .writes = writes };
	struct calls_io_val *v = bpf_map_lookup_elem(&calls_io, &key), one = {};
	struct task_struct *t = (void *)bpf_get_current_task();
	struct file *f;

	if (v) {
		__sync_fetch_and_add(&v->calls, 1);
		__sync_fetch_and_add(&v->bytes, bytes);
		return;
	}
	f = task_file(t, fd);
	one.calls = 1;
	one.bytes = bytes;
	one.mode = f ? BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V : 0;
	one.flags = f ? BPF_CORE_READ(f, f_flags) : 0;
	owner_of(t, &one.owner);
	if (bpf_map_update_elem(&calls_io, &key, &one, BPF_NOEXIST) != 0)
		full_count();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calls_exit, struct pt_regs *regs, long ret)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32, error = 0, sort;
	u64 nr = regs->orig_ax, bytes = 0;
	struct ctl *c = ctl_get();

	if (!c || !(c->wanted & KIND_BIT(KIND_CALLS)) || nr >= CALLS_ROWS ||
	    !filter_pass(c, KIND_CALLS, (void *)bpf_get_current_task()))
		return 0;
	sort = sorts[nr & (CALLS_ROWS - 1)];
	if (ret < 0 && ret >= -4095)
		error = -ret;
	else if (ret == 0 && sort == SORT_WAITS)
		error = CALLS_NOTHING;
	else if (sort == SORT_READS || sort == SORT_WRITES)
		bytes = ret;
	call_count(pid, nr, error, bytes);
	if (!error && (sort == SORT_READS || sort == SORT_WRITES))
		io_count(pid, regs->di, sort == SORT_WRITES, bytes);
	return 0;
}

SEC("iter/bpf_map_elem")
int calls_each(struct bpf_iter__bpf_map_elem *ctx)
{
	struct calls_key *key = ctx->key;
	struct calls_val *v = ctx->value;
	struct rec_calls r = {};
	struct owner o;

	if (!key || !v)
		return 0;
	bpf_probe_read_kernel(&o, sizeof(o), &v->owner);
	o.tid = 0;
	hdr_fill_owner(&r.hdr, REC_CALLS, &o, 0, sizeof(r));
	r.count = v->count;
	r.bytes = v->bytes;
	r.nr = key->nr;
	r.error = key->error;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

SEC("iter/bpf_map_elem")
int calls_io_each(struct bpf_iter__bpf_map_elem *ctx)
{
	struct calls_io_key *key = ctx->key;
	struct calls_io_val *v = ctx->value;
	struct rec_calls_io r = {};
	struct owner o;

	if (!key || !v)
		return 0;
	bpf_probe_read_kernel(&o, sizeof(o), &v->owner);
	o.tid = 0;
	hdr_fill_owner(&r.hdr, REC_CALLS_IO, &o, 0, sizeof(r));
	r.calls = v->calls;
	r.bytes = v->bytes;
	r.fd = key->fd;
	r.writes = key->writes;
	r.mode = v->mode;
	r.flags = v->flags;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
