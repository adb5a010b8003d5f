/*
 * cause: dns
 * cpu: 1
 * peer: cpu=1
 * dns: 10.77.0.2
 *
 * A part of the questions is never answered: a second passes until they are asked again.
 */
#include "dns.h"

int main(int argc, char **argv)
{
	unsigned int lost;

	begin(argc, argv);
	lost = (unsigned int)vary(2, 4);
	if (role == 'b')
		dns_serve(1, lost);
	for (;; rest_ms(50)) {
		resolve("db-%d.shop.example", (int)vary(0, 2));
		work_ms(2);
	}
}
