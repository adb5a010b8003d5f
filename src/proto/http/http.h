#pragma once
/*
 * HTTP/1.0 and 1.1 (RFC 9110, RFC 9112): heads are read line by line as they come, bodies are skipped. Nothing
 * of a message is kept but what the exchange has.
 *
 * Answers belong to requests in order. HEAD, CONNECT, 1xx, 204 and 304 have no body; 1xx is not the answer.
 * 101 ends the protocol: a websocket or HTTP/2 follows, or something unknown that is only counted; so does an
 * accepted CONNECT.
 *
 * Tolerated: lines that end in LF alone, empty lines before a request, folded lines (what follows the fold is
 * not used), heads of any length up to HTTP_HEAD_MAX (a line longer than HTTP_LINE_MAX is cut there, REQ_CUT).
 * Refused, by name: what two readers could understand differently (lengths that contradict each other or chunked, a
 * folded length, blanks before a colon), and what is no HTTP.
 *
 * After a gap: the next line in which a head can begin; the end of a chunked body at the end of a record ends its
 * message. On a connection on which pipelining was seen, answers are paired again after a second of silence.
 */
#include "proto/exchange.h"

#define HTTP_LINE_MAX (8u << 10)
#define HTTP_HEAD_MAX (256u << 10)

extern const struct proto proto_http;
