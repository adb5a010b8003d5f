#pragma once
/*
 * Programs: what an exec gives a process and its forks share. Counted references within one table,
 * one thread; struct program is event/subject.h's.
 */
#include "event/event.h"

/*
 * Made from an exec or seen record: copies arguments, paths and environment, and joins the command
 * line. NULL when memory runs out. One reference, the caller's.
 */
struct program *program_new(const struct life *life, const char *comm, struct boot_ns now);

struct program *program_ref(struct program *p);
void program_unref(struct program *p);

/* Forgets the environment, unless somebody else has the program too. */
void program_env_drop(struct program *p);

/* The one that stands for "not known"; references to it are not counted. */
struct program *program_unknown(void);
