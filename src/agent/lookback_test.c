/* Look-back: the ring keeps the youngest records whole and in order, and captures hold them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/lookback.h"
#include "base/cleanup.h"
#include "source/capture.h"
#include "source/source.h"
#include "wire/meta.h"

#define SECOND NS_PER_SEC

static const struct event_host host = { .name = { "test", 4 }, .boot_to_wall_ns = 1 };

struct fixture {
	char dir[64];
	struct enrich *enrich;
	struct lookback *l;
};

static void begin(struct fixture *f, struct lookback_opts o)
{
	strcpy(f->dir, "/tmp/lookback_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	o.directory = f->dir;
	assert_int_equal(enrich_new(&f->enrich), 0);
	assert_int_equal(lookback_new(&o, &host, &f->l), 0);
}

static void end(struct fixture *f)
{
	char command[128];

	lookback_close(f->l, f->enrich);
	enrich_free(f->enrich);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
}

/* A record of @n bytes whose content says when it was. */
static void put(struct fixture *f, uint64_t time_ns, uint32_t n)
{
	_cleanup_(freep) char *room = calloc(1, n);
	struct rec_hdr *h = (void *)room;

	memset(room, (int)(time_ns & 0x7f), n);
	*h = (struct rec_hdr){ .time_ns = time_ns, .len = n, .type = REC_SYSCALL };
	lookback_record(f->l, h);
}

static const struct rule rule = { .name = { "A Rule: with/odd\\name", 21 }, .capture = true };

/* Waits for the writer and opens the capture. */
static struct source *capture_of(struct fixture *f, const char *name)
{
	struct source *s = NULL;
	const char *why = "";
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	for (int i = 0; i < 500 && access(path, F_OK) != 0; i++) {
		lookback_turn(f->l, f->enrich, (struct boot_ns){ UINT64_MAX });
		usleep(10000);
	}
	if (capture_open(path, &s, &why) != 0)
		fail_msg("%s: %s", path, why);
	return s;
}

/* Records of random sizes: a capture has the youngest, in order, unharmed, and says when it lacks some. */
static void youngest_are_kept(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		const struct rec_hdr *h;
		char name[LOOKBACK_NAME];
		struct source *s;
		uint64_t first = 0, n = 0, count = 50 + seed * 37;

		srand(seed);
		begin(&f, (struct lookback_opts){ .window_ns = 1000 * SECOND,
						  .memory_bytes = 64 << 10,
						  .disk_bytes = 1 << 20,
						  .per_hour = 10 });
		for (uint64_t i = 1; i <= count; i++)
			put(&f, i, (uint32_t)(sizeof(struct rec_hdr) + (unsigned)rand() % 4000));
		assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ count }, name));
		s = capture_of(&f, name);
		while (source_next(s, &h) == 1) {
			if (h->type != REC_SYSCALL)
				continue;
			if (!first)
				first = h->time_ns - 1;
			assert_int_equal(h->time_ns, first + ++n);
			for (uint32_t b = sizeof(*h); b < h->len; b++)
				assert_int_equal(((const char *)h)[b], h->time_ns & 0x7f);
		}
		assert_int_equal(first + n, count);
		assert_true(n >= 10);
		assert_int_equal(s->losses.damaged, 0);
		source_close(s);
		lookback_turn(f.l, f.enrich, (struct boot_ns){ 0 });
		assert_int_equal(lookback_stats(f.l).cut, first > 0);
		end(&f);
	}
}

/* The window and the time behind the alert bound what goes in; alerts meanwhile share the file. */
static void window(void **state)
{
	const struct rec_hdr *h;
	char one[LOOKBACK_NAME], two[LOOKBACK_NAME];
	uint64_t first = 0, last = 0;
	struct source *s;
	struct fixture f;

	(void)state;
	begin(&f, (struct lookback_opts){ .window_ns = 10 * SECOND,
					  .after_ns = 5 * SECOND,
					  .memory_bytes = 1 << 20,
					  .disk_bytes = 1 << 20,
					  .per_hour = 10 });
	for (uint64_t t = 1; t <= 100; t++) {
		put(&f, t * SECOND, 64);
		if (t == 80)
			assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ t * SECOND }, one));
		if (t == 82)
			assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ t * SECOND }, two));
		lookback_turn(f.l, f.enrich, (struct boot_ns){ t * SECOND });
	}
	assert_string_equal(one, two);
	assert_non_null(strstr(one, "-a-rule-with-odd-name-1.cap"));
	s = capture_of(&f, one);
	while (source_next(s, &h) == 1) {
		if (h->type != REC_SYSCALL)
			continue;
		first = first ? first : h->time_ns;
		last = h->time_ns;
	}
	assert_int_equal(first, 70 * SECOND);
	assert_int_equal(last, 85 * SECOND);
	source_close(s);
	end(&f);
}

static void bounds(void **state)
{
	static const struct rule plain = { .name = { "plain", 5 } };
	char name[LOOKBACK_NAME];
	struct fixture f;

	(void)state;
	begin(&f, (struct lookback_opts){ .window_ns = SECOND,
					  .memory_bytes = 64 << 10,
					  .disk_bytes = 1 << 20,
					  .per_hour = 2,
					  .marked_only = true });
	assert_false(lookback_alert(f.l, &plain, (struct boot_ns){ SECOND }, name));
	for (int i = 0; i < 2; i++) {
		put(&f, SECOND + (uint64_t)i, 64);
		assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ SECOND }, name));
		source_close(capture_of(&f, name));
		lookback_turn(f.l, f.enrich, (struct boot_ns){ 0 });
	}
	assert_false(lookback_alert(f.l, &rule, (struct boot_ns){ 2 * SECOND }, name));
	assert_int_equal(lookback_stats(f.l).limited, 1);
	assert_int_equal(lookback_stats(f.l).captures, 2);
	put(&f, 3601 * SECOND, 64);
	assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ 3602 * SECOND }, name));
	end(&f);
}

static void disk(void **state)
{
	char first[LOOKBACK_NAME], name[LOOKBACK_NAME], path[512];
	struct fixture f;

	(void)state;
	begin(&f, (struct lookback_opts){ .window_ns = SECOND,
					  .memory_bytes = 64 << 10,
					  .disk_bytes = 4096,
					  .per_hour = 100 });
	for (int i = 0; i < 10; i++) {
		put(&f, SECOND, 1500);
		assert_true(lookback_alert(f.l, &rule, (struct boot_ns){ SECOND }, name));
		source_close(capture_of(&f, name));
		lookback_turn(f.l, f.enrich, (struct boot_ns){ 0 });
		if (i == 0)
			strcpy(first, name);
	}
	assert_true(lookback_stats(f.l).removed > 0);
	snprintf(path, sizeof(path), "%s/%s", f.dir, first);
	assert_int_not_equal(access(path, F_OK), 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(youngest_are_kept),
		cmocka_unit_test(window),
		cmocka_unit_test(bounds),
		cmocka_unit_test(disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
