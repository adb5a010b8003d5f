/*
 * cause: fd-leak
 * cpu: 1
 *
 * A descriptor is left open now and then: the path of an error forgets it.
 */
#include "app.h"

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	close(file_make("config", 4096));
	for (pause = vary(20, 90);; rest_ms(pause)) {
		close(open("config", O_RDONLY));
		open("config", O_RDONLY);
		work_ms(0.5);
	}
}
