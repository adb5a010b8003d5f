#pragma once
/*
 * The expression language: `--where`, rule conditions. Text (ast.h) is compiled against a
 * catalogue of fields into a program of checks that jump to each other; matching an event runs it
 * without allocation (strings that a transformer or a field makes come from field_arena()).
 *
 * Semantics are Falco's (falcosecurity/libs, userspace/libsinsp/filter): a check on a field that
 * the event does not have is false, whatever the operator; `not` around it is therefore true. A
 * FIELD_ANY field compares true when any of its values does, != when all differ. On a list, `in`
 * wants every element in the set, `intersects` any; an empty list is in no set. `regex` is RE2's
 * POSIX syntax, the whole string; glob is fnmatch's without flags, `*` crosses '/'; `pmatch`
 * compares paths by whole components. Beyond Falco: numbers take a unit where the field has one
 * (200ms, 4KiB, 10MB), addresses compare with networks everywhere, ports have service names.
 *
 * An expr owns everything it needs except the catalogue's fields; it is read-only after parsing,
 * so threads may share it. Limits below; whatever exceeds one is an error, never a wrong answer.
 */
#include "event/field.h"
#include "lang/ast.h"

#define EXPR_CHECKS_MAX	       (1u << 16) /* comparisons in one expression, macros resolved */
#define EXPR_TREE_DEPTH_MAX    4000	  /* and, or, not and macros inside each other */
#define EXPR_REGEX_MAX	       1024	  /* regular expressions in one expression */
#define EXPR_REGEX_MAX_BYTES   (1u << 20) /* memory of each */
#define EXPR_PATTERN_MAX_BYTES 4096	  /* of a glob or regular expression */

struct expr_opts {
	/* The kinds that can have this evt.type, 0 for none; NULL: nothing is known. */
	uint64_t (*type_kinds)(struct str type);
	/* The macro of that name, or NULL; it must live until compilation ends. NULL: no macros. */
	const struct ast *(*ident)(void *ctx, struct str name);
	void *ctx;
};

struct expr;

/*
 * Parses and compiles. @opts may be NULL. 0, -ENOMEM, or -EINVAL with @e (may be NULL) filled.
 */
int expr_parse(const struct catalogue *c, struct str text, const struct expr_opts *opts,
	       struct expr **ret, struct lang_error *e);

/* The second half: for trees parsed before. Positions in @e are in the text of the tree at fault. */
int expr_compile(const struct catalogue *c, const struct ast *ast, const struct expr_opts *opts,
		 struct expr **ret, struct lang_error *e);
void expr_free(struct expr *x);

bool expr_match(const struct expr *x, const struct event *ev);

static inline void expr_freep(struct expr **x)
{
	expr_free(*x);
}

/* A value of a comparison; an IP has the bits of its network (32, 128: a single address). */
struct expr_value {
	struct value v;
	uint8_t bits;
};

struct constant;

/*
 * A condition on one field. EQ, STARTSWITH, ENDSWITH and CONTAINS hold when they do for any of the
 * values, and so do IN, INTERSECTS and PMATCH as in expr_match; all others have one value, EXISTS
 * none. FIELD_ANY fields as in expr_match.
 */
struct expr_cond {
	const struct field_ref *ref;
	enum expr_op op;
	const struct expr_value *values;
	size_t n;
	/* For expr_cond_holds: how the expression itself compares; NULL: by op and values. */
	bool (*compare)(const struct value *v, const struct constant *k);
	const struct constant *constant;
};

/*
 * The kinds whose events can match: a superset, never too small. Read from evt.type, evt.kind and
 * from field->kinds (0 there is taken to mean any).
 */
uint64_t expr_kinds(const struct expr *x);

/* Does it hold? The slow way, for tests and for few conditions. */
bool expr_cond_holds(const struct expr_cond *c, const struct event *ev);

/* Every use of a field, in no order; the same one may come several times. */
void expr_fields(const struct expr *x, void (*cb)(void *ctx, const struct field_ref *ref), void *ctx);

/* Comparisons in the program. */
size_t expr_checks(const struct expr *x);
