/*
 * cause: disk-io
 * cpu: 1
 *
 * Each record is forced to the disk before the next.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char record[8192] = "record";
	size_t size;
	off_t at = 0;
	int fd;

	begin(argc, argv);
	size = (size_t)vary(300, 6000);
	fd = open("journal", O_WRONLY | O_CREAT, 0644);
	need(fd >= 0, "journal");
	for (;; at = (at + (off_t)size) % (32 << 20)) {
		work_ms(0.2);
		pwrite(fd, record, size, at);
		fsync(fd);
	}
}
