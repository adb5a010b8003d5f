/* A pprof file of any bytes, plain or packed. What is read can be kept, and read again. */
#include <stdlib.h>

#include "agg/profile_file.h"
#include "agg/profile_pprof.h"
#include "base/cleanup.h"

#define INPUT_MAX 65536

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(struct str bytes)
{
	_cleanup_(profile_freep) struct profile *p = NULL, *q = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };

	if (profile_pprof_read(bytes, &p) != 0)
		return;
	must(profile_file_write(p, &b) == 0);
	must(profile_file_read(buf_slice(&b), &q) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check((struct str){ (const char *)data, size > INPUT_MAX ? INPUT_MAX : size });
	return 0;
}
