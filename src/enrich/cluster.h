#pragma once
/*
 * What the cluster and the container runtimes say, put onto the containers and pods that the
 * cgroups told: names, images, labels, owners. And the reverse of addresses: who a peer is.
 *
 * The cluster's word goes before the runtime's. Part of enrich's one thread.
 */
#include "enrich/cgroup.h"
#include "enrich/k8s.h"

struct cluster;

/* @cgroups is borrowed. 0 or -ENOMEM. */
int cluster_new(struct cgroup_table *cgroups, struct cluster **ret);
void cluster_free(struct cluster *c);

/* Applies an encoded object (kube/obj.h). Returns whether any name changed. */
bool cluster_object(struct cluster *c, struct str blob, struct boot_ns now);

/* Applies what a runtime's files say of a container (container_record). Same return. */
bool cluster_container(struct cluster *c, struct str blob);

/* Who is behind the remote end of a connection. */
void cluster_peer(const struct cluster *c, struct evt_fd *fd);

const struct k8s *cluster_k8s(const struct cluster *c);

/* The blob of a CONTAINER record. */
struct container_name;
void container_record(struct buf *b, struct str id, const struct container_name *name);
