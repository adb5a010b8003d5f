#pragma once
/*
 * Segments: from version 5 on, once the connection is set up, frames travel in these. Uncompressed form (CQL binary
 * protocol v5, section 2.2):
 *
 *     17 bits length | 1 bit self-contained | 6 bits 0 | CRC24 of these 3 bytes | payload | CRC32 of the payload
 *
 * little-endian. The payload's checksum is passed over: it would need all of it.
 */
#include "base/cur.h"

#define CQL_SEGMENT_HEAD 6
#define CQL_SEGMENT_TAIL 4

enum cql_segment {
	CQL_SEGMENT_OK,
	CQL_SEGMENT_MORE,
	CQL_SEGMENT_BAD, /* the checksum is another */
};

/* Advances past a head. *ret_alone: its frames are whole; else it has a part of one. */
enum cql_segment cql_segment_head(struct cur *c, uint32_t *ret_n, bool *ret_alone);
