#pragma once
/*
 * For tests of parsers: the conversations of a pcap file as feeds (feed_test.h). Ethernet, IPv4, TCP; whoever owns the
 * lower or named port is the server; segments that repeat are dropped, order is the file's. Paths are from the top folder,
 * where tests run. Free with capture_free. Only for captures that were looked at: anything unexpected fails the test.
 */
#include "proto/feed_test.h"

#define CAPTURE_FLOWS 64

struct capture_flow {
	uint16_t client, server;
	uint32_t next[2];
	bool seen[2];
	struct feed *items;
	size_t n;
};

struct capture {
	uint8_t *bytes;
	struct capture_flow flow[CAPTURE_FLOWS];
	size_t n;
};

static inline uint32_t capture_be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* @ports: of servers, ended by 0. */
static inline bool capture_serves(const uint16_t *ports, uint16_t port)
{
	for (; *ports; ports++)
		if (*ports == port)
			return true;
	return false;
}

static inline struct capture_flow *capture_flow(struct capture *c, uint16_t client, uint16_t server)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->flow[i].client == client && c->flow[i].server == server)
			return &c->flow[i];
	assert_true(c->n < CAPTURE_FLOWS);
	c->flow[c->n] = (struct capture_flow){ .client = client, .server = server };
	return &c->flow[c->n++];
}

static inline void capture_packet(struct capture *c, const uint16_t *ports, const uint8_t *p, size_t n)
{
	const uint8_t *ip = p + 14, *tcp = ip + (ip[0] & 15) * 4u, *data = tcp + (tcp[12] >> 4) * 4u;
	size_t len = capture_be(ip + 2, 2) - (size_t)(data - ip);
	uint16_t from = (uint16_t)capture_be(tcp, 2), to = (uint16_t)capture_be(tcp + 2, 2);
	bool answer = capture_serves(ports, from);
	uint32_t seq = capture_be(tcp + 4, 4);
	struct capture_flow *f;

	assert_true(n >= 54 && capture_be(p + 12, 2) == 0x800 && ip[9] == 6 && data + len <= p + n);
	if (!len)
		return;
	f = answer ? capture_flow(c, to, from) : capture_flow(c, from, to);
	if (f->seen[answer] && seq == f->next[answer] - len)
		return;
	assert_true(!f->seen[answer] || seq == f->next[answer]);
	f->seen[answer] = true;
	f->next[answer] = seq + (uint32_t)len;
	f->items = realloc(f->items, (f->n + 1) * sizeof(*f->items));
	assert_non_null(f->items);
	f->items[f->n++] = (struct feed){ answer ? PROTO_TO_CLIENT : PROTO_TO_SERVER,
					  { (const char *)data, len },
					  0 };
}

static inline struct capture capture_read(const char *path, const uint16_t *ports)
{
	struct capture c = { 0 };
	FILE *f = fopen(path, "r");
	size_t n, at = 24;
	uint32_t head[4];

	assert_non_null(f);
	c.bytes = malloc(1u << 20);
	assert_non_null(c.bytes);
	n = fread(c.bytes, 1, 1u << 20, f);
	assert_true(n > 24 && n < 1u << 20);
	fclose(f);
	for (; at + 16 <= n; at += 16 + head[2]) {
		memcpy(head, c.bytes + at, 16);
		assert_true(at + 16 + head[2] <= n);
		capture_packet(&c, ports, c.bytes + at + 16, head[2]);
	}
	return c;
}

static inline void capture_free(struct capture *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->flow[i].items);
	free(c->bytes);
}

/* Each conversation by feed_check; @golden: the lines of one each. */
static inline void capture_check(const char *path, const uint16_t *ports, const struct proto *p,
				 const struct feed_opts *o, const char *const *golden, size_t n)
{
	struct capture c = capture_read(path, ports);

	assert_int_equal(c.n, n);
	for (size_t i = 0; i < n; i++)
		feed_check(p, o, c.flow[i].items, c.flow[i].n, golden[i]);
	capture_free(&c);
}
