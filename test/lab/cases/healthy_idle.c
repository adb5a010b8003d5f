/*
 * cause: healthy
 * cpu: 1
 *
 * It wakes up now and then, and looks around.
 */
#include "app.h"

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	for (pause = vary(300, 1500);; rest_ms(pause))
		work_ms(2);
}
