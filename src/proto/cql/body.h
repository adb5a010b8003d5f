#pragma once
/*
 * What a CQL frame's body says: the notations of the protocol's section 3, and the messages that have something to
 * tell. A body may be cut: what is not there is not told. Pure; everything borrows. Source: the CQL binary protocol
 * specifications v3, v4 and v5 (apache/cassandra, doc/native_protocol_v*.spec).
 */
#include "base/cur.h"

enum cql_flag {
	CQL_COMPRESSED = 1,
	CQL_TRACING = 2,
	CQL_PAYLOAD = 4,
	CQL_WARNING = 8,
};

enum cql_result {
	CQL_VOID = 1,
	CQL_ROWS,
	CQL_SET_KEYSPACE,
	CQL_PREPARED,
	CQL_SCHEMA_CHANGE,
};

bool cql_short(struct cur *c, uint16_t *ret);
bool cql_int(struct cur *c, int32_t *ret);
bool cql_string(struct cur *c, struct str *ret); /* also short bytes */

/* The long string, or of it what is there; *ret_cut: not all is. */
bool cql_long_string(struct cur *c, struct str *ret, bool *ret_cut);

/* What flags put before the message: tracing id (answers), warnings, payload. */
bool cql_passed(struct cur *c, uint8_t flags, bool answer);

/* The value of @key in a string map, or absent. */
struct str cql_map_find(struct cur c, struct str key);

/* From behind RESULT's kind: the rows of this page; false: the metadata is cut or not understood. */
bool cql_rows(struct cur c, int32_t *ret_rows);

/* "Invalid", "Read_timeout", ...; NULL: not known. */
const char *cql_error_name(int32_t code);
