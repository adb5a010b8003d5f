#pragma once
/*
 * Rule files to a ruleset: Falco's YAML (rules, macros, lists, exceptions, append, override,
 * required_engine_version), several files in order, the same merge rules and the same errors.
 * Source: falcosecurity/falco userspace/engine (rule_loader_*), engine 0.63; see doc/RULES.md.
 *
 * Pure: reads only the files named, logs nothing. Bounds: file size, items, nesting, text length
 * and time; what exceeds one is an error with its place.
 */
#include "rule/rule.h"

#define RULE_FILE_BYTES_MAX (16u << 20)
#define RULE_ITEMS_MAX	    65536 /* rules, macros and lists of all files */
#define RULE_FILES_MAX	    256
#define RULE_ENGINE_VERSION "0.63.0" /* the language's version that this loader speaks */

struct rule_source {
	const char *name; /* for messages */
	struct str text;
};

struct rule_opts {
	const struct catalogue *catalogue;
	uint64_t (*type_kinds)(struct str type); /* 0: no event has this evt.type */
	enum priority least; /* rules less severe are left out; PRIORITY_DEBUG: none */
};

/*
 * 0; -EINVAL: at least one error in @problems, *ret untouched; -ENOMEM. Warnings do not fail.
 */
int ruleset_load(const struct rule_opts *o, const struct rule_source *sources, size_t n,
		 struct problems *problems, struct ruleset **ret);

/*
 * The same from files. A directory stands for its .yaml and .yml files, in the order of their
 * names. A file that cannot be read is an error in @problems.
 */
int ruleset_load_files(const struct rule_opts *o, const char *const *paths, size_t n,
		       struct problems *problems, struct ruleset **ret);
