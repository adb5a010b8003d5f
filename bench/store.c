/*
 * The store alone: how fast its thread writes rows, what a row costs the pipeline and the thread, how
 * large it is, and how fast a statement reads them. Rows are connections as the catalogue has them, of
 * 200 processes.
 *
 *	store FOLDER ROWS -> {"put_ns":..,"write_ns":..,"rows_s":..,"bytes":..,"scan_rows_s":..,"lost":..}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/recall.h"
#include "base/arena.h"
#include "base/cleanup.h"

#define PROCS 200
#define AHEAD 8000 /* rows in the queue */

static int head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	(void)ctx;
	(void)n;
	(void)names;
	(void)types;
	return 0;
}

static int row(void *ctx, size_t n, const struct store_value *v)
{
	(void)n;
	*(int64_t *)ctx = v[0].i64;
	return 0;
}

static double scan_s(const char *folder, int64_t *ret_rows)
{
	const struct recall_opts o = { .directory = folder, .timeout_ns = 600 * NS_PER_SEC };
	const struct store_result to = { ret_rows, head, row };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct store_read read;
	const uint64_t begin = clock_read_ns(CLOCK_MONOTONIC);

	if (recall_query(&o,
			 STR("select sum(n) from (select proc_name, count(*) n, "
			     "sum(fd_lport) from connections group by 1)"),
			 &to, &read, &why) != 0) {
		fprintf(stderr, "%.*s\n", STR_ARG(buf_slice(&why)));
		exit(1);
	}
	return (double)(clock_read_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static const struct account *nobody(const void *ctx, const struct proc *p, uint32_t id)
{
	(void)ctx;
	(void)p;
	(void)id;
	return NULL;
}

static void put(struct store *st, uint64_t i)
{
	static const struct accounts accounts = { NULL, nobody, nobody };
	static struct rec_hdr hdr;
	static struct program program = { .refs = 1,
					  .exe = { "nginx", 5 },
					  .exepath = { "/usr/sbin/nginx", 15 },
					  .args = { "nginx\0-g\0daemon off;", 20 },
					  .cmdline = { "nginx -g daemon off;", 20 } };
	static struct pod pod = { .uid = { "6f1c1a40-3c2e-4a53-8a7e-0d6a2b1f9c11", 36 },
				  .ns = { "shop", 4 },
				  .name = { "cart-7fdc59d75b-npb56", 21 },
				  .owner_kind = { "Deployment", 10 },
				  .owner_name = { "cart", 4 } };
	static struct container container = { .id12 = { "69e849912aff", 12 },
					      .name = { "cart", 4 },
					      .image = { "registry.example.com/shop/cart:1.2.3", 36 },
					      .pod = &pod };
	static struct cgroup cg = {
		.id = 1, .path = { "/kubepods/x", 11 }, .container = &container, .pod = &pod
	};
	static const struct event_host host = { .boot_to_wall_ns = 1796000000ll * 1000000000 };
	struct proc p = { .pid = 1000 + (uint32_t)(i % PROCS), .program = &program, .cgroup = &cg };
	struct event ev = { .kind = &kind_table[KIND_TCP],
			    .type = STR("tcp_close"),
			    .proc = &p,
			    .host = &host,
			    .accounts = &accounts,
			    .hdr = &hdr,
			    .time = { i * 1000 } };

	memcpy(p.comm, "nginx", 6);
	ev.fd = (struct evt_fd){ .num = 5, .type = FD_IPV4 };
	ev.fd.conn = (struct conn){ .local = { { 10, 0, 0, 1 }, 4 },
				    .remote = { { 10, 0, 0, (uint8_t)i }, 4 },
				    .lport = 80,
				    .rport = (uint16_t)i,
				    .l4 = 6,
				    .is_server = 1 };
	ev.fd.peer = (struct peer){ STR("pod"), STR("shop"), STR("web-7fdc59d75b-npb56") };
	store_event(st, STORE_CONNECTIONS, &ev);
}

int main(int argc, char **argv)
{
	const uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000; /* a multiple of 500 */
	const struct store_opts o = { .directory = argc > 1 ? argv[1] : "/tmp/porthole-bench-store",
				      .max_bytes = 4ull << 30,
				      .max_age_ns = 86400 * NS_PER_SEC,
				      .schema = recall_schema() };
	uint64_t begin = clock_read_ns(CLOCK_MONOTONIC), self = 0, all, ns;
	struct store_stats s = { 0 };
	struct arena arena;
	struct store *st;
	int64_t found = 0;
	double scan;

	if (arena_init(&arena, 65536) != 0 || store_open(&o, &st) != 0 || store_start(st) != 0)
		return 1;
	field_arena_set(&arena);
	for (uint64_t i = 0; i < rows;) {
		uint64_t t;

		store_stats(st, &s);
		if (i - s.rows[STORE_CONNECTIONS] >= AHEAD) {
			usleep(500);
			continue;
		}
		t = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		for (int k = 0; k < 500; k++, i++) {
			put(st, i);
			arena_reset(&arena);
		}
		self += clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - t;
	}
	if (!store_close(st, 60000))
		return 1;
	ns = clock_read_ns(CLOCK_MONOTONIC) - begin;
	all = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	scan = scan_s(o.directory, &found);
	printf("{\"put_ns\":%.0f,\"write_ns\":%.0f,\"rows_s\":%.0f,\"scan_rows_s\":%.0f,\"found\":%lld,"
	       "\"lost\":%llu}\n",
	       (double)self / (double)rows, (double)(all - self) / (double)rows,
	       (double)rows * 1e9 / (double)ns, (double)found / scan, (long long)found,
	       (unsigned long long)(s.queue_full + s.not_written));
	return 0;
}
