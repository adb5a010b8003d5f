/* sscanf with %n: a form fits when it ends where the text ends. */
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SECONDS_MAX (100ll * 366 * 86400)

static bool clock_ok(int h, int m, int s)
{
	return h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s < 60;
}

/* "HH:MM" or "HH:MM:SS" and nothing behind, or "Z". */
static bool clock_read(const char *text, struct tm *tm, bool *ret_utc)
{
	int h, m, s = 0, end = 0;

	if (sscanf(text, "%2d:%2d%n", &h, &m, &end) != 2 || !end)
		return false;
	text += end;
	end = 0;
	if (sscanf(text, ":%2d%n", &s, &end) == 1)
		text += end;
	*ret_utc = strcmp(text, "Z") == 0;
	if ((*text && !*ret_utc) || !clock_ok(h, m, s))
		return false;
	tm->tm_hour = h;
	tm->tm_min = m;
	tm->tm_sec = s;
	tm->tm_isdst = -1;
	return true;
}

static bool today(const char *text, int64_t now_ns, int64_t *ret)
{
	const time_t now = (time_t)(now_ns / (int64_t)NS_PER_SEC);
	struct tm tm;
	bool utc;
	time_t t;

	if (!localtime_r(&now, &tm) || !clock_read(text, &tm, &utc) || utc)
		return false;
	t = mktime(&tm);
	if (t > now) {
		tm.tm_mday--;
		tm.tm_isdst = -1;
		t = mktime(&tm);
	}
	*ret = (int64_t)t;
	return t != (time_t)-1;
}

static bool date(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	int y, mon, d, end = 0;
	bool utc;
	time_t t;

	if (sscanf(text, "%4d-%2d-%2d%n", &y, &mon, &d, &end) != 3 || !end ||
	    (text[end] != 'T' && text[end] != ' ') || !clock_read(text + end + 1, &tm, &utc))
		return false;
	if (y < 1970 || mon < 1 || mon > 12 || d < 1 || d > 31)
		return false;
	tm.tm_year = y - 1900;
	tm.tm_mon = mon - 1;
	tm.tm_mday = d;
	t = utc ? timegm(&tm) : mktime(&tm);
	*ret = (int64_t)t;
	/* The 31st of June has become another day. */
	return t != (time_t)-1 && tm.tm_mday == d;
}

static int64_t unit_seconds(char c)
{
	return c == 's' ? 1 : c == 'm' ? 60 : c == 'h' ? 3600 : c == 'd' ? 86400 : 0;
}

static bool ago(const char *text, int64_t now_ns, int64_t *ret)
{
	int64_t back = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long n = strtoul(text, &end, 10);
		int64_t unit = unit_seconds(*end);

		if (!unit || n > (unsigned long)(SECONDS_MAX / unit))
			return false;
		back += (int64_t)n * unit;
		if (back > SECONDS_MAX)
			return false;
		text = end + 1;
	}
	if (strcmp(text, " ago") != 0 || !back)
		return false;
	*ret = now_ns / (int64_t)NS_PER_SEC - back;
	return true;
}

bool when_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	int64_t s;

	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return true;
	}
	/* sscanf takes blanks and signs where nobody would write them. */
	if (*text < '0' || *text > '9')
		return false;
	if (!ago(text, now_ns, &s) && !today(text, now_ns, &s) && !date(text, &s))
		return false;
	if (s < 0 || s > INT64_MAX / (int64_t)NS_PER_SEC)
		return false;
	*ret_ns = s * (int64_t)NS_PER_SEC;
	return true;
}
