#pragma once
/*
 * Who a cgroup belongs to, read from its path alone: container, pod, systemd unit.
 *
 * In: a path below a hierarchy's root, as in /proc/PID/cgroup (cgroups(7)), any hierarchy, v1, v2
 * or hybrid; a trailing " (deleted)" is accepted. Out: slices that borrow from the path.
 * Pure, allocates nothing, any thread; time is linear in the path, which is at most
 * CGROUP_PATH_MAX bytes. Nothing is asked of the machine: that a container exists is not checked.
 *
 * Paths nest (kind, Docker in Docker, systemd in a container). The innermost container, and the
 * innermost pod that encloses it, are the identity. A workload that may write to its cgroup can
 * make any name below its own, so `nested` says that an inner name was chosen, and `outer_id` and
 * `outer_pod_uid` keep what it could not forge.
 *
 * Sources: kubelet pkg/kubelet/cm (cgroup names, drivers), the OCI runtime specification
 * (cgroupsPath), containerd and CRI-O CRI code (slice:prefix:name), systemd CGROUP_INTERFACE and
 * systemd.slice(5), lxc.container.conf(5), AWS ECS agent, podman libpod; samples with their
 * origin stand in cgroup_path.tsv.
 */
#include "base/str.h"

#define CGROUP_PATH_MAX 4096 /* bytes; the kernel's PATH_MAX */

enum cgroup_qos {
	CGROUP_QOS_NONE, /* not a pod, or the path does not say */
	CGROUP_QOS_GUARANTEED,
	CGROUP_QOS_BURSTABLE,
	CGROUP_QOS_BESTEFFORT,
};

/*
 * One row of the table of shapes. `runtime` is the word for people and for container_name_read:
 * containerd, cri-o, docker, podman, cri (in a pod, runtime not in the name), oci (a 64-digit id,
 * runtime not in the name), buildkit, ecs, garden, bpm, kata, lxc, libvirt-lxc, mesos, nomad,
 * nspawn, runc, crun; without a container: kubelet (a pod's own cgroup), systemd (a unit),
 * cgroup (anything else, also the root).
 */
struct cgroup_shape {
	const char *runtime;
	const char *form; /* the shape, for documentation: "docker-<id>.scope" */
};

struct cgroup_who {
	const struct cgroup_shape *shape; /* never NULL after success; static */
	struct str container_id;	  /* absent when in no container */
	struct str pod_uid;		  /* as in the path; see cgroup_pod_uid */
	/*
	 * The container directly in that pod, the one the Kubernetes API knows; differs from
	 * container_id where the workload runs containers of its own.
	 */
	struct str pod_container_id;
	struct str outer_id;	  /* outermost container; container_id unless nested */
	struct str outer_pod_uid; /* outermost pod */
	/* The container whose monitor (conmon, shim) lives here: the process is not in it. */
	struct str monitor_of;
	/*
	 * The innermost service or scope, else the innermost slice: the host's when there is no
	 * container, else the container's own systemd's.
	 */
	struct str unit;
	enum cgroup_qos qos;
	bool nested;
	bool relative; /* began with "/..": seen from a cgroup namespace, outer part unknown */
};

/*
 * True and @ret filled for each absolute path; false, @ret untouched, for what the kernel cannot
 * have written: empty, not starting with '/', longer than CGROUP_PATH_MAX, a NUL or newline in it,
 * or ".." after a name.
 */
bool cgroup_path_parse(struct str path, struct cgroup_who *ret);

#define CGROUP_POD_UID_LEN 36

/*
 * A pod UID from a path in the API's form: underscores (systemd driver) become dashes. The slice
 * returned lies in @buf (36 bytes; 32 for a static pod, whose UID is a hash: the API shows it as the
 * annotation kubernetes.io/config.hash of the mirror pod, not as its uid). Absent when @raw is
 * absent or longer than 36.
 */
struct str cgroup_pod_uid(struct str raw, char buf[CGROUP_POD_UID_LEN]);

/* "Guaranteed", "Burstable", "BestEffort" as in the API's status.qosClass; "" for none. */
const char *cgroup_qos_name(enum cgroup_qos qos);
