#pragma once
/*
 * One request out of the node's history (agent/recall.h), by its id, told as `porthole requests --explain` tells one that was
 * just seen: the row is made an event again and written by the same form. What else the history knows of it: the same
 * request as its other end saw it, and, where the times of its thread are unknown, what its process asked meanwhile.
 */
#include "agent/recall.h"
#include "base/buf.h"

#define RECALLED_CALLS 16 /* of the process, at most */
#define RECALLED_ID    16 /* bytes of an id with its NUL, and more */

struct recalled;

/* An id as people type it (event/request.h), in its one form. False: it is none. */
bool recalled_id(const char *word, char ret[RECALLED_ID]);

/* @id: of recalled_id. 0; -ENOENT: there is none of that id (@why empty), or no history (@why says where); another -errno with @why. */
int recalled_find(const struct recall_opts *o, const char *id, struct recalled **ret,
		  struct buf *why);
void recalled_free(struct recalled *r);

void recalled_text(const struct recalled *r, struct buf *b);
/* An object: its fields, req.explain as an object, "other_end" and "meanwhile" where there are such; a line. */
void recalled_json(const struct recalled *r, struct buf *b);
