/* porthole fields: the catalogue, for people, scripts and the reference page. */
#include <stdio.h>
#include <string.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"

struct fields_opts {
	const char *kinds;
	enum cli_format output;
	bool markdown;
};

static void kinds_put(struct buf *b, uint64_t set, const char *between)
{
	bool first = true;

	if (set == KINDS_ALL) {
		buf_str(b, STR("all"));
		return;
	}
	for (size_t k = 0; k < KIND_COUNT; k++) {
		if (!(set & KIND_BIT(k)))
			continue;
		if (!first)
			buf_str(b, str_of(between));
		buf_str(b, kind_table[k].name);
		first = false;
	}
}

static void row_json(struct buf *b, const struct field *f)
{
	_cleanup_(buf_free) struct buf set = { 0 };

	kinds_put(&set, f->kinds, ",");
	buf_str(b, STR("{\"name\":"));
	json_str(b, str_of(f->name));
	buf_str(b, STR(",\"type\":"));
	json_str(b, str_of(value_type_name(f->type)));
	buf_str(b, STR(",\"unit\":"));
	json_str(b, str_of(f->unit));
	buf_str(b, STR(",\"kinds\":"));
	json_str(b, buf_slice(&set));
	buf_str(b, STR(",\"help\":"));
	json_str(b, str_of(f->help));
	buf_str(b, STR("}\n"));
}

static void row_text(struct buf *b, const struct field *f)
{
	_cleanup_(buf_free) struct buf set = { 0 };

	kinds_put(&set, f->kinds, ",");
	buf_printf(b, "%-24s %-10s %-6s %-12.*s %s\n", f->name, value_type_name(f->type), f->unit,
		   set.n > 12 ? 0 : (int)set.n, set.n ? set.p : "", f->help);
	if (set.n > 12)
		buf_printf(b, "%-42s %.*s\n", "", (int)set.n, set.p);
}

static void row_markdown(struct buf *b, const struct field *f)
{
	buf_printf(b, "| `%s%s` | %s | %s | ", f->name, f->flags & FIELD_INDEX ? "[n]" : "",
		   value_type_name(f->type), f->unit);
	kinds_put(b, f->kinds, ", ");
	buf_printf(b, " | %s |\n", f->help);
}

static void head(struct buf *b, const struct fields_opts *o)
{
	if (o->markdown)
		buf_str(b, STR("# Fields\n\nMade by `porthole fields --markdown`; do not edit.\n\n"
			       "| field | type | unit | kinds of events | meaning |\n"
			       "|---|---|---|---|---|\n"));
	else if (o->output == CLI_TEXT)
		buf_printf(b, "%-24s %-10s %-6s %-12s %s\n", "FIELD", "TYPE", "UNIT", "KINDS",
			   "MEANING");
}

static int fields_run(void *opts, int argc, char **argv)
{
	const struct fields_opts *o = opts;
	const struct catalogue *c = catalogue_get();
	_cleanup_(buf_free) struct buf b = { 0 };
	uint64_t set = KINDS_ALL;
	struct str bad;

	(void)argc;
	(void)argv;
	if (!c)
		return cli_fail("the catalogue of fields cannot be made");
	if (o->kinds && kinds_parse(str_of(o->kinds), &set, &bad) != 0)
		return cli_usage("unknown kind \"%.*s\"", STR_ARG(bad));
	head(&b, o);
	for (size_t i = 0; i < c->n; i++) {
		if (!(c->fields[i]->kinds & set))
			continue;
		if (o->markdown)
			row_markdown(&b, c->fields[i]);
		else if (o->output == CLI_JSON)
			row_json(&b, c->fields[i]);
		else
			row_text(&b, c->fields[i]);
	}
	return cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

static const struct cli_option fields_options[] = {
	{ 'k', "kind", "KINDS", CLI_STRING, offsetof(struct fields_opts, kinds),
	  "only fields that these kinds of events have", NULL },
	{ 0, "markdown", NULL, CLI_FLAG, offsetof(struct fields_opts, markdown),
	  "as the reference page", NULL },
	CLI_OPT_FORMAT(struct fields_opts, output),
	{ 0 },
};

const struct cli_command cmd_fields = {
	.name = "fields",
	.summary = "list every field that expressions and outputs can use",
	.description = "Name, type, unit, the kinds of events that have it, and what it means. Fields "
		       "that take an index are written name[n].",
	.examples = "porthole fields --kind connect\twhat is known of a connection\n",
	.options = fields_options,
	.options_size = sizeof(struct fields_opts),
	.run = fields_run,
};
