#pragma once
/*
 * "Did you mean": how far two names are from each other. Pure; no allocation.
 */
#include "base/str.h"

/* Names with more bytes than this are near nothing. */
#define NEAR_BYTES_MAX 64
/* A name farther away than this many edits is not a misspelling. */
#define NEAR_EDITS_MAX 4

/* Levenshtein distance in bytes; UINT32_MAX when either has more than NEAR_BYTES_MAX. */
unsigned near_edits(struct str a, struct str b);
