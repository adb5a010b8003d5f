// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Where threads' time goes. Each thread has an entry of its own, by its task (task storage, tried, is
 * refused its memory on 7.2): the state it is in, since when, and the sum of each state. Nothing is
 * kept by CPU that belongs to a thread, so an interval is right wherever it ends.
 *
 *     switch-out: why does it leave? -> wakeup: who woke it? -> switch-in: how long was it, and how ready
 *
 * Samples. When a thread leaves the CPU nobody knows yet for how long, and at its return another
 * task's memory is mapped, so the stack must be taken before. To take it each time would cost more
 * than the switch. So each thread remembers for each state two places (user ip, sp) where it lately
 * left, with the time lost there since their last sample and how long it usually takes. The stack is
 * taken when that makes a quantum, or the place is new; it waits (bpf/off_stack.h) and goes out at the
 * return, if a quantum was lost. A long wait at a place with short ones is told at the next visit.
 *
 * Cost. A switch calls no helper: entries are in an array (bpf/thread.h), the time is the run queue's
 * own, and how long a thread waited for a CPU is what the kernel accounts (sched_info), so that nothing
 * is done at a wakeup but for threads whose stack waits. Where the kernel does not account it, wakeups
 * are timed here.
 *
 * Entries are made where nothing of the scheduler is locked: at fork and by the iterator.
 *
 * Limits. The name of who woke a thread is that of the running task: after an interrupt it is whom
 * it hit, so none is told for sleeps and disk. In 32-bit system calls only `other` is known. A
 * thread's exit is accounted up to sched_process_exit. A wait that began before a group was
 * throttled is split by the run queue's own clock, where the thread was not moved meanwhile.
 */
#include "probe/sched/sched.h"

#include "bpf/blocked.h"
#include "bpf/off_stack.h"
#include "bpf/owner.h"
#include "bpf/sock.h"
#include "bpf/thread_make.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FAIR_PRIO 100

#define PLACES	    2 /* of each state; SITES holds that of all */
#define SLICES	    8
#define TAKEN	    8192
#define JUDGE_NS    100000000ull /* who is of interest is asked again so often */
#define TAKEN_NS    100000ull	 /* short waits are charged together, to who took the last */
#define FRESH_NS    1000000ull	 /* between stacks of new places of a thread */
#define QUANTUM_NS  10000000ull
#define USUAL_SHIFT 10
#define WALK_MASK   511

#define OFFSET_NS      1000000ull
#define OFFSET_JUMP_NS 100000000ull /* more: the machine slept */
#define DRIFT_SHIFT    10 /* of one clock against the other: a part in 2^DRIFT_SHIFT at most */

/* Whether waits are accounted at all is told by the first one: `delays`. */
#define QUEUED_TOLD                                                                             \
	(bpf_core_field_exists(struct rq, clock) && bpf_core_field_exists(struct cfs_rq, rq) && \
	 bpf_core_field_exists(struct sched_info, last_queued))

static bool delays;

/* What ran lately on a CPU, oldest overwritten. */
struct slice {
	u64 start_ns;
	u64 leader; /* struct task_struct *, perhaps freed */
	u64 cgroup;
	u32 pid;
	u32 pad;
};

struct slices {
	u64 n;
	u64 key;      /* of whom a switch is about, on its way to a number */
	u64 clock_ns; /* when offset_ns was looked at, by the run queue's clock */
	u64 offset_ns;
	u64 unwanted_ns; /* who runs is wanted by nobody, as asked then; 0: perhaps by somebody */
	struct slice slice[SLICES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slices);
} sched_slices SEC(".maps");

struct taken_key {
	u64 waiting; /* cgroup */
	u64 leader;
	u64 cgroup;
	u32 pid;
	u32 pad;
};

struct taken {
	struct owner owner;
	u64 ns, n;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TAKEN);
	__type(key, struct taken_key);
	__type(value, struct taken);
} sched_taken SEC(".maps");

/* --- a thread's entry --- */

/*
 * Like thread_find without a call: what was written to a map is read as a number. With interrupts off, as @all is this
 * CPU's.
 */
static __always_inline struct thread *thread_switched(struct slices *all, struct task_struct *t)
{
	volatile u64 *key = &all->key;

	*key = (u64)t;
	barrier();
	return thread_find_key(*key);
}

/* The state ends, another begins. One writer at a time; the iterator sees `change` odd meanwhile. */
static __always_inline void state_set(struct thread *e, u8 state, u64 now)
{
	u32 was = e->state;

	e->change++;
	barrier();
	if (was < SCHED_STATE_COUNT)
		e->ns[was] += since(now, e->since_ns);
	e->since_ns = now;
	e->state = state;
	barrier();
	e->change++;
}

static __always_inline void thread_begin(struct thread *e, u8 state, u64 now)
{
	e->begin_ns = now;
	e->since_ns = now;
	e->state = state;
}

static __always_inline void thread_want(struct thread *e, bool wanted, u8 state, u64 now)
{
	if (wanted && !e->wanted) {
		if (!e->begin_ns)
			e->begin_ns = now;
		/* What it did while nobody asked is no part of its times. */
		e->begin_ns += since(now, e->since_ns);
		e->since_ns = now;
		e->state = state;
	} else if (!wanted && e->wanted) {
		state_set(e, state, now);
	}
	e->wanted = wanted;
}

/*
 * How long it has waited for CPUs in all, by the kernel's own account: so nothing has to be looked up and no clock
 * read at a wakeup. Of one that waits now, exact while its CPU's clock is, which is at a switch there.
 */
static __always_inline u64 delay_of(struct task_struct *t)
{
	u64 delay, queued;

	if (!QUEUED_TOLD)
		return 0;
	delay = t->sched_info.run_delay;
	queued = t->sched_info.last_queued;
	return queued ? delay + since(t->se.cfs_rq->rq->clock, queued) : delay;
}

/* --- why it does not run --- */

static __always_inline bool is_blocked_state(u32 state)
{
	return state > SCHED_THROTTLED;
}

static __always_inline bool fair(struct task_struct *t)
{
	return t->prio >= FAIR_PRIO && bpf_core_field_exists(t->se.cfs_rq);
}

/* Since 6.18 threads are throttled one by one, before with the run queue of their group. */
static __always_inline bool throttled(struct task_struct *t)
{
	struct task_struct___throttled *one = (void *)t;

	if (!fair(t))
		return false;
	if (bpf_core_field_exists(one->throttled))
		return one->throttled;
	if (bpf_core_field_exists(struct cfs_rq, throttle_count))
		return t->se.cfs_rq->throttle_count;
	return false;
}

/* For how long this run queue was throttled until now; the clock was renamed in 5.18. */
static __always_inline u64 cfs_throttled_ns(struct cfs_rq *q)
{
	struct cfs_rq___old *old = (void *)q;

	if (bpf_core_field_exists(q->throttled_clock_pelt_time))
		return q->throttled_clock_pelt_time;
	if (bpf_core_field_exists(old->throttled_clock_task_time))
		return old->throttled_clock_task_time;
	return 0;
}

/* It begins to wait for a CPU, in the run queue it has. */
static __always_inline void wait_begin(struct thread *e, struct task_struct *t)
{
	e->cfs = 0;
	if (!fair(t))
		return;
	e->cfs = (u64)t->se.cfs_rq;
	e->cfs_ns = cfs_throttled_ns(t->se.cfs_rq);
}

/* It waited until @now: what of that its group was throttled. */
static __always_inline void wait_split(struct thread *e, struct task_struct *t, u64 now)
{
	u64 waited = since(now, e->since_ns), ns;

	if (!e->cfs || (e->state != SCHED_RUNNABLE && e->state != SCHED_THROTTLED) ||
	    e->cfs != (u64)t->se.cfs_rq)
		return;
	ns = since(cfs_throttled_ns(t->se.cfs_rq), e->cfs_ns);
	if (ns > waited)
		ns = waited;
	e->ns[SCHED_THROTTLED] += ns;
	e->ns[SCHED_RUNNABLE] += waited - ns;
	e->since_ns = now;
	e->state = ns > waited / 2 ? SCHED_THROTTLED : SCHED_RUNNABLE;
}

/* --- the time --- */

/*
 * The run queue's clock, which was just brought up to date, as CLOCK_BOOTTIME: reading that costs some 100 ns on a
 * virtual machine. How far they are apart is looked at each millisecond; between the two readings lies a moment, at
 * times an interrupt, so the least is right, but for what the clocks drift apart.
 */
static __always_inline u64 switch_ns(struct slices *all, struct task_struct *next)
{
	u64 clock, offset, most;

	if (!QUEUED_TOLD)
		return bpf_ktime_get_boot_ns();
	clock = next->se.cfs_rq->rq->clock;
	if (clock - all->clock_ns > OFFSET_NS) {
		offset = bpf_ktime_get_boot_ns() - clock;
		most = all->offset_ns + ((clock - all->clock_ns) >> DRIFT_SHIFT);
		if (all->clock_ns && offset - most < OFFSET_JUMP_NS)
			offset = most;
		all->clock_ns = clock;
		all->offset_ns = offset;
	}
	return clock + all->offset_ns;
}

/* --- switch-out --- */

static __always_inline u64 quantum_of(const struct ctl *c)
{
	return c->off_quantum_ns ?: QUANTUM_NS;
}

/* The bound is said where the verifier, which forgets it of 32 bits, sees it. */
static __always_inline struct site *site_at(struct thread *e, u64 at)
{
	asm volatile("" : "+r"(at));
	return &e->site[at & (SITES - 1)];
}

/* Notes the place; whether this time the stack is worth taking. */
static __always_inline bool site_visit(struct thread *e, const struct entry *r, u64 quantum, u64 now)
{
	u64 mixed = (r->ip * 0x9e3779b97f4a7c15ull) ^ (r->sp * 0xc2b2ae3d27d4eb4full) ^ e->on.nr;
	u64 at = e->why * PLACES;
	u32 sig;
	struct site *s;

	if (is_blocked_state(e->why))
		at += mixed >> 63;
	else
		mixed = 0; /* a CPU is taken anywhere */
	sig = (u32)(mixed >> 31) | 1;
	e->at = at;
	s = site_at(e, at);
	if (s->sig != sig) {
		s->sig = sig;
		if (since(now, e->fresh_ns) > FRESH_NS) {
			e->fresh_ns = now;
			return true;
		}
	}
	return s->lost_ns + ((u64)s->usual << USUAL_SHIFT) >= quantum ||
	       e->wait_lost_ns + (e->wait_usual << USUAL_SHIFT) >= quantum;
}

/* Whether anybody wants the running task. */
VERIFIED_ONCE int off_wanted(u32 unused)
{
	struct ctl *c = ctl_get();

	return c && filter_pass(c, KIND_OFFCPU, (void *)bpf_get_current_task());
}

/* Whose stack waits, by thread id: all that is asked at a wakeup. One that takes another's place hides its waker. */
#define HELD_PLACES 4096

static u32 held_ids[HELD_PLACES];

static __always_inline volatile u32 *held_at(struct task_struct *t)
{
	u64 at = (u32)t->pid;

	asm volatile("" : "+r"(at));
	return &held_ids[at & (HELD_PLACES - 1)];
}

static __always_inline void thread_out(struct ctl *c, struct slices *all, void *ctx,
				       struct task_struct *t, struct task_struct *next,
				       bool preempt, u64 now)
{
	struct thread *e = thread_switched(all, t);
	u64 quantum = quantum_of(c);
	struct entry r;
	u32 state;

	if (!e)
		return;
	if (since(now, e->judged_ns) > JUDGE_NS) {
		e->judged_ns = now;
		thread_want(e, off_wanted(0), SCHED_RUNNING, now);
	}
	if (!e->wanted)
		return;
	state = preempt ? 0 : task_state(t);
	e->off_ns = now;
	e->blocked_ns = 0;
	e->why = blocked_state(&e->on, t, state, &r);
	e->waker_pid = 0;
	e->delay_ns = delay_of(t);
	e->queued = SCHED_RUNNABLE;
	wait_begin(e, t); /* of one that blocks sched_wakeup does it again, where there is that */
	if (state) {
		e->voluntary++;
	} else {
		e->involuntary++;
		e->why = throttled(t) ? SCHED_THROTTLED : SCHED_RUNNABLE;
	}
	state_set(e, e->why, now);
	if (state & TASK_WAKING_V) { /* it is being woken already */
		e->wakeups++;
		state_set(e, SCHED_RUNNABLE, now);
	}
	e->held = HELD_NOT;
	if (quantum != ~0ull && site_visit(e, &r, quantum, now))
		e->held = off_stack_take(ctx, t, next, now);
	if (e->held && is_blocked_state(e->why))
		*held_at(t) = t->pid;
}

/* --- wakeup --- */

/* An interrupt's wakeup has nothing to do with the task it interrupted. */
static __always_inline bool woken_by_task(u32 why)
{
	return why != SCHED_SLEEP && why != SCHED_DISK && why != SCHED_PAGEFAULT;
}

/* It begins to wait for a CPU, which the kernel does not account. */
static __always_inline void thread_woken(struct thread *e, u64 now)
{
	e->wakeups++;
	e->blocked_ns = since(now, e->off_ns);
	state_set(e, SCHED_RUNNABLE, now);
}

/* Asked only where a sample may tell it. */
static __always_inline void waker_note(struct thread *e)
{
	u64 id;

	if (!e->held || !woken_by_task(e->why))
		return;
	id = bpf_get_current_pid_tgid();
	e->waker_pid = id >> 32;
	e->waker_tid = (u32)id;
	bpf_get_current_comm(e->waker_comm, sizeof(e->waker_comm));
}

static __always_inline bool off_asked(void)
{
	struct ctl *c = ctl_get();

	return c && kind_mask(c, KIND_OFFCPU);
}

/* In the waker, before a CPU is chosen. */
SEC("tp_btf/sched_waking")
int BPF_PROG(sched_waking, struct task_struct *p)
{
	struct thread *e;

	p = task_read_only(p);
	if (!off_asked() || (delays && *held_at(p) != (u32)p->pid))
		return 0;
	e = thread_find(p);
	if (!e || !e->wanted || !is_blocked_state(e->state))
		return 0;
	*held_at(p) = 0;
	waker_note(e);
	if (!delays)
		thread_woken(e, bpf_ktime_get_boot_ns());
	return 0;
}

/* In its run queue, where threads are throttled with it: left out where they are one by one. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *p)
{
	struct thread *e = off_asked() ? thread_find(p) : NULL;

	if (!e || !e->wanted)
		return 0;
	p = task_read_only(p);
	if (!delays && is_blocked_state(e->state)) {
		thread_woken(e, bpf_ktime_get_boot_ns());
		e->waker_pid = 0;
	}
	if (e->state != SCHED_RUNNABLE && !is_blocked_state(e->state))
		return 0;
	wait_begin(e, p);
	if (!throttled(p))
		return 0;
	e->queued = SCHED_THROTTLED;
	if (e->state == SCHED_RUNNABLE)
		e->state = SCHED_THROTTLED;
	return 0;
}

/* --- who ran meanwhile --- */

static __always_inline void taken_add(const struct slice *s, u64 waiting, u64 ns)
{
	struct taken_key key = {
		.waiting = waiting,
		.leader = s->leader,
		.cgroup = s->cgroup,
		.pid = s->pid,
	};
	struct taken *v = bpf_map_lookup_elem(&sched_taken, &key), fresh;
	struct task_struct *leader = (void *)s->leader;
	struct kind_stats *st;

	if (v) {
		__sync_fetch_and_add(&v->ns, ns);
		__sync_fetch_and_add(&v->n, 1);
		return;
	}
	__builtin_memset(&fresh, 0, sizeof(fresh));
	fresh.owner.pid = s->pid;
	fresh.owner.leader = s->leader;
	if (s->pid && BPF_CORE_READ(leader, pid) == (pid_t)s->pid)
		fresh.owner.start_ns = BPF_CORE_READ(leader, start_boottime);
	owner_now(&fresh.owner);
	fresh.owner.cgroup = s->cgroup;
	fresh.ns = ns;
	fresh.n = 1;
	if (bpf_map_update_elem(&sched_taken, &key, &fresh, BPF_NOEXIST) == 0)
		return;
	st = stats_get(KIND_OFFCPU);
	if (st)
		st->map_full++;
}

/* Charges [@from, @now) to what ran on this CPU then, as far back as that is known; @more to the last. */
VERIFIED_ONCE int taken_charge(u64 waiting, u64 from, u64 now, u64 more)
{
	u32 zero = 0;
	struct slices *all = bpf_map_lookup_elem(&sched_slices, &zero);
	u64 end = now;

	if (!all)
		return 0;
	for (u32 i = 1; i <= SLICES; i++) {
		struct slice *s = &all->slice[(all->n - i) % SLICES];
		u64 start = s->start_ns > from ? s->start_ns : from;

		if (!s->start_ns || end <= from)
			return 0;
		if (end > start)
			taken_add(s, waiting, end - start + more);
		more = 0;
		end = s->start_ns;
	}
	return 0;
}

static __always_inline void slice_begin(struct slices *all, struct task_struct *t, u64 now)
{
	struct slice *s = &all->slice[all->n % SLICES];

	s->start_ns = now;
	s->leader = (u64)t->group_leader;
	s->cgroup = typed_cgroup(t);
	s->pid = t->tgid;
	all->n++;
}

/* --- switch-in --- */

static __always_inline void offcpu_file(struct rec_offcpu *r, struct task_struct *t,
					const struct tail *tail)
{
	struct file *f = task_file(t, r->fd);
	struct sock *sk = file_sock(f);
	struct path path;

	if (!f)
		return;
	r->mode = BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V;
	r->ino = BPF_CORE_READ(f, f_inode, i_ino);
	r->dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
	if (sk) {
		sock_fill(sk, &r->sock);
	} else if (r->mode == S_IFREG_V || r->mode == S_IFCHR_V || r->mode == S_IFBLK_V) {
		BPF_CORE_READ_INTO(&path, f, f_path);
		walk_path(tail, &path);
		r->file.off = sizeof(*r);
	}
}

static __always_inline void offcpu_fill(struct rec_offcpu *r, const struct thread *e, u64 waited)
{
	__builtin_memset((char *)r + sizeof(r->hdr), 0, sizeof(*r) - sizeof(r->hdr));
	r->blocked_ns = e->blocked_ns;
	r->waited_ns = waited;
	r->uaddr = e->on.has_fd ? 0 : e->on.arg;
	r->fd = e->on.has_fd ? (s32)e->on.arg : -1;
	r->nr = e->on.nr;
	r->op = e->on.op;
	if (!is_blocked_state(e->why))
		r->flags |= OFFCPU_INVOLUNTARY;
	if (e->waker_pid) {
		r->waker_pid = e->waker_pid;
		r->waker_tid = e->waker_tid;
		__builtin_memcpy(r->waker_comm, e->waker_comm, sizeof(r->waker_comm));
	}
}

/*
 * Sends a sample of the task that s->walk.entry is, with the thread's entry as it is. The record is
 * made in this CPU's scratch: its walk, then its stack, each at a multiple of 8.
 */
VERIFIED_ONCE int offcpu_send(u32 state, u64 weight, u64 waited)
{
	struct uw_scratch *s = uw_get();
	u64 key = s ? s->walk.entry : 0, end, n;
	struct task_struct *t = (void *)key;
	struct thread *e = thread_find_key(key);
	struct rec_offcpu *r;
	struct tail tail;
	struct owner o;

	if (!s || !e)
		return 0;
	r = uw_record(s, sizeof(*r));
	owner_of(t, &o);
	hdr_fill_owner(&r->hdr, REC_OFFCPU, &o, seq_next(), 0);
	offcpu_fill(r, e, waited);
	r->state = state;
	r->weight_ns = weight;
	tail = (struct tail){ (char *)s->tail, &r->hdr.len, WALK_MASK };
	if (r->fd >= 0)
		offcpu_file(r, t, &tail);
	end = *tail.end & (2 * WALK_MASK + 1);
	if (r->file.off)
		r->file.len = end;
	end = (end + 7) & ~7ull;
	n = off_stack_put(s, end, e->held, key, e->off_ns);
	if (n)
		r->stack_off = sizeof(*r) + end;
	else
		r->flags |= OFFCPU_NO_STACK;
	end += n;
	asm volatile("" : "+r"(end));
	if (end > UW_TAIL_BYTES)
		return 0;
	r->hdr.len = sizeof(*r) + end;
	record_output(&ring_bulk, RING_BULK_BYTES, r, sizeof(*r) + end, KIND_OFFCPU);
	return 0;
}

/* What it lost and now goes out, at the place and while it waited for a CPU. */
static __always_inline void lost_send(struct thread *e, struct task_struct *t, u64 quantum, u64 waited)
{
	bool blocked = is_blocked_state(e->why);
	struct uw_scratch *scratch = uw_get();
	struct site *s = site_at(e, e->at);
	u64 weight = s->lost_ns;

	if (!scratch)
		return;
	scratch->walk.entry = (u64)t;
	if (weight >= quantum) {
		s->lost_ns = 0;
		offcpu_send(blocked ? e->why : e->state, weight, waited);
	}
	weight = e->wait_lost_ns;
	if (blocked && weight >= quantum) {
		e->wait_lost_ns = 0;
		offcpu_send(e->state, weight, waited);
	}
	off_stack_drop(e->held, (u64)t);
}

/* A moving average over about eight; shifts, for a division costs as much as all the rest here. */
static __always_inline u32 usual(u64 was, u64 ns)
{
	return (was * 7 + (ns >> USUAL_SHIFT)) / 8;
}

static __always_inline void thread_lost(struct ctl *c, struct thread *e, struct task_struct *t,
					u64 waited)
{
	u64 quantum = quantum_of(c);
	bool blocked = is_blocked_state(e->why);
	u64 at_site = blocked ? e->blocked_ns : waited;
	struct site *s = site_at(e, e->at);

	if (quantum == ~0ull)
		return;
	if (at_site >= c->off_min_ns)
		s->lost_ns += at_site;
	s->usual = usual(s->usual, at_site);
	if (blocked) {
		if (waited >= c->off_min_ns)
			e->wait_lost_ns += waited;
		e->wait_usual = usual(e->wait_usual, waited);
	}
	if (!e->held)
		return;
	lost_send(e, t, quantum, waited);
}

/* Of what it lost since it blocked, the end was its wait for a CPU. */
static __always_inline void delay_split(struct thread *e, struct task_struct *t, u64 now)
{
	u64 away = since(now, e->off_ns), waited = since(delay_of(t), e->delay_ns);

	if (waited > since(now, e->since_ns))
		waited = since(now, e->since_ns);
	e->wakeups++;
	e->blocked_ns = since(away, waited);
	state_set(e, SCHED_RUNNABLE, now - waited);
}

static __always_inline void thread_in(struct ctl *c, struct slices *all, struct task_struct *t,
				      u64 now)
{
	struct thread *e = thread_switched(all, t);
	u64 waited = 0;
	u16 cpu;

	if (QUEUED_TOLD && !delays && t->sched_info.last_queued)
		delays = true;
	all->unwanted_ns = e && !e->wanted ? e->judged_ns : 0;
	if (!e || !e->wanted)
		return;
	if (is_blocked_state(e->state) && delays)
		delay_split(e, t, now);
	if (is_blocked_state(e->state)) {
		e->blocked_ns = since(now, e->off_ns); /* its wakeup was not seen */
	} else {
		waited = since(now, e->since_ns);
		if (waited + e->taken_ns < TAKEN_NS) {
			e->taken_ns += waited;
		} else {
			taken_charge(typed_cgroup(t), e->since_ns, now, e->taken_ns);
			e->taken_ns = 0;
		}
		wait_split(e, t, now);
	}
	cpu = bpf_get_smp_processor_id();
	if (e->cpu != cpu && e->off_ns)
		e->migrations++;
	e->cpu = cpu;
	if (e->off_ns)
		thread_lost(c, e, t, waited);
	state_set(e, SCHED_RUNNING, now);
	e->held = HELD_NOT;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct ctl *c = ctl_get();
	struct slices *all;
	u32 zero = 0;
	u64 now;

	if (!c || !kind_mask(c, KIND_OFFCPU))
		return 0;
	all = bpf_map_lookup_elem(&sched_slices, &zero);
	if (!all)
		return 0;
	prev = task_read_only(prev);
	next = task_read_only(next);
	now = switch_ns(all, next);
	/* One that nobody wants is not even looked up, until it is time to ask again. */
	if (prev->pid && (!all->unwanted_ns || since(now, all->unwanted_ns) > JUDGE_NS))
		thread_out(c, all, ctx, prev, next, preempt, now);
	all->unwanted_ns = 0;
	if (next->pid)
		thread_in(c, all, next, now);
	slice_begin(all, next, now);
	return 0;
}

/* --- beginnings and ends --- */

/* Whether it is of interest is its parent's until it is asked itself. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_fork, struct task_struct *parent, struct task_struct *child)
{
	struct thread *e, *from;
	u64 now;

	if (!off_asked())
		return 0;
	e = thread_make(child);
	from = thread_find(parent);
	if (!e)
		return 0;
	now = bpf_ktime_get_boot_ns();
	thread_begin(e, SCHED_RUNNABLE, now);
	e->wanted = from && from->wanted;
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_exec, struct task_struct *t)
{
	struct ctl *c = ctl_get();
	struct slices *all;
	struct thread *e;
	u32 zero = 0;
	u64 now;

	if (!c || !kind_mask(c, KIND_OFFCPU))
		return 0;
	e = thread_find(t);
	if (!e)
		return 0;
	now = bpf_ktime_get_boot_ns();
	e->judged_ns = now;
	thread_want(e, off_wanted(0), SCHED_RUNNING, now);
	all = bpf_map_lookup_elem(&sched_slices, &zero);
	if (all)
		all->unwanted_ns = 0; /* it runs here */
	return 0;
}

/* Everything but the header. False when it was written to meanwhile, each time. */
static __always_inline bool times_fill(struct rec_sched_times *r, const struct thread *e,
				       struct task_struct *t, u64 *now)
{
	for (int i = 0; i < 4; i++) {
		u32 change = *(volatile u32 *)&e->change, state;
		u64 begun, waits, ns;

		barrier();
		*now = bpf_ktime_get_boot_ns();
		begun = e->since_ns;
		state = e->state;
		waits = delays && is_blocked_state(state) ? since(delay_of(t), e->delay_ns) : 0;
		r->since_ns = e->begin_ns;
		__builtin_memcpy(r->ns, e->ns, sizeof(r->ns));
		barrier();
		if (change != *(volatile u32 *)&e->change || change & 1)
			continue;
		ns = since(*now, begun);
		if (waits > ns)
			waits = ns;
		state &= 15;
		if (state < SCHED_STATE_COUNT)
			r->ns[state] += ns - waits;
		if (waits) {
			state = e->queued == SCHED_THROTTLED ? SCHED_THROTTLED : SCHED_RUNNABLE;
			r->ns[state] += waits;
		}
		r->state = state;
		r->voluntary = e->voluntary;
		r->involuntary = e->involuntary;
		r->wakeups = e->wakeups;
		r->migrations = e->migrations;
		return true;
	}
	return false;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_exit, struct task_struct *t)
{
	struct thread *e = thread_find(t);
	struct rec_sched_times *r;
	u64 now;
	struct owner o;
	u32 number;

	if (!e)
		return 0;
	t = task_read_only(t);
	if (e->wanted && off_asked()) {
		e->wanted = 0;
		r = record_reserve(&ring_bulk, sizeof(*r), KIND_OFFCPU, &number);
		if (!r) {
			thread_drop(t);
			return 0;
		}
		owner_of(t, &o);
		hdr_fill_owner(&r->hdr, REC_SCHED_TIMES, &o, number, sizeof(*r));
		__builtin_memset((char *)r + sizeof(r->hdr), 0, sizeof(*r) - sizeof(r->hdr));
		times_fill(r, e, t, &now);
		r->hdr.time_ns = now;
		BPF_CORE_READ_INTO(&r->comm, t, comm);
		r->ended = 1;
		record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_OFFCPU);
	}
	thread_drop(t);
	return 0;
}

/* --- read by the agent --- */

/* A thread that was there before us, or that the table had no room for. */
static __always_inline struct thread *thread_seen(struct ctl *c, struct task_struct *t, u64 now)
{
	struct thread *e = thread_make(t);
	struct entry r;
	struct owner o;
	u32 state;
	u8 is;

	if (!e)
		return NULL;
	owner_of(t, &o);
	state = task_state(t);
	if (state)
		is = blocked_state(&e->on, t, state, &r);
	else
		is = throttled(t) ? SCHED_THROTTLED : SCHED_RUNNING; /* its first switch tells */
	e->why = is;
	e->delay_ns = delay_of(t);
	e->queued = SCHED_RUNNABLE;
	thread_begin(e, is, now);
	e->wanted = owner_pass(c, KIND_OFFCPU, &o);
	return e;
}

SEC("iter/task")
int sched_times(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct ctl *c = ctl_get();
	struct rec_sched_times r = {};
	struct thread *e;
	struct owner o;
	u64 now;

	if (!t)
		return 0;
	t = task_read_only(t);
	if (!c || !kind_mask(c, KIND_OFFCPU) || t->exit_state || t->flags & PF_EXITING_V)
		return 0;
	e = thread_find(t);
	if (!e)
		e = thread_seen(c, t, bpf_ktime_get_boot_ns());
	/* Nobody asks for totals when threads' times are for requests alone. */
	if (!e || !e->wanted || c->off_quantum_ns == ~0ULL || !times_fill(&r, e, t, &now))
		return 0;
	owner_of(t, &o);
	hdr_fill_owner(&r.hdr, REC_SCHED_TIMES, &o, 0, sizeof(r));
	r.hdr.time_ns = now;
	BPF_CORE_READ_INTO(&r.comm, t, comm);
	bpf_seq_write(seq, &r, sizeof(r));
	return 0;
}

SEC("iter/bpf_map_elem")
int sched_takers(struct bpf_iter__bpf_map_elem *ctx)
{
	struct taken_key *key = ctx->key;
	struct taken *v = ctx->value;
	struct rec_sched_taken r = {};
	struct owner o;

	if (!key || !v)
		return 0;
	bpf_probe_read_kernel(&o, sizeof(o), &v->owner);
	hdr_fill_owner(&r.hdr, REC_SCHED_TAKEN, &o, 0, sizeof(r));
	r.waiting = key->waiting;
	r.ns = v->ns;
	r.n = v->n;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
