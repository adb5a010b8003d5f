/*
 * cause: hot-function
 * cpu: 1.5..2
 *
 * A program that hashes a table again and again: one function, with its symbol.
 */
#include "app.h"

static uint32_t table[4096];

static __attribute__((noinline)) uint64_t table_hash(const uint32_t *t, size_t n)
{
	uint64_t h = 1469598103934665603;

	for (size_t i = 0; i < n; i++)
		h = (h ^ t[i]) * 1099511628211;
	__asm__ volatile("" : "+r"(h)); /* not pure: it is called as often as it says */
	return h;
}

int main(int argc, char **argv)
{
	double rounds;

	begin(argc, argv);
	rounds = vary(300, 900);
	for (uint64_t h = 0;; table[h % 4096] = (uint32_t)h) {
		for (int i = 0; i < (int)rounds; i++)
			h += table_hash(table, 4096);
		work_ms(0.2);
	}
}
