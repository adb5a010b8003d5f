/* Stacks in blocks that never move, found by a hash of all that makes them equal. */
#include "agent/stacks.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/slots.h"

#define BLOCK_BYTES (256u << 10)

struct block {
	struct block *next;
	size_t used;
	char bytes[BLOCK_BYTES];
};

struct stacks {
	struct budget budget;
	struct block *blocks; /* the first one is being filled */
	struct raw_stack **all;
	size_t n, cap;
	struct slots index;
	uint64_t lost[STACKS_VALUES];
};

_Static_assert(sizeof(struct raw_stack) + 8 * (STACK_KERNEL_MAX + STACK_USER_MAX) +
			       STACK_VMA_MAX * sizeof(struct rec_vma) + sizeof(struct rec_interp) +
			       PY_FRAMES_MAX * sizeof(struct rec_interp_frame) <=
		       BLOCK_BYTES,
	       "the largest stack fits into a block");

int stacks_new(struct stacks **ret)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->budget.max = STACKS_BYTES;
	*ret = s;
	return 0;
}

static void blocks_free(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	blocks_free(s->blocks);
	slots_free(&s->index);
	free(s->all);
	free(s);
}

void stacks_clear(struct stacks *s)
{
	blocks_free(s->blocks);
	slots_free(&s->index);
	free(s->all);
	*s = (struct stacks){ .budget.max = STACKS_BYTES };
}

static size_t data_bytes(const struct raw_stack *r)
{
	return 8u * ((size_t)r->nkernel + r->nuser) + r->nvma * sizeof(struct rec_vma) + r->ninterp;
}

static char *interp_at(const struct raw_stack *r)
{
	return (char *)r->data + data_bytes(r) - r->ninterp;
}

static uint64_t stack_hash(const struct raw_stack *r, const struct stack *s)
{
	uint64_t h = hash_u64(r->start_ns ^ r->pid) ^ hash_u64(((uint64_t)r->series << 8) | r->end);

	for (size_t i = 0; i < s->nkernel; i++)
		h = hash_u64(h ^ s->kernel[i]);
	for (size_t i = 0; i < s->nuser; i++)
		h = hash_u64(h ^ s->user[i]);
	for (size_t i = 0; s->interp && i < s->interp->n; i++)
		h = hash_u64(h ^ s->frame[i].code ^ (uint64_t)s->frame[i].instr << 32);
	return h;
}

static uint64_t hash_at(const void *ctx, uint32_t at)
{
	const struct stacks *s = ctx;

	return s->all[at]->hash;
}

/* As words_copy: of nothing, either may be NULL. */
static bool same_words(const uint64_t *a, const uint64_t *b, size_t n)
{
	return n == 0 || memcmp(a, b, n * sizeof(*a)) == 0;
}

/* Mappings follow from process and addresses: they are not compared. */
static bool same(const struct raw_stack *a, const struct raw_stack *head, const struct stack *s)
{
	return a->hash == head->hash && a->start_ns == head->start_ns && a->pid == head->pid &&
	       a->series == head->series && a->end == head->end && a->nkernel == head->nkernel &&
	       a->nuser == head->nuser && same_words(a->data, s->kernel, s->nkernel) &&
	       same_words(a->data + s->nkernel, s->user, s->nuser) && a->ninterp == head->ninterp &&
	       (!a->ninterp || memcmp(interp_at(a), s->interp, a->ninterp) == 0);
}

static void *room(struct stacks *s, size_t n)
{
	struct block *b = s->blocks;
	void *at;

	if (!b || BLOCK_BYTES - b->used < n) {
		if (budget_take(&s->budget, sizeof(*b)) != 0)
			return NULL;
		b = malloc(sizeof(*b));
		if (!b)
			return NULL;
		b->next = s->blocks;
		b->used = 0;
		s->blocks = b;
	}
	at = b->bytes + b->used;
	b->used += n;
	return at;
}

/* memcpy's arguments must not be NULL, not even for nothing. */
static void words_copy(uint64_t *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
}

static int stack_keep(struct stacks *s, const struct raw_stack *head, const struct stack *from,
		      struct raw_stack **ret)
{
	struct raw_stack *r;
	int err = slots_room(&s->index, &s->budget, hash_at, s);

	if (!err)
		err = grow_array(&s->budget, &s->all, s->n, &s->cap, sizeof(struct raw_stack *),
				 STACKS_MAX);
	if (err)
		return err;
	r = room(s, sizeof(*head) + data_bytes(head));
	if (!r)
		return -ENOSPC;
	*r = *head;
	words_copy(r->data, from->kernel, from->nkernel * sizeof(uint64_t));
	words_copy(r->data + from->nkernel, from->user, from->nuser * sizeof(uint64_t));
	words_copy(r->data + from->nkernel + from->nuser, from->vma,
		   from->nvma * sizeof(struct rec_vma));
	if (r->ninterp)
		memcpy(interp_at(r), from->interp, r->ninterp);
	s->all[s->n] = r;
	slots_put(&s->index, r->hash, (uint32_t)s->n++);
	*ret = r;
	return 0;
}

static struct raw_stack *stack_find(const struct stacks *s, const struct raw_stack *head,
				    const struct stack *stack)
{
	SLOTS_EACH(&s->index, head->hash, at)
	if (same(s->all[at], head, stack))
		return s->all[at];
	return NULL;
}

int stacks_add(struct stacks *s, uint32_t pid, uint64_t start_ns, uint32_t series,
	       const struct stack *stack, const uint64_t value[STACKS_VALUES])
{
	struct raw_stack head = {
		.start_ns = start_ns,
		.pid = pid,
		.series = series,
		.nkernel = (uint16_t)stack->nkernel,
		.nuser = (uint16_t)stack->nuser,
		.nvma = (uint16_t)stack->nvma,
		.end = (uint8_t)stack->end,
		.ninterp = (uint32_t)stack_interp_bytes(stack),
	};
	struct raw_stack *r;
	uint64_t *into;
	int err = 0;

	head.hash = stack_hash(&head, stack);
	r = stack_find(s, &head, stack);
	if (!r)
		err = stack_keep(s, &head, stack, &r);
	into = err ? s->lost : r->value;
	for (size_t i = 0; i < STACKS_VALUES; i++)
		into[i] += value[i];
	return err;
}

size_t stacks_count(const struct stacks *s)
{
	return s->n;
}

const struct raw_stack *stacks_get(const struct stacks *s, size_t i)
{
	return s->all[i];
}

struct stack stacks_view(const struct raw_stack *r)
{
	const struct rec_interp *interp = r->ninterp ? (const void *)interp_at(r) : NULL;

	return (struct stack){
		.kernel = r->data,
		.user = r->data + r->nkernel,
		.vma = (const struct rec_vma *)(r->data + r->nkernel + r->nuser),
		.nkernel = r->nkernel,
		.nuser = r->nuser,
		.nvma = r->nvma,
		.end = r->end,
		.interp = interp,
		.frame = interp ? (const void *)(interp + 1) : NULL,
	};
}

const uint64_t *stacks_lost(const struct stacks *s)
{
	return s->lost;
}
