/*
 * cause: healthy
 * cpu: 1.5
 *
 * A batch job that works for a moment, and rests until there is more.
 */
#include "app.h"

int main(int argc, char **argv)
{
	double work, rest;

	begin(argc, argv);
	work = vary(80, 250);
	for (rest = work * vary(6, 10);; rest_ms(rest))
		work_ms(work);
}
