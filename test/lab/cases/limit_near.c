/*
 * cause: memory-limit
 * cpu: 1
 * memory: 64..128
 *
 * A cache that has grown up to the container's limit, and goes on at its edge.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char *own, buf[4096];
	size_t size;
	int fd;

	begin(argc, argv);
	size = memory - (size_t)vary(1.2, 1.9) * MIB;
	own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t at = 0; at < size; at += 4096)
		own[at] = 1;
	fd = open("data", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, 1l << 40);
	for (off_t at = 0;; at += 4096) {
		pread(fd, buf, sizeof(buf), at);
		if (at % (4096 * 16) == 0)
			rest_ms(10);
		own[next_random() % size]++;
		work_ms(0.1);
	}
}
