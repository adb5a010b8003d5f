/*
 * Service account and token files, and the order in which credentials are looked for. The
 * kubeconfig reader is kubeconfig.c.
 */
#include "kube/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kube/auth_file.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

int kube_file_read(const char *path, char **ret_text, size_t *ret_n)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_(freep) char *text = NULL;
	size_t n = 0, cap = 4096;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	text = malloc(cap + 1);
	while (text && got > 0) {
		if (n == cap) {
			char *more;

			if (cap >= KUBE_AUTH_FILE_MAX)
				return -EFBIG;
			more = realloc(text, cap * 2 + 1);
			if (!more)
				return -ENOMEM;
			text = more;
			cap *= 2;
		}
		got = read(fd, text + n, cap - n);
		if (got < 0)
			return -errno;
		n += (size_t)got;
	}
	if (!text)
		return -ENOMEM;
	text[n] = 0;
	*ret_text = take_ptr(text);
	*ret_n = n;
	return 0;
}

#define A(m) offsetof(struct kube_auth, m)
static const size_t auth_texts[] = { A(server),	    A(proxy),	 A(ca_file),  A(ca_pem),
				     A(cert_file),  A(cert_pem), A(key_file), A(key_pem),
				     A(token_file), A(token) };
#define AUTH_TEXTS (sizeof(auth_texts) / sizeof(auth_texts[0]))

static char **auth_text(const struct kube_auth *a, size_t i)
{
	return (char **)((char *)a + auth_texts[i]);
}

void kube_auth_free(struct kube_auth *a)
{
	for (size_t i = 0; i < AUTH_TEXTS; i++)
		free(*auth_text(a, i));
	*a = (struct kube_auth){ 0 };
}

int kube_auth_copy(const struct kube_auth *a, struct kube_auth *ret_copy)
{
	_cleanup_(kube_auth_free) struct kube_auth copy = { .insecure = a->insecure };

	for (size_t i = 0; i < AUTH_TEXTS; i++) {
		const char *from = *auth_text(a, i);

		if (from && !(*auth_text(&copy, i) = strdup(from)))
			return -ENOMEM;
	}
	*ret_copy = copy;
	copy = (struct kube_auth){ 0 };
	return 0;
}

static bool token_char(char c)
{
	return c > ' ' && c < 0x7f;
}

int kube_auth_token(const struct kube_auth *a, char **ret_token)
{
	_cleanup_(freep) char *text = NULL;
	size_t n, from = 0, to;
	int r = 0;

	if (!a->token && !a->token_file) {
		*ret_token = NULL;
		return 0;
	}
	if (a->token_file)
		r = kube_file_read(a->token_file, &text, &n);
	else if ((text = strdup(a->token)))
		n = strlen(text);
	else
		r = -ENOMEM;
	if (r)
		return r;
	while (from < n && !token_char(text[from]))
		from++;
	/* The first word only: nothing of the file can become a second header line. */
	for (to = from; to < n && token_char(text[to]); to++)
		;
	memmove(text, text + from, to - from);
	text[to - from] = 0;
	if (to == from)
		return -ENODATA;
	*ret_token = take_ptr(text);
	return 0;
}

int kube_auth_in_cluster(const char *dir, struct kube_auth *ret_auth, struct kube_auth_error *ret_e)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	_cleanup_(kube_auth_free) struct kube_auth a = { 0 };
	bool v6 = host && strchr(host, ':');

	dir = dir ? dir : ACCOUNT_DIR;
	if (!host || !*host) {
		snprintf(ret_e->text, sizeof(ret_e->text),
			 "not in a pod: KUBERNETES_SERVICE_HOST is not set");
		return -ENOENT;
	}
	if (asprintf(&a.server, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
		     port && *port ? port : "443") < 0)
		a.server = NULL;
	if (asprintf(&a.token_file, "%s/token", dir) < 0)
		a.token_file = NULL;
	if (asprintf(&a.ca_file, "%s/ca.crt", dir) < 0)
		a.ca_file = NULL;
	if (!a.server || !a.token_file || !a.ca_file)
		return -ENOMEM;
	if (access(a.token_file, R_OK)) {
		snprintf(ret_e->text, sizeof(ret_e->text), "no service account token: %.150s: %s",
			 a.token_file, strerror(errno));
		return -ENOENT;
	}
	*ret_auth = a;
	a = (struct kube_auth){ 0 };
	return 0;
}

int kube_auth_kubeconfig_file(const char *path, const char *context, struct kube_auth *ret_auth,
			      struct kube_auth_error *ret_e)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	size_t n;
	int r;

	if (!dir)
		return -ENOMEM;
	if (slash)
		slash[slash == dir] = 0;
	r = kube_file_read(path, &text, &n);
	if (r) {
		snprintf(ret_e->text, sizeof(ret_e->text), "%.150s: %s", path, strerror(-r));
		return r;
	}
	return kube_auth_kubeconfig((struct str){ text, n }, slash ? dir : ".", context, ret_auth,
				    ret_e);
}

int kube_auth_find(const char *kubeconfig, struct kube_auth *ret_auth, struct kube_auth_error *ret_e)
{
	const char *env = getenv("KUBECONFIG");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	int r;

	if (kubeconfig)
		return kube_auth_kubeconfig_file(kubeconfig, NULL, ret_auth, ret_e);
	r = kube_auth_in_cluster(NULL, ret_auth, ret_e);
	if (r != -ENOENT)
		return r;
	if (env && *env)
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(env, ":"), env);
	else
		snprintf(path, sizeof(path), "%s/.kube/config", home ? home : "");
	if (access(path, F_OK)) {
		snprintf(ret_e->text, sizeof(ret_e->text),
			 "not in a pod, and there is no kubeconfig at %.150s", path);
		return -ENOENT;
	}
	return kube_auth_kubeconfig_file(path, NULL, ret_auth, ret_e);
}
