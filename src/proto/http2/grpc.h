#pragma once
/*
 * gRPC over HTTP/2: status codes by name, messages in percent-encoding, and where messages begin in DATA: each has
 * a prefix of 5 bytes, compressed or not and its length. Source: gRPC's "PROTOCOL-HTTP2" and "statuscodes" pages.
 */
#include "base/str.h"

#define GRPC_PREFIX 5

/* "NOT_FOUND"; NULL: there is no such code. Static. */
const char *grpc_status_name(uint64_t code);

/* The digits of grpc-status. False: not a number of at most 4 digits. */
bool grpc_status_read(struct str s, uint64_t *ret);

/* @ret: at most @max bytes of @s with %XX decoded; how many. */
size_t grpc_message(struct str s, char *ret, size_t max);
