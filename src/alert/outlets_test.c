/* The whole way: put, spool, threads, channels. Standard output and files. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "alert/channel_testing.h"

static char *slurp(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	if (f) {
		text[fread(text, 1, (1 << 20) - 1, f)] = 0;
		fclose(f);
	}
	return text;
}

/* Lines from @from to @to, in order; returns behind them. */
static const char *expect_lines(const char *text, const char *form, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char line[64];

		snprintf(line, sizeof(line), form, i);
		if (strncmp(text, line, strlen(line)) != 0)
			fail_msg("\"%.40s\" instead of \"%s\"", text, line);
		text += strlen(line);
	}
	return text;
}

static void test_file(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "file", .path = x->path };
	struct outlets *o = test_outlets(&c, 1, x->spool);
	_cleanup_(freep) char *text = NULL;

	for (unsigned i = 0; i < 3000; i++)
		outlets_put(o, test_alert(i));
	outlets_put(o, NULL);
	assert_int_equal(outlets_close(o, 5000), 0);
	text = slurp(x->path);
	assert_string_equal(expect_lines(text, "{\"n\":%u}\n", 0, 3000), "");
}

static void test_file_rotation(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = {
		.kind = "file", .path = x->path, .text = true, .max_bytes = 1000, .keep = 2
	};
	struct outlets *o = test_outlets(&c, 1, NULL);
	unsigned next = 0;

	/* Each line is 10 bytes from 100 on: files of 100 lines. */
	for (unsigned i = 100; i < 450; i++)
		outlets_put(o, test_alert(i));
	assert_int_equal(outlets_close(o, 5000), 0);
	next = 250;
	for (int i = 2; i >= 0; i--) {
		char path[128];
		_cleanup_(freep) char *text = NULL;
		unsigned n = i ? 100 : 50;

		snprintf(path, sizeof(path), i ? "%s.%d" : "%s", x->path, i);
		text = slurp(path);
		next = i == 2 ? 200 : next;
		assert_string_equal(expect_lines(text, "alert %u\n", next, next + n), "");
		next += n;
	}
	snprintf(x->path + strlen(x->path), 4, ".3");
	assert_int_equal(access(x->path, F_OK), -1);
}

/* Someone else moves the file, or it cannot be written for a while. */
static void test_file_moved(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "file", .path = x->path };
	struct outlets *o = test_outlets(&c, 1, NULL);
	_cleanup_(freep) char *first = NULL;
	_cleanup_(freep) char *second = NULL;
	char old[128];
	struct outlet_stats s = { 0 };

	snprintf(old, sizeof(old), "%s.old", x->path);
	outlets_put(o, test_alert(0));
	test_wait(o, 0, sent, 1);
	assert_int_equal(rename(x->path, old), 0);
	outlets_put(o, test_alert(1));
	test_wait(o, 0, sent, 2);
	unlink(x->path);
	mkdir(x->path, 0700);
	outlets_put(o, test_alert(2));
	test_wait(o, 0, failures, 1);
	s = test_channel(o, 0);
	assert_true(s.failing);
	assert_non_null(strstr(s.error, "Is a directory"));
	assert_int_equal(s.pending, 1);
	rmdir(x->path);
	outlets_reopen(o);
	test_wait(o, 0, sent, 3);
	outlets_channel(o, 0, &s);
	assert_false(s.failing);
	assert_string_equal(s.error, "");
	assert_int_equal(outlets_close(o, 1000), 0);
	first = slurp(old);
	second = slurp(x->path);
	assert_string_equal(first, "{\"n\":0}\n");
	assert_string_equal(second, "{\"n\":2}\n");
}

/* A pipe nobody reads: the file beside it goes on, and nothing is lost once someone reads. */
static void test_stdout_blocked(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c[] = { { .kind = "stdout", .text = true },
				   { .kind = "file", .path = x->path } };
	int before = dup(STDOUT_FILENO), pipes[2];
	static char text[1 << 20];
	struct outlets *o;
	size_t n = 0;

	fflush(stdout);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDOUT_FILENO);
	o = test_outlets(c, 2, NULL);
	dup2(before, STDOUT_FILENO);
	close(pipes[1]);
	close(before);
	for (unsigned i = 0; i < 8000; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 1, sent, 8000);
	while (n < 8000 * 11 - 1110) {
		ssize_t got = read(pipes[0], text + n, sizeof(text) - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	text[n] = 0;
	assert_string_equal(expect_lines(text, "alert %u\n", 0, 8000), "");
	assert_int_equal(outlets_close(o, 1000), 0);
	close(pipes[0]);
}

/* Not sent before the end: there again after it. */
static void test_restart(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "stdout", .name = "out-1" };
	struct outlet_opts file = { .kind = "file", .name = "out-1", .path = x->path };
	int before = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
	_cleanup_(freep) char *text = NULL;
	struct outlets *o;

	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	o = test_outlets(&c, 1, x->spool);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(full);
	for (unsigned i = 0; i < 100; i++)
		outlets_put(o, test_alert(i));
	assert_int_equal(outlets_close(o, 50), 100);
	o = test_outlets(&file, 1, x->spool);
	outlets_put(o, test_alert(100));
	assert_int_equal(outlets_close(o, 2000), 0);
	text = slurp(x->path);
	assert_string_equal(expect_lines(text, "{\"n\":%u}\n", 0, 101), "");
}

/* More than the threads can take away: what is put is sent or counted, and order is kept. */
static void test_burst(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "file", .path = x->path };
	struct outlets *o = test_outlets(&c, 1, x->spool);
	struct outlet_stats s = { 0 };
	struct outlets_stats all;
	uint64_t sum = 0, last = 0, lines = 0;
	char line[2200];
	unsigned long n;
	FILE *f;

	for (unsigned i = 1; i <= 30000; i++)
		outlets_put(o, test_alert_padded(i, 2000));
	for (int t = 0; t < TEST_WAIT_MS && sum < 30000; t++) {
		usleep(1000);
		outlets_stats(o, &all);
		s = test_channel(o, 0);
		sum = s.sent;
		for (unsigned p = 0; p < PRIORITIES; p++)
			sum += s.dropped[p] + all.intake_dropped[p];
	}
	assert_int_equal(sum, 30000);
	assert_int_equal(all.put, 30000);
	assert_int_equal(all.spool_refused + all.spool_errors + all.damaged_bytes, 0);
	assert_int_equal(outlets_close(o, 1000), 0);
	f = fopen(x->path, "r");
	for (; fgets(line, sizeof(line), f); lines++, last = n) {
		assert_int_equal(sscanf(line, "{\"n\":%lu,", &n), 1);
		assert_true(n > last);
	}
	fclose(f);
	assert_int_equal(lines, s.sent);
}

/* Holds 500 alerts that it cannot send, says so, and waits to be killed. */
static void hold_alerts(const struct channel_fixture *x, int say)
{
	struct outlet_opts c = { .kind = "stdout", .name = "out" };
	struct outlets *o;

	dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
	o = test_outlets(&c, 1, x->spool);
	for (unsigned i = 0; i < 500; i++)
		outlets_put(o, test_alert(i));
	test_wait(o, 0, pending, 500);
	if (write(say, "x", 1) == 1)
		pause();
	_exit(1);
}

static void test_killed(void **state)
{
	struct channel_fixture *x = *state;
	struct outlet_opts c = { .kind = "file", .name = "out", .path = x->path };
	_cleanup_(freep) char *text = NULL;
	struct outlets *o;
	int pipes[2];
	char byte;
	pid_t pid;

	fflush(stdout);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		hold_alerts(x, pipes[1]);
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	o = test_outlets(&c, 1, x->spool);
	outlets_put(o, test_alert(500));
	assert_int_equal(outlets_close(o, 5000), 0);
	text = slurp(x->path);
	assert_string_equal(expect_lines(text, "{\"n\":%u}\n", 0, 501), "");
}

static void test_wrong(void **state)
{
	static const struct {
		struct outlet_opts c[2];
		const char *why;
	} wrong[] = {
		{ { { .kind = "pigeon" }, { .kind = "stdout" } }, "pigeon: no such kind of channel" },
		{ { { .kind = "stdout" }, { .kind = "stdout" } },
		  "stdout: there is another channel of this name" },
		{ { { .kind = "stdout", .name = "../x" }, { .kind = "stdout" } },
		  "stdout: the name of a channel is 1 to 31 of a-z, 0-9, _ and -" },
		{ { { .kind = "file", .path = "x" }, { .kind = "stdout" } },
		  "file: the path of a file must be absolute" },
		{ { { .kind = "file", .path = "/nowhere/x" }, { .kind = "stdout" } },
		  "file: /nowhere/x: No such file or directory" },
		{ { { .kind = "file", .path = "/tmp/x", .keep = 1001 }, { .kind = "stdout" } },
		  "file: at most 1000 old files" },
	};
	struct outlets_opts bad = { .spool_dir = "/proc/nothing" };
	struct outlets *o = NULL;
	struct buf why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct outlets_opts opts = { .channels = wrong[i].c, .nchannels = 2 };

		buf_reset(&why);
		assert_true(outlets_open(&opts, &o, &why) < 0);
		buf_char(&why, 0);
		assert_string_equal(why.p, wrong[i].why);
	}
	buf_reset(&why);
	assert_int_equal(outlets_open(&bad, &o, &why), -ENOENT);
	buf_char(&why, 0);
	assert_string_equal(why.p, "/proc/nothing: No such file or directory");
	assert_null(o);
	buf_free(&why);
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_file),  T(test_file_rotation), T(test_file_moved), T(test_stdout_blocked),
		T(test_burst), T(test_killed),	      T(test_restart),	  T(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
