/*
 * One thread that spends a known time in one state: sched_tool MODE [SECONDS] [FILE].
 *
 * Prints one line of JSON: mode, pid, the time the state should have (as it measured it itself),
 * the time it ran and its whole time.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS     1000000000ull
#define TICK   (NS / 20)
#define PAGE   4096
#define CHUNKS 4096

static uint64_t clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void pause_ns(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / NS), (long)(ns % NS) };

	nanosleep(&t, NULL);
}

static uint64_t end_ns;
static const char *file;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		perror("sched_setaffinity");
}

/* A child that writes a byte each tick until the end. */
static void ticker(int fd, int cpu)
{
	if (fork() != 0)
		return;
	if (cpu >= 0)
		pin(cpu);
	while (now() < end_ns) {
		pause_ns(TICK);
		if (write(fd, "x", 1) != 1)
			break;
	}
	_exit(0);
}

static uint64_t in_futex(void)
{
	uint32_t word = 0;
	uint64_t start = now();
	struct timespec t = { 0, TICK };

	while (now() < end_ns)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
	return now() - start;
}

static uint64_t in_sleep(void)
{
	uint64_t start = now();

	while (now() < end_ns)
		pause_ns(TICK);
	return now() - start;
}

static uint64_t read_ticks(int fds[2], int cpu)
{
	uint64_t start = now();
	char c;

	ticker(fds[1], cpu);
	while (now() < end_ns && read(fds[0], &c, 1) == 1)
		;
	return now() - start;
}

static uint64_t in_pipe(void)
{
	int fds[2];

	return pipe(fds) == 0 ? read_ticks(fds, -1) : 0;
}

static uint64_t in_socket(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 ? read_ticks(fds, -1) : 0;
}

/* Woken from one CPU, it goes on on another, each time. */
static uint64_t in_migrate(void)
{
	uint64_t start = now();
	int fds[2], cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	char c;

	if (pipe(fds) != 0)
		return 0;
	ticker(fds[1], 0);
	for (int i = 0; now() < end_ns; i++) {
		pin(i % cpus);
		if (read(fds[0], &c, 1) != 1)
			break;
	}
	return now() - start;
}

static uint64_t in_epoll(void)
{
	uint64_t start = now();
	struct epoll_event e = { .events = EPOLLIN };
	int fds[2], ep = epoll_create1(0);
	char c;

	if (pipe(fds) != 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e) != 0)
		return 0;
	ticker(fds[1], -1);
	while (now() < end_ns && epoll_wait(ep, &e, 1, -1) == 1)
		if (read(fds[0], &c, 1) != 1)
			break;
	return now() - start;
}

static uint64_t in_child(void)
{
	uint64_t start = now();

	while (now() < end_ns) {
		pid_t pid = fork();

		if (pid == 0) {
			pause_ns(TICK);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return now() - start;
}

static uint64_t in_fsync(void)
{
	int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
	uint64_t in = 0, start;
	char block[PAGE] = "x";

	for (int i = 0; fd >= 0 && now() < end_ns; i++) {
		if (pwrite(fd, block, sizeof(block), (off_t)(i % CHUNKS) * PAGE) < 0)
			break;
		start = now();
		fsync(fd);
		in += now() - start;
	}
	return in;
}

/* Each page of the file is thrown out of the cache before it is touched. */
static uint64_t in_fault(void)
{
	int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
	volatile char *p;
	uint64_t in = 0, start;
	char block[PAGE] = "x";
	unsigned sum = 0;

	for (int i = 0; i < CHUNKS; i++)
		if (write(fd, block, sizeof(block)) < 0)
			return 0;
	fsync(fd);
	p = mmap(NULL, (size_t)CHUNKS * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 0;
	madvise((void *)p, (size_t)CHUNKS * PAGE, MADV_RANDOM);
	while (now() < end_ns) {
		madvise((void *)p, (size_t)CHUNKS * PAGE, MADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		start = now();
		for (int i = 0; i < CHUNKS && now() < end_ns; i += 7)
			sum += (unsigned char)p[(size_t)i * PAGE];
		in += now() - start;
	}
	return sum ? in : 0;
}

static uint64_t in_spin(void)
{
	uint64_t start = now();

	while (now() < end_ns)
		;
	return now() - start;
}

/* Two that want one CPU: the child is the other. */
static uint64_t in_contend(void)
{
	uint64_t start = now();

	pin(0);
	if (fork() == 0) {
		in_spin();
		_exit(0);
	}
	in_spin();
	return now() - start;
}

static const struct {
	const char *name;
	uint64_t (*run)(void);
} modes[] = {
	{ "futex", in_futex },	     { "sleep", in_sleep }, { "pipe", in_pipe },
	{ "socket", in_socket },     { "epoll", in_epoll }, { "child", in_child },
	{ "fsync", in_fsync },	     { "fault", in_fault }, { "spin", in_spin },
	{ "contend", in_contend },   { "migrate", in_migrate },
};

int main(int argc, char **argv)
{
	/* What ran under this number before this program did (fork, exec) is nobody's question. */
	uint64_t start = now(), before = clock_ns(CLOCK_THREAD_CPUTIME_ID), in = 0;
	char all[512];
	int n;

	end_ns = start + (uint64_t)((argc > 2 ? atof(argv[2]) : 1) * (double)NS);
	file = argc > 3 ? argv[3] : "/tmp/sched_tool";
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++)
		if (strcmp(modes[i].name, argv[1]) == 0)
			in = modes[i].run();
	n = snprintf(all, sizeof(all),
		     "{\"mode\":\"%s\",\"pid\":%d,\"in\":%llu,\"cpu\":%llu,\"wall\":%llu}\n",
		     argc > 1 ? argv[1] : "", getpid(), (unsigned long long)in,
		     (unsigned long long)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - before),
		     (unsigned long long)(now() - start));
	if (write(1, all, (size_t)n) != n)
		return 1;
	while (wait(NULL) > 0)
		;
	return in ? 0 : 1;
}
