/*
 * The one static program inside the guest besides busybox and porthole: makes system calls with
 * known arguments, counts what BPF holds in the kernel, and checks lines of JSON. Its symbolic
 * links (vm-open, vm-connect, ...) give each piece of workload its own process name; every one
 * takes the same arguments, the command first. Prints what went wrong on standard error.
 *
 * Exit status: 0 yes / as expected, 1 no, 2 wrong arguments.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1 << 20)
#define COND_MAX       16

/* open PATH ERRNO: openat(2), read only; must end with that errno (0: must succeed). */
static int cmd_open(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, argv[1], O_RDONLY | O_CLOEXEC, 0);
	int err = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err == atoi(argv[2]))
		return 0;
	fprintf(stderr, "open %s: %s\n", argv[1], strerror(err));
	return 1;
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return sa;
}

/* connect PORT ERRNO: to 127.0.0.1 by TCP, blocking; must end with that errno. */
static int cmd_connect(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct sockaddr_in sa = loopback(argv[1]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err == atoi(argv[2]))
		return 0;
	fprintf(stderr, "connect to port %s: %s\n", argv[1], strerror(err));
	return 1;
}

/* calls PORT: a datagram to PORT, a duplicate of its socket, a memory file, an openat2 that creates. */
static int cmd_calls(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	struct sockaddr_in sa = loopback(argv[1]);
	uint64_t how[3] = { O_CREAT | O_WRONLY, 0700, 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (sendto(fd, "hello", 5, 0, (struct sockaddr *)&sa, sizeof(sa)) != 5 || dup2(fd, 40) != 40 ||
	    syscall(SYS_memfd_create, "memo", 1) < 0 ||
	    syscall(SYS_openat2, AT_FDCWD, "/tmp/vmtest-new", how, sizeof(how)) < 0) {
		perror("calls");
		return 1;
	}
	return 0;
}

/* listen PORT SECONDS: returns when the port listens; a child keeps it for so long. */
static int cmd_listen(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct sockaddr_in sa = loopback(argv[1]);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(fd, 8) != 0) {
		perror("listen");
		return 1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* keep no pipe of the caller's open */
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		sleep((unsigned)atoi(argv[2]));
	}
	return pid < 0;
}

/* exit CODE */
static int cmd_exit(int argc, char **argv)
{
	_exit(argc == 2 ? atoi(argv[1]) : 2);
}

/* open-after FLAG PATH SECONDS: waits for the file FLAG, so long at most, then opens PATH once. */
static int cmd_open_after(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	for (int i = 0; i < 10 * atoi(argv[3]) && access(argv[1], F_OK) != 0; i++)
		usleep(100 * 1000);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, argv[2], O_RDONLY | O_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return 0;
}

/* now: milliseconds since boot */
static int cmd_now(int argc, char **argv)
{
	struct timespec ts;

	(void)argc, (void)argv;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	printf("%lld\n", (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
	return 0;
}

static long bpf_ids_count(int cmd)
{
	union bpf_attr attr;
	uint32_t id = 0;
	long n = 0;

	for (;; n++) {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (syscall(SYS_bpf, cmd, &attr, sizeof(attr)) != 0)
			return errno == ENOENT ? n : -errno;
		id = attr.next_id;
	}
}

/* bpf-count: "PROGRAMS MAPS LINKS" in the kernel; a negative number is -errno. */
static int cmd_bpf_count(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("%ld %ld %ld\n", bpf_ids_count(BPF_PROG_GET_NEXT_ID),
	       bpf_ids_count(BPF_MAP_GET_NEXT_ID), bpf_ids_count(BPF_LINK_GET_NEXT_ID));
	return 0;
}

/* A scalar as text; NULL for what has no text. */
static const char *scalar_text(const json_t *v, char *room, size_t size)
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		snprintf(room, size, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(room, size, "%.17g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(room, size, "%s", json_is_true(v) ? "true" : "false");
	else
		return NULL;
	return room;
}

/* A condition: KEY OP TEXT. OP: '=' equal, '~' contains, '^' starts with, '$' ends with. */
struct cond {
	char key[64];
	char op;
	const char *text;
};

static bool cond_parse(const char *s, struct cond *ret)
{
	size_t n = strcspn(s, "=~^$");

	if (n == 0 || n >= sizeof(ret->key) || !s[n])
		return false;
	memcpy(ret->key, s, n);
	ret->key[n] = 0;
	ret->op = s[n];
	ret->text = s + n + 1;
	return true;
}

static bool cond_holds(const struct cond *c, const json_t *obj)
{
	char room[64];
	const char *v = scalar_text(json_object_get(obj, c->key), room, sizeof(room));

	if (!v)
		return false;
	size_t nv = strlen(v), nt = strlen(c->text);

	switch (c->op) {
	case '=':
		return strcmp(v, c->text) == 0;
	case '~':
		return strstr(v, c->text) != NULL;
	case '^':
		return strncmp(v, c->text, nt) == 0;
	default:
		return nv >= nt && strcmp(v + nv - nt, c->text) == 0;
	}
}

static long count_holding(FILE *f, const struct cond *conds, int nconds, bool print)
{
	static char line[LINE_MAX_BYTES];
	long n = 0;

	while (fgets(line, sizeof(line), f)) {
		json_t *obj = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		int i = 0;

		while (i < nconds && cond_holds(&conds[i], obj))
			i++;
		if (i == nconds) {
			n++;
			if (print)
				fputs(line, stdout);
		}
		json_decref(obj);
	}
	return n;
}

/* json-count FILE COND...: prints how many lines are objects for which all hold; 1 when none. */
static int cmd_json_count(int argc, char **argv)
{
	struct cond conds[COND_MAX];

	if (argc < 3 || argc - 2 > COND_MAX)
		return 2;
	for (int i = 2; i < argc; i++)
		if (!cond_parse(argv[i], &conds[i - 2]))
			return 2;
	FILE *f = fopen(argv[1], "r");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	bool print = strcmp(argv[0], "json-grep") == 0;
	long n = count_holding(f, conds, argc - 2, print);

	fclose(f);
	if (!print)
		printf("%ld\n", n);
	return n == 0;
}

/*
 * json-lines FILE KEY...: every line must be one JSON object (valid UTF-8, no key twice) that has
 * all the keys, and be ended by a newline; there must be at least one.
 */
static int cmd_json_lines(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	FILE *f = argc >= 2 ? fopen(argv[1], "r") : NULL;
	long n = 0, bad = 0;
	json_error_t err;

	if (!f) {
		perror(argc >= 2 ? argv[1] : "json-lines");
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		json_t *obj = json_loads(line, JSON_REJECT_DUPLICATES, &err);
		const char *why = obj ? NULL : err.text;

		n++;
		if (obj && !json_is_object(obj))
			why = "not an object";
		else if (!strchr(line, '\n'))
			why = "no newline at its end";
		for (int i = 2; !why && i < argc; i++)
			if (!json_object_get(obj, argv[i]))
				why = argv[i];
		if (why && bad++ < 5)
			fprintf(stderr, "line %ld: %s: %.300s\n", n, why, line);
		json_decref(obj);
	}
	fclose(f);
	if (n == 0)
		fprintf(stderr, "%s is empty\n", argv[1]);
	return n == 0 || bad > 0;
}

/* json-backward FILE KEY: prints on how many lines an integer is less than on the line before. */
static int cmd_json_backward(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;
	long long last = 0;
	long n = 0;

	if (!f)
		return 2;
	while (fgets(line, sizeof(line), f)) {
		json_t *obj = json_loads(line, 0, NULL);
		long long v = json_integer_value(json_object_get(obj, argv[2]));

		n += v < last;
		last = v;
		json_decref(obj);
	}
	fclose(f);
	printf("%ld\n", n);
	return 0;
}

static const struct cmd {
	const char *name;
	int (*run)(int argc, char **argv);
} cmds[] = {
	{ "open", cmd_open },
	{ "open-after", cmd_open_after },
	{ "connect", cmd_connect },
	{ "calls", cmd_calls },
	{ "listen", cmd_listen },
	{ "exit", cmd_exit },
	{ "now", cmd_now },
	{ "bpf-count", cmd_bpf_count },
	{ "json-count", cmd_json_count },
	{ "json-grep", cmd_json_count },
	{ "json-lines", cmd_json_lines },
	{ "json-backward", cmd_json_backward },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(cmds) / sizeof(cmds[0]); i++)
		if (strcmp(argv[1], cmds[i].name) == 0)
			return cmds[i].run(argc - 1, argv + 1);
	fprintf(stderr, "usage: vm_tool COMMAND ..., see the head of each command in vm_tool.c\n");
	return 2;
}
