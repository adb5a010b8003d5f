/*
 * wire NETNS_A NETNS_B DELAY_US LOSS_PER_MILLE SEED: a wire between two network namespaces that takes its
 * time, or loses packets, at random, both ways. The kernel's netem does this where it is compiled in; a tun
 * device in each namespace works everywhere, and is gone with this process. The devices are named eth0;
 * who starts this gives them addresses, when the line "ready" has come.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define QUEUE  2048
#define PACKET 2048

struct packet {
	uint64_t due_us;
	ssize_t n;
	int to;
	char data[PACKET];
};

static struct packet queue[QUEUE];
static unsigned int head, tail; /* every packet has the same delay: first in, first out */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int tun_open(const char *netns)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	strcpy(r.ifr_name, "eth0");
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0 ||
	    (fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0 ||
	    ioctl(fd, TUNSETIFF, &r) < 0) {
		perror(netns);
		exit(1);
	}
	close(ns);
	return fd;
}

static void take(int from, int to, uint64_t delay, long loss)
{
	struct packet *p;

	while (tail - head < QUEUE) {
		p = &queue[tail % QUEUE];
		p->n = read(from, p->data, sizeof(p->data));
		if (p->n <= 0)
			return;
		if (random() % 1000 < loss)
			continue;
		p->to = to;
		p->due_us = now_us() + delay;
		tail++;
	}
}

static int64_t give(void)
{
	for (; head != tail; head++) {
		struct packet *p = &queue[head % QUEUE];
		int64_t left = (int64_t)(p->due_us - now_us());

		if (left > 0)
			return left;
		if (write(p->to, p->data, (size_t)p->n) < 0 && errno != EAGAIN && errno != EIO)
			return -1;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (argc != 6)
		return 2;
	p[0].fd = tun_open(argv[1]);
	p[1].fd = tun_open(argv[2]);
	srandom((unsigned int)atoi(argv[5]));
	puts("ready");
	fflush(stdout);
	for (;;) {
		int64_t left = give();
		struct timespec t = { left / 1000000, left % 1000000 * 1000 };

		ppoll(p, 2, left < 0 ? NULL : &t, NULL);
		take(p[0].fd, p[1].fd, (uint64_t)atol(argv[3]), atol(argv[4]));
		take(p[1].fd, p[0].fd, (uint64_t)atol(argv[3]), atol(argv[4]));
	}
}
