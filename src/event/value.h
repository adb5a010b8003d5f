#pragma once
/*
 * What a field yields: a typed value. Strings and lists borrow from the event, its tables or the
 * record arena and live until the record is done.
 *
 * Times and durations are nanoseconds; TIME is wall-clock (Unix). IPv4 addresses stay IPv4: they
 * never equal an IPv6 address.
 */
#include "base/str.h"

struct buf;

enum value_type {
	VALUE_STR,
	VALUE_U64,
	VALUE_I64,
	VALUE_BOOL,
	VALUE_TIME,	/* u64: wall-clock ns */
	VALUE_DURATION, /* u64: ns */
	VALUE_PORT,	/* u64: 0..65535 */
	VALUE_IP,
	VALUE_LIST, /* of strings */
	VALUE_TYPES
};

struct ip {
	uint8_t b[16]; /* network order; IPv4 in the first four, the rest zero */
	uint8_t len;   /* 4 or 16; 0: none */
};

struct value {
	enum value_type type;
	union {
		struct str str;
		uint64_t u64;
		int64_t i64;
		bool b;
		struct ip ip;
		struct {
			const struct str *p;
			size_t n;
		} list;
	};
};

/* "string", "uint64", ... as shown by `porthole fields`. */
const char *value_type_name(enum value_type t);

/* As text, escaped for people (buf_text); lists as (a,b). */
void value_text(struct buf *b, const struct value *v);

/* As JSON: numbers and booleans bare, everything else a string, lists an array of strings. */
void value_json(struct buf *b, const struct value *v);

/* Address in its usual notation (inet_ntop's); "" for none. */
void ip_text(struct buf *b, const struct ip *ip);

/* The same with IPv6 in brackets, as it stands before a port. */
void ip_host_text(struct buf *b, const struct ip *ip);
