/*
 * Each table is an eponymous virtual table: a statement names it without anybody having made it. A
 * cursor goes through the slices that have rows of the time asked for, oldest first, with a statement
 * of its own in each, which reads only the columns in use; conditions on time, equalities, and
 * comparisons of integers go down into it. They are judged again above, so that what goes down may
 * pass too much, never too little.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/reader_priv.h"
#include "store/slice.h"

#define CONDITIONS_MAX 8
#define COST_ALL       1e7

struct module {
	struct store_reader *reader;
	const struct store_table *table;
	enum store_table_id id;
	const struct store_source *source; /* NULL: slices */
};

struct vtab {
	sqlite3_vtab base;
	struct module *m;
};

struct condition {
	uint8_t column, op;
	sqlite3_value *value;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct store_reader *r;
	const struct module *m;
	struct condition conditions[CONDITIONS_MAX];
	size_t nconditions;
	uint64_t used; /* columns, by bit */
	int64_t from, to;
	size_t next; /* slice after the one being read */
	sqlite3_stmt *rows;
	uint8_t place[STORE_COLUMNS_MAX]; /* of a column in the statement */
	void *source;
	struct row_value values[STORE_COLUMNS_MAX]; /* of a source's row */
	sqlite3_int64 rowid;
	bool end;
};

/* --- plan --- */

static const struct {
	unsigned char op;
	const char *sql;
} ops[] = {
	{ SQLITE_INDEX_CONSTRAINT_EQ, "=" },  { SQLITE_INDEX_CONSTRAINT_GT, ">" },
	{ SQLITE_INDEX_CONSTRAINT_LE, "<=" }, { SQLITE_INDEX_CONSTRAINT_LT, "<" },
	{ SQLITE_INDEX_CONSTRAINT_GE, ">=" },
};
#define OPS (sizeof(ops) / sizeof(ops[0]))

static bool is_text(const struct store_column *c)
{
	return strcmp(store_type_name(c->type), "TEXT") == 0;
}

/* Whether a condition may go down; @ret_op: its place in ops. */
static bool condition_fits(const struct module *m, sqlite3_index_info *info, int i, size_t *ret_op)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];
	const struct store_column *column;
	size_t op = 0;

	if (!c->usable || c->iColumn < 0 || (size_t)c->iColumn >= m->table->n)
		return false;
	while (op < OPS && ops[op].op != c->op)
		op++;
	column = &m->table->columns[c->iColumn];
	if (op == OPS || column->expr)
		return false;
	if (is_text(column) && (op != 0 || strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0))
		return false;
	*ret_op = op;
	return true;
}

/* idxStr: two letters for each condition, its column and its operator. */
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct module *m = ((struct vtab *)base)->m;
	char *plan = sqlite3_malloc(CONDITIONS_MAX * 2 + 24);
	double cost = COST_ALL;
	size_t n = 0, op;

	if (!plan)
		return SQLITE_NOMEM;
	for (int i = 0; i < info->nConstraint && n < CONDITIONS_MAX; i++) {
		if (!condition_fits(m, info, i, &op))
			continue;
		plan[2 * n] = (char)('0' + info->aConstraint[i].iColumn);
		plan[2 * n + 1] = (char)('0' + op);
		info->aConstraintUsage[i].argvIndex = (int)++n;
		cost /= op == 0 ? 20 : 3;
	}
	snprintf(plan + 2 * n, 24, "/%llx", (unsigned long long)info->colUsed);
	info->idxStr = plan;
	info->needToFreeIdxStr = 1;
	info->estimatedCost = cost;
	info->estimatedRows = (sqlite3_int64)(cost / 10) + 1;
	return SQLITE_OK;
}

/* --- a slice's statement --- */

static bool column_had(const struct cursor *c, const struct reader_slice *g, size_t i)
{
	const struct store_table *t = c->m->table;

	if (i < t->nown)
		return t->columns[i].expr || (g->columns[c->m->id] & 1ull << i);
	return g->who & 1ull << (i - t->nown);
}

static void column_put(const struct cursor *c, size_t i, struct buf *b)
{
	const struct store_table *t = c->m->table;

	if (t->columns[i].expr)
		buf_str(b, str_of(t->columns[i].expr));
	else
		buf_printf(b, "%s.\"%s\"", i < t->nown ? "t" : "w", t->columns[i].name);
}

static void conditions_put(const struct cursor *c, const struct reader_slice *g, struct buf *b)
{
	buf_str(b, STR(" WHERE t.time >= ?1 AND t.time < ?2"));
	for (size_t i = 0; i < c->nconditions; i++) {
		const struct condition *k = &c->conditions[i];

		if (!column_had(c, g, k->column))
			continue;
		buf_str(b, STR(" AND "));
		column_put(c, k->column, b);
		buf_printf(b, " %s ?%zu", ops[k->op].sql, i + 3);
	}
}

/* Columns that the slice does not have are NULL. */
static void sql_make(struct cursor *c, const struct reader_slice *g, struct buf *b)
{
	const struct store_table *t = c->m->table;
	uint64_t needed = c->used;
	uint8_t n = 0;

	buf_str(b, STR("SELECT 1"));
	for (size_t i = 0; i < t->n; i++) {
		if (!(c->used & 1ull << i))
			continue;
		c->place[i] = ++n;
		buf_str(b, STR(", "));
		if (column_had(c, g, i))
			column_put(c, i, b);
		else
			buf_str(b, STR("NULL"));
	}
	for (size_t i = 0; i < c->nconditions; i++)
		needed |= 1ull << c->conditions[i].column;
	buf_printf(b, " FROM \"%s\" t", t->def->name);
	if (needed >> t->nown)
		buf_str(b, STR(" LEFT JOIN subjects w ON w.id = t.subject"));
	conditions_put(c, g, b);
}

static int rows_begin(struct cursor *c, size_t i)
{
	struct reader_slice *g = &c->r->slices[i];
	_cleanup_(buf_free) struct buf sql = { 0 };
	int rc;

	sql_make(c, g, &sql);
	if (sql.failed)
		return SQLITE_NOMEM;
	rc = sqlite3_prepare_v2(g->db, sql.p, (int)sql.n, &c->rows, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(c->rows, 1, c->from);
	sqlite3_bind_int64(c->rows, 2, c->to);
	for (size_t k = 0; k < c->nconditions; k++)
		sqlite3_bind_value(c->rows, (int)k + 3, c->conditions[k].value);
	return SQLITE_OK;
}

/* Is it the statement that ends, or only this slice? */
static bool fatal(int rc)
{
	return rc == SQLITE_INTERRUPT || rc == SQLITE_NOMEM;
}

static void rows_end(struct cursor *c)
{
	sqlite3_finalize(c->rows);
	c->rows = NULL;
	reader_slice_release(c->r, c->next - 1);
}

/* The next row of any slice. */
static int slices_next(struct cursor *c)
{
	for (;;) {
		int rc = c->rows ? sqlite3_step(c->rows) : SQLITE_DONE;

		if (rc == SQLITE_ROW)
			return SQLITE_OK;
		if (c->rows)
			rows_end(c);
		if (fatal(rc))
			return rc;
		if (rc != SQLITE_DONE)
			reader_slice_bad(c->r, c->next - 1, false);
		if (reader_late(c->r))
			return SQLITE_INTERRUPT;
		if (c->next == c->r->nslices) {
			c->end = true;
			return SQLITE_OK;
		}
		if (!reader_slice_open(c->r, c->next++, c->from, c->to) ||
		    !(c->r->slices[c->next - 1].columns[c->m->id] & 1))
			continue;
		rc = rows_begin(c, c->next - 1);
		if (fatal(rc))
			return rc;
		if (rc != SQLITE_OK)
			reader_slice_bad(c->r, c->next - 1, false);
	}
}

/* --- rows from elsewhere --- */

static bool source_row(struct cursor *c, struct str row)
{
	struct cur at = cur_of(row.p, row.n), own, who;
	struct row_head h;

	if (!row_read(&at, &h, &own, &who) || h.time < c->from || h.time >= c->to)
		return false;
	for (size_t i = 0; i < c->m->table->nown; i++)
		if (!row_value_read(&own, &c->values[i]))
			return false;
	return true;
}

static int source_next(struct cursor *c)
{
	struct str row;
	int n;

	while ((n = c->m->source->next(c->source, &row)) == 1) {
		if (reader_late(c->r))
			return SQLITE_INTERRUPT;
		if (source_row(c, row))
			return SQLITE_OK;
	}
	c->end = true;
	if (n < 0)
		snprintf(c->r->trouble, sizeof(c->r->trouble), "%s: %s", c->m->table->def->name,
			 strerror(-n));
	return n < 0 ? SQLITE_ERROR : SQLITE_OK;
}

static int source_begin(struct cursor *c)
{
	int err = c->m->source->open(c->m->source->ctx, c->from, c->to, &c->source);

	if (!err)
		return source_next(c);
	c->end = true;
	if (err == -ENOENT) /* none are kept */
		return SQLITE_OK;
	snprintf(c->r->trouble, sizeof(c->r->trouble), "%s: %s", c->m->table->def->name,
		 strerror(-err));
	return SQLITE_ERROR;
}

/* --- cursor --- */

static void cursor_reset(struct cursor *c)
{
	if (c->rows)
		rows_end(c);
	if (c->source)
		c->m->source->close(c->source);
	c->source = NULL;
	for (size_t i = 0; i < c->nconditions; i++)
		sqlite3_value_free(c->conditions[i].value);
	c->nconditions = c->next = 0;
	c->end = false;
}

/* Bounds of time, so that slices can be left out. */
static void time_bound(struct cursor *c, size_t op, int64_t v)
{
	const int64_t above = v == INT64_MAX ? v : v + 1;

	if ((op == 0 || op == 4) && v > c->from)
		c->from = v;
	if (op == 1 && above > c->from)
		c->from = above;
	if ((op == 0 || op == 2) && above < c->to)
		c->to = above;
	if (op == 3 && v < c->to)
		c->to = v;
}

/* Only values whose comparison is the same below and above, whatever affinity does. */
static int condition_take(struct cursor *c, uint8_t column, uint8_t op, sqlite3_value *v)
{
	const int type = sqlite3_value_type(v);

	if (type != (is_text(&c->m->table->columns[column]) ? SQLITE_TEXT : SQLITE_INTEGER))
		return SQLITE_OK;
	if (column == 0)
		time_bound(c, op, sqlite3_value_int64(v));
	if (column == 0 || c->m->source)
		return SQLITE_OK;
	v = sqlite3_value_dup(v);
	if (!v)
		return SQLITE_NOMEM;
	c->conditions[c->nconditions++] = (struct condition){ column, op, v };
	return SQLITE_OK;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int n,
		       sqlite3_value **values)
{
	struct cursor *c = (struct cursor *)base;
	int rc = SQLITE_OK;

	(void)number;
	cursor_reset(c);
	c->from = c->r->opts.from_ns;
	c->to = c->r->opts.to_ns;
	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = condition_take(c, (uint8_t)(plan[2 * i] - '0'),
				    (uint8_t)(plan[2 * i + 1] - '0'), values[i]);
	c->used = strtoull(plan + 2 * n + 1, NULL, 16);
	c->used &= (1ull << c->m->table->n) - 1;
	if (rc != SQLITE_OK)
		return rc;
	return c->m->source ? source_begin(c) : slices_next(c);
}

static int vtab_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->rowid++;
	c->r->read->rows_seen++;
	return c->m->source ? source_next(c) : slices_next(c);
}

static int vtab_eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static void source_value(const struct row_value *v, sqlite3_context *x)
{
	if (v->type == ROW_INT)
		sqlite3_result_int64(x, v->i64);
	else if (v->type == ROW_TEXT)
		sqlite3_result_text(x, v->str.p, (int)v->str.n, SQLITE_TRANSIENT);
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int i)
{
	struct cursor *c = (struct cursor *)base;

	if (i < 0 || (size_t)i >= c->m->table->n)
		return SQLITE_OK;
	if (c->m->source)
		source_value(&c->values[i], x);
	else if (c->rows && (c->used & 1ull << i))
		sqlite3_result_value(x, sqlite3_column_value(c->rows, c->place[i]));
	return SQLITE_OK;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((struct cursor *)base)->rowid;
	return SQLITE_OK;
}

static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->m = ((struct vtab *)base)->m;
	c->r = c->m->reader;
	c->end = true;
	*ret = &c->base;
	return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	cursor_reset(c);
	free(c);
	return SQLITE_OK;
}

/* --- module --- */

static int vtab_connect(sqlite3 *db, void *ctx, int argc, const char *const *argv,
			sqlite3_vtab **ret, char **ret_why)
{
	struct module *m = ctx;
	_cleanup_(buf_free) struct buf b = { 0 };
	struct vtab *v;
	int rc;

	(void)argc;
	(void)argv;
	(void)ret_why;
	buf_str(&b, STR("CREATE TABLE x("));
	for (size_t i = 0; i < m->table->n; i++)
		buf_printf(&b, "%s\"%s\" %s", i ? ", " : "", m->table->columns[i].name,
			   store_type_name(m->table->columns[i].type));
	buf_str(&b, STR(")"));
	buf_char(&b, '\0');
	if (b.failed)
		return SQLITE_NOMEM;
	rc = sqlite3_declare_vtab(db, b.p);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	v = calloc(1, sizeof(*v));
	if (!v)
		return SQLITE_NOMEM;
	v->m = m;
	*ret = &v->base;
	return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* Without xCreate it can only be used by the module's own name. */
static const sqlite3_module methods = {
	.xConnect = vtab_connect,
	.xBestIndex = vtab_best_index,
	.xDisconnect = vtab_disconnect,
	.xOpen = vtab_open,
	.xClose = vtab_close,
	.xFilter = vtab_filter,
	.xNext = vtab_next,
	.xEof = vtab_eof,
	.xColumn = vtab_column,
	.xRowid = vtab_rowid,
};

int vtab_register(struct store_reader *r)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < STORE_TABLES && rc == SQLITE_OK; i++) {
		const struct store_table *t = &r->opts.schema->tables[i];
		struct module *m = calloc(1, sizeof(*m));

		if (!m)
			return SQLITE_NOMEM;
		*m = (struct module){ .reader = r, .table = t, .id = (enum store_table_id)i };
		for (size_t k = 0; k < r->opts.nsources; k++)
			if (r->opts.sources[k].table == m->id)
				m->source = &r->opts.sources[k];
		/* Frees @m, also when it fails. */
		rc = t->n ? sqlite3_create_module_v2(r->db, t->def->name, &methods, m, free) :
			    (free(m), SQLITE_OK);
	}
	return rc;
}
