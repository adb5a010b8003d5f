/*
 * fd.*: the file or connection an event is about. A connection's "client" opened it and its
 * "server" accepted it; where the event does not tell, the local end counts as the client.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "enrich/enrich.h"

#include <netinet/in.h>
#include <stddef.h>

/* Longest "[ip]:port->[ip]:port". */
#define TUPLE_BYTES 128

enum fd_field {
	FD_NUM_F,
	FD_TYPE_F,
	FD_TYPECHAR_F,
	FD_NAME_F,
	FD_NAMERAW_F,
	FD_CUT_F,
	FD_DIRECTORY_F,
	FD_FILENAME_F,
	FD_L4PROTO_F,
	FD_SOCKFAMILY_F,
};

/* Ends of a connection, for the fields of addresses and ports. */
enum fd_end {
	END_LOCAL = 1,
	END_REMOTE = 2,
	END_CLIENT = 4,
	END_SERVER = 8,
	END_ANY = END_LOCAL | END_REMOTE,
};

static const struct {
	const char *name;
	const char *letter;
} fd_types[] = {
	[FD_NONE] = { NULL, NULL },    [FD_FILE] = { "file", "f" }, [FD_DIR] = { "directory", "d" },
	[FD_IPV4] = { "ipv4", "4" },   [FD_IPV6] = { "ipv6", "6" }, [FD_UNIX] = { "unix", "u" },
	[FD_OTHER] = { "other", "o" },
};

static bool fd_is_net(const struct event *ev)
{
	return ev->fd.type == FD_IPV4 || ev->fd.type == FD_IPV6;
}

static bool local_is_server(const struct event *ev)
{
	return ev->fd.conn.is_server == 1;
}

/* Address and port of an end; false when it is not known. */
static bool end_get(const struct event *ev, unsigned end, struct ip *ret_ip, uint16_t *ret_port)
{
	const struct conn *c = &ev->fd.conn;
	bool local = end == END_LOCAL || (end == END_SERVER && local_is_server(ev)) ||
		     (end == END_CLIENT && !local_is_server(ev));

	*ret_ip = local ? c->local : c->remote;
	*ret_port = local ? c->lport : c->rport;
	return fd_is_net(ev) && ret_ip->len;
}

static void end_text(struct buf *b, const struct event *ev, unsigned end)
{
	struct ip ip;
	uint16_t port;

	if (!end_get(ev, end, &ip, &port))
		return;
	if (ip.len == 16) {
		buf_char(b, '[');
		ip_text(b, &ip);
		buf_char(b, ']');
	} else {
		ip_text(b, &ip);
	}
	buf_char(b, ':');
	buf_u64(b, port);
}

/* "client->server" where both are known, else the one that is. */
static bool tuple_text(const struct event *ev, struct str *ret)
{
	char *room = arena_alloc(field_arena(), TUPLE_BYTES);
	struct buf b = { .p = room, .cap = TUPLE_BYTES, .max = TUPLE_BYTES };

	if (!room || !fd_is_net(ev))
		return false;
	if (!ev->fd.conn.remote.len) {
		end_text(&b, ev, END_LOCAL);
	} else {
		end_text(&b, ev, END_CLIENT);
		buf_str(&b, STR("->"));
		end_text(&b, ev, END_SERVER);
	}
	*ret = buf_slice(&b);
	return b.n && !b.failed;
}

static bool name_get(const struct event *ev, struct str *ret)
{
	if (fd_is_net(ev))
		return tuple_text(ev, ret);
	*ret = ev->fd.name;
	return ret->p != NULL;
}

/* The part before or after the last slash of a file's name. */
static bool part_get(const struct event *ev, bool directory, struct str *ret)
{
	struct str s = ev->fd.name;
	const char *slash = s.p && ev->fd.type == FD_FILE ? memrchr(s.p, '/', s.n) : NULL;
	size_t at;

	if (!slash)
		return false;
	at = (size_t)(slash - s.p);
	*ret = directory ? (struct str){ s.p, at ? at : 1 } : str_skip(s, at + 1);
	return true;
}

static bool l4_get(const struct event *ev, struct str *ret)
{
	switch (ev->fd.conn.l4) {
	case IPPROTO_TCP:
		*ret = STR("tcp");
		return true;
	case IPPROTO_UDP:
		*ret = STR("udp");
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		*ret = STR("icmp");
		return true;
	case IPPROTO_RAW:
		*ret = STR("raw");
		return true;
	default:
		return false;
	}
}

static bool fd_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	const char *name;

	if (nth || ev->fd.type == FD_NONE)
		return false;
	ret->type = ref->field->type;
	switch ((enum fd_field)ref->field->arg) {
	case FD_NUM_F:
		ret->i64 = ev->fd.num;
		return ev->fd.num >= 0;
	case FD_TYPE_F:
	case FD_TYPECHAR_F:
		name = ref->field->arg == FD_TYPE_F ? fd_types[ev->fd.type].name :
						      fd_types[ev->fd.type].letter;
		ret->str = str_of(name);
		return true;
	case FD_NAME_F:
		return name_get(ev, &ret->str);
	case FD_NAMERAW_F:
		ret->str = ev->fd.nameraw;
		return ret->str.p != NULL;
	case FD_CUT_F:
		ret->b = true;
		return ev->fd.cut;
	case FD_DIRECTORY_F:
		return part_get(ev, true, &ret->str);
	case FD_FILENAME_F:
		return part_get(ev, false, &ret->str);
	case FD_L4PROTO_F:
		return l4_get(ev, &ret->str);
	case FD_SOCKFAMILY_F:
		ret->str = ev->fd.type == FD_UNIX ? STR("unix") : STR("ip");
		return fd_is_net(ev) || ev->fd.type == FD_UNIX;
	}
	return false;
}

/* The nth of the ends that the field names. */
static unsigned end_nth(const struct field_ref *ref, unsigned nth)
{
	if (ref->field->arg != END_ANY)
		return nth ? 0 : (unsigned)ref->field->arg;
	return nth == 0 ? END_LOCAL : nth == 1 ? END_REMOTE : 0;
}

static bool ip_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	unsigned end = end_nth(ref, nth);
	uint16_t port;

	ret->type = VALUE_IP;
	if (!end)
		return false;
	/* A missing first end does not hide the second. */
	if (!end_get(ev, end, &ret->ip, &port) && ref->field->arg == END_ANY && nth == 0)
		return end_get(ev, END_REMOTE, &ret->ip, &port);
	return ret->ip.len && fd_is_net(ev);
}

static bool port_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	unsigned end = end_nth(ref, nth);
	struct ip ip;
	uint16_t port = 0;

	ret->type = VALUE_PORT;
	if (!end || !end_get(ev, end, &ip, &port))
		return false;
	ret->u64 = port;
	return true;
}

/* Who the remote end is, as the cluster says; arg: offset in struct peer. */
static bool peer_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	ret->type = VALUE_STR;
	ret->str = *(const struct str *)((const char *)&ev->fd.peer + ref->field->arg);
	return nth == 0 && ret->str.n;
}

#define PEER(m) offsetof(struct peer, m)
#define FILES                                                                  \
	(KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) | KIND_BIT(KIND_DELETE) | \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_LINK) | KIND_BIT(KIND_CHMOD) |  \
	 KIND_BIT(KIND_MOUNT) | KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_NS) | KIND_BIT(KIND_MODULE))
#define SOCKETS                                                                 \
	(KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT) | KIND_BIT(KIND_BIND) | \
	 KIND_BIT(KIND_LISTEN) | KIND_BIT(KIND_CLOSE) | KIND_BIT(KIND_TCP) | KIND_BIT(KIND_UDP))
#define BOTH (FILES | SOCKETS)
#define DEF  FIELD_DEFAULT
#define ANY  FIELD_ANY

const struct field enrich_fd_fields[] = {
	{ "fd.num", VALUE_I64, "", BOTH, DEF, fd_get, FD_NUM_F, "descriptor number" },
	{ "fd.type", VALUE_STR, "", BOTH, DEF, fd_get, FD_TYPE_F, "file, ipv4, ipv6, unix, ..." },
	{ "fd.typechar", VALUE_STR, "", BOTH, 0, fd_get, FD_TYPECHAR_F, "the type as one letter" },
	{ "fd.name", VALUE_STR, "", BOTH, DEF, fd_get, FD_NAME_F,
	  "full path, or client:port->server:port" },
	{ "fd.nameraw", VALUE_STR, "", FILES, 0, fd_get, FD_NAMERAW_F,
	  "the path as the program gave it" },
	{ "fd.cut", VALUE_BOOL, "", FILES, DEF, fd_get, FD_CUT_F,
	  "true when the path is longer than what was kept" },
	{ "fd.directory", VALUE_STR, "", FILES, 0, fd_get, FD_DIRECTORY_F, "directory of the file" },
	{ "fd.filename", VALUE_STR, "", FILES, 0, fd_get, FD_FILENAME_F,
	  "name of the file without its directory" },
	{ "fd.l4proto", VALUE_STR, "", SOCKETS, DEF, fd_get, FD_L4PROTO_F, "tcp, udp, icmp, raw" },
	{ "fd.sockfamily", VALUE_STR, "", SOCKETS, 0, fd_get, FD_SOCKFAMILY_F, "ip or unix" },
	{ "fd.ip", VALUE_IP, "", SOCKETS, ANY, ip_get, END_ANY, "address of either end" },
	{ "fd.net", VALUE_IP, "", SOCKETS, ANY, ip_get, END_ANY,
	  "address of either end, to compare with a network" },
	{ "fd.lip", VALUE_IP, "", SOCKETS, DEF, ip_get, END_LOCAL, "local address" },
	{ "fd.rip", VALUE_IP, "", SOCKETS, DEF, ip_get, END_REMOTE, "remote address" },
	{ "fd.cip", VALUE_IP, "", SOCKETS, 0, ip_get, END_CLIENT, "client's address" },
	{ "fd.sip", VALUE_IP, "", SOCKETS, 0, ip_get, END_SERVER, "server's address" },
	{ "fd.lnet", VALUE_IP, "", SOCKETS, 0, ip_get, END_LOCAL, "local address, for networks" },
	{ "fd.rnet", VALUE_IP, "", SOCKETS, 0, ip_get, END_REMOTE, "remote address, for networks" },
	{ "fd.cnet", VALUE_IP, "", SOCKETS, 0, ip_get, END_CLIENT, "client's address, for networks" },
	{ "fd.snet", VALUE_IP, "", SOCKETS, 0, ip_get, END_SERVER, "server's address, for networks" },
	{ "fd.peer.kind", VALUE_STR, "", SOCKETS, DEF, peer_get, PEER(kind),
	  "what the remote address belongs to: pod, service, node, endpoint" },
	{ "fd.peer.ns", VALUE_STR, "", SOCKETS, DEF, peer_get, PEER(ns), "its namespace" },
	{ "fd.peer.name", VALUE_STR, "", SOCKETS, DEF, peer_get, PEER(name),
	  "its name; of an endpoint its service's" },
	{ "fd.port", VALUE_PORT, "", SOCKETS, ANY, port_get, END_ANY, "port of either end" },
	{ "fd.lport", VALUE_PORT, "", SOCKETS, DEF, port_get, END_LOCAL, "local port" },
	{ "fd.rport", VALUE_PORT, "", SOCKETS, DEF, port_get, END_REMOTE, "remote port" },
	{ "fd.cport", VALUE_PORT, "", SOCKETS, 0, port_get, END_CLIENT, "client's port" },
	{ "fd.sport", VALUE_PORT, "", SOCKETS, 0, port_get, END_SERVER, "server's port" },
	{ NULL },
};
