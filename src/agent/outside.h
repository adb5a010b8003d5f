#pragma once
/*
 * What is learned outside the kernel, on threads of its own, and put into the stream as records:
 * cluster objects from the Kubernetes API, names of containers from the runtimes' files. Live
 * sources only. Nothing here blocks the pipeline.
 */
#include "agent/session.h"
#include "kube/client.h"

struct outside;

struct outside_opts {
	bool kube;		/* ask the API, where one is configured */
	const char *kubeconfig; /* NULL: in-cluster account, else $KUBECONFIG */
	const char *node_name;	/* NULL: $NODE_NAME, else the host's name */
	const char *root;	/* of the host's files, NULL: "" */
};

/*
 * Starts the threads. 0 or -errno; a missing or broken Kubernetes configuration is not an error:
 * @ret_note (256 bytes) says it, "" when there is none to say.
 */
int outside_start(struct session *s, const struct outside_opts *o, char *ret_note,
		  struct outside **ret);
void outside_stop(struct outside *o);

/* Status of an API resource; false when the API is not asked. Any thread. */
bool outside_kube_status(struct outside *o, enum kube_resource r, struct kube_status *ret);
