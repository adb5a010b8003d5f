/*
 * The database that a statement sees, and the limits it runs in. The heap limit is SQLite's own and
 * of the process: the command that asks is a process of its own.
 */
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/reader_priv.h"
#include "store/slice.h"

#define PROGRESS_STEPS	1000
#define SLICE_CACHE_KIB 256
#define BUSY_MS		500

static const struct {
	int what, most;
} limits[] = {
	{ SQLITE_LIMIT_LENGTH, STORE_VALUE_MAX },
	{ SQLITE_LIMIT_SQL_LENGTH, STORE_SQL_MAX },
	{ SQLITE_LIMIT_COLUMN, 200 },
	{ SQLITE_LIMIT_EXPR_DEPTH, 200 },
	{ SQLITE_LIMIT_COMPOUND_SELECT, 50 },
	{ SQLITE_LIMIT_VDBE_OP, 100000 },
	{ SQLITE_LIMIT_FUNCTION_ARG, 32 },
	{ SQLITE_LIMIT_ATTACHED, 0 },
	{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256 },
	{ SQLITE_LIMIT_VARIABLE_NUMBER, 16 },
	{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
};

int reader_late(void *ctx)
{
	const struct store_reader *r = ctx;

	return clock_read_ns(CLOCK_MONOTONIC) >= r->deadline_ns;
}

/* --- what is allowed --- */

static bool word_of(const char *word, const char *const *list)
{
	for (; word && *list; list++)
		if (strcasecmp(word, *list) == 0)
			return true;
	return false;
}

static bool table_allowed(const struct store_reader *r, const char *name)
{
	static const char *const others[] = { "json_each", "json_tree", "sqlite_schema",
					      "sqlite_master", NULL };

	for (size_t i = 0; name && i < STORE_TABLES; i++)
		if (strcasecmp(name, r->opts.schema->tables[i].def->name) == 0)
			return true;
	return word_of(name, others);
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *db,
		     const char *trigger)
{
	/* A call of these may take minutes, and SQLite does not look at the deadline meanwhile:
	 * printf('%.*c', 2000000000, 'x'), objects of 100,000 members. */
	static const char *const functions_not[] = { "printf",	       "format",
						     "json_patch",     "load_extension",
						     "fts3_tokenizer", NULL };

	(void)db;
	(void)trigger;
	if (action == SQLITE_SELECT || action == SQLITE_RECURSIVE)
		return SQLITE_OK;
	if (action == SQLITE_READ)
		/* No column: only how many rows there are, of a table of the statement's own, too. Other
		 * tables cannot be made: their constructor needs a CREATE TABLE. */
		return table_allowed(ctx, a) || (b && !*b) ? SQLITE_OK : SQLITE_DENY;
	if (action == SQLITE_FUNCTION)
		return word_of(b, functions_not) ? SQLITE_DENY : SQLITE_OK;
	return SQLITE_DENY;
}

/* Nothing but reading, of a slice too: its schema may be anybody's. */
static int authorize_slice(void *ctx, int action, const char *a, const char *b, const char *db,
			   const char *trigger)
{
	(void)ctx;
	(void)a;
	(void)b;
	(void)db;
	(void)trigger;
	return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ?
		       SQLITE_OK :
		       SQLITE_DENY;
}

static void db_confine(struct store_reader *r, sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db, limits[i].what, limits[i].most);
	sqlite3_progress_handler(db, PROGRESS_STEPS, reader_late, r);
}

/* --- slices --- */

void reader_slice_release(struct store_reader *r, size_t i)
{
	struct reader_slice *g = &r->slices[i];

	if (!g->db || r->nopen <= READER_OPEN_MAX)
		return;
	sqlite3_close_v2(g->db);
	g->db = NULL;
	r->nopen--;
}

void reader_slice_bad(struct store_reader *r, size_t i, bool foreign)
{
	struct reader_slice *g = &r->slices[i];

	if (g->db) {
		sqlite3_close_v2(g->db); /* as soon as its statements are gone */
		r->nopen--;
	}
	g->db = NULL;
	g->state = SLICE_BAD;
	r->read->damaged += !foreign;
	r->read->foreign += foreign;
	if (!r->read->first_bad[0])
		memcpy(r->read->first_bad, g->name, sizeof(r->read->first_bad));
}

/* One row of integers. SQLite's result code; SQLITE_DONE: there is none. */
static int ints_read(sqlite3 *db, const char *sql, int64_t *ret, int n)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	for (int i = 0; i < n && rc == SQLITE_ROW; i++)
		ret[i] = sqlite3_column_type(s, i) == SQLITE_INTEGER ? sqlite3_column_int64(s, i) : 0;
	sqlite3_finalize(s);
	return rc;
}

/* Which of @t's stored columns the slice has, by bit. */
static int columns_read(sqlite3 *db, const struct store_table *t, uint64_t *ret)
{
	uint64_t set = 0;
	sqlite3_stmt *s = NULL;
	char sql[128];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA table_info(\"%s\")", t->def->name);
	rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		const char *name;

		rc = sqlite3_step(s);
		name = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 1) : NULL;
		for (size_t i = 0; name && i < t->nown; i++)
			if (strcmp(name, t->columns[i].name) == 0)
				set |= 1ull << i;
	}
	sqlite3_finalize(s);
	*ret = set;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * SQLITE_OK; SQLITE_NOTADB: it is something else; SQLITE_EMPTY: who made it was killed before its first
 * row; another result code.
 */
static int slice_look(struct store_reader *r, struct reader_slice *g)
{
	int64_t application = 0, version = 0, span[2] = { 0, 0 };
	int rc = ints_read(g->db, "PRAGMA application_id", &application, 1);

	if (rc == SQLITE_ROW)
		rc = ints_read(g->db, "PRAGMA user_version", &version, 1);
	if (rc != SQLITE_ROW)
		return rc;
	if (application == 0 && version == 0 &&
	    ints_read(g->db, "SELECT 1 FROM sqlite_schema", span, 1) == SQLITE_DONE)
		return SQLITE_EMPTY;
	if (application != SLICE_APPLICATION || version != SLICE_VERSION)
		return SQLITE_NOTADB;
	rc = ints_read(g->db, "SELECT first, last FROM span", span, 2);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_NOTADB : rc;
	rc = columns_read(g->db, &r->opts.schema->who, &g->who);
	for (size_t i = 0; i < STORE_TABLES && rc == SQLITE_OK; i++)
		if (!r->opts.schema->tables[i].def->elsewhere)
			rc = columns_read(g->db, &r->opts.schema->tables[i], &g->columns[i]);
	g->first = span[0];
	g->last = span[1];
	return rc;
}

/* One that is finished does not change: it is read as it is, also where nothing may be written. */
static void name_make(const struct store_reader *r, const struct reader_slice *g, struct buf *b)
{
	buf_str(b, STR("file:"));
	for (const char *c = r->path; *c; c++)
		buf_printf(b, strchr("%?#", *c) ? "%%%02x" : "%c", (unsigned char)*c);
	buf_printf(b, "/%s%s", g->name,
		   store_folder_unfinished(r->dir, g->name) ? "" : "?immutable=1");
	buf_char(b, '\0');
}

static int db_open(struct store_reader *r, struct reader_slice *g)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			  SQLITE_OPEN_URI;
	_cleanup_(buf_free) struct buf name = { 0 };
	char set[64];
	int rc;

	name_make(r, g, &name);
	rc = name.failed ? SQLITE_NOMEM : sqlite3_open_v2(name.p, &g->db, flags, NULL);
	r->nopen++;
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_busy_timeout(g->db, BUSY_MS);
	db_confine(r, g->db);
	snprintf(set, sizeof(set), "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY",
		 SLICE_CACHE_KIB);
	return sqlite3_exec(g->db, set, NULL, NULL, NULL);
}

static bool slice_gone(const struct store_reader *r, const struct reader_slice *g)
{
	struct stat st;

	return fstatat(r->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) != 0;
}

bool reader_slice_open(struct store_reader *r, size_t i, int64_t from, int64_t to)
{
	struct reader_slice *g = &r->slices[i];
	int rc = SQLITE_OK;

	if (g->state == SLICE_BAD || (g->state == SLICE_KNOWN && (g->last < from || g->first >= to)))
		return false;
	if (g->db)
		return true;
	rc = db_open(r, g);
	if (rc == SQLITE_OK && g->state == SLICE_NEW)
		rc = slice_look(r, g);
	if (rc == SQLITE_OK) {
		r->read->slices += g->state == SLICE_NEW;
		g->state = SLICE_KNOWN;
		sqlite3_set_authorizer(g->db, authorize_slice, NULL);
		if (g->last >= from && g->first < to)
			return true;
		sqlite3_close_v2(g->db);
		g->db = NULL;
		r->nopen--;
		return false;
	}
	/* Removed for its age a moment ago; or it is for the statement to fail, not the slice. */
	if (rc == SQLITE_EMPTY || slice_gone(r, g) || rc == SQLITE_INTERRUPT || rc == SQLITE_NOMEM) {
		sqlite3_close_v2(g->db);
		g->db = NULL;
		r->nopen--;
	} else {
		reader_slice_bad(r, i, rc == SQLITE_NOTADB);
	}
	return false;
}

/* --- life --- */

static int slices_list(struct store_reader *r)
{
	struct store_files l = { 0 };
	int err = store_folder_list(r->dir, &l);

	if (err)
		return err;
	r->slices = calloc(l.n ? l.n : 1, sizeof(*r->slices));
	for (size_t i = 0; r->slices && i < l.n; i++)
		memcpy(r->slices[r->nslices++].name, l.list[i].name, sizeof(l.list[i].name));
	store_files_free(&l);
	return r->slices ? 0 : -ENOMEM;
}

static int folder_open(struct store_reader *r)
{
	char real[PATH_MAX];

	if (!realpath(r->opts.directory, real))
		return -errno;
	memcpy(r->path, real, sizeof(r->path));
	r->dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir < 0 ? -errno : slices_list(r);
}

/* A table is declared at its first use, by a CREATE TABLE: before that is forbidden. */
static int tables_connect(struct store_reader *r)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < STORE_TABLES && rc == SQLITE_OK; i++) {
		sqlite3_stmt *s = NULL;
		char sql[96];

		snprintf(sql, sizeof(sql), "SELECT 1 FROM \"%s\"",
			 r->opts.schema->tables[i].def->name);
		if (r->opts.schema->tables[i].n)
			rc = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
		sqlite3_finalize(s);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", NULL,
				  NULL, NULL);
	return rc;
}

static int memory_open(struct store_reader *r)
{
	int rc = sqlite3_open_v2(":memory:", &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (rc == SQLITE_OK)
		rc = vtab_register(r);
	if (rc == SQLITE_OK)
		rc = functions_register(r);
	/* What is sorted or grouped counts as memory, and leaves no file. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "PRAGMA temp_store=MEMORY; PRAGMA query_only=ON", NULL,
				  NULL, NULL);
	if (rc != SQLITE_OK)
		return slice_errno(rc);
	db_confine(r, r->db);
	rc = tables_connect(r);
	sqlite3_set_authorizer(r->db, authorize, r);
	return slice_errno(rc);
}

int store_reader_open(const struct store_reader_opts *o, struct store_reader **ret, struct buf *why)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->opts = *o;
	r->dir = -1;
	r->deadline_ns = UINT64_MAX;
	sqlite3_hard_heap_limit64(
		(sqlite3_int64)(o->memory_bytes ? o->memory_bytes : STORE_MEMORY_DEFAULT));
	err = folder_open(r);
	if (err)
		buf_printf(why, "%s: %s", o->directory, strerror(-err));
	else
		err = memory_open(r);
	if (err && !why->n)
		buf_printf(why, "opening SQLite: %s", strerror(-err));
	if (err) {
		store_reader_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

void store_reader_close(struct store_reader *r)
{
	if (!r)
		return;
	sqlite3_close_v2(r->db);
	for (size_t i = 0; i < r->nslices; i++)
		sqlite3_close_v2(r->slices[i].db);
	free(r->slices);
	closep(&r->dir);
	sqlite3_hard_heap_limit64(0);
	free(r);
}

/* --- a statement --- */

/* The line that @at is in, and a caret below it. */
static void caret_put(struct str sql, size_t at, struct buf *why)
{
	size_t from = at, to = at;

	while (from && sql.p[from - 1] != '\n')
		from--;
	while (to < sql.n && sql.p[to] != '\n')
		to++;
	buf_str(why, STR("\n  "));
	buf_text(why, (struct str){ sql.p + from, to - from });
	buf_printf(why, "\n  %*s^", (int)(at - from), "");
}

static int statement_failed(struct store_reader *r, int rc, struct str sql, struct buf *why)
{
	const char *said = sqlite3_errmsg(r->db);
	int at = sqlite3_error_offset(r->db), err = slice_errno(rc);

	if (r->trouble[0]) {
		buf_str(why, str_of(r->trouble));
		return -EIO;
	}
	if (err == -ETIME) {
		buf_printf(why,
			   "it took longer than %.3g s: ask for less (--from, where time > ...), or "
			   "give it more time (--timeout)",
			   (double)r->opts.timeout_ns / NS_PER_SEC);
	} else if (err == -ENOMEM) {
		buf_printf(why,
			   "it needs more memory than %llu MiB: ask for less, or allow more (--memory)",
			   (unsigned long long)(r->opts.memory_bytes >> 20));
	} else if ((rc & 0xff) == SQLITE_AUTH || strcmp(said, "not authorized") == 0) {
		buf_printf(why, "%s: only reading the tables is allowed (porthole query --tables)",
			   said);
		return -EINVAL;
	} else {
		buf_text(why, str_of(said));
		if (at >= 0 && (size_t)at <= sql.n)
			caret_put(sql, (size_t)at, why);
		err = -EINVAL;
	}
	return err;
}

static struct store_value value_of(sqlite3_stmt *s, int i)
{
	struct store_value v = { 0 };

	switch (sqlite3_column_type(s, i)) {
	case SQLITE_INTEGER:
		v.type = STORE_INT;
		v.i64 = sqlite3_column_int64(s, i);
		break;
	case SQLITE_FLOAT:
		v.type = STORE_REAL;
		v.real = sqlite3_column_double(s, i);
		break;
	case SQLITE_TEXT:
		v.type = STORE_TEXT;
		v.str.p = (const char *)sqlite3_column_text(s, i);
		v.str.n = (size_t)sqlite3_column_bytes(s, i);
		break;
	case SQLITE_BLOB:
		v.type = STORE_BLOB;
		v.str.p = sqlite3_column_blob(s, i);
		v.str.n = (size_t)sqlite3_column_bytes(s, i);
		break;
	}
	return v;
}

static int head_give(sqlite3_stmt *s, size_t n, const struct store_result *to)
{
	_cleanup_(freep) const char **names = calloc(2 * n, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		names[i] = sqlite3_column_name(s, (int)i);
		names[n + i] = sqlite3_column_decltype(s, (int)i);
		if (!names[i])
			return -ENOMEM;
	}
	return to->head(to->ctx, n, names, names + n) ? -ECANCELED : 0;
}

static int rows_give(struct store_reader *r, sqlite3_stmt *s, size_t n,
		     const struct store_result *to, int *ret_rc)
{
	_cleanup_(freep) struct store_value *values = calloc(n, sizeof(*values));

	if (!values)
		return -ENOMEM;
	while ((*ret_rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (r->opts.rows_max && r->read->rows == r->opts.rows_max) {
			r->read->cut = true;
			*ret_rc = SQLITE_DONE;
			break;
		}
		for (size_t i = 0; i < n; i++)
			values[i] = value_of(s, (int)i);
		r->read->rows++;
		if (to->row(to->ctx, n, values))
			return -ECANCELED;
	}
	return 0;
}

/* Behind the statement there may be nothing but blanks and semicolons. */
static bool more_behind(const char *rest, struct str sql)
{
	for (; rest < sql.p + sql.n; rest++)
		if (!strchr(" \t\r\n;", *rest) || !*rest)
			return true;
	return false;
}

static int statement_make(struct store_reader *r, struct str sql, sqlite3_stmt **ret, struct buf *why)
{
	const char *rest = sql.p;
	int rc;

	if (sql.n > STORE_SQL_MAX || memchr(sql.p, 0, sql.n)) {
		buf_printf(why, "SQL of more than %u bytes, or with a NUL in it", STORE_SQL_MAX);
		return -EINVAL;
	}
	rc = sqlite3_prepare_v2(r->db, sql.p, (int)sql.n, ret, &rest);
	if (rc != SQLITE_OK)
		return statement_failed(r, rc, sql, why);
	if (!*ret) {
		buf_str(why, STR("there is no statement"));
		return -EINVAL;
	}
	if (more_behind(rest, sql)) {
		buf_str(why, STR("one statement at a time:"));
		caret_put(sql, (size_t)(rest - sql.p), why);
	} else if (!sqlite3_stmt_readonly(*ret) || !sqlite3_column_count(*ret)) {
		buf_str(why, STR("only statements that read are allowed"));
	} else {
		return 0;
	}
	sqlite3_finalize(*ret);
	*ret = NULL;
	return -EINVAL;
}

int store_reader_query(struct store_reader *r, struct str sql, const struct store_result *to,
		       struct store_read *ret, struct buf *why)
{
	sqlite3_stmt *s = NULL;
	int err, rc = SQLITE_DONE;
	size_t n;

	*ret = (struct store_read){ 0 };
	r->read = ret;
	r->trouble[0] = '\0';
	r->deadline_ns = r->opts.timeout_ns ? clock_read_ns(CLOCK_MONOTONIC) + r->opts.timeout_ns :
					      UINT64_MAX;
	err = statement_make(r, sql, &s, why);
	if (err)
		return err;
	n = (size_t)sqlite3_column_count(s);
	err = head_give(s, n, to);
	if (!err)
		err = rows_give(r, s, n, to, &rc);
	if (!err && rc != SQLITE_DONE)
		err = statement_failed(r, rc, sql, why);
	else if (err == -ENOMEM)
		buf_str(why, STR("out of memory"));
	sqlite3_finalize(s);
	return err;
}
