/*
 * Ends of connections and arguments by value: of every condition, with every socket and call here, what
 * matches is let through, judged as the kernel programs do.
 */
#include "agent/pushdown_ends.h"

#include <arpa/inet.h>
#include <asm/unistd_64.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "event/subject.h"
#include "probe/probe.h"
#include "probe/syscall/table.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const ends_where[] = {
	"fd.sport=80",
	"fd.sport in (22,443) and fd.sip=10.1.2.3",
	"fd.ip=127.0.0.1",
	"fd.net in (10.0.0.0/8,192.168.0.0/16)",
	"fd.snet in (10.1.0.0/16) and not fd.sport=53",
	"fd.rip in (10.1.2.3,2001:db8::1) or fd.lport=8080",
	"fd.cip=::1 or fd.rip=2001:db8::/32",
	"fd.sip!=10.1.2.3",
	"not fd.sport=53",
	"fd.rport>1000",
	"fd.port=http or fd.sip=10.0.0.0/8",
	"fd.net=0.0.0.0/0 and fd.proto=8080",
	"fd.lip=::/0",
	"evt.type=sendto and fd.sip=10.1.2.3 or evt.type=connect and fd.sport=443",
	"evt.type=bind and fd.sport=443 or evt.rawres<0",
	"fd.rip=10.1.2.0/23 or fd.rip=10.1.0.0/16 or fd.rip=10.1.2.3",
	"fd.sport=0",
	"fd.type=ipv6 and fd.port in (80,8080)",
	"fd.sip exists and fd.sport=80",
	"fd.sport=80 and evt.type=unlink",
};
static const char *const addrs[] = { "0.0.0.0",	 "127.0.0.1",	"10.1.2.3",
				     "10.1.9.9", "192.168.3.1", "::",
				     "::1",	 "2001:db8::1", "::ffff:10.1.2.3" };
static const uint16_t ports[] = { 0, 22, 53, 80, 443, 8080, 40000 };
static const uint16_t calls[] = { __NR_connect, __NR_sendto, __NR_recvfrom, __NR_bind,
				  __NR_accept4, __NR_listen, __NR_dup2 };

struct way {
	union {
		struct rec_syscall rec;
		char bytes[sizeof(struct rec_syscall) + 64];
	};
	struct program program;
	struct cgroup cgroup;
	struct proc proc;
	struct event ev;
};

static uint64_t state_of_random = 1;

static uint64_t pick(uint64_t n)
{
	state_of_random = state_of_random * 6364136223846793005ull + 1442695040888963407ull;
	return (state_of_random >> 33) % n;
}

/* One of IPv4's addresses, or any as IPv6's. */
static void addr_pick(bool v6, uint8_t ret[16])
{
	const char *text = addrs[pick(N(addrs))];

	memset(ret, 0, 16);
	if (!v6) {
		inet_pton(AF_INET, strchr(text, ':') ? "10.1.2.3" : text, ret);
	} else if (inet_pton(AF_INET6, text, ret) != 1) {
		ret[10] = ret[11] = 0xff;
		inet_pton(AF_INET, text, ret + 12);
	}
}

static void way_net(struct arena *a, struct way *w)
{
	static const struct event_host host;
	struct decode_stats st = { 0 };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	uint16_t n = 0;
	bool v6;

	memset(w, 0, sizeof(*w));
	w->rec.nr = calls[pick(N(calls))];
	w->rec.ret = (int64_t)pick(3) - 1;
	w->rec.sock.family = (uint16_t[]){ AF_INET, AF_INET, AF_INET6, AF_UNIX, 0 }[pick(5)];
	v6 = w->rec.sock.family == AF_INET6;
	if (v6 || w->rec.sock.family == AF_INET) {
		addr_pick(v6, w->rec.sock.local);
		addr_pick(v6, w->rec.sock.remote);
		w->rec.sock.lport = ports[pick(N(ports))];
		w->rec.sock.rport = ports[pick(N(ports))];
	}
	if (v6) {
		addr_pick(true, in6.sin6_addr.s6_addr);
		in6.sin6_port = htons(ports[pick(N(ports))]);
		memcpy(w->rec.tail, &in6, n = sizeof(in6));
	} else {
		uint8_t four[16];

		addr_pick(false, four);
		memcpy(&in.sin_addr, four, 4);
		in.sin_port = htons(ports[pick(N(ports))]);
		memcpy(w->rec.tail, &in, n = sizeof(in));
	}
	if (pick(2))
		n = 0;
	if (n)
		w->rec.piece[SYS_ADDR] = (struct rec_str){ sizeof(w->rec), n };
	w->rec.hdr = (struct rec_hdr){ .len = (uint32_t)sizeof(w->rec) + n, .type = REC_SYSCALL };
	assert_int_equal(decode_record(&w->rec.hdr, &host, a, &st, &w->ev), 1);
	w->proc = (struct proc){ .program = &w->program, .cgroup = &w->cgroup };
	w->ev.proc = &w->proc;
	w->ev.host = &host;
}

/* As src/bpf/ends_filter.h. */
static uint64_t end_mask(const struct ends *e, bool v6, const uint8_t *addr, uint32_t port)
{
	uint8_t key[16] = { 0 };
	uint64_t m = 0;
	int best = -1;

	memcpy(key + (v6 ? 0 : 12), addr, v6 ? 16 : 4);
	if (!v6)
		key[10] = key[11] = 0xff;
	for (size_t i = 0; i < e->nports; i++)
		if (e->port[i].port == port)
			m |= e->port[i].mask;
	for (size_t i = 0; i < e->nnets; i++) {
		const struct filter_net *n = &e->net[i].net;
		bool in = true;

		for (uint32_t b = 0; b < n->bits; b++)
			in &= !((n->addr[b / 8] ^ key[b / 8]) & (0x80 >> b % 8));
		if (in && (best < 0 || n->bits > e->net[best].net.bits))
			best = (int)i;
	}
	return best < 0 ? m : m | e->net[best].mask;
}

static uint64_t ends_mask(const struct ends *e, const struct way *w)
{
	const struct rec_sock *s = &w->rec.sock;
	struct str addr = rec_piece(&w->rec, w->rec.hdr.len, w->rec.piece[SYS_ADDR]);
	uint64_t m = ~e->clears;
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (!s->family)
		return m;
	if (addr.n == sizeof(in6)) {
		memcpy(&in6, addr.p, sizeof(in6));
		m |= end_mask(e, true, in6.sin6_addr.s6_addr, ntohs(in6.sin6_port));
	} else if (addr.n) {
		memcpy(&in, addr.p, sizeof(in));
		m |= end_mask(e, false, (const uint8_t *)&in.sin_addr, ntohs(in.sin_port));
	}
	if (s->family == AF_INET || s->family == AF_INET6)
		m |= end_mask(e, s->family == AF_INET6, s->local, s->lport) |
		     end_mask(e, s->family == AF_INET6, s->remote, s->rport);
	return m;
}

struct room {
	struct arena arena;
	struct query q[64];
	struct clause list[64];
	size_t n;
};

static void room_open(struct room *r, const char *const *where, size_t n)
{
	struct buf why = { 0 };

	memset(r, 0, sizeof(*r));
	assert_int_equal(arena_init(&r->arena, 1 << 16), 0);
	field_arena_set(&r->arena);
	for (size_t i = 0; i < n; i++) {
		if (query_make(&(struct query_opts){ .where = where[i] }, &r->q[i], &why) != 0)
			fail_msg("%s: %.*s", where[i], (int)why.n, why.p);
		r->list[i] = (struct clause){ pushdown_of_query(&r->q[i]), 1ull << i };
		r->list[i].c.kinds &= ~KINDS_LIFE;
	}
	r->n = n;
}

static void room_close(struct room *r)
{
	for (size_t i = 0; i < r->n; i++)
		query_free(&r->q[i]);
	field_arena_set(NULL);
	arena_free(&r->arena);
}

static void test_ends(void **state)
{
	size_t matched = 0, held = 0;
	struct ends *e;
	struct room r;

	(void)state;
	room_open(&r, ends_where, N(ends_where));
	e = ends_judge(r.list, r.n);
	assert_non_null(e);
	for (int i = 0; i < 60000; i++) {
		struct way w;
		uint64_t m;

		way_net(&r.arena, &w);
		m = ends_mask(e, &w);
		for (size_t at = 0; at < r.n; at++) {
			bool match = (r.q[at].kinds & KIND_BIT(w.ev.kind->id)) &&
				     expr_match(r.q[at].where, &w.ev);

			if (match && !(m & 1ull << at))
				fail_msg("%s: %d is held back", ends_where[at], i);
			matched += match;
			held += !match && !(m & 1ull << at);
		}
		arena_reset(&r.arena);
	}
	assert_true(matched > 10000 && held > 100000);
	assert_true(e->clears & 1 && e->clears & 2 && e->clears & 4);
	assert_false(e->clears & (1 << 7 | 1 << 8 | 1 << 9)); /* != and > are left alone */
	free(e);
	room_close(&r);
}

/* Clauses that share a bit pass when either does; too many ports leave the dimension off. */
static void test_ends_many(void **state)
{
	static char long_where[40000];
	const char *const where[] = { "fd.sport=80", "fd.sport!=80", long_where };
	size_t n = (size_t)sprintf(long_where, "fd.sport in (1");
	struct ends *e;
	struct room r;

	(void)state;
	for (int i = 2; i < 3000; i++)
		n += (size_t)snprintf(long_where + n, sizeof(long_where) - n, ",%d", i);
	strcat(long_where, ")");
	room_open(&r, where, 3);
	r.list[1].bit = r.list[0].bit;
	e = ends_judge(r.list, 2);
	assert_int_equal(e->clears, 0);
	free(e);
	e = ends_judge(r.list, 1);
	assert_int_equal(e->clears, 1);
	free(e);
	e = ends_judge(r.list + 2, 1);
	assert_int_equal(e->clears, 0);
	free(e);
	room_close(&r);
}

static const char *const args_where[] = {
	"evt.arg.request=PTRACE_ATTACH",
	"evt.arg.request in (PTRACE_POKETEXT,PTRACE_SETREGS) and evt.rawres>=0",
	"evt.arg.request!=PTRACE_ATTACH",
	"not evt.arg.request in (PTRACE_ATTACH,PTRACE_SEIZE)",
	"evt.arg.request contains POKE",
	"evt.arg.request startswith 77",
	"evt.arg.request glob PTRACE_*",
	"evt.rawarg.request=777",
	"evt.arg.request=777",
	"evt.arg.request exists and evt.arg.request endswith 8",
	"evt.rawarg.request>100",
	"evt.arg.domain contains AF_PACKET",
	"evt.arg.domain=AF_INET and evt.arg.type=2",
	"evt.arg.cmd=5 or evt.arg.cmd=BPF_PROG_LOAD",
	"evt.arg.request icontains seize",
};
static const uint32_t values[] = { 0,  1,  2,  4,      5,      13,  16,	 17,	10,	   3,
				   77, 78, 42, 0x4200, 0x4206, 777, 778, 77777, UINT32_MAX };

static void way_arg(struct arena *a, uint16_t nr, uint32_t value, struct way *w)
{
	static const struct event_host host;
	struct decode_stats st = { 0 };

	memset(w, 0, sizeof(*w));
	w->rec.nr = nr;
	w->rec.args[0] = value;
	w->rec.args[1] = 2;
	w->rec.hdr = (struct rec_hdr){ .len = sizeof(w->rec), .type = REC_SYSCALL };
	assert_int_equal(decode_record(&w->rec.hdr, &host, a, &st, &w->ev), 1);
	w->proc = (struct proc){ .program = &w->program, .cgroup = &w->cgroup };
	w->ev.proc = &w->proc;
	w->ev.host = &host;
}

static const struct filter_call *filter_of(const struct call_masks *m, uint32_t nr)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->call[i].nr == nr)
			return &m->call[i].filter;
	fail();
	return NULL;
}

static uint64_t arg_mask(const struct call_masks *m, uint32_t nr, uint32_t value)
{
	const struct filter_call *f = filter_of(m, nr);

	if (f->arg == CALL_NO_ARG)
		return ~0ull;
	assert_int_equal(f->arg, 0);
	for (size_t i = 0; i < m->narg; i++)
		if (m->arg[i].nr == nr && m->arg[i].value == value)
			return m->arg[i].mask;
	return f->arg_other;
}

static void test_args(void **state)
{
	static const uint16_t nrs[] = { __NR_ptrace, __NR_socket, __NR_bpf, __NR_process_vm_readv };
	size_t matched = 0, held = 0;
	struct call_masks *m;
	struct room r;

	(void)state;
	room_open(&r, args_where, N(args_where));
	m = calls_judge(r.list, r.n, (1ull << r.n) - 1);
	assert_non_null(m);
	assert_ptr_equal(field_arena(), &r.arena);
	for (size_t i = 0; i < N(nrs) * N(values); i++) {
		uint16_t nr = nrs[i % N(nrs)];
		uint32_t value = values[i / N(nrs)];
		struct way w;

		way_arg(&r.arena, nr, value, &w);
		for (size_t at = 0; at < r.n; at++) {
			bool match = (r.q[at].kinds & KIND_BIT(w.ev.kind->id)) &&
				     expr_match(r.q[at].where, &w.ev);
			bool passes = arg_mask(m, nr, value) & 1ull << at;

			if (match && !passes)
				fail_msg("%s: %u of %u is held back", args_where[at], value, nr);
			matched += match;
			held += !match && !passes;
		}
		arena_reset(&r.arena);
	}
	assert_true(matched > 50 && held > 100);
	assert_false(arg_mask(m, __NR_ptrace, 3) & 1);	     /* PTRACE_PEEKUSR */
	assert_false(arg_mask(m, __NR_ptrace, 99999) & 1);   /* no name */
	assert_false(arg_mask(m, __NR_socket, 2) & 1 << 11); /* AF_INET */
	assert_true(arg_mask(m, __NR_socket, 17) & 1 << 11); /* AF_PACKET */
	assert_true(arg_mask(m, __NR_bpf, 5) & 1 << 13);
	free(m);
	room_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_ends_many),
		cmocka_unit_test(test_args),
	};

	return cmocka_run_group_tests_name("pushdown ends", tests, NULL, NULL);
}
