/*
 * cause: cpu-throttled
 * cpu: 0.15..0.35
 *
 * Enough work for a whole CPU, of which it may have a part. No function stands out.
 */
#include "app.h"

int main(int argc, char **argv)
{
	begin(argc, argv);
	for (;;) {
		work_ms(vary(30, 200));
		rest_ms(1);
	}
}
