#pragma once
/*
 * A path with its variable parts folded, so that a handful of routes are left of a million paths:
 *
 *	/users/1234/orders/2024-01-31    /users/{id}/orders/{date}
 *	/static/app.3f2a1b9c.js?v=3      /static/app.{hash}.js
 *
 * Judged by shape alone, segment by segment: numbers, UUIDs, hashes, tokens, dates, e-mail and IP addresses,
 * slugs; what of a segment stands before or behind the variable part stays when it is plain. Versions stay
 * (v1). At most ROUTE_SEGMENTS segments, the rest is "*". Names that look like words cannot be told from words:
 * /users/alice stays.
 */
#include "base/str.h"

#define ROUTE_MAX      160 /* bytes of a route; a longer one ends in "*" */
#define ROUTE_SEGMENTS 12

/* @path without query. The result's length, at most ROUTE_MAX. */
size_t route_fold(struct str path, char ret[ROUTE_MAX]);
