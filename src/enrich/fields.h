#pragma once
/*
 * For the tables of subject fields: whose member a field is, and where it stands. Most are one
 * member of a table row, so a field is an offset. Pure reads; pointers live until the record is
 * done.
 */
#include <stddef.h>

#include "event/field.h"

/* Longest chain of ancestors looked at. */
#define ANCESTORS_MAX 64

/* field->arg: whose member (the upper half), and where it is (the lower). */
enum whose {
	SELF = 0,
	PARENT = 1 << 16,
	ANCESTOR = 2 << 16, /* by [index], or any */
	SESSION = 3 << 16,  /* the leader of its session */
	GROUP = 4 << 16,    /* of its process group */
};
#define FIELD_OFFSET(arg) ((arg) & 0xffff)
#define FIELD_WHOSE(arg)  ((arg) & ~(uintptr_t)0xffff)

static inline const void *field_member(const void *base, const struct field_ref *ref)
{
	return (const char *)base + FIELD_OFFSET(ref->field->arg);
}

/* The process a field is about, for the nth try; NULL when there is none. */
const struct proc *field_proc(const struct event *ev, const struct field_ref *ref, unsigned nth);

/* A 32-bit member of struct proc; absent where nothing is known of the process but its pid. */
bool field_proc_u32(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret);
/* The name the process has. */
bool field_proc_comm(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret);
/* A text of its program. */
bool field_program_str(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret);

#define P(m) offsetof(struct proc, m)
#define G(m) offsetof(struct program, m)
#define ALL  KINDS_ALL
#define SUB  FIELD_SUBJECT
#define DEF  (FIELD_SUBJECT | FIELD_DEFAULT)
#define ANC  (FIELD_ANY | FIELD_INDEX)
