/*
 * cause: busy-poll
 * cpu: 1.5
 *
 * It looks whether there is work, sleeps some microseconds, and looks again.
 */
#include "app.h"

static volatile int queue;

int main(int argc, char **argv)
{
	useconds_t pause;

	begin(argc, argv);
	for (pause = (useconds_t)vary(20, 90);; usleep(pause))
		if (queue)
			work_ms(1);
}
