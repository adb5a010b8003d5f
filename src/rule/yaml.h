#pragma once
/*
 * A rule file as a tree: documents, mappings, sequences, scalars, each with its place. Built from
 * libyaml's events without recursion; what is too deep, too much, or refers to itself is an error
 * with its place. An alias shares what its anchor names, and counts as much again.
 *
 * Everything is taken from the pool that is handed in and borrows the file, which must live as
 * long. Read-only once made.
 */
#include "lang/pool.h"

#define YAML_DEPTH_MAX	 64
#define YAML_NODES_MAX	 (1u << 20) /* of all files of one load, aliases counted in full */
#define YAML_ANCHORS_MAX 1024	    /* of one document */

struct rule_file {
	const char *name;
	struct str text; /* without the byte order mark */
};

enum node_kind {
	NODE_NULL,
	NODE_SCALAR,
	NODE_MAP, /* children: key, value, key, value ... */
	NODE_SEQ,
};

enum node_style {
	STYLE_PLAIN,
	STYLE_SINGLE,
	STYLE_DOUBLE,
	STYLE_BLOCK, /* literal and folded */
};

struct node {
	enum node_kind kind;
	enum node_style style;
	const struct rule_file *file;
	uint32_t at, end;      /* bytes of the file */
	uint32_t line, column; /* from 1 */
	struct str text;
	struct node *child, *next;
	uint32_t size; /* nodes in it, itself too; 0 while it is being read */
};

struct yaml_wrong {
	size_t at;
	char message[200];
};

/*
 * The documents, linked by next, NULL for none. @nodes is counted up. 0, -ENOMEM, or -EINVAL with
 * @wrong filled.
 */
int yaml_read(struct pool *pool, const struct rule_file *file, size_t *nodes, struct node **ret,
	      struct yaml_wrong *wrong);

/* What YAML folds, strips or keeps between words; conditions have no other blanks. */
static inline bool yaml_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The value of @key in a mapping; NULL when there is none. */
const struct node *node_get(const struct node *map, struct str key);

/*
 * The byte of the file that offset @off of a scalar's text was read from; for a blank, the next
 * one that is none. Exact for all styles: what YAML folds and strips are blanks.
 */
size_t node_offset(const struct node *scalar, size_t off);
