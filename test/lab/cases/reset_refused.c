/*
 * cause: tcp-reset
 * cpu: 1
 * peer: cpu=1
 *
 * Nobody listens where it connects to, and it does not give up.
 */
#include "app.h"

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	for (pause = vary(10, 50);; rest_ms(role == 'b' ? 1000 : pause)) {
		if (role == 'b')
			continue;
		if (try_connect(B, 6379) >= 0)
			return 1;
		work_ms(0.3);
	}
}
