/* Statements are made once for each slice; values are bound where they lie. */
#include "store/slice.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/intern.h"

#define SUBJECTS_MAX   65536
#define SUBJECTS_BYTES (8u << 20)
#define CACHE_KIB      1024
#define BUSY_MS	       250

struct slice {
	sqlite3 *db;
	const struct store_schema *schema;
	sqlite3_stmt *insert[STORE_TABLES], *subject, *span;
	struct budget budget;
	struct intern subjects; /* bytes of who -> id - base */
	int64_t base;
	int64_t first, last;
	bool changed;
};

int slice_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_INTERRUPT:
		return -ETIME;
	default:
		return -EIO;
	}
}

static int failed(sqlite3 *db, int rc, struct buf *why)
{
	buf_str(why, str_of(db ? sqlite3_errmsg(db) : sqlite3_errstr(rc)));
	return slice_errno(rc);
}

static int run(struct slice *g, const char *sql, struct buf *why)
{
	int rc = sqlite3_exec(g->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(g->db, rc, why);
}

/* --- making --- */

static void columns_put(struct buf *b, const struct store_table *t)
{
	for (size_t i = 0; i < t->nown; i++)
		if (!t->columns[i].expr)
			buf_printf(b, ", \"%s\"", t->columns[i].name);
}

static void values_put(struct buf *b, const struct store_table *t)
{
	for (size_t i = 0; i < t->nown; i++)
		if (!t->columns[i].expr)
			buf_str(b, STR(", ?"));
}

/* subject or id stands first, so that every list has something before its commas. */
static void table_create(struct buf *b, const struct store_table *t, const char *first)
{
	buf_printf(b, "CREATE TABLE \"%s\"(%s", t->def->name, first);
	columns_put(b, t);
	buf_str(b, STR(");\n"));
}

static int tables_create(struct slice *g, struct buf *why)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	buf_printf(&b,
		   "BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d;\n"
		   "CREATE TABLE span(first, last); INSERT INTO span VALUES(NULL, NULL);\n",
		   SLICE_APPLICATION, SLICE_VERSION);
	table_create(&b, &g->schema->who, "id INTEGER PRIMARY KEY");
	for (size_t i = 0; i < STORE_TABLES; i++)
		if (!g->schema->tables[i].def->elsewhere)
			table_create(&b, &g->schema->tables[i], "subject INTEGER");
	buf_str(&b, STR("COMMIT;"));
	buf_char(&b, '\0');
	return b.failed ? -ENOMEM : run(g, b.p, why);
}

static int insert_make(struct slice *g, const struct store_table *t, const char *first,
		       sqlite3_stmt **ret, struct buf *why)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	int rc;

	buf_printf(&b, "INSERT INTO \"%s\"(%s", t->def->name, first);
	columns_put(&b, t);
	buf_str(&b, STR(") VALUES(?"));
	values_put(&b, t);
	buf_char(&b, ')');
	if (b.failed)
		return -ENOMEM;
	rc = sqlite3_prepare_v3(g->db, b.p, (int)b.n, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	return rc == SQLITE_OK ? 0 : failed(g->db, rc, why);
}

static int statements_make(struct slice *g, struct buf *why)
{
	static const char span[] = "UPDATE span SET first=?, last=?";
	int err = insert_make(g, &g->schema->who, "id", &g->subject, why), rc;

	for (size_t i = 0; i < STORE_TABLES && !err; i++)
		if (!g->schema->tables[i].def->elsewhere)
			err = insert_make(g, &g->schema->tables[i], "subject", &g->insert[i], why);
	if (err)
		return err;
	rc = sqlite3_prepare_v3(g->db, span, -1, SQLITE_PREPARE_PERSISTENT, &g->span, NULL);
	return rc == SQLITE_OK ? 0 : failed(g->db, rc, why);
}

static int file_open(struct slice *g, const char *path, unsigned log_pages, struct buf *why)
{
	char set[256];
	int rc = sqlite3_open_v2(path, &g->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE,
				 NULL);

	if (rc != SQLITE_OK)
		return failed(g->db, rc, why);
	sqlite3_busy_timeout(g->db, BUSY_MS);
	snprintf(set, sizeof(set),
		 "PRAGMA page_size=4096; PRAGMA secure_delete=OFF; PRAGMA journal_mode=WAL;"
		 "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY;"
		 "PRAGMA wal_autocheckpoint=%u; PRAGMA journal_size_limit=%u;",
		 CACHE_KIB, log_pages, log_pages * 4096);
	return run(g, set, why);
}

int slice_new(const char *path, const struct store_schema *s, unsigned log_pages,
	      struct slice **ret, struct buf *why)
{
	struct slice *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->schema = s;
	g->budget.max = SUBJECTS_BYTES;
	g->first = INT64_MAX;
	g->last = INT64_MIN;
	g->base = 1;
	err = intern_init(&g->subjects, &g->budget, SUBJECTS_MAX);
	if (!err)
		err = file_open(g, path, log_pages, why);
	if (!err)
		err = tables_create(g, why);
	if (!err)
		err = statements_make(g, why);
	if (err) {
		slice_close(g, false);
		return err;
	}
	*ret = g;
	return 0;
}

/* --- rows --- */

int slice_begin(struct slice *g, struct buf *why)
{
	return run(g, "BEGIN", why);
}

static int values_bind(sqlite3_stmt *to, struct cur c)
{
	const int n = sqlite3_bind_parameter_count(to);
	struct row_value v;

	for (int i = 2; i <= n; i++) {
		int rc;

		if (!row_value_read(&c, &v))
			return SQLITE_MISUSE;
		if (v.type == ROW_INT)
			rc = sqlite3_bind_int64(to, i, v.i64);
		else if (v.type == ROW_TEXT)
			rc = sqlite3_bind_text(to, i, v.str.p, (int)v.str.n, SQLITE_STATIC);
		else
			rc = sqlite3_bind_null(to, i);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* @first: the first parameter; 0: NULL. */
static int row_insert(struct slice *g, sqlite3_stmt *to, int64_t first, struct cur c, struct buf *why)
{
	int rc = values_bind(to, c);

	if (rc == SQLITE_OK)
		rc = first ? sqlite3_bind_int64(to, 1, first) : sqlite3_bind_null(to, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(to);
	sqlite3_reset(to);
	return rc == SQLITE_DONE ? 0 : failed(g->db, rc, why);
}

static int subjects_forget(struct slice *g)
{
	g->base += (int64_t)g->subjects.n;
	intern_free(&g->subjects);
	g->budget.used = 0;
	return intern_init(&g->subjects, &g->budget, SUBJECTS_MAX);
}

/* Finds the number of @who, which gets a row when it is new. */
static int subject_of(struct slice *g, struct cur who, int64_t *ret, struct buf *why)
{
	const struct str key = { (const char *)who.p, cur_left(&who) };
	size_t before = g->subjects.n;
	uint32_t id;
	int err = intern_put(&g->subjects, key, &id);

	if (err == -ENOSPC) {
		err = subjects_forget(g);
		before = g->subjects.n;
		if (!err)
			err = intern_put(&g->subjects, key, &id);
	}
	if (err)
		return err;
	*ret = g->base + id;
	return g->subjects.n > before ? row_insert(g, g->subject, *ret, who, why) : 0;
}

int slice_put(struct slice *g, const struct row_head *h, struct cur own, struct cur who,
	      struct buf *why)
{
	int64_t subject = 0;
	int err = 0;

	if (!g->insert[h->table])
		return -EINVAL;
	if (cur_left(&who))
		err = subject_of(g, who, &subject, why);
	if (!err)
		err = row_insert(g, g->insert[h->table], subject, own, why);
	if (err)
		return err;
	g->changed |= h->time < g->first || h->time > g->last;
	g->first = h->time < g->first ? h->time : g->first;
	g->last = h->time > g->last ? h->time : g->last;
	return 0;
}

int slice_commit(struct slice *g, struct buf *why)
{
	int rc;

	if (g->changed) {
		sqlite3_bind_int64(g->span, 1, g->first);
		sqlite3_bind_int64(g->span, 2, g->last);
		rc = sqlite3_step(g->span);
		sqlite3_reset(g->span);
		if (rc != SQLITE_DONE)
			return failed(g->db, rc, why);
		g->changed = false;
	}
	return run(g, "COMMIT", why);
}

/* A reader may be in it: then its log stays, and is put in by the next agent. */
static int log_end(sqlite3 *db)
{
	/* Only who has read it knows that it has a log. */
	int rc = sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return slice_errno(rc);
}

void slice_close(struct slice *g, bool whole)
{
	if (!g)
		return;
	for (size_t i = 0; i < STORE_TABLES; i++)
		sqlite3_finalize(g->insert[i]);
	sqlite3_finalize(g->subject);
	sqlite3_finalize(g->span);
	if (whole)
		log_end(g->db);
	sqlite3_close(g->db);
	intern_free(&g->subjects);
	free(g);
}

int slice_tidy(const char *path)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(
		path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	int err = slice_errno(rc);

	if (!err) {
		sqlite3_busy_timeout(db, BUSY_MS);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		err = log_end(db);
	}
	sqlite3_close(db);
	return err;
}
