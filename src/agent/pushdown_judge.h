#pragma once
/*
 * Can an expression match an event of which only some is known? Knowledge is a set of kinds, an
 * event that has the values of some groups of fields, and a range of results. Conditions on all
 * other fields are unknown, and the answer is "perhaps" unless they cannot matter.
 *
 * Pure; for set-up and for what is judged once in a while (cgroups), not for each event.
 */
#include "lang/judge.h"

/* Groups of fields: what a dimension of the kernel's filter knows. */
enum know {
	KNOW_TYPE = 1,	   /* evt.type, evt.dir: by ev->type */
	KNOW_ACCESS = 2,   /* evt.is_open_read, evt.is_open_write: by ev->body */
	KNOW_RET = 4,	   /* evt.rawres, evt.res, evt.failed: by ret_min, ret_max */
	KNOW_FD_RET = 8,   /* fd.num is the result, or -1 when that is negative */
	KNOW_FILE = 16,	   /* fd.type is FILE */
	KNOW_FAMILY = 32,  /* fd.type, fd.sockfamily, ...: by family */
	KNOW_PID = 64,	   /* proc.pid */
	KNOW_UID = 128,	   /* user.uid */
	KNOW_COMM = 256,   /* proc.name */
	KNOW_CGROUP = 512, /* container.id, k8s.pod.uid, ...: by ev->proc->cgroup */
	KNOW_NAME = 1024,  /* fd.name, fd.directory, fd.filename: by ev->fd, a file */
	KNOW_PEER = 2048,  /* fd.name_changed: by peer_new */
	KNOW_FACTS = 4096, /* container.image, k8s.pod.name, ...: what a cgroup's path does not say */
};

struct knowledge {
	uint64_t kinds;
	uint32_t know;		/* enum know: the groups whose values are known */
	uint32_t other;		/* those whose value is one that stands nowhere in the expression */
	const struct event *ev; /* may be NULL when no group above needs it */
	int64_t ret_min, ret_max; /* all negative or all not */
	int family;		  /* enum sock_family of wire/ctl.h */
	bool peer_new;
	/* With KNOW_ACCESS: the open creates nothing: O_CREAT is not among its flags, nor O_TMPFILE. */
	bool no_create;
	/* The argument of that name (evt.arg.NAME, evt.rawarg.NAME) is the event's; NULL: not known. */
	const char *arg;
	bool arg_other; /* it is a number that stands in no condition and has no name */
};

/* NULL: no condition. */
bool know_possible(const struct expr *x, const struct knowledge *k);

/* As judge_fn; @ctx is a struct knowledge. */
enum judgement know_judge(void *ctx, const struct expr_cond *c);

/* Whether the field is evt.arg.@name or evt.rawarg.@name. */
bool know_is_arg(const struct field *f, const char *name);

/* Whether the field is a port or an address of a connection. */
bool know_is_end(const struct field *f);

/* The group of a field, 0: none. */
uint32_t know_group(const struct field_ref *ref);
