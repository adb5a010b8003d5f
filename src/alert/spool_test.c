/* The spool: order, bounds, severity, restarts, kill -9, damage. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "alert/spool.h"
#include "base/cleanup.h"

#define MANY 2000

static atomic_bool sync_stop;

struct fixture {
	char dir[64];
	struct spool_batch batch;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	strcpy(x->dir, "/tmp/porthole-spool-XXXXXX");
	if (!mkdtemp(x->dir))
		return -1;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	nftw(x->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	buf_free(&x->batch.bytes);
	free(x);
	return 0;
}

/* Alert number @i: its text tells it, the JSON has @pad bytes more. */
static int append(struct spool *s, unsigned i, enum priority p, size_t pad)
{
	char text[32], json[70000];
	struct alert a = { .priority = p, .time = { i }, .rule = STR("rule") };

	snprintf(text, sizeof(text), "text %u", i);
	memset(json, 'x', pad);
	json[pad] = 0;
	a.text = str_of(text);
	a.json = str_of(json);
	return spool_append(s, &a);
}

static struct spool *opened(const char *dir, uint64_t max)
{
	struct spool_opts o = { dir, max };
	struct spool *s = NULL;
	struct buf why = { 0 };

	if (spool_open(&o, &s, &why))
		fail_msg("%.*s", STR_ARG(buf_slice(&why)));
	buf_free(&why);
	return s;
}

static unsigned reader(struct spool *s, const char *name)
{
	unsigned r = 99;

	assert_int_equal(spool_reader(s, name, &r), 0);
	return r;
}

static unsigned number(const struct spool_alert *a)
{
	unsigned i = 0;
	char text[32] = "";

	memcpy(text, a->text.p, a->text.n < 31 ? a->text.n : 31);
	assert_int_equal(sscanf(text, "text %u", &i), 1);
	assert_int_equal(a->time.ns, i);
	assert_true(str_eq(a->rule, STR("rule")));
	return i;
}

/* Takes one alert; UINT_MAX when there is none. */
static unsigned take(struct fixture *x, struct spool *s, unsigned r)
{
	if (spool_read(s, r, 1, &x->batch) == 0)
		return UINT32_MAX;
	spool_done(s, r, &x->batch, 1);
	return number(&x->batch.alerts[0]);
}

static uint64_t pending(struct spool *s, unsigned r)
{
	struct spool_reader_stats st;

	spool_reader_stats(s, r, &st);
	return st.pending;
}

static unsigned files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d));)
		n += strstr(e->d_name, ".seg") != NULL;
	closedir(d);
	return n;
}

static void order(struct fixture *x, const char *dir)
{
	struct spool *s = opened(dir, 1 << 20);
	unsigned a = reader(s, "a"), b = reader(s, "b"), next = 0;

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(append(s, i, (enum priority)(i * 7 % PRIORITIES), i % 100), 0);
	assert_int_equal(pending(s, a), MANY);
	while (spool_read(s, a, SPOOL_BATCH, &x->batch)) {
		for (size_t i = 0; i < x->batch.n; i++) {
			assert_int_equal(number(&x->batch.alerts[i]), next + i);
			assert_int_equal(x->batch.alerts[i].priority, (next + i) * 7 % PRIORITIES);
			assert_int_equal(x->batch.alerts[i].json.n, (next + i) % 100);
		}
		/* Only some are done with: the others come again. */
		spool_done(s, a, &x->batch, x->batch.n > 3 ? x->batch.n - 3 : x->batch.n);
		next += (unsigned)(x->batch.n > 3 ? x->batch.n - 3 : x->batch.n);
	}
	assert_int_equal(next, MANY);
	assert_int_equal(pending(s, a), 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(take(x, s, b), i);
	assert_int_equal(take(x, s, b), UINT32_MAX);
	spool_close(s);
}

static void test_order_memory(void **state)
{
	order(*state, NULL);
}

static void test_order_disk(void **state)
{
	struct fixture *x = *state;

	order(x, x->dir);
	assert_int_equal(files(x->dir), 0); /* all read: nothing is left */
}

static void bound(struct fixture *x, const char *dir)
{
	struct spool *s = opened(dir, 64 << 10);
	unsigned r = reader(s, "r"), fast = reader(s, "fast"), last = 0, got = 0;
	struct spool_reader_stats st;
	struct spool_stats all;

	/* 500 of each: severe ones, then many that are not; one reader keeps up. */
	for (unsigned i = 0; i < 1000; i++) {
		enum priority p = i < 60 ? PRIORITY_CRITICAL :
				  i % 2	 ? PRIORITY_DEBUG :
					   PRIORITY_NOTICE;

		assert_int_equal(append(s, i, p, 300), 0);
		assert_int_equal(take(x, s, fast), i);
		spool_stats(s, &all);
		assert_true(all.bytes <= all.max_bytes);
	}
	spool_reader_stats(s, fast, &st);
	for (unsigned p = 0; p < PRIORITIES; p++)
		assert_int_equal(st.dropped[p], 0);
	spool_reader_stats(s, r, &st);
	assert_int_equal(st.dropped[PRIORITY_CRITICAL], 0);
	assert_true(st.dropped[PRIORITY_DEBUG] > 400);
	assert_true(st.dropped[PRIORITY_NOTICE] > 200);
	assert_int_equal(st.pending, 1000 - st.dropped[PRIORITY_DEBUG] - st.dropped[PRIORITY_NOTICE]);
	/* What is left: all severe ones, then the newest of the others, in order. */
	for (unsigned n, i = 0; (n = take(x, s, r)) != UINT32_MAX; i++, got++, last = n) {
		assert_true(i < 60 ? n == i : n > last);
		if (i >= 60)
			assert_true(n > 60 + st.dropped[PRIORITY_NOTICE]);
	}
	assert_int_equal(got, st.pending);
	assert_true(last >= 998);
	spool_close(s);
}

static void test_bound_memory(void **state)
{
	bound(*state, NULL);
}

static void test_bound_disk(void **state)
{
	bound(*state, ((struct fixture *)*state)->dir);
}

/* A batch in somebody's hands while its alerts are dropped. */
static void test_dropped_while_sending(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(NULL, 64 << 10);
	unsigned r = reader(s, "r");
	struct spool_reader_stats st;

	for (unsigned i = 0; i < 10; i++)
		append(s, i, PRIORITY_DEBUG, 300);
	assert_int_equal(spool_read(s, r, 5, &x->batch), 5);
	for (unsigned i = 10; i < 1000; i++)
		append(s, i, PRIORITY_DEBUG, 300);
	spool_done(s, r, &x->batch, 5);
	spool_reader_stats(s, r, &st);
	assert_int_equal(st.pending + st.dropped[PRIORITY_DEBUG], 1000);
	assert_int_equal(take(x, s, r), st.dropped[PRIORITY_DEBUG]);
	spool_close(s);
}

static void test_restart(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(x->dir, 1 << 20);
	unsigned a = reader(s, "a"), b = reader(s, "b"), c;

	for (unsigned i = 0; i < 500; i++)
		append(s, i, (enum priority)(i % 3 + 2), 50);
	for (unsigned i = 0; i < 123; i++)
		assert_int_equal(take(x, s, a), i);
	spool_close(s);
	s = opened(x->dir, 1 << 20);
	b = reader(s, "b");
	a = reader(s, "a");
	c = reader(s, "new");
	assert_int_equal(pending(s, a), 500 - 123);
	assert_int_equal(pending(s, b), 500);
	assert_int_equal(pending(s, c), 0);
	append(s, 500, PRIORITY_DEBUG, 0);
	for (unsigned i = 123; i <= 500; i++)
		assert_int_equal(take(x, s, a), i);
	for (unsigned i = 0; i <= 500; i++)
		assert_int_equal(take(x, s, b), i);
	assert_int_equal(take(x, s, c), 500);
	spool_close(s);
	/* All gone, numbers go on. */
	assert_int_equal(files(x->dir), 0);
	s = opened(x->dir, 1 << 20);
	a = reader(s, "a");
	append(s, 1, PRIORITY_DEBUG, 0);
	assert_int_equal(take(x, s, a), 1);
	spool_close(s);
}

/* A reader that is none any more keeps its place for a week, then not. */
static void test_absent(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(x->dir, 1 << 20);
	unsigned a = reader(s, "a"), b;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct spool_stats st;
	char path[128];

	reader(s, "gone");
	spool_absent(s); /* both are there */
	for (unsigned i = 0; i < 50; i++)
		append(s, i, PRIORITY_ERROR, 50);
	while (take(x, s, a) != UINT32_MAX)
		;
	spool_stats(s, &st);
	assert_int_equal(st.absent + st.expired, 0);
	spool_close(s);
	s = opened(x->dir, 1 << 20);
	a = reader(s, "a");
	spool_absent(s);
	spool_stats(s, &st);
	assert_int_equal(st.absent, 50);
	append(s, 50, PRIORITY_ERROR, 0);
	assert_int_equal(take(x, s, a), 50);
	spool_close(s);
	/* It comes back: nothing is lost. */
	s = opened(x->dir, 1 << 20);
	a = reader(s, "a");
	b = reader(s, "gone");
	spool_absent(s);
	assert_int_equal(pending(s, b), 51);
	assert_int_equal(take(x, s, b), 0);
	spool_close(s);
	/* It stays away. */
	snprintf(path, sizeof(path), "%s/gone.pos", x->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	s = opened(x->dir, 1 << 20);
	reader(s, "a");
	spool_absent(s);
	spool_stats(s, &st);
	assert_int_equal(st.absent, 0);
	assert_int_equal(st.expired, 50);
	assert_int_equal(access(path, F_OK), -1);
	spool_close(s);
	assert_int_equal(files(x->dir), 0);
}

static void *sync_run(void *ctx)
{
	spool_sync(ctx, &sync_stop);
	return NULL;
}

/* What is appended is synced soon, once a second at most; and not for nothing. */
static void test_sync(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(x->dir, 1 << 20), *memory = opened(NULL, 1 << 20);
	struct spool_stats st = { 0 };
	pthread_t t;

	reader(s, "a");
	spool_sync(memory, &sync_stop); /* comes back at once */
	spool_close(memory);
	assert_int_equal(pthread_create(&t, NULL, sync_run, s), 0);
	append(s, 0, PRIORITY_ERROR, 50);
	for (int i = 0; i < 500 && !st.syncs; i++) {
		usleep(10000);
		spool_stats(s, &st);
	}
	assert_int_equal(st.syncs, 1);
	for (unsigned i = 1; i < 100; i++)
		append(s, i, PRIORITY_ERROR, 50);
	usleep(50000);
	spool_stats(s, &st);
	assert_int_equal(st.syncs, 1);
	assert_int_equal(st.sync_errors, 0);
	atomic_store(&sync_stop, true);
	spool_wake(s);
	pthread_join(t, NULL);
	spool_close(s);
}

static void test_locked(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(x->dir, 1 << 20), *other = NULL;
	struct spool_opts o = { x->dir, 1 << 20 };
	struct buf why = { 0 };

	assert_int_equal(spool_open(&o, &other, &why), -EBUSY);
	assert_null(other);
	assert_true(str_eq(buf_slice(&why), STR("another process uses it")));
	buf_free(&why);
	spool_close(s);
}

/* Appends and tells each, until it is killed. */
static void write_for_ever(const char *dir, unsigned base, int told)
{
	struct spool *s = opened(dir, 8 << 20);

	reader(s, "r");
	for (unsigned i = 0;; i++) {
		append(s, base + i, (enum priority)(i % 4), 200);
		if (write(told, &i, sizeof(i)) < 0)
			_exit(1);
	}
}

/* A writer that is killed in the middle: what it had said to have written is there. */
static void killed_in_the_middle(struct fixture *x, unsigned base, unsigned at)
{
	unsigned said = 0, r;
	int pipes[2], status;
	struct spool *s;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		write_for_ever(x->dir, base, pipes[1]);
	close(pipes[1]);
	while (said < at)
		assert_int_equal(read(pipes[0], &said, sizeof(said)), sizeof(said));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	while (read(pipes[0], &said, sizeof(said)) == sizeof(said))
		;
	close(pipes[0]);
	s = opened(x->dir, 8 << 20);
	r = reader(s, "r");
	for (unsigned i = 0; i <= said; i++)
		assert_int_equal(take(x, s, r), base + i);
	while (take(x, s, r) != UINT32_MAX) /* one more may be there */
		;
	spool_close(s);
}

static void test_kill(void **state)
{
	for (unsigned round = 0; round < 5; round++)
		killed_in_the_middle(*state, round * 1000000, 300 + round * 100);
}

static void damage(const char *dir, const char *name, off_t at, const char *bytes, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	if (at < 0)
		assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) + at), 0);
	else
		assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void ten(struct fixture *x)
{
	struct spool *s = opened(x->dir, 1 << 20);

	reader(s, "r");
	for (unsigned i = 0; i < 10; i++)
		append(s, i, PRIORITY_ERROR, 100);
	spool_close(s);
}

#define TEN_FILE "3-0000000000000001.seg"
#define ONE_SIZE (48 + 4 + 6 + 100)

/* Where the damage is, and what must still come. */
static void test_damage(void **state)
{
	static const struct {
		off_t at;
		const char *bytes;
		size_t n;
		unsigned lost; /* bits */
	} cases[] = {
		{ -1, NULL, 0, 1 << 9 },			  /* torn tail */
		{ -ONE_SIZE - 60, NULL, 0, 3 << 8 },		  /* torn further up */
		{ -(ONE_SIZE - 10), NULL, 0, 1 << 9 },		  /* within a head */
		{ ONE_SIZE * 2 + 60, "Z", 1, 1 << 2 },		  /* in a body */
		{ ONE_SIZE * 4 + 3, "Z", 1, 1 << 4 },		  /* in a magic */
		{ ONE_SIZE * 4 + 28, "\xff\xff\xff", 3, 1 << 4 }, /* in a length */
		{ ONE_SIZE * 4 + 100, "PHA1PHA1PHA1PHA1", 16, 1 << 4 },
		{ ONE_SIZE * 10, "garbage", 7, 0 }, /* behind the end */
		{ 0, "", 1, 1 },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spool_stats st;
		struct spool *s;
		unsigned r;

		ten(x);
		damage(x->dir, TEN_FILE, cases[i].at, cases[i].bytes, cases[i].n);
		s = opened(x->dir, 1 << 20);
		r = reader(s, "r");
		for (unsigned n = 0; n < 10; n++)
			if (!(cases[i].lost & 1u << n))
				assert_int_equal(take(x, s, r), n);
		assert_int_equal(take(x, s, r), UINT32_MAX);
		spool_stats(s, &st);
		assert_true(st.damaged > 0);
		spool_close(s);
		nftw(x->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
}

static void test_strangers(void **state)
{
	struct fixture *x = *state;
	struct spool_stats st;
	struct spool *s;
	unsigned r;

	ten(x);
	damage(x->dir, "r.pos", 0, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	damage(x->dir, "5-0000000000000001.seg", 0, "nothing", 7);
	damage(x->dir, "9-0000000000000001.seg", 0, "no priority", 11);
	damage(x->dir, "3-1.seg", 0, "short", 5);
	damage(x->dir, "new", 0, "left over", 9);
	s = opened(x->dir, 1 << 20);
	r = reader(s, "r");
	for (unsigned n = 0; n < 10; n++)
		assert_int_equal(take(x, s, r), n);
	spool_stats(s, &st);
	assert_int_equal(st.damaged, 7);
	spool_close(s);
}

/* The disk is full (here: a limit on file sizes): alerts go on in memory. */
static void test_disk_full(void **state)
{
	struct fixture *x = *state;
	struct rlimit before, small = { 2000, 2000 };
	struct spool *s = opened(x->dir, 1 << 20);
	unsigned r = reader(s, "r");
	struct spool_stats st;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(append(s, i, PRIORITY_ERROR, 100), 0);
	setrlimit(RLIMIT_FSIZE, &before);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(take(x, s, r), i);
	spool_stats(s, &st);
	assert_true(st.errors > 0);
	spool_close(s);
}

/* The files change under a running spool: what cannot be read is dropped and counted, the rest goes
 * on. */
static void test_damage_running(void **state)
{
	struct fixture *x = *state;
	struct spool *s = opened(x->dir, 1 << 20);
	unsigned r = reader(s, "r");
	struct spool_reader_stats st;

	for (unsigned i = 0; i < 10; i++)
		append(s, i, PRIORITY_ERROR, 100);
	append(s, 10, PRIORITY_DEBUG, 0);
	damage(x->dir, TEN_FILE, ONE_SIZE * 2 + 60, "Z", 1);
	assert_int_equal(take(x, s, r), 0);
	assert_int_equal(take(x, s, r), 1);
	while (take(x, s, r) == UINT32_MAX)
		;
	spool_reader_stats(s, r, &st);
	assert_int_equal(st.dropped[PRIORITY_ERROR], 8);
	assert_int_equal(st.pending, 0);
	append(s, 11, PRIORITY_ERROR, 0);
	assert_int_equal(take(x, s, r), 11);
	spool_close(s);
}

static void test_too_large(void **state)
{
	struct spool *s = opened(NULL, 64 << 10);
	struct alert a = { .json = { NULL, 5u << 20 } };
	struct spool_stats st;

	(void)state;
	reader(s, "r");
	assert_int_equal(spool_append(s, &a), -E2BIG);
	spool_stats(s, &st);
	assert_int_equal(st.refused, 1);
	spool_close(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order_memory), T(test_order_disk), T(test_bound_memory),
		T(test_bound_disk),   T(test_restart),	  T(test_dropped_while_sending),
		T(test_locked),	      T(test_kill),	  T(test_damage),
		T(test_strangers),    T(test_disk_full),  T(test_damage_running),
		T(test_too_large),    T(test_absent),	  T(test_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
