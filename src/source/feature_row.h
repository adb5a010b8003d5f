#pragma once
/*
 * How the rows of the feature table are tried; for feature*.c only.
 *
 * A test gets the prober, which holds what several tests share, and its own row. It returns the
 * state and leaves what it found with feature_say. Tests own what they open and close it.
 */
#include <bpf/btf.h>
#include <stdint.h>

#include "source/cgroups.h"
#include "source/feature.h"

struct prober {
	struct btf *btf; /* the kernel's; NULL: none */
	int btf_err;
	int tracefs;	/* directory, or -errno */
	int securityfs; /* directory, or -errno */
	int cgroups_err;
	struct cgroup_layout cgroups;
	char lockdown[24];   /* mode; "" when there is none */
	bool admin;	     /* CAP_SYS_ADMIN is effective */
	bool capable;	     /* so are CAP_BPF and CAP_PERFMON, or it includes them */
	struct feature *row; /* that is being tried */
};

struct feature_test {
	const char *name;
	const char *purpose;
	const char *advice;
	enum feature_state (*test)(struct prober *p, const struct feature_test *t);
	bool required;
	uint32_t arg, arg2; /* for the test's own use */
	const char *target;
};

/* Tables ended by a NULL name, in the order of the report. */
extern const struct feature_test feature_tests_bpf[];
extern const struct feature_test feature_tests_host[];
extern const struct feature_test feature_tests_kube[];

/* Sets the reason of the row. */
void feature_say(struct prober *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* OK for 0 and up; else MISSING with the reason "@what: " and what -errno means for bpf(). */
enum feature_state feature_verdict(struct prober *p, const char *what, int err);

/* What an errno of bpf() and kin means here, for people. */
const char *feature_errno(const struct prober *p, int err);

/* The first line of a small file under @dir (or AT_FDCWD), without its end. 0 or -errno. */
int feature_read(int dir, const char *path, char *ret, size_t size);

/* The root of a file system that is mounted nowhere and goes with the descriptor; or -errno. */
int feature_mount_detached(const char *type);

/* Is @word in the comma-separated @list? */
bool feature_listed(const char *list, const char *word);
