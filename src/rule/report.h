#pragma once
/*
 * How the loader says what is wrong: a place in a file, a code, and a message. Codes are the names
 * that Falco's load results have; LOAD_DUPLICATE_KEY is ours.
 */
#include <stdarg.h>

#include "rule/problem.h"
#include "rule/yaml.h"

#define ERR_FILE      "LOAD_ERR_FILE_READ"
#define ERR_YAML      "LOAD_ERR_YAML_PARSE"
#define ERR_SHAPE     "LOAD_ERR_YAML_VALIDATE"
#define ERR_CONDITION "LOAD_ERR_COMPILE_CONDITION"
#define ERR_OUTPUT    "LOAD_ERR_COMPILE_OUTPUT"
#define ERR_ITEM      "LOAD_ERR_VALIDATE"

#define WARN_SOURCE	   "LOAD_UNKNOWN_SOURCE"
#define WARN_NO_EVTTYPE	   "LOAD_NO_EVTTYPE"
#define WARN_FILTER	   "LOAD_UNKNOWN_FILTER"
#define WARN_UNUSED_MACRO  "LOAD_UNUSED_MACRO"
#define WARN_UNUSED_LIST   "LOAD_UNUSED_LIST"
#define WARN_UNKNOWN_ITEM  "LOAD_UNKNOWN_ITEM"
#define WARN_UNKNOWN_KEY   "LOAD_UNKNOWN_KEY"
#define WARN_DUPLICATE_KEY "LOAD_DUPLICATE_KEY"
#define WARN_DEPRECATED	   "LOAD_DEPRECATED_ITEM"
#define WARN_NO_VALUES	   "LOAD_APPEND_NO_VALUES"
#define WARN_MACRO_NAME	   "LOAD_INVALID_MACRO_NAME"
#define WARN_LIST_NAME	   "LOAD_INVALID_LIST_NAME"

#define PLACE_WHOLE SIZE_MAX /* of the file */

struct place {
	const struct rule_file *file;
	size_t at;
};

/* Warnings take at most half of the list, so that they hide no error. */
static inline bool problem_fits(const struct problems *p, bool error)
{
	return p->n < PROBLEMS_MAX && (error || p->warnings < PROBLEMS_MAX / 2);
}

/* Messages are cut at 255 bytes and hold no control characters. @item: "rule: NAME" or "". */
void problem_add(struct problems *p, bool error, const char *code, struct place where,
		 struct str item, const char *fmt, va_list args);
