/*
 * Who did it: proc.*, user.*, group.*, thread.*, container.*, k8s.*. Most are one member of a table
 * row, so a field is an offset; what must be computed stands in its own function.
 */
#include <stddef.h>

#include "base/arena.h"
#include "enrich/enrich.h"

/* Longest chain of ancestors looked at. */
#define ANCESTORS_MAX 64
#define CAPS_BYTES    1024

/* field->arg: whose member, and where it is. */
enum whose {
	SELF = 0,
	PARENT = 1 << 16,
	ANCESTOR = 2 << 16, /* by [index], or any */
};
#define OFFSET(arg) ((arg) & 0xffff)

static const struct proc *ancestor_of(const struct proc *p, uint64_t n)
{
	while (p && n-- > 0)
		p = p->parent;
	return p;
}

/* The process a field is about, for the nth try; NULL when there is none. */
static const struct proc *whose_proc(const struct event *ev, const struct field_ref *ref, unsigned nth)
{
	uintptr_t whose = ref->field->arg & ~(uintptr_t)0xffff;

	if (whose == ANCESTOR) {
		if (!ref->has_index)
			return nth < ANCESTORS_MAX ? ancestor_of(ev->proc, nth + 1) : NULL;
		if (nth || ref->index < 0 || ref->index > ANCESTORS_MAX)
			return NULL;
		return ancestor_of(ev->proc, (uint64_t)ref->index);
	}
	if (nth)
		return NULL;
	return whose == PARENT ? ev->proc->parent : ev->proc;
}

static const void *member(const void *base, const struct field_ref *ref)
{
	return (const char *)base + OFFSET(ref->field->arg);
}

static bool proc_u32_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			 struct value *ret)
{
	const struct proc *p = whose_proc(ev, ref, nth);

	if (!p)
		return false;
	ret->type = VALUE_U64;
	ret->u64 = *(const uint32_t *)member(p, ref);
	return OFFSET(ref->field->arg) == offsetof(struct proc, pid) || !p->unknown;
}

/* Of a process: the name it has, even when its program is not known. */
static bool proc_comm_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			  struct value *ret)
{
	const struct proc *p = whose_proc(ev, ref, nth);

	if (!p)
		return false;
	ret->type = VALUE_STR;
	ret->str = str_fixed(p->comm, sizeof(p->comm));
	return ret->str.n != 0;
}

static bool program_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct proc *p = whose_proc(ev, ref, nth);

	if (!p)
		return false;
	ret->type = VALUE_STR;
	ret->str = *(const struct str *)member(p->program, ref);
	return ret->str.p != NULL;
}

static bool program_cut_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	ret->type = VALUE_BOOL;
	ret->b = *(const bool *)member(ev->proc->program, ref);
	return nth == 0 && ret->b;
}

/* "a\0b\0" after its first @skip strings, joined by blanks. */
static bool joined(struct str s, size_t skip, struct str *ret)
{
	char *out;

	for (; skip && s.n; skip--)
		s = str_skip(s, strnlen(s.p, s.n) + 1);
	if (s.n && s.p[s.n - 1] == '\0')
		s.n--;
	out = arena_alloc(field_arena(), s.n ? s.n : 1);
	if (!out)
		return false;
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] ? s.p[i] : ' ';
	*ret = (struct str){ out, s.n };
	return true;
}

static bool args_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct program *g = ev->proc->program;

	ret->type = VALUE_STR;
	if (nth || !g->args.p)
		return false;
	return joined(g->args, ref->field->arg, &ret->str);
}

static bool env_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	struct str env = ev->proc->program->env;

	ret->type = VALUE_STR;
	if (nth || !env.p)
		return false;
	if (!ref->key.p)
		return joined(env, 0, &ret->str);
	while (env.n) {
		struct str one = str_fixed(env.p, env.n);

		if (str_starts(one, ref->key) && one.n > ref->key.n && one.p[ref->key.n] == '=') {
			ret->str = str_skip(one, ref->key.n + 1);
			return true;
		}
		env = str_skip(env, one.n + 1);
	}
	return false;
}

static bool start_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct proc *p = ev->proc;

	ret->type = ref->field->type;
	if (nth || !p->start.ns)
		return false;
	if (ret->type == VALUE_TIME)
		ret->u64 = p->start.ns + (uint64_t)ev->host->boot_to_wall_ns;
	else
		ret->u64 = ev->time.ns > p->start.ns ? ev->time.ns - p->start.ns : 0;
	return true;
}

static bool user_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	(void)ref;
	ret->type = VALUE_STR;
	ret->str = ev->proc->user;
	return nth == 0 && ret->str.p != NULL;
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
	uint64_t caps = *(const uint64_t *)member(ev->proc, ref);
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

static bool cgroup_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	ret->type = VALUE_STR;
	if (nth || !cg)
		return false;
	ret->str = *(const struct str *)member(cg, ref);
	return ret->str.p != NULL;
}

static bool container_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			      struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	ret->type = VALUE_STR;
	if (nth || !cg || !cg->container)
		return false;
	ret->str = *(const struct str *)member(cg->container, ref);
	return ret->str.p != NULL;
}

/* "host" outside containers, as Falco has it; absent where the cgroup is not known. */
static bool container_id_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			     struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	if (nth || !cg || !cg->path.p)
		return false;
	if (cg->container)
		return container_str_get(ev, ref, nth, ret);
	ret->type = VALUE_STR;
	ret->str = STR("host");
	return true;
}

static bool pod_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	ret->type = VALUE_STR;
	if (nth || !cg || !cg->pod)
		return false;
	ret->str = *(const struct str *)member(cg->pod, ref);
	return ret->str.p != NULL;
}

static bool pod_ip_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	(void)ref;
	ret->type = VALUE_IP;
	if (nth || !cg || !cg->pod)
		return false;
	ret->ip = cg->pod->ip;
	return ret->ip.len != 0;
}

#define P(m)   offsetof(struct proc, m)
#define G(m)   offsetof(struct program, m)
#define CG(m)  offsetof(struct cgroup, m)
#define CN(m)  offsetof(struct container, m)
#define POD(m) offsetof(struct pod, m)
#define ALL    KINDS_ALL
#define SUB    FIELD_SUBJECT
#define DEF    (FIELD_SUBJECT | FIELD_DEFAULT)
#define ANC    (FIELD_ANY | FIELD_INDEX)

const struct field enrich_subject_fields[] = {
	{ "proc.pid", VALUE_U64, "", ALL, DEF, proc_u32_get, P(pid), "process id on the node" },
	{ "proc.ppid", VALUE_U64, "", ALL, DEF, proc_u32_get, P(ppid), "its parent's process id" },
	{ "proc.vpid", VALUE_U64, "", ALL, DEF, proc_u32_get, P(vpid),
	  "process id in its own pid namespace" },
	{ "proc.pgid", VALUE_U64, "", ALL, SUB, proc_u32_get, P(pgid), "process group" },
	{ "proc.sid", VALUE_U64, "", ALL, SUB, proc_u32_get, P(sid), "session" },
	{ "proc.tty", VALUE_U64, "", ALL, SUB, proc_u32_get, P(tty),
	  "controlling terminal's device number; 0: none" },
	{ "proc.name", VALUE_STR, "", ALL, DEF, proc_comm_get, 0,
	  "command name, as the kernel has it (15 bytes)" },
	{ "proc.pname", VALUE_STR, "", ALL, FIELD_DEFAULT, proc_comm_get, PARENT,
	  "its parent's name" },
	{ "proc.aname", VALUE_STR, "", ALL, ANC, proc_comm_get, ANCESTOR,
	  "name of the nth ancestor ([0]: itself); without [n]: of any" },
	{ "proc.apid", VALUE_U64, "", ALL, ANC, proc_u32_get, ANCESTOR | P(pid),
	  "process id of the nth ancestor; without [n]: of any" },
	{ "proc.exe", VALUE_STR, "", ALL, SUB, program_str_get, G(exe), "first argument (argv[0])" },
	{ "proc.pexe", VALUE_STR, "", ALL, 0, program_str_get, PARENT | G(exe),
	  "its parent's first argument" },
	{ "proc.aexe", VALUE_STR, "", ALL, ANC, program_str_get, ANCESTOR | G(exe),
	  "first argument of the nth ancestor; without [n]: of any" },
	{ "proc.exepath", VALUE_STR, "", ALL, DEF, program_str_get, G(exepath),
	  "path of the executable, in its mount namespace" },
	{ "proc.pexepath", VALUE_STR, "", ALL, 0, program_str_get, PARENT | G(exepath),
	  "path of its parent's executable" },
	{ "proc.aexepath", VALUE_STR, "", ALL, ANC, program_str_get, ANCESTOR | G(exepath),
	  "path of the nth ancestor's executable; without [n]: of any" },
	{ "proc.cmdline", VALUE_STR, "", ALL, DEF, program_str_get, G(cmdline),
	  "name and arguments, joined by blanks" },
	{ "proc.pcmdline", VALUE_STR, "", ALL, 0, program_str_get, PARENT | G(cmdline),
	  "its parent's name and arguments" },
	{ "proc.acmdline", VALUE_STR, "", ALL, ANC, program_str_get, ANCESTOR | G(cmdline),
	  "name and arguments of the nth ancestor; without [n]: of any" },
	{ "proc.args", VALUE_STR, "", ALL, SUB, args_get, 1, "arguments without the first" },
	{ "proc.exeline", VALUE_STR, "", ALL, SUB, args_get, 0, "all arguments" },
	{ "proc.args_cut", VALUE_BOOL, "", ALL, DEF, program_cut_get, G(args_cut),
	  "true when the arguments are longer than what was kept" },
	{ "proc.exepath_cut", VALUE_BOOL, "", ALL, DEF, program_cut_get, G(exepath_cut),
	  "true when the executable's path is longer than what was kept" },
	{ "proc.cwd", VALUE_STR, "", ALL, DEF, program_str_get, G(cwd),
	  "working directory when the program started" },
	{ "proc.env", VALUE_STR, "", ALL, SUB | FIELD_INDEX, env_get, 0,
	  "environment, or one variable of it ([NAME]); only when captured" },
	{ "proc.start_time", VALUE_TIME, "ns", ALL, SUB, start_get, 0, "when the process started" },
	{ "proc.duration", VALUE_DURATION, "ns", ALL, 0, start_get, 0,
	  "time from the start of the process to the event" },
	{ "user.uid", VALUE_U64, "", ALL, DEF, proc_u32_get, P(uid), "real user id" },
	{ "user.name", VALUE_STR, "", ALL, DEF, user_get, 0,
	  "the user's name on the node (in a container only root's)" },
	{ "user.loginuid", VALUE_I64, "", ALL, SUB, loginuid_get, 0,
	  "user id of the login, kept through su and sudo; -1: none" },
	{ "user.euid", VALUE_U64, "", ALL, SUB, proc_u32_get, P(euid), "effective user id" },
	{ "group.gid", VALUE_U64, "", ALL, SUB, proc_u32_get, P(gid), "real group id" },
	{ "group.egid", VALUE_U64, "", ALL, SUB, proc_u32_get, P(egid), "effective group id" },
	{ "thread.cap_permitted", VALUE_STR, "", ALL, SUB, caps_get, P(cap_permitted),
	  "permitted capabilities, at exec or fork" },
	{ "thread.cap_effective", VALUE_STR, "", ALL, SUB, caps_get, P(cap_effective),
	  "effective capabilities, at exec or fork" },
	{ "thread.cap_inheritable", VALUE_STR, "", ALL, SUB, caps_get, P(cap_inheritable),
	  "inheritable capabilities, at exec or fork" },
	{ "thread.cgroup", VALUE_STR, "", ALL, SUB, cgroup_str_get, CG(path), "cgroup path" },
	{ "systemd.unit", VALUE_STR, "", ALL, SUB, cgroup_str_get, CG(unit),
	  "systemd unit or slice the process belongs to" },
	{ "container.id", VALUE_STR, "", ALL, DEF, container_id_get, CN(id12),
	  "first 12 characters of the container's id; host outside containers" },
	{ "container.full_id", VALUE_STR, "", ALL, SUB, container_str_get, CN(id), "container's id" },
	{ "container.name", VALUE_STR, "", ALL, DEF, container_str_get, CN(name),
	  "container's name, as Kubernetes or the runtime has it" },
	{ "container.image", VALUE_STR, "", ALL, SUB, container_str_get, CN(image),
	  "image the container was made from" },
	{ "container.type", VALUE_STR, "", ALL, SUB, container_str_get, CN(runtime),
	  "container runtime, as the cgroup path tells it" },
	{ "k8s.ns.name", VALUE_STR, "", ALL, DEF, pod_str_get, POD(ns), "pod's namespace" },
	{ "k8s.pod.name", VALUE_STR, "", ALL, DEF, pod_str_get, POD(name), "pod's name" },
	{ "k8s.pod.uid", VALUE_STR, "", ALL, DEF, pod_str_get, POD(uid), "pod's UID" },
	{ "k8s.pod.ip", VALUE_IP, "", ALL, SUB, pod_ip_get, 0, "pod's address" },
	{ "k8s.pod.labels", VALUE_STR, "", ALL, SUB, pod_str_get, POD(labels),
	  "pod's labels: key:value, joined by commas" },
	{ "k8s.pod.owner.kind", VALUE_STR, "", ALL, SUB, pod_str_get, POD(owner_kind),
	  "kind of what controls the pod: Deployment, StatefulSet, ..." },
	{ "k8s.pod.owner.name", VALUE_STR, "", ALL, SUB, pod_str_get, POD(owner_name),
	  "name of what controls the pod" },
	{ "k8s.pod.sa", VALUE_STR, "", ALL, SUB, pod_str_get, POD(service_account),
	  "pod's service account" },
	{ "k8s.node.name", VALUE_STR, "", ALL, SUB, pod_str_get, POD(node), "node the pod runs on" },
	{ NULL },
};
