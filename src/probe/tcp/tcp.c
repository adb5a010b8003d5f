/* Decoding TCP state changes, and the fields that only they have. */
#include "probe/tcp/tcp.h"

#include <errno.h>

#include "probe/probe.h"
#include "probe/sock.h"

/* Names of the kernel's states (include/net/tcp_states.h), as ss and netstat write them. */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
	STATE_COUNT = 14,
	ERRNO_MAX = 4095,
};

static const char *const state_names[STATE_COUNT] = {
	"",	     "ESTABLISHED", "SYN_SENT",	    "SYN_RECV",	      "FIN_WAIT1",
	"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	    "CLOSE_WAIT",     "LAST_ACK",
	"LISTEN",    "CLOSING",	    "NEW_SYN_RECV", "BOUND_INACTIVE",
};

static struct str type_of(const struct rec_tcp *r)
{
	switch (r->new_state) {
	case STATE_LISTEN:
		return STR("tcp_listen");
	case STATE_SYN_SENT:
		return STR("tcp_connect");
	case STATE_ESTABLISHED:
		return r->role == TCP_ROLE_SERVER ? STR("tcp_accept") : STR("tcp_established");
	case STATE_CLOSE:
		return STR("tcp_close");
	default:
		return STR("tcp_state");
	}
}

static int tcp_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	static const int8_t servers[TCP_ROLES] = { -1, 0, 1 };
	const struct rec_tcp *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r))
		return -EBADMSG;
	if (r->old_state >= STATE_COUNT || r->new_state == 0 || r->new_state >= STATE_COUNT ||
	    r->role >= TCP_ROLES || r->error < 0 || r->error > ERRNO_MAX)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_TCP];
	ret->type = type_of(r);
	sock_fd_fill(&r->sock, servers[r->role], &ret->fd);
	if (r->new_state == STATE_CLOSE || r->new_state == STATE_ESTABLISHED) {
		ret->has_ret = true;
		ret->ret = -r->error;
	}
	return 0;
}

enum tcp_field {
	TCP_STATE,
	TCP_OLDSTATE,
	TCP_ROLE,
	TCP_SENT,
	TCP_RECEIVED,
	TCP_RTT,
	TCP_RETRANSMITS,
	TCP_LOST,
	TCP_SEGS_OUT,
	TCP_SEGS_IN,
	TCP_DURATION,
};

/* Figures of traffic mean something from the moment there is a connection. */
static bool figure(const struct rec_tcp *r, uint64_t v, struct value *ret)
{
	ret->u64 = v;
	return r->old_state != STATE_LISTEN &&
	       (r->new_state == STATE_CLOSE || r->new_state == STATE_ESTABLISHED);
}

static bool role_get(const struct rec_tcp *r, struct value *ret)
{
	ret->str = r->role == TCP_ROLE_SERVER ? STR("server") : STR("client");
	return r->role != TCP_ROLE_UNKNOWN;
}

static bool tcp_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct rec_tcp *r = ev->body;

	if (nth || ev->hdr->type != REC_TCP)
		return false;
	ret->type = ref->field->type;
	switch ((enum tcp_field)ref->field->arg) {
	case TCP_STATE:
		ret->str = str_of(state_names[r->new_state]);
		return true;
	case TCP_OLDSTATE:
		ret->str = str_of(state_names[r->old_state]);
		return r->old_state != 0;
	case TCP_ROLE:
		return role_get(r, ret);
	case TCP_SENT:
		return figure(r, r->bytes_sent, ret);
	case TCP_RECEIVED:
		return figure(r, r->bytes_received, ret);
	case TCP_RTT:
		return figure(r, r->srtt_us * 1000ull, ret) && r->srtt_us;
	case TCP_RETRANSMITS:
		return figure(r, r->retransmits, ret);
	case TCP_LOST:
		return figure(r, r->lost, ret);
	case TCP_SEGS_OUT:
		return figure(r, r->segs_out, ret);
	case TCP_SEGS_IN:
		return figure(r, r->segs_in, ret);
	case TCP_DURATION:
		return figure(r, r->duration_ns, ret) && r->duration_ns;
	}
	return false;
}

#define TCP   KIND_BIT(KIND_TCP), FIELD_DEFAULT, tcp_get
#define BYTES "bytes"

static const struct field tcp_fields[] = {
	{ "tcp.state", VALUE_STR, "", TCP, TCP_STATE, "state entered, as ss writes it" },
	{ "tcp.oldstate", VALUE_STR, "", TCP, TCP_OLDSTATE, "state left" },
	{ "tcp.role", VALUE_STR, "", TCP, TCP_ROLE,
	  "client (this end connected) or server (it listened); absent when not known" },
	{ "tcp.bytes_sent", VALUE_U64, BYTES, TCP, TCP_SENT, "payload sent, each byte once" },
	{ "tcp.bytes_received", VALUE_U64, BYTES, TCP, TCP_RECEIVED, "payload received" },
	{ "tcp.rtt", VALUE_DURATION, "ns", TCP, TCP_RTT, "smoothed round trip time" },
	{ "tcp.retransmits", VALUE_U64, "", TCP, TCP_RETRANSMITS, "segments sent again" },
	{ "tcp.lost", VALUE_U64, "", TCP, TCP_LOST, "segments thought lost at that moment" },
	{ "tcp.segs_out", VALUE_U64, "", TCP, TCP_SEGS_OUT, "segments sent" },
	{ "tcp.segs_in", VALUE_U64, "", TCP, TCP_SEGS_IN, "segments received" },
	{ "tcp.duration", VALUE_DURATION, "ns", TCP, TCP_DURATION,
	  "since the connection was begun; absent when that was before porthole" },
	{ NULL },
};

static uint64_t tcp_type_kinds(struct str type)
{
	return str_starts(type, STR("tcp_")) ? KIND_BIT(KIND_TCP) : 0;
}

static const struct probe_decoder tcp_decoders[] = {
	{ REC_TCP, tcp_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook tcp_hooks[] = {
	{ "tcp_state", NULL, "sock:inet_sock_set_state" },
	{ "tcp_seen", NULL, "task_file iterator", .optional = true, .sweep = true },
	{ NULL },
};

extern const char tcp_bpf_elf[], tcp_bpf_elf_end[];

const struct probe probe_tcp = {
	.name = "tcp",
	.help = "TCP connections: begin, end, bytes, round trip time",
	.elf = tcp_bpf_elf,
	.elf_end = tcp_bpf_elf_end,
	.kinds = KIND_BIT(KIND_TCP),
	.hooks = tcp_hooks,
	.decoders = tcp_decoders,
	.fields = tcp_fields,
	.type_kinds = tcp_type_kinds,
};
