/* Levenshtein distance, one row of the table at a time; at most 64 x 64 steps. */
#include "base/near.h"

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

unsigned near_edits(struct str a, struct str b)
{
	unsigned row[NEAR_BYTES_MAX + 1];

	if (a.n > NEAR_BYTES_MAX || b.n > NEAR_BYTES_MAX)
		return UINT32_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = above;
		}
	}
	return row[b.n];
}
