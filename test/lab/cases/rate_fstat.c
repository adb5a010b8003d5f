/*
 * cause: syscall-rate
 * cpu: 1.5
 *
 * Whether the file has changed is asked before each record.
 */
#include "app.h"

int main(int argc, char **argv)
{
	struct stat st;
	int fd, batch;

	begin(argc, argv);
	batch = (int)vary(500, 3000);
	for (fd = file_make("state", MIB);; work_ms(0.02))
		for (int i = 0; i < batch; i++)
			need(fstat(fd, &st) == 0, "fstat");
}
