/*
 * cause: cache-thrash
 * cpu: 1
 * memory: 32..48
 *
 * An index that is mapped, and does not fit.
 */
#include "app.h"

int main(int argc, char **argv)
{
	volatile char *p;
	size_t size;
	int fd;

	begin(argc, argv);
	size = (size_t)((double)memory / MIB * vary(1.5, 2.2)) * MIB;
	fd = file_make("index", size);
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED, "mmap");
	madvise((void *)p, size, MADV_RANDOM);
	for (;; work_ms(0.05))
		(void)p[next_random() % size];
}
