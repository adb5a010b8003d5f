#pragma once
/*
 * An item of a rule file as read.c hands it to define.c: the values of its keys, and for each what
 * its override says. Keys and their rights stand in one table, item_keys.
 */
#include "rule/loader.h"

enum item_key {
	KEY_ENGINE,
	KEY_PLUGINS,
	KEY_LIST,
	KEY_MACRO,
	KEY_RULE,
	KEY_ITEMS,
	KEY_CONDITION,
	KEY_OUTPUT,
	KEY_DESC,
	KEY_TAGS,
	KEY_EXCEPTIONS,
	KEY_PRIORITY,
	KEY_CAPTURE,
	KEY_CAPTURE_DURATION,
	KEY_ENABLED,
	KEY_WARN_EVTTYPES,
	KEY_SKIP,
	KEY_SOURCE,
	KEY_APPEND,
	KEY_OVERRIDE,
	KEYS
};

enum item_how {
	HOW_APPEND = 1,
	HOW_REPLACE = 2,
};

struct key_info {
	struct str name;
	unsigned in;  /* items that have it */
	unsigned can; /* overrides: HOW_APPEND, HOW_REPLACE */
};

extern const struct key_info item_keys[KEYS];

struct item {
	const struct node *map;
	struct str name;
	const struct node *value[KEYS]; /* NULL: the item has no such key */
	uint8_t how[KEYS];		/* what override says, 0: nothing */
	bool append, overrides;
};

/* The value, a text that is not empty. */
int item_text(struct loader *l, const struct item *i, enum item_key key, const struct node **ret);
/* *ret stays when the item has no such key. */
int item_bool(struct loader *l, const struct item *i, enum item_key key, bool *ret);
/* Checks that the value is a list of scalars. */
int item_list(struct loader *l, const struct item *i, enum item_key key);

/* define.c */
int list_item(struct loader *l, const struct item *i);
int macro_item(struct loader *l, const struct item *i);
int rule_item(struct loader *l, const struct item *i);
