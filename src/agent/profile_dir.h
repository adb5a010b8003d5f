#pragma once
/*
 * The folder of kept profiles: a file for each part of time, "profile-START-LENGTH.pp", both in
 * nanoseconds, START in Unix time. Written beside and renamed, so that a file is whole or not there;
 * what agg/profile_file.h refuses when it is read was damaged later.
 *
 * A descriptor of the folder is all that is needed once it is open. Other files in it are left alone.
 */
#include "agg/profile.h"

#define PROFILE_DIR	  "/var/lib/porthole/profiles"
#define PROFILE_PARTS_MAX 65536 /* files that are looked at */

struct profile_part {
	int64_t start_ns; /* Unix time */
	uint64_t length_ns, bytes;
};

struct profile_parts {
	struct profile_part *list; /* by start */
	size_t n;
};

/* 0 or -errno. Free with profile_parts_free. */
int profile_dir_list(int dir, struct profile_parts *ret);
void profile_parts_free(struct profile_parts *l);

/* By the profile's time and duration. 0 or -errno (-EFBIG: larger than a file may be). */
int profile_dir_write(int dir, const struct profile *p);

/* 0; -EBADMSG, -ENOTSUP: as profile_file_read; another -errno. */
int profile_dir_read(int dir, const struct profile_part *part, struct profile **ret);

/*
 * Removes parts that ended before @oldest_ns, and the oldest until all are within @max_bytes; says
 * how many went and how large the rest is. 0 or -errno.
 */
int profile_dir_prune(int dir, uint64_t max_bytes, int64_t oldest_ns, uint64_t *ret_removed,
		      uint64_t *ret_bytes);
