#pragma once
/*
 * A record's socket as an event's: family, addresses, ports. An IPv4 address inside an IPv6 one
 * (::ffff:10.0.0.1, a client of a socket that speaks both) is told as IPv4, which is what travels
 * and what pods and services have.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "event/event.h"
#include "wire/sock.h"

static inline struct ip sock_ip(const uint8_t b[16], bool v6)
{
	struct ip ip = { .len = v6 ? 16 : 4 };

	memcpy(ip.b, b, ip.len);
	return ip;
}

static inline bool sock_ip_mapped(const uint8_t b[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)b);
}

/* Nothing is there but the wildcard. */
static inline bool sock_ip_any(const struct ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

/*
 * Fills *ret from an IPv4 or IPv6 socket; FD_OTHER and no addresses for any other. A remote end
 * that is not there (a listener) has len 0. @is_server as in struct conn.
 */
static inline void sock_fd_fill(const struct rec_sock *s, int8_t is_server, struct evt_fd *ret)
{
	bool v6 = s->family == AF_INET6;
	bool mapped = v6 && sock_ip_mapped(s->local) && (sock_ip_mapped(s->remote) || !s->rport);

	*ret = (struct evt_fd){ .num = -1, .type = FD_OTHER };
	ret->conn.l4 = (uint8_t)s->protocol;
	ret->conn.is_server = is_server;
	if (s->family != AF_INET && !v6)
		return;
	ret->type = v6 && !mapped ? FD_IPV6 : FD_IPV4;
	ret->conn.local = sock_ip(s->local + (mapped ? 12 : 0), v6 && !mapped);
	ret->conn.remote = sock_ip(s->remote + (mapped ? 12 : 0), v6 && !mapped);
	ret->conn.lport = s->lport;
	ret->conn.rport = s->rport;
	if (!s->rport && sock_ip_any(&ret->conn.remote))
		ret->conn.remote.len = 0;
}
