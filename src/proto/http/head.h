#pragma once
/*
 * The lines of an HTTP/1 head: first lines, and the fields that say how long the message is. Pure, one line at a time;
 * a line comes without its end.
 */
#include "base/str.h"

struct http_request_line {
	struct str method, target;
	uint8_t minor; /* of HTTP/1.minor */
};

struct http_status_line {
	uint16_t code;
	uint8_t minor;
};

/* How long a message is, as its fields say. */
struct http_framing {
	uint64_t length;
	bool has_length;
	bool chunked; /* the last transfer coding is chunked */
	bool coded;   /* there is a transfer coding */
};

/* NULL, or what is wrong. @cut: the line goes on behind what is there: the version is not seen. */
const char *http_request_line(struct str line, bool cut, struct http_request_line *ret);
const char *http_status_line(struct str line, struct http_status_line *ret);

/* NAME and what follows the colon of "NAME: value". NULL, or what is wrong. */
const char *http_field(struct str line, struct str *ret_name, struct str *ret_value);
/* Without blanks at its ends: a field's value. */
struct str http_trim(struct str s);

/* @s is the same as @lower, which has no capitals. */
bool http_is(struct str s, struct str lower);

/* The values of Content-Length and Transfer-Encoding; several of them come one by one. NULL, or what is wrong. */
const char *http_length(struct http_framing *f, struct str value);
const char *http_coding(struct http_framing *f, struct str value);

/* The line before a chunk: its size in hex, extensions. NULL, or what is wrong. */
const char *http_chunk_size(struct str line, uint64_t *ret);

/* Where in @s a head can begin: its offset, or s.n. */
size_t http_find_request(struct str s);
size_t http_find_status(struct str s);
