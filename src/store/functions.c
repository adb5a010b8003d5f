/*
 * What SQL lacks to ask about a node:
 *   ago('10m'), at('02:57')   moments, in Unix nanoseconds as the columns of type TIME
 *   dur('200ms')              a duration, in nanoseconds as the columns of type DURATION
 *   bucket(time, '1m')        the beginning of the minute (hour, ...) that it is in
 *   clock(time)               2026-11-30 02:57:01.250, in the machine's time zone
 *   percentile(x, p)          of all x of a group, 0 <= p <= 100, between the nearest two
 * They depend on their arguments and the moment of the query alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/when.h"
#include "store/reader_priv.h"

#define TEXT_MAX 64

static const char *text_of(sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);

	return text && sqlite3_value_bytes(v) < TEXT_MAX ? text : NULL;
}

static void moment(sqlite3_context *x, const char *text, const char *behind, const char *wrong)
{
	const struct store_reader *r = sqlite3_user_data(x);
	char whole[TEXT_MAX + 8];
	int64_t ns;

	if (text)
		snprintf(whole, sizeof(whole), "%s%s", text, behind);
	if (text && when_parse(whole, r->opts.now_ns, &ns))
		sqlite3_result_int64(x, ns);
	else
		sqlite3_result_error(x, wrong, -1);
}

static void ago_call(sqlite3_context *x, int n, sqlite3_value **v)
{
	(void)n;
	moment(x, text_of(v[0]), " ago", "ago() takes a time as '10m', '1h30m', '2d'");
}

static void at_call(sqlite3_context *x, int n, sqlite3_value **v)
{
	(void)n;
	moment(x, text_of(v[0]), "", "at() takes a moment as '02:57', '2026-11-30 02:57:30', 'now'");
}

static bool duration_parse(const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },   { "s", 1e9 },
		      { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 } };
	char *end;
	double v = text ? strtod(text, &end) : -1;

	if (!(v >= 0) || v > 1e9 || end == text)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0 && v * units[i].ns < 9e18) {
			*ret = (int64_t)(v * units[i].ns);
			return true;
		}
	return false;
}

static void dur_call(sqlite3_context *x, int n, sqlite3_value **v)
{
	int64_t ns;

	(void)n;
	if (duration_parse(text_of(v[0]), &ns))
		sqlite3_result_int64(x, ns);
	else
		sqlite3_result_error(x, "dur() takes a duration as '200ms', '1.5s', '10m'", -1);
}

static void bucket_call(sqlite3_context *x, int n, sqlite3_value **v)
{
	int64_t t = sqlite3_value_int64(v[0]), ns;

	(void)n;
	if (!duration_parse(text_of(v[1]), &ns) || ns == 0)
		sqlite3_result_error(x, "bucket() takes a time and a duration as '1m'", -1);
	else if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		sqlite3_result_null(x);
	else
		sqlite3_result_int64(x, t - (t % ns < 0 ? 0 : t % ns));
}

static void clock_call(sqlite3_context *x, int n, sqlite3_value **v)
{
	const int64_t ns = sqlite3_value_int64(v[0]);
	const time_t s = (time_t)(ns / (int64_t)NS_PER_SEC);
	char text[48], whole[64];
	struct tm tm;

	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL || ns < 0 || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm)) {
		sqlite3_result_null(x);
		return;
	}
	snprintf(whole, sizeof(whole), "%s.%03d", text, (int)(ns / (int64_t)NS_PER_MS % 1000));
	sqlite3_result_text(x, whole, -1, SQLITE_TRANSIENT);
}

/* --- percentile --- */

struct percentile {
	double *x, p;
	size_t n, cap;
	bool bad;
};

static void percentile_step(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	struct percentile *s = sqlite3_aggregate_context(ctx, sizeof(*s));
	double p = sqlite3_value_double(v[1]);

	(void)n;
	if (!s || sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		double *x = sqlite3_realloc64(s->x, cap * sizeof(*x));

		if (!x) {
			sqlite3_result_error_nomem(ctx);
			return;
		}
		s->x = x;
		s->cap = cap;
	}
	s->bad |= !(p >= 0 && p <= 100) || (s->n && p != s->p);
	s->p = p;
	s->x[s->n++] = sqlite3_value_double(v[0]);
}

static int double_cmp(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void percentile_final(sqlite3_context *ctx)
{
	struct percentile *s = sqlite3_aggregate_context(ctx, 0);
	double at, low;

	if (!s || !s->n) {
		sqlite3_result_null(ctx);
		return;
	}
	if (s->bad) {
		sqlite3_result_error(ctx, "percentile() takes one p from 0 to 100", -1);
	} else {
		qsort(s->x, s->n, sizeof(*s->x), double_cmp);
		at = s->p / 100 * (double)(s->n - 1);
		low = floor(at);
		sqlite3_result_double(ctx, s->x[(size_t)low] + (at - low) * (s->x[(size_t)ceil(at)] -
									     s->x[(size_t)low]));
	}
	sqlite3_free(s->x);
	s->x = NULL;
}

static const struct {
	const char *name;
	int args;
	void (*call)(sqlite3_context *x, int n, sqlite3_value **v);
	void (*step)(sqlite3_context *x, int n, sqlite3_value **v);
	void (*final)(sqlite3_context *x);
} functions[] = {
	{ "ago", 1, ago_call },	    { "at", 1, at_call },
	{ "dur", 1, dur_call },	    { "bucket", 2, bucket_call },
	{ "clock", 1, clock_call }, { "percentile", 2, NULL, percentile_step, percentile_final },
};

int functions_register(struct store_reader *r)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function_v2(r->db, functions[i].name, functions[i].args,
						SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
						r, functions[i].call, functions[i].step,
						functions[i].final, NULL);
	return rc;
}
