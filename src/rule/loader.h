#pragma once
/*
 * One run of the loader, inside: what was defined, in which order, and what was said about it.
 * Stages, each in a file of its own and each a plain function over struct loader:
 *
 *	read.c        a document's items: their keys and overrides (read.h)
 *	define.c      lists, macros and rules from items, merged with earlier ones
 *	exception.c   a rule's exceptions: their shape, and as text behind the condition
 *	list.c        lists put into texts
 *	macro.c       macros parsed and bound to each other; texts with macros put in
 *	compile.c     rules to struct rule
 *
 * All memory is the pool's and goes with the loader; only struct ruleset outlives it. Functions
 * return 0, -EINVAL after adding an error to the problems, or -ENOMEM.
 */
#include "base/cleanup.h"
#include "base/near.h"
#include "rule/load.h"
#include "rule/names.h"
#include "rule/trace.h"

#define RULE_LIST_DEPTH_MAX  64		 /* lists of lists whose definition is still to come */
#define RULE_MACRO_DEPTH_MAX 1000	 /* macros inside each other */
#define RULE_BYTES_MAX	     (64u << 20) /* of all files */
#define RULE_TAGS_MAX	     256	 /* of one rule */
#define RULE_EXCEPTIONS_MAX  1024	 /* of one rule */
#define RULE_MACRO_BYTES_MAX (16u << 20) /* of all macros with lists put in */
#define RULE_RESOLVED_MAX    (32u << 20) /* of all conditions with everything put in */
#define RULE_REGEX_MAX	     4096	 /* regular expressions in all rules, macros put in */
#define RULE_CPU_SECONDS_MAX 30		 /* of the whole load */

/* What lists, macros and rules have in common. */
struct def {
	struct str name;
	const struct node *node; /* the item; of a redefined one the last */
	uint32_t index;		 /* order of the first definition, over all three */
	uint32_t visibility;	 /* of the last: what has a lower index is seen */
	bool used;
	uint8_t state; /* enum def_state */
};

enum def_state {
	DEF_NEW,
	DEF_BUSY, /* being resolved: who meets it again has found a loop */
	DEF_DONE,
	DEF_BAD, /* wrong, and said so */
};

struct list_item {
	const struct node *node;
	struct list_item *next;
};

struct list_def {
	struct def def;
	struct list_item *items, **tail;
	struct trace text; /* as it goes into conditions */
};

struct macro_def;

/* A macro's name in a text. */
struct use {
	uint32_t at;
	struct str name;
	struct macro_def *macro;
};

/* A condition: text, tree, and what of it the loader looks at. */
struct condition {
	struct trace text; /* lists put in */
	struct ast *ast;
	struct use *uses;
	size_t nuses, uses_cap;
	size_t expanded; /* bytes with macros put in */
	size_t regexes;	 /* in it and its macros */
	unsigned height; /* macros inside */
};

struct macro_def {
	struct def def;
	struct trace written;
	struct condition c;
	bool tried;		 /* compiled alone, to find who is to blame */
	struct macro_def *blame; /* then: who; NULL: nobody */
};

struct exception {
	struct str name;
	const struct node *node, *fields, *comps;
	struct list_item *values, **tail;
	struct exception *next;
};

struct rule_def {
	struct def def;
	struct str source, desc;
	const struct node *output_node, *condition_node;
	struct trace written, output;
	enum priority priority;
	struct str *tags;
	size_t ntags;
	struct exception *exceptions;
	size_t nexceptions;
	bool enabled, warn_evttypes, skip_unknown, foreign; /* foreign: of a source that is not ours */
	bool capture;
	uint32_t capture_ms;
};

struct loader {
	const struct rule_opts *o;
	struct problems *problems;
	struct pool pool;
	struct names lists, macros, rules;
	struct list_def **list; /* in order of index */
	struct macro_def **macro;
	struct rule_def **rule;
	size_t nlists, nmacros, nrules;
	uint32_t next;
	size_t nodes, bytes;
	unsigned depth;	       /* of lists being resolved */
	const char *item_type; /* what is being looked at, for problems: "rule", or NULL */
	struct str item_name;
	size_t macro_bytes, resolved, regexes;
	uint64_t start_ns; /* CPU time */
	bool stop;	   /* a bound of all rules together was reached */
};

/* problem.c's, with the item; loader_wrong returns -EINVAL. */
int loader_wrong(struct loader *l, struct place where, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void loader_warn(struct loader *l, struct place where, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Says what trace_check found at @node. */
int loader_text_wrong(struct loader *l, const struct node *node, int err);

static inline void loader_item(struct loader *l, const char *type, struct str name)
{
	l->item_type = type;
	l->item_name = name;
}

static inline struct place node_place(const struct node *n)
{
	return (struct place){ n->file, n->at };
}

/*
 * Where byte @off of a text was written; no place when it would not be kept anyway: finding it
 * takes as long as the text, and a text may hold a hundred thousand mistakes.
 */
static inline struct place loader_place(const struct loader *l, bool error, const struct trace *t,
					size_t off)
{
	return problem_fits(l->problems, error) ? trace_place(t, off) :
						  (struct place){ NULL, PLACE_WHOLE };
}

#define NEAR_PROBLEMS_MAX 20 /* so many names that are not known are compared with all that are */

/* Misspelled: fewer edits than this from a name, a third of it; 0: not looked for. */
static inline unsigned loader_edits_max(const struct loader *l, struct str name)
{
	if (l->problems->n >= NEAR_PROBLEMS_MAX)
		return 0;
	return name.n / 3 + 1 < NEAR_EDITS_MAX ? (unsigned)name.n / 3 + 1 : NEAR_EDITS_MAX;
}

/* Joins all parts into one string of @pool. -ENOMEM. */
int str_join(struct pool *pool, const struct str *parts, size_t n, struct str *ret);

/* read.c: all items of a document. Goes on behind a wrong item; -EINVAL when there was one. */
int loader_read(struct loader *l, const struct node *document);

/* exception.c: the key's value into the rule; @append: as an override or append has it. */
int exceptions_read(struct loader *l, struct rule_def *r, const struct node *value, bool append);
/* The condition as written into @to, exceptions behind it. */
int exceptions_write(struct loader *l, const struct rule_def *r, struct trace *to);

/* list.c */
int lists_resolve(struct loader *l);
/* @from into @to with lists in place of their names. */
void lists_substitute(struct loader *l, const struct trace *from, struct trace *to);

/* macro.c */
int macros_resolve(struct loader *l);
/* Parses c->text and binds what it uses to the macros whose index is below @visibility. */
int condition_parse(struct loader *l, struct condition *c, uint32_t visibility);
/* Looks through the checks of the tree, its own only, for what deserves a warning. */
void condition_warn(struct loader *l, const struct condition *c);
/* Measures a condition whose macros are resolved; an error when it comes to too much. */
int condition_limits(struct loader *l, struct condition *c);
/* c->expanded bytes: the text with macros put in. */
int condition_expand(const struct condition *c, struct pool *pool, struct str *ret);
/* The macro that is to blame for a condition that does not compile, or NULL: itself. */
struct macro_def *condition_blame(struct loader *l, const struct condition *c,
				  const struct expr_opts *opts);
void condition_free(struct condition *c);

/* compile.c: all rules, into @rs. */
int rules_compile(struct loader *l, struct ruleset *rs);

/* ruleset.c */
struct ruleset_pool {
	struct pool pool;
};
