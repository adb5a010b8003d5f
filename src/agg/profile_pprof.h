#pragma once
/*
 * A profile from the bytes of a pprof file (profile.proto, gzip or plain), of whatever program wrote
 * it: https://github.com/google/pprof/blob/main/proto/profile.proto
 *
 * The type that the file names as its default (without one: its last, as pprof takes it) comes first.
 * Lines of one location become inlined frames and the one they stand in; labels that are text or
 * numbers become labels of the series. Kinds of frames are not in the format: they are told by the
 * mapping ("[kernel]", "[jit]"), by a script's file name, and by names in brackets without a mapping.
 * Types beyond PROFILE_TYPES_MAX, labels beyond PROFILE_LABELS_MAX, comments but the first, and frames
 * that the file drops or keeps by expression are left out.
 *
 * Bytes may be anybody's: sizes, numbers and the work they cause are bounded. No I/O. Any thread.
 */
#include "agg/profile.h"

#define PPROF_FILE_MAX	   (64u << 20)	/* as it is stored */
#define PPROF_RAW_MAX	   (256u << 20) /* unpacked */
#define PPROF_STRINGS_MAX  (1u << 20)
#define PPROF_ENTRIES_MAX  (1u << 20) /* of mappings, functions, locations each */
#define PPROF_LINES_MAX	   (4u << 20) /* of all locations together */
#define PPROF_LOCATION_MAX 256	      /* lines of one location; the outer ones are left out */
#define PPROF_STEPS_MAX	   (1u << 26) /* frames of all samples' stacks together */

/*
 * The profile is the caller's. 0; -EBADMSG: damaged, or no such file; -EDOM: it has values below 0,
 * so it is a difference itself; -EFBIG: more of something than is taken; -ENOMEM.
 */
int profile_pprof_read(struct str bytes, struct profile **ret);
