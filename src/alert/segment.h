#pragma once
/*
 * A part of the spool: records of one priority, in a file or in memory. Appended to by one writer,
 * read at any place, removed whole. The spool's lock guards it.
 */
#include "alert/record.h"
#include "base/buf.h"

struct segment {
	struct segment *next;
	uint64_t number; /* of its first record */
	enum priority priority;
	uint32_t records;
	uint64_t size;
	int fd; /* -1: in memory */
	bool unsynced;
	struct buf mem;
};

/* A new one; @dir -1: in memory. 0 or -errno. */
int segment_new(int dir, enum priority p, uint64_t number, struct segment **ret);

/*
 * One that is there: "5-00000000000000a1.seg" in @dir. What is damaged is given up (*damaged grows
 * by its bytes) and the file is written anew without it. 0; -ENODATA: nothing sound is in it, and
 * it is removed; -EINVAL: not the name of a segment; or -errno. *ret_last: the last number.
 */
int segment_load(int dir, const char *name, struct segment **ret, uint64_t *ret_last,
		 uint64_t *damaged);

/* One whole record. 0 or -errno, when it is as it was. */
int segment_append(struct segment *s, const void *p, size_t n);
bool segment_read(const struct segment *s, uint64_t at, void *ret, size_t n);

/* Lets go of it; removes its file when @unlink. NULL is fine. */
void segment_free(struct segment *s, int dir, bool unlink);
