/* One function a record type, in a table at the end. */
#include "agent/watching_take.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "event/request.h"
#include "probe/calls/calls.h"
#include "probe/oom/oom.h"
#include "probe/probe.h"
#include "probe/sched/sched.h"
#include "probe/signal/signal.h"
#include "probe/sys_record.h"
#include "probe/tcp/tcp.h"
#include "proto/dns/dns.h"

#define DNS_PORT	  53
#define TCP_ESTABLISHED_V 1
#define TCP_SYN_SENT_V	  2
#define TCP_CLOSE_V	  7

/* --- who ------------------------------------------------------------------------------------------- */

struct str watching_where(struct sums *s, const struct cgroup *cg)
{
	char text[512];

	if (!cg)
		return STR_NONE;
	if (cg->pod && cg->pod->name.n)
		snprintf(text, sizeof(text), "pod %.*s/%.*s", STR_ARG(cg->pod->ns),
			 STR_ARG(cg->pod->name));
	else if (cg->container)
		snprintf(text, sizeof(text), "container %.*s",
			 STR_ARG(cg->container->name.n ? cg->container->name : cg->container->id12));
	else if (cg->pod)
		snprintf(text, sizeof(text), "pod %.*s", STR_ARG(cg->pod->uid));
	else if (cg->unit.n)
		snprintf(text, sizeof(text), "%.*s", STR_ARG(cg->unit));
	else
		return STR_NONE;
	return sums_text(s, str_of(text));
}

static struct watch_who who_of(struct sums *s, const struct event *ev)
{
	return (struct watch_who){
		.pid = ev->hdr->pid,
		.comm = sums_text(s, str_fixed(ev->hdr->comm, sizeof(ev->hdr->comm))),
		.where = watching_where(s, ev->proc->cgroup),
	};
}

/* The row of the event's process; who it is is filled in when it is new. */
static struct sum *row(struct sums *s, const struct event *ev, enum sum_sort sort, uint64_t a,
		       uint64_t b)
{
	struct sum *r = sum_at(s, sort, ev->hdr->pid, a, b);

	if (r && !r->who.pid)
		r->who = who_of(s, ev);
	return r;
}

/* --- the scheduler --------------------------------------------------------------------------------- */

static void times_take(struct sums *s, const struct event *ev)
{
	const struct rec_sched_times *t = ev->body;
	struct sum *r = row(s, ev, SUM_THREAD, ev->hdr->tid, ev->hdr->start_ns);
	uint64_t *second;

	if (!r)
		return;
	r->who.tid = ev->hdr->tid;
	r->who.comm = sums_text(s, str_fixed(t->comm, sizeof(t->comm)));
	second = sums_second(s, ev->time);
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++) {
		/* A wait may move from one state to another when it ends: that is no negative time. */
		if (second && t->ns[i] > r->v[i])
			second[i] += t->ns[i] - r->v[i];
		r->v[i] = t->ns[i];
	}
	r->v[THREAD_V_SWITCHES] = t->voluntary;
	r->v[THREAD_V_PREEMPTED] = t->involuntary;
	r->v[THREAD_V_WAKEUPS] = t->wakeups;
}

static void wait_add(struct sum *r, uint64_t ns)
{
	if (!r)
		return;
	r->v[WAIT_V_NS] += ns;
	r->v[WAIT_V_N]++;
}

static void lock_take(struct sums *s, const struct event *ev, const struct rec_offcpu *o)
{
	struct sum *waker;

	if (!o->uaddr)
		return;
	wait_add(row(s, ev, SUM_LOCK, o->uaddr, 0), o->weight_ns);
	wait_add(row(s, ev, SUM_WAITER, o->uaddr, ev->hdr->tid), o->weight_ns);
	if (!o->waker_tid)
		return;
	waker = row(s, ev, SUM_WAKER, o->uaddr, o->waker_tid);
	wait_add(waker, o->weight_ns);
	if (waker) {
		waker->who.pid = o->waker_pid;
		waker->who.tid = o->waker_tid;
		waker->who.comm = sums_text(s, str_fixed(o->waker_comm, sizeof(o->waker_comm)));
	}
}

static uint64_t address_word(const struct rec_sock *k)
{
	uint64_t w[2];

	memcpy(w, k->remote, sizeof(w));
	return hash_u64(w[0]) ^ w[1];
}

static struct sum *peer_row(struct sums *s, const struct event *ev, const struct rec_sock *k)
{
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	struct sum *r;

	if ((k->family != AF_INET && k->family != AF_INET6) || !k->rport)
		return NULL;
	r = row(s, ev, SUM_PEER, address_word(k), k->rport);
	if (!r || r->text.n)
		return r;
	if (!inet_ntop(k->family, k->remote, ip, sizeof(ip)))
		return r;
	snprintf(text, sizeof(text), k->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, k->rport);
	r->text = sums_text(s, str_of(text));
	r->v[PEER_V_LPORT] = k->lport;
	return r;
}

static void file_take(struct sums *s, const struct event *ev, const struct rec_offcpu *o)
{
	struct str walk = rec_piece(o, ev->hdr->len, o->file), path;
	struct sum *r;

	if (!walk.n)
		return;
	path = sums_text(s, walk_to_path(field_arena(), walk));
	r = row(s, ev, SUM_FILE, (uint64_t)(uintptr_t)path.p, 0);
	if (r)
		r->text = path;
	wait_add(r, o->weight_ns);
}

static void offcpu_take(struct sums *s, const struct event *ev)
{
	const struct rec_offcpu *o = ev->body;
	struct sum *peer;

	if (o->state == SCHED_LOCK)
		lock_take(s, ev, o);
	if (o->state == SCHED_DISK)
		file_take(s, ev, o);
	if (o->state != SCHED_NETWORK && o->state != SCHED_POLL)
		return;
	peer = o->sock.family ? peer_row(s, ev, &o->sock) : NULL;
	if (peer) {
		peer->v[PEER_V_NS] += o->weight_ns;
		peer->v[PEER_V_N]++;
	}
}

static void taken_take(struct sums *s, const struct event *ev)
{
	const struct rec_sched_taken *t = ev->body;
	struct sum *r = sum_at(s, SUM_RIVAL, ev->hdr->pid, t->waiting, ev->hdr->start_ns);

	if (!r)
		return;
	r->who = who_of(s, ev);
	r->v[WAIT_V_NS] = t->ns;
	r->v[WAIT_V_N] = t->n;
}

/* --- system calls ---------------------------------------------------------------------------------- */

static void calls_take(struct sums *s, const struct event *ev)
{
	const struct rec_calls *c = ev->body;
	struct sum *r = row(s, ev, SUM_CALL, c->nr, c->error);

	if (!r)
		return;
	r->v[CALL_V_COUNT] = c->count;
	r->v[CALL_V_BYTES] = c->bytes;
}

static void io_take(struct sums *s, const struct event *ev)
{
	const struct rec_calls_io *c = ev->body;
	struct sum *r = row(s, ev, SUM_IO, (uint32_t)c->fd, c->writes);
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!r)
		return;
	r->v[IO_V_CALLS] = c->calls;
	r->v[IO_V_BYTES] = c->bytes;
	r->v[IO_V_MODE] = c->mode;
	r->v[IO_V_FLAGS] = c->flags;
	if (r->text.n)
		return;
	snprintf(link, sizeof(link), "/proc/%u/fd/%d", ev->hdr->pid, c->fd);
	n = readlink(link, path, sizeof(path));
	if (n > 0)
		r->text = sums_text(s, (struct str){ path, (size_t)n });
}

/* --- DNS ------------------------------------------------------------------------------------------- */

static void dns_asked(struct sums *s, const struct event *ev, const struct dns_message *h,
		      uint16_t lport, struct sum *name)
{
	struct sum *q = row(s, ev, SUM_QUESTION, (uint64_t)lport << 32 | h->id, h->type);

	/* The same question again is the same question: the first one's time counts. */
	if (!q || q->v[WAIT_V_N])
		return;
	name->v[NAME_V_ASKED]++;
	q->v[WAIT_V_NS] = ev->time.ns;
	q->v[WAIT_V_N] = 1;
}

static void dns_answered(struct sums *s, const struct event *ev, const struct dns_message *h,
			 uint16_t lport, struct sum *name)
{
	struct sum *q = row(s, ev, SUM_QUESTION, (uint64_t)lport << 32 | h->id, h->type);
	const char *rcode = dns_rcode_name(h->rcode);
	uint64_t ns;

	if (!q || !q->v[WAIT_V_N])
		return;
	ns = ev->time.ns > q->v[WAIT_V_NS] ? ev->time.ns - q->v[WAIT_V_NS] : 0;
	q->v[WAIT_V_N] = 0;
	name->v[NAME_V_ANSWERED]++;
	name->v[NAME_V_NS] += ns;
	if (ns > name->v[NAME_V_WORST])
		name->v[NAME_V_WORST] = ns;
	if (h->rcode) {
		name->v[NAME_V_FAILED]++;
		name->more = sums_text(s, str_of(rcode ? rcode : "error"));
	}
}

static void message_take(struct sums *s, const struct event *ev)
{
	const struct rec_syscall *r = ev->body;
	struct str data = rec_piece(r, ev->hdr->len, r->piece[SYS_DATA]);
	struct str text;
	struct dns_message h;
	struct sum *name;

	if ((ev->kind->id != KIND_SEND && ev->kind->id != KIND_RECV) || r->ret <= 0 ||
	    (ev->fd.conn.rport != DNS_PORT && ev->fd.conn.rport) || !dns_read(data, &h) ||
	    h.questions != 1)
		return;
	text = sums_text(s, str_of(h.name));
	name = row(s, ev, SUM_NAME, (uint64_t)(uintptr_t)text.p, 0);
	if (!name)
		return;
	name->text = text;
	if (h.answer)
		dns_answered(s, ev, &h, r->sock.lport, name);
	else
		dns_asked(s, ev, &h, r->sock.lport, name);
}

/* Failed calls that name a path: which. */
static void failed_take(struct sums *s, const struct event *ev, const struct rec_syscall *r)
{
	struct str path = ev->fd.name.n ? ev->fd.name : ev->fd.nameraw;
	struct sum *row_;

	if (!path.n)
		return;
	path = sums_text(s, path);
	row_ = row(s, ev, SUM_FAILED, (uint64_t)r->nr << 32 | (uint32_t)-r->ret,
		   (uint64_t)(uintptr_t)path.p);
	if (!row_)
		return;
	row_->text = path;
	row_->v[WAIT_V_N]++;
}

static void syscall_take(struct sums *s, const struct event *ev)
{
	const struct rec_syscall *r = ev->body;

	message_take(s, ev);
	if (ev->kind->id == KIND_OPEN && r->ret < 0)
		failed_take(s, ev, r);
}

/* --- connections ----------------------------------------------------------------------------------- */

static void tcp_take(struct sums *s, const struct event *ev)
{
	const struct rec_tcp *t = ev->body;
	struct sum *r = peer_row(s, ev, &t->sock);

	if (!r)
		return;
	r->flag |= t->role == TCP_ROLE_SERVER;
	if (t->srtt_us)
		r->v[PEER_V_RTT_NS] = t->srtt_us * 1000ull;
	if (t->new_state == TCP_ESTABLISHED_V && t->old_state == TCP_SYN_SENT_V) {
		r->v[PEER_V_CONNECTS]++;
		r->v[PEER_V_CONNECT_NS] += t->duration_ns;
	}
	if (t->new_state != TCP_CLOSE_V)
		return;
	r->v[PEER_V_RETRANSMITS] += t->retransmits;
	r->v[PEER_V_SEGMENTS] += t->segs_out;
	if (t->old_state == TCP_SYN_SENT_V) {
		r->v[PEER_V_FAILS]++;
		r->v[PEER_V_ERROR] = (uint64_t)(t->error > 0 ? t->error : ECONNREFUSED);
	} else if (t->error == ECONNRESET || t->error == EPIPE) {
		r->v[PEER_V_RESETS]++;
	}
}

/* --- requests --------------------------------------------------------------------------------------- */

/* The ends as the kernel has them: rows of peers are found by that. */
static struct rec_sock sock_of(const struct conn *c)
{
	struct rec_sock k = { .family = c->remote.len == 4 ? AF_INET : AF_INET6,
			      .lport = c->lport,
			      .rport = c->rport };

	memcpy(k.local, c->local.b, sizeof(k.local));
	memcpy(k.remote, c->remote.b, sizeof(k.remote));
	return k;
}

static bool told(const struct request *r)
{
	return !(r->flags & (REQ_ONEWAY | REQ_STREAM | REQ_LOST));
}

static void request_add(struct sum *row_, struct sums *s, const struct request *r)
{
	uint64_t ns = request_latency_ns(r);

	if (r->flags & REQ_UNANSWERED) {
		row_->v[REQUEST_V_UNANSWERED]++;
		return;
	}
	row_->v[REQUEST_V_COUNT]++;
	row_->v[REQUEST_V_NS] += ns;
	if (ns > row_->v[REQUEST_V_WORST])
		row_->v[REQUEST_V_WORST] = ns;
	if (r->ok == REQ_OK_NO) {
		row_->v[REQUEST_V_FAILED]++;
		row_->more = sums_text(s, r->status);
	}
}

/* As a row of its route, and, where it asked, as a row of its peer. */
static void request_take(struct sums *s, const struct event *ev)
{
	const struct request *r = ev->body;
	const bool asked = ev->fd.conn.is_server == 0;
	struct rec_sock k = sock_of(&ev->fd.conn);
	struct sum *peer = asked ? peer_row(s, ev, &k) : NULL, *route;
	char text[256];
	struct str name;

	if (ev->kind->id != KIND_REQUEST || !told(r) || ev->fd.conn.is_server < 0)
		return;
	if (peer && !(r->flags & REQ_UNANSWERED)) {
		peer->v[PEER_V_ASKED]++;
		peer->v[PEER_V_ASKED_NS] += request_latency_ns(r);
	}
	snprintf(text, sizeof(text), "%.*s %.*s %.*s", STR_ARG(r->protocol), STR_ARG(r->method),
		 STR_ARG(r->route.n ? r->route : r->resource));
	name = sums_text(s, str_of(text));
	route = row(s, ev, SUM_REQUEST, (uint64_t)(uintptr_t)name.p,
		    asked ? address_word(&k) ^ k.rport : 0);
	if (!route)
		return;
	route->text = name;
	if (peer)
		route->peer = peer->text;
	request_add(route, s, r);
}

/* --- processes and signals ------------------------------------------------------------------------- */

static void exec_take(struct sums *s, const struct event *ev)
{
	const struct proc *parent = ev->proc->parent;
	struct str program = sums_text(s, ev->proc->program->exepath.n ? ev->proc->program->exepath :
									 ev->proc->program->comm);
	struct sum *r;

	if (ev->ret < 0 || !parent)
		return;
	r = sum_at(s, SUM_EXEC, parent->pid, (uint64_t)(uintptr_t)program.p, 0);
	if (!r)
		return;
	r->text = program;
	r->who = (struct watch_who){ .pid = parent->pid,
				     .comm = sums_text(s, str_fixed(parent->comm,
								    sizeof(parent->comm))),
				     .where = watching_where(s, parent->cgroup) };
	r->v[EXEC_V_STARTED]++;
}

static void exit_take(struct sums *s, const struct event *ev)
{
	const struct proc *p = ev->proc, *parent = p->parent;
	struct str program =
		sums_text(s, p->program->exepath.n ? p->program->exepath : p->program->comm);
	struct sum *r =
		parent ? sum_find(s, SUM_EXEC, parent->pid, (uint64_t)(uintptr_t)program.p, 0) : NULL;

	if (!r || !p->start.ns || ev->time.ns < p->start.ns)
		return;
	r->v[EXEC_V_ENDED]++;
	r->v[EXEC_V_LIFE] += ev->time.ns - p->start.ns;
}

static void signal_take(struct sums *s, const struct event *ev)
{
	const struct rec_signal *g = ev->body;
	struct sum *r = sum_at(s, SUM_SIGNAL, g->target_pid, (uint64_t)g->number, ev->hdr->pid);
	char text[32];

	if (!r)
		return;
	r->v[WAIT_V_N]++;
	if (r->text.n)
		return;
	if (g->number < 32 && sigabbrev_np(g->number))
		snprintf(text, sizeof(text), "SIG%s", sigabbrev_np(g->number));
	else
		snprintf(text, sizeof(text), "signal %d", g->number);
	r->text = sums_text(s, str_of(text));
	r->more = sums_text(s, str_fixed(g->target_comm, sizeof(g->target_comm)));
	r->who = who_of(s, ev);
}

typedef void (*take)(struct sums *s, const struct event *ev);

static const take of_target[REC_TYPE_COUNT] = {
	[REC_SCHED_TIMES] = times_take, [REC_OFFCPU] = offcpu_take,   [REC_CALLS] = calls_take,
	[REC_CALLS_IO] = io_take,	[REC_SYSCALL] = syscall_take, [REC_TCP] = tcp_take,
	[REC_EXEC] = exec_take,		[REC_EXIT] = exit_take,	      [REC_STREAM] = request_take,
};

static const take of_any[REC_TYPE_COUNT] = {
	[REC_SCHED_TAKEN] = taken_take,
	[REC_SIGNAL] = signal_take,
};

void watching_take(struct sums *s, const struct event *ev)
{
	if (of_target[ev->hdr->type])
		of_target[ev->hdr->type](s, ev);
}

void watching_take_any(struct sums *s, const struct event *ev)
{
	if (of_any[ev->hdr->type])
		of_any[ev->hdr->type](s, ev);
}
