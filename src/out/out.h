#pragma once
/*
 * Output formats for events: each folder out/NAME makes lines of one form. A renderer holds caches,
 * belongs to one thread, and appends to a buffer; the caller writes it out.
 */
#include "base/buf.h"
#include "event/field.h"

struct out;

struct out_ops {
	/* @refs (n of them, borrowed) are the fields to show; n 0: the form's own choice. */
	int (*open)(const struct catalogue *c, const struct field_ref *refs, size_t n,
		    struct out **ret);
	/* Appends one line with its newline. */
	void (*event)(struct out *o, const struct event *ev, struct buf *b);
	void (*close)(struct out *o);
};

extern const struct out_ops out_json_ops, out_text_ops;
/* Events of kind `request` alone. */
extern const struct out_ops out_requests_ops, out_requests_wide_ops; /* wide: with its id */
