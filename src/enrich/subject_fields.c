/*
 * Who did it: proc.* but the program's (program_fields.c), user.*, group.*, thread.*. What must be
 * computed stands in its own function.
 */
#include "enrich/fields.h"

#include "base/arena.h"
#include "enrich/enrich.h"

#define CAPS_BYTES 1024

static const struct proc *ancestor_of(const struct proc *p, uint64_t n)
{
	while (p && n-- > 0)
		p = p->parent;
	return p;
}

/*
 * The leader of a session or process group: the process of that number among the ancestors, else
 * the farthest ancestor that is in it without a gap.
 */
static const struct proc *leader_of(const struct proc *p, size_t member)
{
#define ID_OF(p) (*(const uint32_t *)((const char *)(p) + member))
	const uint32_t id = ID_OF(p);

	for (size_t i = 0; i < ANCESTORS_MAX && id && p->pid != id; i++) {
		if (!p->parent || ID_OF(p->parent) != id)
			break;
		p = p->parent;
	}
	return id ? p : NULL;
#undef ID_OF
}

const struct proc *field_proc(const struct event *ev, const struct field_ref *ref, unsigned nth)
{
	uintptr_t whose = FIELD_WHOSE(ref->field->arg);

	if (whose == ANCESTOR) {
		if (!ref->has_index)
			return nth < ANCESTORS_MAX ? ancestor_of(ev->proc, nth + 1) : NULL;
		if (nth || ref->index < 0 || ref->index > ANCESTORS_MAX)
			return NULL;
		return ancestor_of(ev->proc, (uint64_t)ref->index);
	}
	if (nth)
		return NULL;
	if (whose == SESSION)
		return leader_of(ev->proc, P(sid));
	if (whose == GROUP)
		return leader_of(ev->proc, P(pgid));
	return whose == PARENT ? ev->proc->parent : ev->proc;
}

bool field_proc_u32(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct proc *p = field_proc(ev, ref, nth);

	if (!p)
		return false;
	ret->type = VALUE_U64;
	ret->u64 = *(const uint32_t *)field_member(p, ref);
	/* Both are in every record. */
	return FIELD_OFFSET(ref->field->arg) == P(pid) ||
	       (FIELD_OFFSET(ref->field->arg) == P(euid) && p == ev->proc) || !p->unknown;
}

bool field_proc_comm(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct proc *p = field_proc(ev, ref, nth);

	if (!p)
		return false;
	ret->type = VALUE_STR;
	ret->str = str_fixed(p->comm, sizeof(p->comm));
	return ret->str.n != 0;
}

/* A number of the innermost namespace: 0 is no number of it. */
static bool virtual_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	return field_proc_u32(ev, ref, nth, ret) && ret->u64 != 0;
}

/* Whether the process leads what the member numbers: a session, a process group. */
static bool leads_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	ret->type = VALUE_BOOL;
	ret->b = *(const uint32_t *)field_member(ev->proc, ref) == ev->proc->pid;
	return nth == 0 && !ev->proc->unknown;
}

/* The time of the member, or how long ago it was. */
static bool since_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct proc *p = field_proc(ev, ref, nth);
	const struct boot_ns *at = p ? field_member(p, ref) : NULL;

	ret->type = ref->field->type;
	if (!at || !at->ns)
		return false;
	if (ret->type == VALUE_TIME)
		ret->u64 = at->ns + (uint64_t)ev->host->boot_to_wall_ns;
	else
		ret->u64 = ev->time.ns > at->ns ? ev->time.ns - at->ns : 0;
	return true;
}

#define A(m) offsetof(struct account, m)

/* Which account of the process (the upper half of arg), and which of its texts. */
enum account_of {
	USER = 0,
	GROUP_OF = 1 << 16,
	LOGIN = 2 << 16,
};

static bool account_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct proc *p = ev->proc;
	const struct account *a;

	switch ((enum account_of)FIELD_WHOSE(ref->field->arg)) {
	case LOGIN:
		a = p->login; /* set on the node, kept in its containers */
		break;
	case GROUP_OF:
		a = proc_account(p, p->group);
		break;
	default:
		a = proc_account(p, p->user);
	}
	ret->type = VALUE_STR;
	ret->str = a ? *(const struct str *)field_member(a, ref) : STR_NONE;
	/* Falco's word for an id without a name, which rules compare with. */
	if (!ret->str.p && FIELD_OFFSET(ref->field->arg) == A(name))
		ret->str = STR("<NA>");
	/* The user's id is in every record. */
	return nth == 0 && ret->str.p && (!p->unknown || FIELD_WHOSE(ref->field->arg) == USER);
}

/* -1 for "not set", as the kernel and Falco have it. */
static bool loginuid_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			 struct value *ret)
{
	(void)ref;
	ret->type = VALUE_I64;
	ret->i64 = (int32_t)ev->proc->loginuid;
	return nth == 0 && !ev->proc->unknown;
}

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static bool caps_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	uint64_t caps = *(const uint64_t *)field_member(ev->proc, ref);
	char *out = nth ? NULL : arena_alloc(field_arena(), CAPS_BYTES);
	size_t n = 0;

	if (!out || ev->proc->unknown)
		return false;
	for (size_t i = 0; i < sizeof(cap_names) / sizeof(cap_names[0]); i++) {
		size_t len = strlen(cap_names[i]);

		if (!(caps & 1ull << i) || n + len + 1 > CAPS_BYTES)
			continue;
		if (n)
			out[n++] = ' ';
		memcpy(out + n, cap_names[i], len);
		n += len;
	}
	ret->type = VALUE_STR;
	ret->str = (struct str){ out, n };
	return true;
}

static bool main_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	(void)ref;
	ret->type = VALUE_BOOL;
	ret->b = ev->hdr->tid == ev->hdr->pid;
	return nth == 0;
}

/* A record has the thread's number on the node alone: of others in a namespace it is not known. */
static bool vtid_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct proc *p = ev->proc;
	bool outside = p->vpid == p->pid;

	(void)ref;
	ret->type = VALUE_U64;
	ret->u64 = outside ? ev->hdr->tid : p->vpid;
	return nth == 0 && p->vpid && (outside || ev->hdr->tid == p->pid);
}

static bool cgroup_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	ret->type = VALUE_STR;
	if (nth || !cg)
		return false;
	ret->str = *(const struct str *)field_member(cg, ref);
	return ret->str.p != NULL;
}

#define CG(m) offsetof(struct cgroup, m)

const struct field enrich_subject_fields[] = {
	{ "proc.pid", VALUE_U64, "", ALL, DEF, field_proc_u32, P(pid), "process id on the node" },
	{ "proc.ppid", VALUE_U64, "", ALL, DEF, field_proc_u32, P(ppid), "its parent's process id" },
	{ "proc.vpid", VALUE_U64, "", ALL, DEF, field_proc_u32, P(vpid),
	  "process id in its own pid namespace" },
	{ "proc.pgid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(pgid), "process group" },
	{ "proc.sid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(sid), "session" },
	{ "proc.tty", VALUE_U64, "", ALL, SUB, field_proc_u32, P(tty),
	  "controlling terminal's device number; 0: none" },
	{ "proc.name", VALUE_STR, "", ALL, DEF, field_proc_comm, 0,
	  "command name, as the kernel has it (15 bytes)" },
	{ "proc.pname", VALUE_STR, "", ALL, FIELD_DEFAULT, field_proc_comm, PARENT,
	  "its parent's name" },
	{ "proc.aname", VALUE_STR, "", ALL, ANC, field_proc_comm, ANCESTOR,
	  "name of the nth ancestor ([0]: itself); without [n]: of any" },
	{ "proc.apid", VALUE_U64, "", ALL, ANC, field_proc_u32, ANCESTOR | P(pid),
	  "process id of the nth ancestor; without [n]: of any" },
	{ "proc.pvpid", VALUE_U64, "", ALL, 0, virtual_get, PARENT | P(vpid),
	  "its parent's process id in that one's own pid namespace" },
	{ "proc.vpgid", VALUE_U64, "", ALL, SUB, virtual_get, P(vpgid),
	  "process group, in the process's own pid namespace" },
	{ "proc.vsid", VALUE_U64, "", ALL, SUB, virtual_get, P(vsid),
	  "session, in the process's own pid namespace" },
	{ "proc.is_sid_leader", VALUE_BOOL, "", ALL, SUB, leads_get, P(sid),
	  "whether it leads its session" },
	{ "proc.is_pgid_leader", VALUE_BOOL, "", ALL, SUB, leads_get, P(pgid),
	  "whether it leads its process group" },
	{ "proc.is_vpgid_leader", VALUE_BOOL, "", ALL, SUB, leads_get, P(pgid),
	  "whether it leads its process group" },
	{ "proc.is_vsid_leader", VALUE_BOOL, "", ALL, SUB, leads_get, P(sid),
	  "whether it leads its session" },
	{ "proc.sname", VALUE_STR, "", ALL, 0, field_proc_comm, SESSION, "session leader's name" },
	{ "proc.sid.name", VALUE_STR, "", ALL, 0, field_proc_comm, SESSION,
	  "session leader's name (proc.sname)" },
	{ "proc.vsid.name", VALUE_STR, "", ALL, 0, field_proc_comm, SESSION,
	  "session leader's name (proc.sname)" },
	{ "proc.pgid.name", VALUE_STR, "", ALL, 0, field_proc_comm, GROUP,
	  "name of the process group's leader" },
	{ "proc.vpgid.name", VALUE_STR, "", ALL, 0, field_proc_comm, GROUP,
	  "name of the process group's leader" },
	{ "proc.start_time", VALUE_TIME, "ns", ALL, SUB, since_get, P(start),
	  "when the process started" },
	{ "proc.duration", VALUE_DURATION, "ns", ALL, 0, since_get, P(start),
	  "time from the start of the process to the event" },
	{ "proc.pid.ts", VALUE_TIME, "ns", ALL, SUB, since_get, P(start),
	  "when the process started (proc.start_time)" },
	{ "proc.ppid.ts", VALUE_TIME, "ns", ALL, 0, since_get, PARENT | P(start),
	  "when its parent started" },
	{ "proc.ppid.duration", VALUE_DURATION, "ns", ALL, 0, since_get, PARENT | P(start),
	  "time from the start of its parent to the event" },
	{ "proc.pidns_init_start_ts", VALUE_TIME, "ns", ALL, SUB, since_get, P(pidns_start),
	  "when the first process of its pid namespace started" },
	{ "user.uid", VALUE_U64, "", ALL, DEF, field_proc_u32, P(euid),
	  "effective user id, as Falco has it" },
	{ "user.ruid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(uid),
	  "real user id, at exec or fork" },
	{ "user.name", VALUE_STR, "", ALL, DEF, account_get, USER | A(name),
	  "the effective user's name, in a container by its own files; <NA>: none" },
	{ "user.homedir", VALUE_STR, "", ALL, SUB, account_get, USER | A(home),
	  "the user's home, likewise" },
	{ "user.shell", VALUE_STR, "", ALL, SUB, account_get, USER | A(shell),
	  "the user's login shell, likewise" },
	{ "user.loginname", VALUE_STR, "", ALL, SUB, account_get, LOGIN | A(name),
	  "name of user.loginuid on the node; <NA>: none" },
	{ "user.loginuid", VALUE_I64, "", ALL, SUB, loginuid_get, 0,
	  "user id of the login, kept through su and sudo; -1: none" },
	{ "user.euid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(euid),
	  "effective user id (user.uid)" },
	{ "group.name", VALUE_STR, "", ALL, SUB, account_get, GROUP_OF | A(name),
	  "the effective group's name, in a container by its own files; <NA>: none" },
	{ "group.gid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(egid),
	  "effective group id, at exec or fork" },
	{ "group.rgid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(gid),
	  "real group id, at exec or fork" },
	{ "group.egid", VALUE_U64, "", ALL, SUB, field_proc_u32, P(egid),
	  "effective group id (group.gid)" },
	{ "thread.cap_permitted", VALUE_STR, "", ALL, SUB, caps_get, P(cap_permitted),
	  "permitted capabilities, at exec or fork" },
	{ "thread.cap_effective", VALUE_STR, "", ALL, SUB, caps_get, P(cap_effective),
	  "effective capabilities, at exec or fork" },
	{ "thread.cap_inheritable", VALUE_STR, "", ALL, SUB, caps_get, P(cap_inheritable),
	  "inheritable capabilities, at exec or fork" },
	{ "thread.cgroup", VALUE_STR, "", ALL, SUB, cgroup_str_get, CG(path), "cgroup path" },
	{ "systemd.unit", VALUE_STR, "", ALL, SUB, cgroup_str_get, CG(unit),
	  "systemd unit or slice the process belongs to" },
	{ "thread.vtid", VALUE_U64, "", ALL, 0, vtid_get, 0,
	  "the thread in the process's own pid namespace; there, only of a first thread" },
	{ "thread.ismain", VALUE_BOOL, "", ALL, 0, main_get, 0,
	  "whether it is the process's first thread" },
	{ NULL },
};
