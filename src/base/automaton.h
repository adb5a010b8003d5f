#pragma once
/*
 * Many strings in one pass over a text: an Aho-Corasick automaton made into a plain table, so that
 * the kernel programs can run it too. A pattern may be bound to the start of the text, its end, or
 * both; each carries a 64-bit mask, and the masks of all patterns found are joined by or.
 *
 * A run starts in AUTOMATON_BEGIN, takes one step for each byte and one of class AUTOMATON_STOP at
 * the end; when the number of the next state has AUTOMATON_HIT, `out` of that state counts.
 *
 * A reversed automaton reads from the last byte to the first. It also knows patterns that are the
 * text's directory, what stands before its last slash ("/" when that is the first byte): for them
 * the first slash it meets is of the class `cut`.
 *
 * With more different bytes in the patterns than there are classes, the rarest share one: then more
 * may be found than is there, never less. Patterns that deny are left out rather.
 *
 * Source: Aho and Corasick, "Efficient string matching", CACM 18 (1975).
 */
#include "base/str.h"

#define AUTOMATON_CLASSES    64 /* classes of bytes; bytes in no pattern share one */
#define AUTOMATON_STATES_MAX 32768
#define AUTOMATON_BEGIN	     1 /* the state to begin in */
#define AUTOMATON_STOP	     1 /* the class of the end */
#define AUTOMATON_HIT	     0x8000

/* What a pattern is bound to, whichever way the text is read. */
enum automaton_bind {
	AUTOMATON_START = 1,
	AUTOMATON_END = 2,
	AUTOMATON_DIRECTORY = 4, /* alone, and in reversed ones only */
};

struct automaton_out {
	uint64_t hit;
	uint64_t deny;
};

struct automaton {
	uint8_t class[256];
	uint8_t cut;			     /* of the first slash that is met */
	uint16_t (*next)[AUTOMATON_CLASSES]; /* n rows */
	struct automaton_out *out;	     /* n rows */
	uint32_t n;
	bool reversed; /* made for texts read from their end */
};

struct automaton_pattern {
	struct str text;
	uint32_t bind; /* enum automaton_bind */
	uint64_t mask;
	uint64_t deny; /* told apart from `mask`; only for patterns bound to both ends */
};

/*
 * -E2BIG: more states than the maximum; then shorten patterns (START ones from their end, others
 * anywhere) and try again. -ENOMEM. An empty pattern hits always.
 */
int automaton_make(const struct automaton_pattern *list, size_t n, bool reversed,
		   struct automaton *ret);
void automaton_free(struct automaton *a);

/* The masks of what is in @text (given forwards, also to a reversed automaton). */
struct automaton_out automaton_find(const struct automaton *a, struct str text);

static inline uint64_t automaton_run(const struct automaton *a, struct str text)
{
	return automaton_find(a, text).hit;
}
