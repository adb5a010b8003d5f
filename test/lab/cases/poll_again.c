/*
 * cause: busy-poll
 * cpu: 1.5
 * peer: cpu=1
 *
 * A socket that does not block, read in a loop; something comes now and then.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char buf[100] = "news";
	double pause;
	int fd;

	begin(argc, argv);
	pause = vary(50, 300);
	if (role == 'b') {
		for (fd = accept(listen_on(7001, 1), NULL, NULL); move(fd, buf, sizeof(buf), true);)
			rest_ms(pause);
		return 1;
	}
	for (fd = connect_to(B, 7001);;)
		if (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			work_ms(1);
}
