#pragma once
/*
 * The parts of many.c: what is shared by all expressions and types (leaves, nodes), and what is
 * prepared for one evt.type (a plan).
 *
 *   leaf   one comparison; equal ones of all expressions are one leaf
 *   slot   the value of a field in the running event, got once
 *   node   and-inverter graph: a leaf, or the conjunction of edges; equal ones are one node
 *   edge   node * 2, +1 when negated; `a or b` is `not (not a and not b)`
 *   plan   for a type: each expression as the edges that must all be true, what is tested for many
 *          at once (gates), and the index of triggers. Types that come to the same share one.
 */
#include "base/automaton.h"
#include "lang/judge.h"
#include "lang/many.h"
#include "lang/program.h"
#include "lang/radix.h"

#define MANY_MAX_BYTES (64u << 20) /* of prepared types; what comes then is matched plainly */
#define MANY_GATES_MAX 16
#define MANY_PART_MAX_BYTES \
	128u /* of a trigger's string; a longer one is looked for by its start */

#define EDGE_TRUE  0u
#define EDGE_FALSE 1u

struct slot {
	const struct field_ref *ref;
	uint32_t stamp;	 /* of the event that `has` and `v` are of */
	uint32_t hashed; /* of the event that `hash` is of */
	uint32_t hash;
	bool has;
	struct value v;
};

enum leaf_how {
	LEAF_TEST, /* as the check does it */
	LEAF_EXISTS,
	LEAF_EQ_STR,
	LEAF_STARTS,
	LEAF_IN_STRS,
	LEAF_COMPARE,
};

struct leaf {
	const struct check *check;
	uint32_t slot; /* all but LEAF_TEST */
	uint8_t how, cost;
	uint8_t decided; /* enum judgement, for the type being prepared */
	bool by_type;	 /* depends on type and kind alone */
	uint64_t kinds;	 /* that can have all of its fields */
};

struct node {
	const uint32_t *child; /* edges; NULL: a leaf */
	uint32_t n;	       /* of children; of a leaf its number */
	uint32_t hash;
	uint32_t cost;
};

/* Expressions, as words of a bitset that are not zero. */
struct hits {
	uint32_t n;
	struct hits_word {
		uint32_t at;
		uint64_t bits;
	} word[];
};

struct eq_entry {
	struct str str; /* of words: p is not NULL, n the word */
	uint32_t hash, number;
};

/* Triggers on one field: a value gives numbers of hits. */
struct index {
	uint32_t slot;
	bool any;
	const uint64_t *users; /* expressions with a trigger here */
	const struct hits **hits;
	struct eq_entry *eq; /* open addressing */
	uint32_t eq_mask;
	struct radix starts, ends;
	/* Substrings: a bit of the automaton is a group of them. */
	struct automaton automaton;
	const struct hits *groups[64];
};

struct gate {
	uint32_t edge;
	const uint64_t *users;
};

struct run {
	uint32_t *edges;
	uint32_t n, place;
};

struct plan {
	uint64_t hash; /* of the roots */
	uint32_t n, words;
	uint32_t *roots; /* an edge for each of the n expressions */
	struct run *run;
	struct gate gate[MANY_GATES_MAX];
	uint32_t ngates;
	uint64_t *all, *untriggered;
	struct index *index;
	uint32_t nindex;
};

/* A trigger of expression @local of the plan being made. */
struct trigger_row {
	uint32_t slot, local;
	enum expr_op op; /* EQ, STARTSWITH, ENDSWITH, CONTAINS */
	struct value v;
};

struct type_row {
	const char *type;
	size_t n;
	uint32_t kind;
	const struct plan *plan; /* NULL: matched plainly */
};

struct many {
	const struct expr **list;
	size_t n;
	struct pool pool;
	uint32_t *base;	   /* of each expression in leaf_of */
	uint32_t *leaf_of; /* by check */
	struct leaf *leaves;
	struct slot *slots;
	size_t nleaves, nslots, slots_cap;
	struct node *nodes;
	uint32_t *memo; /* of each node: stamp * 2 + value */
	size_t nnodes, nodes_cap;
	uint32_t *table; /* of nodes by content; 0: free */
	size_t table_mask;
	uint32_t *stack; /* of edges, while a plan is made */
	size_t nstack, stack_cap;
	struct type_row types[2 * MANY_TYPES_MAX];
	size_t ntypes;
	struct plan **plans;
	size_t nplans;
	uint64_t *alive, *fired;
	uint64_t *looked;
	uint32_t stamp; /* of the running event, 31 bits */
};

/* many_leaf.c: leaves of all expressions; -ENOMEM. */
int leaves_make(struct many *m);
/* The slot of @ref; UINT32_MAX: no memory. */
uint32_t slot_of(struct many *m, const struct field_ref *ref);
/* What is decided by the type and kind of @ev, in each leaf; and for expr_judge (ctx: event). */
void leaves_decide(struct many *m, const struct event *ev);
enum judgement type_judge(void *ctx, const struct expr_cond *c);
bool leaf_test(struct many *m, const struct leaf *l, const struct event *ev);

/* The value of a slot's field; NULL: the event does not have it. */
static inline struct slot *slot_get(struct many *m, uint32_t at, const struct event *ev)
{
	struct slot *s = &m->slots[at];

	if (s->stamp != m->stamp) {
		s->stamp = m->stamp;
		s->has = s->ref->field->get(ev, s->ref, 0, &s->v);
	}
	return s->has ? s : NULL;
}

static inline uint32_t slot_hash(struct many *m, struct slot *s)
{
	if (s->hashed != m->stamp) {
		s->hashed = m->stamp;
		s->hash = strset_hash(s->v.str);
	}
	return s->hash;
}

/* many_node.c: the tree of expression @i with what is decided left out. An edge, or -ENOMEM. */
int64_t node_fold(struct many *m, size_t i);
/* Pushes the edges whose conjunction @edge is onto the stack, each once. 0 or -ENOMEM. */
int node_conjuncts(struct many *m, uint32_t edge);
int stack_push(struct many *m, uint32_t edge);
bool edge_test(struct many *m, uint32_t edge, const struct event *ev);

/* many_index.c: sorts @list and makes the plan's index of it. 0 or -ENOMEM. */
int index_make(struct many *m, struct plan *p, struct trigger_row *list, size_t n);
bool index_takes(const struct expr_cond *c);
/* Sets the bits of @fired that the event's value triggers. */
void index_fire(struct many *m, const struct index *x, const struct event *ev, uint64_t *fired);
void index_free(struct index *x);

/* many_plan.c */
int plan_make(struct many *m, const struct event *ev, struct plan **ret);
void plan_free(struct plan *p);
