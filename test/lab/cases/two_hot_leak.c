/*
 * cause: hot-function fd-leak
 * cpu: 1.5
 *
 * A function takes the CPU, and descriptors stay open.
 */
#include "app.h"

static unsigned char pixels[1 << 16];

static __attribute__((noinline)) unsigned int blur(unsigned char *p, size_t n)
{
	unsigned int sum = 0;

	for (size_t i = 1; i + 1 < n; i++)
		sum += p[i] = (unsigned char)((p[i - 1] + 2u * p[i] + p[i + 1]) / 4);
	return sum;
}

int main(int argc, char **argv)
{
	double next = 0, every;

	begin(argc, argv);
	for (every = vary(25, 80);; pixels[next_random() % sizeof(pixels)] ^= 85) {
		blur(pixels, sizeof(pixels));
		if (now_ms() < next)
			continue;
		next = now_ms() + every;
		open("/dev/null", O_RDONLY);
	}
}
