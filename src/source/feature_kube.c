/*
 * Is there a Kubernetes API, and does its address answer? Being outside a cluster is fine. Only a
 * TCP connection is tried, for one second, a name's look-up for another; the TLS and the token are
 * the client's (kube/). Of a kubeconfig, which is YAML, only the first `server:` line is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/feature_row.h"

#define TOKEN_PATH "/var/run/secrets/kubernetes.io/serviceaccount/token"
#define TIMEOUT_MS 1000

struct place {
	char host[256];
	char port[8];
};

/* 0, -ENOENT, -ETIMEDOUT. The look-up runs in a thread of libc's; hence what it uses is static. */
static int place_resolve(const struct place *at, struct addrinfo **ret)
{
	static struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	static struct place kept;
	static struct gaicb ask;
	struct gaicb *list[] = { &ask };
	struct timespec limit = { .tv_nsec = TIMEOUT_MS * 1000000L - 1 };
	int err;

	if (gai_error(&ask) == EAI_INPROGRESS)
		return -ETIMEDOUT; /* of an earlier time */
	kept = *at;
	ask = (struct gaicb){ .ar_name = kept.host, .ar_service = kept.port, .ar_request = &hints };
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL))
		return -ENOMEM;
	err = gai_suspend((const struct gaicb *const *)list, 1, &limit);
	if (err && err != EAI_ALLDONE)
		return -ETIMEDOUT;
	if (gai_error(&ask) || !ask.ar_result)
		return -ENOENT;
	*ret = ask.ar_result;
	return 0;
}

/* 0 or -errno; waits a second at most. */
static int address_connect(const struct addrinfo *ai)
{
	_cleanup_(closep) int fd =
		socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&pfd, 1, TIMEOUT_MS) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

static enum feature_state place_try(struct prober *p, const struct place *at, const char *from)
{
	struct addrinfo *ai = NULL;
	int err = place_resolve(at, &ai);

	if (err) {
		feature_say(p, "%s: %.80s: name not found", from, at->host);
		return FEATURE_DEGRADED;
	}
	err = address_connect(ai);
	freeaddrinfo(ai);
	if (err)
		feature_say(p, "%s: %.80s port %s: %s", from, at->host, at->port, strerror(-err));
	else
		feature_say(p, "%s: %.80s port %s answers", from, at->host, at->port);
	return err ? FEATURE_DEGRADED : FEATURE_OK;
}

/* "https://host:port/path", the host also in [] for IPv6. False when it is none. */
static bool url_place(const char *url, struct place *ret)
{
	struct place at = { .port = "443" };
	const char *end;
	size_t n;

	if (strncmp(url, "http://", 7) == 0)
		memcpy(at.port, "80", 3);
	else if (strncmp(url, "https://", 8) != 0)
		return false;
	url = strstr(url, "//") + 2;
	url += *url == '[';
	end = url[-1] == '[' ? strchr(url, ']') : url + strcspn(url, ":/ \t\r\n\"'#");
	n = end ? (size_t)(end - url) : 0;
	if (n == 0 || n >= sizeof(at.host))
		return false;
	memcpy(at.host, url, n);
	end += *end == ']';
	if (*end == ':') {
		n = strspn(end + 1, "0123456789");
		if (n == 0 || n > 5)
			return false;
		memcpy(at.port, end + 1, n);
		at.port[n] = '\0';
	}
	*ret = at;
	return true;
}

static bool kubeconfig_place(const char *path, struct place *ret)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		const char *s = line + strspn(line, " \t-");

		if (strncmp(s, "server:", 7) != 0)
			continue;
		s += 7;
		return url_place(s + strspn(s, " \t\"'"), ret);
	}
	return false;
}

/* The kubeconfig that would be used, or "". The first of $KUBECONFIG's list, else the home's. */
static void kubeconfig_path(char *ret, size_t size)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");

	ret[0] = '\0';
	if (list && *list)
		snprintf(ret, size, "%.*s", (int)strcspn(list, ":"), list);
	else if (home && snprintf(ret, size, "%s/.kube/config", home) > 0 && access(ret, F_OK))
		ret[0] = '\0';
}

static enum feature_state test_kubernetes(struct prober *p, const struct feature_test *t)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	struct place at = { 0 };
	char path[512];

	(void)t;
	if (host && *host) {
		snprintf(at.host, sizeof(at.host), "%s", host);
		snprintf(at.port, sizeof(at.port), "%s", port && *port ? port : "443");
		if (access(TOKEN_PATH, R_OK) == 0)
			return place_try(p, &at, "in a cluster");
		feature_say(p, "in a cluster, but without a service account's token");
		return FEATURE_DEGRADED;
	}
	kubeconfig_path(path, sizeof(path));
	if (!path[0]) {
		feature_say(
			p,
			"not in a cluster and no kubeconfig: names of pods come from cgroups alone");
		return FEATURE_OK;
	}
	if (kubeconfig_place(path, &at))
		return place_try(p, &at, "kubeconfig");
	feature_say(p, "%.120s: no server in it that can be read", path);
	return FEATURE_DEGRADED;
}

const struct feature_test feature_tests_kube[] = {
	{ "kubernetes", "names of pods, services and nodes",
	  "mount a service account's token (automountServiceAccountToken), or set KUBECONFIG",
	  test_kubernetes },
	{ NULL },
};
