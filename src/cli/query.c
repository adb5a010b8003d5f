/*
 * porthole query: SQL over the node's recent history. Text is aligned by the first rows, so that a
 * long result needs no memory; what is wider later pushes its line to the right.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/recall.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/cli.h"

#define ROWS_DEFAULT   10000
#define TIMEOUT_MAX_NS (3600 * NS_PER_SEC)
#define ALIGNED_ROWS   200
#define COLUMN_MAX     60 /* a longer value is not waited for */
#define FLUSH_BYTES    (64u << 10)
/* SQLite looks at the deadline between steps; who is in one for longer than this is ended. */
#define GRACE_S 2

struct query_cmd {
	const char *from, *to, *directory, *profiles, *output;
	uint64_t rows, timeout_ns, memory_mib;
	bool tables;
};

enum form {
	FORM_TEXT,
	FORM_JSON,
	FORM_CSV,
};

/* What a column's numbers are shown as, in text. */
enum shown {
	SHOWN_PLAIN,
	SHOWN_TIME,
	SHOWN_DURATION,
};

struct out {
	enum form form;
	size_t n;
	struct buf *names; /* of columns, as the form writes them */
	enum shown *shown;
	size_t *width;
	bool *right; /* numbers so far */
	struct buf cells;
	uint32_t *cell; /* ends in cells */
	size_t ncells;
	bool aligned; /* widths are known, lines go out */
	struct buf buf;
};

static void out_free(struct out *o)
{
	for (size_t i = 0; i < o->n && o->names; i++)
		buf_free(&o->names[i]);
	free(o->names);
	free(o->shown);
	free(o->width);
	free(o->right);
	free(o->cell);
	buf_free(&o->cells);
	buf_free(&o->buf);
}

static int flush(struct out *o, size_t most)
{
	bool ok = !o->buf.failed;

	if (ok && o->buf.n >= most)
		ok = cli_write(o->buf.p, o->buf.n);
	if (o->buf.n >= most)
		buf_reset(&o->buf);
	return !ok;
}

/* --- values --- */

static void time_put(struct buf *b, int64_t ns)
{
	const time_t s = (time_t)(ns / (int64_t)NS_PER_SEC);
	char text[48];
	struct tm tm;

	if (ns < 0 || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		buf_i64(b, ns);
	else
		buf_printf(b, "%s.%03d", text, (int)(ns / (int64_t)NS_PER_MS % 1000));
}

static void duration_put(struct buf *b, int64_t ns)
{
	const double v = (double)ns;

	if (ns < 1000)
		buf_printf(b, "%lldns", (long long)ns);
	else if (v < 1e6)
		buf_printf(b, "%.4gus", v / 1e3);
	else if (v < 1e9)
		buf_printf(b, "%.4gms", v / 1e6);
	else
		buf_printf(b, "%.1fs", v / 1e9);
}

static void real_put(struct buf *b, double v, bool json)
{
	char text[40];

	snprintf(text, sizeof(text), "%.15g", v);
	if (json && !(v - v == 0)) /* infinities are no JSON */
		buf_str(b, STR("null"));
	else
		buf_str(b, str_of(text));
}

static void blob_put(struct buf *b, struct str s)
{
	buf_str(b, STR("x'"));
	for (size_t i = 0; i < s.n; i++)
		buf_printf(b, "%02x", (unsigned char)s.p[i]);
	buf_char(b, '\'');
}

static void cell_text(struct buf *b, const struct store_value *v, enum shown shown)
{
	if (v->type == STORE_NULL)
		buf_char(b, '-');
	else if (v->type == STORE_INT && shown == SHOWN_TIME)
		time_put(b, v->i64);
	else if (v->type == STORE_INT && shown == SHOWN_DURATION)
		duration_put(b, v->i64);
	else if (v->type == STORE_INT)
		buf_i64(b, v->i64);
	else if (v->type == STORE_REAL)
		real_put(b, v->real, false);
	else if (v->type == STORE_TEXT)
		buf_text(b, v->str);
	else
		blob_put(b, v->str);
}

static void cell_json(struct buf *b, const struct store_value *v)
{
	_cleanup_(buf_free) struct buf hex = { 0 };

	if (v->type == STORE_NULL) {
		buf_str(b, STR("null"));
	} else if (v->type == STORE_INT) {
		buf_i64(b, v->i64);
	} else if (v->type == STORE_REAL) {
		real_put(b, v->real, true);
	} else if (v->type == STORE_TEXT) {
		json_str(b, v->str);
	} else {
		blob_put(&hex, v->str);
		json_str(b, buf_slice(&hex));
	}
}

/* RFC 4180: quoted where a comma, a quote or a line end is in it. NULL is empty, text "" is quoted. */
static void csv_str(struct buf *b, struct str s)
{
	bool quoted = s.n == 0;

	for (size_t i = 0; i < s.n && !quoted; i++)
		quoted = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
	if (!quoted) {
		buf_str(b, s);
		return;
	}
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_char(b, '"');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '"');
}

static void cell_csv(struct buf *b, const struct store_value *v)
{
	if (v->type == STORE_TEXT)
		csv_str(b, v->str);
	else if (v->type != STORE_NULL)
		cell_text(b, v, SHOWN_PLAIN);
}

/* --- aligned text --- */

static void cell_put(struct out *o, size_t i, struct str s)
{
	const size_t n = utf8_chars(s), pad = n < o->width[i] ? o->width[i] - n : 0;

	if (o->right[i])
		buf_printf(&o->buf, "%*s", (int)pad, "");
	buf_str(&o->buf, s);
	if (!o->right[i] && i + 1 < o->n)
		buf_printf(&o->buf, "%*s", (int)pad, "");
	buf_str(&o->buf, i + 1 < o->n ? STR("  ") : STR("\n"));
}

static struct str cell_at(const struct out *o, size_t i)
{
	const uint32_t from = i ? o->cell[i - 1] : 0;

	return (struct str){ o->cells.p + from, o->cell[i] - from };
}

static void text_begin(struct out *o)
{
	o->aligned = true;
	for (size_t i = 0; i < o->n; i++)
		o->width[i] = utf8_chars(buf_slice(&o->names[i]));
	for (size_t i = 0; i < o->ncells; i++) {
		const size_t n = utf8_chars(cell_at(o, i)), c = i % o->n;

		if (n > o->width[c] && n <= COLUMN_MAX)
			o->width[c] = n;
	}
	for (size_t i = 0; i < o->n; i++)
		cell_put(o, i, buf_slice(&o->names[i]));
	for (size_t i = 0; i < o->ncells; i++)
		cell_put(o, i % o->n, cell_at(o, i));
}

static int text_row(struct out *o, const struct store_value *v)
{
	if (o->ncells == o->n * ALIGNED_ROWS && !o->aligned)
		text_begin(o);
	for (size_t i = 0; i < o->n; i++) {
		_cleanup_(buf_free) struct buf cell = { 0 };

		if (o->aligned) {
			cell_text(&cell, &v[i], o->shown[i]);
			cell_put(o, i, buf_slice(&cell));
			continue;
		}
		cell_text(&o->cells, &v[i], o->shown[i]);
		o->cell[o->ncells++] = (uint32_t)o->cells.n;
		if (v[i].type != STORE_NULL)
			o->right[i] &= v[i].type == STORE_INT || v[i].type == STORE_REAL;
	}
	return o->cells.failed;
}

/* --- the result --- */

static int result_head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	struct out *o = ctx;

	o->n = n;
	o->names = calloc(n, sizeof(*o->names));
	o->shown = calloc(n, sizeof(*o->shown));
	o->width = calloc(n, sizeof(*o->width));
	o->right = calloc(n, sizeof(*o->right));
	o->cell = calloc(n * ALIGNED_ROWS, sizeof(*o->cell));
	if (!o->names || !o->shown || !o->width || !o->right || !o->cell)
		return 1;
	for (size_t i = 0; i < n; i++) {
		const char *type = types[i] ? types[i] : "";

		o->right[i] = true;
		o->shown[i] = strcmp(type, "TIME") == 0	    ? SHOWN_TIME :
			      strcmp(type, "DURATION") == 0 ? SHOWN_DURATION :
							      SHOWN_PLAIN;
		if (o->form == FORM_JSON)
			json_str(&o->names[i], str_of(names[i]));
		else if (o->form == FORM_CSV)
			csv_str(&o->names[i], str_of(names[i]));
		else
			buf_text(&o->names[i], str_of(names[i]));
		if (o->form == FORM_CSV) {
			buf_str(&o->buf, buf_slice(&o->names[i]));
			buf_str(&o->buf, i + 1 < n ? STR(",") : STR("\r\n"));
		}
	}
	return 0;
}

static int result_row(void *ctx, size_t n, const struct store_value *v)
{
	struct out *o = ctx;

	if (o->form == FORM_TEXT && text_row(o, v))
		return 1;
	for (size_t i = 0; i < n && o->form == FORM_JSON; i++) {
		buf_char(&o->buf, i ? ',' : '{');
		buf_str(&o->buf, buf_slice(&o->names[i]));
		buf_char(&o->buf, ':');
		cell_json(&o->buf, &v[i]);
	}
	if (o->form == FORM_JSON)
		buf_str(&o->buf, STR("}\n"));
	for (size_t i = 0; i < n && o->form == FORM_CSV; i++) {
		cell_csv(&o->buf, &v[i]);
		buf_str(&o->buf, i + 1 < n ? STR(",") : STR("\r\n"));
	}
	return flush(o, FLUSH_BYTES);
}

/* --- --tables --- */

static void column_row(struct buf *b, const struct store_table *t, const struct store_column *c,
		       enum form form)
{
	if (form == FORM_JSON) {
		buf_printf(b, "{\"table\":\"%s\",\"column\":\"%s\",\"type\":\"%s\",\"unit\":\"%s\"",
			   t->def->name, c->name, store_type_name(c->type), c->unit);
		buf_str(b, STR(",\"help\":"));
		json_str(b, str_of(c->help));
		buf_str(b, STR("}\n"));
	} else if (form == FORM_CSV) {
		buf_printf(b, "%s,%s,%s,%s,", t->def->name, c->name, store_type_name(c->type),
			   c->unit);
		csv_str(b, str_of(c->help));
		buf_str(b, STR("\r\n"));
	} else {
		buf_printf(b, "  %-20s %-9s %-6s %s\n", c->name, store_type_name(c->type), c->unit,
			   c->help);
	}
}

static int tables_show(enum form form)
{
	const struct store_schema *s = recall_schema();
	_cleanup_(buf_free) struct buf b = { 0 };

	if (!s)
		return cli_fail("out of memory");
	if (form == FORM_CSV)
		buf_str(&b, STR("table,column,type,unit,help\r\n"));
	for (size_t i = 0; i < STORE_TABLES; i++) {
		const struct store_table *t = &s->tables[i];

		if (form == FORM_TEXT)
			buf_printf(&b, "%s%s: %s\n", i ? "\n" : "", t->def->name, t->def->help);
		for (size_t k = 0; k < t->n; k++)
			column_row(&b, t, &t->columns[k], form);
	}
	return cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

/* --- the command --- */

static void hung(int sig)
{
	static const char said[] = "porthole: error: the statement does not end; given up\n";

	(void)sig;
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		_exit(CLI_FAILED);
	_exit(CLI_FAILED);
}

static bool form_read(const char *text, enum form *ret)
{
	static const char *const names[] = { "text", "json", "csv" };

	for (int i = 0; text && i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum form)i;
			return true;
		}
	return !text;
}

static void notes_tell(const struct store_read *read, const struct recall_opts *o)
{
	if (read->damaged || read->foreign)
		log_warn("%zu file(s) of the history are left out: damaged, or of another version%s%s",
			 read->damaged + read->foreign, read->first_bad[0] ? "; the first is " : "",
			 read->first_bad);
	if (read->cut)
		log_warn("there are more than %llu rows: --rows shows more",
			 (unsigned long long)o->rows_max);
}

static int query_do(const struct query_cmd *c, struct out *out, const char *sql)
{
	const struct recall_opts o = {
		.directory = c->directory,
		.profiles = c->profiles,
		.from = c->from,
		.to = c->to,
		.timeout_ns = c->timeout_ns ? c->timeout_ns : RECALL_TIMEOUT_NS,
		.memory_bytes = c->memory_mib ? c->memory_mib << 20 : STORE_MEMORY_DEFAULT,
		.rows_max = c->rows ? c->rows : ROWS_DEFAULT,
	};
	const struct store_result to = { out, result_head, result_row };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct store_read read = { 0 };
	int err;

	signal(SIGALRM, hung);
	alarm((unsigned)((o.timeout_ns + NS_PER_SEC - 1) / NS_PER_SEC) + GRACE_S);
	err = recall_query(&o, str_of(sql), &to, &read, &why);
	alarm(0);
	if (out->form == FORM_TEXT && out->n && !out->aligned)
		text_begin(out);
	if (flush(out, 0) || err == -ECANCELED)
		return CLI_FAILED;
	notes_tell(&read, &o);
	if (err == -EINVAL)
		return cli_usage_buf(&why);
	if (err == -ENOENT)
		return cli_fail("%.*s: nothing was kept there; porthole run keeps it (store.enabled)",
				STR_ARG(buf_slice(&why)));
	return err ? cli_fail("%.*s", STR_ARG(buf_slice(&why))) : CLI_OK;
}

static int query_run(void *opts, int argc, char **argv)
{
	const struct query_cmd *c = opts;
	struct out out = { 0 };
	int code;

	if (!form_read(c->output, &out.form))
		return cli_usage("-o: \"%s\" is none of text, json, csv", c->output);
	if (c->tables)
		return argc ? cli_usage("--tables takes no statement") : tables_show(out.form);
	if (argc != 1)
		return cli_usage("one SQL statement, in quotes; porthole query --tables lists what "
				 "there is");
	if (c->timeout_ns > TIMEOUT_MAX_NS)
		return cli_usage("--timeout: at most 1h");
	if (c->memory_mib && (c->memory_mib << 20 < STORE_MEMORY_MIN || c->memory_mib > 65536))
		return cli_usage("--memory: 8 to 65536 MiB");
	code = query_do(c, &out, argv[0]);
	out_free(&out);
	return code;
}

#define OPT(member) offsetof(struct query_cmd, member)

static const struct cli_option query_options[] = {
	{ 0, "tables", NULL, CLI_FLAG, OPT(tables), "list tables and columns, with what they mean",
	  NULL },
	{ 0, "from", "TIME", CLI_STRING, OPT(from),
	  "only rows since: 02:50, \"2026-11-30 02:50\", \"10m ago\"", NULL },
	{ 0, "to", "TIME", CLI_STRING, OPT(to), "only rows before", NULL },
	{ 'o', "output", "FORMAT", CLI_STRING, OPT(output),
	  "text (default), json (an object a line) or csv", "text json csv" },
	{ 'n', "rows", "N", CLI_UINT, OPT(rows), "show at most N rows (default 10000)", NULL },
	{ 0, "timeout", "TIME", CLI_DURATION, OPT(timeout_ns), "give up after (default 10s)", NULL },
	{ 0, "memory", "MIB", CLI_UINT, OPT(memory_mib), "give up beyond so many MiB (default 128)",
	  NULL },
	{ 0, "directory", "DIR", CLI_STRING, OPT(directory),
	  "where the history is kept (default: /var/lib/porthole/history)", "FILE" },
	{ 0, "profiles", "DIR", CLI_STRING, OPT(profiles),
	  "where profiles are kept (default: /var/lib/porthole/profiles)", "FILE" },
	{ 0 },
};

const struct cli_command cmd_query = {
	.name = "query",
	.summary = "ask the node's recent history in SQL",
	.operands = "SQL",
	.description =
		"One SELECT (SQLite's SQL) over what porthole run kept: requests, connections, "
		"processes, alerts, and the profiles' functions; --tables lists their columns. It only "
		"reads, no agent needs to run, and one that runs is not disturbed.\n\n"
		"Times are Unix nanoseconds, durations nanoseconds; in text, columns of these types are "
		"shown as people read them. Beside SQLite's functions there are ago('10m'), "
		"at('02:57'), dur('200ms'), bucket(time, '1m'), clock(time) and percentile(x, p).\n\n"
		"A statement that takes longer than --timeout or more memory than --memory is given up. "
		"Conditions on time leave files out that need not be read.",
	.examples =
		"porthole query --tables\twhat can be asked\n"
		"porthole query \"select proc_name, count(*) n from processes where evt_kind = 'exec' "
		"and time > ago('10m') group by 1 order by n desc limit 10\"\t"
		"what was started most in the last ten minutes\n"
		"porthole query --from 02:55 --to 03:00 -o json \"select * from connections where "
		"k8s_pod_name = 'cart'\"\tone pod's connections in the night, for a script\n",
	.options = query_options,
	.options_size = sizeof(struct query_cmd),
	.run = query_run,
};
