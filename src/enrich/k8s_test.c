/* The Kubernetes tables: what is found, for how long, after which stories; and what they weigh. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "enrich/k8s.h"
#include "enrich/k8s_index.h"
#include "kube/parse.h"
#include "kube/split.h"
#include "kube/testdata_test.h"

#define S(n) ((uint64_t)(n) * NS_PER_SEC)

static struct k8s *t;

static int setup(void **state)
{
	(void)state;
	return k8s_new(&t);
}

static int teardown(void **state)
{
	(void)state;
	k8s_free(t);
	t = NULL;
	return 0;
}

/* --- short hands ------------------------------------------------------------------------------ */

static struct ip ip_of(const char *text)
{
	struct ip ip = { .len = strchr(text, ':') ? 16 : 4 };

	assert_int_equal(inet_pton(ip.len == 4 ? AF_INET : AF_INET6, text, ip.b), 1);
	return ip;
}

/* A running pod; @ip may be NULL. */
static struct kube_obj pod(const char *uid, const char *name, unsigned scope, const char *ip)
{
	static struct str address;

	address = str_of(ip);
	return (struct kube_obj){ .type = KUBE_POD,
				  .op = KUBE_UPSERT,
				  .scope = (uint8_t)scope,
				  .uid = str_of(uid),
				  .ns = STR("shop"),
				  .name = str_of(name),
				  .node = STR("node-a"),
				  .phase = STR("Running"),
				  .addresses = &address,
				  .addresses_n = ip != NULL };
}

static struct kube_obj object(unsigned type, const char *uid, const char *ns, const char *name,
			      const char *ip)
{
	static struct str address;

	address = str_of(ip);
	return (struct kube_obj){ .type = (uint8_t)type,
				  .op = KUBE_UPSERT,
				  .scope = KUBE_SCOPE_CLUSTER,
				  .uid = str_of(uid),
				  .ns = str_of(ns),
				  .name = str_of(name),
				  .addresses = &address,
				  .addresses_n = ip != NULL };
}

static void feed(struct kube_obj o, uint64_t now_ns)
{
	k8s_feed(t, &o, (struct boot_ns){ now_ns });
}

static void feed_op(struct kube_obj o, unsigned op, uint64_t now_ns)
{
	o.op = (uint8_t)op;
	feed(o, now_ns);
}

static void mark(unsigned type, unsigned scope, unsigned op, uint64_t now_ns)
{
	feed((struct kube_obj){ .type = (uint8_t)type, .scope = (uint8_t)scope, .op = (uint8_t)op },
	     now_ns);
}

static const struct k8s_pod *by_uid(const char *uid)
{
	return k8s_pod_by_uid(t, str_of(uid));
}

/* The name of the pod with that address; "-" for none. */
static const char *pod_at(const char *ip)
{
	static char name[64];
	struct ip a = ip_of(ip);
	const struct k8s_pod *p = k8s_pod_by_ip(t, &a);

	snprintf(name, sizeof(name), "%.*s", p ? (int)p->pod.name.n : 1, p ? p->pod.name.p : "-");
	return name;
}

static const char *peer_at(const char *ip)
{
	static const char *const kinds[] = { "none", "pod", "service", "node", "endpoint" };
	static char text[128];
	struct ip a = ip_of(ip);
	struct k8s_peer p = k8s_peer_by_ip(t, &a);

	snprintf(text, sizeof(text), "%s %.*s/%.*s", kinds[p.kind], STR_ARG(p.ns), STR_ARG(p.name));
	return text;
}

/* --- pods ------------------------------------------------------------------------------------- */

static void test_pod(void **state)
{
	static const struct kube_label labels[] = { { STR("tier"), STR("db") },
						    { STR("app"), STR("x") } };
	static const struct kube_container boxes[] = {
		{ STR("main"), STR("c1"), STR("img:1"), 2, KUBE_CONTAINER_MAIN, KUBE_SAID_YES },
		{ STR("wait"), STR_NONE, STR("img:2"), 0, KUBE_CONTAINER_INIT, 0 },
	};
	struct kube_obj o = pod("u1", "web-1", KUBE_SCOPE_NODE, "10.0.0.1");
	const struct k8s_container *c;
	const struct k8s_pod *p;
	uint32_t gen;

	(void)state;
	o.labels = labels;
	o.labels_n = 2;
	o.containers = boxes;
	o.containers_n = 2;
	o.static_uid = STR("c0ffee");
	o.owner_kind = STR("Deployment");
	o.owner_name = STR("web");
	assert_null(by_uid("u1"));
	feed(o, 1);
	p = by_uid("u1");
	assert_non_null(p);
	assert_true(p->local && !p->removed.ns);
	assert_true(str_eq(p->pod.labels, STR("app=x,tier=db")));
	assert_true(str_eq(p->pod.owner_name, STR("web")));
	assert_ptr_equal(by_uid("c0ffee"), p);
	assert_string_equal(pod_at("10.0.0.1"), "web-1");
	assert_string_equal(pod_at("::ffff:10.0.0.1"), "web-1");
	assert_int_equal(p->pod.ip.len, 4);
	c = k8s_container_by_id(t, STR("c1"));
	assert_ptr_equal(c->pod, p);
	assert_true(str_eq(c->name, STR("main")) && str_eq(c->image, STR("img:1")));
	assert_int_equal(c->restarts, 2);
	assert_int_equal(c->privileged, SAID_YES);
	assert_null(k8s_container_by_id(t, STR("")));

	/* The same again changes nothing; one word does. */
	gen = p->pod.gen;
	feed(o, 2);
	assert_int_equal(p->pod.gen, gen);
	o.phase = STR("Pending");
	feed(o, 3);
	assert_int_not_equal(by_uid("u1")->pod.gen, gen);
}

static void test_pod_more(void **state)
{
	static const struct kube_label notes[] = { { STR("team"), STR("x") },
						   { STR("note"), STR("a=b,c=d") } };
	struct kube_obj o = pod("u1", "web-1", KUBE_SCOPE_NODE, "10.0.0.1");
	uint32_t gen;

	(void)state;
	o.annotations = notes;
	o.annotations_n = 2;
	feed(o, 1);
	assert_int_equal(by_uid("u1")->pod.privileged, SAID_NOTHING);
	assert_true(str_eq(by_uid("u1")->pod.annotations, STR("note=a=b,c=d\0team=x\0")));
	gen = by_uid("u1")->pod.gen;
	o.privileged = KUBE_SAID_YES;
	feed(o, 2);
	assert_int_not_equal(by_uid("u1")->pod.gen, gen);
	assert_int_equal(by_uid("u1")->pod.privileged, SAID_YES);
	gen = by_uid("u1")->pod.gen;
	o.annotations_n = 1;
	feed(o, 3);
	assert_int_not_equal(by_uid("u1")->pod.gen, gen);
	assert_true(str_eq(by_uid("u1")->pod.annotations, STR("team=x\0")));
}

static void test_grace(void **state)
{
	struct kube_obj o = pod("u1", "web-1", KUBE_SCOPE_NODE, "10.0.0.1");
	static const struct kube_container box = { STR("main"), STR("c1"), STR("img"), 0, 0, 0 };
	struct k8s_stats s;

	(void)state;
	o.containers = &box;
	o.containers_n = 1;
	feed(o, S(1));
	feed_op(o, KUBE_DELETE, S(10));
	assert_int_equal(by_uid("u1")->removed.ns, S(10));
	assert_string_equal(pod_at("10.0.0.1"), "web-1");
	assert_int_equal(k8s_container_by_id(t, STR("c1"))->removed.ns, S(10));
	k8s_expire(t, (struct boot_ns){ S(129) });
	assert_non_null(by_uid("u1"));
	k8s_stats(t, &s);
	assert_int_equal(s.pods_dead, 1);
	assert_int_equal(s.containers_dead, 1);
	k8s_expire(t, (struct boot_ns){ S(130) });
	assert_null(by_uid("u1"));
	assert_null(k8s_container_by_id(t, STR("c1")));
	assert_string_equal(pod_at("10.0.0.1"), "-");
	k8s_stats(t, &s);
	assert_int_equal(s.pods + s.pods_dead + s.containers + s.containers_dead + s.addresses, 0);
}

/* A restarted container: the new id at once, the old one for the grace period. */
static void test_restart(void **state)
{
	struct kube_container box = { STR("main"), STR("c1"), STR("img"), 0, 0, 0 };
	struct kube_obj o = pod("u1", "web-1", KUBE_SCOPE_NODE, NULL);

	(void)state;
	o.containers = &box;
	o.containers_n = 1;
	feed(o, S(1));
	box.id = STR("c2");
	box.restarts = 1;
	feed(o, S(2));
	assert_int_equal(k8s_container_by_id(t, STR("c1"))->removed.ns, S(2));
	assert_int_equal(k8s_container_by_id(t, STR("c2"))->removed.ns, 0);
	box.id = STR("c1");
	feed(o, S(3));
	assert_int_equal(k8s_container_by_id(t, STR("c1"))->removed.ns, 0);
	k8s_expire(t, (struct boot_ns){ S(123) });
	assert_null(k8s_container_by_id(t, STR("c2")));
	assert_non_null(k8s_container_by_id(t, STR("c1")));
}

static void test_address_owner(void **state)
{
	struct kube_obj a = pod("ua", "a", KUBE_SCOPE_CLUSTER, "10.0.0.1");

	(void)state;
	feed(a, S(1));
	feed_op(a, KUBE_DELETE, S(2));
	feed(pod("ub", "b", KUBE_SCOPE_CLUSTER, "10.0.0.1"), S(3));
	assert_string_equal(pod_at("10.0.0.1"), "b");
	/* b ends but is not deleted, c takes the address; b's late updates do not take it back. */
	a = pod("ub", "b", KUBE_SCOPE_CLUSTER, "10.0.0.1");
	a.phase = STR("Succeeded");
	feed(a, S(4));
	assert_string_equal(pod_at("10.0.0.1"), "b");
	feed(pod("uc", "c", KUBE_SCOPE_CLUSTER, "10.0.0.1"), S(5));
	a.node = STR("node-z");
	a.addresses_n = 0;
	feed(a, S(6));
	assert_string_equal(pod_at("10.0.0.1"), "c");
	k8s_expire(t, (struct boot_ns){ S(500) });
	assert_string_equal(pod_at("10.0.0.1"), "c");
	/* On the host's network a pod has no address of its own. */
	a = pod("uh", "host", KUBE_SCOPE_NODE, "192.0.2.1");
	a.host_network = true;
	feed(a, S(7));
	assert_string_equal(pod_at("192.0.2.1"), "-");
	assert_int_equal(by_uid("uh")->pod.ip.len, 4);
}

static void test_two_streams(void **state)
{
	struct kube_obj node = pod("u1", "p", KUBE_SCOPE_NODE, "10.0.0.1");
	struct kube_obj cluster = pod("u1", "p", KUBE_SCOPE_CLUSTER, "10.0.0.1");

	(void)state;
	node.service_account = STR("sa");
	/* Bound to this node: the cluster's stream lets go before or after the node's has it. */
	feed(cluster, 1);
	assert_false(by_uid("u1")->local);
	feed_op(cluster, KUBE_DELETE, 2);
	feed(node, 3);
	assert_true(by_uid("u1")->local && !by_uid("u1")->removed.ns);
	feed(cluster, 4); /* tells less: must not take anything away */
	assert_true(str_eq(by_uid("u1")->pod.service_account, STR("sa")));
	feed_op(cluster, KUBE_DELETE, 5);
	assert_int_equal(by_uid("u1")->removed.ns, 0);
	feed(cluster, 6);
	feed_op(node, KUBE_DELETE, 7);
	assert_int_equal(by_uid("u1")->removed.ns, 7);
}

static void test_resync(void **state)
{
	struct kube_obj svc = object(KUBE_SERVICE, "s1", "shop", "web", "10.96.0.1");

	(void)state;
	feed(pod("u1", "stays", KUBE_SCOPE_CLUSTER, NULL), 1);
	feed(pod("u2", "goes", KUBE_SCOPE_CLUSTER, NULL), 1);
	feed(pod("u3", "mine", KUBE_SCOPE_NODE, NULL), 1);
	feed(svc, 1);
	mark(KUBE_POD, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_END, 2); /* without a beginning: nothing */
	assert_int_equal(by_uid("u2")->removed.ns, 0);
	mark(KUBE_POD, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_BEGIN, 3);
	feed(pod("u2", "goes", KUBE_SCOPE_CLUSTER, NULL), 3);
	mark(KUBE_POD, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_BEGIN, 4); /* the list was started again */
	feed(pod("u1", "stays", KUBE_SCOPE_CLUSTER, NULL), 4);
	mark(KUBE_POD, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_END, 5);
	assert_int_equal(by_uid("u1")->removed.ns, 0);
	assert_int_equal(by_uid("u2")->removed.ns, 5);
	assert_int_equal(by_uid("u3")->removed.ns, 0);
	assert_string_equal(peer_at("10.96.0.1"), "service shop/web");
	mark(KUBE_SERVICE, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_BEGIN, 6);
	assert_string_equal(peer_at("10.96.0.1"), "service shop/web");
	mark(KUBE_SERVICE, KUBE_SCOPE_CLUSTER, KUBE_RESYNC_END, 7);
	assert_string_equal(peer_at("10.96.0.1"), "none /");
}

/*
 * A static pod's copy in the API is deleted and made again: its cgroups' UID leads to the new one.
 */
static void test_static_pod(void **state)
{
	struct kube_obj o = pod("u1", "etcd", KUBE_SCOPE_NODE, NULL);

	(void)state;
	o.static_uid = STR("hash");
	feed(o, S(1));
	feed_op(o, KUBE_DELETE, S(2));
	o.uid = STR("u2");
	feed(o, S(3));
	assert_ptr_equal(by_uid("hash"), by_uid("u2"));
	k8s_expire(t, (struct boot_ns){ S(200) });
	assert_null(by_uid("u1"));
	assert_ptr_equal(by_uid("hash"), by_uid("u2"));
}

static void test_dead_are_bounded(void **state)
{
	struct k8s_stats s;
	char uid[32];

	(void)state;
	for (unsigned i = 0; i < K8S_DEAD_MAX + 100; i++) {
		struct kube_container box = { STR("m"), str_of(uid), STR("i"), 0, 0, 0 };
		struct kube_obj o = pod(uid, "p", KUBE_SCOPE_NODE, NULL);

		snprintf(uid, sizeof(uid), "u%u", i);
		o.uid = box.id = str_of(uid);
		o.containers = &box;
		o.containers_n = 1;
		feed(o, 1);
		feed_op(o, KUBE_DELETE, 1);
	}
	k8s_stats(t, &s);
	assert_int_equal(s.pods_dead, K8S_DEAD_MAX);
	assert_int_equal(s.containers_dead, K8S_DEAD_MAX);
	assert_null(by_uid("u0"));
	assert_non_null(by_uid("u4195"));
}

/* --- the others ------------------------------------------------------------------------------- */

static void test_peers(void **state)
{
	static const struct kube_label team = { STR("team"), STR("retail") };
	struct kube_obj ns = object(KUBE_NAMESPACE, "n1", NULL, "shop", NULL);
	struct kube_obj slice = object(KUBE_ENDPOINTSLICE, "e2", "shop", "web-abc", "10.0.0.9");
	struct ip a = ip_of("10.0.0.9");

	(void)state;
	ns.labels = &team;
	ns.labels_n = 1;
	feed(ns, 1);
	assert_true(str_eq(k8s_namespace_by_name(t, STR("shop"))->labels, STR("team=retail")));
	slice.service = STR("web");
	feed(slice, 1);
	assert_string_equal(peer_at("10.0.0.9"), "endpoint shop/web");
	/* Another service has the same endpoint: the first by name, whichever came first. */
	slice = object(KUBE_ENDPOINTSLICE, "e1", "shop", "edge-abc", "10.0.0.9");
	slice.service = STR("edge");
	feed(slice, 1);
	assert_string_equal(peer_at("10.0.0.9"), "endpoint shop/edge");
	feed(object(KUBE_NODE, "m1", NULL, "node-a", "10.0.0.9"), 1);
	assert_string_equal(peer_at("10.0.0.9"), "node /node-a");
	feed(object(KUBE_SERVICE, "s1", "shop", "web", "10.0.0.9"), 1);
	assert_string_equal(peer_at("10.0.0.9"), "service shop/web");
	feed(pod("u1", "web-1", KUBE_SCOPE_CLUSTER, "10.0.0.9"), 1);
	assert_string_equal(peer_at("10.0.0.9"), "pod shop/web-1");
	assert_true(str_eq(k8s_slice_by_ip(t, &a)->service, STR("edge")));
	feed_op(object(KUBE_ENDPOINTSLICE, "e1", "shop", "edge-abc", NULL), KUBE_DELETE, 2);
	assert_true(str_eq(k8s_slice_by_ip(t, &a)->service, STR("web")));
	/* The service moves to another address. */
	feed(object(KUBE_SERVICE, "s1", "shop", "web", "fd00::1"), 2);
	assert_null(k8s_service_by_ip(t, &a));
	assert_string_equal(peer_at("fd00::1"), "service shop/web");
	/* The namespace is made anew before the old one's end is told. */
	feed(object(KUBE_NAMESPACE, "n2", NULL, "shop", NULL), 3);
	feed_op(ns, KUBE_DELETE, 3);
	assert_true(str_eq(k8s_namespace_by_name(t, STR("shop"))->uid, STR("n2")));
}

static void test_hostile(void **state)
{
	struct kube_obj o = object(KUBE_SERVICE, "s1", "a", "b", "not an address");
	struct k8s_stats s;
	char uid[16], name[16];

	(void)state;
	feed(o, 1);
	o.uid = STR_NONE;
	feed(o, 1);
	feed(object(KUBE_NODE, "s1", NULL, "same uid", "10.0.0.1"), 1);
	feed_op(object(KUBE_NODE, "s1", NULL, "same uid", NULL), KUBE_DELETE, 1);
	feed((struct kube_obj){ .type = 200, .op = 200, .scope = 200 }, 1);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(uid, sizeof(uid), "e%u", i);
		snprintf(name, sizeof(name), "svc-%02u", 99 - i);
		o = object(KUBE_ENDPOINTSLICE, uid, "a", name, "10.0.0.2");
		o.service = str_of(name);
		feed(o, 1);
	}
	assert_string_equal(peer_at("10.0.0.2"), "endpoint a/svc-00");
	k8s_stats(t, &s);
	assert_int_equal(s.bad_address, 1);
	assert_int_equal(s.services, 1);
	assert_int_equal(s.nodes, 0);
	assert_int_equal(s.slices, 100);
	assert_true(s.full >= 84);
	assert_int_equal(s.addresses, 1);
}

/* --- recordings, and the table out and in again ----------------------------------------------- */

static void feed_json(const json_t *v, unsigned type, unsigned op)
{
	struct arena a;
	struct kube_obj o;
	uint64_t cut = 0;

	assert_int_equal(arena_init(&a, KUBE_ARENA_BYTES), 0);
	assert_int_equal(kube_obj_parse(v, (enum kube_type)type, KUBE_SCOPE_NODE, &a, &o, &cut), 0);
	feed_op(o, op, S(1));
	arena_free(&a);
}

static int recorded(void *ctx, enum kube_split_what what, struct str json)
{
	json_t *v = kube_json_load(json);
	const char *type = json_string_value(json_object_get(v, "type"));
	unsigned op = type && !strcmp(type, "DELETED") ? KUBE_DELETE : KUBE_UPSERT;

	if (what == KUBE_SPLIT_OBJECT && (!type || strcmp(type, "BOOKMARK")))
		feed_json(type ? json_object_get(v, "object") : v, *(unsigned *)ctx, op);
	json_decref(v);
	return 0;
}

static void feed_recordings(void)
{
	static const struct {
		const char *file;
		unsigned type;
	} rows[] = {
		{ "namespaces.list.json", KUBE_NAMESPACE },
		{ "services.list.json", KUBE_SERVICE },
		{ "nodes.list.json", KUBE_NODE },
		{ "pods.watch.ndjson", KUBE_POD },
		{ "real.pods.list.json", KUBE_POD },
		{ "endpointslices.list.json", KUBE_ENDPOINTSLICE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned type = rows[i].type;
		struct kube_split k = {
			.fn = recorded, .ctx = &type, .max_bytes = 2 << 20, .max_tokens = 100000
		};
		struct str in = testdata_load(rows[i].file);

		kube_split_reset(&k, strstr(rows[i].file, "watch") ? KUBE_SPLIT_STREAM :
								     KUBE_SPLIT_LIST);
		assert_int_equal(kube_split_feed(&k, in), 0);
		kube_split_free(&k);
		free((void *)in.p);
	}
}

static void check_recordings(void)
{
	const struct k8s_container *c;

	assert_string_equal(peer_at("10.244.7.2"), "pod real/web-5c894f99f-hxq58");
	assert_string_equal(peer_at("fd00::11"), "pod shop/cart-static");
	assert_string_equal(peer_at("10.96.0.1"), "service default/kubernetes");
	assert_string_equal(peer_at("192.0.2.10"), "endpoint infra/manual");
	assert_true(
		str_eq(by_uid("90275dc9-4c73-4917-914b-0d875bad1833")->pod.owner_name, STR("web")));
	c = k8s_container_by_id(
		t, STR("a1f72dcdd105cf253512b5cadad88ab6d1af7c794495d0f48377ba4924fc435c"));
	assert_non_null(c);
	assert_true(str_eq(c->pod->pod.name, STR("besteffort")));
	assert_true(str_eq(k8s_namespace_by_name(t, STR("shop"))->labels,
			   STR("kubernetes.io/metadata.name=shop,"
			       "pod-security.kubernetes.io/enforce=privileged,team=retail")));
}

struct taken {
	struct k8s *into;
	struct arena arena;
	struct buf rec;
	size_t n;
};

/* Through the record, as a capture does it. */
static int take(void *ctx, const struct kube_obj *o)
{
	struct taken *to = ctx;
	struct kube_obj back;

	buf_reset(&to->rec);
	arena_reset(&to->arena);
	assert_int_equal(kube_obj_encode(&to->rec, o), 0);
	assert_int_equal(kube_obj_decode(cur_of(to->rec.p, to->rec.n), &to->arena, &back), 0);
	k8s_feed(to->into, &back, (struct boot_ns){ S(2) });
	to->n++;
	return 0;
}

/* Annotations and what the spec says come out of a table as they went in. */
static void test_dump_more(void **state)
{
	static const struct kube_label notes[] = { { STR("note"), STR("a=b,c=d") },
						   { STR("none"), STR("") } };
	static const struct kube_container box = { STR("main"), STR("c1"),	     STR("img"),
						   0,		KUBE_CONTAINER_MAIN, KUBE_SAID_NO };
	struct kube_obj o = pod("u1", "web-1", KUBE_SCOPE_NODE, NULL);
	struct taken to = { 0 };

	(void)state;
	o.annotations = notes;
	o.annotations_n = 2;
	o.containers = &box;
	o.containers_n = 1;
	o.privileged = KUBE_SAID_NO;
	feed(o, 1);
	assert_int_equal(k8s_new(&to.into), 0);
	assert_int_equal(arena_init(&to.arena, KUBE_ARENA_BYTES), 0);
	assert_int_equal(k8s_each(t, take, &to), 0);
	k8s_free(t);
	t = to.into;
	assert_true(str_eq(by_uid("u1")->pod.annotations, STR("none=\0note=a=b,c=d\0")));
	assert_int_equal(by_uid("u1")->pod.privileged, SAID_NO);
	assert_int_equal(k8s_container_by_id(t, STR("c1"))->privileged, SAID_NO);
	arena_free(&to.arena);
	buf_free(&to.rec);
}

static int refuse(void *ctx, const struct kube_obj *o)
{
	(void)ctx;
	(void)o;
	return 7;
}

static void test_recordings(void **state)
{
	struct taken to = { 0 };
	struct k8s_stats a, b;

	(void)state;
	feed_recordings();
	assert_non_null(by_uid("a7200380-d787-4870-aed6-6a4accbafe07")); /* hostnet: deleted */
	check_recordings();
	k8s_stats(t, &a);
	assert_int_equal(a.bad_address + a.full, 0);
	assert_int_equal(k8s_new(&to.into), 0);
	assert_int_equal(arena_init(&to.arena, KUBE_ARENA_BYTES), 0);
	assert_int_equal(k8s_each(t, take, &to), 0);
	assert_int_equal(k8s_each(t, refuse, NULL), 7);
	k8s_free(t);
	t = to.into;
	check_recordings();
	k8s_stats(t, &b);
	assert_int_equal(b.pods, a.pods - a.pods_dead);
	assert_int_equal(b.containers, a.containers - a.containers_dead);
	assert_int_equal(b.addresses, a.addresses);
	assert_int_equal(b.fed, to.n);
	arena_free(&to.arena);
	buf_free(&to.rec);
}

/* --- size ------------------------------------------------------------------------------------- */

static size_t rss_bytes(void)
{
	unsigned long size = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &rss), 2);
	fclose(f);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

/* Pod @i of a large cluster: 100 nodes, ten pods to a service, dual stack. */
static void feed_large(unsigned i)
{
	char uid[64], name[64], ns[32], node[32], owner[64], v4[32], v6[40];
	struct str ips[2];
	struct kube_obj o = { .type = KUBE_POD,
			      .scope = KUBE_SCOPE_CLUSTER,
			      .phase = STR("Running"),
			      .owner_kind = STR("Deployment"),
			      .addresses = ips,
			      .addresses_n = 2 };

	snprintf(uid, sizeof(uid), "%08x-4c73-4917-914b-0d875bad%04x", i * 2654435761u, i & 0xffff);
	snprintf(name, sizeof(name), "payments-backend-%u-5c894f99f-h%05u", i / 10, i);
	snprintf(ns, sizeof(ns), "team-%u", i / 200);
	snprintf(node, sizeof(node), "ip-10-11-12-%u.internal", i % 100);
	snprintf(owner, sizeof(owner), "payments-backend-%u", i / 10);
	snprintf(v4, sizeof(v4), "10.%u.%u.%u", 64 + (i >> 16), i >> 8 & 255, i & 255);
	snprintf(v6, sizeof(v6), "fd00::%x", i + 1);
	ips[0] = str_of(v4);
	ips[1] = str_of(v6);
	o.uid = str_of(uid);
	o.name = str_of(name);
	o.ns = str_of(ns);
	o.node = str_of(node);
	o.owner_name = str_of(owner);
	feed(o, 1);
	/* one slice for each pod's two addresses would be odd, but is the worst case */
	uid[0] = 'e';
	o.type = KUBE_ENDPOINTSLICE;
	o.service = str_of(owner);
	feed(o, 1);
	if (i % 10)
		return;
	uid[0] = 's';
	snprintf(v4, sizeof(v4), "10.96.%u.%u", i / 10 >> 8, i / 10 & 255);
	ips[0] = str_of(v4);
	o.type = KUBE_SERVICE;
	o.addresses_n = 1;
	o.name = str_of(owner);
	feed(o, 1);
}

static void test_ten_thousand_pods(void **state)
{
	size_t before = rss_bytes(), grown;
	struct k8s_stats s;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		feed_large(i);
	grown = rss_bytes() - before;
	k8s_stats(t, &s);
	assert_int_equal(s.pods, 10000);
	assert_int_equal(s.slices, 10000);
	assert_int_equal(s.services, 1000);
	assert_int_equal(s.full, 0);
	assert_string_equal(peer_at("10.64.39.15"),
			    "pod team-49/payments-backend-999-5c894f99f-h09999");
	print_message("10,000 pods, 10,000 slices, 1,000 services, %lu addresses: %zu KiB\n",
		      (unsigned long)s.addresses, grown >> 10);
#if !defined(__SANITIZE_ADDRESS__)
	assert_true(grown < 16 << 20);
#endif
}

/* --- the index against a plain array ---------------------------------------------------------- */

struct item {
	char key[8];
	bool in;
};

static struct str item_key(const void *p)
{
	return str_of(((const struct item *)p)->key);
}

static void test_index(void **state)
{
	static struct item items[500];
	struct k8s_index ix = { .key = item_key };
	unsigned seed = 1, n = 0;

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		snprintf(items[i].key, sizeof(items[i].key), "k%u", i);
	assert_null(k8s_index_find(&ix, STR("k1")));
	k8s_index_remove(&ix, &items[0]);
	for (unsigned step = 0; step < 20000; step++) {
		struct item *it;

		seed = seed * 1103515245u + 12345u;
		it = &items[(seed >> 16) % 500];
		assert_ptr_equal(k8s_index_find(&ix, item_key(it)), it->in ? it : NULL);
		if (it->in)
			k8s_index_remove(&ix, it);
		else
			assert_int_equal(k8s_index_add(&ix, it), 0);
		it->in = !it->in;
		n += it->in ? 1 : -1u;
		assert_int_equal(ix.n, n);
	}
	for (unsigned i = 0; i < 500; i++)
		assert_ptr_equal(k8s_index_find(&ix, item_key(&items[i])),
				 items[i].in ? &items[i] : NULL);
	k8s_index_free(&ix);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_ten_thousand_pods),
		EACH(test_pod),
		EACH(test_pod_more),
		EACH(test_grace),
		EACH(test_restart),
		EACH(test_address_owner),
		EACH(test_two_streams),
		EACH(test_resync),
		EACH(test_static_pod),
		EACH(test_dead_are_bounded),
		EACH(test_peers),
		EACH(test_hostile),
		EACH(test_recordings),
		EACH(test_dump_more),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
