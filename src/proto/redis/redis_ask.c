/*
 * Commands:
 *
 *     *3\r\n  $3\r\nSET\r\n  $8\r\nuser:123\r\n  $5000\r\n ...\r\n       or one line: SET user:123 x\r\n
 *     array   the command    the key             a value: skipped
 *
 * The count and the command's name are read at once, each further argument for itself. Of an argument that is looked
 * at, REDIS_ARG bytes are waited for, so that what is seen does not depend on where the bytes were split.
 */
#include "proto/redis/redis.h"

#include <stdio.h>

#define SHOWN 64 /* bytes of an argument in raw text */

/* One call: the command's exchange, if it still waits, and raw text to be added to it. */
struct asking {
	struct redis *r;
	struct proto_io *io;
	struct exchange *x;
	bool in_command;
	size_t text_n;
	char *text; /* REDIS_TEXT bytes */
};

/* --- the pieces both directions are made of --- */

enum proto_result redis_number(struct cur *c, int64_t *ret)
{
	struct cur at = *c;
	bool minus = false, open = false;
	unsigned digits = 0;
	int64_t n = 0;
	uint8_t b;

	while (cur_u8(&at, &b)) {
		if (b >= '0' && b <= '9' && digits < 18 && !open) {
			n = n * 10 + (b - '0');
			digits++;
		} else if (b == '\r' && (digits || open)) {
			if (!cur_u8(&at, &b))
				return PROTO_MORE;
			if (b != '\n' || (minus && n != 1))
				return PROTO_BAD;
			*ret = open ? -2 : minus ? -1 : n;
			*c = at;
			return PROTO_OK;
		} else if (b == '-' && !digits && !minus && !open) {
			minus = true;
		} else if (b == '?' && !digits && !minus && !open) {
			open = true;
		} else {
			return PROTO_BAD;
		}
	}
	return PROTO_MORE;
}

enum proto_result redis_crlf(struct cur *c)
{
	struct cur at = *c;
	uint8_t b;

	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	if (b != '\r')
		return PROTO_BAD;
	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	if (b != '\n')
		return PROTO_BAD;
	*c = at;
	return PROTO_OK;
}

enum proto_result redis_line(struct cur *c, struct str *ret)
{
	struct cur at = *c;
	size_t left = cur_left(c) < REDIS_LINE ? cur_left(c) : REDIS_LINE;
	const char *lf = left ? memchr(c->p, '\n', left) : NULL;
	struct str s;

	if (!lf)
		return cur_left(c) < REDIS_LINE ? PROTO_MORE : PROTO_BAD;
	if (!cur_str(&at, (size_t)(lf + 1 - (const char *)c->p), &s) || s.n < 2 || lf[-1] != '\r' ||
	    memchr(s.p, '\r', s.n) != lf - 1)
		return PROTO_BAD;
	*ret = (struct str){ s.p, s.n - 2 };
	*c = at;
	return PROTO_OK;
}

static enum proto_result reject(struct proto_io *io, enum proto_result res, const char *why)
{
	if (res == PROTO_BAD)
		io->reject = why;
	return res;
}

/* --- what arguments mean --- */

/* @s as capitals: a word. False: no command's name. */
static bool word(struct str s, char to[REDIS_WORD])
{
	if (!s.n || s.n > REDIS_WORD)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if (ch >= 'a' && ch <= 'z')
			ch = (char)(ch - 'a' + 'A');
		else if (!((ch >= 'A' && ch <= 'Z') || (i && ch >= '0' && ch <= '9') ||
			   (i && (ch == '.' || ch == '_' || ch == '-'))))
			return false;
		to[i] = ch;
	}
	return true;
}

static bool is_word(struct str s, struct str name)
{
	char to[REDIS_WORD];

	return s.n == name.n && word(s, to) && memcmp(to, name.p, name.n) == 0;
}

static void text_add(struct asking *k, struct str s)
{
	if (s.n > REDIS_TEXT - k->text_n)
		s.n = REDIS_TEXT - k->text_n;
	memcpy(k->text + k->text_n, s.p, s.n);
	k->text_n += s.n;
}

/* Raw text, when it is wanted. Never what can be a password, whatever else was asked for. */
static void arg_show(struct asking *k, struct str s, bool cut)
{
	const struct redis_command *cmd = k->r->ask.command;

	if (!k->io->opts->raw || !k->x)
		return;
	if (k->r->ask.arg)
		text_add(k, STR(" "));
	if (cmd && cmd->flags & REDIS_SECRET && k->r->ask.arg > !!(cmd->flags & REDIS_CONTAINER)) {
		text_add(k, STR("?"));
		return;
	}
	cut = cut || s.n > SHOWN;
	s.n = s.n > SHOWN ? SHOWN : s.n;
	text_add(k, s);
	if (cut)
		text_add(k, STR("..."));
}

static void key_take(struct exchange *x, struct str key)
{
	char folded[FOLD_MAX], route[FOLD_MAX + 2 * REDIS_WORD + 4];
	struct str s = fold_name(key, folded), m = x->req.method;
	const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
	size_t n = m.n, first = colon ? (size_t)(colon - s.p) : 0;

	exchange_set(x, &x->req.resource, s);
	if (!first || memchr(s.p, '{', first))
		return;
	memcpy(route, m.p, m.n);
	route[n++] = ' ';
	memcpy(route + n, s.p, first);
	n += first;
	memcpy(route + n, ":*", 2);
	exchange_set(x, &x->req.route, (struct str){ route, n + 2 });
}

/* CONFIG GET: the second word belongs to the name. */
static void second_word(struct asking *k, struct str s)
{
	struct redis_ask *a = &k->r->ask;
	char name[2 * REDIS_WORD + 1];
	size_t n = strlen(a->command->name);

	memcpy(name, a->command->name, n);
	name[n] = ' ';
	if (k->x && word(s, name + n + 1)) {
		exchange_set(k->x, &k->x->req.method, (struct str){ name, n + 1 + s.n });
		k->x->req.route = k->x->req.method;
	}
	if (a->act != REDIS_ACT_CLIENT)
		return;
	a->act = is_word(s, STR("REPLY"))   ? REDIS_ACT_CLIENT_REPLY :
		 is_word(s, STR("SETNAME")) ? REDIS_ACT_CLIENT_NAME :
					      REDIS_ACT_NONE;
}

/* CLIENT REPLY ON|OFF|SKIP: what it asks for begins with its own answer. */
static void replies_take(struct redis_ask *a, struct str s)
{
	if (is_word(s, STR("ON")))
		a->replies = REDIS_REPLIES_ON;
	else if (is_word(s, STR("OFF")))
		a->replies = REDIS_REPLIES_OFF;
	else if (is_word(s, STR("SKIP")) && a->replies == REDIS_REPLIES_ON)
		a->replies = REDIS_REPLIES_SKIP;
	else
		return;
	a->quiet = a->replies != REDIS_REPLIES_ON;
}

static int32_t small_number(struct str s)
{
	int32_t n = 0;

	if (!s.n || s.n > 6)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		n = n * 10 + (s.p[i] - '0');
	}
	return n;
}

/* Arguments that say what the command does to the connection. */
static void act_take(struct asking *k, struct str s)
{
	struct redis *r = k->r;
	struct redis_ask *a = &r->ask;

	if (a->act == REDIS_ACT_CLIENT_REPLY && a->arg == 2) {
		replies_take(a, s);
	} else if (a->act == REDIS_ACT_CLIENT_NAME && a->arg == 2) {
		r->name_n = (uint8_t)(s.n < REDIS_NAME ? s.n : REDIS_NAME);
		memcpy(r->name, s.p, r->name_n);
	} else if ((a->act == REDIS_ACT_SELECT || a->act == REDIS_ACT_HELLO) && a->arg == 1 &&
		   k->x && small_number(s) >= 0) {
		k->x->mark = REDIS_MARK(a->act, small_number(s));
	}
}

/* Argument a->arg, of which @s was seen; a->arg moves on. */
static void arg_take(struct asking *k, struct str s, bool cut)
{
	struct redis_ask *a = &k->r->ask;
	const struct redis_command *cmd = a->command;

	arg_show(k, s, cut);
	if (cmd && a->arg == 1 && cmd->flags & REDIS_CONTAINER)
		second_word(k, s);
	else if (a->act)
		act_take(k, s);
	if (cmd && cmd->flags & REDIS_STREAMS && a->key_at == REDIS_KEY_NONE &&
	    is_word(s, STR("STREAMS")))
		a->key_at = a->arg < REDIS_KEY_NONE - 1 ? (uint8_t)(a->arg + 1) : REDIS_KEY_NONE;
	else if (a->arg == a->key_at && k->x)
		key_take(k->x, s);
	else if (a->arg + 1 == a->key_at && str_eq(s, STR("0")))
		a->key_at = REDIS_KEY_NONE; /* EVAL script 0 argument */
	a->arg++;
}

/* --- commands --- */

static bool command_begin(struct asking *k, struct str name)
{
	struct redis *r = k->r;
	struct redis_ask *a = &r->ask;
	char upper[REDIS_WORD];
	struct str method = { upper, name.n };

	if (!word(name, upper))
		return false;
	if (r->asked == r->answered && r->answer.reply == REDIS_REPLY_NONE && r->unsure)
		r->unsure--;
	a->command = redis_command(method);
	a->number = r->asked++;
	a->arg = 0;
	a->at_end = false;
	a->act = a->command ? a->command->act : REDIS_ACT_NONE;
	a->key_at = a->command			 ? a->command->key :
		    memchr(upper, '.', method.n) ? 1 /* a module's */ :
						   REDIS_KEY_NONE;
	a->quiet = a->replies != REDIS_REPLIES_ON;
	if (a->replies == REDIS_REPLIES_SKIP)
		a->replies = REDIS_REPLIES_ON;
	k->x = exchange_begin(k->io, a->number);
	if (!k->x)
		return true;
	if (a->command)
		exchange_static(k->x, &k->x->req.method, a->command->name);
	else
		exchange_set(k->x, &k->x->req.method, method);
	k->x->req.route = k->x->req.method;
	k->x->mark = REDIS_MARK(a->act, 0);
	k->x->req.flags |= r->unsure ? REQ_LOST : 0;
	return true;
}

static void text_flush(struct asking *k)
{
	char whole[2 * REDIS_TEXT];
	struct str had = k->x ? k->x->req.text : STR_NONE;

	if (!k->text_n || !k->x)
		return;
	if (had.n + k->text_n > REDIS_TEXT)
		k->text_n = had.n < REDIS_TEXT ? REDIS_TEXT - had.n : 0;
	if (!k->text_n)
		return;
	if (had.n)
		memcpy(whole, had.p, had.n);
	memcpy(whole + had.n, k->text, k->text_n);
	exchange_set(k->x, &k->x->req.text, (struct str){ whole, had.n + k->text_n });
	k->text_n = 0;
}

static void command_end(struct asking *k)
{
	struct redis *r = k->r;
	struct redis_ask *a = &r->ask;
	char db[16];

	a->left = 0;
	text_flush(k);
	if (k->x && r->name_n)
		exchange_set(k->x, &k->x->req.agent, (struct str){ r->name, r->name_n });
	if (k->x && r->database > 0)
		exchange_set(k->x, &k->x->req.host,
			     (struct str){ db, (size_t)snprintf(db, sizeof(db), "%d", r->database) });
	if (k->x && a->act == REDIS_ACT_SUBSCRIBE)
		k->x->mark = REDIS_MARK(a->act, a->arg > 1 ? a->arg - 1 : 1);
	if (!a->quiet)
		return;
	if (r->asked > r->answered)
		r->asked--;
	exchange_oneway(k->io, k->x);
	k->x = NULL;
}

/* "*3\r\n$3\r\nSET\r\n": nothing is consumed but as a whole. */
static enum proto_result head(struct asking *k, struct cur *c)
{
	struct cur at = *c;
	int64_t n, len;
	struct str name;
	uint8_t b;
	enum proto_result res;

	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	res = redis_number(&at, &n);
	if (res != PROTO_OK)
		return reject(k->io, res, "count");
	if (n > REDIS_ELEMENTS || n == -2)
		return reject(k->io, PROTO_BAD, "count");
	if (n <= 0) {
		*c = at;
		return PROTO_OK;
	}
	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	res = b == '$' ? redis_number(&at, &len) : PROTO_BAD;
	if (res == PROTO_OK && (len < 1 || len > REDIS_WORD))
		res = PROTO_BAD;
	if (res != PROTO_OK)
		return reject(k->io, res, "command");
	if (!cur_str(&at, (size_t)len, &name))
		return PROTO_MORE;
	res = redis_crlf(&at);
	if (res != PROTO_OK)
		return reject(k->io, res, "command");
	if (!command_begin(k, name))
		return reject(k->io, PROTO_BAD, "command");
	k->in_command = true;
	k->r->ask.left = (uint32_t)n - 1;
	arg_take(k, name, false);
	*c = at;
	return PROTO_OK;
}

/* How many bytes of the next argument are wanted. */
static size_t arg_wanted(const struct asking *k, uint64_t len)
{
	const struct redis_ask *a = &k->r->ask;
	size_t want = k->io->opts->raw ? SHOWN : 0;

	if (a->arg == 1 || a->arg == a->key_at || a->arg + 1 == a->key_at || (a->arg == 2 && a->act) ||
	    (a->command && a->command->flags & REDIS_STREAMS && a->key_at == REDIS_KEY_NONE))
		want = REDIS_ARG;
	return len < want ? (size_t)len : want;
}

/* "$8\r\nuser:123\r\n" */
static enum proto_result arg(struct asking *k, struct cur *c)
{
	struct redis_ask *a = &k->r->ask;
	size_t seen, want;
	struct cur at = *c;
	struct str s;
	int64_t len;
	uint8_t b;
	enum proto_result res;

	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	res = b == '$' ? redis_number(&at, &len) : PROTO_BAD;
	if (res != PROTO_OK)
		return reject(k->io, res, "argument");
	if (len < 0 || len > REDIS_BULK)
		return reject(k->io, PROTO_BAD, "bulk-length");
	want = arg_wanted(k, (uint64_t)len);
	if (cur_left(&at) < want)
		return PROTO_MORE;
	seen = cur_left(&at) < (uint64_t)len ? cur_left(&at) : (size_t)len;
	if (!cur_str(&at, seen, &s))
		return PROTO_MORE;
	arg_take(k, (struct str){ s.p, want }, want < (uint64_t)len);
	a->at_end = true;
	*c = at;
	if (seen < (uint64_t)len) {
		k->io->skip = (uint64_t)len - seen + 2; /* with its CRLF, as in an answer */
		a->skipping = true;
	}
	return PROTO_OK;
}

static void arg_over(struct asking *k)
{
	k->r->ask.at_end = false;
	k->r->ask.left--;
}

static enum proto_result arg_end(struct asking *k, struct cur *c)
{
	enum proto_result res = redis_crlf(c);

	if (res != PROTO_OK)
		return reject(k->io, res, "bulk-end");
	arg_over(k);
	return PROTO_OK;
}

/* The next word of a line; quotes belong together. False: none. */
static bool line_word(struct str *line, struct str *ret)
{
	size_t i = 0, n = 0;
	char quote = 0;

	while (i < line->n && line->p[i] == ' ')
		i++;
	if (i == line->n)
		return false;
	*line = str_skip(*line, i);
	for (; n < line->n && (quote || line->p[n] != ' '); n++)
		if (line->p[n] == '"' || line->p[n] == '\'')
			quote = !quote ? line->p[n] : quote == line->p[n] ? 0 : quote;
	*ret = (struct str){ line->p, n };
	if (n > 1 && (line->p[0] == '"' || line->p[0] == '\'') && line->p[n - 1] == line->p[0])
		*ret = (struct str){ line->p + 1, n - 2 };
	*line = str_skip(*line, n);
	return true;
}

static enum proto_result inline_command(struct asking *k, struct cur *c)
{
	struct cur at = *c;
	struct str line, w;
	enum proto_result res = redis_line(&at, &line);

	if (res != PROTO_OK)
		return reject(k->io, res, "inline");
	if (!line_word(&line, &w)) {
		*c = at;
		return PROTO_OK;
	}
	if (!command_begin(k, w))
		return reject(k->io, PROTO_BAD, "inline");
	do {
		arg_take(k, (struct str){ w.p, w.n < REDIS_ARG ? w.n : REDIS_ARG }, w.n > REDIS_ARG);
	} while (line_word(&line, &w));
	if (k->x)
		k->x->req.request_bytes += (uint64_t)(at.p - c->p);
	command_end(k);
	*c = at;
	return PROTO_OK;
}

enum proto_result redis_ask_parse(struct redis *r, struct proto_io *io, struct cur *c)
{
	char text[REDIS_TEXT];
	struct asking k = { .r = r, .io = io, .text = text };
	struct redis_ask *a = &r->ask;
	uint64_t passed = a->skipping ? io->skipped : 0;
	bool over = a->skipping && !io->closed; /* all of the skip */
	const uint8_t *from = c->p;
	enum proto_result res = PROTO_OK;

	if (!a->left && cur_left(c) && *c->p != '*')
		return inline_command(&k, c);
	a->skipping = false;
	k.in_command = a->left > 0;
	if (a->left) {
		k.x = exchange_newest(io);
		k.x = k.x && k.x->key == a->number ? k.x : NULL;
	} else {
		res = head(&k, c);
	}
	if (over && a->at_end)
		arg_over(&k);
	while (res == PROTO_OK && a->left && !io->skip)
		res = a->at_end ? arg_end(&k, c) : arg(&k, c);
	if (k.x)
		k.x->req.request_bytes += (uint64_t)(c->p - from) + passed;
	if (res == PROTO_BAD)
		return res;
	if (c->p == from && !io->skip && !over)
		return PROTO_MORE;
	if (k.in_command && !a->left)
		command_end(&k);
	else
		text_flush(&k);
	return PROTO_OK;
}
