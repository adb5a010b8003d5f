#pragma once
/*
 * Who did it: process, cgroup, container, pod. Plain data that every stage may read; enrich/ owns
 * all of it (table lifetime) and is the only one that writes.
 *
 * A process is (pid, start time). Absent strings are STR_NONE: unknown is not the same as empty.
 * `gen` grows whenever something changes that a cached rendering would show.
 */
#include "base/clock.h"
#include "base/str.h"
#include "event/value.h"

struct pod {
	struct str uid;	 /* with dashes, 36 characters; a static pod's is 32 hex digits */
	struct str ns;	 /* absent until the API or the runtime told it */
	struct str name; /* likewise */
	struct str node, owner_kind, owner_name, service_account;
	struct str labels; /* "k=v,k=v" sorted by key */
	struct ip ip;
	uint32_t gen;
};

struct container {
	struct str id;	    /* full id */
	struct str id12;    /* its first 12 characters: Falco's container.id */
	struct str runtime; /* "containerd", "docker", ... */
	struct str name, image;
	struct pod *pod; /* may be NULL */
	uint32_t gen;
};

struct cgroup {
	uint64_t id;	 /* the kernel's, with CGROUP_V1 set for a v1 hierarchy (wire/record.h) */
	struct str path; /* in its hierarchy, from its root */
	struct str unit; /* systemd unit or slice, when there is one */
	struct container *container; /* NULL: not in a container */
	struct pod *pod;	     /* NULL: not in a pod */
	struct boot_ns removed;	     /* 0: exists */
	uint32_t gen;
};

/* What an exec gives a process and a fork hands on; shared between them. */
struct program {
	uint32_t refs;
	struct str exe;	    /* argv[0] */
	struct str exepath; /* of the executable, in its mount namespace */
	struct str args;    /* argv, each ended by NUL, argv[0] included */
	struct str cmdline; /* comm and arguments joined by blanks (Falco's proc.cmdline) */
	struct str env;	    /* each ended by NUL; only on request */
	struct str cwd;	    /* working directory at exec; absent: unknown */
	struct str comm;    /* as set by exec, up to 15 bytes */
	bool args_cut, exepath_cut, env_cut;
	struct boot_ns exec_time; /* 0: unknown */
	char text[];		  /* what the slices point into */
};

struct proc {
	uint32_t pid; /* thread group id in the first pid namespace */
	uint32_t ppid, pgid, sid;
	uint32_t vpid;				 /* pid in the innermost namespace; 0: unknown */
	uint32_t tty;				 /* device number, 0: none */
	uint32_t uid, gid, euid, egid, loginuid; /* loginuid UINT32_MAX: not set */
	uint64_t cap_permitted, cap_effective, cap_inheritable;
	struct boot_ns start;
	struct boot_ns exited;	 /* 0: alive */
	char comm[16];		 /* at fork or exec */
	struct str user;	 /* name of uid on the host; absent: unknown, or in a container */
	struct program *program; /* never NULL */
	struct proc *parent;	 /* NULL: unknown or none; may be dead */
	struct cgroup *cgroup;	 /* never NULL once enriched: an unknown cgroup has a bare id */
	bool unknown;		 /* nothing is known but what the record said */
	uint32_t gen;
};
