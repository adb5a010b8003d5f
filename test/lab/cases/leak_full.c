/*
 * cause: fd-leak
 * cpu: 1
 * peer: cpu=1
 *
 * A server that never closes has run into its limit: accept fails.
 */
#include "app.h"

static void *client(void *arg)
{
	for (;; rest_ms(30)) {
		int fd = try_connect(A, 7001);

		if (fd >= 0)
			close(fd);
	}
	return arg;
}

int main(int argc, char **argv)
{
	struct rlimit r = { 64, 64 };
	struct pollfd p = { .events = POLLIN };

	begin(argc, argv);
	r.rlim_cur = r.rlim_max = (rlim_t)vary(20, 64);
	if (role == 'b')
		client(NULL);
	setrlimit(RLIMIT_NOFILE, &r);
	for (p.fd = listen_on(7001, 1000); poll(&p, 1, -1) >= 0; rest_ms(5))
		accept(p.fd, NULL, NULL);
}
