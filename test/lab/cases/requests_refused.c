/*
 * cause: request-errors
 * cpu: 1
 * peer: cpu=1
 *
 * A client whose server says that it is not available, at once, and to nearly everything.
 */
#include "http.h"

static double failing;

static int answer(const char *path, char *body, size_t size)
{
	(void)path;
	if (vary(0, 1) < failing) {
		snprintf(body, size, "{\"error\":\"try again later\"}");
		return 503;
	}
	snprintf(body, size, "{\"stock\":%d}", (int)vary(1, 99));
	return 200;
}

int main(int argc, char **argv)
{
	char path[64];
	double pause;
	int fd;

	begin(argc, argv);
	failing = vary(0.5, 1);
	pause = vary(5, 20);
	if (role == 'b')
		http_serve(8080, answer);
	fd = connect_to(B, 8080);
	while (snprintf(path, sizeof(path), "/stock/%d", (int)vary(1, 9999))) {
		work_ms(0.5);
		if (!http_get(fd, "stock", path))
			return 1;
		rest_ms(pause);
	}
}
