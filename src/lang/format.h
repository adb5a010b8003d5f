#pragma once
/*
 * Output formats: text with fields in it, Falco's way. Shared by `--format` and rule outputs.
 *
 *	%proc.name            a field
 *	%proc.aname[2]        with its argument
 *	%20proc.name          padded with blanks or cut to 20 characters
 *	%tolower(proc.name)   a transformer
 *	%%                    a percent sign (beyond Falco, where it is an error)
 *
 * The longest field name that the catalogue knows wins: %proc.names is %proc.name and an s. A field
 * that the event does not have prints as <NA>, a list as (a,b), everything else by value_text. Of a
 * FIELD_ANY field the first value is printed.
 *
 * A format owns all it needs but the catalogue's fields, and is read-only after parsing.
 */
#include "event/field.h"
#include "lang/error.h"

#define FORMAT_TEXT_MAX_BYTES (1u << 16)
#define FORMAT_WIDTH_MAX      1024

struct format;

/* 0, -ENOMEM, or -EINVAL with @e (may be NULL) filled. */
int format_parse(const struct catalogue *c, struct str text, struct format **ret,
		 struct lang_error *e);
void format_free(struct format *f);

static inline void format_freep(struct format **f)
{
	format_free(*f);
}

void format_print(const struct format *f, const struct event *ev, struct buf *b);

/* The same with the owner's own way to write a value (alerts: raw, for a writer that escapes). */
void format_print_by(const struct format *f, const struct event *ev, struct buf *b,
		     void (*print)(struct buf *b, const struct value *v));

/* The fields in the order of the text, each as written without % and width ("proc.aname[2]"). */
size_t format_count(const struct format *f);
struct str format_name(const struct format *f, size_t i);

/* The value of number @i (below format_count); false when the event does not have it. */
bool format_value(const struct format *f, size_t i, const struct event *ev, struct value *ret);

/* Every use of a field, those inside transformers too. */
void format_fields(const struct format *f, void (*cb)(void *ctx, const struct field_ref *ref),
		   void *ctx);
