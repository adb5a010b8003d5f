/*
 * The feature table: whole and quick on any kernel, honest without privileges, leaves nothing
 * behind; and what it says of Kubernetes addresses, against a listener on loopback.
 */
#include "source/feature.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

static struct feature_report report;

static unsigned count_dir(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static unsigned count_lines(const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	unsigned n = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	return n;
}

static void test_rows(void **state)
{
	uint64_t before = clock_read_ns(CLOCK_MONOTONIC), took;

	(void)state;
	assert_int_equal(features_probe(&report), 0);
	took = clock_read_ns(CLOCK_MONOTONIC) - before;
	print_message("%zu rows in %u ms\n", report.n, (unsigned)(took / NS_PER_MS));
	assert_true(took < 3 * NS_PER_SEC); /* sanitized, on a busy machine */
	assert_true(report.n > 30 && report.n < FEATURES_MAX);
	for (size_t i = 0; i < report.n; i++) {
		const struct feature *f = &report.rows[i];

		assert_ptr_equal(feature_find(&report, f->name), f); /* no name twice */
		assert_true(f->purpose[0] && f->advice[0]);
		assert_true(f->state <= FEATURE_MISSING);
		assert_true(f->reason[0]);
		assert_null(strpbrk(f->reason, "\n\t"));
		assert_int_equal(feature_has(&report, f->name), f->state != FEATURE_MISSING);
	}
	assert_null(feature_find(&report, "no such thing"));
	assert_false(feature_has(&report, "no such thing"));
	assert_int_equal(feature_find(&report, "kernel")->state == FEATURE_MISSING, 0);
}

static void test_can_run(void **state)
{
	struct feature_report r = {
		.n = 2,
		.rows = { { .name = "a", .required = true, .state = FEATURE_DEGRADED },
			  { .name = "b", .state = FEATURE_MISSING } }
	};

	(void)state;
	assert_true(features_can_run(&r));
	r.rows[1].required = true;
	assert_false(features_can_run(&r));
	assert_string_equal(feature_state_name(FEATURE_OK), "ok");
	assert_string_equal(feature_state_name(FEATURE_DEGRADED), "degraded");
	assert_string_equal(feature_state_name(FEATURE_MISSING), "missing");
}

/* Mounts and descriptors are as before; programs go with their descriptors. */
static void test_leaves_nothing(void **state)
{
	unsigned fds = count_dir("/proc/self/fd"), mounts = count_lines("/proc/self/mountinfo");

	(void)state;
	assert_int_equal(features_probe(&report), 0);
	assert_int_equal(count_dir("/proc/self/fd"), fds);
	assert_int_equal(count_lines("/proc/self/mountinfo"), mounts);
}

/* Two looks say the same. */
static void test_repeats(void **state)
{
	struct feature_report again;

	(void)state;
	assert_int_equal(features_probe(&again), 0);
	assert_int_equal(again.n, report.n);
	for (size_t i = 0; i < again.n; i++) {
		if (again.rows[i].state != report.rows[i].state)
			fail_msg("%s: %s, then %s", again.rows[i].name, report.rows[i].reason,
				 again.rows[i].reason);
	}
}

/* As nobody: no crash, no false claim. */
static int as_nobody(void)
{
	const struct feature *f;

	if (setgid(65534) || setuid(65534))
		return 77;
	features_probe(&report);
	f = feature_find(&report, "cap_bpf");
	if (f->state != FEATURE_MISSING || features_can_run(&report))
		return 1;
	f = feature_find(&report, "tp_btf");
	if (f->state != FEATURE_MISSING || !strstr(f->reason, "not permitted"))
		return 2;
	f = feature_find(&report, "privileges");
	return strstr(f->reason, "no capability") ? 0 : 3;
}

static void test_unprivileged(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int listener(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* What the report says when the kubeconfig is @text. */
static const struct feature *kube_row(const char *text)
{
	char path[] = "/tmp/porthole_kubeconfig.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("KUBECONFIG", path, 1);
	features_probe(&report);
	unlink(path);
	unsetenv("KUBECONFIG");
	return feature_find(&report, "kubernetes");
}

static void test_kubernetes(void **state)
{
	static const char *const bad[] = {
		"",
		"\xff\xfe server:",
		"server: \n",
		"server: ftp://h\n",
		"server: https://\n",
		"server: https://[::1\n",
		"server: https://h:\n",
		"server: https://h:123456\n",
	};
	const struct feature *f;
	uint16_t port;
	char text[256];
	int fd = listener(&port);

	(void)state;
	snprintf(text, sizeof(text), "clusters:\n- cluster:\n    server: https://127.0.0.1:%u/x\n",
		 port);
	f = kube_row(text);
	assert_int_equal(f->state, FEATURE_OK);
	assert_non_null(strstr(f->reason, "answers"));
	snprintf(text, sizeof(text), "  - server: \"http://localhost:%u\"\n", port);
	assert_int_equal(kube_row(text)->state, FEATURE_OK);
	close(fd);
	f = kube_row(text);
	assert_int_equal(f->state, FEATURE_DEGRADED);
	assert_non_null(strstr(f->reason, "refused"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f = kube_row(bad[i]);
		assert_int_equal(f->state, FEATURE_DEGRADED);
		assert_non_null(strstr(f->reason, "no server in it"));
	}
	setenv("HOME", "/nonexistent", 1);
	features_probe(&report);
	assert_int_equal(feature_find(&report, "kubernetes")->state, FEATURE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	       cmocka_unit_test(test_can_run),
		cmocka_unit_test(test_leaves_nothing), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_unprivileged),   cmocka_unit_test(test_kubernetes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
