/*
 * cause: request-errors
 * cpu: 1
 * peer: cpu=1
 *
 * A server, of which one route fails most of the time it is asked: what stands behind it is gone.
 */
#include "http.h"

static double failing;

static int answer(const char *path, char *body, size_t size)
{
	work_ms(0.3);
	if (strncmp(path, "/orders", 7) == 0 && vary(0, 1) < failing) {
		snprintf(body, size, "{\"error\":\"no connection\"}");
		return 500;
	}
	snprintf(body, size, "{\"path\":\"%s\",\"n\":%d}", path, (int)vary(1, 99));
	return 200;
}

int main(int argc, char **argv)
{
	static const char *const paths[] = { "/orders/%d", "/items/%d", "/items/%d/price", "/carts/%d" };
	char path[64];
	double pause;
	int fd;

	begin(argc, argv);
	failing = vary(0.6, 0.95);
	pause = vary(4, 15);
	if (role == 'a')
		http_serve(8080, answer);
	fd = connect_to(A, 8080);
	for (unsigned i = 0; snprintf(path, sizeof(path), paths[i % 4], (int)vary(1, 9999)); i++) {
		if (!http_get(fd, "shop", path))
			return 1;
		rest_ms(pause);
	}
}
