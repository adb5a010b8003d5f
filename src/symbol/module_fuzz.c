/*
 * Any bytes as an ELF file: symbols, .gnu_debugdata, Go's tables, names demangled. Lines are not
 * asked for: libdw is not ours to fuzz, and runs in a process of its own (symbol/lines.h).
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look(struct module *m, uint64_t off)
{
	static struct arena text;
	struct frame f[MODULE_INLINED_MAX];
	size_t n;

	if (!text.p && arena_init(&text, 128 << 10) < 0)
		abort();
	arena_reset(&text);
	n = module_frames(m, off, off & 1, &text, f, MODULE_INLINED_MAX);
	if (n == 0 || n > MODULE_INLINED_MAX)
		abort();
	for (size_t i = 0; i < n; i++)
		if (f[i].function.n >= MODULE_NAME_MAX || f[i].linkage.n >= MODULE_NAME_MAX ||
		    f[i].file.n >= MODULE_NAME_MAX)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct module_opts o = { .root_fd = -1, .host_root_fd = -1 };
	int fd = memfd_create("module", MFD_CLOEXEC);
	struct module *m;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	if (module_open(fd, STR("/bin/x"), &o, &m) < 0)
		return 0;
	for (uint64_t off = 0; off < n + 64; off += 1 + n / 64)
		look(m, off);
	look(m, UINT64_MAX);
	if (module_bytes(m) > 64u << 20)
		abort();
	module_free(m);
	return 0;
}
