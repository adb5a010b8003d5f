/*
 * Makes operations through io_uring, with nothing but the kernel's own interface; for the tests of
 * the probe. Static, so that it runs in a VM that has only this. Each command prints what it did wrong on
 * standard error.
 *
 *     uring_tool [-q] [-s] [-o] OPERATION...     one after the other, each waited for
 *
 *     open PATH RES       openat, read only, from the working directory
 *     openat2 DIR PATH RES   from the directory DIR
 *     create PATH RES     openat O_CREAT|O_WRONLY|O_TRUNC 0640
 *     mkdir PATH RES      0750
 *     rename OLD NEW RES
 *     symlink TARGET PATH RES
 *     link OLD NEW RES
 *     unlink PATH RES     rmdir PATH RES
 *     connect PORT RES    to 127.0.0.1, TCP
 *     socket RES          UDP over IPv4
 *     send PORT RES       "hello" to 127.0.0.1, UDP, from port 39125 of it; send-zc the same without copies
 *     send-known PORT RES to the peer that the socket is connected to
 *     sendmsg PORT RES    sendmsg-zc PORT RES
 *     recv PORT RES       what a socket of port 39125 sends to port PORT
 *     recvmsg PORT RES    the same, asking who sent it
 *     accept N            listens on a port of its own; N connections, one request each; 0: one
 *                         request to which nobody comes
 *     accept-more N       the same by one request that goes on
 *
 * -q: a queue thread of the kernel submits (IORING_SETUP_SQPOLL). -s: no completion is asked for on success.
 * -o: the completion queue is kept full, so that every completion overflows.
 * RES is the expected -errno, or 0 for success. Exit status: 0 as expected, 1 not, 2 wrong
 * arguments, 3 this kernel has no io_uring or not this operation.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4

/* enum io_uring_op and flags: older headers lack the newest. */
enum {
	OP_NOP = 0,
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_OPENAT = 18,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_OPENAT2 = 28,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SOCKET = 45,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	SQE_CQE_SKIP = 1 << 6,
	CQE_MORE = 1 << 1,
	ACCEPT_MULTISHOT = 1 << 0,
};

struct uring {
	int fd;
	bool thread, quiet, overflow;
	unsigned *sq_head, *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct uring ring;

static void *map(size_t bytes, off_t what)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, what);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(3);
	}
	return p;
}

static void uring_open(void)
{
	struct io_uring_params p = { .flags = ring.thread ? IORING_SETUP_SQPOLL : 0,
				     .sq_thread_idle = 100 };
	char *sq, *cq;

	ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0) {
		perror("io_uring_setup");
		exit(3);
	}
	sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring.sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_head = (void *)(sq + p.sq_off.head);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_flags = (void *)(sq + p.sq_off.flags);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

static void uring_submit(const struct io_uring_sqe *sqe)
{
	unsigned tail = *ring.sq_tail, flags = 0;

	ring.sqes[tail & *ring.sq_mask] = *sqe;
	ring.sq_array[tail & *ring.sq_mask] = tail & *ring.sq_mask;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	if (ring.thread && !(__atomic_load_n(ring.sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP))
		return;
	if (ring.thread)
		flags = IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, ring.fd, ring.thread ? 0 : 1, 0, flags, NULL, 0) < 0)
		perror("io_uring_enter");
}

struct completion {
	int res;
	unsigned flags;
};

static struct completion uring_wait(void)
{
	struct completion ret;
	unsigned head = *ring.cq_head;

	while (head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
		syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	ret.res = ring.cqes[head & *ring.cq_mask].res;
	ret.flags = ring.cqes[head & *ring.cq_mask].flags;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return ret;
}

/* Fills the completion queue with nothing, so that what follows finds no room in it. */
static void uring_fill(void)
{
	struct io_uring_sqe nop = { .opcode = OP_NOP };

	for (unsigned i = 0; i <= *ring.cq_mask; i++)
		uring_submit(&nop);
}

static bool is_res(const char *what, int res, const char *want)
{
	if ((res < 0 ? res : 0) == atoi(want))
		return true;
	fprintf(stderr, "%s: %s\n", what, strerror(-res));
	exit(res == -EINVAL ? 3 : 1);
}

/* One operation to its end; true when it ended as wanted. */
static bool uring_do(const char *what, struct io_uring_sqe sqe, const char *want)
{
	int res;

	sqe.user_data = 7;
	if (ring.quiet)
		sqe.flags |= SQE_CQE_SKIP;
	uring_submit(&sqe);
	if ((ring.quiet && atoi(want) == 0) || ring.overflow) {
		usleep(100 * 1000);
		if (ring.overflow || *ring.cq_head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
			return true;
	}
	res = uring_wait().res;
	if (res > 2 && (sqe.opcode == OP_OPENAT || sqe.opcode == OP_OPENAT2))
		close(res);
	return is_res(what, res, want);
}

static struct io_uring_sqe at(uint8_t op, const char *path)
{
	return (struct io_uring_sqe){ .opcode = op, .fd = AT_FDCWD, .addr = (uintptr_t)path };
}

static bool do_open(char **a)
{
	return uring_do("open", at(OP_OPENAT, a[0]), a[1]);
}

static bool do_create(char **a)
{
	struct io_uring_sqe sqe = at(OP_OPENAT, a[0]);

	sqe.open_flags = O_CREAT | O_WRONLY | O_TRUNC;
	sqe.len = 0640;
	return uring_do("create", sqe, a[1]);
}

static bool do_openat2(char **a)
{
	struct open_how how = { .flags = O_RDWR | O_CLOEXEC };
	struct io_uring_sqe sqe = at(OP_OPENAT2, a[1]);

	sqe.fd = open(a[0], O_RDONLY | O_DIRECTORY);
	sqe.len = sizeof(how);
	sqe.off = (uintptr_t)&how;
	return uring_do("openat2", sqe, a[2]);
}

static bool do_mkdir(char **a)
{
	struct io_uring_sqe sqe = at(OP_MKDIRAT, a[0]);

	sqe.len = 0750;
	return uring_do("mkdir", sqe, a[1]);
}

static bool two(uint8_t op, char **a)
{
	struct io_uring_sqe sqe = at(op, a[0]);

	sqe.len = (uint32_t)AT_FDCWD;
	sqe.off = (uintptr_t)a[1];
	return uring_do("rename or link", sqe, a[2]);
}

static bool do_rename(char **a)
{
	return two(OP_RENAMEAT, a);
}

static bool do_link(char **a)
{
	return two(OP_LINKAT, a);
}

static bool do_symlink(char **a)
{
	struct io_uring_sqe sqe = at(OP_SYMLINKAT, a[0]);

	sqe.off = (uintptr_t)a[1];
	return uring_do("symlink", sqe, a[2]);
}

static bool do_unlink(char **a)
{
	return uring_do("unlink", at(OP_UNLINKAT, a[0]), a[1]);
}

static bool do_rmdir(char **a)
{
	struct io_uring_sqe sqe = at(OP_UNLINKAT, a[0]);

	sqe.unlink_flags = AT_REMOVEDIR;
	return uring_do("rmdir", sqe, a[1]);
}

static bool do_connect(char **a)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(a[0])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct io_uring_sqe sqe = at(OP_CONNECT, (char *)&sa);

	sqe.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sqe.off = sizeof(sa);
	return uring_do("connect", sqe, a[1]);
}

static bool do_socket(char **a)
{
	struct io_uring_sqe sqe = {
		.opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM, .len = IPPROTO_UDP
	};

	return uring_do("socket", sqe, a[0]);
}

#define SENDER_PORT 39125

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int udp_at(int port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (void *)&sa, sizeof(sa)) != 0) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static bool send_some(uint8_t op, char **a)
{
	static char hello[] = "hello";
	struct sockaddr_in sa = loopback(atoi(a[0]));
	struct io_uring_sqe sqe = { .opcode = op,
				    .fd = udp_at(SENDER_PORT),
				    .addr = (uintptr_t)hello,
				    .len = 5,
				    .off = (uintptr_t)&sa,
				    .splice_fd_in = sizeof(sa) }; /* addr_len */

	return uring_do("send", sqe, a[1]);
}

static bool do_send(char **a)
{
	return send_some(OP_SEND, a);
}

static bool do_send_zc(char **a)
{
	return send_some(OP_SEND_ZC, a);
}

static bool do_send_known(char **a)
{
	struct sockaddr_in sa = loopback(atoi(a[0]));
	struct io_uring_sqe sqe = { .opcode = OP_SEND, .fd = udp_at(SENDER_PORT) };

	if (connect(sqe.fd, (void *)&sa, sizeof(sa)) != 0)
		return false;
	sqe.addr = (uintptr_t)"hello";
	sqe.len = 5;
	return uring_do("send", sqe, a[1]);
}

static bool message_do(uint8_t op, int fd, struct sockaddr_in *sa, const char *want)
{
	static char text[] = "hello";
	struct iovec iov = { text, 5 };
	struct msghdr m = { .msg_name = sa, .msg_namelen = sizeof(*sa), .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe sqe = { .opcode = op, .fd = fd, .addr = (uintptr_t)&m, .len = 1 };

	return uring_do("message", sqe, want);
}

static bool do_sendmsg(char **a)
{
	struct sockaddr_in sa = loopback(atoi(a[0]));

	return message_do(OP_SENDMSG, udp_at(SENDER_PORT), &sa, a[1]);
}

static bool do_sendmsg_zc(char **a)
{
	struct sockaddr_in sa = loopback(atoi(a[0]));

	return message_do(OP_SENDMSG_ZC, udp_at(SENDER_PORT), &sa, a[1]);
}

/* A socket at @port at which something waits. */
static int udp_ready(int port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = udp_at(port), from = udp_at(SENDER_PORT);

	if (sendto(from, "hello", 5, 0, (void *)&sa, sizeof(sa)) != 5)
		perror("sendto");
	close(from);
	return fd;
}

static bool do_recv(char **a)
{
	static char room[8];
	struct io_uring_sqe sqe = { .opcode = OP_RECV, .fd = udp_ready(atoi(a[0])), .len = sizeof(room) };

	sqe.addr = (uintptr_t)room;
	return uring_do("recv", sqe, a[1]);
}

static bool do_recvmsg(char **a)
{
	struct sockaddr_in sa = { 0 };

	return message_do(OP_RECVMSG, udp_ready(atoi(a[0])), &sa, a[1]);
}

static bool accept_some(int n_conns, bool more)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct io_uring_sqe sqe = { .opcode = OP_ACCEPT,
				    .ioprio = more ? ACCEPT_MULTISHOT : 0,
				    .user_data = 9 };
	socklen_t n = sizeof(sa);

	sqe.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(sqe.fd, (void *)&sa, n) != 0 || listen(sqe.fd, 8) != 0 ||
	    getsockname(sqe.fd, (void *)&sa, &n) != 0) {
		perror("listen");
		return false;
	}
	if (n_conns == 0) {
		uring_submit(&sqe);
		uring_wait();
	}
	for (int i = 0; i < n_conns; i++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct completion cqe;

		if (i == 0 || !more)
			uring_submit(&sqe);
		if (connect(client, (void *)&sa, sizeof(sa)) != 0) {
			perror("connect");
			return false;
		}
		cqe = uring_wait();
		is_res("accept", cqe.res, "0");
		if (more && !(cqe.flags & CQE_MORE)) {
			fprintf(stderr, "accept: does not go on\n");
			return false;
		}
		close(cqe.res);
		close(client);
	}
	return true;
}

static bool do_accept(char **a)
{
	return accept_some(atoi(a[0]), false);
}

static bool do_accept_more(char **a)
{
	return accept_some(atoi(a[0]), true);
}

static const struct {
	const char *name;
	int args;
	bool (*run)(char **args);
} operations[] = {
	{ "open", 2, do_open },
	{ "create", 2, do_create },
	{ "openat2", 3, do_openat2 },
	{ "mkdir", 2, do_mkdir },
	{ "rename", 3, do_rename },
	{ "symlink", 3, do_symlink },
	{ "link", 3, do_link },
	{ "unlink", 2, do_unlink },
	{ "rmdir", 2, do_rmdir },
	{ "connect", 2, do_connect },
	{ "socket", 1, do_socket },
	{ "send", 2, do_send },
	{ "send-zc", 2, do_send_zc },
	{ "send-known", 2, do_send_known },
	{ "sendmsg", 2, do_sendmsg },
	{ "sendmsg-zc", 2, do_sendmsg_zc },
	{ "recv", 2, do_recv },
	{ "recvmsg", 2, do_recvmsg },
	{ "accept", 1, do_accept },
	{ "accept-more", 1, do_accept_more },
};

/* Runs the operation that stands first; how many words it was, or 0. */
static int operation(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(argv[0], operations[i].name) == 0 && argc > operations[i].args)
			return operations[i].run(argv + 1) ? operations[i].args + 1 : 0;
	fprintf(stderr, "not an operation with its arguments: %s\n", argv[0]);
	exit(2);
}

int main(int argc, char **argv)
{
	int at_word = 1, c;

	while ((c = getopt(argc, argv, "+qso")) != -1)
		switch (c) {
		case 'q':
			ring.thread = true;
			break;
		case 's':
			ring.quiet = true;
			break;
		case 'o':
			ring.overflow = true;
			break;
		default:
			return 2;
		}
	uring_open();
	if (ring.overflow)
		uring_fill();
	for (at_word = optind; at_word < argc;) {
		int n = operation(argc - at_word, argv + at_word);

		if (!n)
			return 1;
		at_word += n;
	}
	return 0;
}
