/* Any bytes as a receiver's answer: what is said lies within them. The first byte chooses between 200 and 400. */
#include "out/otlp/reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct otlp_reply r;
	struct str body;
	bool ok;

	if (!n)
		return 0;
	body = (struct str){ (const char *)data + 1, n - 1 };
	ok = otlp_reply_read(*data & 1 ? 400 : 200, body, &r);
	if (!ok && (r.rejected || r.message.n))
		abort();
	if (r.message.n && (r.message.p < body.p || r.message.p + r.message.n > body.p + body.n))
		abort();
	if ((*data & 1 && r.rejected) || r.rejected > INT64_MAX)
		abort();
	return 0;
}
