/* Any bytes as a jitdump, in two parts. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("jitdump", MFD_CLOEXEC);
	struct jitdump *j;
	struct frame f;

	if (fd < 0 || jitdump_new(&j) < 0)
		abort();
	for (size_t half = n / 2; half <= n; half = half < n ? n : n + 1) {
		if (pwrite(fd, data, half, 0) != (ssize_t)half)
			abort();
		if (jitdump_update(j, fd) == -1)
			abort();
		for (uint64_t addr = 0; addr < 0x4000; addr += 8)
			if (jitdump_find(j, addr, &f) &&
			    (f.function.n > JITDUMP_NAME || f.file.n > JITDUMP_NAME))
				abort();
	}
	jitdump_free(j);
	close(fd);
	return 0;
}
