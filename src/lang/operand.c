/* Names to fields and transformers, with types checked here so that nothing is checked later. */
#include "lang/operand.h"

#include <errno.h>

#include "lang/transform.h"

/* Longest name that a bracket can make. */
#define NAME_BYTES 64

#define site_error(s, at, ...) lang_error_at((s)->error, (s)->text, (at), __VA_ARGS__)

static bool get_field(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	return o->ref.field->get(ev, &o->ref, nth, ret);
}

static bool get_text(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	(void)ev;
	*ret = o->text;
	return nth == 0;
}

/* Fields whose bracket argument may also stand behind a dot: evt.arg.flags is evt.arg[flags]. */
static const struct str dotted[] = { STR("evt.arg"), STR("evt.rawarg"), STR("evt.type.is") };

static const struct field *find_dotted(const struct catalogue *c, struct str name, struct str *ret)
{
	for (size_t i = 0; i < sizeof(dotted) / sizeof(dotted[0]); i++) {
		const struct field *f;

		if (!str_starts(name, dotted[i]) || name.n < dotted[i].n + 2 ||
		    name.p[dotted[i].n] != '.')
			continue;
		f = field_find(c, dotted[i]);
		if (f && f->flags & FIELD_INDEX &&
		    (!f->has_key || f->has_key(str_skip(name, dotted[i].n + 1)))) {
			*ret = str_skip(name, dotted[i].n + 1);
			return f;
		}
	}
	return NULL;
}

static int error_unknown(const struct operand_site *s, const struct ast_operand *a)
{
	const struct field *near = field_nearest(s->catalogue, a->name);

	if (near)
		return site_error(s, a->at, "no field is called %.*s; did you mean %s?",
				  STR_ARG(a->name), near->name);
	return site_error(s, a->at, "no field is called %.*s", STR_ARG(a->name));
}

/* The bracket's content: a number unless it was quoted. */
static int bracket_read(const struct operand_site *s, const struct ast_text *arg,
			struct field_ref *ref)
{
	int64_t n = 0;

	for (size_t i = 0; i < arg->str.n && !arg->quoted; i++) {
		char c = arg->str.p[i];

		if (c < '0' || c > '9')
			break;
		if (n > 999999999)
			return site_error(s, arg->at, "this index is too large");
		n = n * 10 + (c - '0');
		if (i + 1 == arg->str.n) {
			ref->has_index = true;
			ref->index = n;
			return 0;
		}
	}
	return pool_str(s->pool, arg->str, &ref->key) ? 0 : -ENOMEM;
}

/* NAME[KEY] where the catalogue has a field NAME.KEY: evt.rawarg[flags]. */
static const struct field *find_bracketed(const struct catalogue *c, const struct ast_operand *a)
{
	char name[NAME_BYTES];
	size_t n = a->name.n;

	if (!a->arg || n + 1 + a->arg->str.n > sizeof(name))
		return NULL;
	memcpy(name, a->name.p, n);
	name[n++] = '.';
	memcpy(name + n, a->arg->str.p, a->arg->str.n);
	return field_find(c, (struct str){ name, n + a->arg->str.n });
}

int operand_field(const struct operand_site *s, const struct ast_operand *a, struct operand *ret)
{
	const struct field *f = field_find(s->catalogue, a->name);
	struct operand o = { .get = get_field };
	const struct ast_text *arg = a->arg;
	struct str key = STR_NONE;
	int r = 0;

	if (!f)
		f = find_dotted(s->catalogue, a->name, &key);
	if (!f && (f = find_bracketed(s->catalogue, a)))
		arg = NULL;
	if (!f)
		return error_unknown(s, a);
	if (arg && (!(f->flags & FIELD_INDEX) || key.p))
		return site_error(s, arg->at, "%.*s takes nothing in brackets", STR_ARG(a->name));
	o.ref.field = f;
	if (arg)
		r = bracket_read(s, arg, &o.ref);
	else if (key.p && !pool_str(s->pool, key, &o.ref.key))
		r = -ENOMEM;
	if (r == 0 && arg && o.ref.key.p && f->has_key && !f->has_key(o.ref.key))
		r = site_error(s, arg->at, "%.*s has nothing of this name", STR_ARG(a->name));
	if (r < 0)
		return r;
	o.type = f->type;
	o.any = (f->flags & FIELD_ANY) && !o.ref.has_index;
	o.unit = f->unit ? f->unit : "";
	*ret = o;
	return 0;
}

static int error_argument(const struct operand_site *s, const struct ast_operand *a,
			  const struct transform *t)
{
	return site_error(s, a->at, "this does not fit %s", t->usage);
}

static int operand_text(const struct operand_site *s, const struct ast_operand *a, struct operand *ret)
{
	struct operand o = { .get = get_text, .type = VALUE_STR, .unit = "" };

	o.text.type = VALUE_STR;
	if (!pool_str(s->pool, a->name, &o.text.str))
		return -ENOMEM;
	*ret = o;
	return 0;
}

/* Compiles the arguments of a transformer or a list. */
static int arguments(const struct operand_site *s, const struct ast_operand *a, struct operand *o)
{
	struct operand_site inner = *s;
	struct operand *args;
	size_t n = 0;
	int r;

	inner.right = false;
	for (const struct ast_operand *x = a->args; x; x = x->next)
		n++;
	args = pool_alloc(s->pool, n * sizeof(*args));
	if (!args)
		return -ENOMEM;
	o->args = args;
	for (const struct ast_operand *x = a->args; x; x = x->next) {
		r = operand_compile(&inner, x, args);
		if (r < 0)
			return r;
		if (args->any)
			return site_error(s, x->at,
					  "%.*s has several values and cannot be transformed",
					  STR_ARG(x->name));
		args++;
	}
	o->nargs = n;
	return 0;
}

static int operand_list(const struct operand_site *s, const struct ast_operand *a, struct operand *ret)
{
	struct operand o = { .get = transform_list, .type = VALUE_LIST, .unit = "" };
	const struct ast_operand *x = a->args;
	int r = arguments(s, a, &o);

	for (size_t i = 0; r == 0 && i < o.nargs; i++, x = x->next)
		if (o.args[i].type != VALUE_STR)
			r = site_error(s, x->at, "a list holds strings only");
	if (r < 0)
		return r;
	*ret = o;
	return 0;
}

static bool takes_one(enum transform_takes takes)
{
	return takes == TAKES_STR || takes == TAKES_STR_OR_LIST || takes == TAKES_ANY;
}

/* May argument number @i be of @type? */
static bool fits(enum transform_takes takes, size_t i, enum value_type type)
{
	switch (takes) {
	case TAKES_ANY:
		return true;
	case TAKES_STR_OR_LIST:
		return type == VALUE_STR || type == VALUE_LIST;
	case TAKES_STR_LIST:
		return type == (i == 0 ? VALUE_STR : VALUE_LIST);
	case TAKES_LIST_STR:
		return type == (i == 0 ? VALUE_LIST : VALUE_STR);
	default:
		return type == VALUE_STR;
	}
}

static int check_arguments(const struct operand_site *s, const struct ast_operand *a,
			   const struct transform *t, const struct operand *o)
{
	const struct ast_operand *x = a->args;
	bool count = takes_one(t->takes)    ? o->nargs == 1 :
		     t->takes == TAKES_STRS ? o->nargs >= 2 :
					      o->nargs == 2;

	if (!count)
		return site_error(s, a->at, "wrong number of arguments: %s", t->usage);
	for (size_t i = 0; i < o->nargs; i++, x = x->next)
		if (!fits(t->takes, i, o->args[i].type))
			return error_argument(s, x, t);
	if (t->takes == TAKES_ANY && o->args[0].get != get_field)
		return error_argument(s, a->args, t);
	return 0;
}

/* getopt's second argument is a constant, and [c] behind the call selects an option. */
static int getopt_options(const struct operand_site *s, const struct ast_operand *a,
			  struct operand *o)
{
	if (o->args[1].get != get_text)
		return site_error(s, a->args->next->at, "getopt's options are a quoted string");
	o->options = o->args[1].text.str.p; /* pool_str ends it with NUL */
	if (!a->arg)
		return 0;
	if (a->arg->str.n != 1 || a->arg->str.p[0] == ':' || !strchr(o->options, a->arg->str.p[0]))
		return site_error(s, a->arg->at, "not one of getopt's options");
	o->option = a->arg->str.p[0];
	o->type = VALUE_STR;
	return 0;
}

static int operand_call(const struct operand_site *s, const struct ast_operand *a, struct operand *ret)
{
	const struct transform *t = transform_find(a->name);
	struct operand o = { .unit = "" };
	int r;

	if (!t)
		return site_error(s, a->at,
				  "no transformer is called %.*s; there are tolower, toupper, "
				  "basename, b64, len, join, concat, getopt and val",
				  STR_ARG(a->name));
	if (t->takes == TAKES_ANY && !s->right)
		return site_error(s, a->at, "val() stands only on the right of an operator");
	if (a->arg && t->takes != TAKES_LIST_STR)
		return site_error(s, a->arg->at, "%s takes nothing in brackets", t->name);
	o.get = t->get;
	o.type = t->gives;
	r = arguments(s, a, &o);
	if (r == 0)
		r = check_arguments(s, a, t, &o);
	if (r == 0 && t->takes == TAKES_LIST_STR)
		r = getopt_options(s, a, &o);
	if (r < 0)
		return r;
	if (t->takes == TAKES_ANY) {
		o.type = o.args[0].type;
		o.unit = o.args[0].unit;
	}
	*ret = o;
	return 0;
}

int operand_compile(const struct operand_site *s, const struct ast_operand *a, struct operand *ret)
{
	switch (a->kind) {
	case AST_FIELD:
		return operand_field(s, a, ret);
	case AST_CALL:
		return operand_call(s, a, ret);
	case AST_LIST:
		return operand_list(s, a, ret);
	default:
		return operand_text(s, a, ret);
	}
}

void operand_fields(const struct operand *o, void (*cb)(void *ctx, const struct field_ref *ref),
		    void *ctx)
{
	if (o->ref.field)
		cb(ctx, &o->ref);
	for (size_t i = 0; i < o->nargs; i++)
		operand_fields(&o->args[i], cb, ctx);
}
