/* Any bytes: a name that is told is printable, ended, and not empty. */
#include <stdlib.h>

#include "agent/dns_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dns_head h;

	if (!dns_head_read((struct str){ (const char *)data, n }, &h))
		return 0;
	if (!h.name[0] || strnlen(h.name, sizeof(h.name)) == sizeof(h.name))
		abort();
	for (const char *p = h.name; *p; p++)
		if (*p <= ' ' || *p > '~')
			abort();
	return 0;
}
