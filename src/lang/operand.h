#pragma once
/*
 * What yields the value on either side of a comparison, or in an output format: a field, a
 * transformer over such, a constant. Compiled from an ast_operand against the catalogue; fixed
 * afterwards. Strings and lists that a transformer makes come from field_arena(); without an
 * arena, or when it is full, the operand has no value.
 */
#include "event/field.h"
#include "lang/ast.h"

struct transform;

struct operand {
	bool (*get)(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret);
	enum value_type type;
	bool any; /* several values: nth counts up */
	const char *unit;
	struct field_ref ref; /* of a field; ref.field NULL for all others */
	struct value text;    /* of a constant */
	const struct operand *args;
	size_t nargs;
	const char *options; /* getopt's */
	int option;	     /* getopt's selected one, 0: none */
};

/* What the compiler of operands needs; positions in errors are in @text. */
struct operand_site {
	const struct catalogue *catalogue;
	struct pool *pool;
	struct str text;
	struct lang_error *error;
	bool right; /* val() is allowed */
};

/* 0, -ENOMEM, -EINVAL with the error filled. */
int operand_compile(const struct operand_site *site, const struct ast_operand *a,
		    struct operand *ret);

/* A field without transformers. */
int operand_field(const struct operand_site *site, const struct ast_operand *a, struct operand *ret);

/* Every field in it. */
void operand_fields(const struct operand *o, void (*cb)(void *ctx, const struct field_ref *ref),
		    void *ctx);

static inline bool operand_get(const struct operand *o, const struct event *ev, unsigned nth,
			       struct value *ret)
{
	return o->get(o, ev, nth, ret);
}
