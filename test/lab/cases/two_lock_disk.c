/*
 * cause: lock-contention disk-io
 * cpu: 1.5
 *
 * Threads wait for a lock, and who has it waits for the disk.
 */
#include "app.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fd;

static void *thread(void *arg)
{
	char record[3000] = "record";

	for (;; work_ms(0.2)) {
		pthread_mutex_lock(&lock);
		pwrite(fd, record, sizeof(record), (off_t)(next_random() % 4000) * 4096);
		fsync(fd);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	fd = open("journal", O_WRONLY | O_CREAT, 0644);
	need(fd >= 0, "journal");
	for (int n = (int)vary(2, 6); n; n--)
		thread_start(thread, NULL);
	thread(NULL);
}
