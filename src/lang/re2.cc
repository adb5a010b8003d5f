/* The one C++ file: RE2's constructor, destructor and FullMatch. No exception leaves it. */
#include "lang/re2.h"

#include <re2/re2.h>

#include <cerrno>
#include <cstdio>
#include <new>

struct regex {
	RE2 re;
	regex(re2::StringPiece pattern, const RE2::Options &options) : re(pattern, options)
	{
	}
};

int regex_new(const char *pattern, size_t n, int64_t max_bytes, struct regex **ret, char *ret_why,
	      size_t why_size)
try {
	RE2::Options options(RE2::POSIX);

	options.set_log_errors(false);
	options.set_max_mem(max_bytes);
	struct regex *re = new regex(re2::StringPiece(pattern, n), options);

	if (!re->re.ok()) {
		snprintf(ret_why, why_size, "%s", re->re.error().c_str());
		delete re;
		return -EINVAL;
	}
	*ret = re;
	return 0;
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

void regex_free(struct regex *re)
{
	delete re;
}

bool regex_match(const struct regex *re, const char *p, size_t n)
try {
	return RE2::FullMatch(re2::StringPiece(p, n), re->re);
} catch (const std::bad_alloc &) {
	return false;
}
