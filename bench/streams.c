/*
 * What a call on a socket costs: streams WHAT SECONDS [BYTES]. One thread, one CPU, both ends of a connection
 * over loopback, BYTES (default 100) there, then back, and so on. WHAT:
 *
 *     tcp       what looks like a request and its answer
 *     tls       begins as TLS does: dropped by the probe at its first bytes
 *     udp       a connected pair on ports that nobody asked for
 *     unix      a pair of stream sockets that have no address
 *     pipe      no sockets at all
 *     file      /dev/zero and /dev/null, likewise
 *
 * Prints one line: calls (a write or a read), ns for each: least of the rounds of 20 ms, median of them.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS	 1000000000ull
#define ROUND_NS 20000000ull
#define ROUNDS	 4096

/* Where an end writes and reads. */
struct end {
	int to, from;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void tcp_open(struct end *a, struct end *b)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s, one = 1;
	socklen_t n = sizeof(at);

	if (bind(l, (void *)&at, n) || listen(l, 1) || getsockname(l, (void *)&at, &n) ||
	    connect(c, (void *)&at, n) || (s = accept(l, NULL, NULL)) < 0)
		err(1, "tcp");
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*a = (struct end){ c, c };
	*b = (struct end){ s, s };
}

static void udp_open(struct end *a, struct end *b)
{
	struct end *ends[2] = { a, b };
	struct sockaddr_in at[2];
	socklen_t n = sizeof(at[0]);

	for (int i = 0; i < 2; i++) {
		int s = socket(AF_INET, SOCK_DGRAM, 0);

		at[i] = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		if (bind(s, (void *)&at[i], n) || getsockname(s, (void *)&at[i], &n))
			err(1, "udp");
		*ends[i] = (struct end){ s, s };
	}
	if (connect(a->to, (void *)&at[1], n) || connect(b->to, (void *)&at[0], n))
		err(1, "udp");
}

static void unix_open(struct end *a, struct end *b)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		err(1, "unix");
	*a = (struct end){ s[0], s[0] };
	*b = (struct end){ s[1], s[1] };
}

static void pipe_open(struct end *a, struct end *b)
{
	int p[2], q[2];

	if (pipe(p) || pipe(q))
		err(1, "pipe");
	*a = (struct end){ p[1], q[0] };
	*b = (struct end){ q[1], p[0] };
}

static void file_open(struct end *a, struct end *b)
{
	*a = *b = (struct end){ open("/dev/null", O_WRONLY), open("/dev/zero", O_RDONLY) };
}

static const struct {
	const char *name;
	void (*open)(struct end *a, struct end *b);
	const char *begin;
} whats[] = {
	{ "tcp", tcp_open, "GET / HTTP/1.1\r\n" },
	{ "tls", tcp_open, "\x16\x03\x01\x02\x01\x01\x01\x01\x01\x01" },
	{ "udp", udp_open, "x" },
	{ "unix", unix_open, "x" },
	{ "pipe", pipe_open, "x" },
	{ "file", file_open, "x" },
};

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void move(int to, int from, char *p, size_t n)
{
	size_t got = 0;

	if (write(to, p, n) != (ssize_t)n)
		err(1, "write");
	while (got < n) {
		ssize_t r = read(from, p + n, n - got);

		if (r <= 0)
			err(1, "read");
		got += (size_t)r;
	}
}

static uint64_t round_run(const struct end *a, const struct end *b, char *p, size_t n, uint64_t *calls)
{
	uint64_t start = clock_ns(), now = start, done = 0;

	while (now < start + ROUND_NS) {
		for (int i = 0; i < 50; i++) {
			move(a->to, b->from, p, n);
			move(b->to, a->from, p, n);
		}
		done += 200;
		now = clock_ns();
	}
	*calls += done;
	return (now - start) * 100 / done;
}

int main(int argc, char **argv)
{
	static uint64_t rounds[ROUNDS];
	size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 100, count = 0, which = 0;
	uint64_t end, calls = 0;
	struct end a, b;
	cpu_set_t cpu;
	char *p;

	while (which < sizeof(whats) / sizeof(whats[0]) && argc > 2 &&
	       strcmp(whats[which].name, argv[1]) != 0)
		which++;
	if (argc < 3 || which == sizeof(whats) / sizeof(whats[0]) || n < 16 || !(p = calloc(2, n)))
		errx(2, "usage: streams tcp|tls|udp|unix|pipe|file SECONDS [BYTES]");
	memset(p, 'x', n);
	memcpy(p, whats[which].begin, strlen(whats[which].begin));
	CPU_ZERO(&cpu);
	CPU_SET(1, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	whats[which].open(&a, &b);
	end = clock_ns() + (uint64_t)(atof(argv[2]) * (double)NS);
	while (clock_ns() < end && count < ROUNDS)
		rounds[count++] = round_run(&a, &b, p, n, &calls);
	qsort(rounds, count, sizeof(rounds[0]), by_size);
	printf("%s %zu bytes: %llu calls, ns each: least %.1f, median %.1f\n", whats[which].name, n,
	       (unsigned long long)calls, (double)rounds[0] / 100, (double)rounds[count / 2] / 100);
	return 0;
}
