/*
 * Arguments of a successful execve as sysdig names them. The process probe's record of it carries no
 * arguments of a call: the process itself tells.
 */
#include "base/buf.h"
#include "probe/syscall/arg_fields.h"
#include "probe/syscall/table.h"

#define NUMBER_BYTES 24
#define FLAGS_BYTES  80

static bool number(int64_t v, struct str *ret)
{
	char *room = arena_alloc(field_arena(), NUMBER_BYTES);
	struct buf b = { .p = room, .cap = NUMBER_BYTES, .max = NUMBER_BYTES };

	if (!room)
		return false;
	buf_i64(&b, v);
	*ret = buf_slice(&b);
	return true;
}

static bool text(struct str s, struct str *ret)
{
	*ret = s;
	return s.p != NULL;
}

/* The arguments behind argv[0], joined by blanks. */
static bool args_text(const struct proc *p, struct str *ret)
{
	struct str all = p->program->args;
	size_t first = all.n ? strnlen(all.p, all.n) + 1 : 0;
	char *room;

	if (!all.p)
		return false;
	all = first < all.n ? str_skip(all, first) : STR("");
	if (all.n && all.p[all.n - 1] == '\0')
		all.n--;
	room = arena_alloc(field_arena(), all.n + 1);
	if (!room)
		return false;
	for (size_t i = 0; i < all.n; i++)
		room[i] = all.p[i] ? all.p[i] : ' ';
	*ret = (struct str){ room, all.n };
	return true;
}

/* Of the executable, as sysdig numbers and names it. */
static bool flags_put(const struct proc *p, struct arg_text *ret)
{
	static const char *const flag_names[] = {
		"EXE_WRITABLE",
		"EXE_UPPER_LAYER",
		"EXE_FROM_MEMFD",
		"EXE_LOWER_LAYER",
	};
	const struct rec_exe *exe = &p->program->file;
	char *room = arena_alloc(field_arena(), FLAGS_BYTES);
	struct buf b = { .p = room, .cap = FLAGS_BYTES, .max = FLAGS_BYTES };
	unsigned set;

	if (!exe->inode || !room)
		return false;
	set = (proc_may_write(p, exe) ? 1 : 0) | (exe->flags & EXE_UPPER ? 2 : 0) |
	      (exe->flags & EXE_MEMFD ? 4 : 0);
	if ((exe->flags & (EXE_OVERLAY | EXE_UPPER)) == EXE_OVERLAY)
		set |= 8;
	for (unsigned i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (set & 1u << i)
			buf_printf(&b, "%s%s", b.n ? "|" : "", flag_names[i]);
	if (b.n)
		ret->text = buf_slice(&b);
	return number(set, &ret->raw);
}

static bool account_put(const struct proc *p, const struct account *known, uint32_t id,
			struct arg_text *ret)
{
	known = proc_account(p, known);
	if (known)
		ret->text = known->name;
	return number((int32_t)id, &ret->raw);
}

enum exec_arg {
	EXEC_RES,
	EXEC_EXE_A,
	EXEC_ARGS_A,
	EXEC_TID,
	EXEC_PID,
	EXEC_PTID,
	EXEC_CWD_A,
	EXEC_COMM,
	EXEC_TTY,
	EXEC_VPGID,
	EXEC_LOGINUID,
	EXEC_FLAGS,
	EXEC_UID,
	EXEC_PGID,
	EXEC_GID,
	EXEC_FILENAME,
	EXEC_ARG_COUNT
};

static const char *const names[EXEC_ARG_COUNT] = {
	[EXEC_RES] = "res",	      [EXEC_EXE_A] = "exe",	    [EXEC_ARGS_A] = "args",
	[EXEC_TID] = "tid",	      [EXEC_PID] = "pid",	    [EXEC_PTID] = "ptid",
	[EXEC_CWD_A] = "cwd",	      [EXEC_COMM] = "comm",	    [EXEC_TTY] = "tty",
	[EXEC_VPGID] = "vpgid",	      [EXEC_LOGINUID] = "loginuid", [EXEC_FLAGS] = "flags",
	[EXEC_UID] = "uid",	      [EXEC_PGID] = "pgid",	    [EXEC_GID] = "gid",
	[EXEC_FILENAME] = "filename",
};

const char *exec_arg_name(unsigned n)
{
	return n < EXEC_ARG_COUNT ? names[n] : NULL;
}

static bool arg_put(const struct event *ev, enum exec_arg arg, struct arg_text *t)
{
	const struct proc *p = ev->proc;
	struct str *ret = &t->raw;

	switch (arg) {
	case EXEC_RES:
		return number(ev->ret, ret);
	case EXEC_EXE_A:
		return text(p->program->exe, ret);
	case EXEC_ARGS_A:
		return args_text(p, ret);
	case EXEC_TID:
		return number(ev->hdr->tid, ret);
	case EXEC_PID:
		return number(p->pid, ret);
	case EXEC_PTID:
		return number(p->ppid, ret);
	case EXEC_CWD_A:
		return text(p->program->cwd, ret);
	case EXEC_COMM:
		return text(str_fixed(p->comm, sizeof(p->comm)), ret);
	case EXEC_TTY:
		return number(p->tty, ret);
	case EXEC_VPGID:
		return p->vpgid && number(p->vpgid, ret);
	case EXEC_LOGINUID:
		return account_put(p, p->login, p->loginuid, t);
	case EXEC_FLAGS:
		return flags_put(p, t);
	case EXEC_UID:
		return account_put(p, p->user, p->euid, t);
	case EXEC_PGID:
		return number(p->pgid, ret);
	case EXEC_GID:
		return account_put(p, p->group, p->egid, t);
	case EXEC_FILENAME:
		return text(p->program->exepath, ret);
	case EXEC_ARG_COUNT:
		break;
	}
	return false;
}

bool exec_arg_get(const struct event *ev, const char *name, struct arg_text *ret)
{
	*ret = (struct arg_text){ 0 };
	for (unsigned i = 0; i < EXEC_ARG_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return ev->proc && arg_put(ev, (enum exec_arg)i, ret);
	return false;
}
