/*
 * cause: dns
 * cpu: 1
 * peer: cpu=1
 * dns: 10.77.0.2
 *
 * The resolver answers, late. A new name is looked up for each job.
 */
#include "dns.h"

int main(int argc, char **argv)
{
	double late_ms;

	begin(argc, argv);
	late_ms = vary(60, 300);
	if (role == 'b')
		dns_serve(late_ms, 0);
	for (;;) {
		resolve("db-%d.shop.example", (int)vary(0, 3));
		work_ms(1);
		rest_ms(20);
	}
}
