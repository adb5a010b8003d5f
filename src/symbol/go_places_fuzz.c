/* Any bytes as a Go program: what is given out lies inside, and each return is one. */
#include <stdlib.h>
#include <string.h>

#include "symbol/go_places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int place(void *ctx, size_t name, int kind, uint64_t off)
{
	const struct image *im = ctx;
	uint8_t byte;

	if (name >= 3 || kind < GO_ENTRY || kind > GO_RETURN_KEPT ||
	    !bytes_read(&im->bytes, off, &byte, 1))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "a.Read", "a.none", "a.Write" };
	uint8_t *p = malloc(n ? n : 1);
	struct image im;

	if (!p)
		abort();
	memcpy(p, data, n);
	if (image_memory(p, n, &im) != 0)
		return 0;
	go_places_image(&im, names, 3, place, &im);
	image_close(&im);
	return 0;
}
