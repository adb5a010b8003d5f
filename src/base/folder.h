#pragma once
/*
 * Folders that we keep files of our own in: made with those above them, opened, listed. What the files are called and how
 * many there may be is their owner's.
 */
#include <dirent.h>

/* Makes @path and those above it, mode 0700, where they are absent; goes on after an error. 0 or the first -errno. */
int folder_make(const char *path);

/* A descriptor to read it and to reach its files by. 0 or -errno. */
int folder_open(const char *path, int *ret_dir);

/* Its listing, from the beginning; @dir keeps its own place. 0 or -errno; closedirp closes. */
int folder_read(int dir, DIR **ret);

static inline void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}
