// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The plaintext of TLS, at the functions of a TLS library that take and give it. What bytes a call moved is known when it
 * returns, so each entry leaves a note with the thread and one program at all returns makes the record.
 *
 * The socket: a socket call of the same thread inside of such a call tells it, and it is remembered with the library's
 * own object (SSL *, gnutls_session_t) for calls that are answered from memory. A program that moves the ciphertext
 * itself (OpenSSL's memory BIOs: Node) makes none inside: then it is the one that the thread has received from last,
 * unless that belongs to another object already. Bytes without a socket are counted (tls_untied) and make no record.
 *
 * Go's crypto/tls is the same with goroutines: the runtime may move one to another thread, and its stack to another
 * place, while it waits in a call. So the note is kept with the goroutine (in R14, at functions and at system calls
 * alike), places on its stack as distances from the stack's end, and there is a probe at each return instruction
 * (symbol/go_places.h). Handshakes begin a connection, and tie its socket: the first request may be in memory
 * when they end.
 *
 * An entry or a return may stand inside of the function (symbol/code_places.h), below its return address by what the
 * attach cookie says.
 *
 * Positions are counted here, per object and direction, from where we came to it.
 *
 * Limits: x86-64. A call inside another of the same thread or goroutine (TLS in TLS) is left out: the outer one has
 * the plaintext that somebody can read. SSL_sendfile, SSL_peek and QUIC are left out. Go: what a call gives that
 * waited already when we came has no socket, unless the connection's is known by then (counted in tls_untied), nor has
 * what another goroutine moves on behalf of the one in the call.
 */
#include "bpf/stream.h"
#include "bpf/tls_thread.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CONNS	 16384
#define CLOSED_V 7
#define TLS_ID	 (1ull << 61) /* apart from the stream probe's */
#define RETURN_SP \
	16 /* a return is seen with the stack pointer so little above its entry's, at most */

enum way {
	WAY_NONE, /* no bytes: a handshake */
	WAY_IN,
	WAY_OUT,
	WAY_TOLD, /* sent; there is a record already */
};

struct tls_conn {
	struct entry entry;
	u64 sk;	    /* 0: not known */
	u32 pos[2]; /* received, sent */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNS);
	__type(key, struct tls_key);
	__type(value, struct tls_conn);
} tls_conns SEC(".maps");

/* Whose a socket is. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNS);
	__type(key, u64);
	__type(value, struct tls_key);
} tls_socks SEC(".maps");

/* Since Linux 5.15; before, all places have it at the stack pointer. */
enum bpf_func_id___cookie {
	BPF_FUNC_get_attach_cookie___cookie = 174,
};

const volatile struct tls_conn conn_none SEC(".rodata.none") = {};

/* Calls whose bytes no socket is known of. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} tls_untied SEC(".maps");

static __always_inline void seen_note(bool goroutine)
{
	struct tls_seen *s = tls_seen_get();
	u32 *word = s ? goroutine ? &s->goroutine : &s->thread : NULL;

	if (word && !*word)
		*word = 1;
}

/* The stack pointer as it was when the function was called. */
static __always_inline u64 sp_called(struct pt_regs *ctx)
{
	u64 sp = ctx->sp;

	if (bpf_core_enum_value_exists(enum bpf_func_id___cookie, BPF_FUNC_get_attach_cookie___cookie))
		sp += bpf_get_attach_cookie(ctx);
	return sp;
}

/* --- entries --- */

static __always_inline int entered(struct pt_regs *ctx, u64 object, u64 at, u64 moved, u64 way)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct tls_thread *t, one = {};
	u64 sp = sp_called(ctx);

	if (!asked() || !object)
		return 0;
	t = bpf_map_lookup_elem(&tls_threads, &tid);
	if (!t) {
		seen_note(false);
		bpf_map_update_elem(&tls_threads, &tid, &one, BPF_ANY);
		t = bpf_map_lookup_elem(&tls_threads, &tid);
	}
	/* Inside of another call. (A return can be lost: what stands less deep, or is of the same object, is not.) */
	if (!t || (t->object && t->object != object && sp < t->sp))
		return 0;
	t->object = object;
	t->at = at;
	t->moved = moved;
	t->sp = sp;
	t->sk = 0;
	t->way = way;
	return 0;
}

SEC("uprobe")
int tls_shake(struct pt_regs *ctx)
{
	return entered(ctx, ctx->di, 0, 0, WAY_NONE);
}

SEC("uprobe")
int tls_write(struct pt_regs *ctx)
{
	return entered(ctx, ctx->di, ctx->si, 0, WAY_OUT);
}

SEC("uprobe")
int tls_write_ex(struct pt_regs *ctx)
{
	return entered(ctx, ctx->di, ctx->si, ctx->cx, WAY_OUT);
}

SEC("uprobe")
int tls_read(struct pt_regs *ctx)
{
	return entered(ctx, ctx->di, ctx->si, 0, WAY_IN);
}

SEC("uprobe")
int tls_read_ex(struct pt_regs *ctx)
{
	return entered(ctx, ctx->di, ctx->si, ctx->cx, WAY_IN);
}

/* --- objects --- */

static __always_inline struct tls_conn *conn_make(const struct tls_key *key, bool opened)
{
	struct tls_conn *c;
	struct kind_stats *s;

	bpf_map_update_elem(&tls_conns, key, (const void *)&conn_none, BPF_ANY);
	c = bpf_map_lookup_elem(&tls_conns, key);
	if (!c) {
		s = stats_get(KIND_REQUEST);
		if (s)
			s->map_full++;
		return NULL;
	}
	c->entry.id = TLS_ID | id_next(false);
	c->entry.looked = 1; /* whether it is seen from its begin on is known already */
	c->entry.class = STREAM_CLASS_KEEP;
	c->entry.opened = opened;
	owner_of((void *)bpf_get_current_task(), &c->entry.owner);
	return c;
}

static __always_inline void conn_end(const struct tls_key *key, struct tls_conn *c)
{
	u64 sk = c->sk;

	if (sk) {
		if (asked())
			close_send((void *)sk, &c->entry, STREAM_TLS, false);
		bpf_map_delete_elem(&tls_socks, &sk);
	}
	bpf_map_delete_elem(&tls_conns, key);
}

/* An object has been made: what it will move is seen from the begin on. */
SEC("uprobe")
int tls_made(struct pt_regs *ctx)
{
	struct tls_key key;

	if (!asked() || !ctx->ax)
		return 0;
	tls_key_of(ctx->ax, &key);
	conn_make(&key, true);
	return 0;
}

SEC("uprobe")
int tls_freed(struct pt_regs *ctx)
{
	struct tls_conn *c;
	struct tls_key key;

	tls_key_of(ctx->di, &key);
	c = bpf_map_lookup_elem(&tls_conns, &key);
	if (c)
		conn_end(&key, c);
	return 0;
}

/* --- returns --- */

/* Which socket is below an object. */
static __always_inline void conn_tie(struct tls_conn *c, const struct tls_key *key,
				     const struct tls_thread *t)
{
	u64 sk = t->sk;
	struct tls_key *other;

	if (!sk && !c->sk && t->heard) {
		sk = t->heard;
		other = bpf_map_lookup_elem(&tls_socks, &sk);
		if (other && (other->object != key->object || other->pid != key->pid))
			return;
	}
	if (!sk || sk == c->sk)
		return;
	c->sk = sk;
	c->entry.role = 0;
	bpf_map_update_elem(&tls_socks, &sk, key, BPF_ANY);
}

static __always_inline u32 bytes_moved(const struct tls_thread *t, int result)
{
	u64 n = 0;

	if ((t->way != WAY_IN && t->way != WAY_OUT) || result <= 0)
		return 0;
	if (!t->moved)
		return result;
	if (bpf_probe_read_user(&n, sizeof(n), (void *)t->moved) != 0 || n > 1u << 30)
		return 0;
	return n;
}

static __always_inline void tls_job(struct tls_conn *c, const struct tls_thread *t, u32 n, u32 pos,
				    struct job *j)
{
	struct tcp_sock *tp = (void *)c->sk;
	bool out = t->way == WAY_OUT;

	if (!c->entry.role)
		entry_origin(&c->entry, (void *)c->sk, 0, 0, false);
	j->sk = (void *)c->sk;
	j->from.at = t->at;
	j->from.len = n;
	j->want = bytes_wanted(&c->entry, out, n);
	j->id = c->entry.id;
	j->pos = pos;
	j->seen = n;
	j->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	j->retransmits = BPF_CORE_READ(tp, total_retrans);
	j->flags = STREAM_TLS | (out ? STREAM_OUT : 0) | (c->entry.opened ? STREAM_OPENED : 0);
	j->role = c->entry.role;
}

static __always_inline void untied_count(void)
{
	u32 zero = 0;
	u64 *n = bpf_map_lookup_elem(&tls_untied, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* @n bytes have moved, or will. */
static __always_inline int moved(struct tls_conn *c, const struct tls_thread *t, u32 n)
{
	struct ctl *ctl_now = ctl_get();
	bool out = t->way == WAY_OUT;
	u32 pos = c->pos[out];
	struct job j;

	c->pos[out] = pos + n;
	if (!c->sk) {
		untied_count();
		return 0;
	}
	if (!ctl_now || !filter_pass(ctl_now, KIND_REQUEST, (void *)bpf_get_current_task()))
		return 0;
	__builtin_memset(&j, 0, sizeof(j));
	tls_job(c, t, n, pos, &j);
	return job_send(&j, false);
}

static __always_inline int returned(struct tls_thread *t, int result)
{
	u32 n = bytes_moved(t, result);
	struct tls_conn *c;
	struct tls_key key;

	tls_key_of(t->object, &key);
	c = bpf_map_lookup_elem(&tls_conns, &key);
	if (!c)
		c = conn_make(&key, false);
	if (!c)
		return 0;
	conn_tie(c, &key, t);
	return n ? moved(c, t, n) : 0;
}

SEC("uprobe")
int tls_done(struct pt_regs *ctx)
{
	struct tls_thread *t = tls_thread_get();
	u64 sp = sp_called(ctx);

	if (!t || !t->object || sp < t->sp || sp - t->sp > RETURN_SP)
		return 0; /* of a call that was left out */
	if (asked())
		returned(t, (int)ctx->ax);
	t->object = 0;
	return 0;
}

/* --- Go --- */

/* The begin of runtime.g: its stack. */
struct go_stack {
	u64 lo, hi;
};

/* The running goroutine's stack, and its key. */
static __always_inline bool go_running(struct pt_regs *ctx, struct go_stack *ret_stack,
				       struct tls_key *ret_key)
{
	tls_key_of(ctx->r14, ret_key);
	return bpf_probe_read_user(ret_stack, sizeof(*ret_stack), (void *)ctx->r14) == 0 &&
	       ctx->sp >= ret_stack->lo && ctx->sp < ret_stack->hi;
}

/*
 * Arguments: RAX the *tls.Conn, RBX and RCX the slice. Called again for the same call when the stack has to grow, or the
 * goroutine to make room, at its begin. Returns the note of a new call, NULL: none.
 */
static __always_inline struct tls_thread *go_entered(struct pt_regs *ctx, u64 at, u64 way)
{
	struct tls_thread *t, call = {};
	struct go_stack stack;
	struct tls_key key;

	if (!asked() || !ctx->ax || !go_running(ctx, &stack, &key))
		return NULL;
	call.object = ctx->ax;
	call.at = at;
	call.way = way;
	call.sp = stack.hi - ctx->sp;
	if (at >= stack.lo && at < stack.hi)
		call.on_stack = stack.hi - at;
	t = bpf_map_lookup_elem(&tls_goroutines, &key);
	/* Inside of another call: of another object, or the handshake that a call begins with. */
	if (t && call.sp > t->sp && (t->object != call.object || way == WAY_NONE))
		return NULL;
	if (t && call.sp == t->sp && t->object == call.object && t->way == WAY_TOLD)
		return NULL;
	bpf_map_update_elem(&tls_goroutines, &key, &call, BPF_ANY);
	seen_note(true);
	return bpf_map_lookup_elem(&tls_goroutines, &key);
}

SEC("uprobe")
int tls_go_read(struct pt_regs *ctx)
{
	go_entered(ctx, ctx->bx, WAY_IN);
	return 0;
}

/*
 * Told at the entry where the socket is known: another goroutine may have read the answer before this one comes to its
 * return, and a request must not follow its answer. Go writes all or fails, and then the connection is of no more use.
 */
SEC("uprobe")
int tls_go_write(struct pt_regs *ctx)
{
	struct tls_thread *t = go_entered(ctx, ctx->bx, WAY_OUT);
	struct tls_conn *c;
	struct tls_key key;
	u64 n = ctx->cx;

	if (!t || !n || n > 1u << 30)
		return 0;
	tls_key_of(ctx->ax, &key);
	c = bpf_map_lookup_elem(&tls_conns, &key);
	if (!c || !c->sk)
		return 0;
	moved(c, t, n);
	t->way = WAY_TOLD;
	return 0;
}

/* A connection begins; what had the same address before has been collected. */
SEC("uprobe")
int tls_go_shake(struct pt_regs *ctx)
{
	struct tls_conn *c;
	struct tls_key key;

	if (!asked() || !ctx->ax)
		return 0;
	tls_key_of(ctx->ax, &key);
	c = bpf_map_lookup_elem(&tls_conns, &key);
	if (c)
		conn_end(&key, c);
	conn_make(&key, true);
	go_entered(ctx, 0, WAY_NONE);
	return 0;
}

/* At a return. @kept: who waited in the call before we came has its arguments above the return address. */
static __always_inline int go_returned(struct pt_regs *ctx, const bool kept)
{
	struct tls_thread *t, call = {};
	struct go_stack stack;
	struct tls_key key;
	u64 args[2];

	if (!go_running(ctx, &stack, &key))
		return 0;
	t = bpf_map_lookup_elem(&tls_goroutines, &key);
	if (!t && kept && asked() &&
	    bpf_probe_read_user(args, sizeof(args), (void *)(ctx->sp + 8)) == 0) {
		call.object = args[0];
		call.at = args[1];
		call.way = WAY_IN;
		return returned(&call, (int)ctx->ax);
	}
	if (!t || stack.hi - ctx->sp != t->sp)
		return 0; /* of a call that was left out */
	if (t->on_stack)
		t->at = stack.hi - t->on_stack;
	if (asked())
		returned(t, (int)ctx->ax);
	bpf_map_delete_elem(&tls_goroutines, &key);
	return 0;
}

/* Results: RAX how many bytes. */
SEC("uprobe")
int tls_go_done(struct pt_regs *ctx)
{
	return go_returned(ctx, false);
}

SEC("uprobe")
int tls_go_given(struct pt_regs *ctx)
{
	return go_returned(ctx, true);
}

/* --- sockets --- */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tls_state, struct sock *sk, int old, int new)
{
	u64 at = (u64)sk;
	struct tls_key *owner, key;
	struct tls_conn *c;

	if (new != CLOSED_V)
		return 0;
	owner = bpf_map_lookup_elem(&tls_socks, &at);
	if (!owner)
		return 0;
	key = *owner;
	c = bpf_map_lookup_elem(&tls_conns, &key);
	if (c && c->sk == at)
		conn_end(&key, c);
	else
		bpf_map_delete_elem(&tls_socks, &at);
	return 0;
}
