/*
 * The stream probe: socket calls that moved bytes. Its records are no events: decode/streams.h makes requests of
 * them. Which of the kernel program's two ways fits this kernel is decided here.
 */
#include "probe/stream/stream.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "probe/probe.h"
#include "probe/sock.h"
#include "probe/stream/data.h"
#include "probe/stream/fields.h"
#include "probe/stream/verdict.h"

#define N(a)	      (sizeof(a) / sizeof((a)[0]))
#define STREAM_FLAGS  (STREAM_TIMES * 2 - 1)
#define VERDICT_BYTES (STREAM_VERDICTS * sizeof(uint64_t))

/* --- the records --- */

/* The least place of the data; of a record that is too short to tell, its own least length. */
static size_t stream_data_at(const struct rec_hdr *h)
{
	const struct rec_stream *r = (const void *)h;
	bool timed = h->len >= sizeof(*r) && r->flags & STREAM_TIMES;

	return sizeof(*r) + (timed ? sizeof(struct rec_stream_times) : 0);
}

const struct rec_stream_times *stream_times(const struct rec_hdr *h)
{
	const struct rec_stream *r = (const void *)h;

	if (h->type != REC_STREAM || h->len < sizeof(*r) || !(r->flags & STREAM_TIMES) ||
	    h->len < stream_data_at(h))
		return NULL;
	return (const void *)(r + 1);
}

bool stream_data(const struct rec_hdr *h, struct str *ret)
{
	const struct rec_stream *r = (const void *)h;
	struct str data;

	if (h->type != REC_STREAM || h->len < stream_data_at(h) || r->role > STREAM_SERVER ||
	    (r->flags & ~STREAM_FLAGS))
		return false;
	if (r->data.off == 0 && r->data.len == 0) {
		*ret = STR_NONE;
		return true;
	}
	data = rec_piece(r, h->len, r->data);
	if (!data.p || r->data.off < stream_data_at(h) || data.n > r->seen)
		return false;
	*ret = data;
	return true;
}

static int stream_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	static const int8_t servers[] = { -1, 0, 1 };
	const struct rec_stream *r = (const void *)h;
	struct str data;

	(void)a;
	if (!stream_data(h, &data))
		return -EBADMSG;
	sock_fd_fill(&r->sock, servers[r->role], &ret->fd);
	return 0;
}

/* --- verdicts --- */

int stream_verdicts_open(int map_fd, struct stream_verdicts *ret)
{
	void *p = mmap(NULL, VERDICT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	ret->words = p;
	return 0;
}

void stream_verdicts_close(struct stream_verdicts *v)
{
	if (v->words)
		munmap(v->words, VERDICT_BYTES);
	v->words = NULL;
}

void stream_verdict_set(struct stream_verdicts *v, uint64_t id, enum stream_class class)
{
	if (!v->words || !id || id >> (64 - STREAM_CLASS_BITS))
		return;
	atomic_store_explicit((_Atomic uint64_t *)&v->words[id % STREAM_VERDICTS],
			      id << STREAM_CLASS_BITS | (uint64_t)class, memory_order_relaxed);
}

/* --- which way --- */

static const struct stream_knobs knobs_usual = STREAM_KNOBS_USUAL;

/* Programs of the first way, and of the second. */
static const char *const programs[][5] = {
	{ "stream_sent", "stream_received", "stream_state", "stream_from4", "stream_from6" },
	{ "stream_exit", "stream_exit_raw", "stream_state_at" },
};

static void btf_freep(struct btf **p)
{
	btf__free(*p);
}

/* The sockets' own tracepoints (6.3), and typed pointers to what is behind them (6.2). */
static bool sockets_tell(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "btf_trace_sock_send_length", BTF_KIND_TYPEDEF) > 0 &&
	       btf__find_by_name_kind(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) > 0 &&
	       btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

/* Newer kernels give programs memory (kmalloc_nolock, 6.18) only where the processor has cmpxchg16b: all but emulated. */
static bool storage_works(void)
{
#ifdef __x86_64__
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_CMPXCHG16B);
#else
	return true;
#endif
}

static int stream_prepare(struct bpf_object *obj)
{
	_cleanup_(btf_freep) struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_map *knobs = bpf_object__find_map_by_name(obj, ".rodata.stream");
	struct bpf_map *storage = bpf_object__find_map_by_name(obj, "stream_socks");
	struct bpf_map *table = bpf_object__find_map_by_name(obj, "stream_socks_at");
	struct stream_knobs k = knobs_usual;
	bool tell;
	int err;

	if (!btf)
		return -errno;
	if (!knobs || !storage || !table)
		return -ENOENT;
	tell = sockets_tell(btf);
	for (size_t i = 0; i < N(programs[0]); i++) {
		const char *other = programs[tell][i];

		if (other)
			bpf_program__set_autoload(bpf_object__find_program_by_name(obj, other),
						  false);
	}
	k.table = !tell || !storage_works();
	err = bpf_map__set_autocreate(k.table ? storage : table, false);
	if (!err)
		err = probe_times_prepare(obj);
	return err ? err : bpf_map__set_initial_value(knobs, &k, sizeof(k));
}

/* The calls that can move bytes of a socket. */
static int stream_targets(const struct probe_hook *hook, uint64_t kinds, probe_target_add add,
			  void *ctx)
{
	static const char *const events[] = {
		"sys_exit_read",       "sys_exit_readv",    "sys_exit_preadv2", "sys_exit_recvfrom",
		"sys_exit_recvmsg",    "sys_exit_recvmmsg", "sys_exit_write",	"sys_exit_writev",
		"sys_exit_pwritev2",   "sys_exit_sendto",   "sys_exit_sendmsg", "sys_exit_sendmmsg",
		"sys_exit_sendfile64",
	};
	int err = 0;

	(void)hook;
	if (!(kinds & KIND_BIT(KIND_REQUEST)))
		return 0;
	for (size_t i = 0; i < N(events) && !err; i++)
		err = add(ctx, "syscalls", events[i]);
	return err;
}

static const struct probe_decoder stream_decoders[] = {
	{ REC_STREAM, stream_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook stream_hooks[] = {
	{ "stream_state", NULL, "sock:inet_sock_set_state" },
	{ "stream_from4", NULL, "cgroup recvmsg4", .optional = true, .cgroup = true },
	{ "stream_from6", NULL, "cgroup recvmsg6", .optional = true, .cgroup = true },
	{ "stream_sent", NULL, "sock:sock_send_length" },
	{ "stream_received", NULL, "sock:sock_recv_length" },
	{ "stream_state_at", NULL, "sock:inet_sock_set_state" },
	{ "stream_exit", "stream_exit_raw", "syscalls:sys_exit_*", .targets = true },
	{ NULL },
};

extern const char stream_bpf_elf[], stream_bpf_elf_end[];

const struct probe probe_stream = {
	.name = "stream",
	.help = "bytes that go through sockets, for requests",
	.elf = stream_bpf_elf,
	.elf_end = stream_bpf_elf_end,
	.kinds = KIND_BIT(KIND_REQUEST),
	.hooks = stream_hooks,
	.decoders = stream_decoders,
	.fields = request_fields,
	.prepare = stream_prepare,
	.targets = stream_targets,
};
