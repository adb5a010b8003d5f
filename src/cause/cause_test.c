/*
 * Hypotheses against evidence written by hand: each case has one cause, whose finding must stand
 * first, and the healthy ones have no finding of weight. Times are of a watch of ten seconds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "base/clock.h"
#include "cause/cause.h"

#define SECOND	NS_PER_SEC
#define SECONDS 10u

static struct watch w;
static struct findings found;
static struct profile *cpu;

static const struct profile_opts cpu_opts = {
	.types = { { { "cpu", 3 }, { "nanoseconds", 11 } } },
	.ntypes = 1,
};

static int each_setup(void **state)
{
	(void)state;
	assert_int_equal(watch_init(&w), 0);
	assert_int_equal(profile_new(&cpu_opts, &cpu), 0);
	w.duration_ns = SECONDS * SECOND;
	w.target = STR("pod shop/cart");
	w.cpu = cpu;
	w.has_node = w.has_net = true;
	w.node_before.cpus = w.node_after.cpus = 2;
	w.node_after.memory = 8ull << 30;
	w.node_after.memory_available = 4ull << 30;
	return 0;
}

static int each_teardown(void **state)
{
	(void)state;
	profile_free(cpu);
	watch_free(&w);
	return 0;
}

static const struct finding *found_of(const char *cause)
{
	for (size_t i = 0; i < found.n; i++)
		if (strcmp(found.f[i].cause, cause) == 0)
			return &found.f[i];
	return NULL;
}

/* @ns of CPU time in a stack given leaf first: "leaf;caller;..."; a leading "k:" is the kernel's. */
static void ran(const char *stack, uint64_t ns)
{
	uint32_t ids[16];
	char text[256], *save = NULL;
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", stack);
	for (char *p = strtok_r(text, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
		bool kernel = strncmp(p, "k:", 2) == 0, python = strncmp(p, "py:", 3) == 0;
		bool libc = strncmp(p, "c:", 2) == 0;
		struct frame f = {
			.function = str_of(kernel || libc ? p + 2 :
					   python	  ? p + 3 :
							    p),
			.module = kernel ? STR("[kernel]") :
				  libc	 ? STR("/lib/libc.so.6") :
					   STR("/bin/app"),
			.kind = kernel ? FRAME_KERNEL :
				python ? FRAME_INTERP :
					 FRAME_NATIVE,
		};

		assert_int_equal(profile_frame(cpu, &f, &ids[n++]), 0);
	}
	assert_int_equal(profile_add(cpu, PROFILE_SERIES_NONE, ids, n, &ns), 0);
	w.ns[THREAD_RUNNING] += ns;
}

static void judge(void)
{
	watch_hot_fill(&w);
	causes_judge(&w, &found);
	assert_true(found.n > 0);
}

static void expect(const char *cause, enum confidence at_least)
{
	judge();
	if (strcmp(found.f[0].cause, cause) != 0 || found.f[0].confidence < at_least)
		fail_msg("%s (%d, %u): %s; wanted %s", found.f[0].cause, found.f[0].confidence,
			 found.f[0].cost, found.f[0].title, cause);
	assert_true(found.f[0].title[0] && found.f[0].nevidence && found.f[0].advice[0]);
}

static void expect_healthy(void)
{
	judge();
	assert_string_equal(found.f[0].cause, "healthy");
	for (size_t i = 1; i < found.n; i++)
		assert_int_equal(found.f[i].confidence, CONFIDENCE_POSSIBLE);
}

static void call(const char *name, int error, uint64_t count, uint64_t bytes)
{
	struct watch_call *c = watch_add_call(&w);

	c->name = str_of(name);
	c->error = error;
	c->count = count;
	c->bytes = bytes;
	c->who = (struct watch_who){ 7, 0, STR("app"), STR_NONE };
}

static struct watch_file *file(const char *name, int fd, bool writes, uint64_t calls, uint64_t bytes)
{
	struct watch_file *f = watch_add_file(&w);

	f->name = str_of(name);
	f->fd = fd;
	f->writes = writes;
	f->calls = calls;
	f->bytes = bytes;
	return f;
}

static struct watch_group *group(void)
{
	struct watch_group *g = watch_add_group(&w);

	g->name = STR("pod shop/cart");
	g->before.has = g->after.has = GROUP_CPU | GROUP_QUOTA | GROUP_MEMORY | GROUP_PRESSURE |
				       GROUP_REFAULT;
	g->after.quota_ns = g->before.quota_ns = VITALS_NO_LIMIT;
	g->after.memory_max = VITALS_NO_LIMIT;
	return g;
}

/* --- one cause each ------------------------------------------------------------------------------ */

static void test_hot_function(void **state)
{
	(void)state;
	ran("burn;main", 9 * SECOND);
	ran("k:do_syscall_64;main", SECOND / 2);
	expect("hot-function", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "burn"));
}

/* What the C library does for a function is the function's; so is the interpreter's work. */
static void test_hot_owner(void **state)
{
	(void)state;
	ran("c:__memmove_avx;copy;main", 6 * SECOND);
	ran("other;main", SECOND);
	expect("hot-function", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "copy "));
}

static void test_hot_python(void **state)
{
	(void)state;
	ran("long_mul;_PyEval_EvalFrameDefault;py:fib;py:<module>;main", 5 * SECOND);
	ran("_PyEval_EvalFrameDefault;py:fib;py:<module>;main", 4 * SECOND);
	expect("hot-function", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "fib"));
}

static void test_throttled(void **state)
{
	struct watch_group *g = group();

	(void)state;
	ran("burn;main", 2 * SECOND);
	w.ns[THREAD_THROTTLED] = 8 * SECOND;
	g->after.quota_ns = SECOND / 50;
	g->after.period_ns = SECOND / 10;
	g->after.periods = 100;
	g->after.throttled = 99;
	g->after.throttled_ns = 8 * SECOND;
	expect("cpu-throttled", CONFIDENCE_CERTAIN);
}

/* A limit of 80 % of a CPU is in the way of who wants all of it, though most of the time it runs. */
static void test_throttled_little(void **state)
{
	struct watch_group *g = group();

	(void)state;
	ran("burn;main", 8 * SECOND);
	w.ns[THREAD_THROTTLED] = 2 * SECOND;
	g->after.quota_ns = SECOND * 8 / 100;
	g->after.period_ns = SECOND / 10;
	g->after.periods = 100;
	g->after.throttled = 97;
	g->after.throttled_ns = 2 * SECOND;
	expect("cpu-throttled", CONFIDENCE_CERTAIN);
}

static void test_neighbour(void **state)
{
	struct watch_rival *r;

	(void)state;
	ran("work;main", 3 * SECOND);
	w.ns[THREAD_RUNNABLE] = 7 * SECOND;
	r = watch_add_rival(&w);
	r->who = (struct watch_who){ 9, 0, STR("stress"), STR("pod batch/train") };
	r->ns = 7 * SECOND;
	expect("cpu-neighbour", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].evidence[1], "batch/train"));
}

/* Little work, but each piece of it takes half as long again. */
static void test_neighbour_little(void **state)
{
	struct watch_rival *r;

	(void)state;
	for (int i = 0; i < 13; i++) {
		char stack[] = "work_a;main";

		stack[5] = (char)(stack[5] + i);
		ran(stack, SECOND / 5);
	}
	w.ns[THREAD_RUNNABLE] = 13 * (SECOND / 10);
	r = watch_add_rival(&w);
	r->who = (struct watch_who){ 9, 0, STR("stress"), STR("pod batch/train") };
	r->ns = 13 * (SECOND / 10);
	expect("cpu-neighbour", CONFIDENCE_LIKELY);
}

static void rival(bool self, uint64_t ns)
{
	struct watch_rival *r = watch_add_rival(&w);

	r->who = (struct watch_who){ self ? 7 : 9, 0, STR("any"), STR_NONE };
	r->self = self;
	r->ns = ns;
}

/* It waits behind its own other thread where somebody else has the CPU beside: who else is that. */
static void test_neighbour_beside(void **state)
{
	char stack[] = "work_a;main";

	(void)state;
	for (; stack[5] < 'i'; stack[5]++)
		ran(stack, SECOND / 2);
	w.ns[THREAD_RUNNABLE] = 2 * SECOND;
	rival(false, SECOND);
	rival(true, SECOND);
	w.node_after.user_ns = 14 * SECOND;
	expect("cpu-neighbour", CONFIDENCE_LIKELY);
}

/* The CPU beside is free, or its own: it has more threads than it needs at once. */
static void test_neighbour_own(void **state)
{
	char stack[] = "work_a;main";

	(void)state;
	for (; stack[5] < 'i'; stack[5]++)
		ran(stack, SECOND / 2);
	w.ns[THREAD_RUNNABLE] = 2 * SECOND;
	rival(false, SECOND / 4);
	rival(true, SECOND);
	w.node_after.user_ns = 5 * SECOND;
	expect_healthy();
}

static void test_lock(void **state)
{
	struct watch_lock *l;

	(void)state;
	ran("work;main", 9 * SECOND);
	w.ns[THREAD_LOCK] = 30 * SECOND;
	l = watch_add_lock(&w);
	l->address = 0x1000;
	l->wait_ns = l->mutual_ns = 30 * SECOND;
	l->waits = 50000;
	expect("lock-contention", CONFIDENCE_CERTAIN);
}

static void test_disk(void **state)
{
	(void)state;
	ran("k:blk_mq_submit;main", SECOND / 10);
	w.ns[THREAD_DISK] = 8 * SECOND;
	file("/data/db", 4, true, 1000, 4096000)->wait_ns = 8 * SECOND;
	expect("disk-io", CONFIDENCE_CERTAIN);
}

static void test_slow_peer(void **state)
{
	struct watch_peer *p = watch_add_peer(&w);

	(void)state;
	w.ns[THREAD_NETWORK] = 9 * SECOND;
	p->address = STR("10.0.0.7:5432");
	p->wait_ns = 9 * SECOND;
	p->waits = 45;
	expect("slow-peer", CONFIDENCE_CERTAIN);
}

/* Small requests, each loss a timeout of 200 ms: the waits are long, and the way is why. */
static void test_slow_way(void **state)
{
	struct watch_peer *p = watch_add_peer(&w);

	(void)state;
	w.ns[THREAD_NETWORK] = 9 * SECOND;
	p->address = STR("10.0.0.7:5432");
	p->wait_ns = 9 * SECOND;
	p->waits = 100;
	w.net_after.out_segments = 600;
	w.net_after.retransmits = 50;
	expect("tcp-retransmit", CONFIDENCE_CERTAIN);
	assert_string_equal(found.f[1].cause, "slow-peer");
	assert_int_equal(found.f[1].confidence, CONFIDENCE_LIKELY);
}

static void test_dns(void **state)
{
	struct watch_name *n = watch_add_name(&w);

	(void)state;
	w.ns[THREAD_POLL] = 9 * SECOND;
	n->name = STR("db.shop.svc");
	n->server = STR("10.96.0.10");
	n->asked = n->answered = 30;
	n->ns = 9 * SECOND;
	n->worst_ns = SECOND;
	expect("dns", CONFIDENCE_CERTAIN);
}

static struct watch_name *name(const char *text, uint64_t n, uint64_t each_ns)
{
	struct watch_name *r = watch_add_name(&w);

	r->name = str_of(text);
	r->server = STR("10.96.0.10");
	r->asked = r->answered = n;
	r->ns = n * each_ns;
	r->worst_ns = each_ns;
	return r;
}

/* Who is waited for is the DNS server: by name that says more. */
static void test_dns_peer(void **state)
{
	struct watch_peer *p = watch_add_peer(&w);

	(void)state;
	w.ns[THREAD_POLL] = 9 * SECOND;
	p->address = STR("10.96.0.10:53");
	p->asked = 30;
	p->asked_ns = 9 * SECOND;
	name("a.shop.svc", 15, 3 * SECOND / 10);
	name("b.shop.svc", 15, 3 * SECOND / 10);
	expect("dns", CONFIDENCE_CERTAIN);
	assert_null(found_of("slow-peer"));
	assert_int_equal(found.n, 1);
}

/* What has that port, and is asked no names that were seen, is a peer. */
static void test_dns_no_names(void **state)
{
	struct watch_peer *p = watch_add_peer(&w);

	(void)state;
	w.ns[THREAD_NETWORK] = 9 * SECOND;
	p->address = STR("10.96.0.10:53");
	p->wait_ns = 9 * SECOND;
	p->waits = 45;
	expect("slow-peer", CONFIDENCE_CERTAIN);
}

/* Each name is asked once, and all are slow. */
static void test_dns_many(void **state)
{
	(void)state;
	w.ns[THREAD_POLL] = 9 * SECOND;
	for (int i = 0; i < 60; i++)
		name("page.example", 1, 150 * (SECOND / 1000));
	expect("dns", CONFIDENCE_CERTAIN);
	assert_int_equal(found.n, 1);
}

/* A name from far away, once. */
static void test_dns_once(void **state)
{
	(void)state;
	ran("work;main", SECOND / 5);
	w.ns[THREAD_POLL] = 9 * SECOND;
	name("api.example", 1, 150 * (SECOND / 1000));
	expect_healthy();
}

static void test_retransmit(void **state)
{
	(void)state;
	w.net_after.out_segments = 10000;
	w.net_after.retransmits = 900;
	expect("tcp-retransmit", CONFIDENCE_CERTAIN);
}

static void test_reset(void **state)
{
	(void)state;
	w.net_after.resets_in = 1500;
	w.net_after.out_segments = 9000;
	expect("tcp-reset", CONFIDENCE_CERTAIN);
}

static void test_listen_overflow(void **state)
{
	(void)state;
	w.net_after.listen_overflows = w.net_after.listen_drops = 300;
	w.net_after.out_segments = 5000;
	w.net_after.retransmits = 40;
	expect("listen-overflow", CONFIDENCE_CERTAIN);
}

static void test_page_faults(void **state)
{
	struct watch_process *p = watch_add_process(&w);

	(void)state;
	ran("k:clear_page_erms;k:handle_mm_fault;k:asm_exc_page_fault;touch;main", 7 * SECOND);
	ran("touch;main", SECOND);
	p->has = true;
	p->after.minor_faults = 3000000;
	expect("page-faults", CONFIDENCE_CERTAIN);
}

static void test_memory_pressure(void **state)
{
	struct watch_group *g = group();

	(void)state;
	g->after.pressure[PRESSURE_MEMORY].some_ns = 6 * SECOND;
	expect("memory-pressure", CONFIDENCE_CERTAIN);
}

static void test_memory_limit(void **state)
{
	struct watch_group *g = group();

	(void)state;
	g->after.memory_max = 64u << 20;
	g->after.memory = 60u << 20;
	g->after.oom_kills = 3;
	expect("memory-limit", CONFIDENCE_CERTAIN);
}

static void test_cache_thrash(void **state)
{
	struct watch_group *g = group();

	(void)state;
	w.ns[THREAD_DISK] = 5 * SECOND;
	w.ns[THREAD_PAGEFAULT] = 3 * SECOND;
	g->after.refaults = 500000;
	expect("cache-thrash", CONFIDENCE_CERTAIN);
}

/* A disk that answers at once: nobody waits, but the pages are read in all the same. */
static void test_cache_thrash_fast(void **state)
{
	struct watch_group *g = group();

	(void)state;
	ran("k:page_cache_ra_unbounded;k:filemap_get_pages;main", 6 * SECOND);
	g->after.refaults = 500000;
	expect("cache-thrash", CONFIDENCE_CERTAIN);
}

/* Nor are they expensive to read in; to copy out of them is. */
static void test_cache_thrash_copy(void **state)
{
	struct watch_group *g = group();

	(void)state;
	ran("k:_copy_to_iter;k:filemap_read;main", 25 * (SECOND / 10));
	ran("k:page_cache_ra_order;k:filemap_get_pages;main", SECOND / 10);
	g->after.refaults = 1000000;
	expect("cache-thrash", CONFIDENCE_CERTAIN);
}

/* Holes of files: pages come back, but nothing is read; that others have to go first is what costs. */
static void test_cache_thrash_holes(void **state)
{
	struct watch_process *p = watch_add_process(&w);
	struct watch_group *g = group();

	(void)state;
	ran("k:shrink_node;k:try_to_free_mem_cgroup_pages;k:filemap_read;main", 2 * SECOND);
	ran("k:_copy_to_iter;k:filemap_read;main", 3 * SECOND);
	p->has = true;
	g->after.refaults = 1000000;
	expect("memory-pressure", CONFIDENCE_CERTAIN);
	p->after.read_bytes = 1000000ull * 4096;
	expect("cache-thrash", CONFIDENCE_CERTAIN);
}

/* Mapped, not read: the faults wait for pages that it had. */
static void test_cache_thrash_mapped(void **state)
{
	struct watch_process *p = watch_add_process(&w);
	struct watch_group *g = group();

	(void)state;
	ran("k:virtqueue_notify;k:filemap_fault;k:handle_mm_fault;k:asm_exc_page_fault;main",
	    2 * SECOND);
	w.ns[THREAD_PAGEFAULT] = 2 * SECOND;
	p->has = true;
	p->after.major_faults = g->after.major_faults = 50000;
	g->after.refaults = 49000;
	expect("cache-thrash", CONFIDENCE_CERTAIN);
	assert_null(found_of("page-faults"));
}

/* Few of them are: what it maps is new to it, however full the memory is. */
static void test_page_faults_new(void **state)
{
	struct watch_process *p = watch_add_process(&w);
	struct watch_group *g = group();

	(void)state;
	ran("k:virtqueue_notify;k:filemap_fault;k:handle_mm_fault;k:asm_exc_page_fault;main",
	    2 * SECOND);
	w.ns[THREAD_PAGEFAULT] = 4 * SECOND;
	p->has = true;
	p->after.major_faults = g->after.major_faults = 50000;
	g->after.refaults = 2500;
	expect("page-faults", CONFIDENCE_CERTAIN);
}

static struct watch_request *request(const char *route, const char *peer, uint64_t n, uint64_t each_ns)
{
	struct watch_request *r = watch_add_request(&w);

	r->protocol = STR("http");
	r->route = str_of(route);
	r->peer = str_of(peer);
	r->count = n;
	r->ns = n * each_ns;
	r->worst_ns = each_ns * 2;
	return r;
}

static void test_request_errors(void **state)
{
	struct watch_request *r = request("GET /cart", NULL, 1000, SECOND / 1000);

	(void)state;
	ran("work;main", SECOND / 5);
	r->failed = 400;
	r->status = STR("500");
	expect("request-errors", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "500"));
}

/* A 404 now and then, and names that do not exist, are none. */
static void test_request_errors_few(void **state)
{
	struct watch_request *r = request("GET /cart", NULL, 1000, SECOND / 1000);

	(void)state;
	ran("work;main", SECOND / 5);
	r->failed = 30;
	r = request("A nobody.example", "10.0.0.2:53", 100, SECOND / 1000);
	r->protocol = STR("dns");
	r->failed = 100;
	expect_healthy();
}

static void test_hot_route(void **state)
{
	(void)state;
	ran("work;main", SECOND / 5);
	request("GET /report", NULL, 20, SECOND / 5);
	request("GET /list", NULL, 400, SECOND / 1000);
	expect("hot-route", CONFIDENCE_LIKELY);
	assert_non_null(strstr(found.f[0].title, "/report"));
}

/* It waits in poll for several answers at once. */
static void test_peer_polled(void **state)
{
	struct watch_peer *p = watch_add_peer(&w);

	(void)state;
	ran("work;main", SECOND / 5);
	w.ns[THREAD_POLL] = 9 * SECOND;
	p->address = STR("10.0.0.7:5432");
	p->asked = 400;
	p->asked_ns = 400 * (SECOND / 12);
	expect("slow-peer", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "83"));
}

static void test_exec_storm(void **state)
{
	struct watch_exec *e = watch_add_exec(&w);

	(void)state;
	ran("k:copy_page_range;main", 6 * SECOND);
	e->program = STR("/bin/true");
	e->started = e->ended = 6000;
	e->life_ns = 6000 * (SECOND / 500);
	expect("exec-storm", CONFIDENCE_CERTAIN);
}

static void test_syscall_errors(void **state)
{
	(void)state;
	ran("k:link_path_walk;main", 2 * SECOND);
	call("openat", ENOENT, 80000, 0);
	call("read", 0, 1000, 1000);
	expect("syscall-errors", CONFIDENCE_CERTAIN);
	assert_non_null(strstr(found.f[0].title, "No such file"));
}

static void test_syscall_rate(void **state)
{
	(void)state;
	ran("k:syscall_return_via_sysret;main", 6 * SECOND);
	ran("main", 3 * SECOND);
	call("getppid", 0, 9000000, 0);
	expect("syscall-rate", CONFIDENCE_CERTAIN);
}

static void test_small_io(void **state)
{
	(void)state;
	ran("k:ksys_read;main", 7 * SECOND);
	ran("main", 2 * SECOND);
	call("read", 0, 9000000, 9000000);
	file("/data/in", 3, false, 9000000, 9000000);
	expect("small-io", CONFIDENCE_CERTAIN);
}

static void test_busy_poll(void **state)
{
	(void)state;
	ran("k:do_nanosleep;main", SECOND);
	w.ns[THREAD_SLEEP] = 9 * SECOND;
	w.switches = 150000;
	call("clock_nanosleep", 0, 150000, 0);
	expect("busy-poll", CONFIDENCE_CERTAIN);
}

static void test_context_switches(void **state)
{
	(void)state;
	ran("k:__schedule;main", 8 * SECOND);
	w.ns[THREAD_WAIT] = 9 * SECOND;
	w.switches = 2000000;
	expect("context-switches", CONFIDENCE_CERTAIN);
}

/* Two threads and a token, at a rate that a slower machine can: the scheduler has most of the time. */
static void hand_over(void)
{
	ran("k:finish_task_switch.isra.0;k:__schedule;k:ksys_read;main", 4 * SECOND);
	ran("k:anon_pipe_read;k:ksys_read;main", 2 * SECOND);
	ran("main", SECOND / 2);
	w.ns[THREAD_WAIT] = 6 * SECOND;
	w.switches = 320000;
}

static struct watch_thread *waker(uint64_t wakeups)
{
	struct watch_thread *t = watch_add_thread(&w);

	t->who = (struct watch_who){ 7, 7, STR("app"), STR_NONE };
	t->wakeups = wakeups;
	return t;
}

static void test_context_switches_seen(void **state)
{
	(void)state;
	hand_over();
	waker(310000);
	expect("context-switches", CONFIDENCE_CERTAIN);
	assert_null(found_of("kernel-cpu"));
}

/* As many, but a timer wakes it: that is no handing over. */
static void test_context_switches_timer(void **state)
{
	(void)state;
	hand_over();
	waker(100);
	judge();
	assert_int_equal(found_of("context-switches")->confidence, CONFIDENCE_LIKELY);
}

/* As many, but for a lock: that is the reason. */
static void test_context_switches_lock(void **state)
{
	struct watch_lock *l = watch_add_lock(&w);

	(void)state;
	hand_over();
	waker(310000);
	w.ns[THREAD_LOCK] = l->wait_ns = 6 * SECOND;
	l->waits = 200000;
	l->mutex = true;
	expect("lock-contention", CONFIDENCE_CERTAIN);
}

static void test_fd_leak(void **state)
{
	struct watch_process *p = watch_add_process(&w);

	(void)state;
	p->has = true;
	p->who = (struct watch_who){ 7, 0, STR("app"), STR_NONE };
	p->before.fds = 10;
	p->fds_middle = 450;
	p->after.fds = 900;
	p->after.fds_max = 1024;
	expect("fd-leak", CONFIDENCE_CERTAIN);
}

static void test_signal_storm(void **state)
{
	struct watch_signal *s = watch_add_signal(&w);

	(void)state;
	s->name = STR("SIGUSR1");
	s->count = 200000;
	expect("signal-storm", CONFIDENCE_CERTAIN);
}

static void test_kernel_cpu(void **state)
{
	(void)state;
	ran("k:crypto_aes;k:af_alg;main", 9 * SECOND);
	expect("kernel-cpu", CONFIDENCE_CERTAIN);
}

/* Of what the kernel does, faults explain a part: the rest is told of if it is most of the CPU time. */
static void test_kernel_left(void **state)
{
	struct watch_process *p = watch_add_process(&w);

	(void)state;
	ran("k:clear_page_erms;k:handle_mm_fault;k:asm_exc_page_fault;main", 2 * SECOND);
	ran("k:crypto_aes;k:af_alg;main", 7 * SECOND);
	p->has = true;
	p->after.minor_faults = 500000;
	expect("kernel-cpu", CONFIDENCE_CERTAIN);
	assert_int_equal(found_of("page-faults")->confidence, CONFIDENCE_LIKELY);
	assert_true(found_of("kernel-cpu")->cost < 600);
}

static void test_kernel_explained(void **state)
{
	struct watch_process *p = watch_add_process(&w);

	(void)state;
	ran("k:clear_page_erms;k:handle_mm_fault;k:asm_exc_page_fault;main", 7 * SECOND);
	ran("k:vm_mmap;main", 2 * SECOND);
	p->has = true;
	p->after.minor_faults = 3000000;
	expect("page-faults", CONFIDENCE_CERTAIN);
	assert_null(found_of("kernel-cpu"));
}

static void test_logging(void **state)
{
	(void)state;
	ran("k:ext4_write;log;main", 5 * SECOND);
	ran("format;log;main", 2 * SECOND);
	call("write", 0, 400000, 40000000);
	file("/var/log/app.log", 5, true, 400000, 40000000)->appends = true;
	expect("logging", CONFIDENCE_CERTAIN);
}

static void test_steal(void **state)
{
	(void)state;
	w.node_after.steal_ns = 6 * SECOND;
	expect("cpu-steal", CONFIDENCE_CERTAIN);
}

/* --- nothing wrong --------------------------------------------------------------------------------- */

static void test_idle(void **state)
{
	(void)state;
	w.ns[THREAD_SLEEP] = 10 * SECOND;
	expect_healthy();
}

/* A server at a fifth of a CPU: workers idle on a condition variable, requests come and go. */
static void test_server(void **state)
{
	struct watch_lock *l = watch_add_lock(&w);
	struct watch_peer *p = watch_add_peer(&w);
	struct watch_group *g = group();

	(void)state;
	ran("parse;main", SECOND / 2);
	ran("render;main", SECOND / 2);
	ran("k:tcp_sendmsg;main", SECOND / 2);
	ran("route;main", SECOND / 4);
	w.ns[THREAD_LOCK] = 70 * SECOND;
	w.ns[THREAD_POLL] = 9 * SECOND;
	w.ns[THREAD_RUNNABLE] = SECOND / 20;
	l->wait_ns = 70 * SECOND;
	l->waits = 20000;
	p->server = true;
	p->wait_ns = 9 * SECOND;
	p->waits = 1000;
	g->after.memory_max = 128u << 20;
	g->after.memory = 120u << 20;
	g->after.file = 90u << 20;
	call("read", 0, 40000, 8000000);
	call("write", 0, 40000, 8000000);
	call("epoll_wait", 0, 40000, 0);
	call("read", EAGAIN, 3000, 0);
	file("socket", 9, false, 40000, 8000000)->type = WATCH_SOCKET;
	w.switches = 80000;
	expect_healthy();
}

static void test_verdict(void **state)
{
	char text[400];

	(void)state;
	ran("burn;main", 9 * SECOND);
	judge();
	causes_verdict(&w, &found, text, sizeof(text));
	assert_non_null(strstr(text, "pod shop/cart"));
	assert_non_null(strstr(text, "burn"));
}

/* Numbers that no machine has must end in words, not in a crash. */
static void test_extreme(void **state)
{
	(void)state;
	w.duration_ns = 0;
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		w.ns[i] = UINT64_MAX / 32;
	memset(&w.node_after, 0xff, sizeof(w.node_after));
	w.node_after.has_pressure = true; /* 0xff is no bool */
	memset(&w.net_after, 0xff, sizeof(w.net_after));
	memset(&group()->after, 0xff, sizeof(struct vitals_group));
	call("openat", 9999, UINT64_MAX, UINT64_MAX);
	file("", -1, true, UINT64_MAX, 1);
	judge();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, each_setup, each_teardown)

static const struct CMUnitTest tests[] = {
	CASE(test_hot_function),
	CASE(test_hot_owner),
	CASE(test_hot_python),
	CASE(test_throttled),
	CASE(test_throttled_little),
	CASE(test_neighbour),
	CASE(test_neighbour_little),
	CASE(test_neighbour_beside),
	CASE(test_neighbour_own),
	CASE(test_lock),
	CASE(test_disk),
	CASE(test_slow_peer),
	CASE(test_slow_way),
	CASE(test_dns),
	CASE(test_dns_peer),
	CASE(test_dns_no_names),
	CASE(test_dns_many),
	CASE(test_dns_once),
	CASE(test_retransmit),
	CASE(test_reset),
	CASE(test_listen_overflow),
	CASE(test_page_faults),
	CASE(test_memory_pressure),
	CASE(test_memory_limit),
	CASE(test_cache_thrash),
	CASE(test_cache_thrash_fast),
	CASE(test_cache_thrash_copy),
	CASE(test_cache_thrash_mapped),
	CASE(test_cache_thrash_holes),
	CASE(test_page_faults_new),
	CASE(test_exec_storm),
	CASE(test_request_errors),
	CASE(test_request_errors_few),
	CASE(test_hot_route),
	CASE(test_peer_polled),
	CASE(test_syscall_errors),
	CASE(test_syscall_rate),
	CASE(test_small_io),
	CASE(test_busy_poll),
	CASE(test_context_switches),
	CASE(test_context_switches_seen),
	CASE(test_context_switches_timer),
	CASE(test_context_switches_lock),
	CASE(test_fd_leak),
	CASE(test_signal_storm),
	CASE(test_kernel_cpu),
	CASE(test_kernel_left),
	CASE(test_kernel_explained),
	CASE(test_logging),
	CASE(test_steal),
	CASE(test_idle),
	CASE(test_server),
	CASE(test_verdict),
	CASE(test_extreme),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
