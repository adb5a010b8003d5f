#pragma once
/*
 * The second stage: who did it. Keeps the tables (processes, cgroups, containers, pods, peers) by
 * the life changes in events, and fills in each event's subject.
 *
 * One owner, one thread. What it hands out lives until the record is done.
 */
#include "enrich/cgroup.h"
#include "enrich/proc.h"
#include "event/field.h"

struct enrich;
struct k8s;

/* 0 or -ENOMEM. */
int enrich_new(struct enrich **ret);
void enrich_free(struct enrich *e);

/* Applies @ev->life to the tables and sets @ev->proc. @ev may have no kind (only life). */
void enrich_event(struct enrich *e, struct event *ev);

/* Grows whenever a cgroup, container or pod became known or got another name. */
uint64_t enrich_generation(const struct enrich *e);

struct proc_table *enrich_procs(struct enrich *e);
struct cgroup_table *enrich_cgroups(struct enrich *e);
const struct k8s *enrich_k8s(const struct enrich *e);

/* The tables of fields that read what enrich fills in: subject, file and connection, event. */
extern const struct field enrich_subject_fields[];
extern const struct field enrich_program_fields[];
extern const struct field enrich_container_fields[];
extern const struct field enrich_fd_fields[];
extern const struct field enrich_event_fields[];
