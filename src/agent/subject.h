#pragma once
/*
 * Asking the expression language and the fields about a process without an event of it: an event
 * that has a subject and a time, and nothing else. For `porthole ps`, and for judging what a cgroup
 * decides. The pointers are borrowed; the struct must not move.
 */
#include "event/event.h"

struct subject_event {
	struct rec_hdr hdr;
	struct event ev;
};

/* Its kind is called "process" and has the number of the first kind; evt.* are mostly absent. */
void subject_event_init(struct subject_event *s, struct proc *p, const struct event_host *host,
			struct boot_ns now);
