/*
 * cause: cache-thrash
 * cpu: 1
 * memory: 32..48
 *
 * A file that is larger than its memory may be, read over and over.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char *buf = malloc(MIB);
	size_t size;
	int fd;

	begin(argc, argv);
	size = (size_t)((double)memory / MIB * vary(1.6, 2.5)) * MIB;
	for (fd = file_make("table", size);;) {
		for (size_t at = 0; at < size; at += 1 << 16) {
			pread(fd, buf, 1 << 16, (off_t)at);
			work_ms(0.1);
		}
	}
}
