/*
 * cause: page-faults tcp-reset
 * cpu: 1.5
 * peer: cpu=1
 *
 * Its database is down, and each try allocates a large buffer anew.
 */
#include "app.h"

static void *retry(void *arg)
{
	for (;; rest_ms(20))
		if (try_connect(B, 5432) >= 0)
			break;
	return arg;
}

int main(int argc, char **argv)
{
	size_t size;
	char *p;

	begin(argc, argv);
	for (; role == 'b'; rest_ms(1000))
		;
	size = (size_t)vary(4, 16) * MIB;
	for (thread_start(retry, NULL);; munmap(p, size)) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (size_t at = 0; at < size; at += 4096)
			p[at] = 1;
	}
}
