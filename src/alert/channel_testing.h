#pragma once
/* For the tests of channels: a directory that goes away, alerts made by hand, waiting. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "alert/outlets.h"
#include "base/cleanup.h"

#define TEST_WAIT_MS 10000

struct channel_fixture {
	char dir[64], path[96], spool[96];
};

static inline int test_remove(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static inline int test_dir_setup(void **state)
{
	struct channel_fixture *x = calloc(1, sizeof(*x));

	strcpy(x->dir, "/tmp/porthole-alert-XXXXXX");
	if (!mkdtemp(x->dir))
		return -1;
	snprintf(x->path, sizeof(x->path), "%s/alerts", x->dir);
	snprintf(x->spool, sizeof(x->spool), "%s/deep/spool", x->dir);
	*state = x;
	return 0;
}

static inline int test_dir_teardown(void **state)
{
	struct channel_fixture *x = *state;

	nftw(x->dir, test_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(x);
	return 0;
}

/* "alert NUMBER" and {"n":NUMBER,"pad":"xxx"}. */
static inline struct alert *test_alert_padded(unsigned i, size_t pad)
{
	struct alert *a = calloc(1, sizeof(*a) + 128 + pad);
	char *json;
	int n;

	atomic_init(&a->refs, 1);
	a->priority = (enum priority)(i % PRIORITIES);
	a->time.ns = 1767323045 * NS_PER_SEC;
	n = sprintf(a->bytes, "alert %u", i);
	a->text = (struct str){ a->bytes, (size_t)n };
	json = a->bytes + n + 1;
	n = sprintf(json, pad ? "{\"n\":%u,\"pad\":\"" : "{\"n\":%u}", i);
	if (pad) {
		memset(json + n, 'x', pad);
		n += (int)pad;
		n += sprintf(json + n, "\"}");
	}
	a->json = (struct str){ json, (size_t)n };
	a->rule = STR("Some rule");
	return a;
}

static inline struct alert *test_alert(unsigned i)
{
	return test_alert_padded(i, 0);
}

static inline struct outlets *test_outlets(const struct outlet_opts *channels, size_t n,
					   const char *spool)
{
	struct outlets_opts o = {
		.channels = channels,
		.nchannels = n,
		.spool_dir = spool,
		.backoff_min_ms = 10,
		.backoff_max_ms = 40,
	};
	struct outlets *ret = NULL;
	struct buf why = { 0 };

	if (outlets_open(&o, &ret, &why))
		fail_msg("%.*s", STR_ARG(buf_slice(&why)));
	assert_int_equal(why.n, 0);
	buf_free(&why);
	return ret;
}

static inline struct outlet_stats test_channel(struct outlets *o, size_t i)
{
	struct outlet_stats s;

	outlets_channel(o, i, &s);
	return s;
}

/* Waits until @what of channel @i is at least @n. */
#define test_wait(o, i, what, count)                                       \
	do {                                                               \
		for (int t_ = 0; t_ < TEST_WAIT_MS; t_++) {                \
			if (test_channel(o, i).what >= (uint64_t)(count))  \
				break;                                     \
			usleep(1000);                                      \
		}                                                          \
		assert_true(test_channel(o, i).what >= (uint64_t)(count)); \
	} while (0)
