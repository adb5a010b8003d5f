#pragma once
/*
 * What a process's service is called, as OpenTelemetry's conventions for Kubernetes derive it: annotation
 * resource.opentelemetry.io/service.name, labels app.kubernetes.io/instance and /name, the owner, the pod, the container;
 * outside of the cluster the systemd unit without its suffix, else the program.
 * https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
 *
 * What is returned is borrowed from the process. Absent only when @p is NULL.
 */
#include "event/subject.h"

struct str service_name(const struct proc *p);

/* Its name in a graph, which must be the same seen from other nodes: those know owner and name of a pod, no labels. */
struct str workload_name(const struct proc *p);
struct str pod_workload(const struct pod *p);

/* The value of a label, of an annotation; absent when there is none. */
struct str pod_label(const struct pod *p, struct str key);
struct str pod_annotation(const struct pod *p, struct str key);
