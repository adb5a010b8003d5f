/*
 * The HTTP channel against a receiver that misbehaves by a script: one step for each request. And
 * TLS against openssl's s_server, with certificates made here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "alert/channel_testing.h"

#define REQUESTS_MAX 512

enum step {
	OK, /* 200 */
	NO_CONTENT,
	REFUSE,	     /* 400 */
	GONE,	     /* 410 */
	FAIL,	     /* 500 */
	BUSY,	     /* 429, Retry-After: 1 */
	TIMED_OUT,   /* 408 */
	MOVED,	     /* 302 */
	CUT,	     /* the request is read, the answer never comes */
	CUT_ANSWER,  /* half an answer */
	CUT_REQUEST, /* closed in the middle of the request */
	STALL,	     /* silence, for a second */
	END,
};

struct server {
	int listen_fd;
	uint16_t port;
	const enum step *script; /* END: OK for ever */
	pthread_t thread;
	atomic_bool stop;
	atomic_uint requests, connections;
	unsigned got[REQUESTS_MAX]; /* the number in each body */
	char first[2048];	    /* request */
};

/* --- the receiver ----------------------------------------------------------------------------- */

static const char *answer(enum step s)
{
	switch (s) {
	case NO_CONTENT:
		return "HTTP/1.1 204 No Content\r\n\r\n";
	case REFUSE:
		return "HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nbad\n";
	case GONE:
		return "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
	case FAIL:
		return "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	case BUSY:
		return "HTTP/1.1 429 Slow down\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
	case TIMED_OUT:
		return "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
	case MOVED:
		return "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
	case CUT_ANSWER:
		return "HTTP/1.1 2";
	default:
		return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	}
}

static enum step step_of(const struct server *s, unsigned i)
{
	for (unsigned k = 0; s->script && s->script[k] != END; k++)
		if (k == i)
			return s->script[k];
	return OK;
}

/* Reads one request whole; false at the end of the connection. */
static bool read_request(struct server *s, int fd, char *text, size_t size)
{
	size_t n = 0, want = 0;

	while (!want || n < want) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char *body, *length;
		ssize_t got;

		if (poll(&wait, 1, 20) == 0) {
			if (atomic_load(&s->stop))
				return false;
			continue;
		}
		got = read(fd, text + n, size - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = 0;
		body = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		if (body && length)
			want = (size_t)(body + 4 - text) + strtoul(length + 16, NULL, 10);
		if (step_of(s, atomic_load(&s->requests)) == CUT_REQUEST) {
			atomic_fetch_add(&s->requests, 1);
			return false;
		}
	}
	return true;
}

/* For a second, or until the client gives up. */
static void stall(struct server *s, int fd)
{
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };

	for (int t = 0; t < 100 && !atomic_load(&s->stop); t++)
		if (poll(&gone, 1, 10) > 0)
			return;
}

static void serve(struct server *s, int fd)
{
	static char text[1 << 18];

	while (!atomic_load(&s->stop) && read_request(s, fd, text, sizeof(text))) {
		unsigned i = atomic_load(&s->requests);
		enum step step = step_of(s, i);
		const char *number = strstr(text, "{\"n\":");

		if (i == 0)
			snprintf(s->first, sizeof(s->first), "%.2000s", text);
		s->got[i] = number ? (unsigned)atoi(number + 5) : 9999;
		if (step == REFUSE || step == GONE || step == FAIL || step == BUSY ||
		    step == TIMED_OUT || step == MOVED)
			s->got[i] += 10000; /* it knows that it did not take it */
		atomic_fetch_add(&s->requests, 1);
		if (step == STALL)
			stall(s, fd);
		if (step == CUT || step == STALL)
			return;
		if (send(fd, answer(step), strlen(answer(step)), MSG_NOSIGNAL) < 0)
			return;
		if (step == CUT_ANSWER || step == FAIL)
			return;
	}
}

static void *server_thread(void *ctx)
{
	struct server *s = ctx;

	while (!atomic_load(&s->stop)) {
		struct pollfd wait = { .fd = s->listen_fd, .events = POLLIN };
		int fd = poll(&wait, 1, 20) > 0 ? accept(s->listen_fd, NULL, NULL) : -1;

		if (fd < 0)
			continue;
		atomic_fetch_add(&s->connections, 1);
		serve(s, fd);
		close(fd);
	}
	return NULL;
}

/* A port; the first time any, then the same. */
static void server_bind(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(s->port) };
	socklen_t n = sizeof(a);
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(s->listen_fd, (struct sockaddr *)&a, &n);
	s->port = ntohs(a.sin_port);
}

static void server_start(struct server *s)
{
	server_bind(s);
	assert_int_equal(listen(s->listen_fd, 16), 0);
	atomic_store(&s->stop, false);
	assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s), 0);
}

static void server_stop(struct server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

/* A port on which nobody listens, for later. */
static void server_reserve(struct server *s)
{
	server_bind(s);
	close(s->listen_fd);
}

static const char *url_of(const struct server *s)
{
	static char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", s->port);
	return url;
}

/*
 * All of 0 to @n arrived in order, but those refused (bits of @refused). Where an alert came again,
 * the receiver had refused it or its answer was lost.
 */
static unsigned check_arrived(const struct server *s, unsigned n, uint64_t refused)
{
	unsigned next = 0, again = 0;

	for (unsigned i = 0; i < s->requests; i++) {
		unsigned number = s->got[i];
		enum step step = step_of(s, i);

		if (step == CUT_REQUEST || number >= 10000)
			continue;
		while (next < 64 && refused & 1ull << next)
			next++;
		if (next > 0 && number == next - 1) {
			again++;
			continue;
		}
		assert_int_equal(number, next);
		next++;
	}
	while (next < 64 && refused & 1ull << next)
		next++;
	assert_int_equal(next, n);
	return again;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_request(void **state)
{
	static const char *const headers[] = { "Authorization: Bearer abc", "X-Two: 2" };
	struct server s = { 0 };
	struct outlet_opts c = { .kind = "http", .headers = headers, .nheaders = 2, .text = true };
	struct outlets *o;

	(void)state;
	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, NULL);
	for (unsigned i = 0; i < 50; i++)
		outlets_put(o, test_alert(i));
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	assert_int_equal(check_arrived(&s, 50, 0), 0);
	assert_int_equal(s.connections, 1);
	assert_true(strncmp(s.first, "POST / HTTP/1.1\r\n", 17) == 0);
	assert_non_null(strstr(s.first, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(s.first, "\r\nAuthorization: Bearer abc\r\nX-Two: 2\r\n"));
	assert_non_null(strstr(s.first, "\r\nUser-Agent: porthole/"));
	assert_null(strstr(s.first, "Expect"));
	assert_string_equal(strstr(s.first, "\r\n\r\n") + 4, "{\"n\":0}");
}

static void test_large(void **state)
{
	struct server s = { 0 };
	struct outlet_opts c = { .kind = "http" };
	struct outlets *o;

	(void)state;
	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, NULL);
	for (unsigned i = 0; i < 3; i++)
		outlets_put(o, test_alert_padded(i, 200000));
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	assert_int_equal(check_arrived(&s, 3, 0), 0);
}

static void test_down_up(void **state)
{
	struct channel_fixture *x = *state;
	struct server s = { 0 };
	struct outlet_opts c[] = { { .kind = "http" }, { .kind = "file", .path = x->path } };
	struct outlets *o;

	server_reserve(&s);
	c[0].url = url_of(&s);
	o = test_outlets(c, 2, x->spool);
	for (unsigned i = 0; i < 60; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 1, sent, 60); /* the other channel goes on */
	test_wait(o, 0, failures, 3);
	assert_true(test_channel(o, 0).failing);
	assert_non_null(strstr(test_channel(o, 0).error, "connect"));
	assert_int_equal(test_channel(o, 0).pending, 60);
	server_start(&s);
	test_wait(o, 0, sent, 20);
	server_stop(&s); /* and down again in the middle */
	server_start(&s);
	test_wait(o, 0, sent, 60);
	assert_int_equal(test_channel(o, 0).pending, 0);
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	check_arrived(&s, 60, 0);
}

static void test_misbehaves(void **state)
{
	static const enum step script[] = {
		OK,	    FAIL,	OK,  FAIL,	  FAIL,	       OK, CUT,	  OK,
		NO_CONTENT, CUT_ANSWER, OK,  CUT_REQUEST, CUT_REQUEST, OK, MOVED, OK,
		TIMED_OUT,  OK,		CUT, CUT,	  CUT,	       OK, FAIL,  END,
	};
	struct server s = { .script = script };
	struct outlet_opts c = { .kind = "http" };
	struct outlets *o;

	(void)state;
	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, NULL);
	for (unsigned i = 0; i < 40; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 0, sent, 40);
	assert_int_equal(test_channel(o, 0).refused, 0);
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	/* Lost answers: five. curl itself repeats once where a kept connection died. */
	assert_true(check_arrived(&s, 40, 0) <= 5);
}

static void test_refused(void **state)
{
	static const enum step script[] = { OK, REFUSE, OK, GONE, GONE, OK, END };
	struct server s = { .script = script };
	struct outlet_opts c = { .kind = "http" };
	struct outlet_stats st;
	struct outlets *o;

	(void)state;
	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, NULL);
	for (unsigned i = 0; i < 10; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 0, sent, 7);
	st = test_channel(o, 0);
	assert_int_equal(st.refused, 3);
	assert_int_equal(st.failures, 0);
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	assert_int_equal(check_arrived(&s, 10, 1 << 1 | 1 << 3 | 1 << 4), 0);
}

static uint64_t now_ms(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

/* Retry-After is kept to, as far as backoff_max_ms goes (40 ms here). */
static void test_retry_after(void **state)
{
	static const enum step script[] = { BUSY, BUSY, BUSY, END };
	struct server s = { .script = script };
	struct outlet_opts c = { .kind = "http" };
	uint64_t began = now_ms();
	struct outlets *o;

	(void)state;
	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, NULL);
	outlets_put(o, test_alert(0));
	test_wait(o, 0, sent, 1);
	assert_true(now_ms() - began >= 120);
	assert_int_equal(test_channel(o, 0).failures, 3);
	assert_int_equal(outlets_close(o, 5000), 0);
	server_stop(&s);
	assert_int_equal(check_arrived(&s, 1, 0), 0);
}

/* Slower than the time-out: the same alert again. A close does not wait for the receiver. */
static void test_stall(void **state)
{
	static const enum step script[] = { OK, STALL, OK, OK, STALL, STALL, STALL, STALL, END };
	struct channel_fixture *x = *state;
	struct server s = { .script = script };
	struct outlet_opts c = { .kind = "http", .timeout_ms = 150 };
	struct outlets *o;
	uint64_t began;

	server_start(&s);
	c.url = url_of(&s);
	o = test_outlets(&c, 1, x->spool);
	for (unsigned i = 0; i < 3; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 0, sent, 3);
	assert_int_equal(test_channel(o, 0).failures, 1);
	assert_int_equal(outlets_close(o, 5000), 0);
	assert_int_equal(check_arrived(&s, 3, 0), 1);
	c.timeout_ms = 60000;
	o = test_outlets(&c, 1, x->spool);
	outlets_put(o, test_alert(3));
	outlets_put(o, test_alert(4));
	for (int t = 0; t < 2000 && s.requests < 5; t++)
		usleep(1000);
	began = now_ms();
	assert_int_equal(outlets_close(o, 20), 2);
	assert_true(now_ms() - began < 3000);
	server_stop(&s);
	/* The next process sends them. */
	server_start(&s);
	s.script = NULL;
	o = test_outlets(&c, 1, x->spool);
	test_wait(o, 0, sent, 2);
	assert_int_equal(outlets_close(o, 1000), 0);
	server_stop(&s);
	check_arrived(&s, 5, 0);
}

static void test_wrong(void **state)
{
	static const char *const bad_header[] = { "X: 1", "secret" };
	static const char *const injected[] = { "X: 1\r\nY: 2" };
	static const struct {
		struct outlet_opts c;
		const char *why;
	} wrong[] = {
		{ { .kind = "http" }, "http: expected an address as http://host:2801/" },
		{ { .kind = "http", .url = "host" }, "expected an address" },
		{ { .kind = "http", .url = "ftp://host/" }, "expected an address" },
		{ { .kind = "http", .url = "http://" }, "expected an address" },
		{ { .kind = "http", .url = "file:///etc/passwd" }, "expected an address" },
		{ { .kind = "http", .url = "https://h", .ca = "/no/ca.pem" },
		  "http: /no/ca.pem: No such file or directory" },
		{ { .kind = "http", .url = "https://h", .key = "/no/key" }, "/no/key" },
		{ { .kind = "http", .url = "http://h", .headers = bad_header, .nheaders = 2 },
		  "http: header 2: expected \"Name: value\"" },
		{ { .kind = "http", .url = "http://h", .headers = injected, .nheaders = 1 },
		  "header 1" },
	};
	struct buf why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct outlets_opts opts = { .channels = &wrong[i].c, .nchannels = 1 };
		struct outlets *o = NULL;

		buf_reset(&why);
		assert_true(outlets_open(&opts, &o, &why) < 0);
		assert_null(o);
		buf_char(&why, 0);
		if (!strstr(why.p, wrong[i].why))
			fail_msg("\"%s\" has no \"%s\"", why.p, wrong[i].why);
	}
	buf_free(&why);
}

/* --- TLS -------------------------------------------------------------------------------------- */

struct tls_server {
	pid_t pid;
	FILE *out; /* what clients send */
	int in;	   /* what they get */
	uint16_t port;
};

static void certificates(const char *dir)
{
	char script[2048];

	snprintf(script, sizeof(script),
		 "cd %s && export OPENSSL_CONF=/dev/null && {\n"
		 "printf '[req]\\ndistinguished_name=dn\\n[dn]\\n' >conf\n"
		 "new='openssl req -config conf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
		 "$new -x509 -days 2 -subj /CN=ca -keyout ca.key -out ca.pem "
		 "-addext basicConstraints=critical,CA:TRUE\n"
		 "for n in server client; do\n"
		 "$new -subj /CN=$n -keyout $n.key -out $n.csr\n"
		 "echo subjectAltName=DNS:localhost,IP:127.0.0.1 >ext\n"
		 "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
		 "-extfile ext -out $n.pem; done; } >log 2>&1 && test -s client.pem",
		 dir);
	assert_int_equal(system(script), 0);
}

static void tls_start(struct tls_server *t, const char *dir)
{
	int in[2], out[2];
	char port[8];

	snprintf(port, sizeof(port), "%u", t->port);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	t->pid = fork();
	if (t->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		if (chdir(dir) == 0)
			execlp("openssl", "openssl", "s_server", "-quiet", "-accept", port, "-cert",
			       "server.pem", "-key", "server.key", "-CAfile", "ca.pem", "-Verify",
			       "1", "-verify_return_error", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = in[1];
	t->out = fdopen(out[0], "r");
}

/* Takes one request and answers it; its body to @body. */
static void tls_answer(struct tls_server *t, char *body, size_t size)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	size_t n = 0;
	int c;

	while ((c = fgetc(t->out)) != EOF && c != '{')
		;
	do
		body[n++] = (char)c;
	while (n < size - 1 && c != '}' && (c = fgetc(t->out)) != EOF);
	body[n] = 0;
	assert_int_equal(write(t->in, ok, strlen(ok)), strlen(ok));
}

static void tls_stop(struct tls_server *t)
{
	close(t->in);
	kill(t->pid, SIGTERM);
	waitpid(t->pid, NULL, 0);
	fclose(t->out);
}

static void test_tls(void **state)
{
	struct channel_fixture *x = *state;
	struct server reserve = { 0 };
	struct tls_server t = { 0 };
	char url[64], ca[96], cert[96], key[96], body[128];
	struct outlet_opts c[] = {
		{ .kind = "http", .name = "no-ca", .url = url, .cert = cert, .key = key },
		{ .kind = "http", .name = "no-cert", .url = url, .ca = ca },
		{ .kind = "http", .name = "good", .url = url, .ca = ca, .cert = cert, .key = key },
		{ .kind = "http", .name = "any", .url = url, .cert = cert, .key = key, .insecure = true },
	};

	if (system("openssl version >/dev/null 2>&1") != 0)
		skip();
	certificates(x->dir);
	server_reserve(&reserve);
	t.port = reserve.port;
	snprintf(url, sizeof(url), "https://localhost:%u/", t.port);
	snprintf(ca, sizeof(ca), "%s/ca.pem", x->dir);
	snprintf(cert, sizeof(cert), "%s/client.pem", x->dir);
	snprintf(key, sizeof(key), "%s/client.key", x->dir);
	for (size_t i = 0; i < 4; i++) {
		struct outlets *o = test_outlets(&c[i], 1, NULL);

		if (i == 0) {
			outlets_put(o, test_alert(0));
			test_wait(o, 0, failures, 1); /* nobody is there */
		}
		tls_start(&t, x->dir);
		outlets_put(o, test_alert(1));
		if (i < 2) {
			test_wait(o, 0, failures, 6);
			assert_int_equal(test_channel(o, 0).sent, 0);
			assert_int_equal(outlets_close(o, 0), i == 0 ? 2 : 1);
		} else {
			tls_answer(&t, body, sizeof(body));
			assert_string_equal(body, "{\"n\":1}");
			assert_int_equal(outlets_close(o, 5000), 0);
		}
		tls_stop(&t);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_request),    T(test_large),   T(test_down_up),
		T(test_misbehaves), T(test_refused), T(test_retry_after),
		T(test_stall),	    T(test_wrong),   T(test_tls),
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
