/*
 * cause: syscall-errors
 * cpu: 1
 *
 * A file it may not open, and a try every millisecond. Root without its capabilities is nobody.
 */
#include "app.h"

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	close(open("secret", O_WRONLY | O_CREAT, 0));
	chmod("secret", 0);
	for (pause = vary(0.4, 1.5);; rest_ms(pause))
		if (open("/data/secret", O_RDONLY) >= 0)
			return 1;
}
