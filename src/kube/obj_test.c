/*
 * Records of objects: round trips, every prefix and one damaged byte each, bounds; and objects from
 * JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/guard_test.h"
#include "kube/parse.h"
#include "kube/split.h"
#include "kube/testdata_test.h"

static struct arena arena;

/* --- one line of text for an object: the golden form ------------------------------------------ */

static void text_str(struct buf *b, const char *key, struct str s)
{
	if (s.n)
		buf_printf(b, " %s=%.*s", key, STR_ARG(s));
}

static void obj_text(struct buf *b, const struct kube_obj *o)
{
	static const char *const kinds[] = { "", "init:", "ephemeral:" };
	static const char *const said[] = { "", " plain", " privileged" };

	buf_printf(b, "%s %s", kube_op_name(o->op), kube_type_name(o->type));
	text_str(b, "uid", o->uid);
	text_str(b, "static", o->static_uid);
	text_str(b, "ns", o->ns);
	text_str(b, "name", o->name);
	text_str(b, "node", o->node);
	text_str(b, "owner", o->owner_kind);
	text_str(b, "/", o->owner_name);
	text_str(b, "service", o->service);
	text_str(b, "sa", o->service_account);
	text_str(b, "phase", o->phase);
	if (o->host_network)
		buf_printf(b, " hostnet");
	for (size_t i = 0; i < o->addresses_n; i++)
		text_str(b, "ip", o->addresses[i]);
	for (size_t i = 0; i < o->labels_n; i++)
		buf_printf(b, " label:%.*s=%.*s", STR_ARG(o->labels[i].key),
			   STR_ARG(o->labels[i].value));
	for (size_t i = 0; i < o->annotations_n; i++)
		buf_printf(b, " note:%.*s=%.*s", STR_ARG(o->annotations[i].key),
			   STR_ARG(o->annotations[i].value));
	buf_printf(b, "%s", said[o->privileged]);
	for (size_t i = 0; i < o->containers_n; i++)
		buf_printf(b, " [%s%.*s %.12s %.*s %u%s]", kinds[o->containers[i].kind],
			   STR_ARG(o->containers[i].name),
			   o->containers[i].id.n ? o->containers[i].id.p : "-",
			   STR_ARG(o->containers[i].image), o->containers[i].restarts,
			   said[o->containers[i].privileged]);
	buf_char(b, '\n');
}

/* --- from recordings -------------------------------------------------------------------------- */

struct reader {
	enum kube_type type;
	enum kube_scope scope;
	struct buf text;
	size_t n;
};

/* Parses, encodes, decodes, and writes the decoded object down. */
static void reader_add(struct reader *r, const json_t *v, enum kube_op op)
{
	_cleanup_(buf_free) struct buf rec = { 0 };
	struct kube_obj o, back;
	uint64_t cut = 0;

	arena_reset(&arena);
	assert_int_equal(kube_obj_parse(v, r->type, r->scope, &arena, &o, &cut), 0);
	assert_int_equal(cut, 0);
	o.op = (uint8_t)op;
	assert_int_equal(kube_obj_encode(&rec, &o), 0);
	assert_int_equal(kube_obj_decode(cur_of(rec.p, rec.n), &arena, &back), 0);
	obj_text(&r->text, &back);
	r->n++;
}

static int reader_fn(void *ctx, enum kube_split_what what, struct str json)
{
	json_t *v = kube_json_load(json);
	json_t *object = json_object_get(v, "object");
	const char *type = json_string_value(json_object_get(v, "type"));

	assert_non_null(v);
	if (what == KUBE_SPLIT_OBJECT && !type)
		reader_add(ctx, v, KUBE_UPSERT);
	else if (what == KUBE_SPLIT_OBJECT && strcmp(type, "BOOKMARK"))
		reader_add(ctx, object, strcmp(type, "DELETED") ? KUBE_UPSERT : KUBE_DELETE);
	json_decref(v);
	return 0;
}

static char *read_all(const char *file, enum kube_type type, enum kube_scope scope, size_t *ret_n)
{
	struct reader r = { .type = type, .scope = scope };
	struct kube_split k = { .fn = reader_fn, .ctx = &r, .max_bytes = 2 << 20, .max_tokens = 131072 };
	struct str in = testdata_load(file);

	kube_split_reset(&k, strstr(file, "watch") ? KUBE_SPLIT_STREAM : KUBE_SPLIT_LIST);
	assert_int_equal(kube_split_feed(&k, in), 0);
	kube_split_free(&k);
	free((void *)in.p);
	buf_char(&r.text, 0);
	*ret_n = r.n;
	return r.text.p;
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no line\n%s\nin\n%s", line, text);
}

static void test_real_pods(void **state)
{
	size_t n;
	char *node = read_all("real.pods.list.json", KUBE_POD, KUBE_SCOPE_NODE, &n);
	char *cluster;

	(void)state;
	has(node, "upsert pod uid=52a3327f-bbe1-4626-8291-cfba3a97944c ns=real name=besteffort "
		  "node=node-a sa=default phase=Running hostnet ip=192.0.2.2 label:app=be "
		  "plain [c a1f72dcdd105 localhost/app:1 0 plain]\n");
	cluster = read_all("real.pods.list.json", KUBE_POD, KUBE_SCOPE_CLUSTER, &n);
	has(cluster, "upsert pod uid=52a3327f-bbe1-4626-8291-cfba3a97944c ns=real name=besteffort "
		     "node=node-a phase=Running hostnet ip=192.0.2.2\n");
	if (getenv("SHOW"))
		puts(node);
	free(node);
	free(cluster);
}

static void test_recordings(void **state)
{
	static const struct {
		const char *file;
		enum kube_type type;
		size_t n;
		const char *line;
	} rows[] = {
		{ "namespaces.list.json", KUBE_NAMESPACE, 6,
		  "upsert namespace uid=f5b803b8-76ea-46fd-8f41-1c68aaf192fc name=infra "
		  "label:kubernetes.io/metadata.name=infra label:team=platform\n" },
		{ "services.list.json", KUBE_SERVICE, 5,
		  "upsert service uid=329015c0-a681-4b39-8cf6-2b15e6e9eeb8 ns=shop name=web "
		  "ip=10.96.172.185\n" },
		{ "services.list.json", KUBE_SERVICE, 5, /* headless: "None" is no address */
		  "upsert service uid=8be6b6eb-cba0-4496-a139-c8ee26840962 ns=shop name=cart\n" },
		{ "endpointslices.list.json", KUBE_ENDPOINTSLICE, 4,
		  "upsert endpointslice uid=0ad185cf-f0fc-4ebc-a881-202e4f7d1c0e ns=infra "
		  "name=manual-1 service=manual ip=192.0.2.10 ip=192.0.2.11\n" },
		{ "nodes.list.json", KUBE_NODE, 2,
		  "upsert node uid=6c6db4af-17dd-4b39-a0b8-ba45a80c971e name=node-b ip=192.0.2.1 "
		  "label:beta.kubernetes.io/os=linux" },
		{ "services.watch.ndjson", KUBE_SERVICE, 5, "delete service uid=" },
		{ "nodes.watch.ndjson", KUBE_NODE, 5, "delete node uid=" },
		{ "namespaces.watch.ndjson", KUBE_NAMESPACE, 1, "upsert namespace uid=" },
		{ "endpointslices.watch.ndjson", KUBE_ENDPOINTSLICE, 16, "delete endpointslice uid=" },
		{ "pods.watch.ndjson", KUBE_POD, 25, "delete pod uid=" },
		{ "pods.list.page1.json", KUBE_POD, 2, "name=hostnet" },
		{ "pods.list.page2.json", KUBE_POD, 2, "upsert pod uid=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = 0;
		char *text = read_all(rows[i].file, rows[i].type, KUBE_SCOPE_NODE, &n);

		if (getenv("SHOW"))
			puts(text);
		assert_int_equal(n, rows[i].n);
		has(text, rows[i].line);
		free(text);
	}
}

static void parsed(const char *json, enum kube_type type, int want, const char *text,
		   uint64_t want_cut)
{
	struct buf b = { 0 };
	json_t *v = kube_json_load(str_of(json));
	struct kube_obj o;
	uint64_t cut = 0;

	assert_non_null(v);
	arena_reset(&arena);
	assert_int_equal(kube_obj_parse(v, type, KUBE_SCOPE_NODE, &arena, &o, &cut), want);
	if (!want) {
		obj_text(&b, &o);
		buf_char(&b, 0);
		assert_string_equal(b.p, text);
	}
	assert_int_equal(cut, want_cut);
	buf_free(&b);
	json_decref(v);
}

#define POD(meta, rest) "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"" meta "}" rest "}"
#define RS(name)                                                                       \
	",\"ownerReferences\":[{\"kind\":\"X\",\"name\":\"no\"},{\"controller\":true," \
	"\"kind\":\"ReplicaSet\",\"name\":\"" name "\"}]"
#define HASH ",\"labels\":{\"pod-template-hash\":\"5d8\"}"

static void test_details(void **state)
{
	(void)state;
	parsed(POD(RS("web-5d8") HASH, ""), KUBE_POD, 0,
	       "upsert pod uid=u name=p owner=Deployment /=web label:pod-template-hash=5d8\n", 0);
	parsed(POD(RS("web-5d8"), ""), KUBE_POD, 0,
	       "upsert pod uid=u name=p owner=ReplicaSet /=web-5d8\n", 0);
	parsed(POD(RS("web5d8") HASH, ""), KUBE_POD, 0,
	       "upsert pod uid=u name=p owner=ReplicaSet /=web5d8 label:pod-template-hash=5d8\n", 0);
	parsed(POD(RS("-5d8") HASH, ""), KUBE_POD, 0,
	       "upsert pod uid=u name=p owner=ReplicaSet /=-5d8 label:pod-template-hash=5d8\n", 0);
	parsed(POD(",\"annotations\":{\"kubernetes.io/config.mirror\":\"c0ffee\"}",
		   ",\"status\":{\"podIP\":\"10.0.0.1\"}"),
	       KUBE_POD, 0,
	       "upsert pod uid=u static=c0ffee name=p ip=10.0.0.1 "
	       "note:kubernetes.io/config.mirror=c0ffee\n",
	       0);
	parsed(POD("", ",\"status\":{\"podIP\":\"10.0.0.1\",\"podIPs\":[{\"ip\":\"10.0.0.1\"},"
		       "{\"ip\":\"fd00::1\"}]}"),
	       KUBE_POD, 0, "upsert pod uid=u name=p ip=10.0.0.1 ip=fd00::1\n", 0);
	parsed(POD("", ",\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"nice:1\"}]},"
		       "\"status\":{\"containerStatuses\":[{\"name\":\"a\",\"image\":\"sha256:1\","
		       "\"containerID\":\"cri-o://123456789012345\",\"restartCount\":7}],"
		       "\"initContainerStatuses\":[{\"name\":\"i\",\"image\":\"x\"}],"
		       "\"ephemeralContainerStatuses\":[{\"name\":\"e\",\"image\":\"y\","
		       "\"containerID\":\"plain\"}]}"),
	       KUBE_POD, 0,
	       "upsert pod uid=u name=p plain [a 123456789012 nice:1 7 plain] [init:i - x 0] "
	       "[ephemeral:e plain y 0]\n",
	       0);
	parsed("{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"status\":{\"addresses\":["
	       "{\"type\":\"Hostname\",\"address\":\"h\"},{\"type\":\"InternalIP\","
	       "\"address\":\"1.2.3.4\"},{\"type\":\"ExternalIP\",\"address\":\"5.6.7.8\"}]}}",
	       KUBE_NODE, 0, "upsert node uid=u name=n ip=1.2.3.4\n", 0);
}

#define BOX(name, context) "{\"name\":\"" name "\"" context "}"
#define PRIVILEGED(v)	   ",\"securityContext\":{\"privileged\":" v "}"
#define SPEC(main, init)                                                                   \
	",\"spec\":{\"containers\":[" main "],\"initContainers\":[" init "]},\"status\":{" \
	"\"containerStatuses\":[" BOX("a", "") "]}"

/* One container's answer is its own; the pod's only when all have the same. */
static void test_privileged(void **state)
{
	(void)state;
	parsed(POD("", SPEC(BOX("a", PRIVILEGED("true")), BOX("i", PRIVILEGED("true")))), KUBE_POD,
	       0, "upsert pod uid=u name=p privileged [a -  0 privileged]\n", 0);
	parsed(POD("", SPEC(BOX("a", PRIVILEGED("true")), BOX("i", ""))), KUBE_POD, 0,
	       "upsert pod uid=u name=p [a -  0 privileged]\n", 0);
	parsed(POD("", SPEC(BOX("i", PRIVILEGED("true")) "," BOX("a", PRIVILEGED("false")),
			    BOX("j", PRIVILEGED("true")))),
	       KUBE_POD, 0, "upsert pod uid=u name=p [a -  0 plain]\n", 0);
	parsed(POD("", SPEC(BOX("b", PRIVILEGED("7")), "3,\"x\"")), KUBE_POD, 0,
	       "upsert pod uid=u name=p plain [a -  0]\n", 0);
}

static void test_annotations(void **state)
{
	static char value[KUBE_ANNOTATION_MAX + 2];
	_cleanup_(buf_free) struct buf in = { 0 }, out = { 0 };

	(void)state;
	parsed(POD(",\"annotations\":{\"a\":\"x=1,y=\\\"2\\\"\",\"b\":7,\"c\":\"\","
		   "\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\"}",
		   ""),
	       KUBE_POD, 0, "upsert pod uid=u name=p note:a=x=1,y=\"2\" note:c=\n", 0);
	/* 30 fit, one value is a byte too long, two fit, three are too many */
	memset(value, 'v', KUBE_ANNOTATION_MAX + 1);
	buf_printf(&in, "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"annotations\":{");
	buf_printf(&out, "upsert pod uid=u name=p");
	for (int i = 0; i < 36; i++) {
		int n = KUBE_ANNOTATION_MAX + (i == 30);

		buf_printf(&in, "%s\"k%d\":\"%.*s\"", i ? "," : "", i, n, value);
		if (i != 30 && i < 33)
			buf_printf(&out, " note:k%d=%.*s", i, n, value);
	}
	buf_printf(&in, "}}}%c", 0);
	buf_printf(&out, "\n%c", 0);
	parsed(in.p, KUBE_POD, 0, out.p, 4);
}

/* Wrong types, missing parts, too much of something. */
static void test_bad_objects(void **state)
{
	struct buf many = { 0 };

	(void)state;
	parsed("{}", KUBE_POD, -EBADMSG, NULL, 0);
	parsed("{\"metadata\":7}", KUBE_POD, -EBADMSG, NULL, 0);
	parsed("{\"metadata\":{\"name\":\"p\"}}", KUBE_POD, -EBADMSG, NULL, 0);
	parsed("{\"metadata\":{\"name\":[],\"uid\":\"u\"}}", KUBE_POD, -EBADMSG, NULL, 0);
	parsed(POD(",\"labels\":[1]", ",\"spec\":\"x\",\"status\":{\"podIPs\":{\"ip\":1}}"),
	       KUBE_POD, 0, "upsert pod uid=u name=p\n", 0);
	parsed(POD(",\"labels\":{\"a\":1,\"b\":\"2\"}", ",\"status\":{\"podIPs\":[1,{},{\"ip\":2}],"
							"\"containerStatuses\":[3,{\"name\":4}]}"),
	       KUBE_POD, 0, "upsert pod uid=u name=p label:b=2\n", 0);
	assert_null(kube_json_load(STR("[]")));
	assert_null(kube_json_load(STR("{\"a\":}")));
	assert_null(kube_json_load(STR("{\"a\":\"\xff\"}")));
	assert_null(kube_json_load(STR_NONE));

	buf_printf(&many, "{\"metadata\":{\"name\":\"%0320d\",\"uid\":\"u\"},\"endpoints\":[", 1);
	for (int i = 0; i < 1005; i++)
		buf_printf(&many, "%s{\"addresses\":[\"10.0.%d.%d\"]}", i ? "," : "", i / 256,
			   i % 256);
	buf_printf(&many, "]}%c", 0);
	json_t *v = kube_json_load(str_of(many.p));
	struct kube_obj o;
	uint64_t cut = 0;

	arena_reset(&arena);
	assert_int_equal(kube_obj_parse(v, KUBE_ENDPOINTSLICE, KUBE_SCOPE_CLUSTER, &arena, &o, &cut),
			 0);
	assert_int_equal(o.addresses_n, 1000);
	assert_int_equal(cut, 5);
	assert_int_equal(o.name.n, 320);
	json_decref(v);
	buf_free(&many);
}

/* --- records ---------------------------------------------------------------------------------- */

static const struct str ips[] = { { "10.0.0.1", 8 }, { "fd00::1", 7 } };
static const struct kube_label labels[] = { { { "a", 1 }, { "b", 1 } }, { { "c", 1 }, { "", 0 } } };
static const struct kube_container containers[] = {
	{ { "main", 4 }, { "0123", 4 }, { "img:1", 5 }, 3, KUBE_CONTAINER_MAIN, 0 },
	{ { "init", 4 }, { NULL, 0 }, { "img:2", 5 }, 0, KUBE_CONTAINER_INIT, 0 },
};

static struct kube_obj sample(void)
{
	return (struct kube_obj){
		.type = KUBE_POD,
		.op = KUBE_DELETE,
		.scope = KUBE_SCOPE_CLUSTER,
		.host_network = true,
		.addresses = ips,
		.addresses_n = 2,
		.labels = labels,
		.labels_n = 2,
		.containers = containers,
		.containers_n = 2,
		.uid = STR("uid-1"),
		.ns = STR("shop"),
		.name = STR("web-1"),
		.phase = STR("Running"),
	};
}

/* The layout is a promise to old captures: byte for byte. */
static void test_golden_record(void **state)
{
	static const char want[] = "\1\0\0\1\1\1"
				   "\5\0uid-1\0\0\4\0shop\5\0web-1\0\0\0\0\0\0\0\0\0\0\7\0Running"
				   "\2\0\10\00010.0.0.1\7\0fd00::1"
				   "\2\0\1\0a\1\0b\1\0c\0\0"
				   "\2\0\3\0\0\0\0\4\0main\4\0000123\5\0img:1"
				   "\0\0\0\0\1\4\0init\0\0\5\0img:2";
	_cleanup_(buf_free) struct buf b = { 0 };
	struct kube_obj o = sample();

	(void)state;
	assert_int_equal(kube_obj_encode(&b, &o), 0);
	assert_int_equal(b.n, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.n);
}

static const struct kube_label notes[] = { { { "n", 1 }, { "a=b,c", 5 } }, { { "o", 1 }, { "", 0 } } };

static struct kube_obj sample_more(void)
{
	static struct kube_container boxes[2];
	struct kube_obj o = sample();

	memcpy(boxes, containers, sizeof(boxes));
	boxes[0].privileged = KUBE_SAID_YES;
	o.containers = boxes;
	o.privileged = KUBE_SAID_NO;
	o.annotations = notes;
	o.annotations_n = 2;
	return o;
}

/* Version 2: what version 1 has, then the rest. */
static void test_golden_record_more(void **state)
{
	static const char want[] = "\1\2\0\2\0\1\0n\5\0a=b,c\1\0o\0\0";
	_cleanup_(buf_free) struct buf one = { 0 }, two = { 0 };
	struct kube_obj a = sample(), b = sample_more(), back;

	(void)state;
	assert_int_equal(kube_obj_encode(&one, &a), 0);
	assert_int_equal(kube_obj_encode(&two, &b), 0);
	assert_int_equal(two.p[0], 2);
	assert_memory_equal(two.p + 2, one.p + 2, one.n - 2);
	assert_int_equal(two.n - one.n, sizeof(want) - 1);
	assert_memory_equal(two.p + one.n, want, sizeof(want) - 1);
	arena_reset(&arena);
	assert_int_equal(kube_obj_decode(cur_of(two.p, two.n), &arena, &back), 0);
	assert_int_equal(back.privileged, KUBE_SAID_NO);
	assert_int_equal(back.containers[0].privileged, KUBE_SAID_YES);
	assert_int_equal(back.containers[1].privileged, KUBE_SAID_NOTHING);
	assert_int_equal(back.annotations_n, 2);
	assert_true(str_eq(back.annotations[0].value, STR("a=b,c")));
	/* a version 2 that says nothing more is not what the writer writes */
	one.p[0] = 2;
	buf_add(&one, "\0\0\0\0\0", 5);
	assert_int_equal(kube_obj_decode(cur_of(one.p, one.n), &arena, &back), -EBADMSG);
	one.p[one.n - 5] = KUBE_SAID_YES;
	assert_int_equal(kube_obj_decode(cur_of(one.p, one.n), &arena, &back), 0);
	one.p[one.n - 5] = KUBE_SAIDS;
	assert_int_equal(kube_obj_decode(cur_of(one.p, one.n), &arena, &back), -EBADMSG);
}

static void test_annotation_bounds(void **state)
{
	static char longs[KUBE_ANNOTATION_MAX + 1];
	static struct kube_label many[KUBE_LABELS_MAX], all[KUBE_ANNOTATIONS_MAX];
	_cleanup_(buf_free) struct buf b = { 0 };
	struct kube_label one = { STR("k"), { longs, sizeof(longs) } };
	struct kube_obj o = sample(), back;

	(void)state;
	memset(longs, 'x', sizeof(longs));
	o.annotations = &one;
	o.annotations_n = 1;
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
	one.value.n--;
	assert_int_equal(kube_obj_encode(&b, &o), 0);
	buf_reset(&b);
	one.value = STR("a\0b");
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
	/* more than a record can hold: all but the annotations */
	for (size_t i = 0; i < KUBE_LABELS_MAX; i++)
		many[i] = (struct kube_label){ { longs, KUBE_STR_MAX }, { longs, KUBE_STR_MAX } };
	for (size_t i = 0; i < KUBE_ANNOTATIONS_MAX; i++)
		all[i] = (struct kube_label){ { longs, KUBE_STR_MAX },
					      { longs, KUBE_ANNOTATION_MAX } };
	o.labels = many;
	o.labels_n = KUBE_LABELS_MAX;
	o.annotations = all;
	o.annotations_n = KUBE_ANNOTATIONS_MAX;
	assert_int_equal(kube_obj_encode(&b, &o), 0);
	arena_reset(&arena);
	assert_int_equal(kube_obj_decode(cur_of(b.p, b.n), &arena, &back), 0);
	assert_int_equal(back.annotations_n, 0);
	assert_int_equal(back.labels_n, KUBE_LABELS_MAX);
	o.annotations_n++;
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
}

static void record_prefixes(struct kube_obj o)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct guard g = guard_make();
	struct kube_obj back = { .type = 77 };

	assert_int_equal(kube_obj_encode(&b, &o), 0);
	for (size_t n = 0; n < b.n; n++) {
		arena_reset(&arena);
		assert_int_equal(kube_obj_decode(cur_of(guard_put(&g, b.p, n), n), &arena, &back),
				 -EBADMSG);
		assert_int_equal(back.type, 77);
	}
	buf_char(&b, 'x');
	assert_int_equal(kube_obj_decode(cur_of(b.p, b.n), &arena, &back), -EBADMSG);
	b.n--;
	for (size_t i = 0; i < b.n; i++) {
		char was = b.p[i];

		for (int flip = 1; flip < 256; flip += flip) {
			int r;

			b.p[i] = (char)(was ^ flip);
			arena_reset(&arena);
			r = kube_obj_decode(cur_of(guard_put(&g, b.p, b.n), b.n), &arena, &back);
			assert_true(r == 0 || r == -EBADMSG || (i < 2 && r == -EPROTONOSUPPORT));
		}
		b.p[i] = was;
	}
	guard_free(&g);
}

static void test_record_prefixes(void **state)
{
	(void)state;
	record_prefixes(sample());
	record_prefixes(sample_more());
}

static void test_record_bounds(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(buf_free) struct buf full = { .max = 300 };
	static char longs[KUBE_STR_MAX + 1];
	static struct kube_label many[KUBE_LABELS_MAX];
	static struct kube_container boxes[KUBE_CONTAINERS_MAX];
	struct arena tiny;
	struct kube_obj o = sample(), back;

	(void)state;
	memset(longs, 'x', sizeof(longs));
	o.name = (struct str){ longs, sizeof(longs) };
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
	o.name.n--;
	assert_int_equal(kube_obj_encode(&b, &o), 0);
	buf_reset(&b);
	o.addresses_n = KUBE_ADDRESSES_MAX + 1;
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
	o.addresses_n = 2;
	o.op = KUBE_OPS;
	assert_int_equal(kube_obj_encode(&b, &o), -EINVAL);
	o.op = KUBE_UPSERT;
	for (size_t i = 0; i < KUBE_LABELS_MAX; i++)
		many[i] = (struct kube_label){ o.name, o.name };
	for (size_t i = 0; i < KUBE_CONTAINERS_MAX; i++)
		boxes[i] = (struct kube_container){ o.name, o.name, o.name, 0, 0, 0 };
	o.labels = many;
	o.labels_n = KUBE_LABELS_MAX;
	o.containers = boxes;
	o.containers_n = KUBE_CONTAINERS_MAX;
	buf_char(&b, 'k');
	assert_int_equal(kube_obj_encode(&b, &o), -E2BIG);
	assert_int_equal(b.n, 1);
	b.n = 0;
	o = sample();
	buf_add(&full, longs, 290);
	assert_int_equal(kube_obj_encode(&full, &o), kube_obj_encode(&b, &o) ? 0 : -ENOMEM);
	assert_int_equal(full.n, 290);
	assert_int_equal(arena_init(&tiny, 40), 0);
	assert_int_equal(kube_obj_decode(cur_of(b.p, b.n), &tiny, &back), -ENOMEM);
	arena_free(&tiny);
	assert_string_equal(kube_type_name(KUBE_NODE), "node");
	assert_string_equal(kube_type_name(99), "?");
	assert_string_equal(kube_op_name(99), "?");
}

static void test_meta(void **state)
{
	static const char *const files[] = { "pods.list.toolarge-rv.json",
					     "real.pods.list.as-node-a.forbidden.json",
					     "pods.list.page1.json" };
	struct kube_meta m[3];
	json_t *v[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct str in = testdata_load(files[i]);

		v[i] = kube_json_load(in);
		assert_non_null(v[i]);
		kube_meta_parse(v[i], &m[i]);
		free((void *)in.p);
	}
	assert_int_equal(m[0].code, 504);
	assert_int_equal(m[0].retry_after_s, 1);
	assert_true(str_eq(m[0].reason, STR("Timeout")));
	assert_int_equal(m[1].code, 403);
	assert_true(str_starts(m[1].message, STR("pods is forbidden")));
	assert_true(str_eq(m[2].resource_version, STR("406")));
	assert_true(str_starts(m[2].continue_token, STR("eyJ2Ijoi")));
	for (size_t i = 0; i < 3; i++)
		json_decref(v[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_pods),
		cmocka_unit_test(test_recordings),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_bad_objects),
		cmocka_unit_test(test_golden_record),
		cmocka_unit_test(test_record_prefixes),
		cmocka_unit_test(test_record_bounds),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_golden_record_more),
		cmocka_unit_test(test_annotation_bounds),
	};

	int failed;

	if (arena_init(&arena, KUBE_ARENA_BYTES))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	return failed;
}
