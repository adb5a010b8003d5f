/* The local syslog and the journal: sockets in a directory of the test, read by the test. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "alert/channel_testing.h"

/* --- the daemon's end ------------------------------------------------------------------------- */

static int daemon_socket(const char *path, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static bool readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, TEST_WAIT_MS) == 1;
}

/* One message; a descriptor that came with it is mapped instead. */
static struct str receive(int fd)
{
	static char text[1 << 20];
	struct iovec part = { text, sizeof(text) - 1 };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	assert_true(readable(fd));
	n = recvmsg(fd, &m, 0);
	assert_true(n >= 0);
	if (m.msg_controllen && CMSG_FIRSTHDR(&m)) {
		int passed;

		memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
		assert_true(fcntl(passed, F_GET_SEALS) & F_SEAL_WRITE);
		n = pread(passed, text, sizeof(text) - 1, 0);
		close(passed);
	}
	text[n] = 0;
	return (struct str){ text, (size_t)n };
}

/* "<13>Jan  2 03:04:05 porthole[PID]: " before it? Returns what is behind. */
static const char *behind_header(const char *text, unsigned priority)
{
	char want[80];
	int n = snprintf(want, sizeof(want), "<%u>Jan  2 03:04:05 porthole[%d]: ", 8 + priority,
			 getpid());

	if (strncmp(text, want, (size_t)n) != 0)
		fail_msg("\"%.60s\" does not begin with \"%s\"", text, want);
	return text + n;
}

/* --- syslog ----------------------------------------------------------------------------------- */

static void test_syslog_datagram(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "syslog", .path = x->path, .text = true };
	int fd = daemon_socket(x->path, SOCK_DGRAM);
	struct outlets *o = test_outlets(&c, 1, NULL);

	for (unsigned i = 0; i < PRIORITIES; i++)
		outlets_put(o, test_alert(i));
	for (unsigned i = 0; i < PRIORITIES; i++) {
		char want[32];

		snprintf(want, sizeof(want), "alert %u", i);
		assert_string_equal(behind_header(receive(fd).p, i), want);
	}
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

/* Not there at the start, there, gone and there again: each message once, in order. */
static void test_syslog_restart(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "syslog", .path = x->path };
	struct outlets *o = test_outlets(&c, 1, NULL);
	int fd;

	outlets_put(o, test_alert(0));
	test_wait(o, 0, failures, 2);
	assert_non_null(strstr(test_channel(o, 0).error, "No such file"));
	fd = daemon_socket(x->path, SOCK_DGRAM);
	assert_string_equal(behind_header(receive(fd).p, 0), "{\"n\":0}");
	close(fd);
	outlets_put(o, test_alert(1));
	test_wait(o, 0, failures, 4);
	fd = daemon_socket(x->path, SOCK_DGRAM);
	assert_string_equal(behind_header(receive(fd).p, 1), "{\"n\":1}");
	test_wait(o, 0, sent, 2);
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

static void test_syslog_stream(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "syslog", .path = x->path, .text = true };
	int listen_fd = daemon_socket(x->path, SOCK_STREAM), fd;
	struct outlets *o = test_outlets(&c, 1, NULL);
	char text[256];
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < 3; i++)
		outlets_put(o, test_alert(i));
	assert_true(readable(listen_fd));
	fd = accept(listen_fd, NULL, NULL);
	assert_int_equal(outlets_close(o, 1000), 0);
	for (ssize_t got; (got = read(fd, text + n, sizeof(text) - n)) > 0;)
		n += (size_t)got;
	for (unsigned i = 0; i < 3; i++) {
		char want[32];

		snprintf(want, sizeof(want), "alert %u", i);
		assert_string_equal(behind_header(text + at, i), want);
		at += strlen(text + at) + 1;
	}
	assert_int_equal(at, n);
	close(fd);
	close(listen_fd);
}

/* What no datagram can hold arrives shortened, and is counted. */
static void test_syslog_large(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "syslog", .path = x->path };
	int fd = daemon_socket(x->path, SOCK_DGRAM);
	struct outlets *o = test_outlets(&c, 1, NULL);
	struct str got;

	outlets_put(o, test_alert_padded(5, 800000));
	got = receive(fd);
	assert_true(got.n > 480 && got.n < 800000);
	assert_true(strncmp(behind_header(got.p, 5), "{\"n\":5,\"pad\":\"xxx", 17) == 0);
	test_wait(o, 0, sent, 1);
	assert_int_equal(test_channel(o, 0).cut, 1);
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

/* A daemon that does not read: nothing is lost, and a close does not wait for it. */
static void test_syslog_full(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "syslog", .path = x->path, .text = true };
	int fd = daemon_socket(x->path, SOCK_DGRAM);
	struct outlets *o = test_outlets(&c, 1, x->spool);
	uint64_t left;

	for (unsigned i = 0; i < 2000; i++)
		outlets_put(o, test_alert(i));
	left = outlets_close(o, 100);
	assert_true(left > 0 && left < 2000);
	o = test_outlets(&c, 1, x->spool);
	for (unsigned i = 0; i < 2000; i++) {
		char want[32];
		struct str got = receive(fd);

		snprintf(want, sizeof(want), "alert %u", i);
		assert_string_equal(behind_header(got.p, i % PRIORITIES), want);
	}
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

/* --- the journal ------------------------------------------------------------------------------ */

/* The value of a field of the native protocol. */
static struct str field(struct str message, const char *name)
{
	while (message.n) {
		const char *end = memchr(message.p, '\n', message.n);
		size_t name_n = end ? (size_t)(end - message.p) : 0;
		uint64_t n;
		struct str value;

		assert_true(end && message.n >= name_n + 1 + 8);
		memcpy(&n, end + 1, 8);
		assert_true(message.n >= name_n + 10 + n);
		value = (struct str){ end + 9, n };
		assert_int_equal(value.p[n], '\n');
		if (strlen(name) == name_n && memcmp(name, message.p, name_n) == 0)
			return value;
		message = str_skip(message, name_n + 10 + n);
	}
	return STR_NONE;
}

static void assert_field(struct str message, const char *name, const char *want)
{
	struct str got = field(message, name);

	if (!str_eq(got, str_of(want)))
		fail_msg("%s is \"%.*s\", not \"%s\"", name, STR_ARG(got), want);
}

static void test_journal(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "journald", .path = x->path, .text = true };
	int fd = daemon_socket(x->path, SOCK_DGRAM);
	struct outlets *o = test_outlets(&c, 1, NULL);

	for (unsigned i = 0; i < 10; i++)
		outlets_put(o, test_alert(i));
	for (unsigned i = 0; i < 10; i++) {
		struct str m = receive(fd);
		char text[32], json[32], priority[2] = { (char)('0' + i % PRIORITIES) };

		snprintf(text, sizeof(text), "alert %u", i);
		snprintf(json, sizeof(json), "{\"n\":%u}", i);
		assert_field(m, "MESSAGE", text);
		assert_field(m, "PRIORITY", priority);
		assert_field(m, "SYSLOG_IDENTIFIER", "porthole");
		assert_field(m, "PORTHOLE_RULE", "Some rule");
		assert_field(m, "PORTHOLE_ALERT", json);
	}
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

/* Too large for a datagram: whole, by a sealed file. */
static void test_journal_large(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "journald", .path = x->path };
	int fd = daemon_socket(x->path, SOCK_DGRAM);
	struct outlets *o = test_outlets(&c, 1, NULL);
	struct str m;

	outlets_put(o, test_alert_padded(3, 900000));
	outlets_put(o, test_alert(4));
	m = receive(fd);
	assert_true(field(m, "MESSAGE").n > 900000);
	assert_field(m, "PORTHOLE_RULE", "Some rule");
	assert_field(receive(fd), "MESSAGE", "{\"n\":4}");
	test_wait(o, 0, sent, 2);
	assert_int_equal(test_channel(o, 0).cut, 0);
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

static void test_journal_restart(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "journald", .path = x->path };
	struct outlets *o = test_outlets(&c, 1, NULL);
	int fd;

	outlets_put(o, test_alert(0));
	test_wait(o, 0, failures, 2);
	fd = daemon_socket(x->path, SOCK_DGRAM);
	assert_field(receive(fd), "MESSAGE", "{\"n\":0}");
	test_wait(o, 0, sent, 1);
	close(fd);
	fd = daemon_socket(x->path, SOCK_DGRAM); /* a new daemon: found without a failure */
	outlets_put(o, test_alert(1));
	assert_field(receive(fd), "MESSAGE", "{\"n\":1}");
	assert_int_equal(outlets_close(o, 1000), 0);
	close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_syslog_datagram), T(test_syslog_restart),  T(test_syslog_stream),
		T(test_syslog_large),	 T(test_syslog_full),	  T(test_journal),
		T(test_journal_large),	 T(test_journal_restart),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
