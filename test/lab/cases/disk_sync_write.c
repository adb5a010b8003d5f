/*
 * cause: disk-io
 * cpu: 1
 *
 * Threads that write files of their own, opened O_DSYNC, and rename them: a mail queue.
 */
#include "app.h"

static double pause_ms;

static void *thread(void *arg)
{
	char body[20000] = "mail", path[40], to[40];
	int me = (int)(intptr_t)arg;

	for (unsigned int i = 0;; i++, rest_ms(pause_ms)) {
		int fd;

		snprintf(path, sizeof(path), "new-%d", me);
		snprintf(to, sizeof(to), "mail-%d-%u", me, i % 50);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC, 0644);
		need(fd >= 0, path);
		write(fd, body, sizeof(body));
		close(fd);
		rename(path, to);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	pause_ms = vary(0.2, 1);
	for (int n = (int)vary(1, 4); n; n--)
		thread_start(thread, (void *)(intptr_t)n);
	thread(NULL);
}
