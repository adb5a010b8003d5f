#pragma once
/*
 * A profile as bytes, to be kept: what the agent writes each minute and `porthole profile --from`
 * reads. Names are in it, so nothing else is needed to show it, later and elsewhere.
 *
 *   "PRTHPROF"  u16 version  u16 0  u32 raw  u32 stored  u32 CRC-32 of all else
 *   stored bytes: one zstd frame of raw bytes, all numbers little endian:
 *     u8 types  u64 period  u64 time  u64 duration
 *     u32 n, strings from number 1 on: u16 length, bytes
 *     numbers of strings: each type and its unit, of the period, the title
 *     u32 n, frames: u32 function linkage module build_id file line, u64 address, u8 kind, u8 inlined
 *     u32 n, nodes from number 1 on: u32 parent, u32 frame
 *     u32 n, series from number 1 on: u8 labels, each u32 key, u32 value
 *     u32 n, samples: u32 node, u32 series, u64 value of each type
 *
 * Bytes that are read may be anybody's: sizes, numbers, depths and the work they cause are bounded,
 * and what is not whole is refused altogether. No I/O here. Any thread.
 */
#include "agg/profile.h"
#include "base/buf.h"

#define PROFILE_FILE_VERSION	 1
#define PROFILE_FILE_HEAD	 24
#define PROFILE_FILE_RAW_MAX	 (32u << 20)
#define PROFILE_FILE_MAX	 (PROFILE_FILE_RAW_MAX + 65536u)
#define PROFILE_FILE_STRINGS_MAX (1u << 20)
#define PROFILE_FILE_STEPS_MAX	 (1u << 26) /* frames of all samples' stacks together */

/* Appends @p to @b. Samples whose values are all 0 are left out. 0, -EFBIG, -ENOMEM. */
int profile_file_write(const struct profile *p, struct buf *b);

/*
 * The profile is the caller's. 0; -EBADMSG: damaged, or not such a file; -ENOTSUP: of a version that
 * is not known here; -ENOMEM.
 */
int profile_file_read(struct str bytes, struct profile **ret);
