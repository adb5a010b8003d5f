#pragma once
/*
 * Pieces of Prometheus' text format (version 0.0.4), for the files of this folder.
 */
#include "base/buf.h"

/*
 * Appends one label of a sample: the brace before the first, a comma before others. Backslash, quote and newline are
 * escaped, what is no UTF-8 becomes U+FFFD. The caller closes the brace.
 */
void page_label(struct buf *b, const char *name, struct str value);
