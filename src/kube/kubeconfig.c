/*
 * The kubeconfig reader: libyaml loads the document, small helpers walk it by name, one table says
 * which key becomes which field. Size is bounded by KUBE_AUTH_FILE_MAX; the walk goes down by fixed
 * steps, so anchors that repeat or contain themselves cost nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "kube/auth.h"

#define NODES_MAX 100000 /* children looked at of one mapping or list */

struct config {
	yaml_document_t *doc;
	const char *dir;
	struct kube_auth *auth;
	struct kube_auth_error *e;
};

/* How a key's value becomes a field. */
enum key_kind {
	KEY_TEXT,
	KEY_PATH,
	KEY_BASE64,
	KEY_BOOL,
	KEY_REFUSED
};

struct key {
	const char *name;
	uint8_t kind;
	size_t off;
	size_t off_other; /* the field this one makes void, or SIZE_MAX */
};

#define A(m) offsetof(struct kube_auth, m)

/*
 * In this order: data wins over a file, a token over a token file, as in Kubernetes' own clients.
 */
static const struct key cluster_keys[] = {
	{ "server", KEY_TEXT, A(server), SIZE_MAX },
	{ "proxy-url", KEY_TEXT, A(proxy), SIZE_MAX },
	{ "insecure-skip-tls-verify", KEY_BOOL, A(insecure), SIZE_MAX },
	{ "certificate-authority", KEY_PATH, A(ca_file), SIZE_MAX },
	{ "certificate-authority-data", KEY_BASE64, A(ca_pem), A(ca_file) },
	{ "tls-server-name", KEY_REFUSED, 0, 0 },
	{ 0 },
};

static const struct key user_keys[] = {
	{ "client-certificate", KEY_PATH, A(cert_file), SIZE_MAX },
	{ "client-certificate-data", KEY_BASE64, A(cert_pem), A(cert_file) },
	{ "client-key", KEY_PATH, A(key_file), SIZE_MAX },
	{ "client-key-data", KEY_BASE64, A(key_pem), A(key_file) },
	{ "token", KEY_TEXT, A(token), SIZE_MAX },
	{ "tokenFile", KEY_PATH, A(token_file), A(token) },
	{ "exec", KEY_REFUSED, 0, 0 },
	{ "auth-provider", KEY_REFUSED, 0, 0 },
	{ "username", KEY_REFUSED, 0, 0 },
	{ "as", KEY_REFUSED, 0, 0 },
	{ 0 },
};

static int config_bad(struct config *c, int r, const char *what, const char *name)
{
	snprintf(c->e->text, sizeof(c->e->text), "kubeconfig: %.100s %.100s", what, name);
	return r;
}

static bool scalar_is(const yaml_node_t *n, const char *z)
{
	return n && n->type == YAML_SCALAR_NODE && n->data.scalar.length == strlen(z) &&
	       memcmp(n->data.scalar.value, z, n->data.scalar.length) == 0;
}

static yaml_node_t *node_member(struct config *c, const yaml_node_t *map, const char *key)
{
	const yaml_node_pair_t *p;
	size_t looked = 0;

	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top && looked < NODES_MAX; p++, looked++)
		if (scalar_is(yaml_document_get_node(c->doc, p->key), key))
			return yaml_document_get_node(c->doc, p->value);
	return NULL;
}

/* The member @what of the element of list @list named @name: contexts, clusters, users. */
static yaml_node_t *node_named(struct config *c, const char *list, const char *name, const char *what)
{
	yaml_node_t *root = yaml_document_get_root_node(c->doc);
	const yaml_node_t *n = node_member(c, root, list);
	const yaml_node_item_t *i;
	size_t looked = 0;

	if (!n || n->type != YAML_SEQUENCE_NODE)
		return NULL;
	for (i = n->data.sequence.items.start; i < n->data.sequence.items.top && looked < NODES_MAX;
	     i++, looked++) {
		const yaml_node_t *e = yaml_document_get_node(c->doc, *i);

		if (scalar_is(node_member(c, e, "name"), name))
			return node_member(c, e, what);
	}
	return NULL;
}

/* A scalar as owned text; NULL when it is none, is empty, or has a NUL inside. */
static char *node_text(const yaml_node_t *n)
{
	if (!n || n->type != YAML_SCALAR_NODE || !n->data.scalar.length ||
	    memchr(n->data.scalar.value, 0, n->data.scalar.length))
		return NULL;
	return strndup((const char *)n->data.scalar.value, n->data.scalar.length);
}

static int base64_digit(char ch)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = ch ? strchr(digits, ch) : NULL;

	return at ? (int)(at - digits) : -1;
}

/*
 * Owned text, or NULL when @in is not base64 (RFC 4648, white space allowed) or decodes to a NUL.
 */
static char *base64_text(const char *in)
{
	_cleanup_(freep) char *out = malloc(strlen(in) / 4 * 3 + 4);
	uint32_t bits = 0;
	unsigned have = 0, pads = 0;
	size_t n = 0;

	for (; out && *in; in++) {
		int d = base64_digit(*in);

		if (*in == '=') {
			pads++;
			continue;
		}
		if (strchr(" \t\r\n", *in))
			continue;
		if (d < 0 || pads)
			return NULL;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have);
		}
	}
	if (!out || pads > 2 || have >= 6 || memchr(out, 0, n))
		return NULL;
	out[n] = 0;
	return take_ptr(out);
}

static int key_set(struct config *c, const struct key *k, const yaml_node_t *v)
{
	_cleanup_(freep) char *text = node_text(v);
	_cleanup_(freep) char *value = NULL;
	char **to = (char **)((char *)c->auth + k->off);

	if (k->kind == KEY_REFUSED)
		return config_bad(c, -ENOTSUP, "not supported here:", k->name);
	if (!text)
		return 0;
	switch (k->kind) {
	case KEY_BOOL:
		*(bool *)to = scalar_is(v, "true");
		return 0;
	case KEY_PATH:
		if (asprintf(&value, "%s%s%s", *text == '/' ? "" : c->dir, *text == '/' ? "" : "/",
			     text) < 0)
			value = NULL;
		break;
	case KEY_BASE64:
		value = base64_text(text);
		if (!value)
			return config_bad(c, -EBADMSG, "not valid base64:", k->name);
		break;
	default:
		value = take_ptr(text);
	}
	if (!value)
		return -ENOMEM;
	free(*to);
	*to = take_ptr(value);
	if (k->off_other != SIZE_MAX) {
		to = (char **)((char *)c->auth + k->off_other);
		free(*to);
		*to = NULL;
	}
	return 0;
}

static int keys_read(struct config *c, const struct key *k, const yaml_node_t *map)
{
	for (; k->name; k++) {
		const yaml_node_t *v = node_member(c, map, k->name);
		int r = v ? key_set(c, k, v) : 0;

		if (r)
			return r;
	}
	return 0;
}

/* "https://host:port/path/": the slash at the end goes; anything but http and https is refused. */
static int server_check(struct config *c)
{
	char *s = c->auth->server;
	size_t n = s ? strlen(s) : 0;

	if (!n)
		return config_bad(c, -EBADMSG, "the cluster has no server", "");
	if (strncmp(s, "https://", 8) && strncmp(s, "http://", 7))
		return config_bad(c, -EBADMSG, "the server is no http or https URL:", s);
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p == '?' || *p == '#')
			return config_bad(c, -EBADMSG, "the server is no plain URL:", s);
	if (s[n - 1] == '/')
		s[n - 1] = 0;
	return 0;
}

static int config_read(struct config *c, const char *context)
{
	yaml_node_t *root = yaml_document_get_root_node(c->doc);
	_cleanup_(freep) char *current = node_text(node_member(c, root, "current-context"));
	_cleanup_(freep) char *cluster = NULL;
	_cleanup_(freep) char *user = NULL;
	const yaml_node_t *n;
	int r;

	context = context ? context : current;
	if (!context)
		return config_bad(c, -EBADMSG, "it has no current-context", "");
	n = node_named(c, "contexts", context, "context");
	if (!n)
		return config_bad(c, -EBADMSG, "no such context:", context);
	cluster = node_text(node_member(c, n, "cluster"));
	user = node_text(node_member(c, n, "user"));
	n = cluster ? node_named(c, "clusters", cluster, "cluster") : NULL;
	if (!n)
		return config_bad(c, -EBADMSG, "no such cluster:", cluster ? cluster : "");
	r = keys_read(c, cluster_keys, n);
	if (!r)
		r = server_check(c);
	if (r || !user)
		return r;
	n = node_named(c, "users", user, "user");
	if (!n)
		return config_bad(c, -EBADMSG, "no such user:", user);
	return keys_read(c, user_keys, n);
}

int kube_auth_kubeconfig(struct str yaml, const char *dir, const char *context,
			 struct kube_auth *ret_auth, struct kube_auth_error *ret_e)
{
	_cleanup_(kube_auth_free) struct kube_auth a = { 0 };
	_cleanup_(yaml_parser_delete) yaml_parser_t parser;
	_cleanup_(yaml_document_delete) yaml_document_t doc = { 0 };
	struct config c = { .doc = &doc, .dir = dir, .auth = &a, .e = ret_e };
	int r;

	if (!yaml_parser_initialize(&parser)) {
		parser = (yaml_parser_t){ 0 };
		return -ENOMEM;
	}
	if (yaml.n > KUBE_AUTH_FILE_MAX)
		return config_bad(&c, -EBADMSG, "it is too large", "");
	yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.p ? yaml.p : ""), yaml.n);
	if (!yaml_parser_load(&parser, &doc)) {
		snprintf(ret_e->text, sizeof(ret_e->text), "kubeconfig: line %zu: %.150s",
			 parser.problem_mark.line + 1, parser.problem ? parser.problem : "no YAML");
		return -EBADMSG;
	}
	r = config_read(&c, context);
	if (r)
		return r;
	*ret_auth = a;
	a = (struct kube_auth){ 0 };
	return 0;
}
