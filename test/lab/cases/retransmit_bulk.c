/*
 * cause: tcp-retransmit
 * cpu: 1
 * peer: cpu=1
 * delay: 0.5..2
 * loss: 2..6
 *
 * A stream to a peer over a wire that loses packets.
 */
#include "app.h"

int main(int argc, char **argv)
{
	char buf[8192] = "data";
	int fd, l;

	begin(argc, argv);
	if (role == 'b')
		for (l = listen_on(7001, 8);;)
			for (fd = accept(l, NULL, NULL); recv(fd, buf, sizeof(buf), 0) > 0;)
				;
	for (fd = connect_to(B, 7001); move(fd, buf, sizeof(buf), true);)
		work_ms(0.2);
	return 1;
}
