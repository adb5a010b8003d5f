/*
 * cause: logging
 * cpu: 1.5
 *
 * Every step is told on standard output, line by line.
 */
#include "app.h"

int main(int argc, char **argv)
{
	int words;

	begin(argc, argv);
	words = (int)vary(3, 20);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned long i = 0;; i++) {
		printf("DEBUG request %lu:", i);
		for (int n = 0; n < words; n++)
			fputs(" value=12345", stdout);
		putchar('\n');
	}
}
