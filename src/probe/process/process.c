/*
 * Decoding process life: records to life changes, most of them also events. The fields here are
 * those only these kinds have; who did it is enrich/'s.
 */
#include "probe/process/process.h"

#include <errno.h>
#include <linux/kdev_t.h>

#include "probe/probe.h"

static const struct kind *kind_of(enum kind_id id)
{
	return &kind_table[id];
}

static int fork_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_fork *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r))
		return -EBADMSG;
	ret->kind = kind_of(KIND_FORK);
	ret->type = STR("clone");
	ret->has_ret = true;
	ret->ret = r->child.pid;
	ret->life = (struct life){ .op = LIFE_FORK, .task = &r->child };
	return 0;
}

static void exec_pieces(const struct rec_hdr *h, const struct rec_str *piece, uint32_t cut,
			struct life *ret)
{
	ret->args = rec_piece(h, h->len, piece[EXEC_ARGS]);
	ret->env = rec_piece(h, h->len, piece[EXEC_ENV]);
	ret->exe = rec_piece(h, h->len, piece[EXEC_EXE]);
	ret->cwd = rec_piece(h, h->len, piece[EXEC_CWD]);
	ret->args_cut = cut & REC_CUT(EXEC_ARGS);
	ret->env_cut = cut & REC_CUT(EXEC_ENV);
	ret->exe_cut = cut & REC_CUT(EXEC_EXE);
}

/*
 * The executable's facts, where the record has them. Older records are shorter: their strings begin
 * where the facts stand now.
 */
static const struct rec_exe *exe_of(const struct rec_hdr *h, const struct rec_str *piece,
				    const struct rec_exe *exe)
{
	size_t end = (size_t)((const char *)(exe + 1) - (const char *)h);

	for (size_t i = 0; i < EXEC_PIECES; i++)
		if (piece[i].off && piece[i].off < end)
			return NULL;
	return h->len >= end ? exe : NULL;
}

static int exec_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_exec *r = (const void *)h;

	if (h->len < offsetof(struct rec_exec, exe))
		return -EBADMSG;
	ret->kind = kind_of(KIND_EXEC);
	ret->type = STR("execve");
	ret->has_ret = true;
	ret->life = (struct life){ .op = LIFE_EXEC, .task = &r->task };
	ret->life.exe_file = exe_of(h, r->piece, &r->exe);
	exec_pieces(h, r->piece, r->cut, &ret->life);
	if (ret->life.exe.p)
		ret->life.exe = walk_to_path(a, ret->life.exe);
	ret->life.cwd = walk_to_path(a, ret->life.cwd);
	ret->fd = (struct evt_fd){ .num = -1 };
	return 0;
}

static int exit_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_exit *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r))
		return -EBADMSG;
	ret->kind = kind_of(KIND_EXIT);
	ret->type = STR("procexit");
	ret->life = (struct life){ .op = LIFE_EXIT };
	return 0;
}

static int cgroup_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	static const struct {
		struct str type;
		enum life_op op;
	} ops[] = {
		[CGROUP_MKDIR] = { { "cgroup_mkdir", 12 }, LIFE_CGROUP },
		[CGROUP_RMDIR] = { { "cgroup_rmdir", 12 }, LIFE_CGROUP_GONE },
		[CGROUP_ATTACH] = { { "cgroup_attach", 13 }, LIFE_MOVE },
	};
	const struct rec_cgroup *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r) || r->op >= sizeof(ops) / sizeof(ops[0]))
		return -EBADMSG;
	ret->kind = kind_of(KIND_CGROUP);
	ret->type = ops[r->op].type;
	ret->life = (struct life){
		.op = ops[r->op].op,
		.cgroup = r->id,
		.path = rec_piece(h, h->len, r->path),
		.task_pid = r->task_pid,
		.task_start_ns = r->task_start_ns,
	};
	return 0;
}

static int seen_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_task_seen *r = (const void *)h;

	(void)a;
	if (h->len < offsetof(struct rec_task_seen, exe))
		return -EBADMSG;
	ret->life = (struct life){ .op = LIFE_SEEN, .task = &r->task };
	ret->life.exe_file = exe_of(h, r->piece, &r->exe);
	exec_pieces(h, r->piece, r->cut, &ret->life);
	return 0;
}

/* Fields of the exit record, by where they stand in it. */
enum exit_field {
	EXIT_STATUS,
	EXIT_SIGNAL,
	EXIT_CORE,
	EXIT_USER,
	EXIT_SYSTEM,
	EXIT_RSS,
};

static bool exit_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct rec_exit *r = ev->body;

	if (nth || ev->hdr->type != REC_EXIT)
		return false;
	ret->type = ref->field->type;
	switch ((enum exit_field)ref->field->arg) {
	case EXIT_STATUS:
		ret->u64 = r->code >> 8 & 0xff;
		return (r->code & 0x7f) == 0;
	case EXIT_SIGNAL:
		ret->u64 = r->code & 0x7f;
		return ret->u64 != 0;
	case EXIT_CORE:
		ret->b = r->code & 0x80;
		return true;
	case EXIT_USER:
		ret->u64 = r->user_ns;
		return true;
	case EXIT_SYSTEM:
		ret->u64 = r->system_ns;
		return true;
	case EXIT_RSS:
		ret->u64 = r->max_rss_bytes;
		return true;
	}
	return false;
}

static bool cgroup_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_cgroup *r = ev->body;

	if (nth || ev->hdr->type != REC_CGROUP)
		return false;
	ret->type = ref->field->type;
	if (ref->field->type == VALUE_STR) {
		ret->str = ev->life.path;
		return ret->str.p != NULL;
	}
	ret->u64 = r->task_pid;
	return r->op == CGROUP_ATTACH;
}

static bool child_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct rec_fork *r = ev->body;

	if (nth || ev->hdr->type != REC_FORK)
		return false;
	ret->type = ref->field->type;
	ret->u64 = ref->field->arg ? r->child.vpid : r->child.pid;
	return ret->u64 != 0;
}

#define EXIT  KIND_BIT(KIND_EXIT), FIELD_DEFAULT, exit_get
#define CGRP  KIND_BIT(KIND_CGROUP), FIELD_DEFAULT, cgroup_get
#define CHILD KIND_BIT(KIND_FORK), FIELD_DEFAULT, child_get

static const struct field process_fields[] = {
	{ "exit.code", VALUE_U64, "", EXIT, EXIT_STATUS, "exit status, when it ended by itself" },
	{ "exit.signal", VALUE_U64, "", EXIT, EXIT_SIGNAL, "signal that ended it" },
	{ "exit.core", VALUE_BOOL, "", EXIT, EXIT_CORE, "whether a core dump was written" },
	{ "exit.user_time", VALUE_DURATION, "ns", EXIT, EXIT_USER, "CPU time in user mode" },
	{ "exit.system_time", VALUE_DURATION, "ns", EXIT, EXIT_SYSTEM, "CPU time in the kernel" },
	{ "exit.max_rss", VALUE_U64, "bytes", EXIT, EXIT_RSS, "peak resident memory" },
	{ "cgroup.path", VALUE_STR, "", CGRP, 0, "the cgroup created, removed or entered" },
	{ "cgroup.pid", VALUE_U64, "", CGRP, 0, "the process that was moved" },
	{ "child.pid", VALUE_U64, "", CHILD, 0, "the new process" },
	{ "child.vpid", VALUE_U64, "", CHILD, 1, "the new process, as its own pid namespace has it" },
	{ NULL },
};

static const struct {
	const char *name;
	enum kind_id kind;
} process_types[] = {
	{ "clone", KIND_FORK },		 { "execve", KIND_EXEC },
	{ "procexit", KIND_EXIT },	 { "cgroup_mkdir", KIND_CGROUP },
	{ "cgroup_rmdir", KIND_CGROUP }, { "cgroup_attach", KIND_CGROUP },
};

static uint64_t process_type_kinds(struct str type)
{
	for (size_t i = 0; i < sizeof(process_types) / sizeof(process_types[0]); i++)
		if (str_eq(type, str_of(process_types[i].name)))
			return KIND_BIT(process_types[i].kind);
	return 0;
}

static const struct probe_decoder process_decoders[] = {
	{ REC_FORK, fork_decode },     { REC_EXEC, exec_decode },      { REC_EXIT, exit_decode },
	{ REC_CGROUP, cgroup_decode }, { REC_TASK_SEEN, seen_decode }, { REC_NONE, NULL },
};

static const struct probe_hook process_hooks[] = {
	{ "process_fork", NULL, "sched_process_fork" },
	{ "process_exec", NULL, "sched_process_exec" },
	{ "process_exit", NULL, "sched_process_exit" },
	{ "process_cgroup_mkdir", NULL, "cgroup_mkdir", .optional = true },
	{ "process_cgroup_rmdir", NULL, "cgroup_rmdir", .optional = true },
	{ "process_cgroup_attach", NULL, "cgroup_attach_task", .optional = true },
	{ "process_seen", NULL, "task iterator", .iterator = true },
	{ NULL },
};

extern const char process_bpf_elf[], process_bpf_elf_end[];

const struct probe probe_process = {
	.name = "process",
	.help = "process life: fork, exec, exit, cgroups",
	.elf = process_bpf_elf,
	.elf_end = process_bpf_elf_end,
	.kinds = KINDS_LIFE,
	.always = true,
	.hooks = process_hooks,
	.decoders = process_decoders,
	.fields = process_fields,
	.type_kinds = process_type_kinds,
};
