/*
 * Watches only note what came (a watch must not free another's client within one wait); all work is
 * done in control_turn, between batches: requests, sending, ends. Sending is tried at each turn, so
 * a slow client costs one system call a turn.
 *
 *   client:  request -> reply_begin -> [streaming -> stopping] -> ending (all sent, or too late) -> freed
 */
#include "agent/control.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/lock.h"
#include "agent/session.h"
#include "api/question.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "decode/streams.h"

#define RECV_BYTES   4096
#define END_BYTES    (64u << 10)	/* beyond the buffer's maximum, for the last line */
#define END_NS	     (2 * NS_PER_SEC)	/* for a client to take some of what waits for it */
#define END_MOST_NS  (30 * NS_PER_SEC)	/* and all of it */
#define PAGE_ROWS    300		/* of a page: its terminal shows as many as it has */
#define STOP_HOLD_NS (3 * LIVE_HOLD_NS) /* so that what happened before the stop is sent */
#define STOP_MOST_NS (NS_PER_SEC / 2)
#define ACCEPT_AGAIN NS_PER_SEC	  /* after descriptors ran out */
#define KEEP_BYTES   (256u << 10) /* of an empty buffer */

struct control_client {
	struct control *control;
	struct session_watch watch; /* fd -1: gone */
	struct buf in;
	struct view view; /* the sink's buffer is for all that is sent */
	size_t sent;
	uint64_t since_ns;
	uint64_t stop_ns; /* no more is wanted since then */
	uint64_t end_ns;  /* the last line is in the buffer since then */
	uint64_t sent_ns; /* it took something */
	bool watched, asked, streaming, pages;
	struct kind_stats before[KIND_COUNT];
	struct streams_stats before_requests;
};

struct control {
	struct session *session;
	struct control_host host;
	struct session_watch watch;
	bool watched;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
	struct control_client *clients[CONTROL_CLIENTS];
	uint64_t accept_after_ns, lost;
	uint64_t records; /* of the pipeline, at the last turn */
	bool idle;	  /* the source had nothing more at the last turn */
};

static uint64_t now_ns(void)
{
	return clock_boot().ns;
}

/* --- what is sent --- */

static void client_lost(struct control_client *c)
{
	if (c->watched)
		session_unwatch(c->control->session, &c->watch);
	c->watched = false;
	closep(&c->watch.fd);
	c->watch.fd = -1;
}

static void client_flush(struct control_client *c)
{
	struct buf *b = &c->view.sink.buf;

	while (c->watch.fd >= 0 && c->sent < b->n) {
		ssize_t n = send(c->watch.fd, b->p + c->sent, b->n - c->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			c->sent += (size_t)n;
			c->sent_ns = now_ns();
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			client_lost(c);
		}
	}
	if (c->sent == b->n) {
		if (b->cap > KEEP_BYTES)
			*b = (buf_free(b), (struct buf){ .max = b->max });
		buf_reset(b);
		c->sent = 0;
	} else if (c->sent > b->n / 2) {
		memmove(b->p, b->p + c->sent, b->n - c->sent);
		b->n -= c->sent;
		c->sent = 0;
	}
}

static void client_end(struct control_client *c)
{
	if (!c->end_ns)
		c->end_ns = now_ns();
}

static void client_refuse(struct control_client *c, struct str why, bool alone)
{
	c->view.sink.buf.max = CONTROL_BUFFER;
	reply_error(why, alone, &c->view.sink.buf);
	client_end(c);
}

static void text_item(struct buf *b, struct str text)
{
	if (b->n && b->p[b->n - 1] != '[')
		buf_char(b, ',');
	json_str(b, text);
}

static uint64_t loss_item(void *ctx, uint64_t n, const char *what, const char *reason)
{
	struct buf *b = ctx;
	char text[160];

	if (n) {
		snprintf(text, sizeof(text), "lost %llu %s: %s", (unsigned long long)n, what, reason);
		text_item(b, str_of(text));
	}
	return n;
}

/* What this client lost since it came: in the kernel, of its kinds, and for its own slowness. */
static uint64_t client_losses(struct control_client *c, struct buf *b)
{
	struct kind_stats now[KIND_COUNT];
	uint64_t lost =
		loss_item(b, c->view.sink.lost, "lines",
			  "the agent's buffer for this client was full (it reads too slowly)");

	if (source_stats(c->control->session->source, now) != 0)
		return lost;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		char what[64];

		if (!(c->view.sink.query.kinds & KIND_BIT(k)))
			continue;
		snprintf(what, sizeof(what), "%s events", kind_table[k].name.p);
		lost += loss_item(b, now[k].ring_full - c->before[k].ring_full, what,
				  "ring full (the reader was too slow)");
		loss_item(b, now[k].map_full - c->before[k].map_full, what, "kernel table full");
	}
	if (c->view.sink.query.kinds & KIND_BIT(KIND_REQUEST))
		requests_losses(&c->control->session->pipeline.requests, &c->before_requests,
				loss_item, b);
	return lost;
}

/* What is no line: a mark that says how long it is, then it. */
static void text_put(struct control_client *c, const char *what, struct str text)
{
	struct buf *b = &c->view.sink.buf;

	b->max = CONTROL_BUFFER + REQUEST_TEXT_MAX + END_BYTES;
	buf_printf(b, "%c{\"%s\":%zu}\n", REQUEST_TEXT_MARK, what, text.n);
	buf_str(b, text);
}

/* A page when the one before has gone out: who is slow sees fewer. */
static void page_turn(struct control_client *c)
{
	_cleanup_(buf_free) struct buf page = { .max = REQUEST_TEXT_MAX };

	if (c->pages && !c->stop_ns && !c->view.sink.buf.n &&
	    view_page(&c->view, PAGE_ROWS, false, &page) && page.n && !page.failed)
		text_put(c, "page", buf_slice(&page));
}

/* Appends the report; a reason when there is none of it. */
static const char *report_put(struct control_client *c, uint64_t lost)
{
	_cleanup_(buf_free) struct buf report = { .max = REQUEST_TEXT_MAX };

	if (!view_reports(&c->view))
		return NULL;
	if (view_report(&c->view, c->control->session, lost, &report) != 0)
		return "no memory in the agent";
	if (report.failed)
		return "the answer is longer than the agent sends: ask for less, or with --alone";
	if (report.n)
		text_put(c, "report", buf_slice(&report));
	return NULL;
}

static void stream_end(struct control_client *c, const char *reason)
{
	_cleanup_(buf_free) struct buf losses = { 0 };
	struct buf *b = &c->view.sink.buf;
	uint64_t lost, matched = c->view.sink.subscription.matched;
	const char *failed;

	if (c->end_ns)
		return;
	lost = client_losses(c, &losses);
	failed = report_put(c, lost);
	if (c->view.sink.count && matched > c->view.sink.count)
		matched = c->view.sink.count; /* those behind the last one wanted came in the same batch */
	b->max = CONTROL_BUFFER + REQUEST_TEXT_MAX + END_BYTES;
	buf_printf(b, "%c{\"end\":\"%s\",\"matched\":%llu,\"lost\":%llu,\"losses\":[",
		   REQUEST_END_MARK, failed ? "failed" : reason, (unsigned long long)matched,
		   (unsigned long long)lost);
	buf_str(b, buf_slice(&losses));
	buf_char(b, ']');
	if (failed) {
		json_key(b, STR("error"));
		json_str(b, str_of(failed));
	}
	buf_str(b, STR("}\n"));
	client_end(c);
}

/* --- who wants what --- */

uint64_t control_kinds(const struct control *s)
{
	uint64_t kinds = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (s->clients[i] && s->clients[i]->streaming)
			kinds |= s->clients[i]->view.sink.query.kinds;
	return kinds;
}

static int wanted_tell(struct control *s)
{
	const struct query *list[CONTROL_CLIENTS];
	size_t n = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (s->clients[i] && s->clients[i]->streaming)
			list[n++] = &s->clients[i]->view.sink.query;
	return s->host.wanted(s->host.ctx, control_kinds(s), list, n);
}

static void stream_stop(struct control_client *c)
{
	if (!c->streaming)
		return;
	view_end(&c->view, c->control->session);
	c->streaming = false;
	c->control->lost += c->view.sink.lost;
	if (wanted_tell(c->control) != 0)
		log_warn("control socket: the kernel keeps sending what a client no longer wants");
}

static void client_free(struct control_client *c)
{
	stream_stop(c);
	client_lost(c);
	if (c->view.kind)
		view_free(&c->view);
	buf_free(&c->view.sink.buf);
	buf_free(&c->in);
	free(c);
}

/* --- requests --- */

/* The probes of @wanted that are not as they should be; false when none of the kinds can come. */
static bool warnings_put(const struct loader *l, uint64_t wanted, struct buf *b)
{
	uint64_t got = 0;

	for (size_t i = 0; i < probes_n; i++) {
		const struct loaded *p = &l->probes[i];
		char text[400];

		if (p->state == PROBE_ON || p->state == PROBE_DEGRADED)
			got |= p->kinds;
		if (!(p->probe->kinds & wanted) ||
		    (p->state != PROBE_DEGRADED && p->state != PROBE_UNAVAILABLE))
			continue;
		snprintf(text, sizeof(text), "%s is %s: %s", p->probe->name,
			 p->state == PROBE_DEGRADED ? "degraded" : "unavailable", p->why);
		text_item(b, str_of(text));
	}
	return (wanted & got) || !wanted;
}

static int stream_begin(struct control_client *c, const struct question *r, struct buf *why)
{
	struct session *s = c->control->session;
	int err = view_make(r, &c->view, why);

	if (err)
		return err;
	c->view.sink.buf.max = CONTROL_BUFFER;
	if (source_stats(s->source, c->before) != 0)
		memset(c->before, 0, sizeof(c->before));
	requests_stats(&s->pipeline.requests, &c->before_requests);
	view_begin(&c->view, s);
	c->streaming = true;
	c->pages = r->pages;
	err = wanted_tell(c->control);
	if (err) {
		buf_printf(why, "cannot watch: %s", strerror(-err));
		stream_stop(c);
	}
	return err;
}

static int view_answer(struct control_client *c, const struct question *r, struct buf *why)
{
	_cleanup_(buf_free) struct buf warnings = { 0 };
	struct session *s = c->control->session;
	const char *lacks = view_lacks(s, r);
	int err;

	if (lacks) {
		client_refuse(c, str_of(lacks), true);
		return 0;
	}
	err = stream_begin(c, r, why);
	if (err)
		return err;
	if (s->live && !warnings_put(live_loader(s->source), c->view.sink.query.kinds, &warnings)) {
		stream_stop(c);
		buf_printf(why, "cannot watch: %.*s", STR_ARG(buf_slice(&warnings)));
		return -ENOTSUP;
	}
	buf_printf(&c->view.sink.buf, "{\"ok\":true,\"pid\":%d,\"warnings\":[", (int)getpid());
	buf_str(&c->view.sink.buf, buf_slice(&warnings));
	buf_str(&c->view.sink.buf, STR("]}\n"));
	return 0;
}

static int status_answer(struct control_client *c, const struct question *r, struct buf *why)
{
	(void)r;
	(void)why;
	c->view.sink.buf.max = CONTROL_BUFFER;
	c->control->host.status(c->control->host.ctx, &c->view.sink.buf);
	buf_char(&c->view.sink.buf, '\n');
	client_end(c);
	return 0;
}

static void request_answer(struct control_client *c, struct str line)
{
	_cleanup_(question_free) struct question r = { 0 };
	_cleanup_(buf_free) struct buf why = { 0 };
	int err = question_parse(line, &r, &why);

	c->asked = true;
	if (!err)
		err = (strcmp(r.cmd, "status") == 0 ? status_answer : view_answer)(c, &r, &why);
	buf_free(&c->in);
	if (!err)
		return;
	if (!why.n)
		buf_str(&why, str_of(strerror(-err)));
	client_refuse(c, buf_slice(&why), false);
}

/* --- the loop's side --- */

/* No more comes from this client. What it asked for is answered all the same. */
static void client_hush(struct control_client *c)
{
	session_unwatch(c->control->session, &c->watch);
	c->watched = false;
	c->stop_ns = now_ns();
}

static void client_ready(struct session_watch *w)
{
	struct control_client *c = w->ctx;
	char bytes[RECV_BYTES];
	ssize_t n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (n > 0 && c->asked))
		client_lost(c); /* gone, or speaks when it should listen */
	else if (n == 0)
		client_hush(c);
	else
		buf_add(&c->in, bytes, (size_t)n);
}

/* It has all, or takes too long. */
static bool client_late(const struct control_client *c)
{
	uint64_t now = now_ns(), since = c->sent_ns > c->end_ns ? c->sent_ns : c->end_ns;

	return c->view.sink.buf.n == 0 || now - since > END_NS || now - c->end_ns > END_MOST_NS;
}

static void client_turn(struct control_client *c)
{
	uint64_t now = now_ns();
	char *end = !c->asked && c->in.n ? memchr(c->in.p, '\n', c->in.n) : NULL;

	if (!c->asked && !c->end_ns) {
		if (c->in.failed)
			client_refuse(c, STR("request: too long"), false);
		else if (end)
			request_answer(c, (struct str){ c->in.p, (size_t)(end - c->in.p) });
		else if (c->stop_ns || now - c->since_ns > CONTROL_PATIENCE_NS)
			client_lost(c);
	}
	if (c->streaming && c->view.sink.done)
		stream_end(c, "count");
	else if (c->streaming && c->stop_ns &&
		 ((c->control->idle && now - c->stop_ns > STOP_HOLD_NS) ||
		  now - c->stop_ns > STOP_MOST_NS))
		stream_end(c, "stopped");
	if (c->end_ns)
		stream_stop(c);
	else if (c->streaming)
		page_turn(c);
	client_flush(c);
	if (c->end_ns && client_late(c))
		client_lost(c);
}

/* Where there is room for one more, or NULL. */
static struct control_client **client_place(struct control *s)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (!s->clients[i])
			return &s->clients[i];
	return NULL;
}

static void client_turn_away(int fd)
{
	static const char text[] = "{\"error\":\"too many clients\"}\n";

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* then it learns by the close */
}

static void client_accept(struct control *s, int fd)
{
	struct control_client **place = client_place(s), *c;
	int bytes = CONTROL_SOCKET_BYTES;

	c = place ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		client_turn_away(fd);
		close(fd);
		return;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	*c = (struct control_client){
		.control = s,
		.watch = { fd, client_ready, c },
		.in.max = REQUEST_BYTES_MAX,
		.since_ns = now_ns(),
	};
	c->watched = session_watch(s->session, &c->watch) == 0;
	if (!c->watched)
		client_lost(c);
	*place = c;
}

static void listen_ready(struct session_watch *w)
{
	struct control *s = w->ctx;

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_accept(s, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Else it would be ready again at once, and for ever. */
		log_warn("control socket: %s; it rests for a second", strerror(errno));
		session_unwatch(s->session, w);
		s->watched = false;
		s->accept_after_ns = now_ns() + ACCEPT_AGAIN;
		return;
	}
}

void control_turn(struct control *s)
{
	uint64_t records = s->session->pipeline.records;

	s->idle = records == s->records;
	s->records = records;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *c = s->clients[i];

		if (!c)
			continue;
		if (c->watch.fd >= 0)
			client_turn(c);
		if (c->watch.fd < 0) {
			client_free(c);
			s->clients[i] = NULL;
		}
	}
	if (!s->watched && now_ns() > s->accept_after_ns)
		s->watched = session_watch(s->session, &s->watch) == 0;
}

void control_counts(const struct control *s, uint64_t *ret_clients, uint64_t *ret_lost)
{
	uint64_t clients = 0, lost = s->lost;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (s->clients[i] && s->clients[i]->streaming) {
			clients++;
			lost += s->clients[i]->view.sink.lost;
		}
	*ret_clients = clients;
	*ret_lost = lost;
}

/* --- beginning and end --- */

/* A socket of that name is removed when nobody listens there. */
static int path_clear(const struct sockaddr_un *at)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	return unlink(at->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int socket_open(const char *path, int *ret_fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	err = lock_folder(path);
	if (!err)
		err = path_clear(&at);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The file gets this mode at once: there is no moment in which others may connect. */
	if (fd < 0 || fchmod(fd, 0600) != 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, SOMAXCONN) != 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int control_start(struct session *session, const char *path, const struct control_host *host,
		  struct control **ret, struct buf *why)
{
	_cleanup_(freep) struct control *s = calloc(1, sizeof(*s));
	_cleanup_(closep) int fd = -1;
	struct stat st;
	int err = s ? socket_open(path, &fd) : -ENOMEM;

	if (!err && stat(path, &st) != 0)
		err = -errno;
	if (err) {
		buf_printf(why, "control socket %s: %s", path,
			   err == -EEXIST ? "this is a file, not a socket" : strerror(-err));
		return err;
	}
	s->session = session;
	s->host = *host;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	memcpy(s->path, path, strlen(path));
	s->watch = (struct session_watch){ fd, listen_ready, s };
	err = session_watch(session, &s->watch);
	if (err)
		return err;
	s->watched = true;
	take_fd(&fd);
	*ret = take_ptr(s);
	return 0;
}

/* Waits until the client takes more, or it is too late. */
static void goodbye(struct control_client *c, uint64_t until_ns)
{
	client_flush(c);
	while (c->watch.fd >= 0 && c->view.sink.buf.n && now_ns() < until_ns) {
		struct pollfd p = { .fd = c->watch.fd, .events = POLLOUT };

		poll(&p, 1, (int)((until_ns - now_ns()) / NS_PER_MS) + 1);
		client_flush(c);
	}
}

void control_stop(struct control *s)
{
	uint64_t until_ns = now_ns() + CONTROL_GOODBYE_MS * NS_PER_MS;
	struct stat st;

	if (!s)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (!s->clients[i])
			continue;
		if (s->clients[i]->streaming)
			stream_end(s->clients[i], "agent");
		goodbye(s->clients[i], until_ns);
		client_free(s->clients[i]);
		s->clients[i] = NULL;
	}
	if (s->watched)
		session_unwatch(s->session, &s->watch);
	closep(&s->watch.fd);
	if (stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	free(s);
}
