/*
 * cause: small-io
 * cpu: 1.5
 *
 * A file is read a few bytes at a time, without a buffer.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char text[64];
	uint64_t sum = 0;
	size_t size;
	int fd;

	begin(argc, argv);
	size = (size_t)vary(1, 17);
	for (fd = file_make("in", 4 * MIB);; lseek(fd, 0, SEEK_SET))
		while (read(fd, text, size) > 0)
			sum += (uint64_t)text[0];
}
