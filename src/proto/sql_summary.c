/*
 * Which operations a statement has and what they are done to, without a grammar: verbs where verbs can
 * be, and names after the words that are followed by one (FROM, JOIN, INTO, ...), by depth of parentheses.
 * What it does not know it leaves out; it never takes a literal for a name.
 */
#include "proto/sql_summary.h"

#include <strings.h>

#include "base/utf8.h"

#define WORD_MAX 16 /* longer than any word below */

enum kind {
	PLAIN,
	VERB,	/* at the beginning of a statement only */
	DML,	/* a verb that subqueries and WITH may have */
	SELECT, /* a verb anywhere: it is reserved */
	WITH,
	DDL,	/* CREATE and such: the kind of object, then its name */
	OBJECT, /* TABLE, INDEX, ... */
	FROM,
	JOIN,
	INTO,
	USING,
	SKIP, /* between a word that wants a target and the target */
	ENDS, /* of the list of targets */
	DISTINCT,
	AS, /* a verb may follow */
	VALUES,
	IN,
	ARRAY,
};

enum flag {
	F_WANT = 1, /* its target follows */
	F_FROM = 2, /* or comes after FROM */
	F_INTO = 4, /* or after INTO */
	F_LIST = 8, /* several, with commas */
	F_STOP = 16,
	F_MAY = 32, /* another verb may follow: EXPLAIN */
};

/* By first letter; `begin` below says where each begins. */
/* clang-format off */
#define WORDS(X) \
	X(ABORT, VERB, 0) X(ALL, SKIP, 0) X(ALTER, DDL, 0) X(ANALYZE, VERB, F_WANT) X(ARRAY, ARRAY, 0) X(AS, AS, 0) \
	X(BEGIN, VERB, F_MAY) X(BINLOG, VERB, F_STOP) \
	X(CACHE, VERB, F_STOP) X(CALL, VERB, F_WANT) X(CHECK, VERB, F_LIST) X(CHECKPOINT, VERB, 0) X(CHECKSUM, VERB, F_LIST) \
	X(CLOSE, VERB, 0) X(CLUSTER, VERB, F_WANT) X(COMMENT, VERB, F_STOP) X(COMMIT, VERB, 0) X(CONCURRENTLY, SKIP, 0) \
	X(COPY, VERB, F_WANT) X(CREATE, DDL, 0) \
	X(DATABASE, OBJECT, 0) X(DEALLOCATE, VERB, 0) X(DECLARE, VERB, 0) X(DELAYED, SKIP, 0) X(DELETE, DML, F_FROM) \
	X(DESC, VERB, F_WANT | F_MAY) X(DESCRIBE, VERB, F_WANT | F_MAY) X(DISCARD, VERB, 0) X(DISTINCT, DISTINCT, 0) \
	X(DO, VERB, F_STOP) X(DOMAIN, OBJECT, 0) X(DROP, DDL, F_LIST) X(DUMPFILE, ENDS, 0) \
	X(END, VERB, 0) X(EVENT, OBJECT, 0) X(EXCEPT, ENDS, 0) X(EXEC, VERB, F_WANT) \
	X(EXECUTE, VERB, F_WANT) X(EXISTS, SKIP, 0) X(EXPLAIN, VERB, F_MAY) X(EXTENSION, OBJECT, 0) \
	X(FETCH, VERB, 0) X(FLUSH, VERB, F_STOP) X(FOR, ENDS, 0) X(FROM, FROM, 0) X(FUNCTION, OBJECT, 0) \
	X(GRANT, VERB, F_STOP) X(GROUP, ENDS, 0) \
	X(HANDLER, VERB, F_WANT) X(HAVING, ENDS, 0) X(HELP, VERB, F_STOP) X(HIGH_PRIORITY, SKIP, 0) \
	X(IF, SKIP, 0) X(IGNORE, SKIP, 0) X(IN, IN, 0) X(INDEX, OBJECT, 0) X(INSERT, DML, F_WANT | F_INTO) \
	X(INSTALL, VERB, F_STOP) X(INTERSECT, ENDS, 0) X(INTO, INTO, 0) \
	X(JOIN, JOIN, 0) \
	X(KILL, VERB, F_STOP) \
	X(LATERAL, SKIP, 0) X(LIMIT, ENDS, 0) X(LISTEN, VERB, F_WANT) X(LOAD, VERB, F_INTO) X(LOCK, VERB, F_WANT | F_LIST) \
	X(LOW_PRIORITY, SKIP, 0) \
	X(MATERIALIZED, SKIP, 0) X(MERGE, DML, F_WANT | F_INTO) X(MOVE, VERB, 0) \
	X(NOT, SKIP, 0) X(NOTIFY, VERB, F_WANT) \
	X(OFFSET, ENDS, 0) X(ON, PLAIN, 0) X(ONLY, SKIP, 0) X(OPTIMIZE, VERB, F_LIST) X(ORDER, ENDS, 0) X(OUTFILE, ENDS, 0) \
	X(OVERWRITE, INTO, 0) \
	X(POLICY, OBJECT, 0) X(PREPARE, VERB, F_WANT) X(PROCEDURE, OBJECT, 0) X(PUBLICATION, OBJECT, 0) X(PURGE, VERB, F_STOP) \
	X(QUICK, SKIP, 0) \
	X(REASSIGN, VERB, F_STOP) X(RECURSIVE, SKIP, 0) X(REFRESH, DDL, 0) X(REINDEX, DDL, 0) X(RELEASE, VERB, 0) X(RENAME, DDL, 0) \
	X(REPAIR, VERB, F_LIST) X(REPLACE, DML, F_WANT | F_INTO) X(RESET, VERB, 0) X(RETURNING, ENDS, 0) \
	X(REVOKE, VERB, F_STOP) X(ROLE, OBJECT, 0) X(ROLLBACK, VERB, 0) \
	X(SAVEPOINT, VERB, 0) X(SCHEMA, OBJECT, 0) X(SECURITY, VERB, F_STOP) X(SELECT, SELECT, F_FROM | F_INTO) \
	X(SEQUENCE, OBJECT, 0) X(SERVER, OBJECT, 0) X(SET, VERB, F_STOP) X(SHOW, VERB, F_FROM) X(SIGNAL, VERB, F_STOP) \
	X(START, VERB, 0) X(STATISTICS, OBJECT, 0) X(STOP, VERB, 0) X(SUBSCRIPTION, OBJECT, 0) \
	X(TABLE, OBJECT, 0) X(TABLES, SKIP, 0) X(TABLESPACE, OBJECT, 0) X(TRIGGER, OBJECT, 0) \
	X(TRUNCATE, DDL, F_WANT | F_LIST) X(TYPE, OBJECT, 0) \
	X(UNINSTALL, VERB, F_STOP) X(UNION, ENDS, 0) X(UNLISTEN, VERB, 0) X(UNLOCK, VERB, 0) \
	X(UPDATE, DML, F_WANT | F_FROM | F_LIST) X(USE, VERB, F_WANT) X(USER, OBJECT, 0) X(USING, USING, 0) \
	X(VACUUM, VERB, F_WANT | F_LIST) X(VALUE, VALUES, 0) X(VALUES, VALUES, 0) X(VERBOSE, SKIP, 0) X(VIEW, OBJECT, 0) \
	X(WHERE, ENDS, 0) X(WINDOW, ENDS, 0) X(WITH, WITH, 0) \
	X(XA, VERB, 0)
/* clang-format on */

#define X(name, kind, flags) AT_##name,
enum {
	WORDS(X) AT_LAST
};
#undef X

static const struct word {
	const char *name;
	uint8_t n, kind, flags;
} words[] = {
#define X(name, kind, flags) { #name, sizeof(#name) - 1, kind, flags },
	WORDS(X)
#undef X
};

static const uint8_t begin[27] = {
	AT_ABORT,   AT_BEGIN,  AT_CACHE, AT_DATABASE, AT_END,	    AT_FETCH,	     AT_GRANT,
	AT_HANDLER, AT_IF,     AT_JOIN,	 AT_KILL,     AT_LATERAL,   AT_MATERIALIZED, AT_NOT,
	AT_OFFSET,  AT_POLICY, AT_QUICK, AT_REASSIGN, AT_SAVEPOINT, AT_TABLE,	     AT_UNINSTALL,
	AT_VACUUM,  AT_WHERE,  AT_XA,	 AT_LAST,     AT_LAST,	    AT_LAST
};
_Static_assert(AT_LAST < 256, "begin[] holds indices in bytes");

static const struct word *word_find(struct str s)
{
	char up[WORD_MAX];
	uint8_t letter = (uint8_t)((s.p[0] | 0x20) - 'a');

	if (s.n < 2 || s.n > WORD_MAX || letter > 25)
		return NULL;
	for (size_t i = 0; i < s.n; i++)
		up[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 32) : s.p[i];
	for (const struct word *w = &words[begin[letter]]; w < &words[begin[letter + 1]]; w++)
		if (w->n == s.n && memcmp(w->name, up, s.n) == 0)
			return w;
	return NULL;
}

/* Whether the byte after @p, but for white space, is @c. */
static bool followed_by(const struct sql_tokens *t, const char *p, char c)
{
	while (p < t->end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		p++;
	return p < t->end && *p == c;
}

static struct sql_level *level(struct sql_tokens *t)
{
	return &t->level[t->depth < SQL_DEPTH_MAX ? t->depth : SQL_DEPTH_MAX - 1];
}

size_t sql_copy(char *to, size_t room, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n;) {
		size_t len = utf8_char((const uint8_t *)s.p + i, s.n - i);
		bool control = (uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f;

		if (n + (len ? len : 1) > room)
			break;
		if (len && !control && !utf8_is_control((const uint8_t *)s.p + i, len))
			memcpy(to + n, s.p + i, len);
		else
			memset(to + n, '_', len = 1);
		n += len;
		i += len;
	}
	return n;
}

/* One word more; the first that does not fit ends the summary. */
static void summary_add(struct sql_tokens *t, struct str s)
{
	struct sql *o = t->out;
	size_t gap = o->summary_n ? 1 : 0;

	if (t->full || o->summary_n + gap + s.n > SQL_SUMMARY_MAX) {
		t->full = o->cut = true;
		return;
	}
	if (gap)
		o->summary[o->summary_n] = ' ';
	o->summary_n += gap + sql_copy(o->summary + o->summary_n + gap, s.n, s);
}

static void target_flush(struct sql_tokens *t)
{
	struct str target = t->target;

	t->target = STR_NONE;
	t->dot = false;
	if (!target.n)
		return;
	for (uint32_t i = 0; i < t->with_n; i++)
		if (t->with[i].n == target.n && strncasecmp(t->with[i].p, target.p, target.n) == 0)
			return;
	summary_add(t, target);
}

/* schema.table, without anything between them. */
static bool target_goes_on(struct sql_tokens *t, struct str token)
{
	if (!t->dot || token.p != t->target.p + t->target.n + 1)
		return false;
	t->target.n += 1 + token.n;
	t->dot = false;
	return true;
}

static void statement_begin(struct sql_tokens *t)
{
	target_flush(t);
	t->begin = t->may = true;
	t->kind = t->stop = t->with_name = t->in_with = false;
	t->depth = t->with_n = 0;
	t->level[0] = (struct sql_level){ 0 };
}

static void verb(struct sql_tokens *t, const struct word *w, struct str token)
{
	struct sql_level *l = level(t);

	summary_add(t, token);
	if (!t->method && t->depth == 0)
		t->method = w->name;
	if (!t->inner)
		t->inner = w->name;
	*l = (struct sql_level){ .from = w->flags & F_FROM,
				 .into = w->flags & F_INTO,
				 .want = w->flags & F_WANT,
				 .list = w->flags & F_LIST };
	t->kind = w->kind == DDL;
	t->stop = w->flags & F_STOP;
	t->may = w->flags & F_MAY;
	if (t->depth == 0)
		t->in_with = t->with_name = false;
}

static bool is_verb(struct sql_tokens *t, const struct word *w, struct str token)
{
	switch (w->kind) {
	case SELECT:
		return true;
	case DML: /* else the function REPLACE(), INSERT() */
		return t->may && !followed_by(t, token.p + token.n, '(');
	case VERB:
	case DDL:
	case VALUES:
		return t->begin;
	}
	return false;
}

static void with(struct sql_tokens *t)
{
	if ((t->begin || t->may) && t->depth == 0)
		t->in_with = t->with_name = true;
}

static void name(struct sql_tokens *t, struct str token)
{
	struct sql_level *l = level(t);

	if (t->with_name) {
		if (t->with_n < SQL_WITH_MAX)
			t->with[t->with_n++] = token;
		t->with_name = false;
	} else if (l->want && t->depth < SQL_DEPTH_MAX) {
		t->target = token;
		l->want = false;
	}
}

/* After CREATE and such: what kind of object; words before it are passed over. */
static void object(struct sql_tokens *t, const struct word *w, struct str token)
{
	if (!w || w->kind != OBJECT) {
		if (level(t)->want && (!w || w->kind == PLAIN)) { /* TRUNCATE t */
			t->kind = false;
			name(t, token);
		}
		return;
	}
	summary_add(t, token);
	t->kind = false;
	level(t)->want = true;
}

static void keyword(struct sql_tokens *t, const struct word *w, struct str token)
{
	struct sql_level *l = level(t);
	bool wanted = l->want;

	if (w->kind == SKIP || (w == &words[AT_TABLE] && wanted && !l->nested)) /* LOCK TABLE t */
		return;
	if (w->kind == VERB || w->kind == DML || w->kind == OBJECT) { /* no reserved words */
		name(t, token);
		return;
	}
	l->want = false;
	switch (w->kind) {
	case FROM:
		l->want = l->list = l->nested = l->from && t->before != DISTINCT;
		break;
	case JOIN:
		l->want = l->nested = true;
		break;
	case INTO:
		l->want = l->into;
		l->nested = false;
		break;
	case USING:
		l->want = (l->into || l->from) && !followed_by(t, token.p + token.n, '(');
		break;
	case ENDS:
		l->list = false;
		break;
	case WITH:
		with(t);
		break;
	}
}

static enum sql_word word_of(const struct word *w)
{
	if (!w || w->kind < VALUES)
		return SQL_WORD_OTHER;
	return w->kind == IN ? SQL_WORD_IN : w->kind == ARRAY ? SQL_WORD_ARRAY : SQL_WORD_VALUES;
}

/* SET ends the targets of UPDATE; elsewhere it begins a statement. */
static bool ends_update(const struct sql_tokens *t, const struct word *w)
{
	return w == &words[AT_SET] && !t->begin;
}

static enum sql_word word(struct sql_tokens *t, struct str token)
{
	const struct word *w = word_find(token);

	t->any = true;
	if (target_goes_on(t, token))
		return SQL_WORD_OTHER;
	target_flush(t);
	if (t->stop)
		return word_of(w);
	if (w && is_verb(t, w, token)) {
		verb(t, w, token);
	} else if (t->kind) {
		object(t, w, token);
	} else if (w && ends_update(t, w)) {
		level(t)->want = level(t)->list = false;
	} else if (w && w->kind != PLAIN) {
		keyword(t, w, token);
		t->may = w->kind == AS || (t->may && (w->kind == SKIP || w == &words[AT_ANALYZE]));
	} else if (w) {
		level(t)->want = t->may = false;
	} else {
		name(t, token);
		t->may = false;
	}
	t->begin = false;
	t->before = w ? w->kind : PLAIN;
	return word_of(w);
}

static void open(struct sql_tokens *t)
{
	struct sql_level *l = level(t);
	bool want = l->want && l->nested;

	l->want = false;
	t->depth++;
	t->may = true;
	if (t->depth < SQL_DEPTH_MAX)
		*level(t) = (struct sql_level){ .want = want, .list = want, .nested = want };
}

static void punct(struct sql_tokens *t, struct str token)
{
	struct sql_level *l = level(t);

	if (*token.p == '.' && t->target.n && token.p == t->target.p + t->target.n) {
		t->dot = true;
		return;
	}
	target_flush(t);
	t->may = false;
	switch (*token.p) {
	case ';':
		statement_begin(t);
		break;
	case '(':
		open(t);
		break;
	case ')':
		t->depth -= t->depth > 0;
		t->may = true;
		break;
	case ',':
		l->want = l->list && t->depth < SQL_DEPTH_MAX;
		t->with_name = t->in_with && t->depth == 0;
		break;
	default:
		l->want = false;
	}
}

void sql_tokens_begin(struct sql_tokens *t, struct str statement, struct sql *out)
{
	t->out = out;
	t->end = statement.p + statement.n;
	t->target = STR_NONE;
	t->method = t->inner = NULL;
	t->full = t->any = t->dot = false;
	t->before = PLAIN;
	out->summary_n = 0;
	statement_begin(t);
}

enum sql_word sql_tokens_add(struct sql_tokens *t, enum sql_token kind, struct str token)
{
	switch (kind) {
	case SQL_WORD:
		return word(t, token);
	case SQL_PUNCT:
		punct(t, token);
		break;
	case SQL_QUOTED:
		t->any = true;
		if (target_goes_on(t, token))
			break;
		target_flush(t);
		if (!t->stop)
			name(t, token);
		t->begin = t->may = t->kind = false;
		break;
	case SQL_LITERAL:
		t->any = true;
		target_flush(t);
		level(t)->want = t->begin = t->may = false;
		break;
	}
	t->before = PLAIN;
	return SQL_WORD_OTHER;
}

void sql_tokens_end(struct sql_tokens *t)
{
	target_flush(t);
	if (!t->any)
		t->out->method = STR_NONE;
	else
		t->out->method = str_of(t->method ? t->method : t->inner ? t->inner : "OTHER");
}
