/*
 * A message:
 *
 *     id flags counts(4)   name type class   name type class ttl length data   ...
 *     12 bytes             a question        a record
 *
 * and a name: labels behind their lengths, ended by 0 or by a pointer to an earlier name.
 */
#include "proto/dns/dns.h"

#include "base/cur.h"

#define LABEL_MAX  63
#define HOPS_MAX   16
#define HEAD_BYTES 12
#define POINTER	   0xc0

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
};

static bool u16_be(struct cur *c, uint16_t *ret)
{
	uint8_t hi, lo;

	if (cur_left(c) < 2 || !cur_u8(c, &hi) || !cur_u8(c, &lo))
		return false;
	*ret = (uint16_t)(hi << 8 | lo);
	return true;
}

static char shown(char ch)
{
	if (ch >= 'A' && ch <= 'Z')
		return (char)(ch - 'A' + 'a');
	return ch > ' ' && ch < 127 ? ch : '?';
}

/* Follows the pointer whose first byte was @hi: *c is at the earlier name then, *limit where that one began. */
static bool pointer_follow(struct str bytes, struct cur *c, uint8_t hi, size_t *limit)
{
	uint8_t lo;
	size_t to;

	if (!cur_u8(c, &lo))
		return false;
	to = (size_t)(hi & ~POINTER) << 8 | lo;
	if (to < HEAD_BYTES || to >= *limit)
		return false;
	*limit = to;
	*c = cur_of(bytes.p + to, bytes.n - to);
	return true;
}

/* The name at *c, which moves behind it. @name NULL: only passed over. The root is ".". */
static bool name_read(struct str bytes, struct cur *c, char *name)
{
	size_t limit = (size_t)((const char *)c->p - bytes.p), n = 0;
	struct cur at = *c;
	bool away = false;

	for (unsigned hops = 0; hops <= HOPS_MAX;) {
		struct str label;
		uint8_t len;

		if (!cur_u8(&at, &len))
			return false;
		if (len >= POINTER) {
			if (!pointer_follow(bytes, &at, len, &limit))
				return false;
			if (!away && !cur_skip(c, 2))
				return false;
			away = true;
			hops++;
			continue;
		}
		if (len > LABEL_MAX || !cur_str(&at, len, &label) || n + len + 2 > DNS_NAME_MAX)
			return false;
		if (!away)
			*c = at;
		if (len == 0) {
			if (name && !n)
				name[n++] = '.';
			if (name)
				name[n] = 0;
			return true;
		}
		if (n && name)
			name[n] = '.';
		n += n > 0;
		for (size_t i = 0; i < label.n && name; i++)
			name[n + i] = shown(label.p[i]);
		n += label.n;
	}
	return false;
}

bool dns_read(struct str bytes, struct dns_message *ret)
{
	struct cur c = cur_of(bytes.p, bytes.n);
	struct dns_message m;
	uint16_t flags;

	if (!u16_be(&c, &m.id) || !u16_be(&c, &flags) || !u16_be(&c, &m.questions) ||
	    !u16_be(&c, &m.answers) || !u16_be(&c, &m.authorities) || !u16_be(&c, &m.additionals) ||
	    (!m.questions && !m.answers) || !name_read(bytes, &c, m.name) || !u16_be(&c, &m.type))
		return false;
	if (!u16_be(&c, &m.class))
		m.class = 1;
	m.body = (uint16_t)(c.p - (const uint8_t *)bytes.p);
	m.answer = flags & 0x8000;
	m.truncated = flags & 0x0200;
	m.opcode = flags >> 11 & 15;
	m.rcode = flags & 15;
	*ret = m;
	return true;
}

static bool question_skip(struct str bytes, struct cur *c)
{
	return name_read(bytes, c, NULL) && cur_skip(c, 4);
}

static bool record_read(struct str bytes, struct cur *c, uint16_t *ret_type, uint8_t ttl[4],
			struct cur *ret_data)
{
	uint16_t class, len;

	return name_read(bytes, c, NULL) && u16_be(c, ret_type) && u16_be(c, &class) &&
	       cur_copy(c, ttl, 4) && u16_be(c, &len) && cur_sub(c, len, ret_data);
}

size_t dns_records(struct str bytes, const struct dns_message *m, struct dns_address *ret,
		   size_t max, uint16_t *rcode, bool *whole)
{
	struct cur c = cur_of(bytes.p, bytes.n), data;
	unsigned all = m->answers + m->authorities + m->additionals, i;
	size_t n = 0;
	bool ok = cur_skip(&c, m->questions ? m->body : HEAD_BYTES);

	for (i = 1; ok && i < m->questions && i < DNS_RECORDS_MAX; i++)
		ok = question_skip(bytes, &c);
	for (i = 0; ok && i < all && i < DNS_RECORDS_MAX; i++) {
		struct dns_address a = { 0 };
		uint8_t ttl[4];
		uint16_t type;

		ok = record_read(bytes, &c, &type, ttl, &data);
		if (!ok)
			break;
		a.v6 = type == TYPE_AAAA;
		if (type == TYPE_OPT)
			*rcode = (uint16_t)((*rcode & 15) | ttl[0] << 4);
		else if (i < m->answers && n < max &&
			 ((type == TYPE_A && cur_copy(&data, &a.a, 4)) ||
			  (type == TYPE_AAAA && cur_copy(&data, &a.aaaa, 16))))
			ret[n++] = a;
	}
	if (whole)
		*whole = ok && i == all;
	return n;
}

/* --- names of numbers (IANA, "Domain Name System (DNS) Parameters") --- */

static const char *const rcodes[] = { "NOERROR", "FORMERR",   "SERVFAIL", "NXDOMAIN", "NOTIMP",
				      "REFUSED", "YXDOMAIN",  "YXRRSET",  "NXRRSET",  "NOTAUTH",
				      "NOTZONE", "DSOTYPENI", NULL,	  NULL,	      NULL,
				      NULL,	 "BADVERS",   "BADKEY",	  "BADTIME",  "BADMODE",
				      "BADNAME", "BADALG",    "BADTRUNC", "BADCOOKIE" };

static const char *const types[] = {
	[1] = "A",	  [2] = "NS",	       [5] = "CNAME",	[6] = "SOA",	 [12] = "PTR",
	[13] = "HINFO",	  [15] = "MX",	       [16] = "TXT",	[17] = "RP",	 [18] = "AFSDB",
	[24] = "SIG",	  [25] = "KEY",	       [28] = "AAAA",	[29] = "LOC",	 [33] = "SRV",
	[35] = "NAPTR",	  [37] = "CERT",       [39] = "DNAME",	[41] = "OPT",	 [43] = "DS",
	[44] = "SSHFP",	  [46] = "RRSIG",      [47] = "NSEC",	[48] = "DNSKEY", [49] = "DHCID",
	[50] = "NSEC3",	  [51] = "NSEC3PARAM", [52] = "TLSA",	[53] = "SMIMEA", [59] = "CDS",
	[60] = "CDNSKEY", [61] = "OPENPGPKEY", [62] = "CSYNC",	[63] = "ZONEMD", [64] = "SVCB",
	[65] = "HTTPS",	  [99] = "SPF",	       [108] = "EUI48", [109] = "EUI64", [249] = "TKEY",
	[250] = "TSIG",	  [251] = "IXFR",      [252] = "AXFR",	[253] = "MAILB", [255] = "ANY",
	[256] = "URI",	  [257] = "CAA",
};

static const char *const opcodes[] = { "QUERY", NULL, "STATUS", NULL, "NOTIFY", "UPDATE", "DSO" };

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : NULL)

const char *dns_rcode_name(unsigned rcode)
{
	return NAME_OF(rcodes, rcode);
}

const char *dns_type_name(unsigned type)
{
	return NAME_OF(types, type);
}

const char *dns_opcode_name(unsigned opcode)
{
	return NAME_OF(opcodes, opcode);
}
