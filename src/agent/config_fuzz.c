/* Any bytes as a configuration: refused with a reason, or read; what is read survives printing. */
#include <stdlib.h>

#include "agent/config.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n };
	_cleanup_(buf_free) struct buf why = { 0 }, printed = { 0 };
	struct config c, back;
	int err = config_parse(text, "f", &c, &why);

	if (err) {
		if (why.n == 0 || memchr(why.p, '\0', why.n) || memchr(why.p, '\x1b', why.n))
			abort();
		return 0;
	}
	config_print(&c, &printed);
	if (config_parse(buf_slice(&printed), "p", &back, &why) != 0 ||
	    memcmp(&back, &c, sizeof(c)) != 0)
		abort();
	return 0;
}
