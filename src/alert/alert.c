/*
 * Rendering: the message once, raw; from it the text line and the JSON object; then both copied
 * into the alert, the one allocation. The scratch buffers grow to their maxima and stay.
 */
#include "alert/alert.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/form.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"

#define CUT_MARK STR("...")

/* --- strings ---------------------------------------------------------------------------------- */

static struct str str_cut(struct str s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return s;
	/* Not within a character, as far as it is one. */
	while (n > max - 4 && ((uint8_t)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){ s.p, n };
}

static void raw_str(struct buf *b, struct str s)
{
	struct str part = str_cut(s, ALERT_VALUE_MAX_BYTES);

	buf_str(b, part);
	if (part.n < s.n)
		buf_str(b, CUT_MARK);
}

static void raw_list(struct buf *b, const struct value *v)
{
	buf_char(b, '(');
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_char(b, ',');
		raw_str(b, v->list.p[i]);
	}
	buf_char(b, ')');
}

static void raw_time(struct buf *b, uint64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_SEC);
	struct tm tm = { 0 };

	localtime_r(&s, &tm);
	buf_printf(b, "%02d:%02d:%02d.%09u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (unsigned)(ns % NS_PER_SEC));
}

void alert_value_raw(struct buf *b, const struct value *v)
{
	if (v->type == VALUE_STR)
		raw_str(b, v->str);
	else if (v->type == VALUE_LIST)
		raw_list(b, v);
	else if (v->type == VALUE_TIME)
		raw_time(b, v->u64);
	else
		value_text(b, v);
}

/* A character that would reshape a line or a terminal. */
static void text_escape(struct buf *b, const uint8_t *p, size_t n)
{
	static const char names[] = "\bb\ff\nn\rr\tt";
	const char *name = n == 1 && *p ? strchr(names, *p) : NULL;
	unsigned code = p[0];

	if (name) {
		buf_char(b, '\\');
		buf_char(b, name[1]);
		return;
	}
	if (n == 2)
		code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	else if (n == 3)
		code = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	buf_printf(b, "\\u%04x", code);
}

/* One line: control characters escaped, what is no UTF-8 replaced. */
static void text_line(struct buf *b, struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;

	while (p < end) {
		const uint8_t *run = p;
		size_t n;

		while (run < end && *run >= 0x20 && *run < 0x7f)
			run++;
		buf_add(b, p, (size_t)(run - p));
		p = run;
		if (p == end)
			return;
		n = utf8_char(p, (size_t)(end - p));
		if (n == 0)
			buf_str(b, STR("\xef\xbf\xbd"));
		else if (n == 1 || utf8_is_control(p, n))
			text_escape(b, p, n);
		else
			buf_add(b, p, n);
		p += n ? n : 1;
	}
}

/* --- time ------------------------------------------------------------------------------------- */

static void second_set(struct alert_form *f, uint64_t s)
{
	time_t t = (time_t)s;
	struct tm tm = { 0 };

	if (f->second.valid && f->second.s == s)
		return;
	gmtime_r(&t, &tm);
	strftime(f->second.utc, sizeof(f->second.utc), "%Y-%m-%dT%H:%M:%S", &tm);
	localtime_r(&t, &tm);
	strftime(f->second.local, sizeof(f->second.local),
		 f->opts.iso_time ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &tm);
	f->second.zone[0] = 0;
	if (f->opts.iso_time)
		strftime(f->second.zone, sizeof(f->second.zone), "%z", &tm);
	f->second.s = s;
	f->second.valid = true;
}

/* ".123456789", always nine digits. */
static void add_fraction(struct buf *b, uint64_t ns)
{
	char digits[10] = ".";
	uint64_t left = ns % NS_PER_SEC;

	for (size_t i = sizeof(digits) - 1; i > 0; i--, left /= 10)
		digits[i] = (char)('0' + left % 10);
	buf_add(b, digits, sizeof(digits));
}

/* "13:53:31.726060287: Notice " */
static void add_prefix(struct alert_form *f, struct buf *b, uint64_t ns, enum priority p)
{
	second_set(f, ns / NS_PER_SEC);
	buf_str(b, str_of(f->second.local));
	add_fraction(b, ns);
	buf_str(b, str_of(f->second.zone));
	buf_str(b, STR(": "));
	buf_str(b, str_of(priority_name(p)));
	buf_char(b, ' ');
}

static void add_utc(struct alert_form *f, struct buf *b, uint64_t ns)
{
	second_set(f, ns / NS_PER_SEC);
	buf_str(b, str_of(f->second.utc));
	add_fraction(b, ns);
	buf_char(b, 'Z');
}

/* --- the message ------------------------------------------------------------------------------ */

static void message_part(struct buf *b, const struct format *format, const struct event *ev)
{
	if (!format)
		return;
	if (b->n)
		buf_char(b, ' ');
	format_print_by(format, ev, b, alert_value_raw);
}

/* Returns whether it had to be cut. */
static bool message_make(struct alert_form *f, const struct rule *r, const struct event *ev,
			 struct str capture)
{
	struct buf *b = &f->message;

	buf_reset(b);
	message_part(b, r->output, ev);
	message_part(b, f->append, ev);
	message_part(b, f->suggested, ev);
	if (capture.n) {
		buf_str(b, STR(" capture="));
		buf_str(b, capture);
	}
	if (!b->failed)
		return false;
	b->failed = false;
	b->n = str_cut(buf_slice(b), b->n > 8 ? b->n - 8 : 0).n;
	buf_str(b, CUT_MARK);
	return true;
}

/* --- JSON ------------------------------------------------------------------------------------- */

struct places {
	size_t fields, message, output;
};

static void json_list(struct buf *b, const struct value *v)
{
	for (size_t i = 0; i < v->list.n; i++) {
		struct str part = str_cut(v->list.p[i], ALERT_VALUE_MAX_BYTES);

		buf_char(b, i ? ',' : '[');
		json_str(b, part);
	}
	buf_str(b, v->list.n ? STR("]") : STR("[]"));
}

/* What is cut ends in the same mark as in the text. */
static void json_cut(struct buf *b, struct str s)
{
	struct str part = str_cut(s, ALERT_VALUE_MAX_BYTES);

	buf_char(b, '"');
	json_escape(b, part);
	if (part.n < s.n)
		buf_str(b, CUT_MARK);
	buf_char(b, '"');
}

static void json_slot(struct alert_form *f, const struct slot *s, const struct event *ev,
		      struct buf *b)
{
	struct value v;

	if (s->kind == SLOT_FIELD && !format_value(s->format, s->field, ev, &v)) {
		buf_str(b, STR("null"));
	} else if (s->kind == SLOT_FIELD && !(s->as_string && v.type != VALUE_STR)) {
		if (v.type == VALUE_STR)
			json_cut(b, v.str);
		else if (v.type == VALUE_LIST)
			json_list(b, &v);
		else
			value_json(b, &v);
	} else {
		buf_reset(&f->text);
		if (s->kind == SLOT_TEXT)
			format_print_by(s->format, ev, &f->text, alert_value_raw);
		else
			alert_value_raw(&f->text, &v);
		json_cut(b, buf_slice(&f->text));
	}
}

static void json_name(struct buf *b, struct str name)
{
	if (b->n && b->p[b->n - 1] != '{')
		buf_char(b, ',');
	json_str(b, name);
	buf_char(b, ':');
}

/* Returns where porthole's own members go in, always behind evt.time or another. */
static size_t json_fields(struct alert_form *f, const struct rule_form *rf, const struct event *ev,
			  uint64_t wall_ns, bool all, struct str capture)
{
	struct buf *b = &f->json;
	size_t ours = 0;

	buf_str(b, STR("{"));
	for (size_t i = 0; i < rf->nslots; i++) {
		const struct slot *s = &rf->slots[i];

		if (s->kind == SLOT_OURS) {
			if (capture.n) {
				json_name(b, STR("porthole.capture"));
				json_str(b, capture);
			}
			ours = b->n;
		} else if (s->kind == SLOT_TIME) {
			json_name(b, s->key);
			buf_u64(b, wall_ns);
		} else if (all) {
			json_name(b, s->key);
			json_slot(f, s, ev, b);
		}
	}
	buf_char(b, '}');
	return ours;
}

static void json_hostname(const struct alert_form *f, const struct event_host *host, struct buf *b)
{
	struct str name = f->hostname;
	char own[256] = "";

	if (!name.n && host)
		name = host->name;
	if (!name.n && gethostname(own, sizeof(own) - 1) == 0)
		name = str_of(own);
	buf_str(b, STR("{\"hostname\":"));
	json_str(b, name);
}

/* Opens a string member whose end is remembered in @place. */
static void json_text(struct buf *b, struct str name, struct str prefix, struct str s, size_t *place)
{
	json_key(b, name);
	buf_char(b, '"');
	json_escape(b, prefix);
	json_escape(b, s);
	*place = b->n;
	buf_char(b, '"');
}

static void json_make(struct alert_form *f, const struct rule_form *rf, const struct event *ev,
		      uint64_t wall_ns, bool all, struct str capture, struct places *ret)
{
	struct buf *b = &f->json;
	struct str message = buf_slice(&f->message);

	buf_reset(b);
	*ret = (struct places){ 0 };
	json_hostname(f, ev->host, b);
	if (f->opts.message && all)
		json_text(b, STR("message"), STR(""), message, &ret->message);
	if (f->opts.output)
		json_text(b, STR("output"), buf_slice(&f->prefix), message, &ret->output);
	if (f->opts.output_fields) {
		json_key(b, STR("output_fields"));
		ret->fields = json_fields(f, rf, ev, wall_ns, all, capture);
	}
	buf_str(b, rf->tail);
	add_utc(f, b, wall_ns);
	buf_str(b, STR("\"}"));
}

/* --- alerts ----------------------------------------------------------------------------------- */

static struct str place_str(char **to, struct str s)
{
	struct str at = { *to, s.n };

	if (s.n)
		memcpy(*to, s.p, s.n);
	(*to)[s.n] = 0;
	*to += s.n + 1;
	return at;
}

static struct alert *alert_make(struct str rule, enum priority p, uint64_t wall_ns, struct str text,
				struct str json, const struct places *at)
{
	struct alert *a = malloc(sizeof(*a) + rule.n + text.n + json.n + 3);
	char *to;

	if (!a)
		return NULL;
	to = a->bytes;
	atomic_init(&a->refs, 1);
	a->priority = p;
	a->time.ns = wall_ns;
	a->rule = place_str(&to, rule);
	a->text = place_str(&to, text);
	a->json = place_str(&to, json);
	a->at_fields = (uint32_t)at->fields;
	a->at_message = (uint32_t)at->message;
	a->at_output = (uint32_t)at->output;
	return a;
}

void alert_unref(struct alert *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}

struct alert *alert_new(struct alert_form *f, const struct rule *r, const struct event *ev,
			struct str capture)
{
	const struct rule_form *rf = &f->rules[r->index];
	uint64_t wall_ns = ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
	bool cut = message_make(f, r, ev, capture);
	struct places at;

	buf_reset(&f->prefix);
	add_prefix(f, &f->prefix, wall_ns, r->priority);
	json_make(f, rf, ev, wall_ns, true, capture, &at);
	if (f->json.failed) {
		json_make(f, rf, ev, wall_ns, false, capture, &at);
		cut = true;
	}
	buf_reset(&f->text);
	buf_str(&f->text, buf_slice(&f->prefix));
	text_line(&f->text, buf_slice(&f->message));
	f->cut += cut;
	if (f->json.failed || f->text.failed || f->prefix.failed)
		return NULL;
	return alert_make(r->name, r->priority, wall_ns, buf_slice(&f->text), buf_slice(&f->json),
			  &at);
}

/* Copies @json from *@from to @place, and puts in @more there. */
static void fold_in(struct buf *b, struct str json, size_t *from, size_t place, struct str more)
{
	if (!place)
		return;
	buf_add(b, json.p + *from, place - *from);
	buf_str(b, more);
	*from = place;
}

struct alert *alert_fold(const struct alert *a, uint64_t count, uint64_t window_ns,
			 struct wall_ns last)
{
	_cleanup_(buf_free) struct buf suffix = { 0 };
	_cleanup_(buf_free) struct buf fields = { 0 };
	_cleanup_(buf_free) struct buf json = { 0 };
	_cleanup_(buf_free) struct buf text = { 0 };
	struct places none = { 0 };
	size_t from = 0;

	buf_printf(&suffix, " (folded %llu more in ", (unsigned long long)count);
	if (window_ns % NS_PER_SEC)
		buf_printf(&suffix, "%llums)", (unsigned long long)(window_ns / NS_PER_MS));
	else
		buf_printf(&suffix, "%llus)", (unsigned long long)(window_ns / NS_PER_SEC));
	buf_printf(&fields, ",\"porthole.folded\":%llu,\"porthole.folded_until\":%llu",
		   (unsigned long long)count, (unsigned long long)last.ns);
	buf_str(&text, a->text);
	buf_str(&text, buf_slice(&suffix));
	fold_in(&json, a->json, &from, a->at_message, buf_slice(&suffix));
	fold_in(&json, a->json, &from, a->at_output, buf_slice(&suffix));
	fold_in(&json, a->json, &from, a->at_fields, buf_slice(&fields));
	buf_str(&json, str_skip(a->json, from));
	if (suffix.failed || fields.failed || text.failed || json.failed)
		return NULL;
	return alert_make(a->rule, a->priority, a->time.ns, buf_slice(&text), buf_slice(&json),
			  &none);
}

static void internal_text(struct buf *b, struct str message, const struct alert_pair *pairs, size_t n)
{
	text_line(b, message);
	for (size_t i = 0; i < n; i++) {
		buf_str(b, i ? STR(" ") : STR(" ("));
		buf_str(b, pairs[i].key);
		buf_str(b, STR("=\""));
		text_line(b, pairs[i].value);
		buf_str(b, STR("\""));
	}
	if (n)
		buf_char(b, ')');
}

static void internal_fields(struct buf *b, uint64_t ns, const struct alert_pair *pairs, size_t n)
{
	buf_char(b, '{');
	for (size_t i = 0; i < n; i++) {
		json_name(b, pairs[i].key);
		json_str(b, pairs[i].value);
	}
	if (n == 0) { /* receivers refuse an alert without fields */
		json_name(b, STR("evt.time"));
		buf_u64(b, ns);
	}
	buf_char(b, '}');
}

struct alert *alert_internal(struct alert_form *f, enum priority p, struct wall_ns time,
			     struct str what, struct str message, const struct alert_pair *pairs,
			     size_t npairs)
{
	_cleanup_(buf_free) struct buf rule = { 0 };
	struct places at = { 0 };
	struct buf *b = &f->json;

	buf_str(&rule, STR("porthole internal: "));
	buf_str(&rule, what);
	buf_reset(&f->text);
	add_prefix(f, &f->text, time.ns, p);
	internal_text(&f->text, message, pairs, npairs);
	buf_reset(b);
	json_hostname(f, NULL, b);
	json_text(b, STR("output"), STR(""), message, &at.output);
	json_key(b, STR("output_fields"));
	internal_fields(b, time.ns, pairs, npairs);
	buf_printf(b, ",\"priority\":\"%s\",\"rule\":", priority_name(p));
	json_str(b, buf_slice(&rule));
	buf_str(b, STR(",\"source\":\"internal\",\"time\":\""));
	add_utc(f, b, time.ns);
	buf_str(b, STR("\"}"));
	if (rule.failed || f->text.failed || b->failed)
		return NULL;
	at.output = 0;
	return alert_make(buf_slice(&rule), p, time.ns, buf_slice(&f->text), buf_slice(b), &at);
}
