/*
 * cause: small-io
 * cpu: 1.5
 *
 * A file is written byte by byte.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char text[64] = "text";
	int fd, size;

	begin(argc, argv);
	size = (int)vary(1, 8);
	fd = open("out", O_WRONLY | O_CREAT, 0644);
	need(fd >= 0, "out");
	for (off_t at = 0;; at = (at + size) % (8 << 20))
		pwrite(fd, text, (size_t)size, at);
}
