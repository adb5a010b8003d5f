/*
 * cause: hot-route
 * cpu: 1
 * peer: cpu=1
 *
 * A server, of which one route waits for something of its own before it answers; the others do not.
 */
#include "http.h"

static double slow_ms;

static int answer(const char *path, char *body, size_t size)
{
	work_ms(0.2);
	if (strncmp(path, "/reports", 8) == 0)
		rest_ms(slow_ms * vary(0.8, 1.2));
	snprintf(body, size, "{\"path\":\"%s\"}", path);
	return 200;
}

static void *ask(void *arg)
{
	static const char *const paths[] = { "/items/%d", "/carts/%d", "/items/%d/price", "/reports/%d",
					     "/items/%d" };
	int fd = connect_to(A, 8080);
	char path[64];

	for (unsigned i = 0; snprintf(path, sizeof(path), paths[i % 5], (int)vary(1, 9999)); i++) {
		if (!http_get(fd, "shop", path))
			exit(1);
		rest_ms(4);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	begin(argc, argv);
	slow_ms = vary(60, 250);
	if (role == 'a')
		http_serve(8080, answer);
	thread_start(ask, NULL);
	t = thread_start(ask, NULL);
	pthread_join(t, NULL);
}
