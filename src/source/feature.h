#pragma once
/*
 * The kernel feature table: what this kernel and this process may do, for `porthole doctor` and for
 * the loader. Nothing is concluded from a version number: each row does the thing on a small scale
 * (loads a program of two instructions, makes a map, attaches to a point nobody passes) and takes
 * it back; no mount, pin, link or program is left behind, no interface and no cgroup is touched.
 *
 * In: the running kernel, /proc and /sys. Out: one row per feature, in a fixed order. The report
 * owns its text. One thread at a time: libbpf's print hook and the statistics switch are global.
 * Takes about 0.1 s, and at most 2 s more when a configured Kubernetes API does not answer.
 */
#include <stdbool.h>
#include <stddef.h>

#define FEATURES_MAX	     48
#define FEATURE_REASON_BYTES 192

enum feature_state {
	FEATURE_OK,
	FEATURE_DEGRADED, /* there, in a lesser way */
	FEATURE_MISSING,
};

struct feature {
	const char *name;
	const char *purpose; /* what porthole uses it for */
	const char *advice;  /* what to do when it is not ok */
	bool required;	     /* the agent does not run without it */
	enum feature_state state;
	char reason[FEATURE_REASON_BYTES]; /* what was found; one line of ASCII */
};

struct feature_report {
	size_t n;
	struct feature rows[FEATURES_MAX];
};

/* Tries everything. 0: failures are rows. */
int features_probe(struct feature_report *ret);

/* The row of that name, or NULL. */
const struct feature *feature_find(const struct feature_report *r, const char *name);

/* Is it there, be it in a lesser way? False for an unknown name. */
bool feature_has(const struct feature_report *r, const char *name);

/* No required row is missing. */
bool features_can_run(const struct feature_report *r);

/* "ok", "degraded", "missing". */
const char *feature_state_name(enum feature_state s);
