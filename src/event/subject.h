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
#include "wire/record.h"

struct pod {
	struct str uid;	 /* with dashes, 36 characters; a static pod's is 32 hex digits */
	struct str ns;	 /* absent until the API or the runtime told it */
	struct str name; /* likewise */
	struct str node, owner_kind, owner_name, service_account;
	struct str labels;	/* "k=v,k=v" sorted by key */
	struct str annotations; /* key=value, each ended by NUL, sorted by key */
	struct ip ip;
	uint8_t privileged; /* enum said: its containers, as its spec has it, when all agree */
	uint32_t gen;
};

/* A yes or no that may not have been told. */
enum said {
	SAID_NOTHING,
	SAID_NO,
	SAID_YES
};

struct users;

struct container {
	struct str id;	    /* full id */
	struct str id12;    /* its first 12 characters: Falco's container.id */
	struct str runtime; /* "containerd", "docker", ... */
	struct str name, image;
	struct str repository, tag, digest; /* parts of `image` */
	struct str image_id;		    /* "sha256:..." */
	struct str mounts; /* source:destination:mode:rdwr:propagation, each ended by NUL */
	struct ip ip;
	enum said privileged;	   /* as the runtime has it */
	enum said spec_privileged; /* as its pod's spec has it */
	bool told;		   /* the runtime's files were read: mounts are all there are */
	struct users *users;	   /* its own, NULL: not known */
	uint8_t users_asked;	   /* how often they were looked for */
	uint8_t asked;	 /* how often they were looked for before an exec (agent/outside.h) */
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
	struct rec_exe file;	  /* its executable; inode 0: unknown */
	char text[];		  /* what the slices point into */
};

/* A row of a passwd or group file. */
struct account {
	uint32_t id;
	bool contained;		      /* of a container's file, not the node's */
	struct str name, home, shell; /* absent: not told; a group has a name only */
};

struct proc {
	uint32_t pid; /* thread group id in the first pid namespace */
	uint32_t ppid, pgid, sid;
	uint32_t vpid;	      /* pid in the innermost namespace; 0: unknown */
	uint32_t vpgid, vsid; /* likewise; 0: unknown, or of an outer namespace */
	uint32_t tty;	      /* device number, 0: none */
	uint32_t uid, gid, euid, egid, loginuid; /* loginuid UINT32_MAX: not set */
	uint64_t cap_permitted, cap_effective, cap_inheritable;
	struct boot_ns start;
	struct boot_ns exited;	    /* 0: alive */
	struct boot_ns pidns_start; /* of its pid namespace's first process; 0: unknown */
	char comm[16];		    /* at fork or exec */
	/* Of the effective ids. NULL: not known. In a container the node's names may not hold: proc_account. */
	const struct account *user, *group, *login;
	struct program *program; /* never NULL */
	struct proc *parent;	 /* NULL: unknown or none; may be dead */
	struct cgroup *cgroup;	 /* never NULL once enriched: an unknown cgroup has a bare id */
	bool unknown;		 /* nothing is known but what the record said */
	uint32_t gen;
};

/*
 * Changes whenever a field that depends on the process alone (FIELD_SUBJECT) could say something
 * else: what may be cached by (process, start time) is valid while this stays. Fields of parents
 * and ancestors are not covered.
 */
static inline uint64_t subject_gen(const struct proc *p)
{
	const struct cgroup *cg = p->cgroup;

	return (uint64_t)p->gen + (cg ? cg->gen : 0) +
	       (cg && cg->container ? cg->container->gen : 0) + (cg && cg->pod ? cg->pod->gen : 0);
}

/*
 * The account as it may be shown: the node's names say nothing of a container's ids, but 0 is root
 * everywhere.
 */
static inline const struct account *proc_account(const struct proc *p, const struct account *a)
{
	bool contained = p->cgroup && p->cgroup->container;

	return a && contained && !a->contained && a->id ? NULL : a;
}

/*
 * Whether the process may write to its executable, as the kernel decides it for the effective user
 * and group; supplementary groups and access lists are not looked at, and the capability is taken as
 * good for any owner.
 */
static inline bool proc_may_write(const struct proc *p, const struct rec_exe *exe)
{
	const uint64_t dac_override = 1ull << 1;

	if (exe->flags & EXE_RDONLY)
		return false;
	if (p->cap_effective & dac_override)
		return true;
	if (p->euid == exe->uid)
		return exe->mode & 0200;
	return exe->mode & (p->egid == exe->gid ? 0020 : 0002);
}
