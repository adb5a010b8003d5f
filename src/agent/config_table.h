#pragma once
/*
 * The table of configuration keys, shared by reading (config_read.c) and printing (config.c).
 * Internal to agent/config.
 */
#include "agent/config.h"

#define CONFIG_KEYS_MAX 96

enum config_type {
	CONFIG_BOOL,	 /* bool */
	CONFIG_UINT,	 /* uint32_t, min to max */
	CONFIG_CHOICE,	 /* uint32_t: place in choices */
	CONFIG_TEXT,	 /* char[size], may be "" */
	CONFIG_FILENAME, /* char[size], absolute; "" only when that is the default */
	CONFIG_ADDRESS,	 /* char[size], "host:port" */
	CONFIG_KINDS,	 /* uint64_t: a list of kinds */
	CONFIG_LIST,	 /* struct config_lines: a list of texts */
	CONFIG_TIME,	 /* uint64_t ns; min and max in ms */
	CONFIG_BYTES,	 /* uint64_t; min and max in KiB */
};

struct config_key {
	const char *name; /* "section.key" */
	enum config_type type;
	size_t offset, size;
	uint32_t min, max;
	const char *unit;
	const char *const *choices; /* ended by NULL */
	const char *standard;	    /* the default, as it stands in a file */
	const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

/*
 * Sets a key from the text of a scalar; for CONFIG_KINDS and CONFIG_LIST adds that element. 0, or -EINVAL, when
 * config_expected tells what should be there.
 */
int config_set(const struct config_key *k, struct str text, struct config *c);
void config_clear(const struct config_key *k, struct config *c);

/* Does it take a sequence, whose elements are set one by one? */
bool config_takes_list(const struct config_key *k);

/* "a whole number from 100 to 60000", "true or false". */
void config_expected(const struct config_key *k, struct buf *b);
