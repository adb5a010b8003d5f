/*
 * Items of rule files. An item's keys are found in one pass against the table below, which says
 * which items a key belongs to and what an override may do with it. Items are merged with earlier
 * ones as they come: a redefinition takes the place of the first, an append or override changes it.
 */
#include "rule/read.h"

#include <errno.h>

enum item_type {
	ITEM_ENGINE = 1,
	ITEM_PLUGINS = 2,
	ITEM_LIST = 4,
	ITEM_MACRO = 8,
	ITEM_RULE = 16,
};

#define DEFS (ITEM_LIST | ITEM_MACRO | ITEM_RULE)
#define BOTH (HOW_APPEND | HOW_REPLACE)

const struct key_info item_keys[KEYS] = {
	[KEY_ENGINE] = { STR("required_engine_version"), ITEM_ENGINE, 0 },
	[KEY_PLUGINS] = { STR("required_plugin_versions"), ITEM_PLUGINS, 0 },
	[KEY_LIST] = { STR("list"), ITEM_LIST, 0 },
	[KEY_MACRO] = { STR("macro"), ITEM_MACRO, 0 },
	[KEY_RULE] = { STR("rule"), ITEM_RULE, 0 },
	[KEY_ITEMS] = { STR("items"), ITEM_LIST, BOTH },
	[KEY_CONDITION] = { STR("condition"), ITEM_MACRO | ITEM_RULE, BOTH },
	[KEY_OUTPUT] = { STR("output"), ITEM_RULE, BOTH },
	[KEY_DESC] = { STR("desc"), ITEM_RULE, BOTH },
	[KEY_TAGS] = { STR("tags"), ITEM_RULE, BOTH },
	[KEY_EXCEPTIONS] = { STR("exceptions"), ITEM_RULE, BOTH },
	[KEY_PRIORITY] = { STR("priority"), ITEM_RULE, HOW_REPLACE },
	[KEY_CAPTURE] = { STR("capture"), ITEM_RULE, HOW_REPLACE },
	[KEY_CAPTURE_DURATION] = { STR("capture_duration"), ITEM_RULE, HOW_REPLACE },
	[KEY_ENABLED] = { STR("enabled"), ITEM_RULE, HOW_REPLACE },
	[KEY_WARN_EVTTYPES] = { STR("warn_evttypes"), ITEM_RULE, HOW_REPLACE },
	[KEY_SKIP] = { STR("skip-if-unknown-filter"), ITEM_RULE, HOW_REPLACE },
	[KEY_SOURCE] = { STR("source"), ITEM_RULE, 0 },
	[KEY_APPEND] = { STR("append"), DEFS, 0 },
	[KEY_OVERRIDE] = { STR("override"), DEFS, 0 },
};

/* The index of the key, KEYS when it is none of the table's. */
static unsigned key_find(struct str name)
{
	unsigned k = 0;

	while (k < KEYS && !str_eq(item_keys[k].name, name))
		k++;
	return k;
}

static const char *key_nearest(const struct loader *l, struct str name, unsigned type)
{
	unsigned best_edits = loader_edits_max(l, name);
	const char *best = NULL;

	for (unsigned k = 0; best_edits && k < KEYS; k++) {
		unsigned e = near_edits(name, item_keys[k].name);

		if (item_keys[k].in & type && e < best_edits) {
			best_edits = e;
			best = item_keys[k].name.p;
		}
	}
	return best;
}

#define NAME_ARG(s) (int)((s).n < 60 ? (s).n : 60), (s).p ? (s).p : ""

static void key_unknown(struct loader *l, const struct node *key, unsigned type)
{
	const char *near = key_nearest(l, key->text, type);

	if (near)
		loader_warn(l, node_place(key), WARN_UNKNOWN_KEY,
			    "unknown key %.*s is ignored; did you mean %s?", NAME_ARG(key->text),
			    near);
	else
		loader_warn(l, node_place(key), WARN_UNKNOWN_KEY, "unknown key %.*s is ignored",
			    NAME_ARG(key->text));
}

static void keys_read(struct loader *l, struct item *i, unsigned type)
{
	for (const struct node *k = i->map->child; k && k->next; k = k->next->next) {
		unsigned key = k->kind == NODE_SCALAR ? key_find(k->text) : KEYS;

		if (key == KEYS || !(item_keys[key].in & type))
			key_unknown(l, k, type);
		else if (i->value[key])
			loader_warn(l, node_place(k), WARN_DUPLICATE_KEY,
				    "%s stands in this item already; the first counts",
				    item_keys[key].name.p);
		else
			i->value[key] = k->next;
	}
}

/* Values */

int item_text(struct loader *l, const struct item *i, enum item_key key, const struct node **ret)
{
	const struct node *v = i->value[key];
	const char *name = item_keys[key].name.p;

	if (!v)
		return loader_wrong(l, node_place(i->map), ERR_SHAPE, "%s is missing", name);
	if (v->kind == NODE_NULL || (v->kind == NODE_SCALAR && v->text.n == 0))
		return loader_wrong(l, node_place(v), ERR_SHAPE, "%s is empty", name);
	if (v->kind != NODE_SCALAR)
		return loader_wrong(l, node_place(v), ERR_SHAPE, "%s: expected a text, found a %s",
				    name, v->kind == NODE_MAP ? "mapping" : "list");
	*ret = v;
	return 0;
}

int item_bool(struct loader *l, const struct item *i, enum item_key key, bool *ret)
{
	static const char *const words[2][4] = { { "false", "no", "off", "n" },
						 { "true", "yes", "on", "y" } };
	const struct node *v;
	int err = i->value[key] ? item_text(l, i, key, &v) : 0;

	if (err || !i->value[key])
		return err;
	for (unsigned b = 0; b < 2; b++)
		for (unsigned w = 0; w < 4; w++)
			if (v->text.n == strlen(words[b][w]) &&
			    strncasecmp(v->text.p, words[b][w], v->text.n) == 0) {
				*ret = b;
				return 0;
			}
	return loader_wrong(l, node_place(v), ERR_SHAPE, "%s: expected true or false",
			    item_keys[key].name.p);
}

/* Of scalars. */
int item_list(struct loader *l, const struct item *i, enum item_key key)
{
	const struct node *v = i->value[key];
	const char *name = item_keys[key].name.p;

	if (!v)
		return loader_wrong(l, node_place(i->map), ERR_SHAPE, "%s is missing", name);
	if (v->kind != NODE_SEQ)
		return loader_wrong(l, node_place(v), ERR_SHAPE, "%s: expected a list, as [a, b]",
				    name);
	for (const struct node *x = v->child; x; x = x->next)
		if (x->kind != NODE_SCALAR)
			return loader_wrong(l, node_place(x), ERR_SHAPE,
					    "%s: expected a plain value", name);
	return 0;
}

/* Overrides */

static int override_one(struct loader *l, struct item *i, unsigned type, const struct node *k)
{
	unsigned key = k->kind == NODE_SCALAR ? key_find(k->text) : KEYS;
	unsigned can = key < KEYS && item_keys[key].in & type ? item_keys[key].can : 0;
	struct str how = k->next->text;

	if (!can)
		return loader_wrong(l, node_place(k), ERR_SHAPE, "%.*s cannot be overridden",
				    NAME_ARG(k->text));
	if (str_eq(how, STR("append")) && !(can & HOW_APPEND))
		return loader_wrong(l, node_place(k->next), ERR_SHAPE,
				    "%s cannot be appended to; use replace", item_keys[key].name.p);
	if (!str_eq(how, STR("append")) && !str_eq(how, STR("replace")))
		return loader_wrong(l, node_place(k->next), ERR_SHAPE, "expected %s, found '%.*s'",
				    can & HOW_APPEND ? "append or replace" : "replace",
				    NAME_ARG(how));
	if (!i->value[key])
		return loader_wrong(l, node_place(k), ERR_SHAPE,
				    "an override of %s, but the item has no %s",
				    item_keys[key].name.p, item_keys[key].name.p);
	i->how[key] = str_eq(how, STR("append")) ? HOW_APPEND : HOW_REPLACE;
	i->overrides = true;
	return 0;
}

/* What an override item has beside its name must have an entry. */
static int override_rest(struct loader *l, const struct item *i)
{
	for (unsigned k = 0; k < KEYS; k++)
		if (i->value[k] && item_keys[k].can && !i->how[k])
			return loader_wrong(l, node_place(i->value[k]), ERR_SHAPE,
					    "%s has no entry below override: append or replace",
					    item_keys[k].name.p);
	return 0;
}

static int overrides_read(struct loader *l, struct item *i, unsigned type)
{
	const struct node *v = i->value[KEY_OVERRIDE];
	int err = item_bool(l, i, KEY_APPEND, &i->append);

	if (!err && i->append)
		loader_warn(l, node_place(i->value[KEY_APPEND]), WARN_DEPRECATED,
			    "append: true is deprecated; write override: and below it %s: append",
			    type == ITEM_LIST ? "items" : "condition");
	if (err || !v)
		return err;
	if (v->kind != NODE_MAP)
		return loader_wrong(
			l, node_place(v), ERR_SHAPE,
			"override: expected keys of the item, each with append or replace");
	for (const struct node *k = v->child; !err && k && k->next; k = k->next->next)
		err = override_one(l, i, type, k);
	if (!err && i->append && i->overrides)
		return loader_wrong(l, node_place(v), ERR_SHAPE,
				    "append: true and override cannot stand in one item; an entry "
				    "below override says append as well");
	return err || !i->overrides ? err : override_rest(l, i);
}

/* Versions */

static bool version_read(struct str s, unsigned v[3])
{
	char text[64], end = 0;
	int n;

	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	n = sscanf(text, "%5u.%5u.%5u%c", &v[0], &v[1], &v[2], &end);
	return strspn(text, "0123456789") && (n == 3 || (n == 4 && (end == '-' || end == '+')));
}

/* N is 0.N.0. */
static bool engine_read(struct str s, unsigned v[3])
{
	size_t digits = 0;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (digits != s.n || digits == 0 || digits > 9)
		return version_read(s, v);
	v[0] = v[1] = v[2] = 0;
	for (size_t i = 0; i < digits; i++)
		v[1] = v[1] * 10 + (unsigned)(s.p[i] - '0');
	return true;
}

static int engine_item(struct loader *l, const struct item *i)
{
	unsigned want[3], have[3];
	const struct node *v;
	int err = item_text(l, i, KEY_ENGINE, &v);

	if (err)
		return err;
	if (!engine_read(v->text, want))
		return loader_wrong(l, node_place(v), ERR_SHAPE,
				    "expected a version as 0.57.0, or a number");
	version_read(STR(RULE_ENGINE_VERSION), have);
	if (want[0] != have[0] || want[1] > have[1] || (want[1] == have[1] && want[2] > have[2]))
		return loader_wrong(
			l, node_place(v), ERR_ITEM,
			"these rules need version %u.%u.%u of the rule language, this is %s",
			want[0], want[1], want[2], RULE_ENGINE_VERSION);
	return 0;
}

/* name and version; *ret_have: it is a part of this program. */
static int plugin_one(struct loader *l, const struct node *map, bool *ret_have)
{
	const struct node *name = node_get(map, STR("name")),
			  *version = node_get(map, STR("version"));
	unsigned v[3];

	if (!name || !version || name->kind != NODE_SCALAR || version->kind != NODE_SCALAR)
		return loader_wrong(l, node_place(map), ERR_SHAPE,
				    "expected a plugin: name, version, alternatives");
	if (!version_read(version->text, v))
		return loader_wrong(l, node_place(version), ERR_ITEM, "expected a version as 0.4.0");
	*ret_have |= str_eq(name->text, STR("container"));
	return 0;
}

static int plugin_item(struct loader *l, const struct node *map)
{
	const struct node *others = node_get(map, STR("alternatives"));
	bool have = false;
	int err = plugin_one(l, map, &have);

	if (!err && others && others->kind != NODE_SEQ)
		return loader_wrong(l, node_place(others), ERR_SHAPE, "alternatives are a list");
	for (const struct node *x = others ? others->child : NULL; !err && x; x = x->next)
		err = plugin_one(l, x, &have);
	if (!err && !have)
		loader_warn(l, node_place(map), WARN_SOURCE,
			    "the plugin %.*s is not a part of this program",
			    NAME_ARG(node_get(map, STR("name"))->text));
	return err;
}

static int plugins_item(struct loader *l, const struct item *i)
{
	const struct node *v = i->value[KEY_PLUGINS];
	int err = 0;

	if (v->kind != NODE_SEQ)
		return loader_wrong(l, node_place(v), ERR_SHAPE,
				    "required_plugin_versions is a list of name and version");
	for (const struct node *x = v->child; !err && x; x = x->next)
		err = plugin_item(l, x);
	return err;
}

/* Items */

static const struct {
	enum item_key key;
	unsigned type;
	const char *label;
	int (*read)(struct loader *l, const struct item *i);
} types[] = {
	{ KEY_ENGINE, ITEM_ENGINE, NULL, engine_item },
	{ KEY_PLUGINS, ITEM_PLUGINS, NULL, plugins_item },
	{ KEY_LIST, ITEM_LIST, "list", list_item },
	{ KEY_MACRO, ITEM_MACRO, "macro", macro_item },
	{ KEY_RULE, ITEM_RULE, "rule", rule_item },
};

static int item_read(struct loader *l, struct item *i, size_t t)
{
	const struct node *name;
	int err = 0;

	loader_item(l, NULL, STR_NONE);
	if (l->nlists + l->nmacros + l->nrules >= RULE_ITEMS_MAX)
		return loader_wrong(l, node_place(i->map), ERR_ITEM,
				    "more than %d rules, macros and lists", RULE_ITEMS_MAX);
	i->value[types[t].key] = node_get(i->map, item_keys[types[t].key].name);
	if (types[t].label)
		err = item_text(l, i, types[t].key, &name);
	if (err)
		return err;
	if (types[t].label) {
		i->name = name->text;
		loader_item(l, types[t].label, name->text);
	}
	i->value[types[t].key] = NULL;
	keys_read(l, i, types[t].type);
	if (types[t].label)
		err = overrides_read(l, i, types[t].type);
	return err ? err : types[t].read(l, i);
}

static int node_read(struct loader *l, const struct node *n)
{
	struct item i = { .map = n };

	loader_item(l, NULL, STR_NONE);
	if (n->kind != NODE_MAP)
		return loader_wrong(l, node_place(n), ERR_SHAPE,
				    "expected an item, as `- rule: NAME` and its keys");
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		if (node_get(n, item_keys[types[t].key].name))
			return item_read(l, &i, t);
	loader_warn(l, node_place(n), WARN_UNKNOWN_ITEM,
		    "an item of this kind is not known and is ignored; there are rule, macro, list, "
		    "required_engine_version and required_plugin_versions");
	return 0;
}

int loader_read(struct loader *l, const struct node *document)
{
	int ret = 0;

	loader_item(l, NULL, STR_NONE);
	if (document->kind == NODE_NULL)
		return 0;
	if (document->kind != NODE_SEQ)
		return loader_wrong(l, node_place(document), ERR_SHAPE,
				    "expected a list of items, each as `- rule: NAME` and its keys");
	for (const struct node *x = document->child; x; x = x->next) {
		int err = x->kind == NODE_NULL ? 0 : node_read(l, x);

		if (err == -ENOMEM)
			return err;
		ret = err ? err : ret;
	}
	return ret;
}
