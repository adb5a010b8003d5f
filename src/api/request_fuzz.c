/* Any bytes as a request and as a reply: refused, or what is printed of them reads back the same. */
#include <stdlib.h>

#include "api/request.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str line = { (const char *)data, n };
	_cleanup_(buf_free) struct buf why = { 0 }, one = { 0 }, two = { 0 };
	struct request r, back;
	struct reply reply;

	if (reply_parse(line, &reply) == 0)
		reply_free(&reply);
	if (request_parse(line, &r, &why) != 0) {
		if (!why.n)
			abort();
		return 0;
	}
	request_print(&r, &one);
	/* Escapes make text longer, so that what was read may be too long to be read again. */
	if (one.n <= REQUEST_BYTES_MAX) {
		if (request_parse(buf_slice(&one), &back, &why) != 0)
			abort();
		request_print(&back, &two);
		if (!str_eq(buf_slice(&one), buf_slice(&two)))
			abort();
		request_free(&back);
	}
	request_free(&r);
	return 0;
}
