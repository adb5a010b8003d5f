/*
 * cause: logging
 * cpu: 1.5
 *
 * A trace in a file that is opened for appending, a write for each line.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char line[400];
	int fd, n, pad;

	begin(argc, argv);
	pad = (int)vary(60, 250);
	for (unsigned long i = 0;; i++) {
		if (i % 100000 == 0) {
			if (i)
				close(fd);
			fd = open("trace", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
			need(fd >= 0, "trace");
		}
		n = snprintf(line, sizeof(line), "step %lu %*s\n", i, pad, "done");
		write(fd, line, (size_t)n);
	}
}
