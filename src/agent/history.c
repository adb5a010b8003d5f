/* One subscription for each table of events that the configuration names and this kernel can fill. */
#include "agent/history.h"

#include <errno.h>
#include <string.h>

#include "agent/recall.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "store/row.h"

#define LOOK_NS NS_PER_SEC

struct kept {
	struct history *h;
	enum store_table_id table;
	struct query query;
	struct subscription sub;
	bool on, subscribed;
};

struct history {
	const struct config *config;
	struct session *session;
	const struct store_schema *schema;
	struct store *store;
	struct kept tables[STORE_TABLES];
	struct boot_ns looked;
	int told; /* the trouble that was told last */
	struct buf row;
};

static void event_take(void *ctx, const struct event *ev)
{
	struct kept *k = ctx;

	store_event(k->h->store, k->table, ev);
}

static bool named(const struct config *c, const char *table)
{
	for (uint32_t i = 0; i < c->store_tables.n; i++)
		if (strcmp(c->store_tables.line[i], table) == 0)
			return true;
	return false;
}

static int tables_make(struct history *h, struct buf *why)
{
	int err = 0;

	for (size_t i = 0; i < STORE_TABLES && !err; i++) {
		const struct store_def *d = h->schema->tables[i].def;
		const struct query_opts o = { .where = d->where };
		struct kept *k = &h->tables[i];

		k->h = h;
		k->table = (enum store_table_id)i;
		k->on = named(h->config, d->name);
		if (k->on && d->kinds)
			err = query_make(&o, &k->query, why);
		k->query.kinds = d->kinds;
	}
	return err;
}

/* A name that is no table is a mistake worth a word. */
static void names_check(const struct history *h)
{
	const struct config_lines *l = &h->config->store_tables;

	for (uint32_t i = 0; i < l->n; i++)
		if (!store_table_find(h->schema, str_of(l->line[i])))
			log_warn("store.tables: there is no table \"%s\" (porthole query --tables)",
				 l->line[i]);
}

static void history_free(struct history *h)
{
	for (size_t i = 0; i < STORE_TABLES; i++)
		query_free(&h->tables[i].query);
	buf_free(&h->row);
	free(h);
}

int history_new(const struct config *c, struct history **ret, struct buf *why)
{
	struct history *h = calloc(1, sizeof(*h));
	struct store_opts o = { .directory = c->store_directory,
				.max_bytes = c->store_max_bytes,
				.max_age_ns = c->store_max_hours * 3600ull * NS_PER_SEC,
				.schema = recall_schema() };
	int err = h && o.schema ? 0 : -ENOMEM;

	if (!err) {
		h->config = c;
		h->schema = o.schema;
		h->row.max = 2 * STORE_JSON_MAX;
		err = tables_make(h, why);
	}
	if (!err)
		err = store_open(&o, &h->store);
	if (err) {
		buf_printf(why, "no history is kept: %s: %s", c->store_directory, strerror(-err));
		if (h)
			history_free(h);
		return err;
	}
	names_check(h);
	*ret = h;
	return 0;
}

uint64_t history_kinds(const struct history *h)
{
	uint64_t kinds = 0;

	for (size_t i = 0; i < STORE_TABLES; i++)
		kinds |= h->tables[i].on ? h->tables[i].query.kinds : 0;
	return kinds;
}

bool history_explains(const struct history *h)
{
	return h->config->store_explain && h->tables[STORE_REQUESTS].on;
}

int history_start(struct history *h, struct session *s)
{
	int err = store_start(h->store);

	if (err)
		return err;
	h->session = s;
	for (size_t i = 0; i < STORE_TABLES; i++) {
		struct kept *k = &h->tables[i];

		if (!k->on || !k->query.kinds)
			continue;
		k->sub = (struct subscription){ .kinds = k->query.kinds,
						.where = k->query.where,
						.event = event_take,
						.ctx = k };
		pipeline_subscribe(&s->pipeline, &k->sub);
		k->subscribed = true;
	}
	return 0;
}

size_t history_clauses(const struct history *h, struct pushdown_clause *list)
{
	size_t n = 0;

	for (size_t i = 0; i < STORE_TABLES; i++)
		if (h->tables[i].subscribed)
			list[n++] = pushdown_of_query(&h->tables[i].query);
	return n;
}

void history_alert(struct history *h, const struct alert *a)
{
	struct row r;

	if (!h->tables[STORE_ALERTS].on)
		return;
	buf_reset(&h->row);
	r = row_begin(&h->row, STORE_ALERTS, (int64_t)a->time.ns);
	row_int(&r, (int64_t)a->time.ns);
	row_text(&r, str_of(priority_name(a->priority)));
	row_text(&r, a->rule);
	row_text(&r, a->text);
	row_json(&r, a->json);
	row_own_end(&r);
	if (row_end(&r))
		store_row(h->store, buf_slice(&h->row));
}

void history_turn(struct history *h)
{
	struct boot_ns now = clock_boot();
	struct store_stats s;

	if (now.ns < h->looked.ns + LOOK_NS)
		return;
	h->looked = now;
	store_stats(h->store, &s);
	if (s.err && s.err != h->told)
		log_warn("history: cannot write to %s: %s", h->config->store_directory,
			 s.why[0] ? s.why : strerror(-s.err));
	if (!s.err && h->told)
		log_info("history: %s can be written to again", h->config->store_directory);
	h->told = s.err;
}

void history_fill(struct history *h, struct metrics *m)
{
	struct store_stats s;

	store_stats(h->store, &s);
	m->history = (struct metrics_history){ .on = true, .removed = s.removed, .bytes = s.bytes };
	for (size_t i = 0; i < STORE_TABLES; i++)
		m->history.rows += s.rows[i];
	metrics_loss_add(m, "history_rows", "queue_full", s.queue_full);
	metrics_loss_add(m, "history_rows", "not_written", s.not_written);
	metrics_loss_add(m, "history_texts", "cut", s.cut);
}

void history_describe(const struct history *h, struct buf *b)
{
	const struct config *c = h->config;
	bool any = false;

	buf_str(b, STR("history:"));
	for (size_t i = 0; i < STORE_TABLES; i++) {
		if (!h->tables[i].on || h->schema->tables[i].def->elsewhere)
			continue;
		buf_printf(b, "%s %s", any ? "," : "", h->schema->tables[i].def->name);
		any = true;
	}
	buf_printf(b, "; the last %u h, at most %llu MiB, in %s\n", c->store_max_hours,
		   (unsigned long long)(c->store_max_bytes >> 20), c->store_directory);
}

void history_stop(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < STORE_TABLES; i++)
		if (h->tables[i].subscribed)
			pipeline_unsubscribe(&h->session->pipeline, &h->tables[i].sub);
	if (!store_close(h->store, HISTORY_END_MS))
		log_warn("history: the last rows were not written in time and are lost");
	history_free(h);
}
