/*
 * Makes traffic of known bytes through every call that moves bytes of a socket, over loopback, and prints what
 * should be seen of it:
 *
 *     stream_tool GO_FILE     waits for that file after making a connection that is older than it
 *
 *     conn NAME LPORT RPORT client|server begin|midway    an end of a connection; its moves follow
 *     move NAME LPORT RPORT out|in OFFSET BYTES REACH whole|pieces|skipped|maybe
 *     none NAME LPORT RPORT                               nothing may be seen of this end
 *     dgram NAME LPORT RPORT out|in BYTES REACH NUMBER whole|pieces
 *
 * maybe: a call of more messages than are looked at where a return alone tells; then there is nothing of it. REACH: bytes
 * in the pieces that are looked at. Byte i of a direction is byte_at(i, direction). Not to be timed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES_SEEN 32
#define LARGE	    200000

struct end {
	const char *name;
	int fd;
	unsigned lport, rport;
	bool client;
	size_t sent, received;
};

struct pair {
	struct end c, s;
};

static char *buffer; /* 1 MiB */
#define BUFFER (1u << 20)

static unsigned char byte_at(size_t i, unsigned seed)
{
	return (unsigned char)(48 + (i * 7 + i / 251 + 5 * seed) % 64);
}

static void fill(char *p, size_t n, size_t from, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)byte_at(from + i, seed);
}

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port :
						((const struct sockaddr_in *)a)->sin_port);
}

static void end_fill(struct end *e, const char *name, int fd, bool client)
{
	struct sockaddr_storage a, b;
	socklen_t n = sizeof(a), m = sizeof(b);

	if (getsockname(fd, (void *)&a, &n) || getpeername(fd, (void *)&b, &m))
		err(1, "names");
	*e = (struct end){ name, fd, port_of(&a), port_of(&b), client, 0, 0 };
}

static void say_end(const struct end *e, bool begin)
{
	printf("conn %s %u %u %s %s\n", e->name, e->lport, e->rport,
	       e->client ? "client" : "server", begin ? "begin" : "midway");
}

static socklen_t loopback(struct sockaddr_storage *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		((struct sockaddr_in6 *)a)->sin6_addr = in6addr_loopback;
		return sizeof(struct sockaddr_in6);
	}
	((struct sockaddr_in *)a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(struct sockaddr_in);
}

static bool pair_open(struct pair *p, const char *name, int family)
{
	int l = socket(family, SOCK_STREAM, 0), c = socket(family, SOCK_STREAM, 0), s, one = 1;
	struct sockaddr_storage a;
	socklen_t n = loopback(&a, family);

	if (l < 0 || bind(l, (void *)&a, n) || listen(l, 1) || getsockname(l, (void *)&a, &n))
		return false;
	if (connect(c, (void *)&a, n) || (s = accept(l, NULL, NULL)) < 0)
		err(1, "connect");
	close(l);
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	end_fill(&p->c, name, c, true);
	end_fill(&p->s, name, s, false);
	return true;
}

static void pair_say(const struct pair *p, bool begin)
{
	say_end(&p->c, begin);
	say_end(&p->s, begin);
}

static void pair_close(struct pair *p)
{
	close(p->c.fd);
	close(p->s.fd);
}

static void moved(struct end *e, bool out, ssize_t n, size_t reach, const char *how)
{
	size_t *at = out ? &e->sent : &e->received;

	if (n < 0)
		err(1, "%s: %s", e->name, out ? "send" : "receive");
	printf("move %s %u %u %s %zu %zd %zu %s\n", e->name, e->lport, e->rport, out ? "out" : "in",
	       *at, n, (size_t)n < reach ? (size_t)n : reach, how);
	*at += (size_t)n;
}

/* @n bytes cut into @pieces of unequal length. */
static size_t cut(struct iovec *v, unsigned pieces, char *p, size_t n)
{
	size_t seen = 0, each = n / pieces;

	for (unsigned i = 0; i < pieces; i++) {
		size_t len = i + 1 == pieces ? n : each - each / 4 + (i % 2) * (each / 2);

		v[i] = (struct iovec){ p, len };
		p += len;
		n -= len;
		seen += i < PIECES_SEEN ? len : 0;
	}
	return seen;
}

static const char *how_of(unsigned pieces)
{
	return pieces == 1 ? "whole" : "pieces";
}

enum way {
	WAY_PLAIN, /* write, read */
	WAY_SEND,
	WAY_TO, /* sendto, recvfrom */
	WAY_VEC,
	WAY_VEC2,
	WAY_MSG,
	WAYS
};

static const char *const way_names[] = { "write", "send", "sendto", "writev", "pwritev2", "sendmsg" };

static ssize_t send_as(int fd, enum way way, struct iovec *v, unsigned pieces)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = pieces };

	switch (way) {
	case WAY_SEND:
		return send(fd, v->iov_base, v->iov_len, MSG_NOSIGNAL);
	case WAY_TO:
		return sendto(fd, v->iov_base, v->iov_len, 0, NULL, 0);
	case WAY_VEC:
		return writev(fd, v, (int)pieces);
	case WAY_VEC2:
		return pwritev2(fd, v, (int)pieces, -1, 0);
	case WAY_MSG:
		return sendmsg(fd, &m, 0);
	default:
		return write(fd, v->iov_base, v->iov_len);
	}
}

static ssize_t receive_as(int fd, enum way way, struct iovec *v, unsigned pieces)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = pieces };
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	switch (way) {
	case WAY_SEND:
		return recv(fd, v->iov_base, v->iov_len, 0);
	case WAY_TO:
		return recvfrom(fd, v->iov_base, v->iov_len, 0, (void *)&a, &n);
	case WAY_VEC:
		return readv(fd, v, (int)pieces);
	case WAY_VEC2:
		return preadv2(fd, v, (int)pieces, -1, 0);
	case WAY_MSG:
		return recvmsg(fd, &m, 0);
	default:
		return read(fd, v->iov_base, v->iov_len);
	}
}

static bool way_cuts(enum way way)
{
	return way >= WAY_VEC;
}

static void do_send(struct end *e, enum way way, size_t n, unsigned pieces)
{
	struct iovec v[40];
	size_t seen;

	fill(buffer, n, e->sent, e->client);
	seen = cut(v, pieces, buffer, n);
	moved(e, true, send_as(e->fd, way, v, pieces), seen, how_of(pieces));
}

static void do_receive(struct end *e, enum way way, size_t n, unsigned pieces)
{
	size_t end = e->received + n;

	while (e->received < end) {
		struct iovec v[40];
		size_t seen = cut(v, pieces, buffer, end - e->received);

		moved(e, false, receive_as(e->fd, way, v, pieces), seen, how_of(pieces));
	}
}

/* There and back: one way @way in @pieces, the other the same; an answer ends each turn. */
static void turn(struct pair *p, enum way way, size_t n, unsigned pieces)
{
	do_send(&p->c, way, n, pieces);
	do_receive(&p->s, way, n, pieces);
	do_send(&p->s, way, n / 2, pieces);
	do_receive(&p->c, way, n / 2, pieces);
}

static void each_way(int family)
{
	struct pair p;

	for (enum way way = 0; way < WAYS; way++) {
		char name[32];

		snprintf(name, sizeof(name), "%s%s", way_names[way], family == AF_INET6 ? "-v6" : "");
		if (!pair_open(&p, name, family))
			return;
		pair_say(&p, true);
		turn(&p, way, 40, 1);
		turn(&p, way, 4000, 1);
		if (way_cuts(way)) {
			turn(&p, way, 90, 3);
			turn(&p, way, 15000, 4);
			turn(&p, way, 1600, 40);
		} else {
			turn(&p, way, 255, 1);
			turn(&p, way, 256, 1);
			turn(&p, way, 257, 1);
			turn(&p, way, 16384, 1);
		}
		pair_close(&p);
	}
}

static void many_fill(struct mmsghdr *m, struct iovec *v, const size_t *n, unsigned messages)
{
	char *p = buffer;

	memset(m, 0, messages * sizeof(*m));
	for (unsigned i = 0; i < messages; i++) {
		v[i] = (struct iovec){ p, n[i] };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
		p += n[i];
	}
}

/* The same vector again and again: which message is which must not be mixed up. */
static void many(void)
{
	static const size_t sizes[3][3] = { { 100, 200, 300 }, { 100, 200, 300 }, { 300, 50, 10 } };
	struct mmsghdr m[3];
	struct iovec v[3];
	struct pair p;

	pair_open(&p, "sendmmsg", AF_INET);
	pair_say(&p, true);
	for (unsigned turns = 0; turns < 3; turns++) {
		const size_t *n = sizes[turns];

		many_fill(m, v, n, 3);
		fill(buffer, n[0] + n[1] + n[2], p.c.sent, true);
		if (sendmmsg(p.c.fd, m, 3, 0) != 3)
			err(1, "sendmmsg");
		for (unsigned i = 0; i < 3; i++)
			moved(&p.c, true, (ssize_t)n[i], n[i], "whole");
		many_fill(m, v, n, 3);
		if (recvmmsg(p.s.fd, m, 3, MSG_WAITALL, NULL) != 3)
			err(1, "recvmmsg");
		for (unsigned i = 0; i < 3; i++)
			moved(&p.s, false, m[i].msg_len, n[i], "whole");
		do_send(&p.s, WAY_PLAIN, 5, 1);
		do_receive(&p.c, WAY_PLAIN, 5, 1);
	}
	pair_close(&p);
}

/* @messages of 70 bytes in one call, and a turn after it, whose place must be right whatever was seen of them. */
static void many_more(const char *name, unsigned messages, const char *how)
{
	struct mmsghdr m[20];
	struct iovec v[20];
	size_t n[20];
	struct pair p;

	pair_open(&p, name, AF_INET);
	pair_say(&p, true);
	do_send(&p.c, WAY_PLAIN, 5, 1);
	do_receive(&p.s, WAY_PLAIN, 5, 1);
	for (unsigned i = 0; i < messages; i++)
		n[i] = 70;
	many_fill(m, v, n, messages);
	fill(buffer, 70 * messages, p.c.sent, true);
	if (sendmmsg(p.c.fd, m, messages, 0) != (int)messages)
		err(1, "sendmmsg");
	for (unsigned i = 0; i < messages; i++)
		moved(&p.c, true, 70, 70, how);
	many_fill(m, v, n, messages);
	if (recvmmsg(p.s.fd, m, messages, MSG_WAITALL, NULL) != (int)messages)
		err(1, "recvmmsg");
	for (unsigned i = 0; i < messages; i++)
		moved(&p.s, false, m[i].msg_len, 70, how);
	do_send(&p.c, WAY_PLAIN, 9, 1);
	do_receive(&p.s, WAY_PLAIN, 9, 1);
	do_send(&p.s, WAY_PLAIN, 7, 1);
	do_receive(&p.c, WAY_PLAIN, 7, 1);
	pair_close(&p);
}

static void peek(void)
{
	struct pair p;

	pair_open(&p, "peek", AF_INET);
	pair_say(&p, true);
	do_send(&p.c, WAY_PLAIN, 500, 1);
	if (recv(p.s.fd, buffer, 100, MSG_PEEK) != 100)
		err(1, "peek");
	do_receive(&p.s, WAY_SEND, 500, 1);
	if (recv(p.s.fd, buffer, 100, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		err(1, "nothing");
	do_send(&p.c, WAY_PLAIN, 300, 1);
	moved(&p.s, false, recv(p.s.fd, buffer, 300, MSG_TRUNC | MSG_WAITALL), 0, "skipped");
	pair_close(&p);
}

static void file(void)
{
	int fd = memfd_create("stream_tool", 0);
	struct pair p;
	off_t at = 0;

	pair_open(&p, "sendfile", AF_INET);
	pair_say(&p, true);
	fill(buffer, 50000, 20, false);
	if (write(fd, buffer, 50000) != 50000)
		err(1, "memfd");
	do_send(&p.c, WAY_PLAIN, 10, 1);
	do_receive(&p.s, WAY_PLAIN, 10, 1);
	do_send(&p.s, WAY_PLAIN, 20, 1);
	moved(&p.s, true, sendfile(p.s.fd, fd, &at, 50000), 0, "skipped");
	do_receive(&p.c, WAY_PLAIN, 50020, 1);
	do_send(&p.c, WAY_PLAIN, 10, 1);
	do_receive(&p.s, WAY_PLAIN, 10, 1);
	close(fd);
	pair_close(&p);
}

struct reading {
	struct end *e;
	ssize_t n[4096];
	size_t each, count;
};

static void *read_all(void *ctx)
{
	struct reading *r = ctx;
	char *to = malloc(r->each);
	size_t got = 0;

	while (to && got < LARGE && r->count < 4096) {
		ssize_t n = read(r->e->fd, to, r->each);

		if (n <= 0)
			err(1, "read");
		r->n[r->count++] = n;
		got += (size_t)n;
	}
	free(to);
	return NULL;
}

/* One write larger than any record; and many small ones, without an answer. */
static void large(size_t each, const char *name)
{
	static struct reading r;
	pthread_t thread;
	struct pair p;

	pair_open(&p, name, AF_INET);
	pair_say(&p, true);
	r = (struct reading){ .e = &p.s, .each = 65536 };
	if (pthread_create(&thread, NULL, read_all, &r))
		errx(1, "thread");
	for (size_t sent = 0; sent < LARGE; sent += each)
		do_send(&p.c, WAY_PLAIN, each < LARGE - sent ? each : LARGE - sent, 1);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < r.count; i++)
		moved(&p.s, false, r.n[i], 65536, "whole");
	turn(&p, WAY_PLAIN, 400, 1);
	pair_close(&p);
}

/* The answer and the end wait while the reader has only half closed. */
static void half_closed(void)
{
	struct pair p;

	pair_open(&p, "half-closed", AF_INET);
	pair_say(&p, true);
	do_send(&p.c, WAY_PLAIN, 100, 1);
	shutdown(p.c.fd, SHUT_WR);
	do_receive(&p.s, WAY_PLAIN, 100, 1);
	do_send(&p.s, WAY_PLAIN, 3000, 1);
	close(p.s.fd);
	usleep(50000);
	do_receive(&p.c, WAY_PLAIN, 1000, 1);
	do_receive(&p.c, WAY_PLAIN, 2000, 1);
	if (read(p.c.fd, buffer, 10) != 0)
		err(1, "end");
	close(p.c.fd);
}

/* What begins like this is dropped. */
static void unreadable(const char *name, const char *begin, size_t n)
{
	struct pair p;

	pair_open(&p, name, AF_INET);
	memset(buffer, 'x', 600);
	memcpy(buffer, begin, n);
	for (unsigned i = 0; i < 3; i++) {
		if (write(p.c.fd, buffer, 600) != 600 ||
		    recv(p.s.fd, buffer, 600, MSG_WAITALL) != 600 || write(p.s.fd, buffer, 50) != 50 ||
		    recv(p.c.fd, buffer + 700, 50, MSG_WAITALL) != 50)
			err(1, "%s", name);
	}
	printf("none %s %u %u\nnone %s %u %u\n", name, p.c.lport, p.c.rport, name, p.s.lport,
	       p.s.rport);
	pair_close(&p);
}

/* --- datagrams --- */

static unsigned number;

static char *dgram_fill(size_t n)
{
	number++;
	for (size_t i = 0; i < n; i++)
		buffer[i] = (char)(48 + (i * 7 + number * 3) % 64);
	return buffer;
}

static void dgram_say(const char *name, unsigned l, unsigned r, bool out, ssize_t n, size_t reach,
		      unsigned nth, const char *how)
{
	if (n < 0)
		err(1, "%s", name);
	printf("dgram %s %u %u %s %zd %zu %u %s\n", name, l, r, out ? "out" : "in", n, reach, nth,
	       how);
}

struct server {
	int fd;
	struct sockaddr_in at;
};

static struct server server_open(unsigned port)
{
	struct server s = { socket(AF_INET, SOCK_DGRAM, 0), { .sin_family = AF_INET } };
	socklen_t n = sizeof(s.at);

	inet_pton(AF_INET, "127.0.77.53", &s.at.sin_addr);
	s.at.sin_port = htons((uint16_t)port);
	if (bind(s.fd, (void *)&s.at, n) || getsockname(s.fd, (void *)&s.at, &n))
		err(1, "bind");
	return s;
}

/* A question and its answer: the client connected or not, both by the calls of @way. */
static void question(const char *name, struct server *s, bool connected, enum way way, size_t bytes)
{
	struct sockaddr_in any = { .sin_family = AF_INET }, from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec v[3];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 3 };
	socklen_t n = sizeof(any);
	unsigned port, sp = ntohs(s->at.sin_port), pieces = way == WAY_MSG ? 3 : 1;
	const char *how = how_of(pieces);
	ssize_t got;

	inet_pton(AF_INET, "127.0.77.1", &any.sin_addr);
	if (bind(fd, (void *)&any, n) || getsockname(fd, (void *)&any, &n))
		err(1, "bind");
	port = ntohs(any.sin_port);
	if (connected && connect(fd, (void *)&s->at, n))
		err(1, "connect");
	dgram_fill(bytes);
	cut(v, pieces, buffer, bytes);
	if (way == WAY_MSG) {
		m.msg_name = connected ? NULL : &s->at;
		m.msg_namelen = connected ? 0 : n;
		got = sendmsg(fd, &m, 0);
	} else {
		got = connected ? write(fd, buffer, bytes) :
				  sendto(fd, buffer, bytes, 0, (void *)&s->at, n);
	}
	dgram_say(name, port, sp, true, got, bytes, number, how);
	if (way == WAY_MSG) {
		cut(v, pieces, buffer, bytes + 100);
		m.msg_name = &from;
		m.msg_namelen = n = sizeof(from);
		got = recvmsg(s->fd, &m, 0);
	} else {
		got = recvfrom(s->fd, buffer, 4096, 0, (void *)&from, &n);
	}
	dgram_say(name, sp, port, false, got, bytes, number, how);
	got = sendto(s->fd, dgram_fill(200), 200, 0, (void *)&from, sizeof(from));
	dgram_say(name, sp, port, true, got, 200, number, "whole");
	got = connected ? read(fd, buffer, 120) : recvfrom(fd, buffer, 120, 0, (void *)&from, &n);
	dgram_say(name, port, sp, false, got, 120, number, "whole");
	close(fd);
}

/* Two questions at once, as C libraries ask for both kinds of address. */
static void two_questions(struct server *s, bool connected)
{
	static const size_t n[2] = { 60, 70 };
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(any);
	struct mmsghdr m[2];
	struct iovec v[2];
	unsigned sp = ntohs(s->at.sin_port), port;

	inet_pton(AF_INET, "127.0.77.1", &any.sin_addr);
	if (bind(fd, (void *)&any, len) || getsockname(fd, (void *)&any, &len) ||
	    (connected && connect(fd, (void *)&s->at, len)))
		err(1, "two questions");
	port = ntohs(any.sin_port);
	for (unsigned turns = 0; turns < 3; turns++) {
		many_fill(m, v, n, 2);
		dgram_fill(60);
		memmove(buffer + 200, buffer, 60);
		dgram_fill(70);
		memmove(buffer + 60, buffer, 70);
		memmove(buffer, buffer + 200, 60);
		for (unsigned i = 0; i < 2 && !connected; i++) {
			m[i].msg_hdr.msg_name = &s->at;
			m[i].msg_hdr.msg_namelen = len;
		}
		if (sendmmsg(fd, m, 2, 0) != 2)
			err(1, "sendmmsg");
		for (unsigned i = 0; i < 2; i++)
			dgram_say("two-questions", port, sp, true, (ssize_t)n[i], n[i],
				  number - 1 + i, "whole");
		many_fill(m, v, n, 2);
		for (unsigned i = 0; i < 2; i++) {
			m[i].msg_hdr.msg_name = &any;
			m[i].msg_hdr.msg_namelen = len;
		}
		if (recvmmsg(s->fd, m, 2, 0, NULL) != 2)
			err(1, "recvmmsg");
		for (unsigned i = 0; i < 2; i++)
			dgram_say("two-questions", sp, port, false, m[i].msg_len, n[i],
				  number - 1 + i, "whole");
	}
	close(fd);
}

static void datagrams(void)
{
	struct server s = server_open(53);
	struct server other = server_open(0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	question("dns-connected", &s, true, WAY_PLAIN, 30);
	question("dns-sendto", &s, false, WAY_PLAIN, 300);
	question("dns-sendmsg", &s, false, WAY_MSG, 90);
	question("dns-sendmsg-connected", &s, true, WAY_MSG, 90);
	two_questions(&s, true);
	two_questions(&s, false);
	if (sendto(fd, "x", 1, 0, (void *)&other.at, sizeof(other.at)) != 1 ||
	    read(other.fd, buffer, 10) != 1)
		err(1, "other");
	printf("none udp-other 0 %u\nnone udp-other %u 0\n", ntohs(other.at.sin_port),
	       ntohs(other.at.sin_port));
	close(fd);
	close(s.fd);
	close(other.fd);
}

int main(int argc, char **argv)
{
	struct pair old;

	buffer = malloc(BUFFER);
	if (argc != 2 || !buffer)
		return 2;
	pair_open(&old, "midway", AF_INET);
	if (write(old.c.fd, "before", 6) != 6 || read(old.s.fd, buffer, 6) != 6 ||
	    write(old.s.fd, "also", 4) != 4 || read(old.c.fd, buffer, 4) != 4)
		err(1, "before");
	for (int i = 0; access(argv[1], F_OK) != 0; i++) {
		if (i == 6000)
			errx(1, "nobody said go");
		usleep(20000);
	}
	pair_say(&old, false);
	turn(&old, WAY_PLAIN, 100, 1);
	turn(&old, WAY_PLAIN, 3000, 1);
	pair_close(&old);
	each_way(AF_INET);
	each_way(AF_INET6);
	many();
	many_more("sendmmsg-of-6", 6, "maybe");
	many_more("sendmmsg-of-20", 20, "maybe");
	peek();
	file();
	large(LARGE, "large");
	large(4000, "body");
	half_closed();
	unreadable("tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	unreadable("ssh", "SSH-2.0-OpenSSH_9.2\r\n", 21);
	datagrams();
	return 0;
}
