#pragma once
/*
 * What kind of container: privileged, mounts, image id, address, from the JSON documents that
 * runtimes keep. Part of enrich/container_name.h, whose limits hold.
 *
 * Sources: the OCI runtime specification (config.md, config-linux.md), moby container/container.go
 * and hostconfig.go (config.v2.json, hostconfig.json).
 */
#include <jansson.h>

#include "enrich/container_name.h"

/*
 * Each adds to @to what @doc tells and leaves the rest. True when it is a document of its kind.
 *
 * An OCI configuration does not say "privileged"; a container is taken as such when nothing of
 * /proc is masked or read-only, the bounding set has the three capabilities that own a machine, and
 * all devices are allowed. That is what containerd, CRI-O and podman make of --privileged.
 */
bool container_facts_oci(json_t *doc, struct container_name *to);
bool container_facts_docker(json_t *doc, struct container_name *to);
bool container_facts_docker_host(json_t *doc, struct container_name *to);

/* Appends a mount; false, with nothing added, when there is no room. NULL is empty. */
bool container_mount_add(struct container_name *to, const char *source, const char *dest,
			 const char *mode, bool rdwr, const char *propagation);
