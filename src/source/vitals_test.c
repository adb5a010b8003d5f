/*
 * Accounting files: made ones with every oddity, and the running kernel's, which must agree with
 * what the test itself did (memory touched, descriptors opened, connections refused).
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the ones above first */
#include <cmocka.h>
#include <netinet/in.h>

#include "base/str.h"
#include "source/vitals.h"

static char top[64];

static int top_make(void **state)
{
	(void)state;
	strcpy(top, "/tmp/vitals_test.XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int top_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", top, path);
	for (char *slash = full + strlen(top) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct vitals_reader reader_v2(void)
{
	struct vitals_reader r = { .v1_cpu = "" };

	snprintf(r.v2, sizeof(r.v2), "%s", top);
	return r;
}

/* The pod's limit holds for its container; the numbers of throttling come from where the quota is. */
static void test_group_v2(void **state)
{
	struct vitals_reader r = reader_v2();
	struct vitals_group g;

	(void)state;
	put("pod/cpu.max", "50000 100000\n");
	put("pod/cpu.stat", "usage_usec 9\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n");
	put("pod/memory.max", "1048576\n");
	put("pod/ctr/cpu.max", "max 100000\n");
	put("pod/ctr/cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_throttled 0\n");
	put("pod/ctr/memory.max", "max\n");
	put("pod/ctr/memory.high", "max\n");
	put("pod/ctr/memory.current", "4096\n");
	put("pod/ctr/memory.stat", "anon 1\nfile 2\npgfault 3\nworkingset_refault_file 4\n"
				   "workingset_refault_anon 1\nodd\n\nanonymous 7\n");
	put("pod/ctr/memory.events", "low 0\nmax 6\noom 2\noom_kill 1\n");
	put("pod/ctr/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"
				       "full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n");
	put("pod/ctr/pids.current", "7\n");
	put("pod/ctr/pids.max", "max\n");
	assert_int_equal(vitals_group_read(&r, false, "/pod/ctr", &g), 0);
	assert_int_equal(g.has, GROUP_CPU | GROUP_QUOTA | GROUP_MEMORY | GROUP_PRESSURE |
					GROUP_REFAULT | GROUP_PIDS);
	assert_int_equal(g.cpu_ns, 5000);
	assert_int_equal(g.quota_ns, 50000000);
	assert_int_equal(g.period_ns, 100000000);
	assert_int_equal(g.throttled, 4);
	assert_int_equal(g.throttled_ns, 7000);
	assert_int_equal(g.memory, 4096);
	assert_int_equal(g.memory_max, 1048576);
	assert_true(g.memory_high == VITALS_NO_LIMIT);
	assert_int_equal(g.anon, 1);
	assert_int_equal(g.refaults, 5);
	assert_int_equal(g.limit_hits, 6);
	assert_int_equal(g.oom_kills, 1);
	assert_int_equal(g.pressure[PRESSURE_MEMORY].some_ns, 12000);
	assert_int_equal(g.pressure[PRESSURE_MEMORY].full_ns, 3000);
	assert_int_equal(g.pids, 7);
	assert_true(g.pids_max == VITALS_NO_LIMIT);
}

/* 4.18, 5.5 and before; never used; damaged; more than asked for. */
static void test_devices(void **state)
{
	struct vitals_device d[8];
	char path[128];
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/diskstats", top);
	put("diskstats",
	    "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	    " 254       0 vdx 10 1 20 30 40 4 80 50 2 60 99 5 0 6 7 8 9\n"
	    "   8       0 sdx 1 0 8 5 0 0 0 0 0 5 5 0 0 0 0\n"
	    "   8      16 sdy 2 0 8 5 0 0 0 0 0 6 5\n"
	    "   8      32 short 2 0 8\n"
	    "   8      32 a-name-that-is-longer-than-any-device-has-and-goes-on 2 0 8 1 1 1 1 1 1 1 1\n\n");
	assert_int_equal(vitals_devices_read(path, d, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(d[0].name, "vdx");
	assert_int_equal(d[0].reads, 10);
	assert_int_equal(d[0].read_bytes, 20 * 512);
	assert_int_equal(d[0].read_ns, 30000000);
	assert_int_equal(d[0].writes, 40);
	assert_int_equal(d[0].written_bytes, 80 * 512);
	assert_int_equal(d[0].write_ns, 50000000);
	assert_int_equal(d[0].busy_ns, 60000000);
	assert_int_equal(d[0].flushes, 8);
	assert_int_equal(d[0].flush_ns, 9000000);
	assert_string_equal(d[1].name, "sdx");
	assert_string_equal(d[2].name, "sdy");
	assert_int_equal(d[2].busy_ns, 6000000);
	assert_int_equal(vitals_devices_read(path, d, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_true(vitals_devices_read("/nonexistent", d, 2, &n) < 0);
}

static void test_group_v1(void **state)
{
	struct vitals_reader r = { .v2 = "" };
	struct vitals_group g;

	(void)state;
	snprintf(r.v1_cpu, sizeof(r.v1_cpu), "%s/cpu", top);
	snprintf(r.v1_memory, sizeof(r.v1_memory), "%s/memory", top);
	put("cpu/a/b/cpu.cfs_quota_us", "20000\n");
	put("cpu/a/b/cpu.cfs_period_us", "100000\n");
	put("cpu/a/b/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 123\n");
	put("cpu/a/cpu.cfs_quota_us", "-1\n");
	put("cpu/a/cpu.cfs_period_us", "100000\n");
	put("cpu/a/cpu.stat", "nr_periods 0\n");
	put("memory/a/b/memory.usage_in_bytes", "10\n");
	put("memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/a/memory.limit_in_bytes", "8192\n");
	put("memory/a/b/memory.failcnt", "3\n");
	put("memory/a/b/memory.stat", "rss 5\ntotal_rss 6\ntotal_workingset_refault_file 2\n");
	put("memory/a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	assert_int_equal(vitals_group_read(&r, true, "a/b", &g), 0);
	assert_int_equal(g.quota_ns, 20000000);
	assert_int_equal(g.throttled_ns, 123);
	assert_int_equal(g.memory_max, 8192);
	assert_int_equal(g.limit_hits, 3);
	assert_int_equal(g.anon, 6);
	assert_int_equal(g.refaults, 2);
	assert_int_equal(g.oom_kills, 2);
}

static void test_group_gone(void **state)
{
	struct vitals_reader r = reader_v2();
	struct vitals_group g = { .memory = 77 };

	(void)state;
	assert_int_equal(vitals_group_read(&r, false, "/nosuch/group", &g), -ENOENT);
	assert_int_equal(vitals_group_read(&r, true, "/nosuch/group", &g), -ENOENT);
	assert_int_equal(g.memory, 77);
}

/* Bytes that no kernel writes must do no harm. */
static void test_group_garbage(void **state)
{
	struct vitals_reader r = reader_v2();
	struct vitals_group g;
	char *big = malloc(300000);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 299999);
	big[299999] = 0;
	put("odd/cpu.stat", big);
	put("odd/memory.current", "999999999999999999999999999999\n");
	put("odd/memory.stat", ":::\nanon\nfile -5\npgfault 18446744073709551615\npgfault 2\n");
	put("odd/cpu.max", "garbage");
	put("odd/memory.pressure", "some total=\nfull");
	assert_int_equal(vitals_group_read(&r, false, "/odd", &g), 0);
	assert_int_equal(g.faults, 1);
	assert_true(g.quota_ns == VITALS_NO_LIMIT);
	free(big);
}

#define TOUCHED (32u << 20)

static void test_process(void **state)
{
	struct vitals_process a, b;
	char *p;
	int fd;

	(void)state;
	assert_int_equal(vitals_process_read((uint32_t)getpid(), &a), 0);
	fd = open("/dev/null", O_RDONLY);
	p = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	madvise(p, TOUCHED, MADV_NOHUGEPAGE);
	memset(p, 1, TOUCHED);
	assert_int_equal(vitals_process_read((uint32_t)getpid(), &b), 0);
	assert_int_equal(b.fds, a.fds + 1);
	assert_true(b.minor_faults - a.minor_faults >= TOUCHED / 4096);
	assert_true(b.resident >= a.resident + TOUCHED / 2);
	assert_true(a.threads == 1 && a.fds_max > 0);
	munmap(p, TOUCHED);
	close(fd);
	assert_int_equal(vitals_process_read(0x7ffffff0u, &b), -ENOENT);
}

static void test_node(void **state)
{
	struct vitals_node a, b;

	(void)state;
	assert_int_equal(vitals_node_read(&a), 0);
	for (volatile unsigned i = 0; i < 50000000; i++)
		;
	assert_int_equal(vitals_node_read(&b), 0);
	assert_true(a.cpus >= 1 && a.memory > a.memory_available);
	assert_true(b.user_ns > a.user_ns);
	assert_true(b.switches > a.switches);
}

/* A connection to a port where nobody listens is refused by a reset, and both sides count it. */
static void test_net(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct vitals_net a, b;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(vitals_net_read((uint32_t)getpid(), &a), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(vitals_net_read((uint32_t)getpid(), &b), 0);
	assert_true(b.resets_out > a.resets_out);
	assert_true(b.connect_fails > a.connect_fails);
	close(fd);
	assert_int_equal(vitals_net_read(0x7ffffff0u, &b), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_v2),   cmocka_unit_test(test_group_v1),
		cmocka_unit_test(test_group_gone), cmocka_unit_test(test_group_garbage),
		cmocka_unit_test(test_process),	   cmocka_unit_test(test_node),
		cmocka_unit_test(test_net),	   cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, top_make, top_remove);
}
