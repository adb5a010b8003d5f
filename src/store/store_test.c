/* What is kept: rows as they were put, bounds of size and age, kill -9, a full queue, refused folders. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "store/folder.h"
#include "store/testing.h"

struct fixture {
	struct store_schema *schema;
	char dir[64], path[96];
	char text[4096]; /* of the result */
	struct store_read read;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->schema = store_test_schema();
	snprintf(x->dir, sizeof(x->dir), "/tmp/porthole-store-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	snprintf(x->path, sizeof(x->path), "%s/a/b", x->dir);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", x->dir);
	assert_int_equal(system(cmd), 0);
	free(x->schema);
	free(x);
	return 0;
}

static struct store *opened(struct fixture *x, struct store_opts o)
{
	struct store *st = NULL;

	o.directory = x->path;
	o.schema = x->schema;
	if (!o.max_bytes)
		o.max_bytes = STORE_BYTES_MIN;
	if (!o.max_age_ns)
		o.max_age_ns = 3600 * NS_PER_SEC;
	assert_int_equal(store_open(&o, &st), 0);
	return st;
}

static int head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	(void)ctx;
	(void)n;
	(void)names;
	(void)types;
	return 0;
}

static int row(void *ctx, size_t n, const struct store_value *v)
{
	struct fixture *x = ctx;
	size_t at = strlen(x->text);

	for (size_t i = 0; i < n; i++, at = strlen(x->text)) {
		char *to = x->text + at;
		const size_t room = sizeof(x->text) - at;

		if (v[i].type == STORE_INT)
			snprintf(to, room, "%s%lld", i ? "," : "", (long long)v[i].i64);
		else if (v[i].type == STORE_TEXT)
			snprintf(to, room, "%s%.*s", i ? "," : "", STR_ARG(v[i].str));
		else
			snprintf(to, room, "%s%s", i ? "," : "", v[i].type == STORE_NULL ? "-" : "?");
	}
	snprintf(x->text + at, sizeof(x->text) - at, ";");
	return 0;
}

static const char *asked(struct fixture *x, const char *sql)
{
	const struct store_reader_opts o = { .directory = x->path,
					     .schema = x->schema,
					     .to_ns = INT64_MAX,
					     .timeout_ns = 10 * NS_PER_SEC };
	const struct store_result to = { x, head, row };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct store_reader *r = NULL;

	x->text[0] = '\0';
	assert_int_equal(store_reader_open(&o, &r, &why), 0);
	if (store_reader_query(r, str_of(sql), &to, &x->read, &why) != 0)
		snprintf(x->text, sizeof(x->text), "%.*s", STR_ARG(buf_slice(&why)));
	store_reader_close(r);
	return x->text;
}

static void test_rows(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ 0 });
	struct store_stats s;

	assert_int_equal(store_start(st), 0);
	store_test_put(st, 2, 1000, "sh", STR("exec"));
	store_test_put(st, 3, 2000, "sh",
		       STR("a\0b\xff"
			   "c"));
	store_test_put(st, 9, 3000, "sh", STR_NONE);
	assert_true(store_close(st, 5000));
	assert_string_equal(asked(x, "select time, exit_code, evt_kind, proc_name, proc_pid "
				     "from processes order by time"),
			    "1000,2,exec,sh,2;2000,-,a\xef\xbf\xbd"
			    "b\xef\xbf\xbd"
			    "c,sh,3;"
			    "3000,-,-,sh,2;");
	assert_string_equal(asked(x, "select count(*) from processes where time >= 2000"), "2;");
	assert_string_equal(
		asked(x, "select count(*) from processes where time > 2000 and time < 3000"), "0;");
	assert_string_equal(asked(x, "select time from processes where evt_kind = 'exec'"), "1000;");
	assert_string_equal(
		asked(x, "select time from processes where EVT_KIND = 'EXEC' collate nocase"),
		"1000;");
	assert_string_equal(asked(x, "select count(*) from processes where proc_pid = '2'"), "2;");
	assert_string_equal(asked(x, "select count(*) from processes where proc_pid >= 2.5"), "1;");
	assert_string_equal(asked(x, "select count(*) from processes where exit_code is null"), "2;");
	assert_string_equal(asked(x, "select a.time, b.time from processes a join processes b on "
				     "a.proc_pid = b.proc_pid and a.time < b.time"),
			    "1000,3000;");
	assert_string_equal(asked(x, "select count(*) from alerts"), "0;");
	st = opened(x, (struct store_opts){ 0 });
	assert_int_equal(store_start(st), 0);
	store_test_put(st, 4, 4000, "other", STR("exit"));
	assert_true(store_close(st, 5000));
	assert_string_equal(
		asked(x, "select proc_name, count(*) from processes group by 1 order by 1"),
		"other,1;sh,3;");
	assert_int_equal(x->read.slices, 2);
	st = opened(x, (struct store_opts){ 0 });
	store_stats(st, &s);
	assert_int_equal(s.err, 0);
	assert_true(store_close(st, 100));
}

static void test_long_text_is_cut(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ 0 });
	char text[3 * STORE_TEXT_MAX];
	struct store_stats s;

	/* Two bytes a character, from an odd place on. */
	text[0] = 'a';
	for (size_t i = 1; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	assert_int_equal(store_start(st), 0);
	store_test_put(st, 2, 1000, "sh", (struct str){ text, sizeof(text) - 1 });
	store_stats(st, &s);
	assert_int_equal(s.cut, 1);
	assert_true(store_close(st, 5000));
	assert_string_equal(asked(x, "select length(cast(evt_kind as blob)), substr(evt_kind, -4) from "
				     "processes"),
			    "4098,\xc3\xa9...;");
}

static void put_many(struct store *st, size_t n, uint64_t first)
{
	char text[1024];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + (first + i) % 26);
	for (size_t i = 0; i < n; i++)
		store_test_put(st, first + i, first + i, "many", (struct str){ text, sizeof(text) });
}

static uint64_t folder_bytes(struct fixture *x, size_t *ret_n)
{
	struct store_files l;
	int dir = open(x->path, O_RDONLY | O_DIRECTORY);
	uint64_t bytes;

	assert_int_equal(store_folder_list(dir, &l), 0);
	bytes = l.bytes;
	*ret_n = l.n;
	store_files_free(&l);
	close(dir);
	return bytes;
}

/* Far more than the bound; it holds all the time, and what stays is the newest. */
static void test_bound_of_size(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ 0 });
	struct store_stats s = { 0 };
	uint64_t put = 0;
	size_t files;

	assert_int_equal(store_start(st), 0);
	while (put < 40000) {
		store_stats(st, &s);
		if (put - s.rows[STORE_PROCESSES] < 1500) {
			put_many(st, 500, put + 1);
			put += 500;
		}
		assert_true(folder_bytes(x, &files) <= STORE_BYTES_MIN);
	}
	assert_true(store_close(st, 5000));
	assert_true(folder_bytes(x, &files) <= STORE_BYTES_MIN);
	assert_true(folder_bytes(x, &files) > STORE_BYTES_MIN / 2);
	assert_true(files > 4);
	assert_true(s.removed > 4);
	assert_int_equal(s.queue_full, 0);
	assert_string_equal(asked(x, "select max(time), max(time) - min(time) + 1 = count(*) from "
				     "processes"),
			    "40000,1;");
}

static void test_bound_of_age(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ .max_age_ns = 3600 * NS_PER_SEC });
	const struct timespec old[2] = { { time(NULL) - 3700, 0 }, { time(NULL) - 3700, 0 } };
	char name[160];
	size_t files;

	for (int i = 1; i <= 3; i++) {
		snprintf(name, sizeof(name), "%s/history-%019d.db", x->path, i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
		if (i < 3)
			assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
	}
	snprintf(name, sizeof(name), "%s/other.db", x->path);
	close(open(name, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
	assert_int_equal(store_start(st), 0);
	assert_true(store_close(st, 5000));
	folder_bytes(x, &files);
	assert_int_equal(files, 1);
	assert_int_equal(access(name, F_OK), 0);
}

static void test_slices_by_time(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ .slice_ns = 50 * NS_PER_MS });
	struct store_stats s;
	size_t files;

	assert_int_equal(store_start(st), 0);
	for (uint64_t i = 0; i < 3; i++) {
		store_test_put(st, 2 * i, i + 1, "sh", STR("x"));
		do {
			usleep(20000);
			store_stats(st, &s);
		} while (s.rows[STORE_PROCESSES] <= i);
		usleep(100000);
	}
	assert_true(store_close(st, 5000));
	folder_bytes(x, &files);
	assert_int_equal(files, 3);
	assert_string_equal(asked(x, "select count(*) from processes"), "3;");
}

/* A child writes and is killed; what was committed is there, whatever it was doing. */
static void test_kill(void **state)
{
	struct fixture *x = *state;
	uint64_t rows = 0;

	for (int round = 0; round < 6; round++) {
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			struct store *st = opened(x, (struct store_opts){ 0 });

			store_start(st);
			for (uint64_t i = 1;; i += 300) {
				put_many(st, 300, i);
				usleep(3000);
			}
		}
		usleep(700000 + 31000 * (unsigned)round);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		asked(x, "select count(*) > 0, sum(length(evt_kind) <> 1024 or proc_name <> 'many'), "
			 "count(*) from processes");
		assert_int_equal(strncmp(x->text, "1,0,", 4), 0);
		assert_int_equal(x->read.damaged + x->read.foreign, 0);
		rows = strtoull(x->text + 4, NULL, 10);
		assert_true(rows > 0);
	}
	/* The next agent puts the logs in, and loses nothing by it. */
	struct store *st = opened(x, (struct store_opts){ 0 });

	assert_int_equal(store_start(st), 0);
	assert_true(store_close(st, 5000));
	asked(x, "select count(*) from processes");
	assert_true(strtoull(x->text, NULL, 10) > 0);
	assert_int_equal(x->read.damaged + x->read.foreign, 0);
}

static void test_queue_full(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ .queue_bytes = 64 << 10 });
	struct store_stats s;
	char want[32];

	/* Nobody writes yet. */
	put_many(st, 200, 1);
	store_stats(st, &s);
	assert_true(s.queue_full > 100 && s.queue_full < 200);
	assert_int_equal(store_start(st), 0);
	assert_true(store_close(st, 5000));
	snprintf(want, sizeof(want), "%d;", 200 - (int)s.queue_full);
	assert_string_equal(asked(x, "select count(*) from processes"), want);
}

/* A folder that goes away under a running store: counted, told, and it goes on when it is back. */
static void test_folder_gone(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ 0 });
	struct store_stats s;
	char cmd[160];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", x->path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(store_start(st), 0);
	put_many(st, 5, 1);
	do {
		usleep(20000);
		store_stats(st, &s);
	} while (!s.err);
	assert_int_equal(s.not_written, 5);
	assert_true(s.why[0]);
	put_many(st, 5, 1);
	assert_true(store_close(st, 5000));
}

static void test_folder_refused(void **state)
{
	struct fixture *x = *state;
	struct store_opts o = { .directory = x->path,
				.schema = x->schema,
				.max_bytes = STORE_BYTES_MIN,
				.max_age_ns = 1 };
	struct store *st = NULL;
	char file[96];

	snprintf(file, sizeof(file), "%s/a", x->dir);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(store_open(&o, &st), -ENOTDIR);
	o.max_bytes = STORE_BYTES_MIN - 1;
	assert_int_equal(store_open(&o, &st), -EINVAL);
	assert_null(st);
}

/* Rubbish, an SQLite file of another program, a directory, a link, half a slice: left out and said. */
static void test_bad_files(void **state)
{
	struct fixture *x = *state;
	struct store *st = opened(x, (struct store_opts){ 0 });
	char cmd[512];

	assert_int_equal(store_start(st), 0);
	put_many(st, 300, 1);
	assert_true(store_close(st, 5000));
	snprintf(cmd, sizeof(cmd),
		 "cd '%s' && f=$(ls history-*.db) && cp $f history-0000000000000000003.db && "
		 "head -c 20000 /dev/urandom >history-0000000000000000001.db && "
		 "truncate -s 40000 history-0000000000000000003.db && "
		 "mkdir history-0000000000000000004.db && ln -s $f history-0000000000000000005.db && "
		 ": >history-0000000000000000006.db && "
		 "(head -c 30000 $f; head -c 30000 /dev/urandom; tail -c +60001 $f) "
		 ">history-0000000000000000007.db",
		 x->path);
	assert_int_equal(system(cmd), 0);
	asked(x, "select count(*) from (select distinct time, evt_kind from processes where "
		 "length(evt_kind) = 1024 and proc_name = 'many')");
	assert_true(strtoull(x->text, NULL, 10) >= 300);
	assert_int_equal(x->read.damaged + x->read.foreign, 3);
	assert_string_equal(x->read.first_bad, "history-0000000000000000001.db");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_rows),	      T(test_long_text_is_cut), T(test_bound_of_size),
		T(test_bound_of_age), T(test_slices_by_time),	T(test_kill),
		T(test_queue_full),   T(test_folder_gone),	T(test_folder_refused),
		T(test_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
