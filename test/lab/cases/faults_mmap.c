/*
 * cause: page-faults
 * cpu: 1.5
 *
 * A buffer is mapped, written and unmapped for each job.
 */
#include "app.h"

int main(int argc, char **argv)
{
	size_t size;
	char *p;

	begin(argc, argv);
	for (size = (size_t)vary(4, 24) * MIB;; munmap(p, size)) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(p != MAP_FAILED, "mmap");
		for (size_t at = 0; at < size; at += 4096)
			p[at] = 1;
		work_ms(0.3);
	}
}
