/* Any bytes as a perf map, in two parts: found frames lie within the limits, and no read outside. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("perf-map", MFD_CLOEXEC);
	struct perf_map *m;
	struct frame f;

	if (fd < 0 || perf_map_new(&m) < 0)
		abort();
	for (size_t half = n / 2; half <= n; half = half < n ? n : n + 1) {
		if (pwrite(fd, data, half, 0) != (ssize_t)half || perf_map_update(m, fd) < 0)
			abort();
		for (uint64_t addr = 0; addr < 256; addr++)
			if (perf_map_find(m, addr, &f) &&
			    (f.function.n > PERF_MAP_NAME || !f.function.n))
				abort();
	}
	perf_map_free(m);
	close(fd);
	return 0;
}
