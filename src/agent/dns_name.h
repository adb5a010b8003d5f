#pragma once
/*
 * The beginning of a DNS message: its id, whether it answers, the result, and the name it asks for.
 * For `porthole why`, which wants slow and failing names; pure, bounded, untrusted bytes.
 * Source: RFC 1035, sections 4.1.1 and 4.1.2.
 */
#include "base/str.h"

#define DNS_NAME_MAX 256

struct dns_head {
	uint16_t id;
	bool answer;
	uint8_t rcode; /* 0 done, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED */
	uint16_t type; /* 1 A, 28 AAAA, ... */
	char name[DNS_NAME_MAX];
};

/* False: not a DNS message with one question, or one that is cut before its name ends. */
bool dns_head_read(struct str bytes, struct dns_head *ret);

/* "NXDOMAIN", ...; "error" for others. */
const char *dns_rcode_name(uint8_t rcode);
