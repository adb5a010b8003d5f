/* Kubeconfig documents, good and bad, and the reading of tokens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "kube/auth.h"
#include "kube/auth_file.h"

#define HEAD \
	"current-context: a\ncontexts:\n- name: a\n  context: {cluster: c, user: u, namespace: n}\n"
#define SERVER "clusters:\n- name: c\n  cluster:\n    server: https://h:6443\n"
#define USER   "users:\n- name: u\n  user:\n"

static int read_with(const char *yaml, const char *context, struct kube_auth *a, char *error)
{
	struct kube_auth_error e = { "" };
	int r = kube_auth_kubeconfig(str_of(yaml), "/etc/kube", context, a, &e);

	if (error)
		snprintf(error, 256, "%s", e.text);
	return r;
}

static void test_files(void **state)
{
	struct kube_auth a = { 0 };

	(void)state;
	assert_int_equal(read_with(HEAD SERVER
				   "    certificate-authority: ca.crt\n    proxy-url: http://p:1\n" USER
				   "    client-certificate: /abs/c.crt\n"
				   "    client-key: sub/c.key\n    tokenFile: t\n    token: x\n",
				   NULL, &a, NULL),
			 0);
	assert_string_equal(a.server, "https://h:6443");
	assert_string_equal(a.ca_file, "/etc/kube/ca.crt");
	assert_string_equal(a.cert_file, "/abs/c.crt");
	assert_string_equal(a.key_file, "/etc/kube/sub/c.key");
	assert_string_equal(a.token_file, "/etc/kube/t");
	assert_string_equal(a.proxy, "http://p:1");
	assert_null(a.token);
	assert_null(a.ca_pem);
	assert_false(a.insecure);
	kube_auth_free(&a);
	assert_null(a.server);
}

static void test_data_wins(void **state)
{
	struct kube_auth a = { 0 }, copy = { 0 };

	(void)state;
	assert_int_equal(
		read_with(HEAD "clusters:\n- name: c\n  cluster:\n    server: https://h/k8s/\n"
			       "    certificate-authority: ca.crt\n"
			       "    certificate-authority-data: LS0t\n"
			       "    insecure-skip-tls-verify: true\n" USER
			       "    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n"
			       "    token: secret\n",
			  NULL, &a, NULL),
		0);
	assert_string_equal(a.server, "https://h/k8s");
	assert_null(a.ca_file);
	assert_string_equal(a.ca_pem, "---");
	assert_string_equal(a.cert_pem, "cert");
	assert_string_equal(a.key_pem, "key");
	assert_string_equal(a.token, "secret");
	assert_true(a.insecure);
	assert_int_equal(kube_auth_copy(&a, &copy), 0);
	kube_auth_free(&a);
	assert_string_equal(copy.key_pem, "key");
	assert_true(copy.insecure);
	kube_auth_free(&copy);
}

static void test_contexts(void **state)
{
	static const char two[] = HEAD "- name: b\n  context: {cluster: d}\n" SERVER
				       "- name: d\n  cluster: {server: 'http://d'}\n" USER
				       "    token: x\n";
	struct kube_auth a = { 0 };

	(void)state;
	assert_int_equal(read_with(two, "b", &a, NULL), 0);
	assert_string_equal(a.server, "http://d");
	assert_null(a.token);
	kube_auth_free(&a);
	assert_int_equal(read_with(two, NULL, &a, NULL), 0);
	assert_string_equal(a.token, "x");
	kube_auth_free(&a);
}

static void test_bad(void **state)
{
	static const struct {
		const char *yaml;
		int r;
		const char *says;
	} rows[] = {
		{ "", -EBADMSG, "current-context" },
		{ "[]", -EBADMSG, "current-context" },
		{ "a: [", -EBADMSG, "line 2" },
		{ "current-context: a\n", -EBADMSG, "no such context: a" },
		{ "current-context: {}\n", -EBADMSG, "current-context" },
		{ HEAD, -EBADMSG, "no such cluster: c" },
		{ HEAD "clusters: 7\n", -EBADMSG, "no such cluster: c" },
		{ HEAD "clusters:\n- name: c\n  cluster: {}\n", -EBADMSG, "no server" },
		{ HEAD "clusters:\n- name: c\n  cluster: {server: 'ftp://x'}\n", -EBADMSG, "URL" },
		{ HEAD "clusters:\n- name: c\n  cluster: {server: 'https://x/?a'}\n", -EBADMSG,
		  "URL" },
		{ HEAD "clusters:\n- name: c\n  cluster: {server: \"https://x\\ny\"}\n", -EBADMSG,
		  "URL" },
		{ HEAD SERVER, -EBADMSG, "no such user: u" },
		{ HEAD SERVER USER "    exec: {command: aws}\n", -ENOTSUP, "exec" },
		{ HEAD SERVER USER "    username: x\n", -ENOTSUP, "username" },
		{ HEAD SERVER "    tls-server-name: x\n", -ENOTSUP, "tls-server-name" },
		{ HEAD SERVER "    certificate-authority-data: '*'\n", -EBADMSG, "base64" },
		{ HEAD SERVER "    certificate-authority-data: AAAA\n", -EBADMSG, "base64" },
		{ HEAD SERVER "    certificate-authority-data: Y\n", -EBADMSG, "base64" },
		{ HEAD SERVER "    certificate-authority-data: Y2==2\n", -EBADMSG, "base64" },
		{ "a: &x [*x, *x]\ncurrent-context: *x\n", -EBADMSG, "current-context" },
		{ "\xff\xfe", -EBADMSG, "" },
	};
	struct kube_auth a = { 0 };
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_with(rows[i].yaml, NULL, &a, error), rows[i].r);
		if (!strstr(error, rows[i].says))
			fail_msg("%s: %s", rows[i].yaml, error);
		assert_null(a.server);
	}
}

static void test_every_prefix(void **state)
{
	static const char yaml[] = HEAD SERVER "    certificate-authority-data: LS0t\n" USER
					       "    token: x\n";
	struct kube_auth_error e;

	(void)state;
	for (size_t n = 0; n < sizeof(yaml) - 1; n++) {
		struct kube_auth a = { 0 };
		int r = kube_auth_kubeconfig((struct str){ yaml, n }, ".", NULL, &a, &e);

		assert_true(r == 0 || r == -EBADMSG);
		assert_true(r == 0 || !a.server);
		kube_auth_free(&a);
	}
}

static char dir[] = "/tmp/kube_auth.XXXXXX";

static const char *file(const char *name, const char *text)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static void test_token(void **state)
{
	struct kube_auth a = { 0 };
	char *token = NULL;

	(void)state;
	assert_int_equal(kube_auth_token(&a, &token), 0);
	assert_null(token);
	a.token_file = (char *)file("token", " \n one\r\nX-Evil: yes\n");
	assert_int_equal(kube_auth_token(&a, &token), 0);
	assert_string_equal(token, "one");
	free(token);
	file("token", "two");
	assert_int_equal(kube_auth_token(&a, &token), 0);
	assert_string_equal(token, "two");
	free(token);
	file("token", "\n");
	assert_int_equal(kube_auth_token(&a, &token), -ENODATA);
	a.token_file = (char *)"/nonexistent/token";
	assert_int_equal(kube_auth_token(&a, &token), -ENOENT);
	a.token_file = (char *)"/dev/zero";
	assert_int_equal(kube_auth_token(&a, &token), -EFBIG);
	a.token_file = (char *)"/tmp";
	assert_int_equal(kube_auth_token(&a, &token), -EISDIR);
}

static void test_in_cluster(void **state)
{
	struct kube_auth a = { 0 };
	struct kube_auth_error e = { "" };

	(void)state;
	unsetenv("KUBERNETES_SERVICE_HOST");
	assert_int_equal(kube_auth_in_cluster(dir, &a, &e), -ENOENT);
	assert_non_null(strstr(e.text, "KUBERNETES_SERVICE_HOST"));
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
	assert_int_equal(kube_auth_in_cluster("/nonexistent", &a, &e), -ENOENT);
	file("token", "x");
	assert_int_equal(kube_auth_in_cluster(dir, &a, &e), 0);
	assert_string_equal(a.server, "https://[fd00::1]:6443");
	kube_auth_free(&a);
	unsetenv("KUBERNETES_SERVICE_HOST");
}

static void test_find(void **state)
{
	struct kube_auth a = { 0 };
	struct kube_auth_error e = { "" };
	const char *path = file("config", HEAD SERVER USER "    tokenFile: token\n");
	char list[300];

	(void)state;
	assert_int_equal(kube_auth_find(path, &a, &e), 0);
	assert_non_null(strstr(a.token_file, "/token"));
	kube_auth_free(&a);
	snprintf(list, sizeof(list), "%s:/other", path);
	setenv("KUBECONFIG", list, 1);
	assert_int_equal(kube_auth_find(NULL, &a, &e), 0);
	kube_auth_free(&a);
	unsetenv("KUBECONFIG");
	setenv("HOME", "/nonexistent", 1);
	assert_int_equal(kube_auth_find(NULL, &a, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/.kube/config"));
	assert_int_equal(kube_auth_find("/nonexistent", &a, &e), -ENOENT);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	     cmocka_unit_test(test_data_wins),
		cmocka_unit_test(test_contexts),     cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_token),
		cmocka_unit_test(test_in_cluster),   cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
