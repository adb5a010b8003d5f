/*
 * The cluster's words on containers and pods of cgroups: a pod's annotations, and whether a container
 * is privileged, told by the runtime, by the spec of the container, by the specs of the pod.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>

#include "base/arena.h"
#include "enrich/cluster.h"
#include "enrich/container_name.h"
#include "enrich/enrich.h"

#define UID "11a66441-eb7e-4576-be19-cf6b5bbe7417"
#define ID  "69e849912affb8a3ca4897ae94bb9f0c692fa86f0ef94fc666158165ff43f5bf"
#define ID2 "a9e849912affb8a3ca4897ae94bb9f0c692fa86f0ef94fc666158165ff43f5bf"

struct room {
	struct arena arena;
	struct cgroup_table *cgroups;
	struct cluster *cluster;
	struct kube_container box;
	struct kube_obj pod;
	struct proc proc;
	struct event ev;
};

static const struct kube_label notes[] = {
	{ STR("example.com/list"), STR("a=1,b=\"2\",c") },
	{ STR("example.com/empty"), STR("") },
	{ STR("list"), STR("x") },
};

static int room_open(void **state)
{
	static struct room r;

	r = (struct room){ .ev.proc = &r.proc };
	r.box = (struct kube_container){ .name = STR("web"), .id = STR(ID), .image = STR("i:1") };
	r.pod = (struct kube_obj){ .type = KUBE_POD,
				   .op = KUBE_UPSERT,
				   .scope = KUBE_SCOPE_NODE,
				   .uid = STR(UID),
				   .ns = STR("shop"),
				   .name = STR("web-1"),
				   .containers = &r.box,
				   .containers_n = 1 };
	assert_int_equal(arena_init(&r.arena, 1 << 16), 0);
	field_arena_set(&r.arena);
	assert_int_equal(cgroup_table_new(&r.cgroups), 0);
	assert_int_equal(cluster_new(r.cgroups, &r.cluster), 0);
	*state = &r;
	return 0;
}

static int room_close(void **state)
{
	struct room *r = *state;

	cluster_free(r->cluster);
	cgroup_table_free(r->cgroups);
	arena_free(&r->arena);
	return 0;
}

/* The pod as it is now, through the record. */
static bool pod_told(struct room *r)
{
	struct buf b = { 0 };
	bool changed;

	assert_int_equal(kube_obj_encode(&b, &r->pod), 0);
	changed = cluster_object(r->cluster, buf_slice(&b), (struct boot_ns){ 1 });
	buf_free(&b);
	return changed;
}

static void runtime_told(struct room *r, enum said privileged)
{
	struct container_name name = { .privileged = privileged };
	struct buf b = { 0 };

	container_record(&b, STR(ID), &name);
	cluster_container(r->cluster, buf_slice(&b));
	buf_free(&b);
}

static void enter(struct room *r, uint64_t cgroup, const char *path)
{
	cgroup_named(r->cgroups, cgroup, str_of(path));
	r->proc.cgroup = cgroup_get(r->cgroups, cgroup);
	assert_non_null(r->proc.cgroup->container);
	assert_non_null(r->proc.cgroup->pod);
}

/* What the field says of a process there now; @want NULL: nothing. */
static void is(struct room *r, const char *name, const char *key, const char *want)
{
	const struct field *f = enrich_container_fields;
	struct field_ref ref = { .key = str_of(key) };
	struct value v;
	bool there;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	assert_non_null(f->name);
	ref.field = f;
	arena_reset(&r->arena);
	there = f->get(&r->ev, &ref, 0, &v);
	if (there && !want)
		fail_msg("%s[%s] is there", name, key);
	if (!there && want)
		fail_msg("%s[%s] is absent, not %s", name, key, want);
	if (!want)
		return;
	assert_int_equal(v.type, f->type);
	if (v.type == VALUE_BOOL)
		assert_string_equal(v.b ? "true" : "false", want);
	else if (!str_eq(v.str, str_of(want)))
		fail_msg("%s[%s] is %.*s, not %s", name, key, STR_ARG(v.str), want);
}

static void annotations_are_told(struct room *r)
{
	is(r, "k8s.pod.annotation", "example.com/list", "a=1,b=\"2\",c");
	is(r, "k8s.pod.annotation", "example.com/empty", "");
	is(r, "k8s.pod.annotation", "list", "x");
	is(r, "k8s.pod.annotation", "b", NULL);
	is(r, "k8s.pod.annotation", "example.com", NULL);
	is(r, "k8s.pod.annotation", "", NULL);
	is(r, "k8s.pod.annotations", "", "example.com/empty=,example.com/list=a=1,b=\"2\",c,list=x");
}

static void test_annotations(void **state)
{
	struct room *r = *state;

	enter(r, 1, "/kubepods/besteffort/pod" UID "/" ID);
	is(r, "k8s.pod.annotation", "list", NULL);
	is(r, "k8s.pod.annotations", "", NULL);
	pod_told(r);
	is(r, "k8s.pod.annotations", "", NULL);
	r->pod.annotations = notes;
	r->pod.annotations_n = 3;
	assert_true(pod_told(r));
	assert_false(pod_told(r));
	annotations_are_told(r);
	/* a cgroup that comes later */
	enter(r, 2, "/kubepods/besteffort/pod" UID "/" ID2);
	annotations_are_told(r);
	r->pod.annotations_n = 0;
	assert_true(pod_told(r));
	is(r, "k8s.pod.annotations", "", NULL);
}

static void test_privileged_of_container(void **state)
{
	struct room *r = *state;

	enter(r, 1, "/kubepods/besteffort/pod" UID "/" ID);
	pod_told(r);
	is(r, "container.privileged", "", NULL);
	/* its own spec goes before what the others of the pod have */
	r->pod.privileged = KUBE_SAID_NO;
	assert_true(pod_told(r));
	is(r, "container.privileged", "", "false");
	r->box.privileged = KUBE_SAID_YES;
	r->pod.privileged = KUBE_SAID_NOTHING;
	assert_true(pod_told(r));
	assert_false(pod_told(r));
	is(r, "container.privileged", "", "true");
	/* the runtime's files go before both, whichever came first */
	runtime_told(r, SAID_NOTHING);
	is(r, "container.privileged", "", "true");
	runtime_told(r, SAID_NO);
	is(r, "container.privileged", "", "false");
	r->pod.phase = STR("Running");
	pod_told(r);
	is(r, "container.privileged", "", "false");
}

/* The container's id is not in the API yet: what all the pod's containers are, it is. */
static void test_privileged_of_pod(void **state)
{
	struct room *r = *state;

	r->box.id = STR_NONE;
	r->box.privileged = KUBE_SAID_YES;
	r->pod.privileged = KUBE_SAID_YES;
	pod_told(r);
	enter(r, 1, "/kubepods/besteffort/pod" UID "/" ID);
	is(r, "container.privileged", "", "true");
	/* one was added that is not */
	r->pod.privileged = KUBE_SAID_NOTHING;
	assert_true(pod_told(r));
	is(r, "container.privileged", "", NULL);
	r->box.id = STR(ID);
	assert_true(pod_told(r));
	is(r, "container.privileged", "", "true");
	/* known before its cgroup */
	enter(r, 2, "/kubepods/besteffort/pod" UID "/" ID);
	is(r, "container.privileged", "", "true");
	enter(r, 3, "/kubepods/besteffort/pod" UID "/" ID2);
	is(r, "container.privileged", "", NULL);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, room_open, room_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_annotations),
		EACH(test_privileged_of_container),
		EACH(test_privileged_of_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
