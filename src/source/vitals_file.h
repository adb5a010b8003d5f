#pragma once
/*
 * Reading accounting files: one number, or lines of "key value" and "key: value unit" by a table of
 * keys. Through one bounded buffer; what is longer is cut, which only loses keys. For the readers of
 * source/vitals.h.
 */
#include <stddef.h>
#include <sys/types.h>

#include "event/vitals.h"

#define VITALS_FILE_BYTES (64u << 10)
#define VITALS_USEC	  1000ull

/* A key of a file and the 64-bit member it fills: value * scale is added. A NULL key ends a table. */
struct vitals_key {
	const char *key;
	size_t offset;
	uint64_t scale;
};

/* Bytes read, NUL-ended, or -errno. */
ssize_t vitals_file(const char *path, char *text, size_t size);

/* Adds what the file says of @keys to @into. 0 or -errno. */
int vitals_keys(const char *path, const struct vitals_key *keys, void *into);

/* A file that holds one number; "max" and -1 are VITALS_NO_LIMIT. 0 or -errno. */
int vitals_number(const char *path, uint64_t *ret);

/* "some avg10=.. total=N" and "full ..". Lines that are not there leave 0. 0 or -errno. */
int vitals_pressure_read(const char *path, struct vitals_pressure *ret);
