/*
 * porthole ps: the processes as a tree, with container and pod. The table is enrich's, filled by
 * the kernel's task iterator or by a capture; a process is asked about with an event that is none.
 *
 * A process that is not shown leaves no gap: its children hang on the nearest ancestor that is. Two
 * passes over one list in tree order: forwards for the depth, backwards for the lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/catalogue.h"
#include "agent/outside.h"
#include "agent/sink.h"
#include "agent/subject.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/report.h"

#define KTHREADD    2  /* the parent of all kernel threads */
#define DEPTH_MAX   60 /* deeper processes are drawn at this depth */
#define COLUMN_MAX  48 /* a longer user, container or pod pushes its line to the right */
#define WRITE_BYTES (64u << 10)
/* How long names are waited for: the runtimes' files are there at once, an API is elsewhere. */
#define NAMES_NS     (100 * NS_PER_MS)
#define KUBE_WAIT_NS (1500 * NS_PER_MS)

struct ps_opts {
	struct query_opts query;
	uint64_t pid;
	const char *replay;
	enum cli_format output;
	bool flat, all;
};

struct row {
	struct proc *p;
	struct row *child, *next; /* first child; next of the same parent */
	uint32_t depth;		  /* in the drawing, 0: a root */
	bool shown, placed, last; /* last: of its parent's drawn children */
	uint64_t bars;		  /* depths at which a line goes on below */
};

struct ps {
	const struct ps_opts *o;
	struct session *s;
	struct query query;
	struct row *rows; /* by address of the process, for the search of parents */
	size_t n, cap;
	struct row **order; /* the shown ones as printed */
	size_t norder;
	struct boot_ns now;
	bool failed; /* out of memory */
};

static int by_address(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

/* Oldest first, then by number. */
static int by_start(const void *a, const void *b)
{
	const struct proc *x = (*(struct row *const *)a)->p, *y = (*(struct row *const *)b)->p;

	if (x->start.ns != y->start.ns)
		return x->start.ns < y->start.ns ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Its parent is kthreadd, and it has no group, which every process of a user has. */
static bool is_kernel_thread(const struct proc *p)
{
	return (p->pid == KTHREADD || p->ppid == KTHREADD) && p->pgid == 0 && !p->program->args.n;
}

static bool is_shown(struct ps *ps, struct proc *p)
{
	struct subject_event e;
	bool ok;

	if (p->exited.ns || p->pid == 0 || p->unknown || (!ps->o->all && is_kernel_thread(p)))
		return false;
	subject_event_init(&e, p, &ps->s->pipeline.host, ps->now);
	field_arena_set(&ps->s->pipeline.arena);
	ok = (!ps->query.scope || expr_match(ps->query.scope, &e.ev)) &&
	     (!ps->query.where || expr_match(ps->query.where, &e.ev));
	arena_reset(&ps->s->pipeline.arena);
	return ok;
}

static int row_add(void *ctx, struct proc *p)
{
	struct ps *ps = ctx;

	if (ps->n == ps->cap) {
		size_t cap = ps->cap ? 2 * ps->cap : 1024;
		struct row *more = realloc(ps->rows, cap * sizeof(*more));

		if (!more) {
			ps->failed = true;
			return 1;
		}
		ps->rows = more;
		ps->cap = cap;
	}
	ps->rows[ps->n++] = (struct row){ .p = p, .shown = is_shown(ps, p) };
	return 0;
}

static struct row *row_of(struct ps *ps, struct proc *p)
{
	struct row key = { .p = p };

	return p ? bsearch(&key, ps->rows, ps->n, sizeof(key), by_address) : NULL;
}

/* Puts @r and what hangs on it in order; @stack has room for all rows. */
static void tree_place(struct ps *ps, struct row *r, struct row **stack)
{
	size_t n = 0;

	stack[n++] = r;
	r->placed = true;
	while (n) {
		uint32_t below;

		r = stack[--n];
		if (r->shown)
			ps->order[ps->norder++] = r;
		below = r->depth + (r->shown && r->depth < DEPTH_MAX);
		for (struct row *c = r->child; c; c = c->next) {
			if (c->placed)
				continue;
			c->placed = true;
			c->depth = below;
			stack[n++] = c;
		}
	}
}

/* From the end: whether a line goes on below is known when what is below was seen. */
static void tree_lines(struct ps *ps)
{
	uint64_t open = 0;

	for (size_t i = ps->norder; i-- > 0;) {
		struct row *r = ps->order[i];
		uint64_t here = 1ull << r->depth;

		r->last = !(open & here);
		r->bars = open & (here - 1);
		open = r->bars | here;
	}
}

/*
 * @sorted: all rows, oldest first. Children are put at the front of their parent's list, so that
 * lists are youngest first, and come off the stack oldest first. Kernel threads are last.
 */
static void tree_make(struct ps *ps, struct row **sorted, struct row **stack)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct row *parent = row_of(ps, sorted[i]->p->parent);

		if (!parent)
			continue;
		sorted[i]->next = parent->child;
		parent->child = sorted[i];
	}
	for (int kernel = 0; kernel < 2; kernel++)
		for (size_t i = 0; i < ps->n; i++)
			if (!row_of(ps, sorted[i]->p->parent) &&
			    is_kernel_thread(sorted[i]->p) == kernel && !sorted[i]->placed)
				tree_place(ps, sorted[i], stack);
	/* A damaged capture may have made a ring of parents. */
	for (size_t i = 0; i < ps->n; i++)
		if (!sorted[i]->placed)
			tree_place(ps, sorted[i], stack);
	tree_lines(ps);
}

static int ps_order(struct ps *ps)
{
	_cleanup_(freep) struct row **sorted = calloc(ps->n + 1, sizeof(*sorted));
	_cleanup_(freep) struct row **stack = calloc(ps->n + 1, sizeof(*stack));

	ps->order = calloc(ps->n + 1, sizeof(*ps->order));
	if (!sorted || !stack || !ps->order)
		return -ENOMEM;
	qsort(ps->rows, ps->n, sizeof(*ps->rows), by_address);
	for (size_t i = 0; i < ps->n; i++)
		sorted[i] = &ps->rows[i];
	qsort(sorted, ps->n, sizeof(*sorted), by_start);
	if (!ps->o->flat) {
		tree_make(ps, sorted, stack);
		return 0;
	}
	for (size_t i = 0; i < ps->n; i++)
		if (sorted[i]->shown)
			ps->order[ps->norder++] = sorted[i];
	return 0;
}

/* --- text --- */

enum column {
	COL_PID,
	COL_PPID,
	COL_USER,
	COL_CONTAINER,
	COL_POD,
	COL_AGE,
	COL_COMMAND, /* the last: as wide as it is */
	COLUMNS
};

static const struct {
	const char *head;
	bool right;
} columns[COLUMNS] = {
	[COL_PID] = { "PID", true },	      [COL_PPID] = { "PPID", true },
	[COL_USER] = { "USER", false },	      [COL_CONTAINER] = { "CONTAINER", false },
	[COL_POD] = { "POD", false },	      [COL_AGE] = { "AGE", true },
	[COL_COMMAND] = { "COMMAND", false },
};

static void age_put(struct buf *b, const struct ps *ps, const struct proc *p)
{
	uint64_t s = ps->now.ns > p->start.ns ? (ps->now.ns - p->start.ns) / NS_PER_SEC : 0;

	if (s < 60)
		buf_printf(b, "%us", (unsigned)s);
	else if (s < 3600)
		buf_printf(b, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		buf_printf(b, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		buf_printf(b, "%llud%02uh", (unsigned long long)(s / 86400),
			   (unsigned)(s / 3600 % 24));
}

static void container_put(struct buf *b, const struct cgroup *cg)
{
	if (!cg || !cg->container)
		buf_char(b, '-');
	else
		buf_text(b, cg->container->name.n ? cg->container->name : cg->container->id12);
}

static void pod_put(struct buf *b, const struct cgroup *cg)
{
	if (!cg || !cg->pod) {
		buf_char(b, '-');
	} else if (cg->pod->name.n) {
		buf_text(b, cg->pod->ns);
		buf_char(b, '/');
		buf_text(b, cg->pod->name);
	} else {
		buf_text(b, cg->pod->uid);
	}
}

/* Arguments joined by blanks; the name in brackets where there are none, as ps(1) has it. */
static void command_put(struct buf *b, const struct proc *p)
{
	struct str args = p->program->args;

	while (args.n && args.p[args.n - 1] == '\0')
		args.n--;
	if (!args.n) {
		buf_char(b, '[');
		buf_text(b, str_fixed(p->comm, sizeof(p->comm)));
		buf_char(b, ']');
	}
	while (args.n) {
		struct str one = str_fixed(args.p, args.n);

		buf_text(b, one);
		args = str_skip(args, one.n + 1);
		if (args.n)
			buf_char(b, ' ');
	}
	if (p->program->args_cut)
		buf_str(b, STR(" ..."));
}

static void lines_put(struct buf *b, const struct row *r)
{
	for (uint32_t d = 1; d < r->depth; d++)
		buf_str(b, r->bars & 1ull << d ? STR("│  ") : STR("   "));
	if (r->depth)
		buf_str(b, r->last ? STR("└─ ") : STR("├─ "));
}

static void cell_put(struct buf *b, const struct ps *ps, const struct row *r, enum column c)
{
	const struct proc *p = r->p;

	switch (c) {
	case COL_PID:
		buf_u64(b, p->pid);
		break;
	case COL_PPID:
		buf_u64(b, p->ppid);
		break;
	case COL_USER:
		if (proc_account(p, p->user))
			buf_text(b, p->user->name);
		else
			buf_u64(b, p->euid);
		break;
	case COL_CONTAINER:
		container_put(b, p->cgroup);
		break;
	case COL_POD:
		pod_put(b, p->cgroup);
		break;
	case COL_AGE:
		age_put(b, ps, p);
		break;
	case COL_COMMAND:
	case COLUMNS:
		if (!ps->o->flat)
			lines_put(b, r);
		command_put(b, p);
	}
}

/* Bytes of @s that take at most @width columns; what buf_text wrote has one column a character. */
static size_t columns_fit(struct str s, size_t width, size_t *ret_used)
{
	size_t at = 0, used = 0;

	while (at < s.n && used < width) {
		size_t n = utf8_char((const uint8_t *)s.p + at, s.n - at);

		at += n ? n : 1;
		used++;
	}
	*ret_used = used;
	return at;
}

static size_t width_of(struct str s)
{
	size_t used;

	columns_fit(s, SIZE_MAX, &used);
	return used;
}

static void padded(struct buf *b, struct str s, enum column c, size_t width)
{
	size_t n = width_of(s);

	for (size_t i = n; columns[c].right && i < width; i++)
		buf_char(b, ' ');
	buf_str(b, s);
	for (size_t i = n; !columns[c].right && i < width && c != COL_COMMAND; i++)
		buf_char(b, ' ');
	if (c != COL_COMMAND)
		buf_char(b, ' ');
}

/* A row (NULL: the head) as one line, cut to @terminal columns (0: never). */
static void line_put(struct buf *b, const struct ps *ps, const struct row *r, const size_t *widths,
		     size_t terminal)
{
	_cleanup_(buf_free) struct buf cell = { 0 };
	size_t start = b->n, used;

	for (enum column c = 0; c < COLUMNS; c++) {
		buf_reset(&cell);
		if (r)
			cell_put(&cell, ps, r, c);
		else
			buf_str(&cell, str_of(columns[c].head));
		padded(b, buf_slice(&cell), c, widths[c]);
	}
	if (terminal && !b->failed) {
		struct str line = { b->p + start, b->n - start };

		b->n = start + columns_fit(line, terminal, &used);
	}
	buf_char(b, '\n');
}

static void widths_make(const struct ps *ps, size_t ret[COLUMNS])
{
	_cleanup_(buf_free) struct buf cell = { 0 };

	for (enum column c = 0; c < COLUMNS; c++) {
		ret[c] = strlen(columns[c].head);
		for (size_t i = 0; c != COL_COMMAND && i < ps->norder; i++) {
			size_t n;

			buf_reset(&cell);
			cell_put(&cell, ps, ps->order[i], c);
			n = width_of(buf_slice(&cell));
			if (n > ret[c] && n <= COLUMN_MAX)
				ret[c] = n;
		}
	}
}

/* Of the terminal that standard output is; 0: it is none. */
static size_t terminal_width(void)
{
	struct winsize w;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

static bool text_print(const struct ps *ps)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t widths[COLUMNS], terminal = terminal_width();

	widths_make(ps, widths);
	line_put(&b, ps, NULL, widths, terminal);
	for (size_t i = 0; i < ps->norder; i++) {
		line_put(&b, ps, ps->order[i], widths, terminal);
		if (b.n < WRITE_BYTES)
			continue;
		if (!cli_write(b.p, b.n))
			return false;
		buf_reset(&b);
	}
	return !b.failed && cli_write(b.p, b.n);
}

/* --- JSON --- */

static const char *const json_fields[] = {
	"proc.pid",	  "proc.ppid",	   "proc.vpid",	   "proc.name",	      "proc.exepath",
	"proc.exeline",	  "proc.args_cut", "proc.cwd",	   "proc.start_time", "proc.duration",
	"user.uid",	  "user.name",	   "container.id", "container.name",  "container.image",
	"container.type", "k8s.ns.name",   "k8s.pod.name", "k8s.pod.uid",     "systemd.unit",
	"thread.cgroup",
};
#define JSON_FIELDS (sizeof(json_fields) / sizeof(json_fields[0]))

static bool json_print(const struct ps *ps)
{
	struct field_ref refs[JSON_FIELDS] = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct pipeline *p = &ps->s->pipeline;
	struct out *out;
	bool ok = true;

	for (size_t i = 0; i < JSON_FIELDS; i++)
		refs[i].field = field_find(catalogue_get(), str_of(json_fields[i]));
	if (out_json_ops.open(catalogue_get(), refs, JSON_FIELDS, &out) != 0)
		return false;
	field_arena_set(&p->arena);
	for (size_t i = 0; ok && i < ps->norder; i++) {
		struct subject_event e;

		subject_event_init(&e, ps->order[i]->p, &p->host, ps->now);
		out_json_ops.event(out, &e.ev, &b);
		arena_reset(&p->arena);
		if (b.n < WRITE_BYTES)
			continue;
		ok = cli_write(b.p, b.n);
		buf_reset(&b);
	}
	out_json_ops.close(out);
	return ok && !b.failed && cli_write(b.p, b.n);
}

/* --- the table --- */

static int container_seen(void *ctx, struct container *c)
{
	(void)c;
	*(bool *)ctx = true;
	return 1;
}

/* Nothing has a name from elsewhere but containers and pods. */
static bool has_container(const struct session *s)
{
	bool any = false;

	container_each(enrich_cgroups(s->pipeline.enrich), container_seen, &any);
	return any;
}

/* True once what the API says of this node's pods is known, or nobody is asked, or it fails. */
static bool kube_settled(struct session *s)
{
	struct kube_status st;

	return !outside_kube_status(s->outside, KUBE_RES_NODE_PODS, &st) || st.synced ||
	       st.error[0] || st.state == KUBE_STATE_OFF;
}

static int names_wait(struct session *s)
{
	uint64_t start = clock_boot().ns;
	int err = 0;

	if (!has_container(s))
		return 0;
	err = session_run(s, (struct boot_ns){ start + NAMES_NS });
	while (!err && !s->signal && !kube_settled(s) && clock_boot().ns < start + KUBE_WAIT_NS)
		err = session_run(s, (struct boot_ns){ clock_boot().ns + NS_PER_MS * 10 });
	return err;
}

static int live_fill(struct session *s)
{
	int err;

	session_drain(s);
	err = names_wait(s);
	session_drain(s);
	return err;
}

static int table_show(struct ps *ps)
{
	int err, code = CLI_OK;

	ps->now = ps->s->live ? clock_boot() : ps->s->pipeline.now;
	proc_each(enrich_procs(ps->s->pipeline.enrich), row_add, ps);
	err = ps->failed ? -ENOMEM : ps_order(ps);
	if (err)
		code = cli_fail("out of memory");
	else if (!(ps->o->output == CLI_JSON ? json_print(ps) : text_print(ps)))
		code = cli_fail("the list cannot be written");
	free(ps->rows);
	free(ps->order);
	return code;
}

static int ps_session(struct ps *ps, struct session *s)
{
	int err = s->live ? live_fill(s) : session_run(s, (struct boot_ns){ 0 }), code;

	ps->s = s;
	if (err)
		return cli_fail("reading processes: %s", strerror(-err));
	code = table_show(ps);
	return report_losses(s) ? code : CLI_FAILED;
}

static int ps_run(void *opts, int argc, char **argv)
{
	struct ps_opts *o = opts;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct session_opts session_opts = { .replay = o->replay };
	struct ps ps = { .o = o };
	struct session s;
	int code;

	(void)argc;
	(void)argv;
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (o->query.tree && !o->pid)
		return cli_usage("--tree goes with --pid");
	o->query.pid = (uint32_t)o->pid;
	log_set_level(LOG_WARN);
	if (query_make(&o->query, &ps.query, &why) != 0)
		return cli_usage_buf(&why);
	if (session_open(&session_opts, &s, &why) != 0) {
		query_free(&ps.query);
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	}
	code = ps_session(&ps, &s);
	query_free(&ps.query);
	session_close(&s);
	return code;
}

#define OPT(member) offsetof(struct ps_opts, member)

static const struct cli_option ps_options[] = {
	{ 'w', "where", "EXPR", CLI_STRING, OPT(query.where),
	  "only processes for which the expression holds", NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "only processes of this pod", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "only processes of this container: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "only this process", NULL },
	{ 0, "tree", NULL, CLI_FLAG, OPT(query.tree), "with --pid: and its descendants", NULL },
	{ 0, "flat", NULL, CLI_FLAG, OPT(flat), "a list, oldest first, instead of a tree", NULL },
	{ 'a', "all", NULL, CLI_FLAG, OPT(all), "kernel threads too, after the rest", NULL },
	CLI_OPT_FORMAT(struct ps_opts, output),
	CLI_OPT_REPLAY(struct ps_opts, replay),
	{ 0 },
};

const struct cli_command cmd_ps = {
	.name = "ps",
	.summary = "show the processes as a tree, with container and pod",
	.description =
		"One line a process: number, parent, user, container, pod, age and command, from the "
		"kernel itself (its task iterator), so also what /proc hides. On a terminal, lines are "
		"cut to its width. A process that is not shown leaves no gap: its children hang on the "
		"nearest ancestor that is.\n\n"
		"With --replay: the processes that were alive when the capture ended.",
	.examples = "porthole ps --pod shop/cart\tthe processes of one pod\n"
		    "porthole ps --where 'user.uid=0 and container.id!=host'\t"
		    "what runs as root in containers\n"
		    "porthole ps -o json --flat\tone object a process, for a script\n",
	.options = ps_options,
	.options_size = sizeof(struct ps_opts),
	.run = ps_run,
};
