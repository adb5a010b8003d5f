/* One block per program: the struct and behind it the bytes its slices point into. */
#include "enrich/program.h"

#include <stdlib.h>

#include "enrich/proc.h"

static struct program unknown;

struct program *program_unknown(void)
{
	return &unknown;
}

struct program *program_ref(struct program *p)
{
	if (p != &unknown)
		p->refs++;
	return p;
}

void program_unref(struct program *p)
{
	if (p == &unknown || --p->refs)
		return;
	free((void *)p->env.p);
	free(p);
}

static struct str text_add(char **at, struct str s)
{
	struct str kept = { *at, s.n };

	if (!s.p)
		return STR_NONE;
	memcpy(*at, s.p, s.n);
	*at += s.n;
	return kept;
}

/* "comm arg1 arg2": the arguments after the first NUL, joined by blanks. */
static struct str cmdline_add(char **at, struct str comm, struct str args)
{
	char *start = *at;
	size_t first = strnlen(args.p ? args.p : "", args.n);
	struct str rest = str_skip(args, first + 1);

	text_add(at, comm);
	if (args.p && rest.n) {
		if (rest.n > PROC_CMDLINE_MAX)
			rest.n = PROC_CMDLINE_MAX;
		*(*at)++ = ' ';
		for (size_t i = 0; i < rest.n; i++)
			*(*at)++ = rest.p[i] ? rest.p[i] : ' ';
		if ((*at)[-1] == ' ' && rest.p[rest.n - 1] == '\0')
			(*at)--;
	}
	return (struct str){ start, (size_t)(*at - start) };
}

/* A piece of its own: it is the largest, and the first to go. */
static void env_set(struct program *p, struct str env)
{
	char *copy = env.p ? malloc(env.n + 1) : NULL;

	if (!copy)
		return;
	memcpy(copy, env.p, env.n);
	p->env = (struct str){ copy, env.n };
}

void program_env_drop(struct program *p)
{
	if (p->refs != 1)
		return;
	free((void *)p->env.p);
	p->env = STR_NONE;
}

struct program *program_new(const struct life *life, const char *comm, struct boot_ns now)
{
	struct str name = str_of(comm);
	size_t room = life->args.n * 2 + life->exe.n + life->cwd.n + name.n * 2 + 2;
	struct program *p = malloc(sizeof(*p) + room);
	char *at;

	if (!p)
		return NULL;
	at = p->text;
	*p = (struct program){
		.refs = 1,
		.args_cut = life->args_cut,
		.exepath_cut = life->exe_cut,
		.env_cut = life->env_cut,
		.exec_time = now,
		.file = life->exe_file ? *life->exe_file : (struct rec_exe){ 0 },
	};
	p->args = text_add(&at, life->args);
	p->exe = p->args.p ? str_fixed(p->args.p, p->args.n) : STR_NONE;
	p->exepath = text_add(&at, life->exe);
	p->cwd = text_add(&at, life->cwd);
	env_set(p, life->env);
	p->comm = text_add(&at, name);
	p->cmdline = cmdline_add(&at, p->comm, p->args);
	return p;
}
