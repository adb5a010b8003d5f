/* See body.h. */
#include "proto/cql/body.h"

#define COLUMNS_MAX 1024
#define TYPES_MAX   4096 /* options of all columns together, nested ones too */

bool cql_short(struct cur *c, uint16_t *ret)
{
	uint8_t b[2];

	if (!cur_copy(c, b, 2))
		return false;
	*ret = (uint16_t)(b[0] << 8 | b[1]);
	return true;
}

bool cql_int(struct cur *c, int32_t *ret)
{
	uint8_t b[4];

	if (!cur_copy(c, b, 4))
		return false;
	*ret = (int32_t)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
	return true;
}

bool cql_string(struct cur *c, struct str *ret)
{
	uint16_t n;

	return cql_short(c, &n) && cur_str(c, n, ret);
}

bool cql_long_string(struct cur *c, struct str *ret, bool *ret_cut)
{
	int32_t n;

	if (!cql_int(c, &n) || n < 0)
		return false;
	*ret_cut = (size_t)n > cur_left(c);
	return cur_str(c, *ret_cut ? cur_left(c) : (size_t)n, ret);
}

static bool pass_strings(struct cur *c, unsigned n)
{
	struct str s;

	while (n--)
		if (!cql_string(c, &s))
			return false;
	return true;
}

static bool pass_bytes(struct cur *c)
{
	int32_t n;

	return cql_int(c, &n) && (n < 0 || cur_skip(c, (size_t)n));
}

bool cql_passed(struct cur *c, uint8_t flags, bool answer)
{
	uint16_t n;

	if (answer && flags & CQL_TRACING && !cur_skip(c, 16))
		return false;
	if (answer && flags & CQL_WARNING && (!cql_short(c, &n) || !pass_strings(c, n)))
		return false;
	if (!(flags & CQL_PAYLOAD))
		return true;
	if (!cql_short(c, &n))
		return false;
	while (n--)
		if (!pass_strings(c, 1) || !pass_bytes(c))
			return false;
	return true;
}

struct str cql_map_find(struct cur c, struct str key)
{
	struct str k, v;
	uint16_t n;

	if (!cql_short(&c, &n))
		return STR_NONE;
	while (n-- && cql_string(&c, &k) && cql_string(&c, &v))
		if (str_eq(k, key))
			return v;
	return STR_NONE;
}

/*
 * One option of a type. It stands for `1` more to read; those with parameters add theirs: *want counts what is still to
 * read, so nesting needs no stack. The names of a user type's fields stand between its types: *want cannot tell
 * them apart, so user types end the reading.
 */
static bool pass_type(struct cur *c, uint32_t *want)
{
	struct str s;
	uint16_t id, n;

	if (!cql_short(c, &id))
		return false;
	--*want;
	switch (id) {
	case 0x00: /* custom: a class */
		return cql_string(c, &s);
	case 0x20: /* list */
	case 0x22: /* set */
		*want += 1;
		return true;
	case 0x21: /* map */
		*want += 2;
		return true;
	case 0x30: /* user type */
		return false;
	case 0x31: /* tuple */
		if (!cql_short(c, &n))
			return false;
		*want += n;
		return true;
	default:
		return id < 0x20;
	}
}

static bool pass_column(struct cur *c, bool global, uint32_t *budget)
{
	uint32_t want = 1;

	if (!pass_strings(c, global ? 1 : 3))
		return false;
	while (want)
		if (!(*budget)-- || !pass_type(c, &want))
			return false;
	return true;
}

bool cql_rows(struct cur c, int32_t *ret_rows)
{
	uint32_t budget = TYPES_MAX;
	int32_t flags, columns, rows;
	struct str id;

	if (!cql_int(&c, &flags) || !cql_int(&c, &columns) || columns < 0 || columns > COLUMNS_MAX)
		return false;
	if ((flags & 2 && !pass_bytes(&c)) || (flags & 8 && !cql_string(&c, &id)))
		return false;
	if (!(flags & 4)) {
		if (flags & 1 && !pass_strings(&c, 2))
			return false;
		for (int32_t i = 0; i < columns; i++)
			if (!pass_column(&c, flags & 1, &budget))
				return false;
	}
	if (!cql_int(&c, &rows) || rows < 0)
		return false;
	*ret_rows = rows;
	return true;
}

static const struct {
	int32_t code;
	const char *name;
} errors[] = {
	{ 0x0000, "Server_error" },	 { 0x000a, "Protocol_error" },
	{ 0x0100, "Bad_credentials" },	 { 0x1000, "Unavailable" },
	{ 0x1001, "Overloaded" },	 { 0x1002, "Is_bootstrapping" },
	{ 0x1003, "Truncate_error" },	 { 0x1100, "Write_timeout" },
	{ 0x1200, "Read_timeout" },	 { 0x1300, "Read_failure" },
	{ 0x1400, "Function_failure" },	 { 0x1500, "Write_failure" },
	{ 0x1600, "CDC_write_failure" }, { 0x1700, "CAS_write_unknown" },
	{ 0x2000, "Syntax_error" },	 { 0x2100, "Unauthorized" },
	{ 0x2200, "Invalid" },		 { 0x2300, "Config_error" },
	{ 0x2400, "Already_exists" },	 { 0x2500, "Unprepared" },
};

const char *cql_error_name(int32_t code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].code == code)
			return errors[i].name;
	return NULL;
}
