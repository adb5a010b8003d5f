#pragma once
/*
 * The dimension of a connection's ends: for each clause that needs one of certain ports, addresses or
 * networks at whichever end (fd.sport, fd.rip, fd.net, ...; expr_triggers), these as the kernel's two
 * tables. Conditions that something is not a port or address, and ranges, are left to user space.
 */
#include "agent/pushdown_calls.h"
#include "agent/pushdown_triggers.h"

struct end_port {
	uint32_t port;
	uint64_t mask;
};

struct end_net {
	struct filter_net net;
	uint64_t mask;
};

struct ends {
	struct end_port port[FILTER_PORTS / 2];
	struct end_net net[FILTER_NETS / 2];
	size_t nports, nnets;
	uint64_t clears; /* clauses that the ends may clear; 0: there is none, or too much is named */
};

/* The caller's to free; NULL: out of memory. */
struct ends *ends_judge(const struct clause *list, size_t n);

/* As triggers_find: the conditions on the ends that every event of the clause meets one of. */
int ends_triggers(const struct pushdown_clause *c, trigger_add_fn add, void *ctx);
