/* The catalogue makes the schema; moments are read as everywhere. */
#include "agent/recall.h"

#include <errno.h>

#include "agent/catalogue.h"
#include "agent/profile_dir.h"
#include "agent/profile_rows.h"
#include "base/cleanup.h"
#include "base/when.h"

static void reader_closep(struct store_reader **r)
{
	store_reader_close(*r);
}

const struct store_schema *recall_schema(void)
{
	static struct store_schema *schema;
	const struct catalogue *c = catalogue_get();

	if (!schema && c)
		(void)store_schema_new(c, &schema);
	return schema;
}

static int moment_read(const char *option, const char *text, int64_t now, int64_t *ret,
		       struct buf *why)
{
	if (!text || when_parse(text, now, ret))
		return 0;
	buf_printf(why, "--%s: \"%s\" is no time, as 02:50, \"2026-11-30 02:50\" or \"10m ago\"",
		   option, text);
	return -EINVAL;
}

int recall_query(const struct recall_opts *o, struct str sql, const struct store_result *to,
		 struct store_read *ret, struct buf *why)
{
	struct profile_rows_ctx profiles = { .directory = o->profiles ? o->profiles : PROFILE_DIR };
	const struct store_source source = profile_rows_source(&profiles);
	_cleanup_(reader_closep) struct store_reader *r = NULL;
	struct store_reader_opts opts = {
		.directory = o->directory ? o->directory : STORE_DIR,
		.schema = recall_schema(),
		.from_ns = 0,
		.to_ns = INT64_MAX,
		.now_ns = (int64_t)clock_wall().ns,
		.timeout_ns = o->timeout_ns,
		.memory_bytes = o->memory_bytes,
		.rows_max = o->rows_max,
		.sources = &source,
		.nsources = 1,
	};
	int err = opts.schema ? 0 : -ENOMEM;

	if (!err)
		err = moment_read("from", o->from, opts.now_ns, &opts.from_ns, why);
	if (!err)
		err = moment_read("to", o->to, opts.now_ns, &opts.to_ns, why);
	if (!err)
		err = store_reader_open(&opts, &r, why);
	if (!err)
		err = store_reader_query(r, sql, to, ret, why);
	if (!err || err == -ETIME)
		ret->damaged += profiles.damaged;
	return err;
}

void recall_quote(struct buf *b, struct str s)
{
	buf_char(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_char(b, '\'');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '\'');
}
