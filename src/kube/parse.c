/*
 * Table-driven reading of API objects. A row's path is walked to every value it selects; the row's
 * kind says what is done with each. The tables at the end are the whole knowledge about Kubernetes
 * types.
 */
#include "kube/parse.h"

#include <errno.h>

enum field_kind {
	FIELD_STR,	 /* the first value selected becomes the struct str at `off` */
	FIELD_BOOL,	 /* the bool at `off` */
	FIELD_INT,	 /* the int at `off` */
	FIELD_ADDRESS,	 /* each value is appended to addresses */
	FIELD_ADDRESS_1, /* the same, only when there is none so far: older servers' single field */
	FIELD_LABELS,	 /* the members of an object */
	FIELD_ANNOTATIONS, /* likewise, with their own maxima */
	FIELD_PRIVILEGED,  /* each value is a container of the spec */
	FIELD_CONTAINERS,  /* each value is a container status; `arg` is its kind */
};

struct field {
	const char *path;
	uint8_t kind;
	uint8_t arg;
	uint16_t off;
};

struct parse {
	void *out; /* what `off` counts from */
	struct kube_obj *o;
	struct arena *arena;
	const json_t *root;
	uint64_t cut;
	bool full; /* the arena */
	bool privileged_mixed;
};

/* --- paths ------------------------------------------------------------------------------------ */

static struct str path_word(const char **path)
{
	const char *p = *path;
	size_t n = strcspn(p, " ");

	*path = p + n + (p[n] == ' ');
	return (struct str){ p, n };
}

/* Does element @v have what "[key=value]" asks for? Booleans compare as true and false. */
static bool element_matches(const json_t *v, struct str word)
{
	struct str in = { word.p + 1, word.n - 2 };
	const char *eq = memchr(in.p, '=', in.n);
	struct str want;
	const json_t *have;

	if (!in.n || !eq)
		return true;
	want = str_skip(in, (size_t)(eq - in.p) + 1);
	have = json_object_getn(v, in.p, (size_t)(eq - in.p));
	if (json_is_boolean(have))
		return str_eq(want, json_is_true(have) ? STR("true") : STR("false"));
	return json_is_string(have) &&
	       str_eq(want, (struct str){ json_string_value(have), json_string_length(have) });
}

typedef void field_fn(struct parse *p, const struct field *f, const json_t *v);

static void path_walk(struct parse *p, const struct field *f, const char *path, const json_t *v,
		      field_fn *fn);

/* Goes on with @path in each element @word selects. */
static void path_elements(struct parse *p, const struct field *f, const char *path, const json_t *v,
			  field_fn *fn, struct str word)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *e = json_array_get(v, i);

		if (element_matches(e, word))
			path_walk(p, f, path, e, fn);
	}
}

/* Calls @fn for each value the path selects. Recursion is bounded by the path's words. */
static void path_walk(struct parse *p, const struct field *f, const char *path, const json_t *v,
		      field_fn *fn)
{
	while (*path && v) {
		struct str word = path_word(&path);

		if (word.p[0] == '[') {
			path_elements(p, f, path, v, fn, word);
			return;
		}
		v = json_object_getn(v, word.p, word.n);
	}
	if (v)
		fn(p, f, v);
}

/* --- values ----------------------------------------------------------------------------------- */

/* False when @v is no string, or an over-long one (counted). */
static bool value_str(struct parse *p, const json_t *v, struct str *ret)
{
	if (!json_is_string(v))
		return false;
	if (json_string_length(v) > KUBE_STR_MAX) {
		p->cut++;
		return false;
	}
	*ret = (struct str){ json_string_value(v), json_string_length(v) };
	return true;
}

static void address_add(struct parse *p, const json_t *v)
{
	struct kube_obj *o = p->o;
	struct str s;

	if (!value_str(p, v, &s) || !s.n || str_eq(s, STR("None")))
		return;
	if (o->addresses_n == KUBE_ADDRESSES_MAX) {
		p->cut++;
		return;
	}
	if (!o->addresses)
		o->addresses = arena_alloc(p->arena, KUBE_ADDRESSES_MAX * sizeof(s));
	if (!o->addresses)
		p->full = true;
	else
		((struct str *)o->addresses)[o->addresses_n++] = s;
}

static void labels_add(struct parse *p, const json_t *v)
{
	struct kube_obj *o = p->o;
	size_t n = json_object_size(v);
	struct kube_label *list;
	struct kube_label l;
	const char *key;
	size_t key_n;
	json_t *value;

	if (!n || o->labels)
		return;
	if (n > KUBE_LABELS_MAX)
		n = KUBE_LABELS_MAX;
	list = arena_alloc(p->arena, n * sizeof(*list));
	if (!list) {
		p->full = true;
		return;
	}
	o->labels = list;
	json_object_keylen_foreach((json_t *)v, key, key_n, value)
	{
		l.key = (struct str){ key, key_n };
		if (o->labels_n == n || key_n > KUBE_STR_MAX)
			p->cut++;
		else if (value_str(p, value, &l.value))
			list[o->labels_n++] = l;
	}
}

/* kubectl's copy of the whole object: said again, and long. */
#define LAST_APPLIED STR("kubectl.kubernetes.io/last-applied-configuration")

static bool annotation_fits(struct parse *p, const struct kube_label *l)
{
	if (p->o->annotations_n < KUBE_ANNOTATIONS_MAX && l->key.n <= KUBE_STR_MAX &&
	    l->value.n <= KUBE_ANNOTATION_MAX)
		return true;
	p->cut++;
	return false;
}

static void annotations_add(struct parse *p, const json_t *v)
{
	struct kube_obj *o = p->o;
	struct kube_label *list;
	const char *key;
	size_t key_n;
	json_t *value;

	if (!json_object_size(v) || o->annotations)
		return;
	list = arena_alloc(p->arena, KUBE_ANNOTATIONS_MAX * sizeof(*list));
	if (!list) {
		p->full = true;
		return;
	}
	o->annotations = list;
	json_object_keylen_foreach((json_t *)v, key, key_n, value)
	{
		struct kube_label l = { { key, key_n },
					{ json_string_value(value), json_string_length(value) } };

		if (json_is_string(value) && !str_eq(l.key, LAST_APPLIED) && annotation_fits(p, &l))
			list[o->annotations_n++] = l;
	}
}

/* What a container of the spec says; saying nothing means no. */
static uint8_t spec_privileged(const json_t *c)
{
	const json_t *v = json_object_get(json_object_get(c, "securityContext"), "privileged");

	return json_is_true(v) ? KUBE_SAID_YES : KUBE_SAID_NO;
}

/* `privileged_mixed` once two of the spec's containers differ. */
static void privileged_add(struct parse *p, const json_t *c)
{
	struct kube_obj *o = p->o;
	uint8_t said = spec_privileged(c);

	if (!json_is_object(c) || p->privileged_mixed)
		return;
	p->privileged_mixed = o->privileged && o->privileged != said;
	o->privileged = p->privileged_mixed ? KUBE_SAID_NOTHING : said;
}

/* "containerd://0123" -> "0123" */
static struct str id_strip(struct str s)
{
	const char *at = memmem(s.p, s.n, "://", 3);

	return at ? str_skip(s, (size_t)(at - s.p) + 3) : s;
}

/*
 * What the spec says of the container of that name: whether it is privileged; and its image: a
 * runtime may report that only by its digest, then the pod's own wording is the useful one.
 */
static void container_from_spec(struct parse *p, struct kube_container *k)
{
	static const char *const lists[KUBE_CONTAINER_KINDS] = { "containers", "initContainers",
								 "ephemeralContainers" };
	const json_t *list = json_object_get(json_object_get(p->root, "spec"), lists[k->kind]);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < KUBE_CONTAINERS_MAX; i++) {
		const json_t *c = json_array_get(list, i);
		struct str name;

		if (value_str(p, json_object_get(c, "name"), &name) && str_eq(name, k->name)) {
			if (!k->image.n || str_starts(k->image, STR("sha256:")))
				(void)value_str(p, json_object_get(c, "image"), &k->image);
			k->privileged = spec_privileged(c);
			return;
		}
	}
}

static void container_add(struct parse *p, const json_t *v, uint8_t kind)
{
	struct kube_obj *o = p->o;
	struct kube_container k = { .kind = kind };
	json_int_t restarts = json_integer_value(json_object_get(v, "restartCount"));

	if (!value_str(p, json_object_get(v, "name"), &k.name))
		return;
	if (o->containers_n == KUBE_CONTAINERS_MAX) {
		p->cut++;
		return;
	}
	if (!o->containers)
		o->containers = arena_alloc(p->arena, KUBE_CONTAINERS_MAX * sizeof(k));
	if (!o->containers) {
		p->full = true;
		return;
	}
	if (value_str(p, json_object_get(v, "containerID"), &k.id))
		k.id = id_strip(k.id);
	(void)value_str(p, json_object_get(v, "image"), &k.image);
	container_from_spec(p, &k);
	k.restarts = restarts > 0 && restarts <= UINT32_MAX ? (uint32_t)restarts : 0;
	((struct kube_container *)o->containers)[o->containers_n++] = k;
}

static void field_set(struct parse *p, const struct field *f, const json_t *v)
{
	void *at = (char *)p->out + f->off;

	switch (f->kind) {
	case FIELD_STR:
		if (!((struct str *)at)->p)
			(void)value_str(p, v, at);
		break;
	case FIELD_BOOL:
		*(bool *)at = json_is_true(v);
		break;
	case FIELD_INT:
		if (json_integer_value(v) > 0 && json_integer_value(v) <= INT32_MAX)
			*(int *)at = (int)json_integer_value(v);
		break;
	case FIELD_ADDRESS_1:
		if (p->o->addresses_n)
			break;
		__attribute__((fallthrough));
	case FIELD_ADDRESS:
		address_add(p, v);
		break;
	case FIELD_LABELS:
		labels_add(p, v);
		break;
	case FIELD_ANNOTATIONS:
		annotations_add(p, v);
		break;
	case FIELD_PRIVILEGED:
		privileged_add(p, v);
		break;
	case FIELD_CONTAINERS:
		container_add(p, v, f->arg);
		break;
	}
}

static void fields_read(struct parse *p, const struct field *f, const json_t *v)
{
	for (; f->path; f++)
		path_walk(p, f, f->path, v, field_set);
}

/*
 * A Deployment's pods belong to a ReplicaSet named DEPLOYMENT-HASH, with the hash in a label: the
 * name users know is the Deployment's.
 */
static void owner_resolve(struct parse *p)
{
	struct kube_obj *o = p->o;
	const json_t *labels = json_object_get(json_object_get(p->root, "metadata"), "labels");
	struct str hash, name = o->owner_name;

	if (!str_eq(o->owner_kind, STR("ReplicaSet")) ||
	    !value_str(p, json_object_get(labels, "pod-template-hash"), &hash))
		return;
	if (!hash.n || name.n < hash.n + 2 || !str_ends(name, hash) ||
	    name.p[name.n - hash.n - 1] != '-')
		return;
	o->owner_kind = STR("Deployment");
	o->owner_name = (struct str){ name.p, name.n - hash.n - 1 };
}

/* --- the tables ------------------------------------------------------------------------------- */

#define OBJ(path, kind, member)	 { path, kind, 0, offsetof(struct kube_obj, member) }
#define LIST(path, kind, arg)	 { path, kind, arg, 0 }
#define META(path, kind, member) { path, kind, 0, offsetof(struct kube_meta, member) }

static const struct field meta_fields[] = {
	META("kind", FIELD_STR, kind),
	META("metadata resourceVersion", FIELD_STR, resource_version),
	META("reason", FIELD_STR, reason),
	META("code", FIELD_INT, code),
	META("details retryAfterSeconds", FIELD_INT, retry_after_s),
	{ 0 },
};

static const struct field common_fields[] = {
	OBJ("metadata uid", FIELD_STR, uid),
	OBJ("metadata namespace", FIELD_STR, ns),
	OBJ("metadata name", FIELD_STR, name),
	{ 0 },
};

#define POD_FIELDS                                                                                \
	OBJ("spec nodeName", FIELD_STR, node), OBJ("spec hostNetwork", FIELD_BOOL, host_network), \
		OBJ("status phase", FIELD_STR, phase),                                            \
		OBJ("metadata ownerReferences [controller=true] kind", FIELD_STR, owner_kind),    \
		OBJ("metadata ownerReferences [controller=true] name", FIELD_STR, owner_name),    \
		LIST("status podIPs [] ip", FIELD_ADDRESS, 0),                                    \
		LIST("status podIP", FIELD_ADDRESS_1, 0)

static const struct field pod_node_fields[] = {
	POD_FIELDS,
	OBJ("metadata annotations kubernetes.io/config.mirror", FIELD_STR, static_uid),
	OBJ("spec serviceAccountName", FIELD_STR, service_account),
	LIST("metadata labels", FIELD_LABELS, 0),
	LIST("metadata annotations", FIELD_ANNOTATIONS, 0),
	LIST("spec containers []", FIELD_PRIVILEGED, 0),
	LIST("spec initContainers []", FIELD_PRIVILEGED, 0),
	LIST("spec ephemeralContainers []", FIELD_PRIVILEGED, 0),
	LIST("status containerStatuses []", FIELD_CONTAINERS, KUBE_CONTAINER_MAIN),
	LIST("status initContainerStatuses []", FIELD_CONTAINERS, KUBE_CONTAINER_INIT),
	LIST("status ephemeralContainerStatuses []", FIELD_CONTAINERS, KUBE_CONTAINER_EPHEMERAL),
	{ 0 },
};

static const struct field pod_cluster_fields[] = { POD_FIELDS, { 0 } };

static const struct field namespace_fields[] = {
	LIST("metadata labels", FIELD_LABELS, 0),
	{ 0 },
};

static const struct field service_fields[] = {
	LIST("spec clusterIPs []", FIELD_ADDRESS, 0),
	LIST("spec clusterIP", FIELD_ADDRESS_1, 0),
	{ 0 },
};

static const struct field slice_fields[] = {
	OBJ("metadata labels kubernetes.io/service-name", FIELD_STR, service),
	LIST("endpoints [] addresses []", FIELD_ADDRESS, 0),
	{ 0 },
};

static const struct field node_fields[] = {
	LIST("status addresses [type=InternalIP] address", FIELD_ADDRESS, 0),
	LIST("metadata labels", FIELD_LABELS, 0),
	{ 0 },
};

static const struct field *const type_fields[KUBE_TYPES][KUBE_SCOPES] = {
	[KUBE_POD] = { pod_node_fields, pod_cluster_fields },
	[KUBE_NAMESPACE] = { namespace_fields, namespace_fields },
	[KUBE_SERVICE] = { service_fields, service_fields },
	[KUBE_ENDPOINTSLICE] = { slice_fields, slice_fields },
	[KUBE_NODE] = { node_fields, node_fields },
};

/* --- the public functions --------------------------------------------------------------------- */

json_t *kube_json_load(struct str json)
{
	json_error_t e;
	json_t *v = json_loadb(json.p ? json.p : "", json.n, 0, &e);

	if (v && !json_is_object(v)) {
		json_decref(v);
		return NULL;
	}
	return v;
}

static struct str any_str(const json_t *v)
{
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } :
				   STR_NONE;
}

void kube_meta_parse(const json_t *v, struct kube_meta *ret_meta)
{
	struct kube_meta m = { 0 };
	struct parse p = { .out = &m, .root = v };

	fields_read(&p, meta_fields, v);
	/* These two may be longer than any name. */
	m.continue_token = any_str(json_object_get(json_object_get(v, "metadata"), "continue"));
	m.message = any_str(json_object_get(v, "message"));
	*ret_meta = m;
}

int kube_obj_parse(const json_t *v, enum kube_type type, enum kube_scope scope, struct arena *a,
		   struct kube_obj *ret_o, uint64_t *ret_cut)
{
	struct kube_obj o = { .type = (uint8_t)type, .op = KUBE_UPSERT, .scope = (uint8_t)scope };
	struct parse p = { .out = &o, .o = &o, .arena = a, .root = v };

	fields_read(&p, common_fields, v);
	fields_read(&p, type_fields[type][scope], v);
	*ret_cut += p.cut;
	if (p.full)
		return -ENOMEM;
	if (!o.name.n || !o.uid.n)
		return -EBADMSG;
	if (type == KUBE_POD)
		owner_resolve(&p);
	*ret_o = o;
	return 0;
}
