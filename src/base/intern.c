/* Interned strings: bytes in blocks, slices in an array, a hash index over them. */
#include "base/intern.h"

#include "base/hash.h"

#define BLOCK_BYTES (32u << 10)

struct intern_block {
	struct intern_block *next;
	char bytes[];
};

static uint64_t string_hash(const void *ctx, uint32_t at)
{
	return hash_str(((const struct intern *)ctx)->strings[at]);
}

int intern_init(struct intern *in, struct budget *budget, size_t max)
{
	int err;

	*in = (struct intern){ .budget = budget, .max = max };
	err = grow_array(budget, &in->strings, 0, &in->cap, sizeof(*in->strings), max);
	if (err)
		return err;
	in->strings[in->n++] = STR_NONE;
	return 0;
}

void intern_free(struct intern *in)
{
	while (in->blocks) {
		struct intern_block *b = in->blocks;

		in->blocks = b->next;
		free(b);
	}
	free(in->strings);
	slots_free(&in->index);
	*in = (struct intern){ 0 };
}

/*
 * The open block is filled from its end, so that what is left is a length alone. A string longer
 * than a quarter of a block has a block to itself, behind the open one.
 */
static int bytes_take(struct intern *in, size_t n, char **ret)
{
	bool own = n > BLOCK_BYTES / 4;
	size_t size = own ? n : BLOCK_BYTES;
	struct intern_block *b;
	int err;

	if (!own && n <= in->left) {
		in->left -= n;
		*ret = in->blocks->bytes + in->left;
		return 0;
	}
	err = budget_take(in->budget, sizeof(*b) + size);
	if (err)
		return err;
	b = malloc(sizeof(*b) + size);
	if (!b) {
		in->budget->used -= sizeof(*b) + size;
		return -ENOMEM;
	}
	if (own && in->blocks) {
		b->next = in->blocks->next;
		in->blocks->next = b;
	} else {
		b->next = in->blocks;
		in->blocks = b;
		in->left = size - n;
	}
	*ret = b->bytes + (own ? 0 : in->left);
	return 0;
}

int intern_put(struct intern *in, struct str s, uint32_t *ret)
{
	uint64_t hash;
	char *to;
	int err;

	if (!s.n) {
		*ret = 0;
		return 0;
	}
	hash = hash_str(s);
	SLOTS_EACH(&in->index, hash, at)
	if (str_eq(in->strings[at], s)) {
		*ret = at;
		return 0;
	}
	err = grow_array(in->budget, &in->strings, in->n, &in->cap, sizeof(s), in->max);
	if (!err)
		err = slots_room(&in->index, in->budget, string_hash, in);
	if (!err)
		err = bytes_take(in, s.n, &to);
	if (err)
		return err;
	memcpy(to, s.p, s.n);
	in->strings[in->n] = (struct str){ to, s.n };
	slots_put(&in->index, hash, (uint32_t)in->n);
	*ret = (uint32_t)in->n++;
	return 0;
}
