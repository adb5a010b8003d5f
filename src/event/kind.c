/* The table of kinds, made from the one list in wire/kinds.h. */
#include <errno.h>

#include "event/event.h"

#define RING_LIFE true
#define RING_BULK false
const struct kind kind_table[KIND_COUNT] = {
#define X(ID, name_, ring, help_) \
	[KIND_##ID] = { KIND_##ID, { #name_, sizeof(#name_) - 1 }, help_, RING_##ring },
	PORTHOLE_KINDS(X)
#undef X
};

const struct kind *kind_find(struct str name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (str_eq(kind_table[i].name, name))
			return &kind_table[i];
	return NULL;
}

int kinds_parse(struct str list, uint64_t *ret_set, struct str *ret_bad)
{
	uint64_t set = 0;

	for (;;) {
		const char *comma = memchr(list.p, ',', list.n);
		struct str part = { list.p, comma ? (size_t)(comma - list.p) : list.n };
		const struct kind *k = kind_find(part);

		if (k) {
			set |= KIND_BIT(k->id);
		} else if (str_eq(part, STR("all"))) {
			set |= KINDS_USUAL;
		} else {
			*ret_bad = part;
			return -EINVAL;
		}
		if (!comma)
			break;
		list = str_skip(list, part.n + 1);
	}
	*ret_set = set;
	return 0;
}
