/*
 * cause: disk-io
 * cpu: 1
 *
 * Blocks here and there, past the page cache.
 */
#include "app.h"

#define SIZE (96 * MIB)

int main(int argc, char **argv)
{
	size_t block;
	char *buf;
	int fd;

	begin(argc, argv);
	block = 4096ul << (int)vary(0, 4);
	close(file_make("records", SIZE));
	fd = open("records", O_RDONLY | O_DIRECT);
	need(fd >= 0, "records");
	need(posix_memalign((void **)&buf, 4096, block) == 0, "memory");
	for (;; work_ms(0.05))
		pread(fd, buf, block, (off_t)(next_random() % (SIZE / block) * block));
}
