#pragma once
/*
 * What is learned outside the kernel, on threads of its own, and put into the stream as records:
 * cluster objects from the Kubernetes API, names and facts of containers from the runtimes' files.
 * Live sources only.
 *
 * A container that lives for a second must be judged by its image, too. So its files are looked
 * for when they are sure to be in the page cache, on the pipeline's own thread, because nothing
 * else keeps the order:
 *
 *	cgroup made		once; containerd, CRI-O, docker and podman have written theirs by then
 *	program executed	before the event is judged, as long as nothing was found and at most
 *				OUTSIDE_ASKS times a container; runc's state is there when its
 *				container's own program starts
 *	later			on the looker's thread, OUTSIDE_TRIES times in 27 seconds
 *
 * Each look opens at most CONTAINER_NAME_FILES small files (measured: 0.03 to 0.4 ms for one that
 * is found, 0.07 where no runtime has one). What is found is a record before the event's in the stream, so a replay judges
 * the same. An event before the answer has no container.image and no container.privileged: absent,
 * not false.
 * The container's users (user.name) are read likewise, from the root of a process in it that executes
 * a program or was there at the start.
 *
 * The Kubernetes API's words (labels, owners) come when they come, after a container's first
 * events.
 */
#include "agent/session.h"
#include "kube/client.h"

#define OUTSIDE_ASKS  8
#define OUTSIDE_TRIES 7

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

/* The session's thread, before the pipeline gets @h: sees to it that a process's container is known. */
void outside_before(struct outside *o, const struct rec_hdr *h);

/* Status of an API resource; false when the API is not asked. Any thread. */
bool outside_kube_status(struct outside *o, enum kube_resource r, struct kube_status *ret);
