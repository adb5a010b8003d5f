/*
 * Fields over arguments. Text is made when a field is asked for, in the record's arena. A name that
 * several calls use is one field; where they disagree about its raw type, the first row of the table
 * decides and the others have no raw value.
 */
#include "probe/syscall/arg_fields.h"

#include <stdio.h>

#include "base/buf.h"
#include "event/fd.h"
#include "probe/probe.h"
#include "probe/syscall/table.h"

/* evt.arg.* and evt.rawarg.* for each distinct name, and the few others. */
#define SYSCALL_FIELDS_MAX 256
#define NAME_BYTES	   40

/* All of an event's arguments in one string; longer ones are cut. */
#define ARGS_BYTES 8192

/* O_CREAT and O_TMPFILE: what opens may create. */
#define OPEN_CREATES 020000100
#define MODE_EXEC    0111

static const struct rec_syscall *rec_of(const struct event *ev)
{
	return ev->hdr->type == REC_SYSCALL ? ev->body : NULL;
}

/* The place of the argument of that name, AT_RESULT for the result, -1 for none. */
static int arg_place(const struct sys_call *c, const char *name)
{
	const char *at_name;

	for (unsigned at = 0; at <= AT_RESULT; at++)
		if (sys_arg_type(c, at, &at_name) && strcmp(at_name, name) == 0)
			return (int)at;
	return -1;
}

static bool arg_render_at(const struct event *ev, unsigned at, struct arg_text *ret)
{
	const struct sys_call *c = sys_call_find(rec_of(ev)->nr);
	const char *name;
	const struct arg_type *t = sys_arg_type(c, at, &name);

	*ret = (struct arg_text){ 0 };
	return t && t->render(t, ev, at, field_arena(), ret);
}

static bool arg_named(const struct event *ev, const char *name, struct arg_text *ret)
{
	int at;

	*ret = (struct arg_text){ 0 };
	if (ev->hdr->type == REC_EXEC)
		return exec_arg_get(ev, name, ret);
	if (!rec_of(ev))
		return false;
	at = arg_place(sys_call_find(rec_of(ev)->nr), name);
	return at >= 0 && arg_render_at(ev, (unsigned)at, ret);
}

/* evt.arg.NAME; field->arg is the name. */
static bool arg_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	struct arg_text t;

	if (nth || !arg_named(ev, (const char *)ref->field->arg, &t))
		return false;
	ret->type = VALUE_STR;
	ret->str = t.text.n ? t.text : t.raw;
	return ret->str.p != NULL;
}

/* Argument number @n as sysdig counts: the result first. */
static bool arg_numbered(const struct event *ev, uint64_t n, struct arg_text *ret)
{
	const char *name;

	if (ev->hdr->type == REC_EXEC)
		return n < SYS_ARGS * 8 && exec_arg_name((unsigned)n) &&
		       arg_named(ev, exec_arg_name((unsigned)n), ret);
	if (!rec_of(ev))
		return false;
	if (n == 0)
		return arg_render_at(ev, AT_RESULT, ret);
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (sys_arg_type(sys_call_find(rec_of(ev)->nr), at, &name) && --n == 0)
			return arg_render_at(ev, at, ret);
	return false;
}

/* Whether any call has an argument of that name. */
static bool arg_known(struct str name)
{
	for (const struct field *f = syscall_fields; f->name; f++)
		if (f->get == arg_get && str_eq(name, str_of((const char *)f->arg)))
			return true;
	return false;
}

/* evt.arg[n], evt.arg[NAME] */
static bool arg_index_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			  struct value *ret)
{
	char name[NAME_BYTES];
	struct arg_text t;
	bool found;

	if (nth)
		return false;
	if (ref->key.p) {
		if (ref->key.n >= sizeof(name))
			return false;
		memcpy(name, ref->key.p, ref->key.n);
		name[ref->key.n] = 0;
		found = arg_named(ev, name, &t);
	} else {
		found = ref->index >= 0 && arg_numbered(ev, (uint64_t)ref->index, &t);
	}
	if (!found)
		return false;
	ret->type = VALUE_STR;
	ret->str = t.text.n ? t.text : t.raw;
	return ret->str.p != NULL;
}

static bool raw_number(const struct event *ev, const struct sys_call *c, unsigned at,
		       const struct arg_type *t, uint64_t *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	struct open_how_args o;

	if (t == &arg_open_flags || t == &arg_open_mode) {
		if (!sys_open_args(c, r, &o))
			return false;
		*ret = t == &arg_open_flags ? o.flags : o.mode;
	} else if (at == AT_RESULT || t == &arg_done) {
		*ret = (uint64_t)ev->ret;
		return at == AT_RESULT || ev->ret >= 0;
	} else if (t == &arg_hex || t == &arg_len) {
		*ret = r->args[at];
	} else {
		*ret = t->raw == VALUE_I64 ? (uint64_t)(int32_t)r->args[at] : (uint32_t)r->args[at];
	}
	return true;
}

/* evt.rawarg.NAME: numbers as the kernel got them. */
static bool raw_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	const char *name = (const char *)ref->field->arg;
	const struct arg_type *type;
	const struct sys_call *c;
	struct arg_text t;
	int at;

	if (nth || !r)
		return false;
	c = sys_call_find(r->nr);
	at = arg_place(c, name);
	if (at < 0)
		return false;
	type = sys_arg_type(c, (unsigned)at, &name);
	ret->type = ref->field->type;
	if ((type->raw == VALUE_STR) != (ret->type == VALUE_STR))
		return false;
	if (ret->type != VALUE_STR)
		return raw_number(ev, c, (unsigned)at, type, &ret->u64);
	if (!arg_render_at(ev, (unsigned)at, &t))
		return false;
	ret->str = t.raw;
	return ret->str.p != NULL;
}

static void args_add(struct buf *b, const char *name, bool known, const struct arg_text *t)
{
	if (b->n)
		buf_char(b, ' ');
	buf_str(b, str_of(name));
	buf_char(b, '=');
	buf_str(b, known ? t->raw : STR("<NA>"));
	if (known && t->text.n) {
		buf_char(b, '(');
		buf_str(b, t->text);
		buf_char(b, ')');
	}
}

/* evt.args: "name=raw(text)" of each, joined by blanks, the result first. */
static bool args_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	struct buf b = { .cap = ARGS_BYTES, .max = ARGS_BYTES };
	const struct rec_syscall *r = rec_of(ev);
	const char *name;
	struct arg_text t;

	(void)ref;
	if (nth || (!r && ev->hdr->type != REC_EXEC))
		return false;
	b.p = arena_alloc(field_arena(), ARGS_BYTES);
	if (!b.p)
		return false;
	for (unsigned i = 0; !r && exec_arg_name(i); i++) {
		bool known = exec_arg_get(ev, exec_arg_name(i), &t);

		args_add(&b, exec_arg_name(i), known, &t);
	}
	for (unsigned i = 0; r && i <= SYS_ARGS; i++) {
		unsigned at = i ? i - 1 : AT_RESULT;

		if (sys_arg_type(sys_call_find(r->nr), at, &name))
			args_add(&b, name, arg_render_at(ev, at, &t), &t);
	}
	ret->type = VALUE_STR;
	ret->str = (struct str){ b.p, b.n };
	return true;
}

enum open_field {
	OPEN_READ,
	OPEN_WRITE,
	OPEN_EXEC,
	OPEN_CREATE,
};

/* evt.is_open_*: from the flags and the mode of a call that opens. */
static bool open_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	struct open_how_args o;
	unsigned access;

	if (nth || !r || !sys_open_args(sys_call_find(r->nr), r, &o))
		return false;
	access = o.flags & 3;
	ret->type = VALUE_BOOL;
	switch ((enum open_field)ref->field->arg) {
	case OPEN_READ:
		ret->b = access == 0 || access == 2;
		break;
	case OPEN_WRITE:
		ret->b = access == 1 || access == 2;
		break;
	case OPEN_EXEC:
		ret->b = (o.flags & OPEN_CREATES) && (o.mode & MODE_EXEC);
		break;
	case OPEN_CREATE:
		ret->b = r->info & SYS_CREATED;
		break;
	}
	return true;
}

/* evt.buffer: the first bytes of what was sent or received. */
static bool buffer_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_syscall *r = rec_of(ev);

	(void)ref;
	if (nth || !r || (ev->kind->id != KIND_SEND && ev->kind->id != KIND_RECV))
		return false;
	ret->type = VALUE_STR;
	ret->str = rec_piece(r, r->hdr.len, r->piece[SYS_DATA]);
	return ret->str.p != NULL;
}

/* What a path is to its call. */
enum path_role {
	PATH_ONE,    /* the only one */
	PATH_SOURCE, /* of two, where something comes from; of a link: the link */
	PATH_TARGET,
	PATH_ANY, /* the one the event is about */
	PATH_FIRST,
	PATH_SECOND,
	PATH_RAW = 8,	/* as the program gave it */
	PATH_DONE = 16, /* absent when the call failed */
};

static unsigned paths_of(const struct sys_call *c)
{
	unsigned n = 0;

	for (unsigned at = 0; at < SYS_ARGS; at++)
		n += sys_arg_piece(c, at) >= 0;
	return n;
}

/* Which path piece of the call plays the role, -1: none. */
static int role_piece(const struct sys_call *c, enum path_role role)
{
	bool two = paths_of(c) > 1;
	bool link = c->kind == KIND_LINK || (c->kind == KIND_CREATE && two);

	switch (role) {
	case PATH_ONE:
		return two ? -1 : SYS_PATH0;
	case PATH_SOURCE:
		return !two ? -1 : link ? SYS_PATH1 : SYS_PATH0;
	case PATH_TARGET:
		return !two ? -1 : link ? SYS_PATH0 : SYS_PATH1;
	case PATH_FIRST:
		return two ? SYS_PATH0 : -1;
	case PATH_SECOND:
		return two ? SYS_PATH1 : -1;
	default:
		return two ? c->main_path : SYS_PATH0;
	}
}

/* evt.abspath*, fs.path.* */
static bool path_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct rec_syscall *r = rec_of(ev);
	unsigned how = (unsigned)ref->field->arg, role = how & 7;
	const struct sys_call *c;
	struct arg_text t;
	int piece;

	if (nth || !r || !field_of_kind(ref, ev) || ((how & PATH_DONE) && ev->ret < 0))
		return false;
	ret->type = VALUE_STR;
	c = sys_call_find(r->nr);
	if (!sys_has_path(c)) {
		ret->str = ev->fd.name;
		return role == PATH_ONE && !(how & PATH_RAW) && ev->fd.type == FD_FILE && ret->str.p;
	}
	piece = role_piece(c, role);
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (piece >= 0 && sys_arg_piece(c, at) == piece && arg_render_at(ev, at, &t)) {
			ret->str = t.text.n && !(how & PATH_RAW) ? t.text : t.raw;
			return true;
		}
	return false;
}

#define MSGS (KIND_BIT(KIND_SEND) | KIND_BIT(KIND_RECV))
#define FILES                                                                  \
	(KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) | KIND_BIT(KIND_DELETE) | \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_LINK) | KIND_BIT(KIND_CHMOD) | KIND_BIT(KIND_MOUNT))
#define CALLS (KINDS_ALL & ~(KIND_BIT(KIND_FORK) | KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_CGROUP)))
#define RAW   (PATH_DONE | PATH_RAW)

struct field syscall_fields[SYSCALL_FIELDS_MAX + 1] = {
	{ "evt.is_open_read", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_get, OPEN_READ,
	  "whether the file was opened for reading" },
	{ "evt.is_open_write", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_get, OPEN_WRITE,
	  "whether the file was opened for writing" },
	{ "evt.is_open_exec", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_get, OPEN_EXEC,
	  "whether the call may create the file, and with permission to execute" },
	{ "evt.is_open_create", VALUE_BOOL, "", KIND_BIT(KIND_OPEN), 0, open_get, OPEN_CREATE,
	  "whether the file was made by this call" },
	{ "evt.args", VALUE_STR, "", CALLS, 0, args_get, 0,
	  "all arguments: name=value(meaning), joined by blanks, the result first" },
	{ "evt.info", VALUE_STR, "", CALLS, 0, args_get, 0, "same as evt.args" },
	{ "evt.arg", VALUE_STR, "", CALLS, FIELD_INDEX, arg_index_get, 0,
	  "an argument by its number (0 is the result) or name", arg_known },
	{ "evt.buffer", VALUE_STR, "", MSGS, FIELD_DATA, buffer_get, 0,
	  "first bytes of what was sent or received" },
	{ "evt.abspath", VALUE_STR, "", FILES, 0, path_get, PATH_ANY, "the path, made absolute" },
	{ "evt.abspath.src", VALUE_STR, "", FILES, 0, path_get, PATH_FIRST,
	  "of two paths the first, made absolute" },
	{ "evt.abspath.dst", VALUE_STR, "", FILES, 0, path_get, PATH_SECOND,
	  "of two paths the second, made absolute" },
	{ "fs.path.name", VALUE_STR, "", FILES, 0, path_get, PATH_DONE | PATH_ONE,
	  "path of a call that succeeded and has one, made absolute" },
	{ "fs.path.nameraw", VALUE_STR, "", FILES, 0, path_get, RAW | PATH_ONE,
	  "the same as the program gave it" },
	{ "fs.path.source", VALUE_STR, "", FILES, 0, path_get, PATH_DONE | PATH_SOURCE,
	  "what was renamed or mounted; the new link" },
	{ "fs.path.sourceraw", VALUE_STR, "", FILES, 0, path_get, RAW | PATH_SOURCE,
	  "the same as the program gave it" },
	{ "fs.path.target", VALUE_STR, "", FILES, 0, path_get, PATH_DONE | PATH_TARGET,
	  "the new name, the mount's place, what the link points to" },
	{ "fs.path.targetraw", VALUE_STR, "", FILES, 0, path_get, RAW | PATH_TARGET,
	  "the same as the program gave it" },
};

/* What other fields tell better is not shown unless asked for. */
static uint32_t arg_flags(const char *name)
{
	static const char *const quiet[] = { "res", "fd", "tuple" };

	if (strcmp(name, "data") == 0)
		return FIELD_DATA;
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		if (strcmp(name, quiet[i]) == 0)
			return 0;
	return FIELD_DEFAULT;
}

/* Notes that calls of @kind have the argument, in a field of its own. */
static struct field *arg_field_add(const char *name, enum kind_id kind, bool raw, enum value_type type)
{
	static char names[SYSCALL_FIELDS_MAX][NAME_BYTES];
	field_get get = raw ? raw_get : arg_get;
	struct field *f = syscall_fields;
	char *full;

	while (f->name && (f->get != get || strcmp((const char *)f->arg, name) != 0))
		f++;
	if (f >= syscall_fields + SYSCALL_FIELDS_MAX)
		return NULL;
	if (!f->name) {
		full = names[f - syscall_fields];
		snprintf(full, NAME_BYTES, "evt.%s.%s", raw ? "rawarg" : "arg", name);
		*f = (struct field){
			.name = full,
			.type = raw ? type : VALUE_STR,
			.unit = "",
			.flags = raw ? arg_flags(name) & ~FIELD_DEFAULT : arg_flags(name),
			.get = get,
			.arg = (uintptr_t)name,
			.help = raw ? "argument of the system call, as the kernel got it" :
				      "argument of the system call, as text",
		};
	}
	f->kinds |= KIND_BIT(kind);
	return f;
}

__attribute__((constructor)) static void arg_fields_make(void)
{
	for (size_t i = 0; i < sys_calls_n * (SYS_ARGS + 1); i++) {
		const struct sys_call *c = &sys_calls[i / (SYS_ARGS + 1)];
		const char *name;
		const struct arg_type *t = sys_arg_type(c, i % (SYS_ARGS + 1), &name);

		if (!t)
			continue;
		arg_field_add(name, c->kind, false, VALUE_STR);
		arg_field_add(name, c->kind, true, t->raw);
	}
	/* The process's own fields say the same of an exec. */
	for (unsigned i = 0; exec_arg_name(i); i++) {
		struct field *f = arg_field_add(exec_arg_name(i), KIND_EXEC, false, VALUE_STR);

		if (f)
			f->quiet = KIND_BIT(KIND_EXEC);
	}
}
