/* Any bytes as a request and as a reply: refused, or what is printed of them reads back the same. */
#include <stdlib.h>

#include "api/question.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str line = { (const char *)data, n };
	_cleanup_(buf_free) struct buf why = { 0 }, one = { 0 }, two = { 0 };
	struct question r, back;
	struct reply reply;

	if (reply_parse(line, &reply) == 0)
		reply_free(&reply);
	if (question_parse(line, &r, &why) != 0) {
		if (!why.n)
			abort();
		return 0;
	}
	question_print(&r, &one);
	/* Escapes make text longer, so that what was read may be too long to be read again. */
	if (one.n <= REQUEST_BYTES_MAX) {
		if (question_parse(buf_slice(&one), &back, &why) != 0)
			abort();
		question_print(&back, &two);
		if (!str_eq(buf_slice(&one), buf_slice(&two)))
			abort();
		question_free(&back);
	}
	question_free(&r);
	return 0;
}
