#pragma once
/* The captured bytes of a record (probe/stream/stream.h), for who puts streams together. */
#include "base/str.h"
#include "wire/record.h"

/*
 * *ret: what was captured of the record's `seen` bytes, from its first on; absent when nothing was. False, with *ret
 * untouched, for what is no whole record of this type; a decoded event's record is one.
 */
bool stream_data(const struct rec_hdr *h, struct str *ret);
