/* Cuts a request's target into what an exchange keeps of it. */
#include "proto/target.h"

#include "proto/route.h"

void target_text(struct exchange *x, struct str *text, struct str s, size_t max)
{
	if (!x)
		return;
	if (s.n > max) {
		s.n = max;
		x->req.flags |= REQ_CUT;
	}
	exchange_set(x, text, s);
}

/* The path of "http://host/path"; *ret_host its authority, without user and password. */
static struct str target_absolute(struct str target, struct str *ret_host)
{
	const char *colon, *end, *at;
	struct str rest, host;

	if (!target.n || target.p[0] == '/')
		return target;
	colon = memmem(target.p, target.n < 16 ? target.n : 16, "://", 3);
	if (!colon)
		return target;
	rest = str_skip(target, (size_t)(colon - target.p) + 3);
	end = rest.p;
	while (end < rest.p + rest.n && *end != '/' && *end != '?' && *end != '#')
		end++;
	host = (struct str){ rest.p, (size_t)(end - rest.p) };
	at = memrchr(host.p, '@', host.n);
	*ret_host = at ? str_skip(host, (size_t)(at + 1 - host.p)) : host;
	rest = str_skip(rest, host.n);
	return rest.n && rest.p[0] == '/' ? rest : STR("/");
}

void target_set(struct proto_io *io, struct exchange *x, struct str target, struct str *ret_host)
{
	struct str path = target_absolute(target, ret_host);
	size_t n = 0;
	char route[ROUTE_MAX];

	if (!x)
		return;
	while (n < path.n && path.p[n] != '?' && path.p[n] != '#')
		n++;
	path.n = n;
	n = route_fold(path, route);
	target_text(x, &x->req.resource, path, TARGET_PATH_MAX >> io->opts->raw);
	if (str_eq(x->req.resource, (struct str){ route, n }))
		x->req.route = x->req.resource;
	else
		exchange_set(x, &x->req.route, (struct str){ route, n });
	if (io->opts->raw)
		target_text(x, &x->req.text, target, TARGET_PATH_MAX / 2);
}
