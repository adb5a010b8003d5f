// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What goes through sockets, at the calls that move it. One worker behind two doors:
 *   stream_sent, stream_received  tracepoints that sockets alone have (Linux 6.3 on): no other call of
 *                                 the machine pays. They tell the socket and the result; the program's
 *                                 buffer comes from the registers of the running system call.
 *   stream_exit                   the return of each such system call, elsewhere.
 *
 * TCP: the position is the kernel's own sequence number, so nothing is counted here and both ends agree. What
 * is kept of a socket is in `struct entry`: its class, and how much came one way without an answer. Whether an
 * end connected or accepted follows from the kernel's counts too (tcp_role), also for one that is older than us.
 * UDP: datagrams from or to a few ports, and elsewhere those that look like DNS; no state.
 *
 * How much is copied: see bytes_wanted; bodies that make no records: bpf/body.h; heads that wait for theirs: bpf/held.h. What cannot be read at all (TLS,
 * SSH) is dropped here at the first bytes, and the rest by the verdict of user space (map stream_verdicts).
 *
 * Limits: two threads that send (or receive) on one socket at the same moment can exchange their
 * positions. io_uring, sendfile and splice: sizes only (splice from a socket: not even that, a gap).
 * Of a message in more than USER_IOVS pieces only those are copied. Multipath TCP, TCP with the kernel's TLS, urgent
 * data and unix sockets are left out. Of sendmmsg and recvmmsg the tracepoints do not tell which message it is; it
 * is counted (call_nth), and a call that ends early without an error can fool that once. At a return, a stream's call of
 * more than MESSAGES is a gap. 32-bit programs: sizes only (at a return: nothing).
 */
#include "probe/stream/stream.h"

#include "bpf/held.h"
#include "bpf/tls_thread.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SOCKS	      16384
#define NOTES	      1024
#define IPPROTO_TCP_V 6
#define IPPROTO_UDP_V 17
#define TCP_CLOSE_V   7
#define MSG_OOB_V     0x1
#define MSG_TRUNC_V   0x20
#define MSG_ERRQ_V    0x2000
#define MESSAGES      4 /* of one sendmmsg or recvmmsg that are looked at, at the return */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct entry_held);
} stream_socks SEC(".maps");

/* Where a socket cannot have storage. By address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOCKS);
	__type(key, u64);
	__type(value, struct entry);
} stream_socks_at SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STREAM_VERDICTS);
	__type(key, u32);
	__type(value, u64);
} stream_verdicts SEC(".maps");

/* Of a thread, between hooks of one system call. */
struct note {
	u64 vec;
	u32 nth; /* message that comes next */
	u32 len; /* of the one before */
	struct peer from;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NOTES);
	__type(key, u32);
	__type(value, struct note);
} stream_notes SEC(".maps");

bool notes_made; /* any so far: nothing is to be looked for when not */

const volatile struct note note_none SEC(".rodata.none") = {};
const volatile struct entry entry_none SEC(".rodata.none") = {};

/* Bytes that a call moved. */
struct move {
	struct sock *sk;
	struct entry *e; /* of TCP; NULL: none yet */
	struct call_regs regs;
	u32 n;
	u32 nth;   /* message of the call */
	u32 after; /* bytes of the same call that follow */
	u8 out;
	u8 skipped; /* they are not in the program's memory */
	u8 pad[2];
};

/* --- what is kept of a socket --- */

static __always_inline u32 ports_of(struct sock *sk)
{
	u32 dport = BPF_CORE_READ(sk, __sk_common.skc_dport);

	return dport << 16 | lport_of(sk);
}

static __always_inline struct entry *entry_get(struct sock *sk, const bool typed)
{
	u64 key = (u64)sk;
	struct entry *e;

	if (typed && !stream_knobs.table)
		return bpf_sk_storage_get(&stream_socks, sk, NULL, 0);
	e = bpf_map_lookup_elem(&stream_socks_at, &key);
	return e && e->ports == ports_of(sk) ? e : NULL;
}

static __always_inline struct entry *entry_make(struct sock *sk, const bool typed)
{
	u64 key = (u64)sk;

	if (typed && !stream_knobs.table)
		return bpf_sk_storage_get(&stream_socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	bpf_map_update_elem(&stream_socks_at, &key, (const void *)&entry_none, BPF_ANY);
	return bpf_map_lookup_elem(&stream_socks_at, &key);
}

static __always_inline void entry_free(struct sock *sk, const bool typed)
{
	u64 key = (u64)sk;

	if (typed && !stream_knobs.table)
		bpf_sk_storage_delete(&stream_socks, sk);
	else
		bpf_map_delete_elem(&stream_socks_at, &key);
}

/* @sent, @received: bytes of this call. NULL: no room, counted. */
static __always_inline struct entry *entry_begin(struct sock *sk, u32 sent, u32 received,
						 const bool typed)
{
	struct inet_connection_sock *icsk =
		typed ? bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct inet_connection_sock)) :
			(void *)sk;
	struct entry *e = entry_make(sk, typed);
	struct kind_stats *s;

	if (!e) {
		s = stats_get(KIND_REQUEST);
		if (s)
			s->map_full++;
		return NULL;
	}
	e->id = id_next(typed);
	e->ports = stream_knobs.table ? ports_of(sk) : 0;
	owner_of((void *)bpf_get_current_task(), &e->owner);
	entry_origin(e, sk, sent, received, typed);
	if (AT(typed, icsk, icsk_ulp_ops))
		e->class = STREAM_CLASS_DROP;
	return e;
}

/* What user space said of this socket, if it did, is noted in the entry. */
static __always_inline void verdict_look(struct entry *e)
{
	u32 slot = (u32)e->id & (STREAM_VERDICTS - 1);
	u64 *word = bpf_map_lookup_elem(&stream_verdicts, &slot);

	if (word && *word >> STREAM_CLASS_BITS == e->id)
		e->class = *word & ((1 << STREAM_CLASS_BITS) - 1);
}

/* --- how much is copied --- */

/* The beginning of a TLS record, of any version in use, that is longer than its least content. */
static __always_inline bool looks_tls(const u8 *b, bool opened)
{
	u32 len = (u32)b[3] << 8 | b[4];

	if (b[1] != 3 || b[2] > 4 || len < 16 || len > 16384 + 2048)
		return false;
	if (opened)
		return b[0] == 0x16 && (b[5] == 1 || b[5] == 2); /* a hello */
	return b[2] && b[0] >= 0x16 && b[0] <= 0x17;
}

/* What nobody can read is dropped at its first bytes. */
static __always_inline void classify(struct entry *e, const struct call_bytes *from, u32 n)
{
	u8 b[8] = {};
	u32 word;

	if (n < sizeof(b) || !from->at || bpf_probe_read_user(b, sizeof(b), (void *)from->at) != 0)
		return;
	__builtin_memcpy(&word, b, sizeof(word));
	if (looks_tls(b, e->opened) || (e->opened && word == WORD('S', 'S', 'H', '-')))
		e->class = STREAM_CLASS_DROP;
	if (word == WORD('P', 'R', 'I', ' '))
		e->multiplexed = 1;
	if (e->opened && !e->looked)
		e->http = word == WORD('G', 'E', 'T', ' ') || word == WORD('P', 'O', 'S', 'T') ||
			  word == WORD('P', 'U', 'T', ' ') || word == WORD('H', 'E', 'A', 'D');
}

/* --- the end --- */

static __always_inline void closed(struct sock *sk, struct entry *e, const bool typed)
{
	if (e->looked && asked()) {
		if (typed && !stream_knobs.table && e->holding)
			held_alone(sk, e);
		if (typed && e->body_way && e->body_at != e->body_told)
			end_send(sk, e, e->body_told, e->body_at - e->body_told,
				 STREAM_SKIPPED | (e->body_way == 1 ? STREAM_OUT : 0), typed);
		close_send(sk, e, 0, typed);
	}
	entry_free(sk, typed);
}

/* More than the peer's FIN waits to be read. */
static __always_inline bool unread(struct sock *sk, const bool typed)
{
	struct tcp_sock *tp = tcp_of(sk, typed);

	return (s32)(AT(typed, tp, rcv_nxt) - AT(typed, tp, copied_seq)) > 1;
}

/*
 * A socket that its program has not closed can still give what came before the end (after a half-close):
 * then the record waits for that.
 */
static __always_inline int state_changed(struct sock *sk, int new, const bool typed)
{
	struct entry *e;

	if (new != TCP_CLOSE_V || AT(typed, sk, sk_protocol) != IPPROTO_TCP_V)
		return 0;
	e = entry_get(sk, typed);
	if (!e)
		return 0;
	if (AT(typed, sk, sk_socket) && unread(sk, typed))
		e->closing = 1;
	else
		closed(sk, e, typed);
	return 0;
}

/* --- TCP --- */

static __always_inline void tcp_job(struct job *j, const struct move *m, struct entry *e,
				    const bool typed)
{
	struct tcp_sock *tp = tcp_of(m->sk, typed);
	u32 end = m->out ? AT(typed, tp, write_seq) : received_end(m->sk, typed);

	j->want = bytes_wanted(e, m->out, m->n);
	j->sk = m->sk;
	j->id = e->id;
	j->pos = end - m->n - m->after;
	j->seen = m->n;
	j->srtt_us = AT(typed, tp, srtt_us) >> 3;
	j->retransmits = AT(typed, tp, total_retrans);
	j->flags = (m->out ? STREAM_OUT : 0) | (e->opened ? STREAM_OPENED : 0);
	j->role = e->role;
	if (!j->from.at && !j->from.vec) {
		j->want = 0;
		j->flags |= STREAM_SKIPPED;
	}
}

static __always_inline bool is_dropped(struct entry *e)
{
	if (e)
		verdict_look(e);
	return e && e->class == STREAM_CLASS_DROP;
}

/* Whether the requests of the running task @t are asked for. */
static __always_inline bool passes(struct task_struct *t)
{
	struct ctl *c = ctl_get();

	return c && filter_pass(c, KIND_REQUEST, t);
}

/* What is not dropped, and asked for. */
static __always_inline int tcp_move(const struct move *m, const bool typed)
{
	struct entry *e = m->e;
	struct job j;
	bool begins;

	if (!e)
		e = entry_begin(m->sk, m->out ? m->n + m->after : 0, m->out ? 0 : m->n + m->after,
				typed);
	else if (!e->role)
		entry_origin(e, m->sk, 0, 0, typed);
	if (!e)
		return 0;
	__builtin_memset(&j, 0, sizeof(j));
	if (!m->skipped)
		call_bytes_find(&m->regs, m->nth, m->out, &j.from);
	if (e->class == STREAM_CLASS_UNKNOWN && e->looked < stream_knobs.looks)
		classify(e, &j.from, m->n);
	if (e->class == STREAM_CLASS_DROP)
		return 0;
	begins = typed && e->way != (m->out ? 1 : 2) && body_wanted(e);
	tcp_job(&j, m, e, typed);
	if (typed)
		job_forget(&j);
	if (begins && j.want && !job_send_head(&j, e))
		return 0;
	return job_send(&j, typed);
}

static __noinline int tcp_moved(struct move *m)
{
	return opaque(tcp_move(m, true));
}

#define MOVE_OUT     1
#define MOVE_SKIPPED 2

static __always_inline void move_of(u64 sk, u64 n, u64 nth, u64 after, u64 flags, struct move *ret)
{
	ret->sk = (void *)sk;
	ret->n = n;
	ret->nth = nth;
	ret->after = after;
	ret->out = flags & MOVE_OUT;
	ret->skipped = (flags & MOVE_SKIPPED) != 0;
	call_regs_read(&ret->regs, (void *)bpf_get_current_task(), false, true);
}

VERIFIED_ONCE int tcp_moved_at(u64 sk, u64 n, u64 nth, u64 after, u64 flags)
{
	struct move m;

	m.e = entry_get((void *)sk, false);
	if (is_dropped(m.e) || !passes((void *)bpf_get_current_task()))
		return 0;
	move_of(sk, n, nth, after, flags, &m);
	return tcp_move(&m, false);
}

/* Nothing more came: what was closed with bytes left has none now. */
static __always_inline int tcp_drained(struct sock *sk, const bool typed)
{
	struct entry *e;

	if (AT(typed, sk, __sk_common.skc_state) != TCP_CLOSE_V)
		return 0;
	e = entry_get(sk, typed);
	if (e && e->closing && !unread(sk, typed))
		closed(sk, e, typed);
	return 0;
}

/* --- UDP --- */

static __always_inline bool port_wanted(u16 port)
{
	return port == stream_knobs.ports[0] || port == stream_knobs.ports[1];
}

/* The beginning of a datagram. */
static __always_inline bool begin_read(const struct call_bytes *from, void *to, u32 n)
{
	struct user_vec v = { from->at, from->len };

	if (!v.at && (!from->vec || bpf_probe_read_user(&v, sizeof(v), (void *)from->vec) != 0))
		return false;
	return v.len >= n && bpf_probe_read_user(to, n, (void *)v.at) == 0;
}

/*
 * A DNS message with one question, on whatever port: no bits that nobody uses, no answers in what is asked, and few
 * records. Some one in 2^30 of other bytes looks so; user space looks closer. A function of its own, for its frame.
 */
static __noinline int looks_dns(const struct call_bytes *from)
{
	u16 head[6] = {}; /* id, flags; numbers of questions, answers, authorities, others */
	u16 flags;

	if (!from || !begin_read(from, head, sizeof(head)))
		return opaque(0);
	flags = bpf_ntohs(head[1]);
	if (head[2] != bpf_htons(1) || flags & 0x7840)
		return opaque(0);
	if (!(flags & 0x8000) && (flags & 0x000f || head[3] || head[4]))
		return opaque(0);
	return opaque((head[3] | head[4] | head[5]) & bpf_htons(0xff00) ? 0 : 1);
}

/* Unique among living sockets. */
static __always_inline u64 udp_id(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino) | 1ull << 63;
}

/* @name_len: of a receiving call where it is written to; 28 then. */
static __always_inline void udp_peer(struct job *j, struct peer *room, bool out, const bool typed)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct note *note;

	if (out || !typed) {
		if (peer_named(j->from.name, out ? j->from.name_len : 28, false, room))
			j->peer = room;
		return;
	}
	note = bpf_map_lookup_elem(&stream_notes, &tid);
	if (!note || !note->from.family)
		return;
	*room = note->from;
	j->peer = room;
	note->from.family = 0;
}

static __always_inline void udp_job(struct job *j, const struct move *m)
{
	j->sk = m->sk;
	j->id = udp_id(m->sk);
	j->seen = m->n;
	j->want = m->n < stream_knobs.head ? m->n : stream_knobs.head;
	if (j->from.at && j->want > j->from.len)
		j->want = j->from.len; /* cut by the receiver's buffer */
	j->flags = STREAM_DATAGRAM | (m->out ? STREAM_OUT : 0);
	if (!j->from.at && !j->from.vec) {
		j->want = 0;
		j->flags |= STREAM_SKIPPED;
	}
}

static __always_inline int udp_move(const struct move *m, const bool typed)
{
	struct sock *sk = m->sk;
	u16 lport = AT(typed, sk, __sk_common.skc_num);
	u16 rport = bpf_ntohs(AT(typed, sk, __sk_common.skc_dport));
	struct peer peer = {};
	struct job j;

	__builtin_memset(&j, 0, sizeof(j));
	call_bytes_find(&m->regs, m->nth, m->out, &j.from);
	if (!rport || (m->out && j.from.name))
		udp_peer(&j, &peer, m->out, typed);
	if (j.peer)
		rport = bpf_ntohs(peer.port);
	if (!port_wanted(lport) && !port_wanted(rport) && !looks_dns(&j.from))
		return 0;
	if (!passes((void *)bpf_get_current_task()))
		return 0;
	udp_job(&j, m);
	return job_send(&j, typed);
}

static __noinline int udp_moved(struct move *m)
{
	return opaque(udp_move(m, true));
}

VERIFIED_ONCE int udp_moved_at(u64 sk, u64 n, u64 nth, u64 after, u64 flags)
{
	struct move m;

	m.e = NULL;
	move_of(sk, n, nth, after, flags, &m);
	return udp_move(&m, false);
}

/* --- the doors --- */

static __always_inline bool family_known(u16 family)
{
	return family == AF_INET_V || family == AF_INET6_V;
}

/*
 * Which message of sendmmsg or recvmmsg this is: counted from the last one of the thread, as long as that
 * was of the same call: the same vector, in which the kernel has meanwhile written the length it had.
 */
static __always_inline u32 call_nth(const struct call_regs *r, u32 n)
{
	u32 tid = (u32)bpf_get_current_pid_tgid(), nth = 0;
	struct note *note = bpf_map_lookup_elem(&stream_notes, &tid);

	notes_made = true;
	if (!note) {
		bpf_map_update_elem(&stream_notes, &tid, (const void *)&note_none, BPF_ANY);
		note = bpf_map_lookup_elem(&stream_notes, &tid);
	}
	if (!note)
		return 0;
	if (note->vec == r->si && note->nth && call_message_len(r, note->nth - 1) == note->len)
		nth = note->nth;
	note->vec = nth + 1 < (u32)r->dx ? r->si : 0;
	note->nth = nth + 1;
	note->len = n;
	return nth;
}

static __always_inline void call_nth_end(void)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct note *note = notes_made ? bpf_map_lookup_elem(&stream_notes, &tid) : NULL;

	if (note)
		note->vec = 0;
}

/* Whether the bytes are to be told of; m->e, and m->skipped when their number alone is. */
static __always_inline bool tcp_asked(struct move *m)
{
	bool sizes = false;

	m->e = entry_get(m->sk, true);
	if (is_dropped(m->e) ||
	    (!stream_knobs.table && m->e && m->e->holding && held_over(m->sk, m->e, m->out)) ||
	    (m->e && body_passes(m->e, m->sk, m->out, &sizes)))
		return false;
	m->skipped |= sizes;
	return true;
}

static __always_inline bool udp_asked(struct sock *sk)
{
	u16 rport = bpf_ntohs(sk->__sk_common.skc_dport);

	return !rport || port_wanted(sk->__sk_common.skc_num) || port_wanted(rport);
}

static __noinline int tcp_empty(struct sock *sk)
{
	return opaque(tcp_drained(sk, true));
}

static __noinline int tls_used(struct sock *sk, bool received)
{
	tls_socket_used((u64)sk, received, true);
	return opaque(0);
}

/* Most calls are on sockets that are dropped, filtered out or not looked at: they leave before anything is read. */
static __always_inline int moved(struct sock *sk, int n, u32 flags, bool out)
{
	struct task_struct *t;
	struct move m;
	u16 protocol;

	if (!asked() || !sk || !family_known(sk->__sk_common.skc_family))
		return 0;
	protocol = sk->sk_protocol;
	if (protocol != IPPROTO_TCP_V && protocol != IPPROTO_UDP_V)
		return 0;
	if (protocol == IPPROTO_TCP_V && tls_any())
		tls_used(sk, !out);
	if (n <= 0) {
		call_nth_end();
		return n == 0 && !out && protocol == IPPROTO_TCP_V ? opaque(tcp_empty(sk)) : 0;
	}
	if (flags & (MSG_PEEK_V | MSG_OOB_V | MSG_ERRQ_V))
		return 0;
	m.sk = sk;
	m.e = NULL;
	m.n = n;
	m.after = 0;
	m.out = out;
	m.skipped = (flags & MSG_TRUNC_V) != 0;
	if (!(protocol == IPPROTO_TCP_V ? tcp_asked(&m) : udp_asked(sk)) ||
	    BPF_CORE_READ_BITFIELD(sk, sk_kern_sock))
		return 0;
	t = bpf_get_current_task_btf();
	if (protocol == IPPROTO_TCP_V && !passes(t))
		return 0;
	call_regs_read(&m.regs, t, true, false);
	m.nth = call_is_many(&m.regs) ? call_nth(&m.regs, n) : 0;
	if (protocol == IPPROTO_UDP_V)
		return opaque(udp_moved(&m));
	opaque(tcp_moved(&m));
	return out || sk->__sk_common.skc_state != TCP_CLOSE_V ? 0 : opaque(tcp_empty(sk));
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(stream_sent, struct sock *sk, int n, int flags)
{
	return moved(sk, n, 0, true);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(stream_received, struct sock *sk, int n, int flags)
{
	return moved(sk, n, flags, false);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(stream_state, struct sock *sk, int old, int new)
{
	return sk ? state_changed(sk, new, true) : 0;
}

/* Whom a datagram is from, before the program is told: the tracepoint's socket does not have it. */
static __always_inline void sender_note(const struct peer *from)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct note *note = bpf_map_lookup_elem(&stream_notes, &tid), one = {};

	if (note) {
		note->from = *from;
		return;
	}
	one.from = *from;
	bpf_map_update_elem(&stream_notes, &tid, &one, BPF_ANY);
}

/* A socket that has a peer of its own needs none. */
static __always_inline bool sender_wanted(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	return asked() && sk && !sk->dst_port;
}

SEC("cgroup/recvmsg4")
int stream_from4(struct bpf_sock_addr *ctx)
{
	struct peer from = {}; /* no constant: one with no name in .rodata makes 5.10 refuse the types */
	u32 addr;

	if (!sender_wanted(ctx))
		return 1;
	from.family = AF_INET_V;
	addr = ctx->user_ip4;
	__builtin_memcpy(from.addr, &addr, 4);
	from.port = (u16)ctx->user_port;
	sender_note(&from);
	return 1;
}

SEC("cgroup/recvmsg6")
int stream_from6(struct bpf_sock_addr *ctx)
{
	struct peer from = {};
	u32 a, b, c, d;

	if (!sender_wanted(ctx))
		return 1;
	from.family = AF_INET6_V;
	a = ctx->user_ip6[0];
	b = ctx->user_ip6[1];
	c = ctx->user_ip6[2];
	d = ctx->user_ip6[3];
	__builtin_memcpy(from.addr, &a, 4);
	__builtin_memcpy(from.addr + 4, &b, 4);
	__builtin_memcpy(from.addr + 8, &c, 4);
	__builtin_memcpy(from.addr + 12, &d, 4);
	from.port = (u16)ctx->user_port;
	sender_note(&from);
	return 1;
}

/* --- without those tracepoints --- */

#define NR_SENDFILE 40

/*
 * The messages that one call has moved; of a stream each stands before those that follow, so that more than are looked
 * at are a gap there.
 */
static __always_inline int exit_many(struct sock *sk, const struct call_regs *r, u32 messages,
				     u64 flags, bool tcp)
{
	u32 all = 0;

	if (tcp && messages > MESSAGES)
		return 0;
	for (u32 i = 0; i < MESSAGES; i++)
		if (i < messages)
			all += call_message_len(r, i);
	for (u32 i = 0; i < MESSAGES; i++) {
		u32 n = i < messages ? call_message_len(r, i) : 0;

		all -= n;
		if (n && tcp)
			tcp_moved_at((u64)sk, n, i, all, flags);
		else if (n)
			udp_moved_at((u64)sk, n, i, 0, flags);
	}
	return 0;
}

static __always_inline int exit_moved(struct sock *sk, const struct call_regs *r, long ret, bool tcp)
{
	bool out = call_sends(r->nr) || r->nr == NR_SENDFILE;
	u32 asked_for = out ? 0 : call_flags(r);
	u64 flags = (out ? MOVE_OUT : 0) | (asked_for & MSG_TRUNC_V ? MOVE_SKIPPED : 0);

	if (ret == 0)
		return tcp && !out ? tcp_drained(sk, false) : 0;
	if (asked_for & (MSG_PEEK_V | MSG_OOB_V | MSG_ERRQ_V))
		return 0;
	if (call_is_many(r))
		return exit_many(sk, r, ret, flags, tcp);
	if (!tcp)
		return udp_moved_at((u64)sk, ret, 0, 0, flags);
	tcp_moved_at((u64)sk, ret, 0, 0, flags);
	return out ? 0 : tcp_drained(sk, false);
}

VERIFIED_ONCE int tls_used_at(u64 sk, bool received)
{
	tls_socket_used(sk, received, false);
	return 0;
}

static __always_inline int exited(long ret)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	bool tls = tls_any();
	struct call_regs r;
	struct sock *sk;
	u16 protocol;

	if (!asked() || (ret < 0 && !tls))
		return 0;
	call_regs_read(&r, t, false, true);
	if (r.nr > NR_PWRITEV2)
		return 0;
	sk = file_sock(task_file(t, (int)r.di));
	if (!sk || !family_known(BPF_CORE_READ(sk, __sk_common.skc_family)))
		return 0;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (protocol != IPPROTO_TCP_V && protocol != IPPROTO_UDP_V)
		return 0;
	if (tls && protocol == IPPROTO_TCP_V)
		tls_used_at((u64)sk, !call_sends(r.nr));
	return ret < 0 ? 0 : exit_moved(sk, &r, ret, protocol == IPPROTO_TCP_V);
}

struct exit_ctx {
	u64 common;
	s32 nr;
	u32 pad;
	s64 ret;
};

SEC("tracepoint")
int stream_exit(struct exit_ctx *ctx)
{
	return exited(ctx->ret);
}

/* Every system call of the machine comes here. */
SEC("tp_btf/sys_exit")
int BPF_PROG(stream_exit_raw, struct pt_regs *regs, long ret)
{
	u64 nr = regs->orig_ax;

	if (nr <= NR_WRITE || (nr >= NR_READV && nr <= NR_WRITEV) || nr == NR_SENDFILE ||
	    (nr >= NR_SENDTO && nr <= NR_RECVMSG) || nr == NR_RECVMMSG || nr == NR_SENDMMSG ||
	    nr == NR_PREADV2 || nr == NR_PWRITEV2)
		return exited(ret);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(stream_state_at, struct sock *sk, int old, int new)
{
	return state_changed(sk, new, false);
}
