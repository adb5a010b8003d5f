#pragma once
/*
 * How a descriptor is called: its type by name and letter, its connection as "client->server". Pure
 * reads of an event's struct evt_fd; text is made in the arena given. Names are sysdig's.
 */
#include "base/arena.h"
#include "event/event.h"

/* Ends of a connection; where the event does not tell, the local end counts as the client. */
enum fd_end {
	END_LOCAL = 1,
	END_REMOTE = 2,
	END_CLIENT = 4,
	END_SERVER = 8,
	END_ANY = END_LOCAL | END_REMOTE,
};

/* "file", "ipv4", ... and "f", "4", ...; static; FD_NONE: absent. */
struct str fd_type_name(enum fd_type type);
struct str fd_type_char(enum fd_type type);

/* The transport: 't', 'u', 'i', 'r'; 0 for anything but an IPv4 or IPv6 socket of these. */
char fd_l4_char(const struct evt_fd *fd);

bool fd_is_net(const struct evt_fd *fd);

/* Whether @end (client or server too) is the local one. */
bool fd_end_is_local(const struct evt_fd *fd, unsigned end);

/* Address and port of one end; false when the address is not known. */
bool fd_end_get(const struct evt_fd *fd, unsigned end, struct ip *ret_ip, uint16_t *ret_port);

/* fd.name: the path, or "client:port->server:port" (one end alone where only it is known). */
bool fd_name(const struct evt_fd *fd, struct arena *a, struct str *ret);
