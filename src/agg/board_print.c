/* The board's forms. A column is a row of `columns`: head, width, rank, and what it says. */
#include "agg/board_print.h"

#include "base/json.h"
#include "base/utf8.h"

#define NAME_MIN   22
#define NAME_MAX   72
#define HEAD_LINES 4
#define LINE_ROWS  3

static void pod_name(const struct pod *p, struct buf *b)
{
	if (p->name.n) {
		buf_text(b, p->ns);
		buf_char(b, '/');
		buf_text(b, p->name);
		return;
	}
	buf_str(b, STR("pod "));
	buf_text(b, p->uid);
}

static void container_name(const struct container *c, struct buf *b)
{
	buf_text(b, c->name.n ? c->name : c->id12);
}

void board_name(const struct board_row *r, struct buf *b)
{
	const struct cgroup *cg = r->cgroup;

	switch (r->scope) {
	case BOARD_POD:
		pod_name(cg->pod, b);
		return;
	case BOARD_CONTAINER:
		if (cg->pod) {
			pod_name(cg->pod, b);
			buf_char(b, '/');
		}
		container_name(cg->container, b);
		return;
	case BOARD_UNIT:
		buf_text(b, cg->unit);
		return;
	case BOARD_CGROUP:
		break;
	}
	if (cg->path.n)
		buf_text(b, cg->path);
	else
		buf_printf(b, "cgroup %llu", (unsigned long long)(cg->id & ~CGROUP_V1));
}

void board_bytes(uint64_t bytes, struct buf *b)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t u = 0;

	while (v >= 1000 && u < 3) {
		v /= 1024;
		u++;
	}
	buf_printf(b, v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void board_time(uint64_t ns, struct buf *b)
{
	unsigned long long s = ns / NS_PER_SEC;

	if (s < 60)
		buf_printf(b, "%.1fs", (double)ns / NS_PER_SEC);
	else if (s < 3600)
		buf_printf(b, "%llum %02llus", s / 60, s % 60);
	else
		buf_printf(b, "%lluh %02llum", s / 3600, s / 60 % 60);
}

static double per_second(uint64_t n, const struct board_about *a)
{
	return a->interval_ns ? (double)n * NS_PER_SEC / (double)a->interval_ns : 0;
}

/* Percent of one CPU. */
static double percent(uint64_t ns, const struct board_about *a)
{
	return a->interval_ns ? 100.0 * (double)ns / (double)a->interval_ns : 0;
}

/* Seven characters at most. */
static void rate_put(struct buf *b, double v)
{
	if (v == 0)
		buf_char(b, '0');
	else if (v < 9.95)
		buf_printf(b, "%.1f", v);
	else if (v < 99999.5)
		buf_printf(b, "%.0f", v);
	else if (v < 99999500)
		buf_printf(b, "%.0fk", v / 1e3);
	else
		buf_printf(b, "%.0fM", v / 1e6);
}

static void column_procs(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	(void)a;
	buf_u64(b, r->procs);
}

static void column_cpu(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	if (r->has_cpu)
		buf_printf(b, "%.1f", percent(r->cpu_ns, a));
	else
		buf_char(b, '-');
}

static void column_memory(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	(void)a;
	if (r->has_memory)
		board_bytes(r->memory_bytes, b);
	else
		buf_char(b, '-');
}

static void column_forks(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_done(r->now, KIND_FORK), a));
}

static void column_execs(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_done(r->now, KIND_EXEC), a));
}

static void column_opens(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_done(r->now, KIND_OPEN), a));
}

static void column_conns(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_conns(r->now), a));
}

static void column_errors(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_errors(r->now), a));
}

static void column_events(const struct board_row *r, const struct board_about *a, struct buf *b)
{
	rate_put(b, per_second(board_events(r->now), a));
}

static const struct column {
	const char *head;
	unsigned width; /* with the space before it */
	unsigned rank;	/* 1 goes last when there is no room */
	void (*put)(const struct board_row *r, const struct board_about *a, struct buf *b);
} columns[] = {
	{ "PROCS", 7, 5, column_procs },    { "CPU %", 8, 1, column_cpu },
	{ "MEMORY", 9, 6, column_memory },  { "FORK/s", 8, 8, column_forks },
	{ "EXEC/s", 8, 3, column_execs },   { "OPEN/s", 8, 4, column_opens },
	{ "CONN/s", 8, 7, column_conns },   { "ERROR/s", 8, 9, column_errors },
	{ "EVENT/s", 8, 2, column_events },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Which columns fit beside a name of NAME_MIN, the most important first. Returns their width. */
static unsigned columns_choose(unsigned width, bool ret_shown[COLUMNS])
{
	unsigned used = 0;

	memset(ret_shown, 0, COLUMNS * sizeof(*ret_shown));
	for (unsigned rank = 1; rank <= COLUMNS; rank++)
		for (size_t i = 0; i < COLUMNS; i++) {
			if (columns[i].rank != rank)
				continue;
			if (used + columns[i].width + NAME_MIN > width)
				return used;
			ret_shown[i] = true;
			used += columns[i].width;
		}
	return used;
}

/* The first @max characters of @s, and how many there are. */
static struct str text_cut(struct str s, unsigned max, unsigned *ret_chars)
{
	unsigned n = 0;
	size_t at = 0;

	while (at < s.n && n < max) {
		at++;
		while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
			at++;
		n++;
	}
	*ret_chars = n;
	return (struct str){ s.p, at };
}

/* The end of a name tells more than its beginning: "...6f/app". */
static void name_fit(struct str name, unsigned width, struct buf *b)
{
	unsigned chars, all;

	text_cut(name, UINT32_MAX, &all);
	if (all > width) {
		struct str head = text_cut(name, all - width + 2, &chars);

		buf_str(b, STR(".."));
		buf_str(b, str_skip(name, head.n));
		return;
	}
	buf_str(b, name);
	buf_printf(b, "%*s", (int)(width - all), "");
}

/* Appends @line, at most @width characters of it. */
static void line_fit(const struct buf *line, unsigned width, struct buf *b)
{
	unsigned chars;

	buf_str(b, text_cut(buf_slice(line), width, &chars));
	buf_char(b, '\n');
}

static void row_put(const struct board_row *r, const struct board_about *a, unsigned name_width,
		    const bool shown[COLUMNS], struct buf *b)
{
	struct buf cell = { 0 };

	board_name(r, &cell);
	name_fit(buf_slice(&cell), name_width, b);
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!shown[i])
			continue;
		buf_reset(&cell);
		columns[i].put(r, a, &cell);
		buf_printf(b, "%*.*s", (int)columns[i].width, (int)cell.n, cell.p);
	}
	buf_char(b, '\n');
	buf_free(&cell);
}

static void head_put(unsigned name_width, const bool shown[COLUMNS], struct buf *b)
{
	buf_printf(b, "%-*s", (int)name_width, "WHO");
	for (size_t i = 0; i < COLUMNS; i++)
		if (shown[i])
			buf_printf(b, "%*s", (int)columns[i].width, columns[i].head);
	buf_char(b, '\n');
}

static void summary_put(const struct board_row *sum, const struct board_about *a, unsigned width,
			struct buf *b)
{
	struct buf line = { 0 };

	buf_str(&line, STR("porthole on "));
	buf_text(&line, a->host);
	buf_printf(&line, "  lost %llu events  %.*s  up ", (unsigned long long)a->lost,
		   STR_ARG(a->clock));
	board_time(a->up_ns, &line);
	buf_printf(&line, "  self %.1f %% CPU, ", percent(a->self_cpu_ns, a));
	board_bytes(a->self_rss_bytes, &line);
	line_fit(&line, width, b);
	buf_reset(&line);
	buf_printf(&line, "%u processes  CPU %.1f %%  ", sum->procs, percent(sum->cpu_ns, a));
	rate_put(&line, per_second(board_events(sum->now), a));
	buf_str(&line, STR(" events/s: "));
	rate_put(&line, per_second(board_done(sum->now, KIND_FORK), a));
	buf_str(&line, STR(" processes started, "));
	rate_put(&line, per_second(board_done(sum->now, KIND_OPEN), a));
	buf_str(&line, STR(" files opened, "));
	rate_put(&line, per_second(board_conns(sum->now), a));
	buf_str(&line, STR(" connections, "));
	rate_put(&line, per_second(board_errors(sum->now), a));
	buf_str(&line, STR(" errors a second"));
	line_fit(&line, width, b);
	buf_free(&line);
}

static unsigned name_width_of(const struct board_row *rows, size_t n, unsigned room)
{
	struct buf name = { 0 };
	unsigned widest = NAME_MIN, chars;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&name);
		board_name(&rows[i], &name);
		text_cut(buf_slice(&name), NAME_MAX, &chars);
		widest = chars > widest ? chars : widest;
	}
	buf_free(&name);
	return widest < room ? widest : room;
}

void board_screen(const struct board_row *rows, size_t n, const struct board_row *sum,
		  const struct board_about *about, unsigned width, unsigned height, struct buf *b)
{
	bool shown[COLUMNS];
	unsigned used = columns_choose(width, shown), name_width;
	size_t room = height > HEAD_LINES ? height - HEAD_LINES : 0;
	size_t fit = n <= room ? n : room ? room - 1 : 0;

	name_width = name_width_of(rows, fit, width - used);
	if (height >= 2)
		summary_put(sum, about, width, b);
	if (height >= HEAD_LINES) {
		buf_char(b, '\n');
		head_put(name_width, shown, b);
	}
	for (size_t i = 0; i < fit; i++)
		row_put(&rows[i], about, name_width, shown, b);
	if (fit < n && room) {
		struct buf line = { 0 };

		buf_printf(&line, "... and %zu more", n - fit);
		line_fit(&line, width, b);
		buf_free(&line);
	}
}

void board_line(const struct board_row *rows, size_t n, const struct board_row *sum,
		const struct board_about *about, struct buf *b)
{
	buf_printf(b, "%.*s  %zu groups: %llu processes started, %llu programs run, CPU %.1f %%, ",
		   STR_ARG(about->clock), n, (unsigned long long)board_done(sum->now, KIND_FORK),
		   (unsigned long long)board_done(sum->now, KIND_EXEC), percent(sum->cpu_ns, about));
	buf_printf(b, "%llu files opened, %llu connections, %llu errors, ",
		   (unsigned long long)board_done(sum->now, KIND_OPEN),
		   (unsigned long long)board_conns(sum->now),
		   (unsigned long long)board_errors(sum->now));
	rate_put(b, per_second(board_events(sum->now), about));
	buf_printf(b, " events/s, %llu lost", (unsigned long long)about->lost);
	for (size_t i = 0; i < n && i < LINE_ROWS; i++) {
		buf_str(b, STR(" | "));
		board_name(&rows[i], b);
		buf_printf(b, " CPU %.1f %% ", percent(rows[i].cpu_ns, about));
		rate_put(b, per_second(board_events(rows[i].now), about));
		buf_str(b, STR(" events/s"));
	}
	buf_char(b, '\n');
}

static void member_str(struct buf *b, struct str key, struct str value)
{
	if (!value.p)
		return;
	json_key(b, key);
	json_str(b, value);
}

static void member_u64(struct buf *b, struct str key, uint64_t value)
{
	json_key(b, key);
	buf_u64(b, value);
}

static void names_json(const struct board_row *r, struct buf *b)
{
	static const char *const scopes[] = { "pod", "container", "unit", "cgroup" };
	const struct cgroup *cg = r->cgroup;

	member_str(b, STR("scope"), str_of(scopes[r->scope]));
	if (cg->pod && r->scope <= BOARD_CONTAINER) {
		member_str(b, STR("k8s.ns.name"), cg->pod->ns);
		member_str(b, STR("k8s.pod.name"), cg->pod->name);
		member_str(b, STR("k8s.pod.uid"), cg->pod->uid);
	}
	if (r->scope == BOARD_CONTAINER) {
		member_str(b, STR("container.id"), cg->container->id12);
		member_str(b, STR("container.full_id"), cg->container->id);
		member_str(b, STR("container.name"), cg->container->name);
		member_str(b, STR("container.image"), cg->container->image);
	}
	if (r->scope == BOARD_UNIT)
		member_str(b, STR("systemd.unit"), cg->unit);
	if (r->cgroups == 1)
		member_str(b, STR("thread.cgroup"), cg->path);
}

/* Kinds the board is about are always there, others when there is something to say. */
static void counts_json(const struct board_count *counts, struct buf *b)
{
	static const uint64_t always = KIND_BIT(KIND_FORK) | KIND_BIT(KIND_EXEC) |
				       KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_OPEN) |
				       KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT);

	for (size_t k = 0; k < KIND_COUNT; k++) {
		if (!(always & KIND_BIT(k)) && !counts[k].events)
			continue;
		buf_printf(b, ",\"count.%s\":%llu,\"errors.%s\":%llu", kind_table[k].name.p,
			   (unsigned long long)counts[k].events, kind_table[k].name.p,
			   (unsigned long long)counts[k].errors);
	}
}

void board_json(const struct board_row *r, const char *type, const struct board_about *about,
		struct buf *b)
{
	bool totals = strcmp(type, "totals") == 0;

	buf_str(b, STR("{\"type\":\""));
	buf_str(b, str_of(type));
	buf_char(b, '"');
	member_u64(b, STR("evt.time"), about->now.ns);
	member_str(b, STR("evt.hostname"), about->host);
	member_u64(b, STR("interval"), totals ? about->up_ns : about->interval_ns);
	if (r->cgroup)
		names_json(r, b);
	else
		member_u64(b, STR("lost"), about->lost);
	member_u64(b, STR("procs"), r->procs);
	counts_json(totals ? r->total : r->now, b);
	if (r->has_cpu)
		member_u64(b, STR("cpu"), totals ? r->cpu_total_ns : r->cpu_ns);
	if (r->has_memory && r->cgroup)
		member_u64(b, STR("memory"), r->memory_bytes);
	buf_str(b, STR("}\n"));
}
