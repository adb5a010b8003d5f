#pragma once
/*
 * The one catalogue: all rooms' field tables joined, and the connection between types and kinds
 * that the expression language needs.
 */
#include "event/field.h"

/* Made on first use, never freed. NULL when memory runs out or two tables clash. */
const struct catalogue *catalogue_get(void);

/* The kinds that can have this evt.type; 0: none. */
uint64_t catalogue_type_kinds(struct str type);
