/*
 * Flat records of Kubernetes objects. One table names the strings in record order, so that writer
 * and reader cannot drift apart. Numbers are stored as the machine holds them, which must be
 * little-endian. The reader allocates arrays only after it has seen that their elements can fit in
 * the bytes left, so a forged count costs nothing.
 */
#include "kube/obj.h"

#include <errno.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

#define FLAG_HOST_NETWORK 1u
#define VERSION_1	  1 /* without privileged and annotations */

static const size_t obj_strings[] = {
	offsetof(struct kube_obj, uid),
	offsetof(struct kube_obj, static_uid),
	offsetof(struct kube_obj, ns),
	offsetof(struct kube_obj, name),
	offsetof(struct kube_obj, node),
	offsetof(struct kube_obj, owner_kind),
	offsetof(struct kube_obj, owner_name),
	offsetof(struct kube_obj, service),
	offsetof(struct kube_obj, service_account),
	offsetof(struct kube_obj, phase),
};
#define OBJ_STRINGS (sizeof(obj_strings) / sizeof(obj_strings[0]))

const char *kube_type_name(unsigned type)
{
	static const char *const names[KUBE_TYPES] = { "pod", "namespace", "service",
						       "endpointslice", "node" };

	return type < KUBE_TYPES ? names[type] : "?";
}

const char *kube_op_name(unsigned op)
{
	static const char *const names[KUBE_OPS] = { "upsert", "delete", "resync_begin",
						     "resync_end" };

	return op < KUBE_OPS ? names[op] : "?";
}

static void put_u16(struct buf *b, uint16_t v)
{
	buf_add(b, &v, sizeof(v));
}

static bool put_str(struct buf *b, struct str s)
{
	if (s.n > KUBE_STR_MAX)
		return false;
	put_u16(b, (uint16_t)s.n);
	buf_str(b, s);
	return true;
}

static bool put_container(struct buf *b, const struct kube_container *k)
{
	if (k->kind >= KUBE_CONTAINER_KINDS)
		return false;
	buf_add(b, &k->restarts, sizeof(k->restarts));
	buf_char(b, (char)k->kind);
	return put_str(b, k->name) && put_str(b, k->id) && put_str(b, k->image);
}

static bool text_put(struct buf *b, struct str s, size_t max)
{
	if (s.n > max || (s.n && memchr(s.p, '\0', s.n)))
		return false;
	put_u16(b, (uint16_t)s.n);
	buf_str(b, s);
	return true;
}

/* Whether there is anything that version 1 has no place for. */
static bool has_more(const struct kube_obj *o)
{
	bool more = o->privileged || o->annotations_n;

	for (size_t i = 0; !more && i < o->containers_n; i++)
		more = o->containers[i].privileged;
	return more;
}

static bool put_more(struct buf *b, const struct kube_obj *o)
{
	bool ok = o->privileged < KUBE_SAIDS;

	buf_char(b, (char)o->privileged);
	for (size_t i = 0; ok && i < o->containers_n; i++) {
		ok = o->containers[i].privileged < KUBE_SAIDS;
		buf_char(b, (char)o->containers[i].privileged);
	}
	put_u16(b, o->annotations_n);
	for (size_t i = 0; ok && i < o->annotations_n; i++)
		ok = text_put(b, o->annotations[i].key, KUBE_STR_MAX) &&
		     text_put(b, o->annotations[i].value, KUBE_ANNOTATION_MAX);
	return ok;
}

static bool put_arrays(struct buf *b, const struct kube_obj *o)
{
	bool ok = true;

	put_u16(b, o->addresses_n);
	for (size_t i = 0; ok && i < o->addresses_n; i++)
		ok = put_str(b, o->addresses[i]);
	put_u16(b, o->labels_n);
	for (size_t i = 0; ok && i < o->labels_n; i++)
		ok = put_str(b, o->labels[i].key) && put_str(b, o->labels[i].value);
	put_u16(b, o->containers_n);
	for (size_t i = 0; ok && i < o->containers_n; i++)
		ok = put_container(b, &o->containers[i]);
	return ok;
}

static bool put_all(struct buf *b, const struct kube_obj *o)
{
	const uint8_t head[4] = { o->type, o->op, o->scope, o->host_network ? FLAG_HOST_NETWORK : 0 };

	put_u16(b, has_more(o) ? KUBE_OBJ_VERSION : VERSION_1);
	buf_add(b, head, sizeof(head));
	for (size_t i = 0; i < OBJ_STRINGS; i++)
		if (!put_str(b, *(const struct str *)((const char *)o + obj_strings[i])))
			return false;
	return put_arrays(b, o) && (!has_more(o) || put_more(b, o));
}

static bool counts_valid(const struct kube_obj *o)
{
	return o->addresses_n <= KUBE_ADDRESSES_MAX && o->labels_n <= KUBE_LABELS_MAX &&
	       o->containers_n <= KUBE_CONTAINERS_MAX && o->annotations_n <= KUBE_ANNOTATIONS_MAX;
}

static bool enums_valid(const struct kube_obj *o)
{
	return o->type < KUBE_TYPES && o->op < KUBE_OPS && o->scope < KUBE_SCOPES;
}

int kube_obj_encode(struct buf *b, const struct kube_obj *o)
{
	struct kube_obj less = *o;
	size_t before = b->n;
	bool was_failed = b->failed;
	int r = 0;

	if (!enums_valid(o) || !counts_valid(o))
		return -EINVAL;
	if (!put_all(b, o))
		r = -EINVAL;
	else if (b->failed)
		r = -ENOMEM;
	else if (b->n - before > KUBE_OBJ_MAX_BYTES)
		r = -E2BIG;
	if (r) {
		b->n = before;
		b->failed = was_failed;
	}
	less.annotations_n = 0;
	return r == -E2BIG && o->annotations_n ? kube_obj_encode(b, &less) : r;
}

static bool get_str(struct cur *c, struct str *ret)
{
	uint16_t n;

	return cur_u16(c, &n) && n <= KUBE_STR_MAX && cur_str(c, n, ret);
}

/*
 * The count of an array whose elements take at least @min_bytes each, and room for it: *ret_array
 * is NULL for none. -EBADMSG or -ENOMEM as kube_obj_decode says.
 */
static int get_array(struct cur *c, struct arena *a, unsigned max, size_t min_bytes,
		     size_t item_bytes, uint16_t *ret_n, void **ret_array)
{
	uint16_t n;
	void *p = NULL;

	if (!cur_u16(c, &n) || n > max || n * min_bytes > cur_left(c))
		return -EBADMSG;
	if (n) {
		p = arena_alloc(a, n * item_bytes);
		if (!p)
			return -ENOMEM;
	}
	*ret_n = n;
	*ret_array = p;
	return 0;
}

static int get_addresses(struct cur *c, struct arena *a, struct kube_obj *o)
{
	struct str *list;
	int r = get_array(c, a, KUBE_ADDRESSES_MAX, 2, sizeof(*list), &o->addresses_n,
			  (void **)&list);

	if (r)
		return r;
	for (size_t i = 0; i < o->addresses_n; i++)
		if (!get_str(c, &list[i]))
			return -EBADMSG;
	o->addresses = list;
	return 0;
}

static int get_labels(struct cur *c, struct arena *a, struct kube_obj *o)
{
	struct kube_label *list;
	int r = get_array(c, a, KUBE_LABELS_MAX, 4, sizeof(*list), &o->labels_n, (void **)&list);

	if (r)
		return r;
	for (size_t i = 0; i < o->labels_n; i++)
		if (!get_str(c, &list[i].key) || !get_str(c, &list[i].value))
			return -EBADMSG;
	o->labels = list;
	return 0;
}

static int get_containers(struct cur *c, struct arena *a, struct kube_obj *o)
{
	struct kube_container *list;
	int r = get_array(c, a, KUBE_CONTAINERS_MAX, 11, sizeof(*list), &o->containers_n,
			  (void **)&list);

	if (r)
		return r;
	for (size_t i = 0; i < o->containers_n; i++) {
		struct kube_container *k = &list[i];

		k->privileged = KUBE_SAID_NOTHING;
		if (!cur_u32(c, &k->restarts) || !cur_u8(c, &k->kind) ||
		    k->kind >= KUBE_CONTAINER_KINDS || !get_str(c, &k->name) ||
		    !get_str(c, &k->id) || !get_str(c, &k->image))
			return -EBADMSG;
	}
	o->containers = list;
	return 0;
}

static bool text_get(struct cur *c, size_t max, struct str *ret)
{
	uint16_t n;

	return cur_u16(c, &n) && n <= max && cur_str(c, n, ret) && !memchr(ret->p, '\0', n);
}

static int get_annotations(struct cur *c, struct arena *a, struct kube_obj *o)
{
	struct kube_label *list;
	int r = get_array(c, a, KUBE_ANNOTATIONS_MAX, 4, sizeof(*list), &o->annotations_n,
			  (void **)&list);

	if (r)
		return r;
	for (size_t i = 0; i < o->annotations_n; i++)
		if (!text_get(c, KUBE_STR_MAX, &list[i].key) ||
		    !text_get(c, KUBE_ANNOTATION_MAX, &list[i].value))
			return -EBADMSG;
	o->annotations = list;
	return 0;
}

/* What version 2 adds. A record that says nothing in it would have been of version 1. */
static int get_more(struct cur *c, struct arena *a, struct kube_obj *o)
{
	struct kube_container *list = (struct kube_container *)o->containers;
	int r;

	if (!cur_u8(c, &o->privileged) || o->privileged >= KUBE_SAIDS)
		return -EBADMSG;
	for (size_t i = 0; i < o->containers_n; i++)
		if (!cur_u8(c, &list[i].privileged) || list[i].privileged >= KUBE_SAIDS)
			return -EBADMSG;
	r = get_annotations(c, a, o);
	return r ? r : has_more(o) ? 0 : -EBADMSG;
}

static bool get_head(struct cur *c, struct kube_obj *o)
{
	uint8_t flags;

	if (!cur_u8(c, &o->type) || !cur_u8(c, &o->op) || !cur_u8(c, &o->scope) ||
	    !cur_u8(c, &flags) || !enums_valid(o) || (flags & ~FLAG_HOST_NETWORK))
		return false;
	o->host_network = flags & FLAG_HOST_NETWORK;
	for (size_t i = 0; i < OBJ_STRINGS; i++)
		if (!get_str(c, (struct str *)((char *)o + obj_strings[i])))
			return false;
	return true;
}

int kube_obj_decode(struct cur c, struct arena *a, struct kube_obj *ret_o)
{
	struct kube_obj o = { 0 };
	uint16_t version;
	int r;

	if (cur_left(&c) > KUBE_OBJ_MAX_BYTES || !cur_u16(&c, &version))
		return -EBADMSG;
	if (version != KUBE_OBJ_VERSION && version != VERSION_1)
		return -EPROTONOSUPPORT;
	if (!get_head(&c, &o))
		return -EBADMSG;
	r = get_addresses(&c, a, &o);
	if (!r)
		r = get_labels(&c, a, &o);
	if (!r)
		r = get_containers(&c, a, &o);
	if (!r && version != VERSION_1)
		r = get_more(&c, a, &o);
	if (r)
		return r;
	if (cur_left(&c))
		return -EBADMSG;
	*ret_o = o;
	return 0;
}
