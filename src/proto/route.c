/*
 * A segment is first asked for a shape as a whole, by a table; then its parts between '.', '-', '_' and the like
 * are asked, so that "order-1234.json" becomes "order-{id}.json". Each byte is looked at a fixed number of times.
 */
#include "proto/route.h"

#define WORD_MAX  40 /* a longer segment is no name that a programmer wrote */
#define SLUG_MIN  4  /* words with hyphens between them: a title */
#define TOKEN_MIN 16
#define HASH_WORD 20 /* hex digits: longer than words of the letters a to f are */

/* What a segment, or a part of one, is made of. */
struct shape {
	uint16_t n, digits, hex, upper, lower, hyphens, dots, colons, at, percent, other;
	uint16_t turns; /* changes between letters and digits */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

enum class {
	CLASS_NONE,
	CLASS_DIGIT,
	CLASS_LOWER,
	CLASS_LOWER_HEX,
	CLASS_UPPER,
	CLASS_UPPER_HEX,
	CLASS_HYPHEN,
	CLASS_DOT,
	CLASS_COLON,
	CLASS_AT,
	CLASS_PERCENT,
	CLASS_OTHER,
	CLASS_COUNT
};

static const uint8_t class_of[256] = {
	['0' ... '9'] = CLASS_DIGIT,
	['a' ... 'f'] = CLASS_LOWER_HEX,
	['g' ... 'z'] = CLASS_LOWER,
	['A' ... 'F'] = CLASS_UPPER_HEX,
	['G' ... 'Z'] = CLASS_UPPER,
	['-'] = CLASS_HYPHEN,
	['.'] = CLASS_DOT,
	[':'] = CLASS_COLON,
	['@'] = CLASS_AT,
	['%'] = CLASS_PERCENT,
	[0x80 ... 0xff] = CLASS_PERCENT,
	['_'] = CLASS_OTHER,
	['~'] = CLASS_OTHER,
	['='] = CLASS_OTHER,
	['+'] = CLASS_OTHER,
	[','] = CLASS_OTHER,
	['!'] = CLASS_OTHER,
	['$'] = CLASS_OTHER,
	['&'] = CLASS_OTHER,
	['\''] = CLASS_OTHER,
	['('] = CLASS_OTHER,
	[')'] = CLASS_OTHER,
	['*'] = CLASS_OTHER,
	['\0'] = CLASS_OTHER,
};

static struct shape shape_of(struct str s)
{
	struct shape h = { .n = (uint16_t)(s.n < UINT16_MAX ? s.n : UINT16_MAX) };
	uint16_t count[CLASS_COUNT] = { 0 };
	bool digit, was = h.n && is_digit(s.p[0]);

	for (size_t i = 0; i < h.n; i++, was = digit) {
		uint8_t class = class_of[(unsigned char)s.p[i]];

		digit = class == CLASS_DIGIT;
		h.turns += digit != was;
		count[class]++;
	}
	h.digits = count[CLASS_DIGIT];
	h.lower = count[CLASS_LOWER] + count[CLASS_LOWER_HEX];
	h.upper = count[CLASS_UPPER] + count[CLASS_UPPER_HEX];
	h.hex = h.digits + count[CLASS_LOWER_HEX] + count[CLASS_UPPER_HEX];
	h.hyphens = count[CLASS_HYPHEN];
	h.dots = count[CLASS_DOT];
	h.colons = count[CLASS_COLON];
	h.at = count[CLASS_AT];
	h.percent = count[CLASS_PERCENT];
	h.other = count[CLASS_OTHER];
	return h;
}

/* @mask: 'x' hex digit, '0' digit, else itself. */
static bool like(struct str s, const char *mask)
{
	size_t i;

	for (i = 0; i < s.n && mask[i]; i++) {
		char m = mask[i], c = s.p[i];

		if (m == 'x' ? !is_hex(c) : m == '0' ? !is_digit(c) : m != c)
			return false;
	}
	return i == s.n && !mask[i];
}

static bool is_uuid(struct str s, const struct shape *h)
{
	if (s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}')
		s = (struct str){ s.p + 1, s.n - 2 };
	return h->hyphens == 4 && like(s, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static bool is_date(struct str s, const struct shape *h)
{
	static const char *const masks[] = { "0000-00-00", "00-00-0000", "0000-00", "0000.00.00",
					     "0000_00_00" };

	if (h->digits < 6)
		return false;
	/* 2024-01-31T10:00:00Z */
	if (s.n > 11 && s.p[10] == 'T' && like((struct str){ s.p, 10 }, masks[0]))
		return true;
	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++)
		if (like(s, masks[i]))
			return true;
	return false;
}

static bool is_email(struct str s, const struct shape *h)
{
	const char *at = h->at == 1 ? memchr(s.p, '@', s.n) : memmem(s.p, s.n, "%40", 3);

	struct str host = at ? str_skip(s, (size_t)(at - s.p) + (*at == '@' ? 1 : 3)) : STR_NONE;

	/* logo@2x.png is none */
	return host.n && at > s.p && !is_digit(host.p[0]) && memchr(host.p, '.', host.n);
}

static bool is_ip(struct str s, const struct shape *h)
{
	(void)s;
	return (h->dots == 3 && h->digits >= 4 && h->digits + h->dots + h->colons == h->n) ||
	       (h->colons >= 2 && h->hex + h->colons == h->n);
}

static bool is_number(struct str s, const struct shape *h)
{
	bool sign = h->n && (s.p[0] == '-' || s.p[0] == '+');

	return h->digits && h->digits + h->dots + sign == h->n && h->dots <= 1;
}

/* Hex digits with a decimal among them, or so many that no word is that long. */
static bool is_hash(struct str s, const struct shape *h)
{
	if (s.n > 2 && s.p[0] == '0' && s.p[1] == 'x')
		return h->hex == h->n - 1;
	return h->hex == h->n && (h->n >= HASH_WORD || (h->n >= 7 && h->digits));
}

/* base64, nanoid, ULID, JWT: long, and letters and digits take turns, or capitals where no word has them. */
static bool is_token(struct str s, const struct shape *h)
{
	size_t plain = (size_t)h->digits + h->upper + h->lower;

	if (h->n < TOKEN_MIN || plain + h->hyphens + h->other + h->dots != h->n)
		return false;
	if (s.n > 20 && str_starts(s, STR("eyJ")))
		return true;
	if (h->dots || h->hyphens > 3) /* its parts will be asked */
		return false;
	if (h->digits == 0)
		return h->n >= 24 && !h->hyphens && h->upper >= 6 && h->lower >= 6 &&
		       h->upper * 4 > h->lower;
	return h->turns >= 4 || (h->digits >= 6 && !h->hyphens);
}

static bool is_slug(struct str s, const struct shape *h)
{
	(void)s;
	return h->hyphens >= SLUG_MIN - 1 && h->lower + h->digits + h->upper + h->hyphens == h->n;
}

/* What no programmer writes into a route. */
static bool is_text(struct str s, const struct shape *h)
{
	(void)s;
	return h->percent || h->n > (h->dots > 1 ? 2 * WORD_MAX : WORD_MAX);
}

static const struct kind_of_part {
	bool (*is)(struct str s, const struct shape *h);
	const char *name;
	bool part; /* also of a part of a segment */
} kinds[] = {
	{ is_uuid, "{uuid}", false },  { is_date, "{date}", false }, { is_email, "{email}", false },
	{ is_ip, "{ip}", false },      { is_number, "{id}", true },  { is_hash, "{hash}", true },
	{ is_token, "{token}", true }, { is_slug, "{slug}", false }, { is_text, "{text}", false },
};

static const char *kind_name(struct str s, bool part)
{
	struct shape h = shape_of(s);

	if (h.lower + h.upper == h.n && h.n < HASH_WORD)
		return NULL; /* most: a word */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if ((kinds[i].part || !part) && kinds[i].is(s, &h))
			return kinds[i].name;
	return NULL;
}

struct out {
	char *p;
	size_t n;
	bool full;
};

static void out_add(struct out *o, const char *p, size_t n)
{
	if (o->full || n > ROUTE_MAX - 1 - o->n) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void out_name(struct out *o, const char *name)
{
	out_add(o, name, strlen(name));
}

static bool is_border(char c)
{
	return c == '.' || c == '-' || c == '_' || c == ':' || c == ',' || c == '=' || c == '(' ||
	       c == ')' || c == '@' || c == '~' || c == '!' || c == '\'';
}

/*
 * v1, v2.1 and the "mp3" of a name: a letter or more, then one or two digits. @alone: all of a segment, whose own
 * shape says nothing.
 */
static void part_fold(struct out *o, struct str s, bool alone)
{
	const char *name = alone || s.n == 1 ? NULL : kind_name(s, true);
	size_t letters = 0;

	if (name) {
		out_name(o, name);
		return;
	}
	while (letters < s.n && !is_digit(s.p[letters]))
		letters++;
	for (size_t i = letters; i < s.n; i++)
		if (!is_digit(s.p[i]))
			letters = s.n;
	if (letters && s.n > letters + 2) {
		out_add(o, s.p, letters);
		out_name(o, "{id}");
	} else {
		out_add(o, s.p, s.n);
	}
}

/* 'v' and numbers with points, as in an API's name. */
static bool is_version(struct str s)
{
	if (s.n < 2 || s.n > 8 || (s.p[0] != 'v' && s.p[0] != 'V') || !is_digit(s.p[1]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_digit(s.p[i]) && s.p[i] != '.' && !is_lower(s.p[i]))
			return false;
	return true;
}

static void segment_fold(struct out *o, struct str s)
{
	const char *semicolon = s.n ? memchr(s.p, ';', s.n) : NULL, *name;

	if (semicolon) /* parameters: ;jsessionid=... */
		s.n = (size_t)(semicolon - s.p);
	if (!s.n)
		return;
	if (is_version(s)) {
		out_add(o, s.p, s.n);
		return;
	}
	name = kind_name(s, false);
	if (name) {
		out_name(o, name);
		return;
	}
	for (size_t i = 0, from = 0; i <= s.n; i++) {
		if (i < s.n && !is_border(s.p[i]))
			continue;
		part_fold(o, (struct str){ s.p + from, i - from }, from == 0 && i == s.n);
		if (i < s.n)
			out_add(o, s.p + i, 1);
		from = i + 1;
	}
}

size_t route_fold(struct str path, char ret[ROUTE_MAX])
{
	struct out o = { .p = ret };
	size_t segments = 0, i = 0;

	while (i < path.n && !o.full) {
		const char *slash = memchr(path.p + i, '/', path.n - i);
		size_t end = slash ? (size_t)(slash - path.p) : path.n, whole = o.n;

		if (segments++ > ROUTE_SEGMENTS)
			o.full = true;
		segment_fold(&o, (struct str){ path.p + i, end - i });
		if (slash)
			out_add(&o, "/", 1);
		if (o.full)
			o.n = whole;
		i = end + 1;
	}
	if (o.full)
		ret[o.n++] = '*';
	return o.n;
}
