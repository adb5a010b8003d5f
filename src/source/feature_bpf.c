/*
 * Feature tests that ask bpf() and perf: each loads a program of a few instructions by hand and,
 * where a feature is about attaching, attaches it to something nobody passes: the kernel's own
 * bpf_fentry_test1, an LSM hook of syslog, a function of this program, a disabled perf event.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/probe.h"
#include "source/cgroup2.h"
#include "source/feature_row.h"
#include "source/tracefs.h"

#define ATTACH_TCX_INGRESS 46 /* enum bpf_attach_type since 6.6 */
#define NO_SUCH_IFINDEX	   0x7ffffff0
#define TEST_FUNCTION	   "bpf_fentry_test1" /* net/bpf/test_run.c, there to be traced, 5.5 */

#define INSN_RETURN(v)                                                     \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = (v) }, \
	{                                                                  \
		.code = BPF_JMP | BPF_EXIT                                 \
	}
#define INSN_CALL(helper) { .code = BPF_JMP | BPF_CALL, .imm = (helper) }
#define N(a)		  (sizeof(a) / sizeof((a)[0]))

static const struct bpf_insn return_0[] = { INSN_RETURN(0) };
static const struct bpf_insn return_1[] = { INSN_RETURN(1) };
static const struct bpf_insn return_2[] = { INSN_RETURN(2) };

static int prog_load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t n,
		     enum bpf_attach_type attach, uint32_t btf_id)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = btf_id, .attempts = 1);

	return bpf_prog_load(type, "porthole_test", "GPL", insns, n, &opts);
}

/* The number of a type in the kernel's BTF, or -errno. */
static int btf_id(struct prober *p, const char *name, uint32_t kind)
{
	int id = p->btf ? btf__find_by_name_kind(p->btf, name, kind) : p->btf_err;

	return id == -ENOENT ? -ESRCH : id;
}

static enum feature_state test_bpf(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int map =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "porthole_test", 4, 8, 1, NULL);
	_cleanup_(closep) int prog = -1;

	(void)t;
	if (map < 0)
		return feature_verdict(p, "making a map", map);
	prog = prog_load(BPF_PROG_TYPE_SOCKET_FILTER, return_0, N(return_0), 0, 0);
	return feature_verdict(p, "loading a program", prog);
}

static enum feature_state test_btf(struct prober *p, const struct feature_test *t)
{
	(void)t;
	if (!p->btf)
		return feature_verdict(p, "/sys/kernel/btf/vmlinux", p->btf_err);
	feature_say(p, "%u types", btf__type_cnt(p->btf) - 1);
	return FEATURE_OK;
}

/* Was a program made machine code? */
static enum feature_state test_jit(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog =
		prog_load(BPF_PROG_TYPE_SOCKET_FILTER, return_0, N(return_0), 0, 0);
	struct bpf_prog_info info = { 0 };
	uint32_t n = sizeof(info);
	int err;

	(void)t;
	if (prog < 0)
		return feature_verdict(p, "loading a program", prog);
	err = bpf_obj_get_info_by_fd(prog, &info, &n);
	if (err)
		return feature_verdict(p, "asking about a program", err);
	if (info.jited_prog_len)
		return FEATURE_OK;
	feature_say(p, "programs are interpreted, several times slower");
	return FEATURE_DEGRADED;
}

static enum feature_state test_ringbuf(struct prober *p, const struct feature_test *t)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	_cleanup_(closep) int map =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "porthole_test", 0, 0, page, NULL);

	(void)t;
	return feature_verdict(p, "making a ring buffer", map);
}

/* Task storage needs type information for its key and value. */
static enum feature_state test_task_storage(struct prober *p, const struct feature_test *t)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC, .btf_key_type_id = 1,
		    .btf_value_type_id = 1);
	_cleanup_(closep) int map = -1;
	struct btf *btf = btf__new_empty();
	int err;

	(void)t;
	if (!btf)
		return feature_verdict(p, "type information", -errno);
	err = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	err = err < 0 ? err : btf__load_into_kernel(btf);
	if (err < 0) {
		btf__free(btf);
		return feature_verdict(p, "loading type information", err);
	}
	opts.btf_fd = (uint32_t)btf__fd(btf);
	map = bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "porthole_test", 4, 4, 0, &opts);
	btf__free(btf);
	return feature_verdict(p, "making a map", map);
}

static enum feature_state test_iterator(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog = -1, link = -1, iter = -1;
	int id = btf_id(p, t->target, BTF_KIND_FUNC);
	char byte;

	if (id < 0)
		return feature_verdict(p, t->target, id);
	prog = prog_load(BPF_PROG_TYPE_TRACING, return_0, N(return_0), BPF_TRACE_ITER, (uint32_t)id);
	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	link = bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL);
	if (link < 0)
		return feature_verdict(p, "attaching", link);
	iter = bpf_iter_create(link);
	if (iter < 0)
		return feature_verdict(p, "running", iter);
	return feature_verdict(p, "reading", read(iter, &byte, 1) < 0 ? -errno : 0);
}

/* tp_btf, fentry, fexit, LSM: arg is the program type, arg2 the attach type. */
static enum feature_state test_tracing(struct prober *p, const struct feature_test *t)
{
	uint32_t kind = t->arg2 == BPF_TRACE_RAW_TP ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC;
	_cleanup_(closep) int prog = -1, link = -1;
	int id = btf_id(p, t->target, kind);

	if (id < 0)
		return feature_verdict(p, t->target, id);
	prog = prog_load(t->arg, return_0, N(return_0), t->arg2, (uint32_t)id);
	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	link = bpf_raw_tracepoint_open(NULL, prog);
	return feature_verdict(p, "attaching", link);
}

static enum feature_state test_lsm(struct prober *p, const struct feature_test *t)
{
	enum feature_state s = test_tracing(p, t);
	char list[256];

	if (s != FEATURE_OK || p->securityfs < 0 ||
	    feature_read(p->securityfs, "lsm", list, sizeof(list)))
		return s;
	if (feature_listed(list, "bpf"))
		return FEATURE_OK;
	feature_say(p, "programs attach but are never asked: bpf is not among the active LSMs");
	return FEATURE_DEGRADED;
}

static enum feature_state test_raw_tracepoint(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog =
		prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, return_0, N(return_0), 0, 0);
	_cleanup_(closep) int link = -1;

	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	link = bpf_raw_tracepoint_open(t->target, prog);
	return feature_verdict(p, "attaching", link);
}

static enum feature_state test_task_pt_regs(struct prober *p, const struct feature_test *t)
{
	static const struct bpf_insn insns[] = {
		INSN_CALL(BPF_FUNC_get_current_task_btf),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 0 },
		INSN_CALL(BPF_FUNC_task_pt_regs),
		INSN_RETURN(0),
	};
	_cleanup_(closep) int prog = prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, insns, N(insns), 0, 0);

	(void)t;
	return feature_verdict(p, "calling it", prog);
}

/* A disabled event with a program on it. @cpu -1: of this process. 0 or -errno. */
static int perf_attach(struct perf_event_attr *attr, enum bpf_prog_type type)
{
	_cleanup_(closep) int prog = prog_load(type, return_0, N(return_0), 0, 0);
	_cleanup_(closep) int event = -1;

	if (prog < 0)
		return prog;
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	event = (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, prog))
		return -errno;
	return 0;
}

static enum feature_state test_tracepoint(struct prober *p, const struct feature_test *t)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1 };
	int id;

	if (p->tracefs < 0) {
		feature_verdict(p, "opening tracefs", p->tracefs);
		return FEATURE_DEGRADED;
	}
	id = tracefs_event_id(p->tracefs, "sched", t->target);
	if (id < 0)
		return feature_verdict(p, t->target, id);
	attr.config = (uint64_t)id;
	return feature_verdict(p, "attaching", perf_attach(&attr, BPF_PROG_TYPE_TRACEPOINT));
}

/* The number of a perf "PMU" of the kernel, or -errno. */
static int pmu_type(const char *name)
{
	char path[96], text[16];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	err = feature_read(AT_FDCWD, path, text, sizeof(text));
	return err ? err : atoi(text);
}

static enum feature_state test_kprobe(struct prober *p, const struct feature_test *t)
{
	struct perf_event_attr attr = { .kprobe_func = (uint64_t)(uintptr_t)t->target };
	int type = pmu_type("kprobe");

	if (type < 0)
		return feature_verdict(p, "kprobe events", type);
	attr.type = (uint32_t)type;
	return feature_verdict(p, "attaching", perf_attach(&attr, BPF_PROG_TYPE_KPROBE));
}

/* Where the uprobe test attaches; never called. */
__attribute__((noinline, used)) static void uprobe_target(void)
{
	__asm__ volatile("");
}

/* The offset in this program's file of an address in it; the first object is the program. */
static int file_offset(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uint64_t *offset = ctx;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uint64_t at = *offset - info->dlpi_addr - h->p_vaddr;

		if (h->p_type == PT_LOAD && at < h->p_filesz) {
			*offset = h->p_offset + at;
			return 1;
		}
	}
	return -1;
}

static enum feature_state test_uprobe(struct prober *p, const struct feature_test *t)
{
	struct perf_event_attr attr = { .uprobe_path = (uint64_t)(uintptr_t)t->target };
	uint64_t offset = (uint64_t)(uintptr_t)uprobe_target;
	int type = pmu_type("uprobe");

	if (type < 0)
		return feature_verdict(p, "uprobe events", type);
	if (dl_iterate_phdr(file_offset, &offset) != 1)
		return feature_verdict(p, t->target, -ENOENT);
	attr.type = (uint32_t)type;
	attr.probe_offset = offset;
	return feature_verdict(p, "attaching", perf_attach(&attr, BPF_PROG_TYPE_KPROBE));
}

static enum feature_state test_perf_event(struct prober *p, const struct feature_test *t)
{
	struct perf_event_attr attr = { .type = t->arg, .config = t->arg2, .freq = 1, .sample_freq = 1 };

	return feature_verdict(p, "attaching", perf_attach(&attr, BPF_PROG_TYPE_PERF_EVENT));
}

static enum feature_state test_xdp(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog = prog_load(BPF_PROG_TYPE_XDP, return_2, N(return_2), 0, 0);
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	int err;

	(void)t;
	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	err = bpf_prog_test_run_opts(prog, &opts);
	if (err)
		return feature_verdict(p, "running on a made-up packet", err);
	return feature_verdict(p, "running on a made-up packet", opts.retval == XDP_PASS ? 0 : -EIO);
}

/* A kernel that knows tcx looks for the interface first, and there is none of that number. */
static enum feature_state test_tcx(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog = prog_load(BPF_PROG_TYPE_SCHED_CLS, return_0, N(return_0), 0, 0);
	_cleanup_(closep) int link = -1;

	(void)t;
	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	link = bpf_link_create(prog, NO_SUCH_IFINDEX, ATTACH_TCX_INGRESS, NULL);
	if (link == -ENODEV)
		return FEATURE_OK;
	if (link != -EINVAL)
		return feature_verdict(p, "attaching", link >= 0 ? -EIO : link);
	feature_say(p, "this kernel has only the older clsact");
	return FEATURE_DEGRADED;
}

/* Loads, and asks the root cgroup what is attached there: the same permission, nothing changed. */
static enum feature_state test_cgroup(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int prog = prog_load(t->arg, return_1, N(return_1), t->arg2, 0);
	_cleanup_(closep) int root = cgroup2_open();
	uint32_t flags, ids[64], n = N(ids);
	int err;

	if (prog < 0)
		return feature_verdict(p, "loading", prog);
	if (root < 0)
		return feature_verdict(p, "opening cgroup2", root);
	err = bpf_prog_query(root, t->arg2, 0, &flags, ids, &n);
	return feature_verdict(p, "asking the root cgroup", err == -ENOSPC ? 0 : err);
}

static enum feature_state test_run_stats(struct prober *p, const struct feature_test *t)
{
	_cleanup_(closep) int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	(void)t;
	return feature_verdict(p, "switching them on", fd);
}

/* A helper of 5.11, when map memory moved from RLIMIT_MEMLOCK to the memory cgroup. */
static enum feature_state test_memlock(struct prober *p, const struct feature_test *t)
{
	static const struct bpf_insn insns[] = {
		INSN_CALL(BPF_FUNC_ktime_get_coarse_ns),
		INSN_RETURN(0),
	};
	_cleanup_(closep) int prog = prog_load(BPF_PROG_TYPE_SOCKET_FILTER, insns, N(insns), 0, 0);
	_cleanup_(closep) int map = -1;

	if (prog >= 0) {
		feature_say(p, "map memory is charged to the memory cgroup");
		return FEATURE_OK;
	}
	map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "porthole_test", 0, 0, t->arg, NULL);
	if (map >= 0) {
		feature_say(p, "the limit allows %u MiB", t->arg >> 20);
		return FEATURE_OK;
	}
	feature_verdict(p, "locking 16 MiB", map);
	return FEATURE_DEGRADED;
}

/* The probe itself looks whether it fits. */
static enum feature_state test_io_uring(struct prober *p, const struct feature_test *t)
{
	const struct probe *probe = &probe_uring;
	struct bpf_object *obj =
		bpf_object__open_mem(probe->elf, (size_t)(probe->elf_end - probe->elf), NULL);
	int err = obj ? probe->prepare(obj) : -errno;

	(void)t;
	bpf_object__close(obj);
	if (err != -EOPNOTSUPP)
		return feature_verdict(p, "reading its tracepoints", err);
	feature_say(p, "%s", probe->missing);
	return FEATURE_MISSING;
}

#define NEWER "a newer kernel"
#define CAPS  "run as root, or with CAP_BPF and CAP_PERFMON"

const struct feature_test feature_tests_bpf[] = {
	{ "bpf", "everything", CAPS "; in a container also allow bpf() in its seccomp profile",
	  test_bpf, .required = true },
	{ "btf", "programs that fit any kernel", "a kernel built with CONFIG_DEBUG_INFO_BTF=y",
	  test_btf, .required = true },
	{ "jit", "fast programs", "sysctl net.core.bpf_jit_enable=1", test_jit },
	{ "memlock", "memory for maps", "ulimit -l unlimited (LimitMEMLOCK=infinity)", test_memlock,
	  .arg = 16u << 20 },
	{ "ring_buffer", "events from the kernel", "Linux 5.8 or " NEWER, test_ringbuf,
	  .required = true },
	{ "task_storage", "state kept for each task", "Linux 5.11 or " NEWER, test_task_storage },
	{ "task_iterator", "processes that were there before", "Linux 5.8 or " NEWER, test_iterator,
	  .required = true, .target = "bpf_iter_task" },
	{ "tp_btf", "process life, TCP, signals", CAPS "; Linux 5.5 or " NEWER, test_tracing,
	  .required = true, .arg = BPF_PROG_TYPE_TRACING, .arg2 = BPF_TRACE_RAW_TP,
	  .target = "btf_trace_sched_process_exit" },
	{ "tracepoint", "single system calls",
	  CAPS " and a readable tracefs (CAP_SYS_ADMIN to mount it)", test_tracepoint,
	  .target = "sched_process_exit" },
	{ "raw_tracepoint", "system calls where tracefs cannot be read", CAPS, test_raw_tracepoint,
	  .target = "sched_process_exit" },
	{ "task_pt_regs", "arguments of system calls, at return",
	  "Linux 5.15 or " NEWER "; until then they are found by the stack's layout",
	  test_task_pt_regs },
	{ "io_uring", "what programs do without system calls",
	  "nothing where there is no io_uring; "
	  "else " NEWER ", or kernel.io_uring_disabled=2",
	  test_io_uring },
	{ "fentry", "functions of the kernel, cheaply",
	  "nothing: tracepoints serve (some kernels refuse trampolines under lockdown)", test_tracing,
	  .arg = BPF_PROG_TYPE_TRACING, .arg2 = BPF_TRACE_FENTRY, .target = TEST_FUNCTION },
	{ "fexit", "results of the kernel's functions", "nothing: tracepoints serve", test_tracing,
	  .arg = BPF_PROG_TYPE_TRACING, .arg2 = BPF_TRACE_FEXIT, .target = TEST_FUNCTION },
	{ "lsm", "refusing what a rule forbids",
	  "a kernel with CONFIG_BPF_LSM=y, started with lsm=...,bpf", test_lsm,
	  .arg = BPF_PROG_TYPE_LSM, .arg2 = BPF_LSM_MAC, .target = "bpf_lsm_syslog" },
	{ "kprobe", "functions of the kernel without tracepoints",
	  "a kernel with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y", test_kprobe,
	  .target = TEST_FUNCTION },
	{ "uprobe", "functions of programs and libraries", "a kernel with CONFIG_UPROBE_EVENTS=y",
	  test_uprobe, .target = "/proc/self/exe" },
	{ "perf_event", "profiles by time", CAPS, test_perf_event, .arg = PERF_TYPE_SOFTWARE,
	  .arg2 = PERF_COUNT_SW_CPU_CLOCK },
	{ "perf_hardware", "profiles by CPU cycles",
	  "nothing in most virtual machines; elsewhere the processor's counters", test_perf_event,
	  .arg = PERF_TYPE_HARDWARE, .arg2 = PERF_COUNT_HW_CPU_CYCLES },
	{ "xdp", "packets at the device", "CAP_NET_ADMIN with CAP_BPF", test_xdp },
	{ "tcx", "packets of a pod's interface",
	  "Linux 6.6 or " NEWER " and CAP_NET_ADMIN; clsact serves until then", test_tcx },
	{ "cgroup_skb", "UDP peers", "CAP_NET_ADMIN; a kernel with CONFIG_CGROUP_BPF=y",
	  test_cgroup, .arg = BPF_PROG_TYPE_CGROUP_SKB, .arg2 = BPF_CGROUP_INET_EGRESS },
	{ "cgroup_connect", "deciding on connections by pod",
	  "CAP_NET_ADMIN; a kernel with CONFIG_CGROUP_BPF=y", test_cgroup,
	  .arg = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .arg2 = BPF_CGROUP_INET4_CONNECT },
	{ "run_statistics", "porthole overhead: what each program costs",
	  "CAP_SYS_ADMIN; Linux 5.8", test_run_stats },
	{ NULL },
};
