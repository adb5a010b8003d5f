/* Decoding lost time and threads' times, and the fields that only they have. */
#include "probe/sched/sched.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "probe/probe.h"
#include "probe/sock.h"
#include "probe/stack.h"

#define TIMES_TYPE "thread_times"
#define TAKEN_TYPE "cpu_taken"

static const struct str state_names[SCHED_STATE_COUNT] = {
#define X(ID, name, help) { #name, sizeof(#name) - 1 },
	SCHED_STATES(X)
#undef X
};

/* What waits for the descriptor is told by its file; of sockets also their ends. */
static void offcpu_fd(const struct rec_offcpu *r, struct arena *a, struct event *ret)
{
	static const struct {
		uint16_t mode;
		enum fd_type type;
	} types[] = {
		{ S_IFREG, FD_FILE }, { S_IFDIR, FD_DIR },  { S_IFIFO, FD_PIPE },
		{ S_IFCHR, FD_FILE }, { S_IFBLK, FD_FILE },
	};
	struct str walk = rec_piece(r, r->hdr.len, r->file);

	if (r->mode == S_IFSOCK) {
		sock_fd_fill(&r->sock, -1, &ret->fd);
		if (r->sock.family == AF_UNIX)
			ret->fd.type = FD_UNIX;
	} else if (r->fd >= 0) {
		ret->fd.type = FD_OTHER;
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (r->mode == types[i].mode)
				ret->fd.type = types[i].type;
	}
	ret->fd.num = r->fd;
	if (walk.p)
		ret->fd.name = walk_to_path(a, walk);
	ret->fd.ino = r->ino;
	ret->fd.dev = r->dev;
}

static size_t offcpu_stack_at(const struct rec_hdr *h)
{
	return h->len < sizeof(struct rec_offcpu) ? 0 : ((const struct rec_offcpu *)h)->stack_off;
}

/* 0 and what there is, perhaps nothing, or -EBADMSG. */
static int offcpu_stack(const struct rec_offcpu *r, struct stack *ret)
{
	*ret = (struct stack){ .end = STACK_NONE };
	if (!r->stack_off)
		return 0;
	if (r->stack_off < sizeof(*r) || r->stack_off % 8 || r->stack_off > r->hdr.len)
		return -EBADMSG;
	return stack_read((const void *)((const char *)r + r->stack_off), r->hdr.len - r->stack_off,
			  ret);
}

static int offcpu_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_offcpu *r = (const void *)h;
	struct stack s;

	if (h->len < sizeof(*r) || r->state >= SCHED_STATE_COUNT || r->fd < -1 ||
	    offcpu_stack(r, &s) != 0)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_OFFCPU];
	ret->type = STR("offcpu");
	offcpu_fd(r, a, ret);
	return 0;
}

static int times_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_sched_times *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r) || r->state >= SCHED_STATE_COUNT)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_OFFCPU];
	ret->type = STR(TIMES_TYPE);
	return 0;
}

static int taken_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	(void)a;
	if (h->len < sizeof(struct rec_sched_taken))
		return -EBADMSG;
	ret->kind = &kind_table[KIND_OFFCPU];
	ret->type = STR(TAKEN_TYPE);
	return 0;
}

/* --- fields --- */

enum offcpu_field {
	OFF_STATE,
	OFF_LOST,
	OFF_BLOCKED,
	OFF_WAITED,
	OFF_WAKER_PID,
	OFF_WAKER_TID,
	OFF_WAKER_NAME,
	OFF_FUTEX,
	OFF_SYSCALL,
	OFF_FRAMES,
	OFF_END,
	OFF_ADDRESSES,
};

/* Of a sample: a number that is there when it is not 0, or always. */
static bool offcpu_number(const struct rec_offcpu *r, enum offcpu_field which, uint64_t *ret)
{
	switch (which) {
	case OFF_LOST:
		*ret = r->weight_ns;
		return true;
	case OFF_BLOCKED:
		*ret = r->blocked_ns;
		return true;
	case OFF_WAITED:
		*ret = r->waited_ns;
		return true;
	case OFF_WAKER_PID:
		*ret = r->waker_pid;
		return r->waker_pid;
	case OFF_WAKER_TID:
		*ret = r->waker_tid;
		return r->waker_pid;
	case OFF_FUTEX:
		*ret = r->uaddr;
		return r->uaddr;
	case OFF_SYSCALL:
		*ret = r->nr;
		return r->nr != SCHED_NO_CALL;
	default:
		return false;
	}
}

/* Of its stack. */
static bool offcpu_stack_get(const struct rec_offcpu *r, enum offcpu_field which, struct value *ret)
{
	struct stack s;

	if (offcpu_stack(r, &s) != 0)
		return false;
	if (which == OFF_FRAMES)
		ret->u64 = s.nkernel + s.nuser;
	else if (which == OFF_END)
		ret->str = str_of(stack_end_name(s.end));
	else
		ret->str = stack_text(&s, field_arena());
	return which != OFF_ADDRESSES || ret->str.n;
}

static bool offcpu_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_offcpu *r = ev->body;
	enum offcpu_field which = (enum offcpu_field)ref->field->arg;

	if (nth || ev->hdr->type != REC_OFFCPU)
		return false;
	ret->type = ref->field->type;
	if (which == OFF_WAKER_NAME) {
		ret->str = str_fixed(r->waker_comm, sizeof(r->waker_comm));
		return r->waker_pid && ret->str.n;
	}
	if (which >= OFF_FRAMES)
		return offcpu_stack_get(r, which, ret);
	return offcpu_number(r, which, &ret->u64);
}

/* In samples and in times. */
static bool state_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	uint8_t state;

	if (nth)
		return false;
	if (ev->hdr->type == REC_OFFCPU)
		state = ((const struct rec_offcpu *)ev->body)->state;
	else if (ev->hdr->type == REC_SCHED_TIMES)
		state = ((const struct rec_sched_times *)ev->body)->state;
	else
		return false;
	ret->type = ref->field->type;
	ret->str = state_names[state];
	return true;
}

/* A u64 of the record of times, by its offset. */
static bool times_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	if (nth || ev->hdr->type != REC_SCHED_TIMES)
		return false;
	ret->type = ref->field->type;
	memcpy(&ret->u64, (const char *)ev->body + ref->field->arg, sizeof(ret->u64));
	return true;
}

enum times_field {
	TIMES_TOTAL,
	TIMES_ENDED,
	TIMES_NAME,
};

static bool thread_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_sched_times *r = ev->body;

	if (nth || ev->hdr->type != REC_SCHED_TIMES)
		return false;
	ret->type = ref->field->type;
	switch ((enum times_field)ref->field->arg) {
	case TIMES_TOTAL:
		ret->u64 = r->hdr.time_ns > r->since_ns ? r->hdr.time_ns - r->since_ns : 0;
		return true;
	case TIMES_ENDED:
		ret->b = r->ended;
		return true;
	case TIMES_NAME:
		ret->str = str_fixed(r->comm, sizeof(r->comm));
		return true;
	}
	return false;
}

static bool taken_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	if (nth || ev->hdr->type != REC_SCHED_TAKEN)
		return false;
	ret->type = ref->field->type;
	memcpy(&ret->u64, (const char *)ev->body + ref->field->arg, sizeof(ret->u64));
	return true;
}

#define OFF(get)   KIND_BIT(KIND_OFFCPU), FIELD_DEFAULT, get
#define BRIEF(get) KIND_BIT(KIND_OFFCPU), FIELD_DEFAULT | FIELD_BRIEF, get
#define TIMES(m)   OFF(times_get), offsetof(struct rec_sched_times, m)
#define TAKEN(m)   OFF(taken_get), offsetof(struct rec_sched_taken, m)
#define SPENT(ID)  OFF(times_get), offsetof(struct rec_sched_times, ns) + 8 * SCHED_##ID

static const struct field sched_fields[] = {
	{ "sched.state", VALUE_STR, "", BRIEF(state_get), 0,
	  "what the time was lost for; of thread_times, what the thread does now" },
	{ "sched.lost", VALUE_DURATION, "ns", BRIEF(offcpu_get), OFF_LOST,
	  "lost time this sample stands for, in this state" },
	{ "sched.blocked", VALUE_DURATION, "ns", OFF(offcpu_get), OFF_BLOCKED,
	  "how long it was blocked this time, until its wakeup" },
	{ "sched.waited", VALUE_DURATION, "ns", OFF(offcpu_get), OFF_WAITED,
	  "how long it then waited for a CPU" },
	{ "sched.waker.pid", VALUE_U64, "", OFF(offcpu_get), OFF_WAKER_PID, "process that woke it" },
	{ "sched.waker.tid", VALUE_U64, "", OFF(offcpu_get), OFF_WAKER_TID, "thread that woke it" },
	{ "sched.waker.name", VALUE_STR, "", OFF(offcpu_get), OFF_WAKER_NAME,
	  "command name of that thread" },
	{ "sched.futex", VALUE_U64, "", OFF(offcpu_get), OFF_FUTEX, "address of the lock" },
	{ "sched.syscall", VALUE_U64, "", OFF(offcpu_get), OFF_SYSCALL,
	  "number of the system call it was in" },
	{ "sched.frames", VALUE_U64, "", OFF(offcpu_get), OFF_FRAMES, "depth of its stack" },
	{ "sched.end", VALUE_STR, "", OFF(offcpu_get), OFF_END,
	  "why the program's stack ends there, as sample.end" },
	{ "sched.addresses", VALUE_STR, "", KIND_BIT(KIND_OFFCPU), 0, offcpu_get, OFF_ADDRESSES,
	  "the frames of the program's stack, innermost first, as sample.addresses" },
	{ "sched.thread", VALUE_STR, "", BRIEF(thread_get), TIMES_NAME, "command name of the thread" },
	{ "sched.total", VALUE_DURATION, "ns", BRIEF(thread_get), TIMES_TOTAL,
	  "time since the thread was first seen; the times below add up to it" },
#define X(ID, name, help) \
	{ "sched.time." #name, VALUE_DURATION, "ns", SPENT(ID), "of that, it " help },
	SCHED_STATES(X)
#undef X
		{ "sched.voluntary", VALUE_U64, "", TIMES(voluntary), "switches: it blocked" },
	{ "sched.involuntary", VALUE_U64, "", TIMES(involuntary), "switches: it was taken off" },
	{ "sched.wakeups", VALUE_U64, "", TIMES(wakeups), "how often it was woken" },
	{ "sched.migrations", VALUE_U64, "", TIMES(migrations), "how often it changed the CPU" },
	{ "sched.ended", VALUE_BOOL, "", OFF(thread_get), TIMES_ENDED, "the thread ends" },
	{ "sched.taken", VALUE_DURATION, "ns", BRIEF(taken_get), offsetof(struct rec_sched_taken, ns),
	  "for how long in all this process ran while threads of the cgroup waited for its CPU" },
	{ "sched.waits", VALUE_U64, "", TAKEN(n), "how often" },
	{ "sched.waiting", VALUE_U64, "", TAKEN(waiting), "the cgroup that waited, by number" },
	{ NULL },
};

static uint64_t sched_type_kinds(struct str type)
{
	static const char *const types[] = { "offcpu", TIMES_TYPE, TAKEN_TYPE };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(type, str_of(types[i])))
			return KIND_BIT(KIND_OFFCPU);
	return 0;
}

static const struct probe_decoder sched_decoders[] = {
	{ REC_OFFCPU, offcpu_decode, offcpu_stack_at },
	{ REC_SCHED_TIMES, times_decode },
	{ REC_SCHED_TAKEN, taken_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook sched_hooks[] = {
	{ "sched_fork", NULL, "sched_process_fork" },
	{ "sched_exec", NULL, "sched_process_exec" },
	{ "sched_exit", NULL, "sched_process_exit" },
	{ "sched_waking", NULL, "sched_waking" },
	{ "sched_wakeup", NULL, "sched_wakeup" },
	{ "sched_switch", NULL, "sched_switch", .stacks = true },
	{ "sched_times", NULL, "task iterator", .clock = true },
	{ "sched_takers", NULL, "map iterator", .clock = true, .map = "sched_taken" },
	{ NULL },
};

/* Whether threads are throttled one by one (6.18), in whatever queue. */
static bool throttles_threads(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int32_t id = btf ? btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	bool found = false;

	for (uint32_t i = 0; t && i < btf_vlen(t) && !found; i++)
		found = strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), "throttled") ==
			0;
	btf__free(btf);
	return found;
}

static int sched_prepare(struct bpf_object *obj)
{
	struct bpf_program *wakeup = bpf_object__find_program_by_name(obj, "sched_wakeup");

	if (wakeup && throttles_threads())
		bpf_program__set_autoload(wakeup, false);
	return 0;
}

extern const char sched_bpf_elf[], sched_bpf_elf_end[];

const struct probe probe_sched = {
	.name = "sched",
	.help = "where threads' time goes: running, waiting for a CPU, blocked and why",
	.elf = sched_bpf_elf,
	.elf_end = sched_bpf_elf_end,
	.kinds = KIND_BIT(KIND_OFFCPU),
	.hooks = sched_hooks,
	.decoders = sched_decoders,
	.fields = sched_fields,
	.prepare = sched_prepare,
	.type_kinds = sched_type_kinds,
};
