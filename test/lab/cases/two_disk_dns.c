/*
 * cause: disk-io dns
 * cpu: 1
 * peer: cpu=1
 * dns: 10.77.0.2
 *
 * One thread forces records to the disk, another one resolves names at a slow resolver.
 */
#include "dns.h"

static void *journal(void *arg)
{
	char record[4000] = "record";
	int fd = open("journal", O_WRONLY | O_CREAT, 0644);

	for (off_t at = 0;; at = (at + 4000) % (16 << 20)) {
		pwrite(fd, record, sizeof(record), at);
		fsync(fd);
	}
	return arg;
}

int main(int argc, char **argv)
{
	double late_ms;

	begin(argc, argv);
	late_ms = vary(120, 300);
	if (role == 'b')
		dns_serve(late_ms, 0);
	for (thread_start(journal, NULL);; rest_ms(10))
		resolve("db-%d.shop.example", 1);
}
