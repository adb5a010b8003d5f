#pragma once
/*
 * Tests only: reads a recording from src/kube/testdata. Tests run from the top of the source tree
 * or with its path in PORTHOLE_SRC. Any failure ends the program.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

static inline const char *testdata_top(void)
{
	const char *top = getenv("PORTHOLE_SRC");

	return top ? top : ".";
}

/* The caller frees (void *)ret.p. */
static inline struct str testdata_load(const char *name)
{
	char path[512];
	size_t cap = 1 << 20;
	char *p = malloc(cap);
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/src/kube/testdata/%s", testdata_top(), name);
	f = fopen(path, "re");
	if (!f || !p) {
		perror(path);
		exit(2);
	}
	n = fread(p, 1, cap, f);
	fclose(f);
	return (struct str){ p, n };
}
