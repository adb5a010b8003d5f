/* The fixture roots in container_name.d (see README there), and files that are not what they say. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "enrich/container_name.h"

struct want {
	const char *root, *runtime, *id;
	int e;
	const char *name, *image, *pod_name, *pod_ns, *pod_uid;
	bool sandbox;
};

#define ID1	   "e58a24d4a722c99712cff74ef69d93311089584eb32617b3890e0dcb996133f1"
#define ID2	   "162a25c865d3117f158a598f94b1a14436519ba18c8c1969727b9d3f7bdee25e"
#define ID3	   "5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c"
#define ID4	   "cde7c2bab394630a42d73dc610b9c57415dced996106665d427f6d0566594411"
#define ID5	   "d0b3604b67ac7930dd34ba3a796627e3e4717d12309e90a4afe3f38b6816ac98"
#define ID6	   "e927c9f745d3a75c0e8d7707b8987eff801bb7d58af9067359b18aa72c9c5047"
#define ID8	   "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
#define UID1	   "7fda01c4-0ece-403d-88b4-c371d66d132a"
#define HOSTILE(n) "00000000000000000000000000000000000000000000000000000000000000" n

static const struct want wants[] = {
	{ "containerd", "containerd", ID1, 0, "nginx", "docker.io/library/nginx:1.27",
	  "web-7d4b9c6f5-x2x4z", "shop", UID1 },
	{ "containerd", "cri", ID1, 0, "nginx", "docker.io/library/nginx:1.27",
	  "web-7d4b9c6f5-x2x4z", "shop", UID1 },
	{ "containerd", "kata", ID2, 0, "", "", "web-7d4b9c6f5-x2x4z", "shop", UID1, true },
	{ "containerd", "containerd", ID8, 0, "cache", "", "", "", "" },
	{ "containerd", "docker", ID1, -ENOENT },
	{ "containerd", "containerd", ID3, -ENOENT },
	{ "k3s", "containerd", ID1, 0, "coredns", "", "coredns-6799fbcd5-abcde", "kube-system", "" },
	{ "crio", "cri-o", ID3, 0, "calico-node", "docker.io/calico/node:v3.26.1",
	  "calico-node-hx7cw", "kube-system", "a5c1f8d5-1919-434d-add7-4afaafdaef89" },
	{ "crio", "cri", ID4, 0, "POD", "", "calico-node-hx7cw", "kube-system", "", true },
	{ "docker", "docker", ID4, 0, "shop-cache-1", "redis:7", "", "", "" },
	{ "docker", "ecs", ID4, 0, "shop-cache-1", "redis:7", "", "", "" },
	{ "docker", "oci", ID5, 0, "kube-proxy", "registry.k8s.io/kube-proxy@sha256:" ID2,
	  "kube-proxy-dmtlz", "kube-system", "7d4424e6-bb13-42f4-a47a-45a4828bf54d" },
	{ "podman", "podman", ID6, 0, "cache", "docker.io/library/redis:7", "", "", "" },
	{ "podman", "podman", ID8, 0, "once", "", "", "", "" },
	{ "podman", "podman", ID1, -ENOENT },
	{ "runc", "runc", "portholetest", 0, "portholetest", "", "", "", "" },
	{ "nowhere", "cri", ID1, -ENOENT },
	{ "docker", "lxc", ID4, -ENOENT },
	{ "docker", "systemd", ID4, -ENOENT },
	{ "hostile", "docker", HOSTILE("01"), -EBADMSG },
	{ "hostile", "docker", HOSTILE("02"), -EBADMSG },
	{ "hostile", "docker", HOSTILE("03"), -ENOENT },
	{ "hostile", "docker", HOSTILE("04"), -EBADMSG },
	{ "hostile", "docker", HOSTILE("05"), -EBADMSG },
	{ "hostile", "docker", HOSTILE("06"), -EBADMSG }, /* another container's file */
	{ "hostile", "docker", HOSTILE("07"), 0, "a", "", "", "", "" },
	{ "hostile", "docker", HOSTILE("09"), 0, "a\nb\x1b[31m", "", "", "", "" },
	{ "hostile", "docker", HOSTILE("0a"), -EBADMSG }, /* NUL in a string */
	{ "hostile", "docker", HOSTILE("0b"), -EBADMSG }, /* half a surrogate pair */
	{ "hostile", "docker", HOSTILE("0c"), -EBADMSG }, /* 3000 levels */
	{ "hostile", "docker", HOSTILE("0d"), -ENOENT },  /* nothing in it */
	{ "docker", "docker", "", -EINVAL },
	{ "docker", "docker", ".", -EINVAL },
	{ "docker", "docker", "..", -EINVAL },
	{ "docker", "docker", "../containers/" ID4, -EINVAL },
	{ "docker", "docker", ID4 "/", -EINVAL },
	{ "docker", "docker", "a*b", -EINVAL },
	{ "docker", "docker", "a b", -EINVAL },
	{ "docker", "docker", ID4 ID4 "0", -EINVAL },
};

static void dir_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%.*s/container_name.d/%s", (int)(strrchr(__FILE__, '/') - __FILE__),
		 __FILE__, name);
}

static void test_fixtures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		const struct want *w = &wants[i];
		struct container_name got;
		char root[512];
		int e;

		memset(&got, 0x5a, sizeof(got));
		dir_of(w->root, root, sizeof(root));
		e = container_name_read(root, w->runtime, str_of(w->id), &got);
		if (e != w->e)
			fail_msg("%s %s %s: %d, should be %d", w->root, w->runtime, w->id, e, w->e);
		if (e) {
			assert_int_equal(got.name[0], 0x5a);
			continue;
		}
		assert_string_equal(got.name, w->name);
		assert_string_equal(got.image, w->image);
		assert_string_equal(got.pod_name, w->pod_name);
		assert_string_equal(got.pod_ns, w->pod_ns);
		assert_string_equal(got.pod_uid, w->pod_uid);
		assert_int_equal(got.sandbox, w->sandbox);
	}
}

static void test_long_values(void **state)
{
	struct container_name got;
	char root[512];

	(void)state;
	dir_of("hostile", root, sizeof(root));
	assert_int_equal(container_name_read(root, "docker", STR(HOSTILE("08")), &got), 0);
	assert_string_equal(got.name, ""); /* too long for its place: left out, not cut */
	assert_int_equal(strlen(got.image), 511);
	dir_of("runc", root, sizeof(root));
	assert_int_equal(container_name_read(root, "runc", STR("portholetest"), &got), 0);
	assert_string_equal(got.bundle, "/srv/bundle");
}

static char tmp_root[] = "/tmp/container_name_XXXXXX";
static char tmp_file[512];

/* ROOT/run/runc/x/state.json made by hand; what is there is of kind @mode. */
static void tmp_make(void)
{
	static const char *const parts[] = { "run", "run/runc", "run/runc/x" };

	assert_non_null(mkdtemp(tmp_root));
	for (size_t i = 0; i < 3; i++) {
		snprintf(tmp_file, sizeof(tmp_file), "%s/%s", tmp_root, parts[i]);
		assert_int_equal(mkdir(tmp_file, 0700), 0);
	}
	snprintf(tmp_file, sizeof(tmp_file), "%s/run/runc/x/state.json", tmp_root);
}

static void tmp_remove(void)
{
	static const char *const parts[] = { "run/runc/x", "run/runc", "run", "" };
	char path[512];

	unlink(tmp_file);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", tmp_root, parts[i]);
		rmdir(path);
	}
}

static int tmp_read(void)
{
	struct container_name got;

	return container_name_read(tmp_root, "runc", STR("x"), &got);
}

static void test_file_kinds(void **state)
{
	_cleanup_(closep) int fd = -1;

	(void)state;
	tmp_make();
	assert_int_equal(mkfifo(tmp_file, 0600), 0);
	assert_int_equal(tmp_read(), -EBADMSG); /* and it did not block */
	unlink(tmp_file);
	assert_int_equal(symlink("/etc/passwd", tmp_file), 0);
	assert_int_equal(tmp_read(), -ELOOP);
	unlink(tmp_file);
	fd = open(tmp_file, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, CONTAINER_NAME_FILE_MAX + 1), 0);
	assert_int_equal(tmp_read(), -EFBIG);
	assert_int_equal(ftruncate(fd, CONTAINER_NAME_FILE_MAX), 0);
	assert_int_equal(tmp_read(), -EBADMSG);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "{\"id\":\"x\"}", 10, 0), 10);
	assert_int_equal(tmp_read(), 0);
	tmp_remove();
}

/* Each prefix of a document, as each row's file. */
static void test_prefixes(void **state)
{
	static const char doc[] =
		"[{\"id\":\"x\",\"names\":[\"cache\"],\"metadata\":\"{\\\"image-name\\\":\\\"a\\\"}\"}]";
	struct container_name got;
	size_t rows = 0, given = 0;

	(void)state;
	for (size_t row = 0; row < CONTAINER_NAME_FILES; row++) {
		for (size_t n = 0; n < sizeof(doc); n++) {
			_cleanup_(freep) char *copy = malloc(n + 1);
			int e;

			memcpy(copy, doc, n);
			e = container_name_parse(row, STR("x"), (struct str){ copy, n }, &got);
			given += e == 0;
			rows = e == -EBADMSG && n == 0 ? row + 1 : rows;
		}
	}
	assert_int_equal(rows, 12);
	assert_int_equal(given, 3); /* whole, in both files of podman and in the runc row */
	assert_int_equal(container_name_parse(999, STR("x"), STR("{}"), &got), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixtures),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_file_kinds),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
