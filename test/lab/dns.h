#pragma once
/* A resolver for cases, and a client: UDP, A records, a late answer, none at all, or NXDOMAIN. */
#include <netdb.h>

#include "app.h"

struct question {
	struct sockaddr_in from;
	int fd;
	double late_ms;
	ssize_t n;
	bool unknown;
	unsigned char data[600];
};

static inline void *dns_answer(void *arg)
{
	static const unsigned char record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 77, 0, 2 };
	struct question *q = arg;
	ssize_t n = 12;

	rest_ms(q->late_ms);
	while (n < q->n && q->data[n])
		n += q->data[n] + 1;
	n += 5; /* the name's end, type, class: what follows (EDNS) is left out */
	q->data[2] = 0x81;
	q->data[3] = q->unknown ? 0x83 : 0x80;
	memset(q->data + 6, 0, 6);
	if (!q->unknown && n <= q->n && q->data[n - 3] == 1) {
		q->data[7] = 1;
		memcpy(q->data + n, record, sizeof(record));
		n += sizeof(record);
	}
	sendto(q->fd, q->data, (size_t)n, 0, (struct sockaddr *)&q->from, sizeof(q->from));
	free(q);
	return NULL;
}

/* Answers after @late_ms; 1 in @lost (0: none) not at all; names in "nowhere" do not exist. For ever. */
static inline void dns_serve(double late_ms, unsigned int lost)
{
	struct sockaddr_in a = address_of("0.0.0.0", 53);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	need(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	for (;;) {
		struct question *q = calloc(1, sizeof(*q));
		socklen_t size = sizeof(q->from);

		q->fd = fd;
		q->late_ms = late_ms;
		q->n = recvfrom(fd, q->data, sizeof(q->data) - 64, 0, (struct sockaddr *)&q->from,
				&size);
		q->unknown = q->n > 12 && memmem(q->data, (size_t)q->n, "nowhere", 7);
		if (q->n < 17 || (lost && next_random() % lost == 0))
			free(q);
		else
			pthread_detach(thread_start(dns_answer, q));
	}
}

static inline void resolve(const char *format_, int number)
{
	struct addrinfo hint = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list;
	char name[100];

	snprintf(name, sizeof(name), format_, number);
	if (getaddrinfo(name, "80", &hint, &list) == 0)
		freeaddrinfo(list);
}
