/* Ids of requests: twelve letters of five bits. The letters are Crockford's Base 32, which leaves out i, l, o and u. */
#include "event/request.h"

#include <ctype.h>

#define UNIT_SHIFT 34 /* 17 s */
#define UNIT_BITS  19 /* 104 days, then they begin anew */
#define HASH_BITS  41

static const char letters[33] = "0123456789abcdefghjkmnpqrstvwxyz";

uint64_t request_id(struct boot_ns end, uint64_t hash)
{
	return ((end.ns >> UNIT_SHIFT) & ((1u << UNIT_BITS) - 1)) << HASH_BITS |
	       (hash >> (64 - HASH_BITS));
}

void request_id_text(uint64_t id, char ret[REQUEST_ID_TEXT + 1])
{
	for (size_t i = REQUEST_ID_TEXT; i-- > 0; id >>= 5)
		ret[i] = letters[id & 31];
	ret[REQUEST_ID_TEXT] = '\0';
}

static int digit_of(char c)
{
	const char *at;

	c = (char)tolower((unsigned char)c);
	c = c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c;
	at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

bool request_id_parse(struct str text, uint64_t *ret)
{
	uint64_t id = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int d = digit_of(text.p[i]);

		if (text.p[i] == '-')
			continue;
		if (d < 0 || n++ == REQUEST_ID_TEXT)
			return false;
		id = id << 5 | (unsigned)d;
	}
	if (n != REQUEST_ID_TEXT)
		return false;
	*ret = id;
	return true;
}

void request_id_when(uint64_t id, struct boot_ns now, struct boot_ns *ret_from, struct boot_ns *ret_to)
{
	const uint64_t round = 1ull << (UNIT_SHIFT + UNIT_BITS);
	uint64_t from = now.ns / round * round + ((id >> HASH_BITS) << UNIT_SHIFT);

	if (from > now.ns && from >= round)
		from -= round;
	ret_from->ns = from;
	ret_to->ns = from + (1ull << UNIT_SHIFT);
}
