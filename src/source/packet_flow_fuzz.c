/*
 * Any sequence of segments of a few connections, each byte of which is told by its number: whatever
 * their order, what is handed on is right, in order, and bounded.
 */
#include "source/packet_flow.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONNECTIONS 4
#define STEP_BYTES  8

static void must(bool ok)
{
	if (!ok)
		abort();
}

static char byte_of(uint32_t seq)
{
	return (char)(seq * 31 ^ seq >> 8);
}

struct state {
	struct flows *f;
	struct boot_ns now;
	uint32_t next[CONNECTIONS][2]; /* number of a direction's next segment */
	/* Of the last record of each direction: */
	uint64_t id[CONNECTIONS][2];
	uint32_t end[CONNECTIONS][2];
};

static void record_check(struct state *st, const struct rec_stream *r)
{
	bool out = r->flags & STREAM_OUT;
	/* The end whose port is low is "a" of the fuzzer, direction 0 is what it sends. */
	bool local_low = r->sock.lport < 32768;
	uint16_t c = (local_low ? r->sock.lport : r->sock.rport) - 8000, d = out != local_low;
	const char *data = (const char *)r + r->data.off;

	must(r->id > 0 && r->hdr.len <= REC_MAX && r->flags & STREAM_PASSIVE);
	if (r->flags & STREAM_CLOSE)
		return;
	must(c < CONNECTIONS && r->seen > 0 && r->data.len <= r->seen);
	for (uint32_t i = 0; i < r->data.len; i++)
		must(data[i] == byte_of(r->pos + i));
	/* In order, but where a direction starts anew. */
	if (r->id == st->id[c][d]) {
		int32_t ahead = (int32_t)(r->pos - st->end[c][d]);

		must(ahead >= 0 || ahead <= -FLOW_JUMP + (int)FLOW_HELD_MAX);
	}
	st->id[c][d] = r->id;
	st->end[c][d] = r->pos + r->seen;
}

static void take_all(struct state *st)
{
	const struct rec_hdr *h;
	struct flows_stats s;

	while ((h = flows_take(st->f)))
		record_check(st, (const struct rec_stream *)h);
	flows_stats(st->f, &s);
	must(s.held <= FLOWS_HELD_MAX && s.now <= CONNECTIONS);
}

static void step(struct state *st, const uint8_t *b)
{
	uint8_t c = b[0] % CONNECTIONS, d = b[0] >> 7;
	uint32_t *next = &st->next[c][d], len = b[2] + (b[7] & 1 ? 64u * b[3] : 0);
	int32_t move = (int8_t)b[3] * (b[0] & 64 ? 1 << 20 : 1);
	static char bytes[65536];
	struct packet p = { .family = AF_INET, .protocol = IPPROTO_TCP };

	st->now.ns += b[4] * 1000000ull * (b[7] & 2 ? 100 : 1);
	p.time = st->now;
	p.src[0] = 10 + d;
	p.dst[0] = 11 - d;
	p.sport = d ? 40000 : 8000 + c;
	p.dport = d ? 8000 + c : 40000;
	p.tcp_flags = b[1] & (b[7] & 4 ? 255 : PACKET_ACK); /* mostly plain segments */
	p.seq = *next + (uint32_t)move;
	p.ack = st->next[c][!d] + (uint32_t)((int8_t)b[5] * 8);
	p.ip_id = b[6];
	p.seen = len;
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = byte_of(p.seq + !!(p.tcp_flags & PACKET_SYN) + i);
	p.data = (struct str){ bytes, b[7] & 8 ? len / 2 : len };
	if (p.data.n == 0)
		p.data = STR_NONE;
	flows_packet(st->f, &p);
	*next = p.seq + len + !!(p.tcp_flags & (PACKET_SYN | PACKET_FIN));
	take_all(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state st = { .now.ns = 1000000000 };

	must(flows_new(&st.f) == 0);
	for (size_t at = 0; size - at >= STEP_BYTES; at += STEP_BYTES)
		step(&st, data + at);
	while (flows_end(st.f))
		take_all(&st);
	flows_free(st.f);
	return 0;
}
