/* Literals by type. Numbers are read exactly, in 128-bit integers: no rounding, no locale. */
#include "lang/literal.h"

#include <arpa/inet.h>

#include "event/port.h"

static const struct unit {
	const char *of; /* the field's unit */
	struct str suffix;
	uint64_t factor;
} units[] = {
	{ "ns", STR("ns"), 1 },
	{ "ns", STR("us"), 1000 },
	{ "ns", STR("ms"), 1000000 },
	{ "ns", STR("s"), 1000000000 },
	{ "ns", STR("m"), 60000000000 },
	{ "ns", STR("h"), 3600000000000 },
	{ "ns", STR("d"), 86400000000000 },
	{ "bytes", STR("B"), 1 },
	{ "bytes", STR("kB"), 1000 },
	{ "bytes", STR("KB"), 1000 },
	{ "bytes", STR("MB"), 1000000 },
	{ "bytes", STR("GB"), 1000000000 },
	{ "bytes", STR("TB"), 1000000000000 },
	{ "bytes", STR("KiB"), 1ull << 10 },
	{ "bytes", STR("MiB"), 1ull << 20 },
	{ "bytes", STR("GiB"), 1ull << 30 },
	{ "bytes", STR("TiB"), 1ull << 40 },
	{ "bytes", STR("k"), 1000 },
	{ "bytes", STR("K"), 1000 },
	{ "bytes", STR("M"), 1000000 },
	{ "bytes", STR("G"), 1000000000 },
	{ "bytes", STR("T"), 1000000000000 },
	{ "bytes", STR("Ki"), 1ull << 10 },
	{ "bytes", STR("Mi"), 1ull << 20 },
	{ "bytes", STR("Gi"), 1ull << 30 },
	{ "bytes", STR("Ti"), 1ull << 40 },
};

struct number {
	bool negative;
	unsigned __int128 digits;
	int exponent; /* of ten */
	uint64_t factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool literal_hex(struct str text, char *to)
{
	if (text.n % 2 || text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i += 2) {
		int hi = hex_value(text.p[i]), lo = hex_value(text.p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		to[i / 2] = (char)(hi << 4 | lo);
	}
	return true;
}

static bool read_hexadecimal(struct str s, struct number *n)
{
	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = hex_value(s.p[i]);

		if (d < 0)
			return false;
		n->digits = n->digits << 4 | (unsigned)d;
	}
	return true;
}

/* Digits from *at on; false when there are too many to hold. */
static bool read_digits(struct str s, size_t *at, struct number *n, bool fraction)
{
	for (; *at < s.n && is_digit(s.p[*at]); (*at)++) {
		if (n->digits > ((unsigned __int128)1 << 100))
			return false;
		n->digits = n->digits * 10 + (unsigned)(s.p[*at] - '0');
		n->exponent -= fraction;
	}
	return true;
}

static bool read_exponent(struct str s, size_t *at, struct number *n)
{
	size_t i = *at + 1;
	bool minus = false;
	int e = 0;

	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
		minus = s.p[i++] == '-';
	if (i >= s.n || !is_digit(s.p[i]))
		return true; /* not an exponent: perhaps a unit */
	for (; i < s.n && is_digit(s.p[i]); i++) {
		e = e * 10 + (s.p[i] - '0');
		if (e > 1000)
			return false;
	}
	n->exponent += minus ? -e : e;
	*at = i;
	return true;
}

static bool read_unit(struct str s, const char *unit, struct number *n)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].of, unit) == 0 && str_eq(units[i].suffix, s)) {
			n->factor = units[i].factor;
			return true;
		}
	return false;
}

/* The number's magnitude, when it is whole and fits 64 bits. */
static bool number_whole(const struct number *n, uint64_t *ret)
{
	unsigned __int128 v = n->digits;
	int e = n->exponent;

	if (v > ((unsigned __int128)1 << 127) / n->factor)
		return false;
	v *= n->factor;
	for (; e < 0 && v; e++) {
		if (v % 10)
			return false;
		v /= 10;
	}
	for (; e > 0 && v && v <= UINT64_MAX; e--)
		v *= 10;
	if (v > UINT64_MAX)
		return false;
	*ret = (uint64_t)v;
	return true;
}

static bool number_read(struct str s, const char *unit, struct number *n)
{
	size_t at = 0, digits;

	*n = (struct number){ .factor = 1 };
	if (str_starts(s, STR("0x")) || str_starts(s, STR("0X")))
		return read_hexadecimal(str_skip(s, 2), n);
	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		n->negative = s.p[at++] == '-';
	digits = at;
	if (!read_digits(s, &at, n, false) || at == digits)
		return false;
	if (at < s.n && s.p[at] == '.') {
		at++;
		if (!read_digits(s, &at, n, true))
			return false;
	}
	if (at < s.n && (s.p[at] | 0x20) == 'e' && !read_exponent(s, &at, n))
		return false;
	return at == s.n || read_unit(str_skip(s, at), unit, n);
}

static const char *number_expected(const char *unit, bool sign)
{
	if (strcmp(unit, "ns") == 0)
		return "a duration such as 200ms, 1.5s or 2m, or whole nanoseconds";
	if (strcmp(unit, "bytes") == 0)
		return "a size such as 4KiB or 10MB, or whole bytes";
	return sign ? "a whole number" : "a whole number, 0 or more";
}

static const char *read_unsigned(struct str s, const char *unit, uint64_t *ret)
{
	struct number n;

	if (!number_read(s, unit, &n) || !number_whole(&n, ret) || (n.negative && *ret))
		return number_expected(unit, false);
	return NULL;
}

static const char *read_signed(struct str s, const char *unit, int64_t *ret)
{
	struct number n;
	uint64_t v;

	if (!number_read(s, unit, &n) || !number_whole(&n, &v) || v > (uint64_t)INT64_MAX + n.negative)
		return number_expected(unit, true);
	*ret = n.negative ? (int64_t)(0 - v) : (int64_t)v;
	return NULL;
}

static const char *read_port(struct str s, uint64_t *ret)
{
	uint16_t port;
	uint64_t v;

	if (port_find(s, &port)) {
		*ret = port;
		return NULL;
	}
	if (read_unsigned(s, "", &v) || v > UINT16_MAX)
		return "a port, 0 to 65535, or a service name such as https";
	*ret = v;
	return NULL;
}

static const char *read_bool(struct str s, bool *ret)
{
	if (!str_eq(s, STR("true")) && !str_eq(s, STR("false")))
		return "true or false";
	*ret = s.p[0] == 't';
	return NULL;
}

static void ip_mask(struct ip *ip, unsigned bits)
{
	for (unsigned i = 0; i < ip->len; i++, bits -= bits < 8 ? bits : 8)
		ip->b[i] &= bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
}

static const char *read_ip(struct str s, struct expr_value *ret)
{
	static const char expected[] = "an address or network such as 10.0.0.1, 10.0.0.0/8 or ::1";
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	size_t n = slash ? (size_t)(slash - s.p) : s.n;
	char text[INET6_ADDRSTRLEN];
	struct ip ip = { 0 };
	uint64_t bits;

	if (n >= sizeof(text) || n == 0)
		return expected;
	memcpy(text, s.p, n);
	text[n] = 0;
	ip.len = strchr(text, ':') ? 16 : 4;
	if (inet_pton(ip.len == 4 ? AF_INET : AF_INET6, text, ip.b) != 1)
		return expected;
	bits = ip.len * 8u;
	if (slash && (read_unsigned(str_skip(s, n + 1), "", &bits) || bits > ip.len * 8u))
		return ip.len == 4 ? "a prefix length of 0 to 32" : "a prefix length of 0 to 128";
	ip_mask(&ip, (unsigned)bits);
	ret->v.ip = ip;
	ret->bits = (uint8_t)bits;
	return NULL;
}

const char *literal_read(struct str text, enum value_type type, const char *unit,
			 struct expr_value *ret)
{
	struct expr_value x = { .v.type = type };
	const char *expected = NULL;

	switch (type) {
	case VALUE_I64:
		expected = read_signed(text, unit, &x.v.i64);
		break;
	case VALUE_BOOL:
		expected = read_bool(text, &x.v.b);
		break;
	case VALUE_PORT:
		expected = read_port(text, &x.v.u64);
		break;
	case VALUE_IP:
		expected = read_ip(text, &x);
		break;
	case VALUE_TIME:
	case VALUE_DURATION:
		expected = read_unsigned(text, "ns", &x.v.u64);
		break;
	case VALUE_U64:
		expected = read_unsigned(text, unit, &x.v.u64);
		break;
	default: /* strings, and the elements of lists */
		x.v.type = VALUE_STR;
		x.v.str = text;
	}
	if (!expected)
		*ret = x;
	return expected;
}
