/* Types by table, connections by their two ends. */
#include "event/fd.h"

#include <netinet/in.h>

#include "base/buf.h"

/* Longest "[ip]:port->[ip]:port". */
#define TUPLE_BYTES 128

static const struct {
	struct str name;
	struct str letter;
} types[FD_TYPES] = {
	[FD_FILE] = { STR("file"), STR("f") },
	[FD_DIR] = { STR("directory"), STR("d") },
	[FD_IPV4] = { STR("ipv4"), STR("4") },
	[FD_IPV6] = { STR("ipv6"), STR("6") },
	[FD_UNIX] = { STR("unix"), STR("u") },
	[FD_OTHER] = { STR("other"), STR("o") },
	[FD_PIPE] = { STR("pipe"), STR("p") },
	[FD_NETLINK] = { STR("netlink"), STR("n") },
	[FD_EVENTFD] = { STR("event"), STR("e") },
	[FD_EVENTPOLL] = { STR("eventpoll"), STR("l") },
	[FD_INOTIFY] = { STR("inotify"), STR("i") },
	[FD_SIGNALFD] = { STR("signalfd"), STR("s") },
	[FD_TIMERFD] = { STR("timerfd"), STR("t") },
	[FD_BPF] = { STR("bpf"), STR("b") },
	[FD_USERFAULTFD] = { STR("userfaultfd"), STR("u") },
	[FD_IO_URING] = { STR("io_uring"), STR("r") },
	[FD_MEMFD] = { STR("memfd"), STR("m") },
	[FD_PIDFD] = { STR("pidfd"), STR("P") },
};

struct str fd_type_name(enum fd_type type)
{
	return types[type].name;
}

struct str fd_type_char(enum fd_type type)
{
	return types[type].letter;
}

bool fd_is_net(const struct evt_fd *fd)
{
	return fd->type == FD_IPV4 || fd->type == FD_IPV6;
}

char fd_l4_char(const struct evt_fd *fd)
{
	if (!fd_is_net(fd))
		return 0;
	switch (fd->conn.l4) {
	case IPPROTO_TCP:
		return 't';
	case IPPROTO_UDP:
		return 'u';
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 'i';
	case IPPROTO_RAW:
		return 'r';
	default:
		return 0;
	}
}

bool fd_end_is_local(const struct evt_fd *fd, unsigned end)
{
	bool server = fd->conn.is_server == 1;

	return end == END_LOCAL || (end == END_SERVER && server) || (end == END_CLIENT && !server);
}

bool fd_end_get(const struct evt_fd *fd, unsigned end, struct ip *ret_ip, uint16_t *ret_port)
{
	const struct conn *c = &fd->conn;
	bool local = fd_end_is_local(fd, end);

	*ret_ip = local ? c->local : c->remote;
	*ret_port = local ? c->lport : c->rport;
	return fd_is_net(fd) && ret_ip->len;
}

static void end_text(struct buf *b, const struct evt_fd *fd, unsigned end)
{
	struct ip ip;
	uint16_t port;

	if (!fd_end_get(fd, end, &ip, &port))
		return;
	ip_host_text(b, &ip);
	buf_char(b, ':');
	buf_u64(b, port);
}

bool fd_name(const struct evt_fd *fd, struct arena *a, struct str *ret)
{
	char *room;
	struct buf b;

	if (!fd_is_net(fd)) {
		if (fd->name.p)
			*ret = fd->name;
		return fd->name.p != NULL;
	}
	room = arena_alloc(a, TUPLE_BYTES);
	if (!room)
		return false;
	b = (struct buf){ .p = room, .cap = TUPLE_BYTES, .max = TUPLE_BYTES };
	if (!fd->conn.remote.len && !fd->conn.lport)
		return false; /* a new socket */
	if (!fd->conn.remote.len) {
		end_text(&b, fd, END_LOCAL);
	} else {
		end_text(&b, fd, END_CLIENT);
		buf_str(&b, STR("->"));
		end_text(&b, fd, END_SERVER);
	}
	if (!b.n || b.failed)
		return false;
	*ret = buf_slice(&b);
	return true;
}
