#pragma once
/*
 * What is wrong with a text someone wrote (an expression, an output format), and where.
 *
 * A lang_error is self-contained: it holds the message and the part of the source line around the
 * place, so it may outlive the text. Lines and columns count from 1; columns count characters
 * (a byte that is no UTF-8 counts as one). Control characters never reach the message or the
 * excerpt: they are shown as '?', so that both may go to a terminal as they are.
 */
#include "base/buf.h"

#define LANG_EXCERPT_CHARS 100 /* of the source line shown around the place */

struct lang_error {
	unsigned line, column;
	unsigned caret; /* characters of the excerpt before the place */
	char message[256];
	char excerpt[LANG_EXCERPT_CHARS * 4 + 16];
};

/* Fills @e for offset @at of @text; @e may be NULL. Always returns -EINVAL. */
int lang_error_at(struct lang_error *e, struct str text, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Three lines, each ended: "LINE:COLUMN: message", the excerpt, the caret below the place. */
void lang_error_print(const struct lang_error *e, struct buf *b);
