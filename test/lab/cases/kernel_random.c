/*
 * cause: kernel-cpu
 * cpu: 1.5
 *
 * Keys, made by the kernel, very many.
 */
#include <sys/random.h>

#include "app.h"

int main(int argc, char **argv)
{
	char *buf = malloc(MIB);
	size_t size;

	begin(argc, argv);
	for (size = (size_t)vary(30000, 400000);; work_ms(0.02))
		getrandom(buf, size, 0);
}
