/*
 * cause: syscall-rate
 * cpu: 1.5
 *
 * It asks the kernel for what it knows, without end.
 */
#include "app.h"

int main(int argc, char **argv)
{
	int between;

	begin(argc, argv);
	between = (int)vary(5, 60);
	for (uint64_t x = 0;;) {
		x += (uint64_t)syscall(SYS_getppid);
		for (int i = 0; i < between; i++)
			__asm__ volatile("" : "+r"(x));
	}
}
