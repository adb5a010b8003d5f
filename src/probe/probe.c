/* The list of probes, made from the one list in probe.h. */
#include "probe/probe.h"

const struct probe *const probes[] = {
#define X(name) &probe_##name,
	PORTHOLE_PROBES(X)
#undef X
};
const size_t probes_n = sizeof(probes) / sizeof(probes[0]);
