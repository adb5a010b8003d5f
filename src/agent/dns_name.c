/* A name is labels, each behind its length; in a question none is compressed. */
#include "agent/dns_name.h"

#include "base/cur.h"

#define LABEL_MAX 63

static bool u16_be(struct cur *c, uint16_t *ret)
{
	uint8_t hi, lo;

	if (!cur_u8(c, &hi) || !cur_u8(c, &lo))
		return false;
	*ret = (uint16_t)(hi << 8 | lo);
	return true;
}

/* Names are shown to people: what is not printable becomes '?'. */
static bool name_read(struct cur *c, char name[DNS_NAME_MAX])
{
	size_t n = 0;

	for (;;) {
		struct str label;
		uint8_t len;

		if (!cur_u8(c, &len) || len > LABEL_MAX)
			return false;
		if (len == 0)
			break;
		if (!cur_str(c, len, &label) || n + len + 2 > DNS_NAME_MAX)
			return false;
		if (n)
			name[n++] = '.';
		for (size_t i = 0; i < label.n; i++)
			name[n++] = label.p[i] > ' ' && label.p[i] < 127 ? label.p[i] : '?';
	}
	name[n] = 0;
	return n > 0;
}

bool dns_head_read(struct str bytes, struct dns_head *ret)
{
	struct cur c = cur_of(bytes.p, bytes.n);
	uint16_t flags, questions;
	struct dns_head h;

	if (!u16_be(&c, &h.id) || !u16_be(&c, &flags) || !u16_be(&c, &questions) ||
	    questions != 1 || !cur_skip(&c, 6) || !name_read(&c, h.name) || !u16_be(&c, &h.type))
		return false;
	h.answer = flags & 0x8000;
	h.rcode = flags & 15;
	*ret = h;
	return true;
}

const char *dns_rcode_name(uint8_t rcode)
{
	static const char *const names[] = { "NOERROR",	 "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED" };

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : "error";
}
