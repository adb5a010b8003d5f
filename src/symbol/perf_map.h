#pragma once
/*
 * /tmp/perf-PID.map: how Node, .NET, Python 3.12 and JVM agents tell profilers what they compiled.
 *
 *     START SIZE NAME\n        START and SIZE in hex, NAME up to the end of the line
 *
 * The process appends as it compiles; where ranges overlap the later line wins. The file is the
 * process's own and may hold anything: lines of another shape are counted, bytes over
 * PERF_MAP_BYTES and lines over RANGES_MAX are not read (counted), names are cut at PERF_MAP_NAME.
 *
 * Memory: about 50 bytes a line beside the names. One thread.
 * Source: tools/perf/Documentation/jit-interface.txt of the kernel.
 */
#include "symbol/frame.h"

#define PERF_MAP_BYTES (32u << 20) /* of the file */
#define PERF_MAP_TEXT  (16u << 20) /* of names */
#define PERF_MAP_NAME  512

struct perf_map_counts {
	uint64_t lines, wrong; /* read; of another shape */
	uint64_t dropped;      /* over a limit */
	uint64_t names_cut;
};

struct perf_map;

/* 0 or -ENOMEM. Empty until perf_map_update. */
int perf_map_new(struct perf_map **ret);
void perf_map_free(struct perf_map *m);

/*
 * Reads what was appended to @fd (borrowed) since the last call; all of it anew when the file is
 * shorter than it was. 0, -ENOMEM, -EIO. A last line without its end waits for the next call.
 */
int perf_map_update(struct perf_map *m, int fd);
/* The frame of @addr (FRAME_JIT, module "[jit]"), false: not in it. Strings: until the next update. */
bool perf_map_find(const struct perf_map *m, uint64_t addr, struct frame *ret);
const struct perf_map_counts *perf_map_counts(const struct perf_map *m);
size_t perf_map_bytes(const struct perf_map *m);
