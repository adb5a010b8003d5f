#pragma once
/*
 * The folder of slices: "history-START.db", START in Unix nanoseconds, each an SQLite database of
 * its own with what SQLite keeps beside it (-wal, -shm, -journal). Dropping the oldest is unlink.
 * Other files are left alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_SLICES_MAX 4096 /* that are looked at */
#define STORE_FILE_BYTES 64

struct store_file {
	char name[STORE_FILE_BYTES];
	int64_t start_ns, changed_ns; /* Unix time */
	uint64_t bytes;		      /* with what is beside it */
};

struct store_files {
	struct store_file *list; /* by start */
	size_t n;
	uint64_t bytes;
};

void store_file_name(int64_t start_ns, char ret[STORE_FILE_BYTES]);

/* 0, -errno. Free with store_files_free. */
int store_folder_list(int dir, struct store_files *ret);
void store_files_free(struct store_files *l);

/*
 * Is it being written, or was its writer killed? Then there is a log beside it. (A journal is there
 * only while the file is being made, before its first row.)
 */
bool store_folder_unfinished(int dir, const char *name);

/* 0 or -errno. */
int store_folder_remove(int dir, const char *name);

/*
 * Removes slices that were last changed before @oldest_ns, and the oldest until all are within
 * @max_bytes, but never @keep (NULL: none). Says how many went and how large the rest is.
 */
int store_folder_prune(int dir, const char *keep, uint64_t max_bytes, int64_t oldest_ns,
		       uint64_t *ret_removed, uint64_t *ret_bytes);
