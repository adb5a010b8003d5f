#pragma once
/*
 * Stacks as they came from the kernel, equal ones counted together: what is kept of a watch until
 * its addresses get names (agent/naming.h).
 *
 * A stack is equal to another when process, series, addresses and end are. Bounded: STACKS_BYTES;
 * what does not fit is counted, and its value summed, so that totals can say it. One thread.
 */
#include "base/grow.h"
#include "probe/stack.h"

#define STACKS_BYTES  (64u << 20)
#define STACKS_MAX    (1u << 20)
#define STACKS_VALUES 2

struct raw_stack {
	uint64_t hash;
	uint64_t start_ns; /* of the process */
	uint64_t value[STACKS_VALUES];
	uint32_t pid;
	uint32_t series; /* the owner's number */
	uint16_t nkernel, nuser, nvma;
	uint8_t end; /* enum stack_end */
	uint8_t pad;
	uint32_t ninterp; /* bytes of struct rec_interp and its frames; 0: there is none */
	uint32_t pad2;
	uint64_t data[]; /* kernel addresses, user addresses, then struct rec_vma each, then those */
};

struct stacks;

/* 0 or -ENOMEM. */
int stacks_new(struct stacks **ret);
void stacks_free(struct stacks *s);

/* Adds the values to the stack; @head's value, hash, numbers and end are set here. 0, -ENOSPC (counted), -ENOMEM. */
int stacks_add(struct stacks *s, uint32_t pid, uint64_t start_ns, uint32_t series,
	       const struct stack *stack, const uint64_t value[STACKS_VALUES]);

/* Forgets all; keeps the memory. */
void stacks_clear(struct stacks *s);

size_t stacks_count(const struct stacks *s);
const struct raw_stack *stacks_get(const struct stacks *s, size_t i);

/* The views of probe/stack.h into a kept stack. */
struct stack stacks_view(const struct raw_stack *r);

/* Values that found no room. */
const uint64_t *stacks_lost(const struct stacks *s);
