#pragma once
/*
 * Where the API server is and how to prove who we are: from the pod's service account, or from a
 * kubeconfig file. Of a credential given as a file only the path is kept, and the file is read for
 * each request or connection, so that rotation needs nothing. Understood of a kubeconfig:
 * current-context (or the one asked for), server, certificate-authority[-data],
 * insecure-skip-tls-verify, proxy-url, client-certificate[-data], client-key[-data], token,
 * tokenFile. Not: exec and auth-provider plugins, user names and passwords, impersonation,
 * tls-server-name: an error that says so. A proxy is used only when the kubeconfig names one.
 *
 * Source: Kubernetes documentation, "kubeconfig (v1)" reference and "Accessing the API from a Pod".
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define KUBE_AUTH_FILE_MAX (1u << 20) /* kubeconfig, token and certificate files */

/* All strings are owned, NUL-terminated, or NULL. Of each pair at most one is set. */
struct kube_auth {
	char *server; /* "https://10.96.0.1:443", no slash at the end */
	char *proxy;
	char *ca_file, *ca_pem;
	char *cert_file, *cert_pem;
	char *key_file, *key_pem;
	char *token_file, *token;
	bool insecure;
};

/* What went wrong, for a person; "" when nothing did. */
struct kube_auth_error {
	char text[256];
};

/*
 * From the pod's environment: KUBERNETES_SERVICE_HOST and _PORT, token and ca.crt in @dir (NULL:
 * the usual folder). 0; -ENOENT: not in a pod.
 */
int kube_auth_in_cluster(const char *dir, struct kube_auth *ret_auth, struct kube_auth_error *ret_e);

/*
 * From a kubeconfig's bytes; relative paths in it start from @dir. @context NULL: its
 * current-context. 0; -EBADMSG: no valid YAML, or an entry is missing; -ENOTSUP: it asks for what
 * is not understood; -ENOMEM.
 */
int kube_auth_kubeconfig(struct str yaml, const char *dir, const char *context,
			 struct kube_auth *ret_auth, struct kube_auth_error *ret_e);

/* The same from a file; also the errors of open(2) and read(2), and -EFBIG. */
int kube_auth_kubeconfig_file(const char *path, const char *context, struct kube_auth *ret_auth,
			      struct kube_auth_error *ret_e);

/*
 * The first that is there: @kubeconfig when not NULL, the pod's service account, $KUBECONFIG (its
 * first path), ~/.kube/config. -ENOENT: none.
 */
int kube_auth_find(const char *kubeconfig, struct kube_auth *ret_auth, struct kube_auth_error *ret_e);

/*
 * The bearer token at this moment, white space trimmed, in malloc'ed memory. NULL in *ret_token
 * when there is none to send. 0, -ENOMEM, or why the token file cannot be read.
 */
int kube_auth_token(const struct kube_auth *a, char **ret_token);

/* 0 or -ENOMEM. */
int kube_auth_copy(const struct kube_auth *a, struct kube_auth *ret_copy);

void kube_auth_free(struct kube_auth *a);
