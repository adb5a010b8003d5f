#pragma once
/* The captured bytes of a record (probe/stream/stream.h), for who puts streams together. */
#include "base/str.h"
#include "wire/record.h"

/*
 * *ret: what was captured of the record's `seen` bytes, from its first on; absent when nothing was. False, with *ret
 * untouched, for what is no whole record of this type; a decoded event's record is one.
 */
bool stream_data(const struct rec_hdr *h, struct str *ret);

struct rec_stream_times;

/* Its thread's times, inside of it, when the record is whole and has them (8-byte aligned as the record); else NULL. */
const struct rec_stream_times *stream_times(const struct rec_hdr *h);
