/*
 * The control socket with the real client, over a session whose source is this test's: it hands out
 * as many module records as it is told, so that nothing here needs a kernel's leave.
 */
#include "agent/control.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "agent/session.h"
#include "api/client.h"
#include "base/cleanup.h"
#include "probe/module/module.h"

struct fake {
	struct source source;
	uint64_t left; /* records to hand out */
	struct rec_module record;
	struct kind_stats stats[KIND_COUNT];
};

static int fake_next(struct source *s, const struct rec_hdr **ret)
{
	struct fake *f = (struct fake *)s;

	if (!f->left)
		return 0;
	f->left--;
	f->record.hdr.time_ns++;
	*ret = &f->record.hdr;
	return 1;
}

static int fake_fd(struct source *s)
{
	(void)s;
	return -1;
}

static int fake_stats(struct source *s, struct kind_stats ret[KIND_COUNT])
{
	memcpy(ret, ((struct fake *)s)->stats, sizeof(((struct fake *)s)->stats));
	return 0;
}

static void fake_close(struct source *s)
{
	(void)s;
}

static const struct source_ops fake_ops = { fake_next, fake_fd, fake_stats, fake_close };

static struct fake fake;
static struct session session;
static struct control *control;
static char folder[] = "/tmp/porthole-control-XXXXXX";
static char path[64];
static uint64_t wanted;
static const struct query *wanted_only;
static int wanted_err;

static int on_wanted(void *ctx, uint64_t kinds, const struct query *const *list, size_t n)
{
	(void)ctx;
	wanted = kinds;
	wanted_only = n == 1 ? list[0] : NULL;
	return kinds ? wanted_err : 0;
}

static void on_status(void *ctx, struct buf *b)
{
	(void)ctx;
	buf_str(b, STR("{\"version\":\"t\"}"));
}

static int on_batch(void *ctx)
{
	(void)ctx;
	control_turn(control);
	return 0;
}

static const struct control_host host = { NULL, on_wanted, on_status };

static int setup(void **state)
{
	const struct event_host machine = { .name = STR("test") };
	struct buf why = { 0 };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.source.ops = &fake_ops;
	fake.record = (struct rec_module){
		.hdr = { .time_ns = 5,
			 .start_ns = 1,
			 .pid = 7,
			 .tid = 7,
			 .type = REC_MODULE,
			 .len = sizeof(fake.record),
			 .comm = "modprobe" },
		.op = MODULE_LOAD,
		.name = "dummy",
	};
	/* "piped": it may wait, as a live one does, and has no loader. */
	session = (struct session){ .source = &fake.source,
				    .piped = true,
				    .signals = -1,
				    .epoll = epoll_create1(EPOLL_CLOEXEC),
				    .batch = on_batch };
	wanted_err = 0;
	snprintf(path, sizeof(path), "%s/run/s", folder);
	if (session.epoll < 0 || pipeline_init(&session.pipeline, &machine) != 0)
		return -1;
	return control_start(&session, path, &host, &control, &why);
}

static int teardown(void **state)
{
	struct stat st;

	(void)state;
	control_stop(control);
	session_close(&session);
	return stat(path, &st) == 0 ? -1 : 0;
}

static void turn(unsigned ms)
{
	assert_int_equal(session_run(&session, (struct boot_ns){ clock_boot().ns + ms * NS_PER_MS }),
			 0);
}

static struct client *attach(const struct question *r)
{
	struct client *c = NULL;

	assert_int_equal(client_connect(path, &c), 0);
	assert_int_equal(client_send(c, r), 0);
	turn(20);
	return c;
}

static struct str line_of(struct client *c)
{
	struct str line = STR_NONE;

	assert_int_equal(client_line(c, 1000, &line), 1);
	return line;
}

static void line_is(struct client *c, const char *want)
{
	struct str line = line_of(c);

	if (!str_eq(line, str_of(want)))
		fail_msg("got %.*s, want %s", STR_ARG(line), want);
}

static void first_line(struct client *c)
{
	char want[80];

	snprintf(want, sizeof(want), "{\"ok\":true,\"pid\":%d,\"warnings\":[]}", (int)getpid());
	line_is(c, want);
}

static void over(struct client *c)
{
	struct str line;

	assert_int_equal(client_line(c, 1000, &line), -EPIPE);
	client_free(c);
}

#define EVENTS .cmd = "events", .kinds = "module", .format = "%module.name"

static void stream(void **state)
{
	struct client *c = attach(&(struct question){ EVENTS });

	(void)state;
	first_line(c);
	assert_int_equal(wanted, KIND_BIT(KIND_MODULE));
	assert_non_null(wanted_only);
	fake.left = 3;
	turn(10);
	for (int i = 0; i < 3; i++)
		line_is(c, "dummy");
	client_stop(c);
	fake.left = 2; /* within the hold: still sent */
	turn(60);
	line_is(c, "dummy");
	line_is(c, "dummy");
	line_is(c, "\x1e{\"end\":\"stopped\",\"matched\":5,\"lost\":0,\"losses\":[]}");
	over(c);
	assert_int_equal(wanted, 0);
	assert_null(wanted_only);
}

static void count_and_losses(void **state)
{
	struct client *c;

	(void)state;
	fake.stats[KIND_MODULE].ring_full = 100; /* before it came */
	c = attach(&(struct question){ EVENTS, .count = 2 });
	first_line(c);
	fake.stats[KIND_MODULE].ring_full = 103;
	fake.stats[KIND_OPEN].ring_full = 7; /* not its kind */
	fake.left = 5;
	turn(10);
	line_is(c, "dummy");
	line_is(c, "dummy");
	line_is(c, "\x1e{\"end\":\"count\",\"matched\":2,\"lost\":3,\"losses\":[\"lost 3 module events: ring "
		   "full (the reader was too slow)\"]}");
	over(c);
}

static void several(void **state)
{
	struct client *a = attach(&(struct question){ EVENTS }), *b;
	const struct query *first = wanted_only;

	(void)state;
	b = attach(&(struct question){ .cmd = "events", .kinds = "open,exec", .json = true });
	assert_int_equal(wanted, KIND_BIT(KIND_MODULE) | KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_EXEC));
	assert_null(wanted_only);
	client_free(b); /* gone without a word */
	turn(60);
	assert_int_equal(wanted, KIND_BIT(KIND_MODULE));
	assert_ptr_equal(wanted_only, first);
	first_line(a);
	client_free(a);
	turn(60);
	assert_int_equal(control_kinds(control), 0);
}

/* A mark, and as many bytes as it says: what comes is not lines. */
static void text_is(struct client *c, const char *what, const char *begin)
{
	_cleanup_(buf_free) struct buf text = { 0 };
	struct str line = line_of(c), part;
	struct reply reply;
	char want[32];
	uint64_t n;

	assert_int_equal(line.p[0], REQUEST_TEXT_MARK);
	snprintf(want, sizeof(want), "{\"%s\":", what);
	assert_true(str_starts(str_skip(line, 1), str_of(want)));
	assert_int_equal(reply_parse(str_skip(line, 1), &reply), 0);
	n = reply.page + reply.report;
	reply_free(&reply);
	assert_true(n > 0);
	while (text.n < n) {
		assert_int_equal(client_bytes(c, 1000, n - text.n, &part), 1);
		buf_str(&text, part);
	}
	assert_int_equal(text.n, n);
	assert_true(str_starts(buf_slice(&text), str_of(begin)));
}

/* What is no lines: a report at the end, pages before. */
static void reports(void **state)
{
	static const struct {
		struct question q;
		const char *begin;
		uint64_t kinds;
	} cases[] = {
		{ { .cmd = "map", .form = "json", .where = "req.ok=false" },
		  "{\"",
		  KIND_BIT(KIND_REQUEST) | KIND_BIT(KIND_TCP) },
		{ { .cmd = "top", .by = "route,pod" }, "    REQ/S", KIND_BIT(KIND_REQUEST) },
	};
	struct client *c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = attach(&cases[i].q);
		first_line(c);
		assert_int_equal(wanted, cases[i].kinds);
		client_stop(c);
		turn(60);
		text_is(c, "report", cases[i].begin);
		line_is(c, "\x1e{\"end\":\"stopped\",\"matched\":0,\"lost\":0,\"losses\":[]}");
		over(c);
		assert_int_equal(wanted, 0);
	}
	c = attach(&(struct question){ .cmd = "top", .pages = true, .json = true });
	first_line(c);
	text_is(c, "page", "requests of the last ");
	turn(1100);
	text_is(c, "page", "requests of the last ");
	client_free(c); /* in the middle of its pages */
	turn(60);
	assert_int_equal(wanted, 0);
	assert_null(session.pipeline.subscriptions);
}

/* What the agent is not made for is told apart from what is wrong. */
static void not_made_for(void **state)
{
	struct client *c = attach(&(struct question){ .cmd = "requests", .raw = true });
	struct str line = line_of(c);
	struct reply reply;

	(void)state;
	assert_int_equal(reply_parse(line, &reply), 0);
	assert_true(reply.alone && !reply.ok && reply.text.n);
	reply_free(&reply);
	over(c);
	c = attach(&(struct question){ .cmd = "requests", .explain = true });
	assert_int_equal(reply_parse(line_of(c), &reply), 0);
	assert_true(reply.alone);
	reply_free(&reply);
	over(c);
	assert_int_equal(wanted, 0);
}

static void refusals(void **state)
{
	static const struct {
		struct question r;
		const char *want;
	} bad[] = {
		{ { .cmd = "dance" },
		  "{\"error\":\"unknown command; there are status, events, requests, top, map\"}" },
		{ { .cmd = "events", .tree = true },
		  "{\"error\":\"\\\"tree\\\" goes with \\\"pid\\\"\"}" },
		{ { .cmd = "events", .fields = "modul.name" },
		  "{\"error\":\"unknown field \\\"modul.name\\\"; did you mean module.name?\"}" },
		{ { .cmd = "map", .form = "svg" }, "{\"error\":\"-o: text, dot, json or html\"}" },
		{ { .cmd = "top", .by = "route,,pod" },
		  "{\"error\":\"--by: one to 8 names, by comma\"}" },
		{ { .cmd = "top", .sort = "p51" },
		  "{\"error\":\"--sort: count, failed, p50, p99, time or key\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct client *c = attach(&bad[i].r);

		line_is(c, bad[i].want);
		turn(5);
		over(c);
	}
}

static void kernel_refuses(void **state)
{
	struct client *c;

	(void)state;
	wanted_err = -EPERM;
	c = attach(&(struct question){ EVENTS });
	line_is(c, "{\"error\":\"cannot watch: Operation not permitted\"}");
	over(c);
	assert_int_equal(wanted, 0);
	assert_null(session.pipeline.subscriptions);
}

static void status(void **state)
{
	struct client *c = attach(&(struct question){ .cmd = "status" });

	(void)state;
	line_is(c, "{\"version\":\"t\"}");
	over(c);
}

/* One that does not read loses lines, and learns how many; another one loses nothing. */
static void slow(void **state)
{
	struct client *deaf =
		attach(&(struct question){ .cmd = "events", .kinds = "module", .json = true });
	struct client *keen = attach(&(struct question){ EVENTS });
	uint64_t clients, lost, got = 0;
	struct reply reply;
	struct str line;

	(void)state;
	first_line(deaf);
	first_line(keen);
	for (int i = 0; i < 60; i++) {
		fake.left = 2000;
		turn(1);
		while (client_line(keen, 0, &line) == 1)
			got += str_eq(line, STR("dummy"));
	}
	assert_int_equal(got, 120000);
	control_counts(control, &clients, &lost);
	assert_int_equal(clients, 2);
	assert_true(lost > 0);
	client_stop(deaf);
	got = 0;
	for (;;) {
		turn(5);
		while (client_line(deaf, 0, &line) == 1 && line.p[0] != REQUEST_END_MARK) {
			assert_int_equal(line.p[0], '{');
			assert_int_equal(line.p[line.n - 1], '}');
			got++;
		}
		if (line.p && line.p[0] == REQUEST_END_MARK)
			break;
	}
	assert_int_equal(reply_parse(str_skip(line, 1), &reply), 0);
	assert_string_equal(reply.end, "stopped");
	assert_int_equal(reply.matched, 120000);
	assert_int_equal(reply.lost, lost);
	assert_int_equal(got + lost, 120000);
	reply_free(&reply);
	client_free(deaf);
	client_free(keen);
	turn(60);
}

static int raw(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void hostile(void **state)
{
	static char flood[256u << 10];
	char reply[256];
	int fds[CONTROL_CLIENTS + 4];
	struct client *c;
	ssize_t n;

	(void)state;
	memset(flood, 'x', sizeof(flood));
	fds[0] = raw(); /* too long */
	for (int i = 0; i < 40; i++) {
		send(fds[0], flood, sizeof(flood), MSG_NOSIGNAL);
		turn(1);
	}
	n = recv(fds[0], reply, sizeof(reply), 0);
	assert_true(n > 0 && str_eq((struct str){ reply, (size_t)n },
				    STR("{\"error\":\"request: too long\"}\n")));
	close(fds[0]);
	fds[0] = raw(); /* byte by byte, then speaks when it should listen */
	for (const char *p = "{\"cmd\":\"events\",\"kinds\":\"module\"}\n"; *p; p++) {
		assert_int_equal(send(fds[0], p, 1, MSG_NOSIGNAL), 1);
		turn(1);
	}
	assert_int_equal(wanted, KIND_BIT(KIND_MODULE));
	send(fds[0], "x\n", 2, MSG_NOSIGNAL);
	turn(10);
	assert_int_equal(wanted, 0);
	close(fds[0]);
	turn(10);
	for (int i = 0; i < CONTROL_CLIENTS + 4; i++) {
		fds[i] = raw();
		turn(2);
	}
	n = recv(fds[CONTROL_CLIENTS], reply, sizeof(reply), 0);
	assert_true(n > 0 && str_eq((struct str){ reply, (size_t)n },
				    STR("{\"error\":\"too many clients\"}\n")));
	for (int i = 0; i < CONTROL_CLIENTS + 4; i++)
		close(fds[i]);
	turn(20);
	c = attach(&(struct question){ .cmd = "status" });
	line_is(c, "{\"version\":\"t\"}");
	over(c);
}

static void goodbye_said(void **state)
{
	struct client *c = attach(&(struct question){ EVENTS });
	struct buf why = { 0 };

	(void)state;
	first_line(c);
	fake.left = 1;
	turn(10);
	control_stop(control);
	line_is(c, "dummy");
	line_is(c, "\x1e{\"end\":\"agent\",\"matched\":1,\"lost\":0,\"losses\":[]}");
	over(c);
	assert_int_equal(client_connect(path, &c), -ENOENT);
	assert_int_equal(control_start(&session, path, &host, &control, &why), 0);
}

static void the_file(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct control *second = NULL;
	char other[80];
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(other, sizeof(other), "%s/run", folder);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(control_start(&session, path, &host, &second, &why), -EADDRINUSE);
	snprintf(other, sizeof(other), "%s/file", folder);
	f = fopen(other, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_start(&session, other, &host, &second, &why), -EEXIST);
	assert_int_equal(stat(other, &st), 0);
	unlink(other);
	/* A socket that nobody listens on: left by a dead agent. */
	{
		struct sockaddr_un at = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(at.sun_path, sizeof(at.sun_path), "%s", other);
		assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
		close(fd);
	}
	assert_int_equal(control_start(&session, other, &host, &second, &why), 0);
	control_stop(second);
	assert_int_equal(stat(other, &st), -1);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char run[80];

	(void)state;
	snprintf(run, sizeof(run), "%s/run", folder);
	rmdir(run);
	return rmdir(folder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stream),	      TEST(count_and_losses), TEST(several), TEST(refusals),
		TEST(kernel_refuses), TEST(status),	      TEST(slow),    TEST(hostile),
		TEST(goodbye_said),   TEST(the_file),	      TEST(reports), TEST(not_made_for),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
