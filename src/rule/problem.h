#pragma once
/*
 * What is wrong with rule files: errors, which refuse the set, and warnings. Each has a code (the
 * names that Falco's own load results use, so that scripts can be kept), the place, a message, and
 * an excerpt with a caret. Bounded: after PROBLEMS_MAX, half of it for
 * warnings, only the count grows.
 */
#include "base/buf.h"

#define PROBLEMS_MAX 200

struct problem {
	bool error;
	const char *code; /* "LOAD_ERR_VALIDATE", ... static */
	char file[256];
	unsigned line, column; /* from 1; 0: of the whole file */
	char item[160];	       /* "rule: Terminal shell in container", or "" */
	char message[512];
	char excerpt[480], caret[128]; /* two lines for people; may be "" */
};

struct problems {
	struct problem *list;
	size_t n, errors, warnings; /* errors and warnings count all, also those beyond the list */
};

void problems_free(struct problems *p);

/* One problem: "FILE:LINE:COL: error: message", excerpt, caret. */
void problem_print(const struct problem *p, struct buf *b);
/* As one JSON object. */
void problem_json(const struct problem *p, struct buf *b);
