/* Documents as runtimes write them, in the parts that are looked at, and what is wrong with others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enrich/container_facts.h"

typedef bool (*facts)(json_t *doc, struct container_name *to);

static struct container_name got;

/* The mounts with their NULs shown as blanks. */
static const char *take(facts f, const char *text)
{
	static char mounts[CONTAINER_MOUNTS_MAX + 1];
	json_t *doc = json_loads(text, 0, NULL);

	assert_non_null(doc);
	memset(&got, 0, sizeof(got));
	if (!f(doc, &got))
		got.privileged = 99;
	json_decref(doc);
	for (size_t i = 0; i < got.mounts_n; i++)
		mounts[i] = got.mounts[i] ? got.mounts[i] : ' ';
	mounts[got.mounts_n] = '\0';
	return mounts;
}

#define CAPS "\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\",\"CAP_SYS_RAWIO\""
#define OCI(caps, linux_part) \
	"{\"process\":{\"capabilities\":{\"bounding\":[" caps "]}},\"linux\":{" linux_part "}}"
#define ALL_DEVICES "\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"rwm\"}]}"
#define SOME_DEVICES                                                                        \
	"\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true," \
	"\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"}]}"

static void test_privileged(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ OCI(CAPS, ALL_DEVICES), SAID_YES },
		{ OCI(CAPS, ALL_DEVICES ",\"maskedPaths\":[],\"readonlyPaths\":null"), SAID_YES },
		{ OCI(CAPS, ALL_DEVICES ",\"maskedPaths\":[\"/proc/kcore\"]"), SAID_NO },
		{ OCI(CAPS, ALL_DEVICES ",\"readonlyPaths\":[\"/proc/sys\"]"), SAID_NO },
		{ OCI("\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\"", ALL_DEVICES), SAID_NO },
		{ OCI("", ALL_DEVICES), SAID_NO },
		{ OCI(CAPS, SOME_DEVICES), SAID_NO },
		{ OCI(CAPS, ""), SAID_NO },
		{ OCI(CAPS, "\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"a\"},"
			    "{\"allow\":false,\"access\":\"rwm\"}]}"),
		  SAID_NO },
		{ OCI(CAPS, "\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"r\"}]}"),
		  SAID_NO },
		{ OCI(CAPS, "\"resources\":{\"devices\":\"all\"}"), SAID_NO },
		{ "{\"linux\":{}}", 99 }, /* not an OCI configuration */
		{ "{\"process\":[],\"linux\":{}}", 99 },
		{ "[]", 99 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		take(container_facts_oci, rows[i].text);
		if ((int)got.privileged != rows[i].want)
			fail_msg("%s: %d", rows[i].text, got.privileged);
	}
}

static void test_oci_mounts(void **state)
{
	(void)state;
	assert_string_equal(
		take(container_facts_oci,
		     "{\"process\":{},\"linux\":{},\"mounts\":["
		     "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		     "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv\","
		     "\"options\":[\"rbind\",\"rprivate\",\"rw\"]},"
		     "{\"destination\":\"/e\",\"source\":\"/etc\",\"options\":[\"bind\",\"ro\",\"rslave\"]},"
		     "{\"destination\":\"/c:d\",\"source\":\"/a:b\",\"type\":\"bind\"},"
		     "{\"destination\":7,\"type\":\"bind\",\"options\":[7]},"
		     "\"odd\"]}"),
		"/srv:/data::true:private /etc:/e::false:rslave /a?b:/c?d::true:private "
		":::true:private ");
}

static void test_docker(void **state)
{
	(void)state;
	assert_string_equal(
		take(container_facts_docker,
		     "{\"Image\":\"sha256:12\",\"MountPoints\":{\"/data\":{\"Source\":\"\",\"Name\":\"vol\","
		     "\"Destination\":\"/data\",\"RW\":true,\"Relabel\":\"z\"},\"/e\":{\"Source\":\"/etc\","
		     "\"Destination\":\"/e\",\"RW\":false,\"Propagation\":\"rslave\"},\"/x\":null},"
		     "\"NetworkSettings\":{\"Networks\":{\"none\":{\"IPAddress\":\"\"},"
		     "\"bridge\":{\"IPAddress\":\"172.17.0.2\"}}}}"),
		"/var/lib/docker/volumes/vol/_data:/data:z:true: /etc:/e::false:rslave :::false: ");
	assert_string_equal(got.image_id, "sha256:12");
	assert_string_equal(got.ip, "172.17.0.2");
	take(container_facts_docker_host, "{\"Privileged\":true}");
	assert_int_equal(got.privileged, SAID_YES);
	take(container_facts_docker_host, "{\"Privileged\":false}");
	assert_int_equal(got.privileged, SAID_NO);
	take(container_facts_docker_host, "{\"Privileged\":\"yes\"}");
	assert_int_equal(got.privileged, 99);
	take(container_facts_docker_host, "{}");
	assert_int_equal(got.privileged, 99);
}

/* As many as there is room for; each whole. */
static void test_full(void **state)
{
	struct container_name to = { 0 };
	char path[201];
	size_t n = 0;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	while (container_mount_add(&to, path, path, "", true, "private"))
		n++;
	assert_int_equal(n, 19);
	assert_true(to.mounts_n <= sizeof(to.mounts));
	assert_int_equal(to.mounts[to.mounts_n - 1], '\0');
	assert_true(container_mount_add(&to, "/b", "/c", NULL, false, NULL));
	assert_string_equal(to.mounts + to.mounts_n - sizeof("/b:/c::false:"), "/b:/c::false:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_oci_mounts),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
