/* Values are collected by judging with no knowledge, which asks for every condition. */
#include "agent/pushdown_keys.h"

#include <errno.h>
#include <stdlib.h>

#include "event/subject.h"

#define LIST_FIRST 16

struct collect {
	struct keys *keys;
	size_t clause;
	bool failed;
};

struct key *keys_get(struct keys *k, const char bytes[KEY_BYTES])
{
	struct key *list;

	for (size_t i = 0; i < k->n; i++)
		if (memcmp(k->list[i].bytes, bytes, KEY_BYTES) == 0)
			return &k->list[i];
	if (k->n == KEYS_MAX) {
		k->full = true;
		return NULL;
	}
	if (k->n == 0 || (k->n >= LIST_FIRST && !(k->n & (k->n - 1)))) {
		list = realloc(k->list, (k->n ? k->n * 2 : LIST_FIRST) * sizeof(*list));
		if (!list)
			return NULL;
		k->list = list;
	}
	k->list[k->n] = (struct key){ .mask = ~k->used | k->other, .clause = SIZE_MAX };
	memcpy(k->list[k->n].bytes, bytes, KEY_BYTES);
	return &k->list[k->n++];
}

/* The value as the map's key; false: no process can have it. */
static bool key_bytes(uint32_t group, const struct value *v, char ret[KEY_BYTES])
{
	uint32_t n = (uint32_t)v->u64;

	memset(ret, 0, KEY_BYTES);
	if (group == KNOW_COMM) {
		if (v->str.n < KEY_BYTES)
			memcpy(ret, v->str.p, v->str.n);
		return v->str.n && v->str.n < KEY_BYTES;
	}
	memcpy(ret, &n, sizeof(n));
	return v->u64 <= UINT32_MAX;
}

static enum judgement key_collect(void *ctx, const struct expr_cond *c)
{
	struct collect *to = ctx;
	char bytes[KEY_BYTES];
	struct key *key;

	if (know_group(c->ref) != to->keys->group || (c->op != EXPR_EQ && c->op != EXPR_NE))
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++) {
		if (!key_bytes(to->keys->group, &c->values[i].v, bytes))
			continue;
		key = keys_get(to->keys, bytes);
		if (key)
			key->clause = to->clause;
		else
			to->failed = true;
	}
	return JUDGE_UNKNOWN;
}

static bool pair_possible(const struct expr *where, const struct expr *scope,
			  const struct knowledge *know)
{
	return know_possible(where, know) && know_possible(scope, know);
}

/* Whether the clause can match an event of a process that has the key. */
static bool key_possible(const struct keys *k, const struct key *key, uint64_t kinds,
			 const struct expr *where, const struct expr *scope)
{
	struct program program = { 0 };
	struct cgroup cgroup = { 0 };
	struct proc proc = { .program = &program, .cgroup = &cgroup };
	struct event ev = { .proc = &proc };
	struct knowledge know = { .kinds = kinds, .know = k->group, .ev = &ev };
	uint32_t number;

	memcpy(&number, key->bytes, sizeof(number));
	if (k->group == KNOW_COMM)
		memcpy(proc.comm, key->bytes, KEY_BYTES);
	else if (k->group == KNOW_UID)
		proc.euid = number;
	else
		proc.pid = number;
	return pair_possible(where, scope, &know);
}

int keys_clause(struct keys *k, size_t place, uint64_t bit, uint64_t kinds,
		const struct expr *where, const struct expr *scope)
{
	struct collect to = { .keys = k, .clause = place };
	struct knowledge others = { .kinds = kinds, .other = k->group };
	bool other;

	if (where)
		expr_judge(where, key_collect, &to);
	if (scope)
		expr_judge(scope, key_collect, &to);
	if (to.failed)
		return k->full ? 0 : -ENOMEM;
	other = pair_possible(where, scope, &others);
	for (size_t i = 0; i < k->n; i++) {
		struct key *key = &k->list[i];

		if (!(k->used & bit))
			key->mask &= ~bit;
		if (key->clause == place ? key_possible(k, key, kinds, where, scope) : other)
			key->mask |= bit;
	}
	k->used |= bit;
	k->other |= other ? bit : 0;
	return 0;
}

int keys_tree(struct keys *k, uint64_t bit, uint32_t root)
{
	char bytes[KEY_BYTES] = { 0 };
	struct key *key;

	memcpy(bytes, &root, sizeof(root));
	key = keys_get(k, bytes);
	for (size_t i = 0; i < k->n; i++)
		if (!(k->used & bit))
			k->list[i].mask &= ~bit;
	k->used |= bit;
	if (key)
		key->mask |= bit;
	return key || k->full ? 0 : -ENOMEM;
}

uint64_t keys_clears(const struct keys *k)
{
	uint64_t clears = ~k->other;

	for (size_t i = 0; i < k->n; i++)
		clears |= ~k->list[i].mask;
	return k->full ? 0 : clears & k->used;
}

void keys_free(struct keys *k)
{
	free(k->list);
	*k = (struct keys){ 0 };
}
