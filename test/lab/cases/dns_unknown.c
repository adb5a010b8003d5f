/*
 * cause: dns
 * cpu: 1
 * peer: cpu=1
 * dns: 10.77.0.2
 *
 * A name that does not exist, asked for again and again.
 */
#include "dns.h"

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	if (role == 'b')
		dns_serve(0.5, 0);
	for (pause = vary(5, 40);; rest_ms(pause)) {
		resolve("cache-%d.nowhere.example", 1);
		work_ms(0.5);
	}
}
