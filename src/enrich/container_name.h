#pragma once
/*
 * Name and image of a container, and of its pod, whether it is privileged and what it mounts, from
 * the files its runtime keeps: no socket, no API. Best effort.
 *
 * In: a root directory (the host's, "" for our own; "/host" in a container, or a test's), the
 * runtime as cgroup_path.h names it, the container's id. Out: fixed strings, empty where unknown.
 * It opens at most CONTAINER_NAME_FILES files of at most CONTAINER_NAME_FILE_MAX bytes and blocks
 * on them: call it once per container, not per event. Any thread; nothing is kept.
 *
 * The files are root's, but parts of them (names, labels, annotations) are the workload's author's:
 * bytes are valid UTF-8 without NUL, may hold control characters, and prove nothing. An id that is
 * no plain file name is refused. Symbolic links as the last component are not followed.
 *
 * Not read: podman's and CRI-O's stores of other users (rootless), LXC, Nomad, ECS names; docker's
 * and podman's stores at other places than the default and the snap's.
 * Sources: moby container/container.go (config.v2.json), containerd pkg/cri/annotations and the
 * runtime v2 bundle, CRI-O and kubelet annotations, containers/storage containers.json, podman's
 * metadata in it, runc libcontainer state.json, cri-dockerd labels.
 */
#include "base/str.h"
#include "event/subject.h"

#define CONTAINER_NAME_FILE_MAX (1u << 20) /* bytes of one file; a larger one is not read */
#define CONTAINER_NAME_FILES	32	   /* most that one call opens */
#define CONTAINER_NAME_ID_MAX	128	   /* bytes of an id */
#define CONTAINER_MOUNTS_MAX	8192	   /* bytes of all mounts; those beyond are left out */

struct container_name {
	char name[256]; /* of the container: in its pod, or as docker and podman know it */
	char image[512];
	char pod_name[256];
	char pod_ns[64];
	char pod_uid[64];
	char bundle[512]; /* runc: the directory it was started from */
	bool sandbox;	  /* the pod's own (pause) container */
	char image_id[128];
	char ip[48];
	enum said privileged;
	/* source:destination:mode:rdwr:propagation, each ended by NUL; a path's colon is a '?' */
	char mounts[CONTAINER_MOUNTS_MAX];
	size_t mounts_n;
};

/*
 * 0 and @ret filled, at least one member of it. Else @ret is untouched and the value is
 * -ENOENT    no file of this container (also: a runtime that keeps none)
 * -EINVAL    @id is empty, too long, or no plain name; @root is too long
 * -EFBIG, -EBADMSG   a file is too large, or not what its runtime writes
 * or the error of open(2) or read(2), such as -EACCES.
 * When several files are candidates the first that gives an answer counts.
 * @runtime "cri" and "oci" (unknown) tries them all.
 */
int container_name_read(const char *root, const char *runtime, struct str id,
			struct container_name *ret);

/*
 * The JSON part alone, for tests: @text as the file of row @row of the table. -ENOENT past the
 * last row.
 */
int container_name_parse(size_t row, struct str id, struct str text, struct container_name *ret);
