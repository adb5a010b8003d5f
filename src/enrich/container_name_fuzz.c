/* The first byte selects the row of the table, the rest is the file. */
#include <stdlib.h>

#include "enrich/container_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct container_name got;

	if (n == 0 || n > CONTAINER_NAME_FILE_MAX)
		return 0;
	if (container_name_parse(data[0] % 16, STR("x"),
				 (struct str){ (const char *)data + 1, n - 1 }, &got))
		return 0;
	if (strnlen(got.name, sizeof(got.name)) == sizeof(got.name) ||
	    strnlen(got.image, sizeof(got.image)) == sizeof(got.image) ||
	    strnlen(got.pod_ns, sizeof(got.pod_ns)) == sizeof(got.pod_ns) ||
	    strnlen(got.bundle, sizeof(got.bundle)) == sizeof(got.bundle))
		abort();
	return 0;
}
