#pragma once
/*
 * RE2 behind C: regular expressions in POSIX syntax, matched against a whole string in time linear
 * in the string. What Falco uses, so the same expressions are accepted and mean the same.
 *
 * A regex is immutable and may be shared by threads; RE2 fills a cache of automaton states while
 * matching (at most EXPR_REGEX_MAX_BYTES with the program), and falls back to a slower linear
 * engine when it is full.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

/*
 * 0, -ENOMEM, or -EINVAL with what is wrong in @ret_why (NUL-terminated, cut to @why_size).
 * @max_bytes bounds program and cache.
 */
int regex_new(const char *pattern, size_t n, int64_t max_bytes, struct regex **ret, char *ret_why,
	      size_t why_size);
void regex_free(struct regex *re);

/* Does all of the text match? */
bool regex_match(const struct regex *re, const char *p, size_t n);

#ifdef __cplusplus
}
#endif
