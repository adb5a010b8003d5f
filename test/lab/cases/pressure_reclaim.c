/*
 * cause: memory-pressure
 * cpu: 2
 * memory: 64..96
 *
 * Its own memory leaves little for the page cache, and streams of files want it: whoever allocates has to
 * reclaim first. Nothing of them is read twice. The files are holes: no disk is in it.
 */
#include "app.h"

static void *stream(void *arg)
{
	static const size_t file = 1ul << 40;
	char *buf = malloc(MIB), path[20];
	int fd;

	snprintf(path, sizeof(path), "stream-%d", (int)(intptr_t)arg);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	need(fd >= 0 && ftruncate(fd, (off_t)file) == 0, path);
	for (off_t at = 0;; at += 1 << 17) {
		pread(fd, buf, 1 << 17, at);
		if (at % (1 << 22) == 0)
			rest_ms(0.1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	size_t size;
	char *own;

	begin(argc, argv);
	size = (size_t)((double)memory * vary(0.72, 0.8));
	own = malloc(size);
	memset(own, 1, size);
	__asm__ volatile("" : : "r"(own) : "memory"); /* it is kept, whatever the compiler thinks */
	for (int i = (int)vary(2, 5); i; i--)
		thread_start(stream, (void *)(intptr_t)i);
	stream(NULL);
}
