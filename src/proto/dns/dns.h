#pragma once
/*
 * DNS messages, as one datagram or behind a length of two bytes: what they ask for, and the addresses they answer
 * with. Pure; names are shown to people, so they are in lower case and what is not printable is '?'. A compressed
 * name is followed backwards only and through 16 pointers at most. Sources: RFC 1035 (messages), 2136 and 1996
 * (opcodes), 3596 (AAAA), 6762 (mDNS), 6891 (EDNS: the upper bits of the result), 9460 (SVCB, HTTPS).
 *
 * dns.c is the parser of connections (proto/proto.h): a question is known by its id, name and type; asked again
 * before it was answered it stays one. method is the type (UPDATE, NOTIFY: the opcode), resource the name, route the
 * last two labels, status the result, answer the addresses, error "truncated" when the server says so. Multicast
 * (id 0, names in .local) has nobody who answers: one-way.
 */
#include <netinet/in.h>

#include "base/str.h"

#define DNS_NAME_MAX	256 /* bytes of a name with its dots and a NUL */
#define DNS_RECORDS_MAX 256 /* looked at in one message */
#define DNS_ADDRESS_MAX 16  /* told of one answer */

struct dns_message {
	uint16_t id;
	bool answer, truncated;
	uint8_t opcode;
	uint16_t rcode; /* 0 done, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED; upper bits: dns_records */
	uint16_t questions, answers, authorities, additionals;
	uint16_t type, class; /* of the first question; without questions (mDNS): the first record's */
	uint16_t body;	      /* offset behind the first question's name, type and class */
	char name[DNS_NAME_MAX];
};

struct dns_address {
	bool v6;
	union {
		struct in_addr a;
		struct in6_addr aaaa;
	};
};

/* The head and the first question. False: no DNS message, or one that is cut before its type. */
bool dns_read(struct str bytes, struct dns_message *ret);

/*
 * The records behind @m's first question: addresses that answer it, also through aliases, and *rcode with EDNS's upper
 * bits. -> addresses in @ret, at most @max. What is cut or wrong ends the list; *whole tells (may be NULL).
 */
size_t dns_records(struct str bytes, const struct dns_message *m, struct dns_address *ret,
		   size_t max, uint16_t *rcode, bool *whole);

/* "NXDOMAIN", "HTTPS", "UPDATE"; NULL: none has a name. */
const char *dns_rcode_name(unsigned rcode);
const char *dns_type_name(unsigned type);
const char *dns_opcode_name(unsigned opcode);
