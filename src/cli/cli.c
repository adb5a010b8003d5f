/* Parsing by table, on getopt_long. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define OPTIONS_MAX 48
#define HELP_CODE   1000

const struct cli_command *const cli_commands[] = {
#define X(name) &cmd_##name,
	PORTHOLE_COMMANDS(X)
#undef X
};
const size_t cli_commands_n = sizeof(cli_commands) / sizeof(cli_commands[0]);

static void complain(const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	log_error("%s", text);
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return CLI_FAILED;
}

int cli_usage_buf(const struct buf *why)
{
	struct str s = buf_slice(why);

	while (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	fprintf(stderr, "porthole: error: %.*s\n", STR_ARG(s));
	return CLI_USAGE;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

bool cli_write(const char *p, size_t n)
{
	return write_all(STDOUT_FILENO, p, n);
}

int cli_write_file(const char *path, const char *p, size_t n)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || !write_all(fd, p, n))
		return cli_fail("%s: %s", path, strerror(errno));
	return CLI_OK;
}

bool cli_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 },  { "ns", 1 },   { "us", 1e3 },  { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (end == text || errno || !(v >= 0) || v > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ret_ns = (uint64_t)(v * units[i].ns);
			return true;
		}
	return false;
}

static bool uint_parse(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (text[0] < '0' || text[0] > '9')
		return false;
	*ret = strtoull(text, &end, 10);
	return !errno && *end == '\0';
}

static bool strings_add(struct cli_strings *to, const char *text)
{
	if (to->n == CLI_STRINGS_MAX)
		return false;
	to->p[to->n++] = text;
	return true;
}

static bool value_set(const struct cli_option *o, const char *text, void *at)
{
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)at = true;
		return true;
	case CLI_STRING:
		*(const char **)at = text;
		return true;
	case CLI_STRINGS:
		return strings_add(at, text);
	case CLI_UINT:
		return uint_parse(text, at);
	case CLI_DURATION:
		return cli_duration(text, at);
	case CLI_FORMAT:
		*(enum cli_format *)at = strcmp(text, "json") == 0 ? CLI_JSON : CLI_TEXT;
		return strcmp(text, "json") == 0 || strcmp(text, "text") == 0;
	}
	return false;
}

/* getopt's two tables from ours; the code of an option is its place. */
static size_t options_make(const struct cli_command *c, struct option *ret_long, char *ret_short)
{
	size_t n = 0;

	*ret_short++ = ':';
	*ret_short++ = 'h';
	for (const struct cli_option *o = c->options; o && o->name && n < OPTIONS_MAX; o++, n++) {
		ret_long[n] = (struct option){ o->name, o->arg ? required_argument : no_argument,
					       NULL, (int)(n + 1) };
		if (!o->letter)
			continue;
		*ret_short++ = o->letter;
		if (o->arg)
			*ret_short++ = ':';
	}
	ret_long[n] = (struct option){ "help", no_argument, NULL, HELP_CODE };
	ret_long[n + 1] = (struct option){ 0 };
	*ret_short = '\0';
	return n;
}

static const struct cli_option *option_of(const struct cli_command *c, size_t n, int code)
{
	for (size_t i = 0; i < n; i++)
		if (code == (int)(i + 1) || (c->options[i].letter && code == c->options[i].letter))
			return &c->options[i];
	return NULL;
}

static int options_parse(const struct cli_command *c, int argc, char **argv, void *opts)
{
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 3];
	size_t n = options_make(c, longs, shorts);
	int code;

	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct cli_option *o = option_of(c, n, code);

		if (code == 'h' || code == HELP_CODE) {
			cli_help(c);
			return -1;
		}
		if (code == ':')
			return cli_usage("%s needs a value; see porthole %s --help",
					 argv[optind - 1], c->name);
		if (!o)
			return cli_usage("unknown option %s; see porthole %s --help",
					 argv[optind - 1], c->name);
		if (!value_set(o, optarg, (char *)opts + o->offset))
			return cli_usage("--%s: \"%s\" is no valid %s; see porthole %s --help",
					 o->name, optarg, o->arg, c->name);
	}
	return CLI_OK;
}

int cli_run(const struct cli_command *c, int argc, char **argv)
{
	_cleanup_(freep) void *opts = calloc(1, c->options_size ? c->options_size : 1);
	int err;

	if (!opts)
		return cli_fail("out of memory");
	err = options_parse(c, argc, argv, opts);
	if (err)
		return err < 0 ? CLI_OK : err;
	if (!c->operands && optind < argc)
		return cli_usage("unexpected \"%s\"; see porthole %s --help", argv[optind], c->name);
	return c->run(opts, argc - optind, argv + optind);
}
