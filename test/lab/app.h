#pragma once
/*
 * What the laboratory's programs share. One program is all containers of its case: it is started as
 * `app ROLE SEED MEMORY`, ROLE `a` for the one that is looked at and `b` for its peer, which has the
 * addresses A and B; MEMORY is the container's limit in MiB. What a case is sick with is in its own file
 * alone: here are only the ways to be quiet, and to work without any function standing out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define A   "10.77.0.1"
#define B   "10.77.0.2"
#define MIB (1ul << 20)

static char role;
static size_t memory; /* bytes */
static uint64_t random_state;

static inline uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A figure of this run, the same for the same seed. */
static inline double vary(double low, double high)
{
	return low + (high - low) * (double)(next_random() >> 11) / (double)(1ul << 53);
}

static inline void begin(int argc, char **argv)
{
	role = argc > 1 ? argv[1][0] : 'a';
	random_state = (argc > 2 ? strtoul(argv[2], NULL, 10) : 1) * 0x9e3779b97f4a7c15 | 1;
	memory = (argc > 3 ? strtoul(argv[3], NULL, 10) : 64) * MIB;
	for (int i = 0; i < 8; i++)
		next_random();
	signal(SIGPIPE, SIG_IGN);
}

static inline double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline void rest_ms(double ms)
{
	struct timespec t = { (time_t)(ms / 1e3),
			      (long)((ms - (double)(time_t)(ms / 1e3) * 1e3) * 1e6) };

	nanosleep(&t, NULL);
}

static inline void need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static inline pthread_t thread_start(void *(*f)(void *), void *arg)
{
	pthread_t t;

	need(pthread_create(&t, NULL, f, arg) == 0, "pthread_create");
	return t;
}

/* --- work that is spread over many functions, some 20 us each -------------------------------------- */

#define SPREAD(name, step)                                                 \
	static __attribute__((noinline, unused)) uint64_t name(uint64_t x) \
	{                                                                  \
		for (uint64_t i = 1; i < 8000; i++) {                      \
			x = step;                                          \
			__asm__ volatile("" : "+r"(x));                    \
		}                                                          \
		return x;                                                  \
	}
SPREAD(parse, (x ^ (x << 5)) + i)
SPREAD(validate, (x + i) ^ (x >> 9))
SPREAD(lookup, (x * 3) ^ i)
SPREAD(merge, (x << 7) - x + i)
SPREAD(encode, (x ^ i) * 5)
SPREAD(filter, (x + (x << 3)) ^ i)
SPREAD(route, (x - i) ^ (x << 11))
SPREAD(format, (x ^ (x >> 4)) + i * 7)
SPREAD(digest, (x << 9) ^ (x + i))
SPREAD(account, (x ^ i) - (x >> 6))

static inline void work_ms(double ms)
{
	static uint64_t (*const steps[])(uint64_t) = { parse,  validate, lookup, merge,	 encode,
						       filter, route,	 format, digest, account };
	static __thread uint64_t x, at;
	double end = now_ms() + ms;

	do {
		for (int i = 0; i < 5; i++)
			x = steps[at++ % 10](x);
	} while (now_ms() < end);
}

/* --- TCP --------------------------------------------------------------------------------------------- */

static inline struct sockaddr_in address_of(const char *host, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

static inline int listen_on(int port, int backlog)
{
	struct sockaddr_in a = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, backlog) == 0, "listen");
	return fd;
}

/* -1: refused, or whatever else. */
static inline int try_connect(const char *host, int port)
{
	struct sockaddr_in a = address_of(host, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static inline int connect_to(const char *host, int port)
{
	int fd;

	while ((fd = try_connect(host, port)) < 0)
		rest_ms(50);
	return fd;
}

/* All @n bytes; false when the peer is gone. */
static inline bool move(int fd, void *buf, size_t n, bool out)
{
	ssize_t got;

	for (size_t done = 0; done < n; done += (size_t)got) {
		got = out ? send(fd, (char *)buf + done, n - done, 0) :
			    recv(fd, (char *)buf + done, n - done, 0);
		if (got <= 0)
			return false;
	}
	return true;
}

/* A server that answers requests of @size bytes after @serve; one thread a connection. For ever. */
struct service {
	int fd;
	size_t size;
	void (*serve)(void);
};

static inline void *service_thread(void *arg)
{
	struct service s = *(struct service *)arg;
	char *buf = malloc(s.size);

	free(arg);
	while (move(s.fd, buf, s.size, false)) {
		s.serve();
		if (!move(s.fd, buf, s.size, true))
			break;
	}
	close(s.fd);
	free(buf);
	return NULL;
}

static inline void serve_on(int port, size_t size, void (*serve)(void))
{
	int l = listen_on(port, 128), fd, one = 1;
	struct service *s;

	while ((fd = accept(l, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		s = malloc(sizeof(*s));
		*s = (struct service){ fd, size, serve };
		pthread_detach(thread_start(service_thread, s));
	}
	need(false, "accept");
}

/* --- files ------------------------------------------------------------------------------------------- */

static inline int file_make(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	static char block[1 << 16];

	need(fd >= 0, path);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)next_random();
	for (size_t at = 0; at < size; at += sizeof(block))
		need(write(fd, block, sizeof(block)) == sizeof(block), path);
	fdatasync(fd);
	return fd;
}
