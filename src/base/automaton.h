#pragma once
/*
 * Many strings in one pass over a text: an Aho-Corasick automaton made into a plain table, so that
 * the kernel programs can run it too. A pattern may be bound to the start of the text, its end, or
 * both; each carries a 64-bit mask, and the masks of all patterns found are joined by or.
 *
 * Source: Aho and Corasick, "Efficient string matching", CACM 18 (1975).
 */
#include "base/str.h"

#define AUTOMATON_CLASSES    64	   /* classes of bytes; bytes in no pattern share one */
#define AUTOMATON_STATES_MAX 32768

enum automaton_bind {
	AUTOMATON_START = 1,
	AUTOMATON_END = 2,
};

struct automaton_state {
	uint16_t next[AUTOMATON_CLASSES];
	uint64_t hit;	  /* patterns that end here */
	uint64_t hit_end; /* those that count only when the text ends here */
};

struct automaton {
	uint8_t class[256];
	struct automaton_state *states; /* [0] is the start */
	uint32_t n;
	bool reversed; /* made for texts read from their end */
};

struct automaton_pattern {
	struct str text;
	uint32_t bind; /* enum automaton_bind */
	uint64_t mask;
};

/*
 * @reversed: for texts read from the last byte to the first; START and END keep their meaning for
 * the text as people read it. -E2BIG: more states than the maximum; then shorten patterns (START
 * ones from their end, others anywhere) and try again. -ENOMEM. An empty pattern hits always.
 */
int automaton_make(const struct automaton_pattern *list, size_t n, bool reversed,
		   struct automaton *ret);
void automaton_free(struct automaton *a);

/* The masks of what is in @text (given forwards, also to a reversed automaton). */
uint64_t automaton_run(const struct automaton *a, struct str text);
