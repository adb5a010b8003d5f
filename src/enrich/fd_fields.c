/*
 * fd.*: the file or connection an event is about. A connection's "client" opened it and its
 * "server" accepted it; where the event does not tell, the local end counts as the client.
 *
 * Names of addresses (fd.sip.name, ...) are those the cluster gives them, each in all the forms that
 * a program could look up; nothing is asked of a DNS server.
 */
#include "base/buf.h"
#include "enrich/enrich.h"
#include "event/fd.h"
#include "event/port.h"

#include <netinet/in.h>
#include <stddef.h>

/* A DNS name; an address as text. */
#define NAME_BYTES 256

#define CLUSTER_DOMAIN "cluster.local"

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
	FD_CONNECTED_F,
	FD_NAME_CHANGED_F,
	FD_IS_SERVER_F,
	FD_UID_F,
	FD_CONTAINERNAME_F,
	FD_CONTAINERDIR_F,
	FD_REALPATH_F,
	FD_INO_F,
	FD_DEV_F,
	FD_DEV_MAJOR_F,
	FD_DEV_MINOR_F,
	FD_UPPER_F,
	FD_LOWER_F,
};

/* Text of up to NAME_BYTES in the record's arena; b.p is NULL when that is full. */
static struct buf text_start(void)
{
	char *room = arena_alloc(field_arena(), NAME_BYTES);

	return (struct buf){ .p = room, .cap = NAME_BYTES, .max = NAME_BYTES, .failed = !room };
}

static bool text_end(struct buf *b, struct str *ret)
{
	*ret = buf_slice(b);
	return !b->failed && b->n;
}

/* The part before or after the last slash of a file's name. */
static bool part_get(const struct event *ev, bool directory, struct str *ret)
{
	struct str s = ev->fd.name;
	bool file = ev->fd.type == FD_FILE || ev->fd.type == FD_DIR;
	const char *slash = s.p && file ? memrchr(s.p, '/', s.n) : NULL;
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

/* "thread number", then the descriptor's, as one string. */
static bool uid_get(const struct event *ev, struct str *ret)
{
	struct buf b = text_start();

	if (ev->fd.num < 0)
		return false;
	buf_u64(&b, ev->hdr->tid);
	buf_u64(&b, (uint64_t)ev->fd.num);
	return text_end(&b, ret);
}

/* The container's id, a colon, and the name or directory. */
static bool contained_get(const struct event *ev, bool directory, struct str *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;
	struct str what = STR_NONE, id = cg && cg->container ? cg->container->id12 : STR("host");
	char *room;

	if (directory ? !part_get(ev, true, &what) : !fd_name(&ev->fd, field_arena(), &what))
		return false;
	room = arena_alloc(field_arena(), id.n + 1 + what.n);
	if (!room)
		return false;
	memcpy(room, id.p, id.n);
	room[id.n] = ':';
	memcpy(room + id.n + 1, what.p, what.n);
	*ret = (struct str){ room, id.n + 1 + what.n };
	return true;
}

static bool is_socket(const struct evt_fd *fd)
{
	return fd_is_net(fd) || fd->type == FD_UNIX;
}

static bool text_get(const struct event *ev, enum fd_field field, struct str *ret)
{
	switch (field) {
	case FD_TYPE_F:
		*ret = fd_type_name(ev->fd.type);
		return true;
	case FD_TYPECHAR_F:
		*ret = fd_type_char(ev->fd.type);
		return true;
	case FD_NAME_F:
		return fd_name(&ev->fd, field_arena(), ret);
	case FD_NAMERAW_F:
		*ret = ev->fd.nameraw;
		return ret->p != NULL;
	case FD_DIRECTORY_F:
	case FD_FILENAME_F:
		return part_get(ev, field == FD_DIRECTORY_F, ret);
	case FD_L4PROTO_F:
		return l4_get(ev, ret);
	case FD_SOCKFAMILY_F:
		*ret = ev->fd.type == FD_UNIX ? STR("unix") : STR("ip");
		return is_socket(&ev->fd);
	case FD_UID_F:
		return uid_get(ev, ret);
	case FD_CONTAINERNAME_F:
	case FD_CONTAINERDIR_F:
		return contained_get(ev, field == FD_CONTAINERDIR_F, ret);
	case FD_REALPATH_F:
		*ret = ev->fd.realpath;
		return ret->p != NULL;
	default:
		return false;
	}
}

static bool bool_get(const struct evt_fd *fd, enum fd_field field, bool *ret)
{
	switch (field) {
	case FD_CUT_F:
		*ret = true;
		return fd->cut;
	case FD_CONNECTED_F:
		*ret = fd->connected;
		return true;
	case FD_NAME_CHANGED_F:
		*ret = fd->name_changed;
		return true;
	case FD_IS_SERVER_F:
		*ret = fd->conn.is_server == 1;
		return fd->conn.is_server >= 0 && is_socket(fd);
	case FD_UPPER_F:
		*ret = fd->layer & EXE_UPPER;
		return fd->ino != 0;
	case FD_LOWER_F:
		*ret = (fd->layer & (EXE_OVERLAY | EXE_UPPER)) == EXE_OVERLAY;
		return fd->ino != 0;
	default:
		return false;
	}
}

static bool number_get(const struct evt_fd *fd, enum fd_field field, uint64_t *ret)
{
	switch (field) {
	case FD_NUM_F:
		*ret = (uint64_t)(fd->num == FD_FAILED ? -1 : fd->num);
		return fd->num >= 0 || fd->num == FD_FAILED;
	case FD_INO_F:
		*ret = fd->ino;
		return fd->ino != 0;
	case FD_DEV_F: /* as stat(2) and Falco have it, not as the kernel */
		*ret = (fd->dev >> 20) << 8 | (fd->dev & 0xff) | (uint64_t)(fd->dev & 0xfff00) << 12;
		return fd->ino != 0;
	case FD_DEV_MAJOR_F:
		*ret = fd->dev >> 20;
		return fd->ino != 0;
	case FD_DEV_MINOR_F:
		*ret = fd->dev & 0xfffff;
		return fd->ino != 0;
	default:
		return false;
	}
}

static bool fd_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	enum fd_field field = (enum fd_field)ref->field->arg;

	if (nth || ev->fd.type == FD_NONE || !field_of_kind(ref, ev))
		return false;
	ret->type = ref->field->type;
	if (ret->type == VALUE_STR)
		return text_get(ev, field, &ret->str);
	if (ret->type == VALUE_BOOL)
		return bool_get(&ev->fd, field, &ret->b);
	return number_get(&ev->fd, field, &ret->u64);
}

/* The nth of the ends that the field names. */
static unsigned end_nth(const struct field_ref *ref, unsigned nth)
{
	if (ref->field->arg != END_ANY)
		return nth ? 0 : (unsigned)ref->field->arg;
	return nth == 0 ? END_LOCAL : nth == 1 ? END_REMOTE : 0;
}

static bool ip_any(const struct ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

/*
 * Of either end, one that says nothing does not hide the other: not known, or the wildcard that a
 * datagram socket has for its own address.
 */
static bool ip_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	unsigned end = end_nth(ref, nth);
	bool found;
	uint16_t port;

	ret->type = VALUE_IP;
	if (!end)
		return false;
	found = fd_end_get(&ev->fd, end, &ret->ip, &port);
	if (ref->field->arg == END_ANY && nth == 0 &&
	    (!found || (ev->fd.conn.remote.len && ip_any(&ret->ip))))
		return fd_end_get(&ev->fd, END_REMOTE, &ret->ip, &port);
	return found;
}

static bool port_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	unsigned end = end_nth(ref, nth);
	struct ip ip;
	uint16_t port = 0;

	ret->type = VALUE_PORT;
	if (!end || !fd_end_get(&ev->fd, end, &ip, &port))
		return false;
	ret->u64 = port;
	return true;
}

/* Service name of an end's port, or its number. */
static bool proto_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	struct buf b;
	struct ip ip;
	uint16_t port;

	if (nth || !fd_end_get(&ev->fd, (unsigned)ref->field->arg, &ip, &port))
		return false;
	ret->type = VALUE_STR;
	ret->str = port_name(port);
	if (ret->str.p)
		return true;
	b = text_start();
	buf_u64(&b, port);
	return text_end(&b, &ret->str);
}

/* Who the remote end is, as the cluster says; arg: offset in struct peer. */
static bool peer_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	ret->type = VALUE_STR;
	ret->str = *(const struct str *)((const char *)&ev->fd.peer + ref->field->arg);
	return nth == 0 && ret->str.n;
}

/* "10-0-0-1": a pod's address as the first label of its name. */
static void dashed_text(struct buf *b, const struct ip *ip)
{
	size_t from = b->n;

	ip_text(b, ip);
	for (size_t i = from; i < b->n; i++)
		if (b->p[i] == '.' || b->p[i] == ':')
			b->p[i] = '-';
}

/* What the cluster's DNS answers for: whole, then with less and less behind it. */
static const struct name_form {
	bool dashed, ns;
	const char *tail;
} service_forms[] = {
	{ false, true, ".svc." CLUSTER_DOMAIN },
	{ false, true, ".svc" },
	{ false, true, "" },
	{ false, false, "" },
}, pod_forms[] = {
	{ true, true, ".pod." CLUSTER_DOMAIN },
	{ true, true, ".pod" },
	{ false, false, "" },
}, plain_forms[] = {
	{ false, false, "" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Name number @n of the remote end. An endpoint answers for its service. */
static bool peer_name(const struct event *ev, unsigned n, struct str *ret)
{
	const struct name_form *forms = plain_forms;
	const struct peer *p = &ev->fd.peer;
	size_t count = COUNT(plain_forms);
	struct buf b;

	if (str_eq(p->kind, STR("pod"))) {
		forms = pod_forms;
		count = COUNT(pod_forms);
	} else if (p->ns.n) {
		forms = service_forms;
		count = COUNT(service_forms);
	}
	if (!p->name.n || n >= count)
		return false;
	b = text_start();
	if (forms[n].dashed)
		dashed_text(&b, &ev->fd.conn.remote);
	else
		buf_str(&b, p->name);
	if (forms[n].ns) {
		buf_char(&b, '.');
		buf_str(&b, p->ns);
	}
	buf_str(&b, str_of(forms[n].tail));
	return text_end(&b, ret);
}

/* fd.sip.name and its kin: the names of the cluster, then the address itself. */
static bool ip_name_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	unsigned end = (unsigned)ref->field->arg, names = 0;
	struct ip ip;
	uint16_t port;
	struct buf b;

	if (!fd_end_get(&ev->fd, end, &ip, &port))
		return false;
	ret->type = VALUE_STR;
	if (!fd_end_is_local(&ev->fd, end)) {
		if (peer_name(ev, nth, &ret->str))
			return true;
		while (names < nth && peer_name(ev, names, &ret->str))
			names++;
	}
	if (nth != names)
		return false;
	b = text_start();
	ip_text(&b, &ip);
	return text_end(&b, &ret->str);
}

#define PEER(m) offsetof(struct peer, m)
#define FILES                                                                                     \
	(KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) | KIND_BIT(KIND_DELETE) |                    \
	 KIND_BIT(KIND_RENAME) | KIND_BIT(KIND_LINK) | KIND_BIT(KIND_CHMOD) |                     \
	 KIND_BIT(KIND_MOUNT) | KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_NS) | KIND_BIT(KIND_MODULE) | \
	 KIND_BIT(KIND_DUP) | KIND_BIT(KIND_MEMORY))
#define CALLED                                                                  \
	(KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT) | KIND_BIT(KIND_BIND) | \
	 KIND_BIT(KIND_LISTEN) | KIND_BIT(KIND_CLOSE) | KIND_BIT(KIND_SOCKET) | \
	 KIND_BIT(KIND_SEND) | KIND_BIT(KIND_RECV) | KIND_BIT(KIND_DUP) | KIND_BIT(KIND_PTRACE))
#define SOCKETS (CALLED | KIND_BIT(KIND_TCP) | KIND_BIT(KIND_UDP) | KIND_BIT(KIND_REQUEST))
#define BOTH	(FILES | SOCKETS)
#define OPEN	KIND_BIT(KIND_OPEN)
#define DEF	FIELD_DEFAULT
#define ANY	FIELD_ANY

const struct field enrich_fd_fields[] = {
	{ "fd.num", VALUE_I64, "", BOTH, DEF, fd_get, FD_NUM_F, "descriptor number" },
	{ "fd.type", VALUE_STR, "", BOTH, DEF, fd_get, FD_TYPE_F,
	  "file, directory, ipv4, ipv6, unix, pipe, eventpoll, ..." },
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
	{ "fd.realpath", VALUE_STR, "", OPEN, FIELD_FILE, fd_get, FD_REALPATH_F,
	  "path of the opened file as the kernel has it: links followed, whatever chroot says" },
	{ "fd.ino", VALUE_I64, "", OPEN, FIELD_FILE, fd_get, FD_INO_F, "inode of the opened file" },
	{ "fd.dev", VALUE_I64, "", OPEN, FIELD_FILE, fd_get, FD_DEV_F, "device of the opened file" },
	{ "fd.dev.major", VALUE_I64, "", OPEN, FIELD_FILE, fd_get, FD_DEV_MAJOR_F,
	  "major number of its device" },
	{ "fd.dev.minor", VALUE_I64, "", OPEN, FIELD_FILE, fd_get, FD_DEV_MINOR_F,
	  "minor number of its device" },
	{ "fd.is_upper_layer", VALUE_BOOL, "", OPEN, FIELD_FILE, fd_get, FD_UPPER_F,
	  "whether the opened file is in the layer of its overlay that is written to" },
	{ "fd.is_lower_layer", VALUE_BOOL, "", OPEN, FIELD_FILE, fd_get, FD_LOWER_F,
	  "whether the opened file is in a layer of its overlay that is not written to" },
	{ "fd.uid", VALUE_STR, "", BOTH, 0, fd_get, FD_UID_F,
	  "thread and descriptor number in one string" },
	{ "fd.containername", VALUE_STR, "", BOTH, 0, fd_get, FD_CONTAINERNAME_F,
	  "container.id, a colon, fd.name" },
	{ "fd.containerdirectory", VALUE_STR, "", FILES, 0, fd_get, FD_CONTAINERDIR_F,
	  "container.id, a colon, fd.directory" },
	{ "fd.l4proto", VALUE_STR, "", SOCKETS, DEF, fd_get, FD_L4PROTO_F, "tcp, udp, icmp, raw" },
	{ "fd.sockfamily", VALUE_STR, "", SOCKETS, 0, fd_get, FD_SOCKFAMILY_F, "ip or unix" },
	{ "fd.connected", VALUE_BOOL, "", CALLED, 0, fd_get, FD_CONNECTED_F,
	  "whether the socket has a peer of its own" },
	{ "fd.name_changed", VALUE_BOOL, "", CALLED, 0, fd_get, FD_NAME_CHANGED_F,
	  "whether the call names another peer than the socket's last one did" },
	{ "fd.is_server", VALUE_BOOL, "", SOCKETS, 0, fd_get, FD_IS_SERVER_F,
	  "whether the local end is the server" },
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
	{ "fd.lip.name", VALUE_STR, "", SOCKETS, ANY, ip_name_get, END_LOCAL,
	  "names of the local address" },
	{ "fd.rip.name", VALUE_STR, "", SOCKETS, ANY, ip_name_get, END_REMOTE,
	  "names of the remote address: those of the cluster's DNS, then the address" },
	{ "fd.cip.name", VALUE_STR, "", SOCKETS, ANY, ip_name_get, END_CLIENT,
	  "names of the client's address" },
	{ "fd.sip.name", VALUE_STR, "", SOCKETS, ANY, ip_name_get, END_SERVER,
	  "names of the server's address" },
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
	{ "fd.proto", VALUE_PORT, "", SOCKETS, ANY, port_get, END_ANY,
	  "port of either end, to compare with a service's name" },
	{ "fd.lproto", VALUE_STR, "", SOCKETS, 0, proto_get, END_LOCAL,
	  "service name of the local port, or its number" },
	{ "fd.rproto", VALUE_STR, "", SOCKETS, 0, proto_get, END_REMOTE,
	  "service name of the remote port, or its number" },
	{ "fd.cproto", VALUE_STR, "", SOCKETS, 0, proto_get, END_CLIENT,
	  "service name of the client's port, or its number" },
	{ "fd.sproto", VALUE_STR, "", SOCKETS, 0, proto_get, END_SERVER,
	  "service name of the server's port, or its number" },
	{ NULL },
};
