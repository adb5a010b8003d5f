/* What it runs: the program's name, arguments, environment, and the executable's file. */
#include "enrich/fields.h"

#include <sys/stat.h>

#include "base/arena.h"
#include "enrich/enrich.h"

/*
 * "Any ancestor" is asked for until one says no, so those that have no such value are passed over:
 * the nth that has one. @value is one of the two below.
 */
static bool any_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    bool (*value)(const struct proc *p, const struct field_ref *ref, struct str *ret),
		    struct str *ret)
{
	const struct proc *p;

	if (FIELD_WHOSE(ref->field->arg) != ANCESTOR || ref->has_index) {
		p = field_proc(ev, ref, nth);
		return p && value(p, ref, ret);
	}
	p = ev->proc->parent;
	for (size_t i = 0; p && i < ANCESTORS_MAX; i++, p = p->parent)
		if (value(p, ref, ret) && nth-- == 0)
			return true;
	return false;
}

static bool text_of(const struct proc *p, const struct field_ref *ref, struct str *ret)
{
	*ret = *(const struct str *)field_member(p->program, ref);
	return ret->p != NULL;
}

bool field_program_str(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	ret->type = VALUE_STR;
	return any_get(ev, ref, nth, text_of, &ret->str);
}

static bool program_cut_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	ret->type = VALUE_BOOL;
	ret->b = *(const bool *)field_member(ev->proc->program, ref);
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

/* How many arguments there are after the first, or how many bytes they have together. */
static bool args_count_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	struct str args = ev->proc->program->args;
	uint64_t n = 0, bytes = 0;

	ret->type = VALUE_U64;
	if (nth || !args.p)
		return false;
	args = str_skip(args, strnlen(args.p, args.n) + 1);
	for (; args.n; n++) {
		size_t len = strnlen(args.p, args.n);

		bytes += len;
		args = str_skip(args, len + 1);
	}
	ret->u64 = ref->field->arg ? bytes : n;
	return true;
}

/* The variable @key of an environment. */
static bool env_find(struct str env, struct str key, struct str *ret)
{
	while (env.n) {
		struct str one = str_fixed(env.p, env.n);

		if (str_starts(one, key) && one.n > key.n && one.p[key.n] == '=') {
			*ret = str_skip(one, key.n + 1);
			return true;
		}
		env = str_skip(env, one.n + 1);
	}
	return false;
}

/* One variable, or the whole. */
static bool env_of(const struct proc *p, const struct field_ref *ref, struct str *ret)
{
	struct str env = p->program->env;

	if (ref->key.p)
		return env_find(env, ref->key, ret);
	return env.p && joined(env, 0, ret);
}

static bool env_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	ret->type = VALUE_STR;
	return any_get(ev, ref, nth, env_of, &ret->str);
}

static const struct rec_exe *exe_of(const struct event *ev, unsigned nth)
{
	const struct rec_exe *exe = &ev->proc->program->file;

	return nth == 0 && exe->inode ? exe : NULL;
}

enum exe_fact {
	IS_MEMFD,
	IS_UPPER,
	IS_LOWER,
	IS_WRITABLE,
};

static bool exe_is_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_exe *exe = exe_of(ev, nth);

	if (!exe)
		return false;
	ret->type = VALUE_BOOL;
	switch ((enum exe_fact)ref->field->arg) {
	case IS_MEMFD:
		ret->b = exe->flags & EXE_MEMFD;
		break;
	case IS_UPPER:
		ret->b = exe->flags & EXE_UPPER;
		break;
	case IS_LOWER:
		ret->b = (exe->flags & (EXE_OVERLAY | EXE_UPPER)) == EXE_OVERLAY;
		break;
	case IS_WRITABLE:
		ret->b = proc_may_write(ev->proc, exe);
		break;
	}
	return true;
}

#define E(m) offsetof(struct rec_exe, m)

static bool exe_u64_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct rec_exe *exe = exe_of(ev, nth);

	if (!exe)
		return false;
	ret->type = ref->field->type;
	ret->u64 = *(const uint64_t *)field_member(exe, ref);
	return ret->u64 != 0;
}

/* From the file's last change to the start of the process, or from the namespace's to the change. */
static bool exe_age_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct rec_exe *exe = exe_of(ev, nth);
	bool of_namespace = ref->field->arg;
	uint64_t start = of_namespace ? ev->proc->pidns_start.ns : ev->proc->start.ns, from, to;

	if (!exe || !exe->ctime_ns || !start)
		return false;
	start += (uint64_t)ev->host->boot_to_wall_ns;
	from = of_namespace ? start : exe->ctime_ns;
	to = of_namespace ? exe->ctime_ns : start;
	ret->type = VALUE_DURATION;
	ret->u64 = to - from;
	return to >= from;
}

/* What a container's runtime asks of it to see whether it lives is not told from its own work. */
static bool probe_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	(void)ev;
	(void)ref;
	ret->type = VALUE_BOOL;
	ret->b = false;
	return nth == 0;
}

const struct field enrich_program_fields[] = {
	{ "proc.exe", VALUE_STR, "", ALL, SUB, field_program_str, G(exe), "first argument (argv[0])" },
	{ "proc.pexe", VALUE_STR, "", ALL, 0, field_program_str, PARENT | G(exe),
	  "its parent's first argument" },
	{ "proc.aexe", VALUE_STR, "", ALL, ANC, field_program_str, ANCESTOR | G(exe),
	  "first argument of the nth ancestor; without [n]: of any" },
	{ "proc.exepath", VALUE_STR, "", ALL, DEF, field_program_str, G(exepath),
	  "path of the executable, in its mount namespace" },
	{ "proc.pexepath", VALUE_STR, "", ALL, 0, field_program_str, PARENT | G(exepath),
	  "path of its parent's executable" },
	{ "proc.aexepath", VALUE_STR, "", ALL, ANC, field_program_str, ANCESTOR | G(exepath),
	  "path of the nth ancestor's executable; without [n]: of any" },
	{ "proc.cmdline", VALUE_STR, "", ALL, DEF, field_program_str, G(cmdline),
	  "name and arguments, joined by blanks" },
	{ "proc.pcmdline", VALUE_STR, "", ALL, 0, field_program_str, PARENT | G(cmdline),
	  "its parent's name and arguments" },
	{ "proc.acmdline", VALUE_STR, "", ALL, ANC, field_program_str, ANCESTOR | G(cmdline),
	  "name and arguments of the nth ancestor; without [n]: of any" },
	{ "proc.args", VALUE_STR, "", ALL, SUB, args_get, 1, "arguments without the first" },
	{ "proc.exeline", VALUE_STR, "", ALL, SUB, args_get, 0, "all arguments" },
	{ "proc.args_cut", VALUE_BOOL, "", ALL, DEF, program_cut_get, G(args_cut),
	  "true when the arguments are longer than what was kept" },
	{ "proc.exepath_cut", VALUE_BOOL, "", ALL, DEF, program_cut_get, G(exepath_cut),
	  "true when the executable's path is longer than what was kept" },
	{ "proc.cwd", VALUE_STR, "", ALL, DEF, field_program_str, G(cwd),
	  "working directory when the program started" },
	{ "proc.env", VALUE_STR, "", ALL, SUB | FIELD_INDEX | FIELD_ENV, env_get, SELF,
	  "environment, or one variable of it ([NAME]); only when captured" },
	{ "proc.aenv", VALUE_STR, "", ALL, ANC | FIELD_ENV, env_get, ANCESTOR,
	  "environment of the nth ancestor; with [NAME] that variable of any; only when captured" },
	{ "proc.cmdnargs", VALUE_U64, "", ALL, SUB, args_count_get, 0,
	  "how many arguments there are, without the first" },
	{ "proc.cmdlenargs", VALUE_U64, "bytes", ALL, SUB, args_count_get, 1,
	  "length of all arguments together, without the first" },
	{ "proc.sid.exe", VALUE_STR, "", ALL, 0, field_program_str, SESSION | G(exe),
	  "session leader's first argument" },
	{ "proc.sid.exepath", VALUE_STR, "", ALL, 0, field_program_str, SESSION | G(exepath),
	  "path of the session leader's executable" },
	{ "proc.vsid.exe", VALUE_STR, "", ALL, 0, field_program_str, SESSION | G(exe),
	  "session leader's first argument" },
	{ "proc.vsid.exepath", VALUE_STR, "", ALL, 0, field_program_str, SESSION | G(exepath),
	  "session leader's executable" },
	{ "proc.pgid.exe", VALUE_STR, "", ALL, 0, field_program_str, GROUP | G(exe),
	  "first argument of the process group's leader" },
	{ "proc.pgid.exepath", VALUE_STR, "", ALL, 0, field_program_str, GROUP | G(exepath),
	  "path of the executable of the process group's leader" },
	{ "proc.vpgid.exe", VALUE_STR, "", ALL, 0, field_program_str, GROUP | G(exe),
	  "first argument of the process group's leader" },
	{ "proc.vpgid.exepath", VALUE_STR, "", ALL, 0, field_program_str, GROUP | G(exepath),
	  "path of the executable of the process group's leader" },
	{ "proc.is_exe_from_memfd", VALUE_BOOL, "", ALL, SUB, exe_is_get, IS_MEMFD,
	  "whether the executable is memory (memfd_create), not a file" },
	{ "proc.is_exe_upper_layer", VALUE_BOOL, "", ALL, SUB, exe_is_get, IS_UPPER,
	  "whether the executable is in the written layer of an overlay: not the image's" },
	{ "proc.is_exe_lower_layer", VALUE_BOOL, "", ALL, SUB, exe_is_get, IS_LOWER,
	  "whether the executable is on an overlay and not in its written layer" },
	{ "proc.is_exe_writable", VALUE_BOOL, "", ALL, SUB, exe_is_get, IS_WRITABLE,
	  "whether the effective user may write to the executable (by mode and capability)" },
	{ "proc.exe_ino", VALUE_U64, "", ALL, SUB, exe_u64_get, E(inode), "executable's inode" },
	{ "proc.exe_ino.ctime", VALUE_TIME, "ns", ALL, SUB, exe_u64_get, E(ctime_ns),
	  "executable's last change of status, before it was started" },
	{ "proc.exe_ino.mtime", VALUE_TIME, "ns", ALL, SUB, exe_u64_get, E(mtime_ns),
	  "executable's last change of content, before it was started" },
	{ "proc.exe_ino.ctime_duration_proc_start", VALUE_DURATION, "ns", ALL, SUB, exe_age_get, 0,
	  "time from the executable's last change to the start of the process" },
	{ "proc.exe_ino.ctime_duration_pidns_start", VALUE_DURATION, "ns", ALL, SUB, exe_age_get, 1,
	  "time from the start of the pid namespace to the executable's last change, if that is later" },
	{ "proc.is_container_healthcheck", VALUE_BOOL, "", ALL, SUB, probe_get, 0,
	  "false: not told from other processes" },
	{ "proc.is_container_liveness_probe", VALUE_BOOL, "", ALL, SUB, probe_get, 0,
	  "false: not told from other processes" },
	{ "proc.is_container_readiness_probe", VALUE_BOOL, "", ALL, SUB, probe_get, 0,
	  "false: not told from other processes" },
	{ NULL },
};
