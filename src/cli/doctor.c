/*
 * porthole doctor: what this kernel and this process allow, and what to do about what is missing.
 * Needs no agent and starts none.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "source/feature.h"

struct doctor_opts {
	enum cli_format output;
};

static void member(struct buf *b, struct str key, const char *value)
{
	json_key(b, key);
	json_str(b, str_of(value));
}

static void row_json(struct buf *b, const struct feature *f)
{
	buf_char(b, '{');
	member(b, STR("name"), f->name);
	member(b, STR("state"), feature_state_name(f->state));
	member(b, STR("purpose"), f->purpose);
	member(b, STR("reason"), f->reason);
	member(b, STR("advice"), f->state == FEATURE_OK ? "" : f->advice);
	json_key(b, STR("required"));
	buf_str(b, f->required ? STR("true") : STR("false"));
	buf_str(b, STR("}\n"));
}

/* Widths of the columns that all rows share. */
struct widths {
	int name, purpose;
};

static struct widths widths_of(const struct feature_report *r)
{
	struct widths w = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		int name = (int)strlen(r->rows[i].name), purpose = (int)strlen(r->rows[i].purpose);

		w.name = name > w.name ? name : w.name;
		w.purpose = purpose > w.purpose ? purpose : w.purpose;
	}
	return w;
}

static void row_text(struct buf *b, const struct feature *f, const struct widths *w)
{
	buf_printf(b, "%-*s %c %-8s  %-*s  %s\n", w->name, f->name, f->required ? '*' : ' ',
		   feature_state_name(f->state), w->purpose, f->purpose, f->reason);
	if (f->state != FEATURE_OK)
		buf_printf(b, "%-*s %12s-> %s\n", w->name, "", "", f->advice);
}

static void verdict_text(struct buf *b, const struct feature_report *r)
{
	const char *between = "";

	if (features_can_run(r)) {
		buf_str(b, STR("\nporthole can run here. (* it could not without)\n"));
		return;
	}
	buf_str(b, STR("\nporthole cannot run here. Missing: "));
	for (size_t i = 0; i < r->n; i++) {
		if (!r->rows[i].required || r->rows[i].state != FEATURE_MISSING)
			continue;
		buf_printf(b, "%s%s", between, r->rows[i].name);
		between = ", ";
	}
	buf_char(b, '\n');
}

static void report_text(struct buf *b, const struct feature_report *r)
{
	struct widths w = widths_of(r);

	buf_printf(b, "%-*s   %-8s  %-*s  %s\n", w.name, "NAME", "STATE", w.purpose, "FOR",
		   "WHY, AND WHAT TO DO");
	for (size_t i = 0; i < r->n; i++)
		row_text(b, &r->rows[i], &w);
	verdict_text(b, r);
}

static int doctor_run(void *opts, int argc, char **argv)
{
	const struct doctor_opts *o = opts;
	_cleanup_(freep) struct feature_report *r = calloc(1, sizeof(*r));
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)argc;
	(void)argv;
	if (!r || features_probe(r))
		return cli_fail("out of memory");
	if (o->output == CLI_TEXT)
		report_text(&b, r);
	for (size_t i = 0; o->output == CLI_JSON && i < r->n; i++)
		row_json(&b, &r->rows[i]);
	if (b.failed || !cli_write(b.p, b.n))
		return cli_fail("the report cannot be written");
	return features_can_run(r) ? CLI_OK : CLI_FAILED;
}

static const struct cli_option doctor_options[] = {
	CLI_OPT_FORMAT(struct doctor_opts, output),
	{ 0 },
};

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.summary = "tell what this kernel allows, and what to do about the rest",
	.description =
		"One row for each thing porthole can make use of: its state (ok, degraded, missing), "
		"what it is for, what was found, and what to do. Nothing is concluded from the kernel's "
		"version: small programs are loaded and attached where nobody passes, and taken back. "
		"Rows marked * are those the agent cannot run without.\n\n"
		"Exit code 0 when the agent can run here, else 1.",
	.examples = "porthole doctor\twhat works on this machine\n"
		    "porthole doctor -o json\tthe same, one object a line\n",
	.options = doctor_options,
	.options_size = sizeof(struct doctor_opts),
	.run = doctor_run,
};
