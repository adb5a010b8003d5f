#pragma once
/*
 * The kept profiles (agent/profile_dir.h) as rows of the table `profiles`: for each part of time,
 * process and function its CPU time. One part is in memory at a time; parts that are damaged are
 * left out, and counted in `damaged`.
 */
#include "store/reader.h"

struct profile_rows_ctx {
	const char *directory;
	uint64_t damaged;
};

/* @ctx is borrowed. */
struct store_source profile_rows_source(struct profile_rows_ctx *ctx);
