#pragma once
/*
 * Commands as tables: from one description come parsing, --help, the manual page and shell
 * completion. A command is one file in cli/ that ends in its `struct cli_command cmd_NAME`, and one
 * line in PORTHOLE_COMMANDS.
 *
 * Exit codes: 0 done, 1 failed, 2 used wrongly.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTHOLE_COMMANDS(X) \
	X(run)               \
	X(overhead)          \
	X(events)            \
	X(requests)          \
	X(map)               \
	X(ps)                \
	X(record)            \
	X(profile)           \
	X(why)               \
	X(query)             \
	X(detect)            \
	X(rules)             \
	X(doctor)            \
	X(fields)            \
	X(completion)        \
	X(manual)

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

enum cli_type {
	CLI_FLAG,     /* bool */
	CLI_STRING,   /* const char * */
	CLI_STRINGS,  /* struct cli_strings: the option may come several times */
	CLI_UINT,     /* uint64_t */
	CLI_DURATION, /* uint64_t, ns; "10s", "500ms", "2m", "1h", or seconds */
	CLI_FORMAT,   /* enum cli_format; "text" or "json" */
};

enum cli_format {
	CLI_TEXT,
	CLI_JSON,
};

#define CLI_STRINGS_MAX 64

struct cli_strings {
	const char *p[CLI_STRINGS_MAX];
	size_t n;
};

struct cli_option {
	char letter;	  /* 0: none */
	const char *name; /* NULL ends the list */
	const char *arg;  /* what the argument is called; NULL: none */
	enum cli_type type;
	size_t offset; /* in the command's options struct */
	const char *help;
	const char *complete; /* words for completion, or "FILE" */
};

struct cli_command {
	const char *name;
	const char *summary;	 /* one line, no full stop */
	const char *operands;	 /* "[FILE]"; NULL: none are taken */
	const char *description; /* paragraphs for --help and the manual */
	const char *examples;	 /* lines: command, tab, what it does */
	const struct cli_option *options;
	size_t options_size;
	/* @opts: the options struct, zeroed and filled. Returns enum cli_exit. */
	int (*run)(void *opts, int argc, char **argv);
};

#define X(name) extern const struct cli_command cmd_##name;
PORTHOLE_COMMANDS(X)
#undef X

extern const struct cli_command *const cli_commands[];
extern const size_t cli_commands_n;

/* "porthole: error: ..." and exit code CLI_USAGE or CLI_FAILED, for return. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with a message that may have several lines (an expression and its caret). */
struct buf;
int cli_usage_buf(const struct buf *why);

/* Parses @argv (argv[0]: the command's name) and runs it. Returns enum cli_exit. */
int cli_run(const struct cli_command *c, int argc, char **argv);

/* "10s", "500ms", "1.5m", "90" (seconds) to ns. False: not a duration. */
bool cli_duration(const char *text, uint64_t *ret_ns);

/* Writes all of it to standard output; false when that is gone or full. */
bool cli_write(const char *p, size_t n);

/* Writes all of it to a file of that name, new or overwritten. enum cli_exit; failures are told. */
int cli_write_file(const char *path, const char *p, size_t n);

/* Help and manual page of a command (NULL: of porthole itself) to standard output. */
void cli_help(const struct cli_command *c);
void cli_manual(const struct cli_command *c);

/* Options that several commands share; use as the last members' initialisers in a table. */
#define CLI_OPT_FORMAT(type_, member) \
	{ 'o',                        \
	  "output",                   \
	  "FORMAT",                   \
	  CLI_FORMAT,                 \
	  offsetof(type_, member),    \
	  "text (default) or json",   \
	  "text json" }
#define CLI_OPT_REPLAY(type_, member)              \
	{ 0,                                       \
	  "replay",                                \
	  "FILE",                                  \
	  CLI_STRING,                              \
	  offsetof(type_, member),                 \
	  "read a capture instead of this kernel", \
	  "FILE" }
