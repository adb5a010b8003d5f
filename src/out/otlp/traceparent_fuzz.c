/* Any bytes as a traceparent: what is read is what stands there, and nothing is touched when it is none. */
#include "out/otlp/encode.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hex(char *to, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", p[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct otlp_trace t, before;
	char trace[33], parent[17];

	memset(&t, 0xa5, sizeof(t));
	t.has_parent = false;
	before = t;
	if (!otlp_traceparent((struct str){ (const char *)data, n }, &t)) {
		if (memcmp(&t, &before, sizeof(t)) != 0)
			abort();
		return 0;
	}
	hex(trace, t.trace, 16);
	hex(parent, t.parent, 8);
	if (n < 55 || !t.has_parent || memcmp(t.span, before.span, 8) != 0 ||
	    memcmp(trace, data + 3, 32) != 0 || memcmp(parent, data + 36, 16) != 0)
		abort();
	return 0;
}
