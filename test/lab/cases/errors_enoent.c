/*
 * cause: syscall-errors
 * cpu: 1
 *
 * It looks for a file in folders where it is not.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char path[100];
	double pause;

	begin(argc, argv);
	for (pause = vary(0.3, 2);; rest_ms(pause))
		for (int i = 0; i < 8; i++) {
			snprintf(path, sizeof(path), "/data/lib/%d/settings.conf", i);
			if (open(path, O_RDONLY) >= 0)
				return 1;
		}
}
