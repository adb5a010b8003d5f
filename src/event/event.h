#pragma once
/*
 * One event: what decode makes of a record, what every later stage reads. All pointers are
 * borrowed until the record is done.
 *
 * Common to all: when, which kind, who (subject), the result, what it is about (fd: a file or a
 * connection), and what it changes in the tables (life). The rest is the kind's own: `body` in the kind's layout, read by the kind's
 * fields.
 */
#include "base/clock.h"
#include "base/str.h"
#include "event/subject.h"
#include "event/value.h"
#include "wire/kinds.h"
#include "wire/record.h"

enum fd_type {
	FD_NONE,
	FD_FILE,
	FD_DIR,
	FD_IPV4,
	FD_IPV6,
	FD_UNIX,
	FD_OTHER,
	FD_PIPE,
	FD_NETLINK,
	FD_EVENTFD,
	FD_EVENTPOLL,
	FD_INOTIFY,
	FD_SIGNALFD,
	FD_TIMERFD,
	FD_BPF,
	FD_USERFAULTFD,
	FD_IO_URING,
	FD_MEMFD,
	FD_PIDFD,
	FD_TYPES
};

/* The two ends as the kernel has them; "client" is who opened the connection, when that is known. */
struct conn {
	struct ip local, remote; /* len 0: not known */
	uint16_t lport, rport;	 /* host order */
	uint8_t l4;		 /* IPPROTO_TCP, IPPROTO_UDP, ...; 0: none */
	int8_t is_server;	 /* 1: local end is the server, 0: the client, -1: unknown */
	struct str unix_path;	 /* unix sockets; an abstract one starts with '@' */
};

/* Who is behind an address, as the cluster says; kind absent: not known. */
struct peer {
	struct str kind; /* "pod", "service", "node", "endpoint" */
	struct str ns, name;
};

/* A descriptor that there would be, had the call not failed: fd.num is -1, as people's rules have it. */
#define FD_FAILED (-2)

/* The file or socket the event is about. */
struct evt_fd {
	int64_t num; /* descriptor; -1: none; FD_FAILED */
	enum fd_type type;
	struct str name;    /* normalised absolute path; absent for connections (made on demand) */
	struct str nameraw; /* the path as the program gave it */
	bool cut;	    /* name is incomplete: longer than the stated maximum */
	struct conn conn;
	struct peer peer;  /* of conn.remote; enrich/ fills it */
	bool connected;	   /* the socket has a peer of its own */
	bool name_changed; /* the event's peer is another than that of the socket's event before */
	struct str realpath; /* of an opened file: links followed; absent: not asked for */
	uint64_t ino;	     /* likewise; 0: not known */
	uint32_t dev;	     /* major << 20 | minor */
	uint32_t layer;	     /* EXE_OVERLAY, EXE_UPPER (wire/record.h) */
};

/* What an event says about processes, cgroups and the cluster; enrich/ keeps its tables by it. */
enum life_op {
	LIFE_NONE,
	LIFE_FORK, /* task is the child */
	LIFE_EXEC,
	LIFE_EXIT,
	LIFE_SEEN,   /* a process that was there before: task and program */
	LIFE_MOVE,   /* task_pid, task_start_ns went to cgroup */
	LIFE_CGROUP, /* cgroup has the path */
	LIFE_CGROUP_GONE,
	LIFE_KUBE,	/* blob: an encoded object of the cluster */
	LIFE_CONTAINER, /* blob: what the runtime's files say of a container */
	LIFE_USERS,	/* blob: the host's users, "uid:name\n" each */
};

struct life {
	enum life_op op;
	const struct rec_task *task;
	const struct rec_exe *exe_file; /* EXEC, SEEN: NULL when not told (wire/record.h) */
	struct str args, env;		/* NUL-ended strings */
	struct str exe, cwd;
	bool args_cut, exe_cut, env_cut;
	uint64_t cgroup; /* id */
	struct str path;
	uint32_t task_pid;
	uint64_t task_start_ns;
	struct str blob;
};

/* Of the machine the records come from; constant for a source. */
struct event_host {
	struct str name;
	int64_t boot_to_wall_ns; /* wall = boot + this */
};

/*
 * Accounts by number, for ids that stand in an event, as the process knows them: of its container's
 * own files, or of the node's. NULL where there is none; see proc_account.
 */
struct accounts {
	const void *ctx;
	const struct account *(*user)(const void *ctx, const struct proc *p, uint32_t uid);
	const struct account *(*group)(const void *ctx, const struct proc *p, uint32_t gid);
};

struct event {
	const struct kind *kind; /* NULL: only `life` matters, nothing to show */
	const struct rec_hdr *hdr;
	struct life life;
	struct str type; /* evt.type: the system call's or event's name */
	struct boot_ns time;
	uint64_t num; /* counts from 1 in each source */
	const struct event_host *host;
	struct proc *proc;		 /* never NULL after enrich */
	const struct accounts *accounts; /* likewise */
	bool has_ret;
	int64_t ret; /* valid when has_ret; negative: -errno */
	struct evt_fd fd;
	const void *body; /* the record; its type is hdr->type */
};

struct field;

/* A kind as the agent knows it; the name and the number come from wire/kinds.h. */
struct kind {
	enum kind_id id;
	struct str name;
	const char *help;
	bool life; /* travels in the ring that is lost last */
};

extern const struct kind kind_table[KIND_COUNT];

/*
 * Of kinds that were not named, but follow from a condition: those that are only for who asks go,
 * unless nothing else is left.
 */
static inline uint64_t kinds_usual(uint64_t set)
{
	return set & KINDS_USUAL ? set & KINDS_USUAL : set;
}

/* The kind of that name, or NULL. */
const struct kind *kind_find(struct str name);

/*
 * "exec,open" or "all" (KINDS_USUAL) to a set of KIND_BITs. 0, or -EINVAL with *ret_bad naming the part that is
 * no kind.
 */
int kinds_parse(struct str list, uint64_t *ret_set, struct str *ret_bad);
