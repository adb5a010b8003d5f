/*
 * cause: hot-function
 * cpu: 1.5..2
 * flags: -s
 *
 * Products of matrices, part of the time; the symbols are stripped.
 */
#include "app.h"

#define N 96

static float a[N][N], b[N][N], c[N][N];

static __attribute__((noinline)) void multiply(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0;

			for (int k = 0; k < N; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] = sum;
		}
}

int main(int argc, char **argv)
{
	double rest, rounds;

	begin(argc, argv);
	rest = vary(1, 8);
	rounds = vary(20, 60);
	for (;; rest_ms(rest)) {
		for (int i = 0; i < (int)rounds; i++) {
			multiply();
			memcpy(a[i % N], c[i % N], sizeof(a[0]));
		}
		work_ms(0.5);
	}
}
