/* See segment.h. */
#include "proto/cql/segment.h"

#define CRC24_BEGIN 0x875060u
#define CRC24_POLY  0x1974f0bu

static uint32_t crc24(const uint8_t b[3])
{
	uint32_t crc = CRC24_BEGIN;

	for (unsigned i = 0; i < 3; i++) {
		crc ^= (uint32_t)b[i] << 16;
		for (unsigned bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= CRC24_POLY;
		}
	}
	return crc;
}

enum cql_segment cql_segment_head(struct cur *c, uint32_t *ret_n, bool *ret_alone)
{
	uint8_t b[CQL_SEGMENT_HEAD];
	uint32_t head;

	if (!cur_copy(c, b, sizeof(b)))
		return CQL_SEGMENT_MORE;
	head = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
	if (crc24(b) != (b[3] | (uint32_t)b[4] << 8 | (uint32_t)b[5] << 16) || head >> 18)
		return CQL_SEGMENT_BAD;
	*ret_n = head & 0x1ffff;
	*ret_alone = head >> 17;
	return CQL_SEGMENT_OK;
}
